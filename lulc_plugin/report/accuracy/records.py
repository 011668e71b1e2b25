# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the numbers come from: sample, layers, parameters, versions."""

from __future__ import annotations

from typing import Literal

from .. import number_format
from ..document import Column, Row, Section, Table
from .facts import ClassValuesFacts, DesignFacts, InputFacts, LayerKey, ReportFacts, UnitsFacts

_Property = Literal["path", "kind", "crs", "band", "columns", "rows", "pixel_size", "data_type", "nodata", "detail"]
_LAYER_ROWS: tuple[tuple[_Property, str], ...] = (
    ("path", "Path"),
    ("kind", "Kind"),
    ("crs", "CRS"),
    ("band", "Band"),
    ("columns", "Columns"),
    ("rows", "Rows"),
    ("pixel_size", "Pixel size"),
    ("data_type", "Data type"),
    ("nodata", "Nodata"),
    ("detail", "Details"),
)
LAYER_TITLES: tuple[tuple[LayerKey, str], ...] = (
    ("map", "Map"),
    ("map_a", "Map A"),
    ("map_b", "Map B"),
    ("reference", "Reference"),
)
_VALUE = (Column("value", "Value", "text"),)
#: What to cite for intervals of random samples of units.
_METHODS = {
    "conservative": ": of exact binomial limits (Clopper & Pearson 1934), the wider of Korn & Graubard (1998) and MOVER"
    " (Zou & Donner 2008; for ratios Donner & Zou 2012)",
}


def sample_section(facts: ReportFacts) -> Section:
    """Strata, units left out, unknown values, and the warnings again."""
    units, design = facts["units"], facts["design"]
    counted = units["counted"]
    sentences = [f"{number_format.count(units['compared'])} {counted} have both a map class and a reference class."]
    parts: list[Table] = []
    if design["strata"]:
        parts.append(_strata(design, counted))
    if units["excluded"] or units["unlabelled"]:
        parts.append(_excluded(units))
    else:
        sentences.append("None was left out.")
    if units["unknown"]:
        parts.append(_unknown(units))
    if any(not _alone(entry) for entry in facts["class_values"]):
        parts.append(_values(facts))
    sentences += [f"Warning: {text}" for text in facts["warnings"]]
    return Section("sample", "Sample and warnings", tuple(sentences), tuple(parts))


def _strata(design: DesignFacts, counted: str) -> Table:
    unit = "m²" if any(s["unit"] in ("m²", "m2") for s in design["strata"]) else "pixels"
    columns = (
        Column("size", f"Size ({unit})", "size"),
        Column("share", "Share of the whole", "share"),
        Column("units", f"Reference {counted}", "count"),
    )
    rows = tuple(Row(s["name"], (s["size"], s["share"], s["units"])) for s in design["strata"])
    return Table("strata", "Strata", "What the sample was drawn from.", "Stratum", columns, rows)


def _excluded(units: UnitsFacts) -> Table:
    rows = [Row(entry["reason"], (entry["units"],)) for entry in units["excluded"]]
    if units["unlabelled"]:
        rows.append(Row("without a reference class", (units["unlabelled"],)))
    columns = (Column("units", "Number", "count"),)
    return Table("excluded", "Units left out", "By reason.", "Reason", columns, tuple(rows))


def _unknown(units: UnitsFacts) -> Table:
    return Table(
        "unknown",
        "Reference values that the legend does not have",
        "",
        "Value",
        (Column("units", units["counted"].capitalize(), "count"),),
        tuple(
            Row(number_format.one_line(entry["value"]) or "(no value)", (entry["units"],)) for entry in units["unknown"]
        ),
    )


def _alone(entry: ClassValuesFacts) -> bool:
    """Whether a class has one value, the same wherever it occurs, or its own name."""
    values = {*entry["map"], *entry["map_b"]}
    labels = [label for label in entry["reference"] if isinstance(label, int)]
    names = {label.casefold() for label in entry["reference"] if isinstance(label, str)}
    return len(values | set(labels)) <= 1 and len(names) <= 1


def _values(facts: ReportFacts) -> Table:
    """Which values and labels were taken for one class; where the legends differ, the reader has to check that."""
    sides: list[tuple[Literal["map", "map_b", "reference"], str]] = [("map", "Map"), ("reference", "Reference")]
    if facts["kind"] == "comparison":
        sides = [("map", "Map A"), ("map_b", "Map B"), ("reference", "Reference")]
    columns = tuple(Column(key, title, "text") for key, title in sides)
    rows = tuple(
        Row(entry["label"], tuple(number_format.one_line(entry[key]) for key, _ in sides))
        for entry in facts["class_values"]
    )
    return Table(
        "class_values",
        "What was taken for one class",
        "Values of the map, labels of the reference.",
        "Class",
        columns,
        rows,
    )


def record_section(facts: ReportFacts) -> Section:
    """Layers, how the reference met the map, rules, parameters, versions."""
    design = facts["design"]
    sentences = list(facts["inputs"]["alignment"])
    if design["fpc_sentence"]:
        sentences.append(design["fpc_sentence"])
    if design["design_effect"] is not None:
        sentences.append(
            f"Design effect {design['design_effect']:.2f}: so many times the variance of as many independent units."
        )
    sentences.append(
        f"Confidence level {number_format.level(design['level'])}; interval method “{design['interval']}”"
        f"{_METHODS.get(design['interval'], '') if design['name'] in ('simple', 'stratified') else ''}."
    )
    if facts["date"]:
        sentences.append(f"Made on {number_format.moment(facts['date'])}.")
    parts = [_layers(facts["inputs"])]
    for name, title, entries in (
        ("parameters", "Parameters", facts["parameters"]),
        ("versions", "Versions", facts["versions"]),
    ):
        if entries:
            rows = tuple(Row(key, (number_format.one_line(value),)) for key, value in entries.items())
            parts.append(Table(name, title, "", "Name", _VALUE, rows))
    return Section("record", "Where these numbers come from", tuple(sentences), tuple(parts))


def _layers(inputs: InputFacts) -> Table:
    present = [(key, title) for key, title in LAYER_TITLES if key in inputs]
    columns = tuple(Column(key, title, "text") for key, title in present)
    rows = [Row("Name", tuple(inputs[key]["name"] for key, _ in present))]
    for key, title in _LAYER_ROWS:
        cells = tuple(inputs[layer][key] for layer, _ in present)
        if any(cell not in (None, "") for cell in cells):
            rows.append(Row(title, tuple("" if cell is None else cell for cell in cells)))
    return Table("layers", "Layers", "", "Property", columns, tuple(rows))
