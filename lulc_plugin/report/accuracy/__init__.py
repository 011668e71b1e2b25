# SPDX-License-Identifier: GPL-3.0-or-later
"""The accuracy report: an assessment or a comparison as HTML, CSV and JSON."""

from .contents import assessed, compared
from .files import assess_and_report, check_outputs, compare_and_report, csv_text, html_text, write
from .json_facts import json_object
from .sample_sentences import correction_sentence, design_sentence, mcnemar_note

__all__ = [
    "assess_and_report",
    "assessed",
    "check_outputs",
    "compare_and_report",
    "compared",
    "correction_sentence",
    "csv_text",
    "design_sentence",
    "html_text",
    "json_object",
    "mcnemar_note",
    "write",
]
