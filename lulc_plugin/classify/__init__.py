# SPDX-License-Identifier: GPL-3.0-or-later
"""The main line: a job becomes a plan, the plan becomes a map."""
