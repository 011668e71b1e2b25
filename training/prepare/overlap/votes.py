# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of images in which several corners agree on one shift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lulc_plugin.progress import Progress

from .corners import Corners

IntArray = npt.NDArray[np.int64]

#: Patches count as alike from this correlation on.
_ALIKE = 0.8
#: Shifts agree when they differ by no more than this, pixels of the reduced images.
_AGREE = 3.0
_LEAST_VOTES = 4
_BLOCK = 1024


@dataclass(frozen=True)
class Candidate:
    """Images `first` < `second`; (row, col) of the first is (row, col) - `shift` of the second; `votes` say so."""

    first: int
    second: int
    shift: tuple[float, float]
    votes: int


def candidates(found: Sequence[Corners], places: Sequence[str], progress: Progress) -> list[Candidate]:
    """Pairs of images of different places that may share ground.

    Args:
        found: corners of each image.
        places: place of each image.
        progress: told how much is done, 0 to 100.
    """
    owner = np.concatenate([np.full(len(f.positions), i, np.int64) for i, f in enumerate(found)])
    if len(owner) == 0:
        return []
    positions = np.concatenate([f.positions for f in found])
    patches = np.concatenate([f.patches for f in found])
    number_of = {place: i for i, place in enumerate(dict.fromkeys(places))}
    place = np.array([number_of[p] for p in places], np.int32)[owner]
    ones, others = [], []
    for query, match in _matches(patches, place, progress):
        ones.append(query)
        others.append(match)
    one, other = np.concatenate(ones), np.concatenate(others)
    swapped = owner[one] > owner[other]
    one, other = np.where(swapped, other, one), np.where(swapped, one, other)
    # a pair of corners that chose each other has one vote, not two
    one, other = np.unique(np.stack([one, other], axis=1), axis=0).T
    shifts = (positions[one] - positions[other]).astype(np.float64)
    pair = owner[one] * len(found) + owner[other]
    order = np.argsort(pair, kind="stable")
    starts = np.flatnonzero(np.diff(pair[order], prepend=-1))
    out = []
    for members in np.split(order, starts[1:]):
        if len(members) >= _LEAST_VOTES:
            shift, votes = _agreed(shifts[members])
            if votes >= _LEAST_VOTES:
                first, second = divmod(int(pair[members[0]]), len(found))
                out.append(Candidate(first, second, shift, votes))
    return sorted(out, key=lambda c: -c.votes)


def _matches(
    patches: npt.NDArray[np.float32], place: npt.NDArray[np.int32], progress: Progress
) -> Iterator[tuple[IntArray, IntArray]]:
    """Each corner with the one of another place that looks most like it, where the two are alike."""
    for start in range(0, len(patches), _BLOCK):
        progress.check()
        stop = min(len(patches), start + _BLOCK)
        alike = patches[start:stop] @ patches.T
        alike[place[start:stop, None] == place[None, :]] = -1
        best = alike.argmax(axis=1)
        good = np.flatnonzero(alike[np.arange(stop - start), best] >= _ALIKE)
        yield start + good, best[good].astype(np.int64)
        progress.report(100 * stop / len(patches))


def _agreed(shifts: npt.NDArray[np.float64]) -> tuple[tuple[float, float], int]:
    """The shift `(n, 2)` with most others near it: mean of those, and how many they are."""
    tree = cKDTree(shifts)
    near = tree.query_ball_point(shifts, _AGREE)
    best = max(near, key=len)
    row, col = shifts[best].mean(axis=0)
    return (float(row), float(col)), len(best)
