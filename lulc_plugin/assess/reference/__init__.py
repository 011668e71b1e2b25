# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a user gives as reference: vector files and tables of points, and what their columns say."""

from .delimited_text import read_table
from .places import where_they_lie

__all__ = ["read_table", "where_they_lie"]
