# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors a user may see: what is wrong, and what to do about it."""

from __future__ import annotations


class LulcError(Exception):
    """A user's mistake or a broken input; never a bug in this program.

    Args:
        problem: what is wrong, with the number that is wrong.
        remedy: what the user can do; may be empty.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} {remedy}".strip())


class CancelledError(LulcError):
    """The user stopped the run; nothing was left under the final name."""

    def __init__(self) -> None:
        super().__init__("Cancelled; no result was written.")
