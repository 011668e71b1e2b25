# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a long piece of work is: a bar with the remaining time on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

#: Seconds between lines where there is no terminal.
PAUSE = 10.0


class ProgressLine:
    """A bar of `total` steps, `begun` of which are done; a context manager.

    Args:
        total: steps in all.
        unit: what a step is called.
        begun: steps that an earlier run made.
        quiet: nothing is shown.
    """

    def __init__(self, total: int, unit: str, begun: int = 0, quiet: bool = False) -> None:
        self._quiet, self._terminal = quiet, sys.stderr.isatty()
        self._bar = tqdm(total=total, initial=begun, unit=unit, disable=quiet or not self._terminal, leave=False)
        self._total, self._unit, self._begun, self._done = total, unit, begun, begun
        self._start = self._last = time.monotonic()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def advance(self, text: str = "") -> None:
        """One step is done; `text` says what else there is to know."""
        self._done += 1
        if self._terminal:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if self._quiet or now - self._last < PAUSE:
            return
        self._last = now
        shown = tqdm.format_meter(
            self._done,
            self._total,
            now - self._start,
            unit=self._unit,
            initial=self._begun,
            ncols=0,
            postfix=text or None,
        )
        print(shown.strip(), file=sys.stderr, flush=True)
