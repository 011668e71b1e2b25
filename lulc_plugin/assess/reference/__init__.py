# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gives as reference: files and tables, their columns, and which classes mean the same."""

from .class_table import Pairs, whole_number

__all__ = [
    "Pairs",
    "whole_number",
]
