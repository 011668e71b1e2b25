# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of a package that are imported when they are first used: QGIS starts fast, and without heavy packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_exports(package: str, exports: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], list[str]]:
    """The `__getattr__` (PEP 562) and the `__all__` of a package whose names lie in its modules.

    The same names stand in the package under `if TYPE_CHECKING` for type checkers and editors; a test compares both.

    Args:
        package: `__name__` of the package.
        exports: module below the package (empty: the package itself) → names that it has, or modules in it.

    Returns:
        What the package assigns to `__getattr__` and `__all__`.
    """
    module_of = {name: module for module, names in exports.items() for name in names}

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = module_of[name]
        parent = import_module(f".{module}" if module else ".", package) if module else None
        if parent is not None and hasattr(parent, name):
            return getattr(parent, name)
        return import_module(f".{module}.{name}" if module else f".{name}", package)

    return get, sorted(module_of)
