# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules for a Python file together."""

from __future__ import annotations

import ast

from . import hazards, oldpython, qgis4
from .names import origins


def objections(source: str) -> list[str]:
    """What is wrong with a Python file, as `line: text`, in the order of the lines."""
    try:
        tree = ast.parse(source, feature_version=oldpython.OLDEST)
    except SyntaxError as error:
        return [f"{error.lineno}: not Python {oldpython.OLDEST[0]}.{oldpython.OLDEST[1]}: {error.msg}"]
    known = origins(tree)
    found = [pair for rules in (hazards, oldpython, qgis4) for pair in rules.objections(tree, known)]
    return [f"{line}: {text}" for line, text in sorted(set(found))]
