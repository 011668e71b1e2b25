# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a layer as one HTML file, as JSON, and as lines of a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..atomic_write import write_report
from ..classify import LayerCheck
from ..findings import ERROR, NOTE, PASS, WARNING, WORDS
from ..options import PYTHON, render_all
from ..progress import Progress
from .html_page import environment
from .plain_values import plain


def layer_page(check: LayerCheck, door: str = PYTHON) -> str:
    """The text of the HTML file, with options named as at `door`."""
    template = environment().get_template("layercheck.html.j2")
    counts = [(WORDS[level], check.count(level)) for level in (ERROR, WARNING, NOTE, PASS)]
    facts: dict[str, Any] = _facts(check, door)
    return template.render(check=facts, words=WORDS, counts=counts)


def write_check(output: Path, check: LayerCheck, door: str = PYTHON) -> None:
    """Write the HTML file to `output`, whole or not at all.

    Raises:
        LulcError: it cannot be written.
    """
    write_report(output, layer_page(check, door).encode("utf-8"))


def check_json(check: LayerCheck, door: str = PYTHON) -> str:
    """The check as JSON on one line, with options named as at `door`."""
    return json.dumps(_facts(check, door), ensure_ascii=False, allow_nan=False)


def log_check(check: LayerCheck, progress: Progress) -> None:
    """Say every line of the check: what failed or is suspicious as a warning."""
    for level, line in check.lines():
        if level in (WARNING, ERROR):
            progress.warn(line)
        else:
            progress.log(line)


def _facts(check: LayerCheck, door: str) -> dict[str, Any]:
    facts: dict[str, Any] = render_all(plain(check.to_json()), door)
    return facts
