# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads in a row: each works while the others do, none runs far ahead, and all stop together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from ..errors import CancelledError
from ..progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
_WAIT = 0.1
#: Seconds from one look at the user's wish to the next.
_LOOK = 0.05
#: Seconds that threads have to stop before they are left to end alone.
_GRACE = 1.0


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
    """A thread whose failure stops the others and is raised by `supervise`."""

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


class Tether(Progress):
    """What threads say to the progress of their caller, handed on in the caller's own thread.

    A QGIS feedback shows nothing that another thread says while its own is busy. And a thread that was left to end
    alone may outlive that progress: once the tether is cut it hears "cancelled", and nobody hears it.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._other = progress
        self._said: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._cut = False

    def deliver(self) -> None:
        """Hand on what was said so far; for the thread that owns the other progress."""
        while not self._said.empty():
            self._said.get()()

    def cut(self) -> None:
        """Hand on for the last time."""
        self._cut = True
        self.deliver()

    @property
    def cancelled(self) -> bool:
        """True once the user wants to stop, or the tether is cut."""
        return self._cut or self._other.cancelled

    def _show_percent(self, percent: float) -> None:
        self._said.put(lambda: self._other.report(percent))

    def _show_log(self, text: str) -> None:
        self._said.put(lambda: self._other.log(text))

    def _show_warning(self, text: str) -> None:
        self._said.put(lambda: self._other.warn(text))


def supervise(
    stages: Sequence[Stage], stop: threading.Event, tether: Tether, halt: Callable[[], None] | None = None
) -> None:
    """Start the stages and wait for all; a cancel is answered even while each of them is inside a long call.

    Args:
        stages: not started yet.
        stop: what their belts look at.
        tether: the progress that the stages use.
        halt: called once when they have to stop early; may be called while they run.

    Raises:
        CancelledError: the user stopped.
        BaseException: the first error of a stage.
    """
    for stage in stages:
        stage.start()
    try:
        for stage in stages:
            while stage.is_alive() and not stop.is_set():
                stage.join(_LOOK)
                tether.deliver()
                if tether.cancelled:
                    raise CancelledError
    finally:
        if any(stage.is_alive() for stage in stages):
            stop.set()
            if halt is not None:
                halt()
            until = time.monotonic() + _GRACE
            for stage in stages:
                stage.join(max(0.0, until - time.monotonic()))
        tether.cut()
    errors = [stage.error for stage in stages if stage.error is not None]
    # a stage that was halted because of another's failure says "cancelled"
    for error in sorted(errors, key=lambda e: isinstance(e, CancelledError)):
        raise error


def aside(name: str, work: Callable[[Progress], Result], progress: Progress) -> Result:
    """What `work` returns: done in a thread of its own, so that a cancel is answered at once.

    Work that does not look at its progress in time is left to end alone; it must not leave anything behind.

    Raises:
        CancelledError: the user stopped.
        BaseException: what `work` raised.
    """
    stop = threading.Event()
    tether = Tether(progress)
    found: list[Result] = []
    supervise([Stage(name, lambda: found.append(work(tether)), stop)], stop, tether)
    return found[0]
