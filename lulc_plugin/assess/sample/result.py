# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference sample as it was drawn: numbers only; the adapters make a layer and a log of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampledStratum:
    """A class of the map as a stratum; `hectares` is None when the pixel size is unknown, `se_users` is expected."""

    value: int
    name: str
    pixels: int
    hectares: float | None
    share: float
    points: int
    expected_users: float
    se_users: float


@dataclass(frozen=True)
class Sample:
    """Points to be labelled, in random order; arrays are `(n,)`.

    Attributes:
        x, y: pixel centres in the map's CRS.
        row, col: the pixels.
        map_class: class value, which is also the stratum.
        stratum_px: valid pixels of the stratum.
        stratum_ha: its hectares, None when the pixel size is unknown.
        weight: size of the stratum over its number of points; pixels, or hectares when `weighting` is "area".
        weighting: "area" when points were drawn with probability proportional to the pixels' areas, else "pixel".
        seed: repeats this sample.
        strata: what was drawn from each class, by value.
        legend: (value, name) of every class that a point may be given: the map's legend and its values.
        crs: the map's `rasterio.crs.CRS`, or None.
        asked: points asked for or computed, before the allocation raised them.
        unrounded: what the formula gave; None when the size was given.
        wanted_half_width: None when the size was given.
        se_overall: expected standard error of overall accuracy.
        half_width: the same as the half-width of an interval at `level`.
        notes: sentences for the log.
        warnings: sentences that must not be overlooked.
    """

    x: Floats
    y: Floats
    row: Ints
    col: Ints
    map_class: Ints
    stratum_px: Ints
    stratum_ha: Floats | None
    weight: Floats
    weighting: str
    seed: int
    strata: tuple[SampledStratum, ...]
    legend: tuple[tuple[int, str], ...]
    crs: Any
    asked: int
    unrounded: float | None
    wanted_half_width: float | None
    se_overall: float
    half_width: float
    level: float
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def stratum(self) -> Ints:
        """The stratum's class value."""
        return self.map_class

    @property
    def map_name(self) -> tuple[str, ...]:
        """Name of each point's class."""
        names = {s.value: s.name for s in self.strata}
        return tuple(names[int(value)] for value in self.map_class)
