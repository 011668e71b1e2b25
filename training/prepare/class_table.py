# SPDX-License-Identifier: GPL-3.0-or-later
"""The classes of masks as a JSON file tells them: values, names, colours, and which of them mean "unknown"."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tomllib

from lulc_plugin.assess import key_of
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass

Labels = npt.NDArray[np.uint8]
UNKNOWN = 0
#: The largest label value of a data set.
LARGEST = 255
_GREY = "#888888"


@dataclass(frozen=True)
class ClassTable:
    """Classes of a data set.

    Attributes:
        classes: values 1 to 255 as they are written to label files; 0 is unknown there.
        shift: added to the values of the legend file to get those: 1 where the file has a class of value 0, else 0.
        ignored: values of the legend file that mean unknown, and their colours.
    """

    classes: tuple[LegendClass, ...]
    shift: int = 0
    ignored: tuple[LegendClass, ...] = ()

    @property
    def legend(self) -> Legend:
        """As the engine knows it, with nodata 0."""
        return Legend.of(self.classes, UNKNOWN)

    @property
    def coloured(self) -> bool:
        """Whether the legend file gives colours."""
        return any(entry.colour != _GREY for entry in self.classes)

    def of_values(self, values: npt.NDArray[Any]) -> tuple[Labels, npt.NDArray[np.bool_]]:
        """Labels of the legend file's values, and which pixels have a value that it has."""
        labels = np.zeros(values.shape, np.uint8)
        known = values == UNKNOWN if self.shift == 0 else np.zeros(values.shape, bool)
        for entry in self.classes:
            here = values == entry.value - self.shift
            labels[here] = entry.value
            known |= here
        for entry in self.ignored:
            known |= values == entry.value
        return labels, known

    def of_label(self, label: Any) -> int | None:
        """Label value of a class that a person calls `label`: a value of the legend file, or a name.

        None where the label is empty or the class means unknown.

        Raises:
            LulcError: there is no such class.
        """
        key = key_of(label)
        if key is None or key == UNKNOWN and self.shift == 0:
            return None
        folded = str(key).strip().casefold()
        for entry in self.classes:
            if key == entry.value - self.shift or folded == entry.name.casefold():
                return entry.value
        if any(key == entry.value or folded == entry.name.casefold() for entry in self.ignored):
            return None
        names = ", ".join(f"{c.value - self.shift} {c.name}" for c in self.classes)
        raise LulcError(f"{label!r} is not a class of the legend.", f"Its classes are: {names}.")

    def to_json(self) -> dict[str, Any]:
        """The engine's form of a legend, for the data set's `classes.json`."""
        return self.legend.to_json()


def read_classes(path: Path) -> ClassTable:
    """The classes of a legend file: `{"classes": [{"value", "name", "colour"}, …]}`, in JSON or TOML.

    `color` is read as `colour`; a class may lack a colour when masks hold values. A class with `"ignore": true`,
    and the value in `nodata`, mean unknown. A table `.csv` has the columns name, r, g, b, perhaps value: without it
    classes count from 1, and one that is called unknown is ignored.

    Raises:
        LulcError: it cannot be read, or names no class, or values that do not fit into a label file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = _of_table(text) if path.suffix == ".csv" else (tomllib if path.suffix == ".toml" else json).loads(text)
    except (OSError, ValueError, KeyError, csv.Error, RecursionError) as error:
        raise LulcError(
            f"The legend {path} cannot be read: {error}.",
            "Give a JSON file with a list of classes, or a table (.csv) with the columns name, r, g, b.",
        ) from None
    if not isinstance(data, Mapping) or not isinstance(data.get("classes"), list):
        raise LulcError(
            f'The legend {path} is not a JSON object with a list "classes".', "See resources/legends for one."
        )
    classes: list[LegendClass] = []
    ignored: list[LegendClass] = []
    for entry in data["classes"]:
        if not isinstance(entry, Mapping) or not {"value", "name"} <= set(entry):
            raise LulcError(f'{path}: each class needs "value" and "name", and "colour" for masks of colours.')
        one = LegendClass(entry["value"], entry["name"], entry.get("colour") or entry.get("color") or _GREY)
        (ignored if entry.get("ignore") is True or one.value == data.get("nodata") else classes).append(one)
    if not classes:
        raise LulcError(f"The legend {path} has no class that is not ignored.", "Give at least one.")
    shift = int(any(c.value == UNKNOWN for c in classes))
    shifted = tuple(LegendClass(c.value + shift, c.name, c.colour) for c in classes)
    if max(c.value for c in shifted) > LARGEST:
        raise LulcError(
            f"The legend {path} has class value {max(c.value for c in classes)}.",
            f"Label files hold values up to {LARGEST - shift}; number the classes anew.",
        )
    names = [c.name.casefold() for c in shifted]
    repeated = next((n for n in names if names.count(n) > 1), None)
    if repeated is not None:
        raise LulcError(f"The legend {path} has the class name {repeated!r} twice.", "Give each class its own name.")
    Legend.of(shifted, UNKNOWN)  # refuses repeated values
    return ClassTable(shifted, shift, tuple(ignored))


#: What classes are called that are none.
_UNKNOWN = ("unknown", "unlabelled", "unlabeled", "no data", "nodata", "no_data", "void")


def _of_table(text: str) -> dict[str, Any]:
    """A class table as Kaggle has it, `name,r,g,b`, as the content of a legend file.

    Raises:
        KeyError, ValueError: a column is missing, or a number is none.
    """
    rows = [
        {str(k).strip().lower(): str(v).strip() for k, v in row.items()} for row in csv.DictReader(text.splitlines())
    ]
    classes: list[dict[str, Any]] = []
    for row in rows:
        ignored = row["name"].lower() in _UNKNOWN
        value = int(row["value"]) if "value" in row else 0 if ignored else 1 + sum(not c["ignore"] for c in classes)
        colour = "#" + bytes(int(row[band]) for band in "rgb").hex().upper()
        classes.append({"value": value, "name": row["name"], "colour": colour, "ignore": ignored})
    return {"classes": classes}
