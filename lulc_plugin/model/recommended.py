# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the bundled networks, the one to begin with first, for a list in a dialog.

QGIS makes such lists at every start, so the descriptions are not read whole: that needs numpy, this takes milliseconds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import bundled
from . import ranking
from .ranking import Standing


def names() -> tuple[str, ...]:
    """Names of the bundled networks in the order of `catalogue.entries`; one without a usable description comes last.

    Raises:
        LulcError: the installation is incomplete.
    """
    ours, place = bundled.model_names(), bundled.folder("models")
    found = [_standing(name, place / f"{name}.json") for name in ours]
    return tuple(ours[i] for i in ranking.ordered(found))


def _standing(name: str, sidecar: Path) -> Standing:
    """What a description says of a network's rank; only the name where it cannot be read."""
    try:
        said = json.loads(sidecar.read_text(encoding="utf-8"))["properties"]
        return Standing(name, len(said["bands"]), _map_speed(said), _scores(said))
    except (OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        return Standing(name)  # running it says what is wrong with it


def _map_speed(said: dict[str, Any]) -> float:
    window = said["lulc:window"]
    return ranking.map_speed(float(said["lulc:speed"]), int(window["size"]), int(window["margin"]))


def _scores(said: dict[str, Any]) -> dict[str, float]:
    tested = [s for s in said.get("lulc:accuracy", ()) if s["split"] == "test" and s.get("miou") is not None]
    return {str(s["dataset"]): float(s["miou"]) for s in tested}
