# SPDX-License-Identifier: GPL-3.0-or-later
"""How a long job talks: percent done, log lines, warnings, and whether to stop."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TextIO

from .errors import CancelledError
from .options import PYTHON, SHELL, render
from .visible_text import visible_text


class Progress:
    """A silent progress that never goes back; base of all others.

    Sub-classes override the three `_show…` methods, `cancelled` and `door`. All methods may be called from any thread.
    """

    #: Where the lines are read; options in them, and in reports that a job writes, are named as there.
    door = PYTHON

    def __init__(self) -> None:
        self._percent = 0.0
        self._lock = threading.Lock()

    @property
    def percent(self) -> float:
        """Highest value reported so far, 0 to 100."""
        return self._percent

    def report(self, percent: float) -> None:
        """Say that `percent` (0 to 100) is done; a smaller value than before is ignored."""
        percent = min(100.0, max(0.0, float(percent)))
        with self._lock:
            if percent <= self._percent:
                return
            self._percent = percent
            self._show_percent(percent)

    def log(self, text: str) -> None:
        """One line of information for the user."""
        with self._lock:
            self._show_log(render(text, self.door))

    def conclude(self, text: str) -> None:
        """One line of the result itself; a log line, unless who shows this shows the result by other means."""
        self.log(text)

    def warn(self, text: str) -> None:
        """One line that the user should not overlook."""
        with self._lock:
            self._show_warning(render(text, self.door))

    @property
    def cancelled(self) -> bool:
        """True once the user wants to stop."""
        return False

    def check(self) -> None:
        """Raise `CancelledError` if the user wants to stop."""
        if self.cancelled:
            raise CancelledError()

    def _show_percent(self, percent: float) -> None:
        """Display hook; called with the lock held."""

    def _show_log(self, text: str) -> None:
        """Display hook; called with the lock held."""

    def _show_warning(self, text: str) -> None:
        """Display hook; called with the lock held."""


class ConsoleProgress(Progress):
    """A progress bar and log lines on a terminal's standard error; the result itself is printed by the command.

    Where they cannot be written, the run goes on without them.
    """

    WIDTH = 40
    door = SHELL

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream or sys.stderr  # None where Python was started without one
        self._bar = self._stream is not None and self._stream.isatty()
        self._drawn = -1

    def conclude(self, text: str) -> None:
        """Nothing: the command prints it."""

    def _show_percent(self, percent: float) -> None:
        step = int(percent) if self._bar else int(percent // 10) * 10
        if step == self._drawn:
            return
        self._drawn = step
        if self._bar:
            filled = int(self.WIDTH * percent / 100)
            end = "\n" if step == 100 else ""
            self._write(f"\r[{'#' * filled}{'.' * (self.WIDTH - filled)}] {step:3d} %{end}")
        else:
            self._write(f"{step} %\n")

    def _write(self, text: str) -> None:
        if self._stream is not None:
            with suppress(OSError, ValueError):  # a full disk, a reader that is gone, a closed file
                self._stream.write(text)
                self._stream.flush()

    def _line(self, text: str) -> None:
        if self._bar and 0 <= self._drawn < 100:
            self._write("\r" + " " * (self.WIDTH + 9) + "\r")
            self._drawn = -1
        self._write(visible_text(text) + "\n")

    def _show_log(self, text: str) -> None:
        self._line(text)

    def _show_warning(self, text: str) -> None:
        self._line(f"Warning: {text}")
