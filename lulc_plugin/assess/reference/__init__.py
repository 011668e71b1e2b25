# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a user gives as reference: vector files and tables of points, and what their columns say."""

from .places import where_they_lie

__all__ = ["where_they_lie"]
