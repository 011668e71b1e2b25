# SPDX-License-Identifier: GPL-3.0-or-later
"""Combinations of any layers in one block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...raster import BoolArray, PixelAreas, PixelRegion
from .raster_on_map import LayerOnMap
from .tally import Entry, Tally

Codes = npt.NDArray[np.int64]
#: Values that lie closer together than this are counted by table, others are sorted.
_SPAN = 1 << 16
#: Bins of a count beyond which sorting is cheaper.
_BINS = 1 << 20
#: Pixels coded at a time: their codes stay in a processor's cache.
_CHUNK = 1 << 17


def combinations(
    layers: Sequence[LayerOnMap], areas: PixelAreas | None, region: PixelRegion, tally: Tally
) -> list[Entry]:
    """Read a block of all layers and count.

    Args:
        layers: the map first.
        areas: of the map's pixels if they differ; None: the areas returned are 0.
        region: the block.
        tally: hears which values occur.

    Raises:
        LulcError: a layer has too many distinct values, or cannot be read.
    """
    read: list[tuple[npt.NDArray[Any], BoolArray]] = []
    for layer in layers:
        read.append(layer.read(region))
        if not read[0][1].any():
            return []  # nothing of the map here: nothing else is read
    groups = None if areas is None else areas.groups(region.row0, region.row1, region.col0, region.col1)
    out: list[Entry] = []
    rows = max(1, _CHUNK // region.width)
    for row in range(0, region.height, rows):
        part = slice(row, row + rows)
        of_part = groups
        if groups is not None:
            first, last = groups[0][part][0], groups[0][part][-1]
            of_part = groups[0][part] - first, groups[1], groups[2][first : last + 1]
        out += _counted([compact(values[part], valid[part]) for values, valid in read], of_part, tally)
    return out


def _counted(
    coded: list[tuple[Codes, Codes]], groups: tuple[Codes, Codes, npt.NDArray[np.float64]] | None, tally: Tally
) -> list[Entry]:
    """Combinations of coded layers in a piece of a block; `groups`: see `PixelAreas.groups`."""
    tally.see([known.tolist() for known, _ in coded])
    if not coded[0][0].size:
        return []
    code: Codes = coded[0][1]
    combos = len(coded[0][0]) + 1
    for known, index in coded[1:]:
        if known.size:
            code = code * (len(known) + 1) + index
            combos *= len(known) + 1
    if groups is None:
        group_areas = np.zeros(1)
    else:
        rows, cols, per_group = groups
        group_areas = per_group.ravel()
        if group_areas.size > 1:
            code = code + combos * (rows[:, None] * per_group.shape[1] + cols[None, :])
    codes, counts = count(code.ravel(), combos * group_areas.size)
    areas_found = counts * group_areas[codes // combos]
    codes, back = np.unique(codes % combos, return_inverse=True)
    back = back.ravel()
    pixels = np.bincount(back, weights=counts).astype(np.int64)  # exact: a block has far fewer than 2⁵³ pixels
    area = np.bincount(back, weights=areas_found)
    keys: list[list[int | None]] = []
    for known, _ in reversed(coded):
        if not known.size:
            keys.append([None] * len(codes))
            continue
        place = codes % (len(known) + 1)
        codes = codes // (len(known) + 1)
        keys.append([None if p == 0 else v for p, v in zip(place.tolist(), known[place - 1].tolist())])
    return [
        (key, n, a) for key, n, a in zip(zip(*reversed(keys)), pixels.tolist(), area.tolist()) if key[0] is not None
    ]


def compact(values: npt.NDArray[Any], valid: BoolArray) -> tuple[Codes, Codes]:
    """Distinct valid values, ascending, and the place of each pixel's value among them from 1; 0 where not valid."""
    everywhere = bool(valid.all())
    if not everywhere and not valid.any():
        return np.zeros(0, np.int64), np.zeros(valid.shape, np.int64)
    low, high = int(values.min()), int(values.max())
    if high - low >= _SPAN and not everywhere:
        some = values[valid]  # a nodata value far from the classes
        low, high = int(some.min()), int(some.max())
    if high - low < _SPAN:
        place = values.astype(np.int64)
        place -= low - 1
        if not everywhere:
            np.copyto(place, 0, where=~valid)
        table = np.bincount(place.ravel(), minlength=high - low + 2)
        table[0] = 0
        present = np.flatnonzero(table)
        table[present] = np.arange(1, len(present) + 1)
        return present + (low - 1), table[place]
    known, inverse = np.unique(values[valid].astype(np.int64), return_inverse=True)
    index = np.zeros(values.shape, np.int64)
    index[valid] = inverse.ravel() + 1
    return known, index


def count(codes: Codes, bins: int) -> tuple[Codes, Codes]:
    """Distinct codes (0 … bins − 1) and how often each occurs."""
    if bins <= max(_BINS, 2 * codes.size):
        counts = np.bincount(codes, minlength=bins)
        found = np.flatnonzero(counts)
        return found, counts[found]
    found, counts = np.unique(codes, return_counts=True)
    return found, counts
