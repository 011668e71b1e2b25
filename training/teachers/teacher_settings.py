# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says about teachers: `[teachers.NAME]`, or `[[teachers.NAME]]` several times to average them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import band_names

from ..augment import radiometry

AS_IS, AGREE, BY_LEVEL = "as_is", "agree", "by_level"
SURFACES = (AS_IS, AGREE, BY_LEVEL)
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
    above: float


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
    least_sure: float = 0.35
    surface: str = AS_IS
    coarse_bands: tuple[str, ...] = ()
    weight: float = 1.0
    l1c_like: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(L1C_LIKE))
    stays: Stays | None = None

    def __post_init__(self) -> None:
        if self.surface not in SURFACES:
            raise LulcError(f"surface is {self.surface!r}, none of {', '.join(SURFACES)}.")
        if not 0 <= self.least_sure <= 1:
            raise LulcError(f"least_sure is {self.least_sure}; a share lies between 0 and 1.")
        if not self.weight > 0:
            raise LulcError(f"The weight of a teacher is {self.weight}; it must be positive.")
        named = [*self.coarse_bands, *self.l1c_like, *([self.stays.band] if self.stays else [])]
        for name in named:
            if name not in band_names.WORDS:
                raise LulcError(f"{name!r} is no common name of a band; known are {', '.join(band_names.WORDS)}.")

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
    known = [f.name for f in fields(TeacherSettings)]
    for key in table:
        if key not in known:
            raise LulcError(f"A teacher has no setting {key!r}; known are {', '.join(known)}.")
    if not isinstance(table.get("file"), str):
        raise LulcError("A teacher needs a file.", 'Write file = "network.onnx", or file = "$VARIABLE/network.onnx".')
    said: dict[str, Any] = {**table, "file": _path(table["file"], folder)}
    try:
        if "classes" in said:
            said["classes"] = {str(k): str(v) for k, v in said["classes"].items()}
        if "coarse_bands" in said:
            said["coarse_bands"] = tuple(said["coarse_bands"])
        if "l1c_like" in said:
            said["l1c_like"] = {k: (float(gain), float(add)) for k, (gain, add) in said["l1c_like"].items()}
        if "stays" in said:
            stays = said["stays"]
            said["stays"] = Stays(str(stays["name"]), str(stays["band"]), float(stays["above"]))
        for key in ("least_sure", "weight"):
            if key in said:
                said[key] = float(said[key])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LulcError(
            f"The settings of the teacher {table['file']} cannot be read: {error}.",
            'Examples: classes = {trees = "Trees"}, l1c_like = {blue = [0.85, 0.07]},'
            ' stays = {name = "Bare", band = "red", above = 0.16}.',
        ) from None
    return TeacherSettings(**said)


def _path(text: str, folder: Path) -> Path:
    expanded = os.path.expandvars(text)
    if "$" in expanded:
        raise LulcError(
            f"The teacher's file {text} names an environment variable that is not set.",
            "Set it, or name the file with --teacher.",
        )
    path = Path(expanded)
    return path if path.is_absolute() else folder / path
