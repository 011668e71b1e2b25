# SPDX-License-Identifier: GPL-3.0-or-later
"""From a job to the files that a user asked for: assess or compare, log, write each file whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from ...assess import (
    AssessJob,
    Assessment,
    Comparison,
    Estimate,
    Outputs,
    assess,
    compare,
    write_disagreement,
)
from ...atomic_write import refuse_impossible_name, write_report
from ...errors import FileNotWritten, LulcError
from ...options import PYTHON, option
from ...progress import Progress
from ...raster import InputFiles, check_target, refuse_overwriting
from ..csv_lines import csv_line
from ..document import Document, Table, Value
from ..html_page import page
from .contents import assessed, compared
from .facts import AssessmentFacts, ComparisonFacts
from .json_facts import json_object
from .sample_sentences import alignment_sentence, design_sentence, reason_of_estimate, warnings_of

_OUTPUTS = ("html", "csv", "json", "disagreement")


def assess_and_report(job: AssessJob, progress: Progress) -> Assessment:
    """Assess a map and write what `job.outputs` wants.

    Raises:
        LulcError: input that cannot be used, or a place that cannot be written (checked before work starts).
        CancelledError: the user stopped.
    """
    read = _inputs(job)
    check_outputs(job.outputs, read)
    if job.outputs.disagreement is not None:
        check_target(job.outputs.disagreement, read)
    files = InputFiles(read)
    result = assess(job, progress)
    files.check()
    _log_assessment(result, progress)
    if job.outputs.disagreement is not None:
        write_disagreement(job, result, progress, files)
    write(result, job.outputs, progress.door)
    progress.report(100)
    return result


def compare_and_report(job: AssessJob, progress: Progress) -> Comparison:
    """Compare two maps and write what `job.outputs` wants.

    Raises:
        LulcError: input that cannot be used, or a place that cannot be written (checked before work starts).
        CancelledError: the user stopped.
    """
    read = _inputs(job)
    check_outputs(job.outputs, read)
    files = InputFiles(read)
    result = compare(job, progress)
    files.check()
    _log_comparison(result, progress)
    write(result, job.outputs, progress.door)
    progress.report(100)
    return result


def _inputs(job: AssessJob) -> tuple[str, ...]:
    """Files that a job reads: nothing may be written over them."""
    rasters = (*job.maps, job.reference, job.options.strata)
    features = "" if job.features is None else job.features.path
    return (*(raster.path for raster in rasters if raster is not None), features, job.options.class_table_file)


def _log_design(result: Assessment | Comparison, progress: Progress) -> None:
    progress.conclude(design_sentence(result))
    for layer in result.context.alignment:
        progress.log(alignment_sentence(layer))


def _log_assessment(result: Assessment, progress: Progress) -> None:
    context, estimates = result.context, result.estimates
    _log_design(result, progress)
    for reason, number in context.excluded:
        progress.log(f"{number:,} {context.units} left out: {reason}")
    for warning in warnings_of(result):
        progress.warn(warning)
    progress.conclude(
        f"{context.compared:,} {context.units} compared. Overall accuracy {_words(estimates.overall)},"
        f" kappa {_words(estimates.kappa)}"
    )


def _words(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"n/a ({reason_of_estimate(estimate.reason)})" if estimate.reason else "n/a"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def _log_comparison(result: Comparison, progress: Progress) -> None:
    _log_design(result, progress)
    for warning in warnings_of(result):
        progress.warn(warning)
    for name, d in (("Overall accuracy", result.overall), ("Kappa", result.kappa)):
        a, b, difference, low, high = (
            "n/a" if v is None else f"{v:.4f}" for v in (d.a, d.b, d.difference, d.low, d.high)
        )
        interval = "" if d.low is None else f" [{low}, {high}]"
        progress.conclude(f"{name}: first map {a}, second map {b}, difference {difference}{interval}")


def write(result: Assessment | Comparison, outputs: Outputs, door: str = PYTHON) -> None:
    """Write the wanted ones of HTML, CSV and JSON; the raster of disagreement is not this room's.

    Options in warnings and notes are named as at `door`.

    Raises:
        LulcError: a file cannot be written, and which ones are; nothing half-written stays behind.
    """
    facts = json_object(result, door)
    document = _document(facts)
    # all of them are made before the first is written
    texts: list[tuple[Path, bytes]] = []
    if outputs.html is not None:
        texts.append((outputs.html, page(document).encode("utf-8")))
    if outputs.csv is not None:
        # Excel takes a CSV file for the local code page unless it starts with a mark.
        texts.append((outputs.csv, csv_sheet(document).encode("utf-8-sig")))
    if outputs.json is not None:
        texts.append((outputs.json, json_text(facts).encode("utf-8")))
    in_place = [str(outputs.disagreement)] if outputs.disagreement is not None else []
    for path, data in texts:
        try:
            write_report(path, data)
        except FileNotWritten as error:
            if not in_place:
                raise
            raise FileNotWritten(
                f"{error.problem} Written before that: {', '.join(in_place)}.", error.remedy
            ) from error
        in_place.append(str(path))


def html_text(result: Assessment | Comparison) -> str:
    """The HTML file as text."""
    return page(_document(json_object(result)))


def csv_text(result: Assessment | Comparison) -> str:
    """The CSV file as text."""
    return csv_sheet(_document(json_object(result)))


def check_outputs(outputs: Outputs, inputs: Iterable[str] = ()) -> None:
    """Refuse places that cannot be written, before work starts.

    Args:
        outputs: the files wanted.
        inputs: layers and tables that the run reads.

    Raises:
        LulcError: no such folder, not writable, a folder of that name, one name for two outputs, or an input.
    """
    read = tuple(inputs)
    taken: dict[str, str] = {}
    for attribute in _OUTPUTS:
        name = option(attribute)
        given = getattr(outputs, attribute)
        if given is None:
            continue
        path = Path(given)
        refuse_impossible_name(path)
        folder = path.parent
        if not os.path.isdir(folder):
            raise FileNotWritten(f"{name}: the folder {folder} does not exist.", "Create it, or choose another place.")
        if os.path.isdir(path):
            raise FileNotWritten(f"{name}: {path} is a folder.", "Choose a file name.")
        is_device = os.path.exists(path) and not os.path.isfile(path)
        if (not is_device and not os.access(folder, os.W_OK)) or (
            os.path.exists(path) and not os.access(path, os.W_OK)
        ):
            raise FileNotWritten(f"{name}: {path} cannot be written.", "Choose another place.")
        key = os.path.normcase(os.path.realpath(path))
        refuse_overwriting((path,), read, name)
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


def _document(facts: AssessmentFacts | ComparisonFacts) -> Document:
    if facts["kind"] == "comparison":
        return compared(cast(ComparisonFacts, facts))
    return assessed(cast(AssessmentFacts, facts))


def csv_sheet(document: Document) -> str:
    """The text of the CSV file; lines end with a line feed and a carriage return, "not applicable" is empty."""
    rows: list[Sequence[Value]] = [("Report", document.title), ("Design", document.design)]
    rows += [("Summary", sentence) for sentence in document.summary]
    rows.append(("Kappa", document.caveat))
    rows += [("Warning", warning) for warning in document.warnings]
    rows += [(section.title, sentence) for section in document.sections for sentence in section.sentences]
    for table in document.tables:
        rows += [(), *_table_rows(table)]
    return "".join(map(csv_line, rows))


def _table_rows(table: Table) -> Iterator[Sequence[Value]]:
    yield "Table", table.id, table.title
    caption = table.csv_caption or table.caption
    if caption:
        yield "Caption", caption
    for note in table.notes:
        yield "Note", note
    yield (table.stub, *(column.full_title for column in table.columns))
    for row in table.rows:
        yield (row.label, *row.cells)
