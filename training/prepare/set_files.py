# SPDX-License-Identifier: GPL-3.0-or-later
"""`split.csv`, `set.toml` and `classes.json` of a data set."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from lulc_plugin.atomic_write import write_whole

from ..sets.scene_statistics import FILE
from .chip_writer import ChipRow
from .class_table import ClassTable
from .scenes import Numbers


@dataclass(frozen=True)
class Credits:
    """What a person says about a data set; all but the name may be empty."""

    name: str
    title: str = ""
    credit: str = ""
    licence: str = ""


def write_split(folder: Path, rows: Sequence[ChipRow]) -> None:
    """`split.csv` of chips."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f.name for f in fields(ChipRow)])
    writer.writerows(astuple(row) for row in rows)
    write_whole(folder / "split.csv", text.getvalue().encode())


def write_description(
    folder: Path,
    credits: Credits,
    names: Sequence[str],
    numbers: Numbers,
    gsd: float,
    nodata: float | None,
    table: ClassTable | None,
) -> None:
    """`set.toml` and, with labels, `classes.json`."""
    lines = [
        f"name = {_quoted(credits.name)}",
        f"title = {_quoted(credits.title or credits.name)}",
        f"credit = {_quoted(credits.credit)}",
        f"licence = {_quoted(credits.licence)}",
        'use = "train"',
        "# metres; 0 = unknown",
        f"gsd = {gsd:.6g}",
        'place = "place"',
        f"bands = [{', '.join(map(_quoted, names))}]",
        f"# {numbers.because}",
        f"values = {_quoted(numbers.values)}",
        f"scale = {_number(numbers.scale)}",
        f"offset = {_number(numbers.offset)}",
    ]
    lines += ["# percentiles of whole scenes: pictures are stretched by them", f'scene_statistics = "{FILE}"']
    if nodata is not None:
        lines += ["# a pixel whose bands are all this is invalid", f"nodata = {_number(nodata)}"]
    if table is not None:
        lines += [
            "",
            "[labels]",
            "band = 1",
            "# Label value = class names of the network's legend. Several names: a coarse label, one of these.",
            "# A value that is not listed is unknown.",
            "[labels.classes]",
            *(f"{entry.value} = [{_quoted(entry.name)}]" for entry in table.classes),
        ]
        write_whole(folder / "classes.json", json.dumps(table.to_json(), indent=1, ensure_ascii=False).encode())
    write_whole(folder / "set.toml", ("\n".join(lines) + "\n").encode())


def _quoted(text: str) -> str:
    # a JSON string is a TOML basic string
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _number(value: float) -> str:
    return repr(float(value))
