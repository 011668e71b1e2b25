# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the code not newer than the oldest Python that QGIS 3.22 brings (3.9, on Windows and macOS)?"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .names import Origins, full_name, imported, within

OLDEST = (3, 9)
NEW_NAMES = "itertools.pairwise datetime.UTC tomllib types.NoneType contextlib.chdir enum.StrEnum".split()
NEW_TYPING = "TypeAlias ParamSpec Concatenate TypeGuard Self Never assert_never override Unpack".split()
NEW_ARGUMENTS = {"zip": ("strict",), "dataclass": ("slots", "kw_only"), "dataclasses.dataclass": ("slots", "kw_only")}


def objections(tree: ast.AST, known: Origins) -> Iterator[tuple[int, str]]:
    """(line, what is too new)."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imported(node):
                typing = name.startswith("typing.") and name[len("typing.") :] in NEW_TYPING
                if typing or any(within(name, new) for new in NEW_NAMES):
                    yield node.lineno, f"{name} is newer than Python {OLDEST[0]}.{OLDEST[1]}"
        elif isinstance(node, ast.Call):
            name = full_name(node.func, known)
            for keyword in node.keywords:
                if keyword.arg in NEW_ARGUMENTS.get(name, ()):
                    yield node.lineno, f"{name}({keyword.arg}=) needs Python 3.10"
