# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin COMMAND`, and `lulc COMMAND` where it is installed: the process around the commands.

A signal that asks the process to end does so at once, whatever the process does: a thread that waits for signals
removes unfinished files and leaves. No exception is raised for it in the middle of foreign code, where it could be
lost, be taken for another error, or leave half of its work. And Python is never taken down while a thread is still
inside a library's code, which aborts the process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn

from . import unfinished

#: Ctrl-C, `kill` and `docker stop`, a closed terminal, a batch system's limit of processor time, Windows' Ctrl-Break.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGBREAK")
#: Taken by the thread that ends the process, and never given back.
_ending = threading.Lock()


def main() -> NoReturn:
    """Run the command of `sys.argv` and end the process with its status; 128 + number after a signal."""
    _open_standard_streams()
    _watch_signals()
    status = _run()
    _ending.acquire()
    unfinished.remove_all()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # whoever reads has seen enough
    except (OSError, ValueError):
        status = status or 1  # the text of --help
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(status)


def _run() -> int:
    try:
        _attach_private_folder()
        from .cli import main as run_command

        return run_command()
    except SystemExit as end:  # argparse: --help, or words that it does not know
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # a bug; the process ends below in any case
        # after a signal the files of the run are removed under it, and its errors are no news
        if not _ending.locked():
            with suppress(OSError):
                sys.excepthook(*sys.exc_info())
        return 1


def _attach_private_folder() -> None:
    from .environment import private_folder

    if not os.environ.get(private_folder.VARIABLE):
        return
    from pathlib import Path

    from .errors import LulcError
    from .options import SHELL

    try:
        private_folder.attach(private_folder.folder_in(Path(os.environ[private_folder.VARIABLE])))
    except LulcError as error:  # the packages may be elsewhere, too
        with suppress(OSError):
            sys.stderr.write(f"Warning: {error.shown_at(SHELL)}\n")


def _open_standard_streams() -> None:
    """Put the null device in place of standard streams that are closed: else the map would get the number of one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a console may lack a character of a class's name


def _watch_signals() -> None:
    """Let a thread of its own answer signals: the main thread may be inside a library for a long time.

    It may even wait for a network drive that does not answer, where no handler runs. The system gives a signal to the
    main thread first: there they are blocked, and so in every thread that it starts.
    """
    named = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    numbers = [number for number in named if signal.getsignal(number) != signal.SIG_IGN]  # as under nohup
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        next_signal: Callable[[], int] = partial(signal.sigwait, numbers)
    else:
        next_signal = _signals_of_pipe()
    for number in numbers:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_wait_for_signal, args=(next_signal,), name="lulc-signals", daemon=True).start()


def _signals_of_pipe() -> Callable[[], int]:
    """Windows: what returns the number of the next signal, which Python writes to a pipe."""
    reading, writing = os.pipe()
    if hasattr(os, "set_blocking"):  # Windows has it since Python 3.12
        os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return lambda: os.read(reading, 1)[0]


def _wait_for_signal(next_signal: Callable[[], int]) -> None:
    number = int(next_signal())
    threading.Thread(target=_stop, args=(number,), name="lulc-stop", daemon=True).start()
    next_signal()  # a second one does not wait for anything
    os._exit(128 + number)


def _stop(number: int) -> NoReturn:
    _ending.acquire()
    answered = unfinished.remove_all()
    begin = "\n" if sys.stderr.isatty() else ""  # after the bar
    with suppress(OSError):
        os.write(2, f"{begin}{unfinished.stopped(answered)}\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    main()
