# SPDX-License-Identifier: GPL-3.0-or-later
"""Points from one coordinate system to another, exactly; an invalid point does not affect the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.warp import transform as transform_points

from . import gdal

FloatArray = npt.NDArray[np.float64]
#: No place on earth has such a coordinate.
_ABSURD = 1e30


def transform_coordinates(
    source: Any, target: Any, x: npt.ArrayLike, y: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Points in another coordinate system.

    Args:
        source: the points' system, a `rasterio.crs.CRS`.
        target: the system wanted.
        x: abscissae `(n,)`.
        y: ordinates `(n,)`.

    Returns:
        abscissae and ordinates `(n,)`; NaN where there is no such place, or no transformation at all.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    out_x, out_y = np.full(xs.shape, np.nan), np.full(ys.shape, np.nan)
    good = np.flatnonzero((np.abs(xs) < _ABSURD) & (np.abs(ys) < _ABSURD))
    with gdal.environment():
        parts = [good]
        while parts:
            part = parts.pop()
            if not part.size:
                continue
            try:
                part_x, part_y = transform_points(source, target, xs[part], ys[part])
            except Exception:  # GDAL's errors share no public base; some of them let one point stop all
                if part.size > 1:
                    parts += [part[: part.size // 2], part[part.size // 2 :]]
                continue
            out_x[part], out_y[part] = part_x, part_y
    bad = ~(np.isfinite(out_x) & np.isfinite(out_y))
    out_x[bad] = out_y[bad] = np.nan
    return out_x, out_y
