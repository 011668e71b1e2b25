# SPDX-License-Identifier: GPL-3.0-or-later
"""Chips that are read from their files when they are needed; the last used ones stay in memory, as many as fit."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .chips import Chip

T = TypeVar("T")
Counts = npt.NDArray[np.int64]
#: Where the system does not tell how much memory it has.
_USUAL_BYTES = 8 << 30
_WORKERS, _AHEAD = 2, 8


def half_of_memory() -> int:
    """Half of the machine's memory, bytes."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):
        return _USUAL_BYTES // 2


class ChipMemory:
    """The chips that stay in memory: of all sets together at most `limit` bytes, the last used ones."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._kept: OrderedDict[tuple[int, int], tuple[Chip, int]] = OrderedDict()
        self._lock = threading.RLock()

    def get(self, key: tuple[int, int]) -> Chip | None:
        """The chip of a key, if it is kept."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def put(self, key: tuple[int, int], chip: Chip) -> Chip:
        """Keep a chip, and let go what was not used for longest; the chip that is kept under this key."""
        size = sum(a.nbytes for a in (chip.values, chip.valid, chip.labels, chip.soft, chip.known) if a is not None)
        with self._lock:
            if key in self._kept or size > self.limit:
                return self._kept[key][0] if key in self._kept else chip
            self._kept[key] = chip, size
            self.used += size
            while self.used > self.limit:
                self.used -= self._kept.popitem(last=False)[1][1]
            return chip

    def forget(self, owner: int) -> None:
        """Let go all chips of a set."""
        with self._lock:
            for key in [k for k in self._kept if k[0] == owner]:
                self.used -= self._kept.pop(key)[1]


MEMORY = ChipMemory(half_of_memory())
_owners = count()


@dataclass(frozen=True)
class ChipFacts:
    """What has to be known of all chips of a set before the first is drawn.

    Attributes:
        labels: `(chips, codes)` pixels of each label code, unknown ones first.
        valid: `(chips,)` valid pixels.
        taught: every chip has soft labels.
    """

    labels: Counts
    valid: Counts
    taught: bool

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Share of each label code among the labelled pixels; code 0 has none."""
        counts = self.labels.sum(axis=0).astype(np.float64)
        counts[0] = 0
        return counts / max(counts.sum(), 1)


class ChipFiles(Sequence["Chip"]):
    """The chips of a set, each read when it is asked for.

    Args:
        read: reads chip number i.
        places: place of each.
        facts: of all, where they are known already.
    """

    def __init__(self, read: Callable[[int], Chip], places: Sequence[str], facts: ChipFacts | None = None) -> None:
        self._read, self.places, self._owner = read, tuple(places), next(_owners)
        if facts is not None:
            self.facts = facts
        weakref.finalize(self, MEMORY.forget, self._owner)

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> Chip: ...

    @overload
    def __getitem__(self, at: slice) -> list[Chip]: ...

    def __getitem__(self, at: int | slice) -> Chip | list[Chip]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        number = range(len(self))[at]
        key = self._owner, number
        kept = MEMORY.get(key)
        return MEMORY.put(key, self._read(number)) if kept is None else kept

    def __iter__(self) -> Iterator[Chip]:
        return read_ahead(self.__getitem__, range(len(self)))

    def changed(self, change: Callable[[int, Chip], Chip]) -> ChipFiles:
        """The same chips, each changed after it is read; `change` gets its number and returns another chip."""
        return ChipFiles(lambda i: change(i, self._read(i)), self.places)

    def chosen(self, numbers: Sequence[int]) -> ChipFiles:
        """Only the chips of these numbers."""
        own = ChipFacts(self.facts.labels[numbers], self.facts.valid[numbers], self.facts.taught)
        return ChipFiles(lambda i: self._read(numbers[i]), [self.places[i] for i in numbers], own)

    @cached_property
    def facts(self) -> ChipFacts:
        """What is known of all chips; reads them once."""
        return _facts(self)


def facts_of(chips: Sequence[Chip]) -> ChipFacts:
    """What is known of all chips of a set, in files or in memory."""
    return chips.facts if isinstance(chips, ChipFiles) else _facts(chips)


def _facts(chips: Sequence[Chip]) -> ChipFacts:
    labels, valid, taught = [], [], True
    for chip in chips:
        labels.append(np.bincount(chip.labels.ravel(), minlength=len(chip.allowed)))
        valid.append(int(np.count_nonzero(chip.valid)))
        taught &= chip.soft is not None
    return ChipFacts(np.stack(labels).astype(np.int64), np.array(valid, np.int64), taught)


def places_of(chips: Sequence[Chip]) -> Sequence[str]:
    """The place of each chip."""
    return chips.places if isinstance(chips, ChipFiles) else [chip.place for chip in chips]


def read_ahead(read: Callable[[int], T], numbers: Sequence[int]) -> Iterator[T]:
    """What `read` gives for each number, in order; a few are read meanwhile by other threads."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        coming = deque(pool.submit(read, i) for i in numbers[:_AHEAD])
        try:
            for i in range(len(numbers)):
                done = coming.popleft().result()
                if i + _AHEAD < len(numbers):
                    coming.append(pool.submit(read, numbers[i + _AHEAD]))
                yield done
        finally:
            for future in coming:
                future.cancel()
