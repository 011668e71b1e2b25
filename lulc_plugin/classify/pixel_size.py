# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel size: whether a layer's pixels are as large as those a model was made for, and how they are resampled if not.

Along each axis by itself: a size inside the model's range stays as it is, another one becomes the nearest end of the
range. That is the least change after which the network sees pixels it knows; going on to the middle of the range would
only throw away more detail, or invent more.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LulcError
from ..model import ModelSpec
from ..raster import AxisScale, LayerFacts, Resampling, areas
from .job import AUTO

#: A range is widened by this share of each end: 10 to 30 m takes 9.5 to 31.5 m.
_TOLERANCE = 0.05
#: What arithmetic adds to a pixel size.
_NOISE = 1e-9
#: A pixel size outside the model's range by more than this factor is refused.
_TOO_FAR = 4.0
#: Resampling by more than this factor is for the user to ask for: no network is chosen for such pixels.
MOST_UNASKED = 1.5
#: Pixel sizes are known to about this much.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class PixelFit:
    """How a layer's pixels go with a model.

    Attributes:
        resampling: None where the layer is taken as it is.
        inside: whether the sizes are those the model was made for, or unknown.
        factor: how many times the sizes lie outside the model's range; 1 where they lie inside.
        warnings: for the user.
        notes: what was decided.
        before: height and width of a pixel in metres, None when unknown or not resampled.
        after: height and width of a model pixel.
    """

    resampling: Resampling | None = None
    inside: bool = True
    factor: float = 1.0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None

    @property
    def is_unasked(self) -> bool:
        """Whether a network for such pixels may be chosen without the user."""
        return self.factor <= MOST_UNASKED * (1 + _ROUNDING)


def fit_pixels(spec: ModelSpec, facts: LayerFacts, resample: str = AUTO) -> PixelFit:
    """Compare the size of a layer's pixels with the range of a model.

    Args:
        spec: the model.
        facts: the layer.
        resample: `auto`, or `never`: the layer is taken as it is whatever its pixels.

    Raises:
        LulcError: the size is more than four times outside the range.
    """
    size = areas.pixel_size(facts.grid)
    if size is None or spec.gsd_range is None:
        return PixelFit()
    low, high = spec.gsd_range
    targets = (_target(size[0], low, high), _target(size[1], low, high))
    if targets == size:
        return PixelFit()
    words = f"{facts.name} has pixels of {metres(size)}; {spec.name} was made for {low:g} to {high:g} m"
    outside = max(max(low / s, s / high) for s in size)
    if outside > _TOO_FAR * (1 + _ROUNDING):
        raise LulcError(
            f"{words}, which is {outside:.3g} times off; more than {_TOO_FAR:g} times is refused.",
            "Use a layer or a model of the right pixel size.",
        )
    if resample != AUTO:
        warning = f"{words}. They are taken as they are, as asked for; expect a poorer map."
        return PixelFit(inside=False, factor=outside, warnings=(warning,))
    scales = [AxisScale(n, t / s) for n, t, s in zip((facts.height, facts.width), targets, size)]
    rows, cols = scales
    change = f"resampled from {metres(size)} to {metres(targets)}"
    return PixelFit(
        Resampling(rows, cols),
        False,
        outside,
        (f"{words}. They are {change} for the network; {_expected_quality(rows, cols)}.",),
        (
            f"Pixels {change} for the network: rows by {rows.factor:.4g}, columns by {cols.factor:.4g},"
            f" {rows.count:,} × {cols.count:,} model pixels; the map keeps the layer's pixels",
        ),
        size,
        targets,
    )


def made_for(spec: ModelSpec, facts: LayerFacts) -> str:
    """`made for pixels of 10 to 30 m, and those of the layer have 2.4 m`; empty where either is unknown."""
    size = areas.pixel_size(facts.grid)
    if size is None or spec.gsd_range is None:
        return ""
    low, high = spec.gsd_range
    return f"made for pixels of {low:g} to {high:g} m, and those of the layer have {metres(size)}"


def _target(size: float, low: float, high: float) -> float:
    if size < low * (1 - _TOLERANCE) * (1 - _NOISE):
        return low
    if size > high * (1 + _TOLERANCE) * (1 + _NOISE):
        return high
    return size


def _expected_quality(rows: AxisScale, cols: AxisScale) -> str:
    if min(rows.factor, cols.factor) < 1:
        # measured on the first network's validation places: 0.73 instead of 0.75 overall accuracy at 60 m
        return "larger pixels hold no detail to find again, so compare the map with one made without resampling"
    return "expect a poorer map than from pixels of that size"


def metres(size: tuple[float, float]) -> str:
    """Height and width in words: `2.4 m`, or `55.7 m (down) × 27.9 m (across)`."""
    down, across = (f"{s:.3g} m" if s < 1000 else f"{s:.0f} m" for s in size)
    return down if down == across else f"{down} (down) × {across} (across)"
