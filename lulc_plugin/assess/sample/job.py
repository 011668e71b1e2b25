# SPDX-License-Identifier: GPL-3.0-or-later
"""A reference sample: what a user asks for (`SampleJob`), and the points that were drawn (`Sample`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from ...errors import OptionInvalid
from ...raster import RasterInput
from ..class_names import whole_number
from .allocation import ALLOCATIONS, FEWEST, standard_error

#: Expected user's accuracy: of all classes, of each in the order of the values, or by class value.
Expected = Union[float, tuple[float, ...], Mapping[int, float]]
#: More points than this cannot be labelled.
MOST_POINTS = 1_000_000
LARGEST_SEED = 2**31 - 1

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SampleJob:
    """A stratified sample of a map whose classes are the strata.

    Attributes:
        map: the map.
        size: points; 0: as many as `half_width` needs.
        half_width: wanted half-width of the confidence interval of overall accuracy, a share.
        level: confidence level, 0..1.
        expected_users: user's accuracy that is expected.
        allocation: one of `ALLOCATIONS`.
        min_per_class: `olofsson`: points of each rare class, else fewest points of any class; None: the rule's own.
        min_distance: metres between any two points; 0: none.
        seed: 0 to 2147483647; None: a new one, which the sample tells.

    Raises:
        OptionInvalid: a value outside its range.
    """

    map: RasterInput
    size: int = 0
    half_width: float = 0.03
    level: float = 0.95
    expected_users: Expected = 0.8
    allocation: str = "olofsson"
    min_per_class: int | None = None
    min_distance: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        standard_error(self.half_width, self.level)
        if not 0 <= self.size <= MOST_POINTS:
            raise OptionInvalid(
                f"The sample size is {self.size}.",
                f"Give a number up to {MOST_POINTS:,}, or 0 to have it computed from the wanted half-width.",
            )
        if self.allocation not in ALLOCATIONS:
            raise OptionInvalid(f"The allocation is {self.allocation!r}.", f"It is one of {', '.join(ALLOCATIONS)}.")
        if self.min_per_class is not None and not FEWEST <= self.min_per_class <= MOST_POINTS:
            raise OptionInvalid(
                f"The minimum per class is {self.min_per_class}.",
                f"At least {FEWEST} points are needed to estimate an error.",
            )
        if not 0 <= self.min_distance <= 1e7:  # also refuses NaN
            raise OptionInvalid(
                f"The minimum distance is {self.min_distance:g} m.", "Give metres, 0 to 10,000,000; 0 for none."
            )
        if self.seed is not None and not 0 <= self.seed <= LARGEST_SEED:
            raise OptionInvalid(f"The seed is {self.seed}.", f"Give a whole number from 0 to {LARGEST_SEED}.")
        _check(self.expected_users)


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
        half_width: the same as the half-width of a normal interval at `level`.
        interval: of overall accuracy, as the accuracy report gives it if the map is as accurate as expected.
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
    interval: tuple[float, float]
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


def expected_from_text(text: str) -> Expected:
    """Expected user's accuracies as people type them: `0.8`, `0.7;0.6;0.9`, or `1=0.7;2=0.6`.

    Raises:
        LulcError: none of these forms, or a number outside (0, 1).
    """
    expected = _parsed(text)
    if expected is None:
        raise OptionInvalid(
            f"The expected user's accuracy is {text!r}.",
            "Write one number (0.8), one for each class in the order of the class values (0.7;0.6;0.9), or class=number"
            " (1=0.7;2=0.6), with points as decimal marks.",
        )
    _check(expected)
    return expected


def _parsed(text: str) -> Expected | None:
    """The numbers in a text; None where it has none of the three forms."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    pairs = [part.split("=") for part in parts]
    try:
        if parts and all(len(pair) == 2 for pair in pairs):
            by_value = {whole_number(value): float(users) for value, users in pairs}
            known = {value: users for value, users in by_value.items() if value is not None}
            return known if len(known) == len(pairs) else None
        if parts and all(len(pair) == 1 for pair in pairs):
            numbers = tuple(float(part) for part in parts)
            return numbers if len(numbers) > 1 else numbers[0]
    except ValueError:
        return None
    return None


def expected_of(expected: Expected, values: tuple[int, ...]) -> tuple[float, ...]:
    """The expected user's accuracy of each class of a map.

    Args:
        expected: as the user gave them.
        values: class values of the map, ascending.

    Raises:
        LulcError: it does not name each class of the map.
    """
    classes = ", ".join(map(str, values[:20])) + (", …" if len(values) > 20 else "")
    if isinstance(expected, Mapping):
        absent = [value for value in values if value not in expected]
        if absent:
            raise OptionInvalid(
                f"No expected accuracy is given for class {absent[0]} of the map"
                + (f" and {len(absent) - 1} more." if len(absent) > 1 else "."),
                f"The map has the classes {classes}: give each, or one number for all.",
            )
        strange = [value for value in expected if value not in values]
        if strange:
            raise OptionInvalid(
                f"An expected accuracy is given for class {strange[0]}, which the map does not have.",
                f"It has the classes {classes}.",
            )
        return tuple(expected[value] for value in values)
    if isinstance(expected, tuple):
        if len(expected) != len(values):
            raise OptionInvalid(
                f"{len(expected)} expected accuracies are given, but the map has {len(values)} classes.",
                f"Its classes are {classes}: give as many numbers in this order, or one for all.",
            )
        return expected
    return (expected,) * len(values)


def _numbers(expected: Expected) -> tuple[float, ...]:
    if isinstance(expected, Mapping):
        return tuple(expected.values())
    return expected if isinstance(expected, tuple) else (expected,)


def _check(expected: Expected) -> None:
    for users in _numbers(expected):
        if not 0 < users < 1:
            raise OptionInvalid(
                f"An expected user's accuracy is {users:g}.",
                "Give shares between 0 and 1, without both ends, such as 0.8 for 80 %.",
            )
