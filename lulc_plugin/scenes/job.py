# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for when layers are stacked, and what comes out; plain values, nothing opened."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionInvalid
from ..options import option
from ..raster import RasterInput

AUTO = "auto"
RESAMPLING = (AUTO, "nearest", "bilinear", "mean")


@dataclass(frozen=True)
class StackJob:
    """Layers to put on one grid.

    Attributes:
        layers: any rasters, in the order of the stack.
        grid: the one whose pixels the stack has; None: the first layer.
        resampling: one of `RESAMPLING`; `auto`: mean where pixels are finer than the grid's, bilinear where they are
            coarser, nearest for class maps.
    """

    layers: tuple[RasterInput, ...]
    grid: RasterInput | None = None
    resampling: str = AUTO

    def __post_init__(self) -> None:
        if not self.layers:
            raise OptionInvalid("There is no layer to stack.", f"Give one or more in {option('layers')}.")
        if self.resampling not in RESAMPLING:
            raise OptionInvalid(
                f"{option('resampling')} is {self.resampling!r}.", f"It is one of {', '.join(RESAMPLING)}."
            )


@dataclass(frozen=True)
class StackedBand:
    """A band of the stack: `layer` and `band` where it is from, its `name`, `dtype`, and how it was `resampled`."""

    layer: str
    band: int
    name: str
    dtype: str
    resampled: str


@dataclass(frozen=True)
class StackResult:
    """The stack's file, its bands, and sentences on what was done."""

    output: str
    bands: tuple[StackedBand, ...]
    notes: tuple[str, ...]
