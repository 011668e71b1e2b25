# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads in a row: each works while the others do, none runs far ahead, and all stop together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
_WAIT = 0.1


class Stop(Exception):
    """Raised inside a stage when another stage has failed or the user has stopped."""


class Belt(Generic[Item]):
    """A short queue between two stages; `put` and `take` give up once `stop` is set."""

    _END = object()

    def __init__(self, length: int, stop: threading.Event) -> None:
        self._queue: queue.Queue[object] = queue.Queue(length)
        self._stop = stop

    def put(self, item: Item) -> None:
        """Wait for room and add an item."""
        self._put(item)

    def close(self) -> None:
        """Say that nothing more comes."""
        self._put(self._END)

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_WAIT)
                return
            except queue.Full:
                continue
        raise Stop

    def __iter__(self) -> Iterator[Item]:
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=_WAIT)
            except queue.Empty:
                continue
            if item is self._END:
                return
            yield item  # type: ignore[misc]
        raise Stop


class Stage(threading.Thread):
    """A thread whose failure stops the others and is raised by `check`."""

    def __init__(self, name: str, work: Callable[[], None], stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._stop_all = stop
        self.error: BaseException | None = None

    def run(self) -> None:
        """Work; keep the error for the thread that waits."""
        try:
            self._work()
        except Stop:
            pass
        except BaseException as error:  # handed to the waiting thread, which raises it
            self.error = error
            self._stop_all.set()


def fill(belt: Belt[Item], items: Iterable[Item]) -> None:
    """Put all items on the belt and close it."""
    for item in items:
        belt.put(item)
    belt.close()
