# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a report's files, each put in place only when it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...assess import Assessment, Comparison, Outputs
from ...atomic_write import write_report
from ...errors import FileNotWritten, LulcError
from ...options import PYTHON, option
from ..csv_sheet import sheet
from ..document import Document
from ..html_page import page
from .assessment_report import assessed
from .comparison_report import compared
from .facts import json_object

_OUTPUTS = ("html", "csv", "json", "disagreement")


def write(result: Assessment | Comparison, outputs: Outputs, door: str = PYTHON) -> None:
    """Write the wanted ones of HTML, CSV and JSON; the raster of disagreement is not this room's.

    Options in warnings and notes are named as at `door`.

    Raises:
        LulcError: a file cannot be written; nothing half-written stays behind.
    """
    facts = json_object(result, door)
    document = _document(facts)
    if outputs.html is not None:
        write_report(outputs.html, page(document).encode("utf-8"))
    if outputs.csv is not None:
        # Excel takes a CSV file for the local code page unless it starts with a mark.
        write_report(outputs.csv, sheet(document).encode("utf-8-sig"))
    if outputs.json is not None:
        write_report(outputs.json, json_text(facts).encode("utf-8"))


def html_text(result: Assessment | Comparison) -> str:
    """The HTML file as text."""
    return page(_document(json_object(result)))


def csv_text(result: Assessment | Comparison) -> str:
    """The CSV file as text."""
    return sheet(_document(json_object(result)))


def check_outputs(outputs: Outputs, inputs: Iterable[str] = ()) -> None:
    """Refuse places that cannot be written, before work starts.

    Args:
        outputs: the files wanted.
        inputs: files that the run reads.

    Raises:
        LulcError: no such folder, not writable, a folder of that name, one name for two outputs, or an input.
    """
    read = {os.path.normcase(os.path.realpath(path)) for path in inputs if path and os.path.exists(path)}
    taken: dict[str, str] = {}
    for attribute in _OUTPUTS:
        name = option(attribute)
        given = getattr(outputs, attribute)
        if given is None:
            continue
        path = Path(given)
        folder = path.parent
        if not folder.is_dir():
            raise FileNotWritten(f"{name}: the folder {folder} does not exist.", "Create it, or choose another place.")
        if path.is_dir():
            raise FileNotWritten(f"{name}: {path} is a folder.", "Choose a file name.")
        if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise FileNotWritten(f"{name}: {path} cannot be written.", "Choose another place.")
        key = os.path.normcase(os.path.realpath(path))
        if key in read:
            raise LulcError(
                f"{name}: {path} is a layer or table that this run reads; it would be lost.", "Choose another name."
            )
        if key in taken:
            raise LulcError(f"{taken[key]} and {name} are the same file, {path}.", "Give each a name of its own.")
        taken[key] = name


def json_text(value: Any) -> str:
    """JSON in which a list of plain values takes one line: a matrix reads as a matrix."""
    return _lines(value, "") + "\n"


def _lines(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        inner = (f"{deeper}{_dump(str(key))}: {_lines(item, deeper)}" for key, item in value.items())
        return "{\n" + ",\n".join(inner) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return "[\n" + ",\n".join(deeper + _lines(item, deeper) for item in value) + f"\n{indent}]"
    return _dump(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _document(facts: dict[str, Any]) -> Document:
    return assessed(facts) if facts["kind"] == "assessment" else compared(facts)
