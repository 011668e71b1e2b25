# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment that the plugin runs in: what is installed, whether it works, and how to get what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import packages as packages
    from .checks import (
        HEADINGS as HEADINGS,
        check_installation as check_installation,
        installation_json as installation_json,
        verdict as verdict,
    )
    from .install import (
        PINS as PINS,
        WHEELS as WHEELS,
        Computer as Computer,
        install_missing as install_missing,
        pinned as pinned,
        private_folder as private_folder,
    )
    from .packages import FOR_ACCURACY as FOR_ACCURACY, require as require

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "": ["packages"],
        "checks": ["HEADINGS", "check_installation", "installation_json", "verdict"],
        "install": ["PINS", "WHEELS", "Computer", "install_missing", "pinned", "private_folder"],
        "packages": ["FOR_ACCURACY", "require"],
    },
)
