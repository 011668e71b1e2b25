# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptions of networks as STAC Items with the Machine Learning Model extension, read and written."""

from . import json_values
from .model_input import MOST_BANDS, unnamed_bands
from .model_output import FRACTIONS, MOST_CLASSES, centred_cut, two_classes
from .reading import from_item, from_text, read
from .writing import as_text, to_item, write, written_properties

__all__ = [
    "FRACTIONS",
    "MOST_BANDS",
    "MOST_CLASSES",
    "as_text",
    "centred_cut",
    "from_item",
    "from_text",
    "json_values",
    "read",
    "to_item",
    "two_classes",
    "unnamed_bands",
    "write",
    "written_properties",
]
