# SPDX-License-Identifier: GPL-3.0-or-later
"""Published data sets as they are delivered: which files are images and masks, their classes, bands and licence.

A preset is a TOML file in this folder. Its keys are options of `training.prepare chips`; what a person says goes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin.errors import LulcError

from ...toml_tables import NotNegative, Tables, Words, read

_FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@dataclass(frozen=True)
class Preset:
    """A data set as it is delivered.

    Attributes:
        title, credit, licence: as its publishers want it named.
        give: which folders to name, for a message.
        image, mask: patterns, see `scenes.paired_files`.
        bands: in the order of the files.
        classes: with values, names and colours; the file itself is read as a legend.
        values: what the numbers are.
        gsd: metres; 0: the files say it.
        snap: see `masks.decode`.
        place_pattern: what of a name is the place; empty: each image is one.
        splits: name of a folder → split of all images in it.
    """

    title: str
    credit: str
    licence: str
    give: str
    image: str
    mask: str
    bands: Words
    classes: Tables
    values: str = "picture"
    gsd: NotNegative = 0.0
    snap: NotNegative = 0.0
    place_pattern: str = ""
    splits: Mapping[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """Option of `chips` → its value, where the preset has one."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("give", "classes", "splits")}
        values["bands"] = ",".join(self.bands)
        return {name: value for name, value in values.items() if value}


def legend_of(name: str) -> Path:
    """The file of a preset, which is a legend, too.

    Raises:
        LulcError: there is no such preset.
    """
    if name not in NAMES:
        raise LulcError(f"There is no preset {name!r}.", f"There are {', '.join(NAMES)}.")
    return _FOLDER / f"{name}.toml"


def read_preset(name: str) -> Preset:
    """A preset.

    Raises:
        LulcError: there is no such preset.
    """
    return read(Preset, tomllib.loads(legend_of(name).read_text(encoding="utf-8")), f"preset {name}:")
