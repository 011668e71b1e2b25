# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages of a pipeline in threads, with bounded queues between them: all work at once, and all stop together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from ..errors import CancelledError, release_frames
from ..progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Seconds that a stage waits for its queue before it looks whether to stop.
_QUEUE_WAIT = 0.1
#: Seconds from one look whether the user has cancelled to the next.
_POLL = 0.05
#: Seconds that threads have to stop before they are left to end alone.
_STOP_TIMEOUT = 1.0


class Stop(Exception):
    """Raised inside a stage when another stage has failed or the user has stopped."""


class StageQueue(Generic[Item]):
    """A bounded queue between two stages; whoever waits for it gives up once `stop` is set."""

    _END = object()

    def __init__(self, length: int, stop: threading.Event) -> None:
        self._queue: queue.Queue[object] = queue.Queue(length)
        self._stop = stop

    def put(self, item: Item) -> None:
        """Wait for room and add an item."""
        self._put(item)

    def put_all(self, items: Iterable[Item]) -> None:
        """Add all items and close the queue."""
        for item in items:
            self.put(item)
        self.close()

    def close(self) -> None:
        """Say that nothing more comes."""
        self._put(self._END)

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_QUEUE_WAIT)
                return
            except queue.Full:
                continue
        raise Stop

    def __iter__(self) -> Iterator[Item]:
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=_QUEUE_WAIT)
            except queue.Empty:
                continue
            if item is self._END:
                return
            yield item  # type: ignore[misc]
        raise Stop


class Stage(threading.Thread):
    """A thread whose failure stops the others and is raised by `run_stages`."""

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
            release_frames(error)
            self.error = error
            self._stop_all.set()


class ProgressRelay(Progress):
    """A progress for other threads; its messages are handed on in the thread of the progress behind it.

    A QGIS feedback shows nothing that another thread says while its own is busy. And a thread that was left to end
    alone may outlive that progress: once the relay is detached, the thread sees "cancelled", and its messages are lost.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._other = progress
        self._messages: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._detached = False

    def forward_messages(self) -> None:
        """Pass the messages on so far; for the thread that owns the other progress."""
        while not self._messages.empty():
            self._messages.get()()

    def detach(self) -> None:
        """Pass the messages on for the last time."""
        self._detached = True
        self.forward_messages()

    @property
    def cancelled(self) -> bool:
        """True once the user wants to stop, or the relay is detached."""
        return self._detached or self._other.cancelled

    def _show_percent(self, percent: float) -> None:
        self._messages.put(lambda: self._other.report(percent))

    def _show_log(self, text: str) -> None:
        self._messages.put(lambda: self._other.log(text))

    def _show_warning(self, text: str) -> None:
        self._messages.put(lambda: self._other.warn(text))


def run_stages(
    stages: Sequence[Stage], stop: threading.Event, relay: ProgressRelay, halt: Callable[[], None] | None = None
) -> None:
    """Start the stages and wait for all; a cancel is answered even while each of them is inside a long call.

    Args:
        stages: not started yet.
        stop: the event that their queues look at.
        relay: the progress that the stages use.
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
                stage.join(_POLL)
                relay.forward_messages()
                if relay.cancelled:
                    raise CancelledError
    finally:
        if any(stage.is_alive() for stage in stages):
            stop.set()
            if halt is not None:
                halt()
            until = time.monotonic() + _STOP_TIMEOUT
            for stage in stages:
                stage.join(max(0.0, until - time.monotonic()))
        relay.detach()
    errors = [stage.error for stage in stages if stage.error is not None]
    # a stage that was halted because of another's failure says "cancelled"
    for error in sorted(errors, key=lambda e: isinstance(e, CancelledError)):
        raise error


def run_in_thread(name: str, work: Callable[[Progress], Result], progress: Progress) -> Result:
    """What `work` returns: done in a thread of its own, so that a cancel is answered at once.

    Work that does not look at its progress in time is left to end alone; it must not leave anything behind.

    Raises:
        CancelledError: the user stopped.
        BaseException: what `work` raised.
    """
    stop = threading.Event()
    relay = ProgressRelay(progress)
    results: list[Result] = []
    run_stages([Stage(name, lambda: results.append(work(relay)), stop)], stop, relay)
    return results[0]
