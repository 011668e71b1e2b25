# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference sample: how many points, and where."""
