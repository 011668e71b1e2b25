# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a bare network from what a person says about it and what its graph shows."""

from . import probe

__all__ = ["probe"]
