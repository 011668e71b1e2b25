# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors a user may see: what is wrong, and what to do about it; kinds of them where a caller tells them apart.

Each kind is also the built-in error of its sort, so that scripts may catch it without knowing this module.
`BandsNotFound`, which has parts of its own, is in `raster.bands`.
"""

from __future__ import annotations

import traceback

from .options import PYTHON, render

#: Characters of a problem: names and texts of files from anywhere may stand in it.
_LONGEST = 3000


class LulcError(Exception):
    """A user's mistake or a broken input; never a bug in this program.

    `str(error)` is for readers of Python. At another door show `shown_at(door)`; within another message use `message`.

    Args:
        problem: what is wrong, with the number that is wrong.
        remedy: what the user can do; may be empty.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem if len(problem) <= _LONGEST else f"{problem[:_LONGEST]} …"
        self.remedy = remedy
        super().__init__(self.message)  # one argument: an OSError would take two for its number and text

    @property
    def message(self) -> str:
        """Problem and remedy, with options not yet named for a door."""
        return f"{self.problem} {self.remedy}".strip()

    def shown_at(self, door: str) -> str:
        """Problem and remedy as a reader at `door` of `lulc_plugin.options` knows the options."""
        return render(self.message, door)

    def __str__(self) -> str:
        return self.shown_at(PYTHON)


class CancelledError(LulcError):
    """The user stopped the run; nothing was left under the final name."""

    def __init__(self) -> None:
        super().__init__("Cancelled; no result was written.")


class FileNotRead(LulcError, OSError):
    """A raster, a vector file or a table cannot be opened or read."""


class FileNotWritten(LulcError, OSError):
    """A file cannot be written where it should be."""


class MissingCrs(LulcError, ValueError):
    """A layer has no coordinate reference system, and needs one here."""


class ModelUnusable(LulcError, ValueError):
    """A network or its description is missing, broken, or of a kind that cannot be run."""


class OptionInvalid(LulcError, ValueError):
    """An option has a value that it cannot have, or goes with no other that is set."""


class NotInstalled(LulcError, ImportError):
    """A package or a file of this program is missing or damaged."""


def release_frames(error: BaseException) -> None:
    """Empty the functions, ended by now, that `error` and the errors behind it came through; where it was stays known.

    An error that is kept keeps the variables of all these functions: networks, open files, pixels. A thread that keeps
    its own error refers to itself that way, and all of that is only free when Python next looks for such circles.
    """
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            traceback.clear_frames(one.__traceback__)
            waiting += [one.__cause__, one.__context__]
