# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that this process is making, and what it has finished: for whoever has to end the process at once.

Standard library only, and little of it: it is loaded before anything else.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Removal = Callable[[], object]
_NO_ANSWER = "A drive does not answer: unfinished files may be left there; the next run in that folder removes them."
_changed = threading.Condition()
_removals: list[Removal] = []
#: Results of the present run that are in place, for the message when it is stopped.
_written: deque[Path] = deque(maxlen=100)
_being_placed = 0
_closed = False


def add(removal: Removal) -> None:
    """Note, before a file is made, how to remove it while it is not finished."""
    with _changed:
        while _closed:
            _changed.wait()  # for the end of the process
        _removals.append(removal)


def discard(removal: Removal) -> None:
    """Forget what `add` was given: the file is removed, or has its final name."""
    with _changed, suppress(ValueError):
        _removals.remove(removal)


@contextmanager
def placing() -> Iterator[None]:
    """Steps that give a result its name and belong together: the process does not end between them."""
    global _being_placed
    with _changed:
        while _closed:
            _changed.wait()
        _being_placed += 1
    try:
        yield
    finally:
        with _changed:
            _being_placed -= 1
            _changed.notify_all()


def forget_written() -> None:
    """Begin a run: nothing is written yet."""
    _written.clear()


def note_written(path: Path) -> None:
    """Remember that a result is in place."""
    _written.append(path)


def written() -> tuple[Path, ...]:
    """The results that are in place since `forget_written`."""
    return tuple(_written)


def stopped(answered: bool = True) -> str:
    """What to say of the present run when it was stopped.

    Args:
        answered: False: a drive did not answer while unfinished files were to be removed.
    """
    said = "Stopped; no result was written."
    if _written:
        said = f"Stopped. Written before that: {', '.join(map(str, _written))}."
    elif _being_placed:
        said = "Stopped while a result got its name: look whether it is there; if it is, it is whole."
    return said if answered else f"{said} {_NO_ANSWER}"


def remove_all(patience: float = 2.0) -> bool:
    """Remove the unfinished files just before the process ends: no other thread begins or finishes a file any more.

    Args:
        patience: seconds to wait for files that are being put in place, and again for the files to be removed.

    Returns:
        whether that came to an end in time; on a drive that does not answer it never does.
    """
    global _closed
    with _changed:
        _closed = True
        _changed.wait_for(lambda: _being_placed == 0, patience)
        removals = list(_removals)
    # in threads of their own: the files may lie on several drives
    threads = [threading.Thread(target=_attempt, args=(removal,), daemon=True) for removal in removals]
    for thread in threads:
        thread.start()
    until = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def _attempt(removal: Removal) -> None:
    with suppress(Exception):  # what cannot be removed stays for a later run
        removal()
