# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run looks like between its checks: `steps.csv`, and event files for TensorBoard (`tensorboard --logdir runs`).

A few times between two checks a few held-out chips are mapped, so that the line of validation has more than one point
a check. They choose nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tensorboardX import SummaryWriter

#: Looks between two checks, and chips of a look.
LOOKS, CHIPS = 5, 4
STEP_FIELDS = ("step", "seconds", "rate", "batch_loss", "val_loss", "val_miou")


class EventLog:
    """Files of one run; a context manager.

    Args:
        folder: of the run.
        points: what was written before a run was stopped.
    """

    def __init__(self, folder: Path, points: list[dict[str, float]]) -> None:
        self._path, self._points = folder / "steps.csv", points
        # what a stopped run wrote beyond the step from which it goes on is hidden
        first = int(points[-1]["step"]) + 1 if points else 0
        # the step is in the name, which otherwise has the second of the start: a run begun again at once took the place
        # of the file before
        self._events = SummaryWriter(str(folder / "events"), purge_step=first or None, filename_suffix=f".{first}")
        self._write("w", points)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.close()

    def _write(self, mode: str, rows: list[dict[str, float]]) -> None:
        with open(self._path, mode, newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, STEP_FIELDS)
            if mode == "w":
                writer.writeheader()
            writer.writerows(rows)

    def point(self, row: dict[str, float]) -> None:
        """A line of `steps.csv`, and its numbers as `steps/…` in the event files."""
        self._points.append(row)
        self._write("a", [row])
        self._scalars("steps", row)

    def check(self, row: Mapping[str, float]) -> None:
        """The numbers of a check as `checks/…` in the event files."""
        self._scalars("checks", row)
        self._events.flush()

    def _scalars(self, group: str, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if name not in ("step", "seconds"):
                self._events.add_scalar(f"{group}/{name}", value, int(row["step"]))
