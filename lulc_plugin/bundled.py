# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the networks and legends that come with this program lie: plugin folder or installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import NotInstalled

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `models` or `legends`.

    Raises:
        LulcError: the installation is incomplete.
    """
    in_plugin = {"models": _PACKAGE.parent / "models", "legends": _PACKAGE.parent / "resources" / "legends"}[name]
    in_wheel = _PACKAGE / "_bundled" / name
    # the wheel's copy first: beside an installed package, in site-packages, another package may have "models"
    for place in (in_wheel, in_plugin):
        if os.path.isdir(place):
            return place
    raise NotInstalled(f"The folder {name!r} of this program is missing.", "Install the plugin again.")


def model_names() -> tuple[str, ...]:
    """Names of the bundled networks, in alphabetical order."""
    return tuple(sorted(p.stem for p in folder("models").glob("*.onnx")))
