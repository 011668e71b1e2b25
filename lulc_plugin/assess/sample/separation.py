# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw points that keep a distance from each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import LulcError
from ...progress import Progress
from ...raster import PixelAreas
from ..overlay import RasterOnMap
from .map_classes import MapClasses
from .random_order import Draws, Lottery
from .spacing import Ruler, Spacing

Ints = npt.NDArray[np.int64]

_SHOWN = 10
#: Candidates at first for each point; at most for each class; and for all classes together.
_TRIED_FIRST, _TRIED_MOST, _TRIED_IN_ALL = 8, 200_000, 20_000_000


def draw_apart(
    lottery: Lottery,
    layer: RasterOnMap,
    areas: PixelAreas | None,
    ruler: Ruler,
    distance: float,
    classes: MapClasses,
    points: Sequence[int],
    progress: Progress,
    start: float,
) -> list[Draws]:
    """Draw points that are at least `distance` metres apart.

    Candidates are taken in random order if they are far enough from all that were accepted before, in the class with
    the fewest pixels first. The map is read again for more of them where those of a class do not do.

    Args:
        lottery: numbers of the pixels.
        layer: the map, open.
        areas: areas of its pixels.
        ruler: measures on this map.
        distance: metres.
        classes: the map's classes.
        points: wanted of each.
        progress: asked whether to stop; goes from `start` to 100 %.
        start: percent done before.

    Raises:
        LulcError: the distance leaves too few points.
        CancelledError: the user stopped.
    """
    pixels = np.asarray(classes.pixels)
    wanted = np.asarray(points)
    most = np.minimum(pixels, np.maximum(_TRIED_FIRST * wanted, min(_TRIED_MOST, _TRIED_IN_ALL // len(pixels))))
    tried = np.minimum(most, _TRIED_FIRST * wanted + 1000)
    grid = layer.facts.grid
    while True:
        draws = lottery.draw(layer, areas, tried.tolist(), progress, start)
        spacing = Spacing(ruler.straight(distance))
        chosen: list[Draws] = [draws[0]] * len(draws)
        for i in np.argsort(pixels, kind="stable"):
            progress.check()
            row, col, number = (column[: tried[i]] for column in draws[i])
            taken = spacing.accept(ruler.positions(*grid.centres(row, col)), int(wanted[i]))
            chosen[i] = (row[taken], col[taken], number[taken])
        short = [i for i, c in enumerate(chosen) if len(c[0]) < wanted[i]]
        if not short:
            return chosen
        if all(tried[i] == most[i] for i in short):
            raise _too_far(distance, classes, short, chosen, wanted, tried)
        tried[short] = np.minimum(most[short], tried[short] * 20)
        start = 100.0


def _too_far(
    distance: float, classes: MapClasses, short: Sequence[int], chosen: Sequence[Draws], wanted: Ints, tried: Ints
) -> LulcError:
    said = [
        f"class {classes.label(i)}: {len(chosen[i][0])} of {wanted[i]} points possible at {distance:g} m"
        + ("" if tried[i] == classes.pixels[i] else f" ({tried[i]:,} of its {classes.pixels[i]:,} pixels tried)")
        for i in short[:_SHOWN]
    ]
    more = f"; and {len(short) - _SHOWN} more classes" if len(short) > _SHOWN else ""
    return LulcError(
        f"The points cannot be kept apart: {'; '.join(said)}{more}.",
        "Choose a smaller minimum distance, a smaller sample, or another allocation.",
    )
