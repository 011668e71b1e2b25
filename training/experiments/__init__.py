# SPDX-License-Identifier: GPL-3.0-or-later
"""Experiments whose tables and figures `training/README.md` shows."""
