# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of accuracy: result → facts (JSON) → document → HTML and CSV."""

from .accuracy.facts import json_object
from .files import check_outputs, csv_text, html_text, write

__all__ = ["check_outputs", "csv_text", "html_text", "json_object", "write"]
