# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a layer as one HTML file, as JSON, and as lines of a log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..atomic_write import write_report
from ..classify import LayerCheck
from ..findings import ERROR, NOTE, PASS, WARNING, WORDS
from ..progress import Progress
from .html_page import environment
from .plain_values import plain


def layer_page(check: LayerCheck) -> str:
    """The text of the HTML file."""
    template = environment().get_template("layercheck.html.j2")
    counts = [(WORDS[level], check.count(level)) for level in (ERROR, WARNING, NOTE, PASS)]
    facts: dict[str, Any] = plain(check.to_json())
    return template.render(check=facts, words=WORDS, counts=counts)


def write_check(output: Path, check: LayerCheck) -> None:
    """Write the HTML file to `output`, whole or not at all.

    Raises:
        LulcError: it cannot be written.
    """
    write_report(output, layer_page(check).encode("utf-8"))


def check_json(check: LayerCheck) -> str:
    """The check as JSON on one line."""
    return json.dumps(plain(check.to_json()), ensure_ascii=False, allow_nan=False)


def log_check(check: LayerCheck, progress: Progress) -> None:
    """Say every line of the check: what failed or is suspicious as a warning."""
    for level, line in check.lines():
        if level in (WARNING, ERROR):
            progress.warn(line)
        else:
            progress.log(line)
