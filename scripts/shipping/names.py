# SPDX-License-Identifier: GPL-3.0-or-later
"""What the names in a Python file stand for, read from its syntax tree; nothing is imported or run."""

from __future__ import annotations

import ast

#: Local name → full name.
Origins = dict[str, str]


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` of a name or attribute, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Full names that an import statement brings; none for a relative import."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        return []
    return [f"{node.module}.{alias.name}" for alias in node.names]


def origins(tree: ast.AST) -> Origins:
    """What each imported name of a file stands for, wherever in the file it is imported."""
    found: Origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds a, `import a.b as c` binds all of it
                head = alias.name.partition(".")[0]
                found[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom):
            for alias, name in zip(node.names, imported(node)):
                found[alias.asname or alias.name] = name
    return found


def full_name(node: ast.AST | None, known: Origins) -> str:
    """`dotted`, with the first part replaced by what was imported under it."""
    head, dot, rest = dotted(node).partition(".")
    return known.get(head, head) + dot + rest


def within(name: str, module: str) -> bool:
    """Whether `name` is the module or something in it."""
    return name == module or name.startswith(module + ".")
