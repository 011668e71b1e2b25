# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says about teachers: `[teachers.NAME]`, or `[[teachers.NAME]]` several times to average them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import band_names

from ..augment import radiometry
from ..toml_tables import Number, Share, Words, read

AS_IS: Final = "as_is"
AGREE: Final = "agree"
BY_LEVEL: Final = "by_level"
#: Processing level of sets whose values are surface reflectance.
SURFACE_LEVEL = "L2A"
#: (gain, addend) of the bands that a teacher of top-of-atmosphere values is shown brighter on surface reflectance.
L1C_LIKE: Mapping[str, tuple[float, float]] = MappingProxyType(
    {band: radiometry.L1C_LIKE[band] for band in ("blue", "green", "red", "rededge071")}
)


@dataclass(frozen=True)
class Stays:
    """A class of the student that the answer on values as they are decides alone.

    Pixels keep it where that answer is `name` and the reflectance of `band` is greater than `above`.
    """

    name: str
    band: str
    above: Number


@dataclass(frozen=True)
class TeacherSettings:
    """One teacher, as a table says it.

    Attributes:
        file: the network.
        classes: teacher's class → student's class; classes of equal name where empty.
        least_sure: smallest share of the teacher's most likely class with which a pixel is believed.
        surface: how a teacher that was made for top-of-atmosphere values is asked: `as_is`; `agree`: twice, on the
            values and on values brought roughly to the top of the atmosphere, and believed where both agree;
            `by_level`: `agree` on sets of the level L2A, `as_is` on others.
        coarse_bands: bands of pixels twice as large, stored repeated; they are interpolated first.
        weight: of this teacher's shares where several are averaged.
        l1c_like: band → (gain, addend) towards the top of the atmosphere.
        stays: see `Stays`; None without.
    """

    file: Path
    classes: Mapping[str, str] = field(default_factory=dict)
    least_sure: Share = 0.35
    surface: Literal["as_is", "agree", "by_level"] = AS_IS
    coarse_bands: Words = ()
    weight: Annotated[float, Meta(gt=0, le=1e9)] = 1.0
    l1c_like: Mapping[str, tuple[Number, Number]] = field(default_factory=lambda: dict(L1C_LIKE))
    stays: Stays | None = None

    def __post_init__(self) -> None:
        named = [*self.coarse_bands, *self.l1c_like, *([self.stays.band] if self.stays else [])]
        for name in named:
            if name not in band_names.WORDS:
                raise LulcError(f"{name!r} is not a common name of a band; known are {', '.join(band_names.WORDS)}.")

    def twice(self, level: str) -> bool:
        """Whether an image of this processing level is asked about twice."""
        return self.surface == AGREE or (self.surface == BY_LEVEL and level == SURFACE_LEVEL)


def parse(table: Mapping[str, Any] | Sequence[Mapping[str, Any]], folder: Path) -> tuple[TeacherSettings, ...]:
    """Settings of `[teachers.NAME]`, or of each `[[teachers.NAME]]`.

    Args:
        table: the TOML table, or a list of them.
        folder: relative files are sought from here: where the configuration lies.

    Raises:
        LulcError: an unknown entry, an impossible value, or an environment variable that is not set.
    """
    tables = [table] if isinstance(table, Mapping) else list(table)
    if not tables:
        raise LulcError("The list of teachers is empty.")
    return tuple(_one(t, folder) for t in tables)


def _one(table: Mapping[str, Any], folder: Path) -> TeacherSettings:
    where = f"The teacher {table.get('file', 'without a file')}:"
    if not isinstance(table.get("file"), str):
        raise LulcError("A teacher needs a file.", 'Write file = "network.onnx", or file = "$VARIABLE/network.onnx".')
    stays = None if table.get("stays") is None else read(Stays, table["stays"], f"{where} stays")
    return read(TeacherSettings, table, where, file=_path(table["file"], folder), stays=stays)


def _path(text: str, folder: Path) -> Path:
    expanded = os.path.expandvars(text)
    if "$" in expanded:
        raise LulcError(
            f"The teacher's file {text} names an environment variable that is not set.",
            "Set it, or name the file with --teacher.",
        )
    path = Path(expanded)
    return path if path.is_absolute() else folder / path
