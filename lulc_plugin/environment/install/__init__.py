# SPDX-License-Identifier: GPL-3.0-or-later
"""Missing packages into a private folder that is whole or not there: which ones and versions, pip, verification.

Standard library only: it has to run where everything else is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import private_folder as private_folder
    from .installer import install_missing as install_missing
    from .pins import PINS as PINS, WHEELS as WHEELS, Computer as Computer, pinned as pinned

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "": ["private_folder"],
        "installer": ["install_missing"],
        "pins": ["PINS", "WHEELS", "Computer", "pinned"],
    },
)
