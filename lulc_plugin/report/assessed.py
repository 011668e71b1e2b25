# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import areatables, charts, classtables, formats, wording
from .document import Chart, Document, Figure, Section, Table
from .matrices import matrices
from .records import record_section, sample_section

Facts = Mapping[str, Any]


def assessed(facts: Facts) -> Document:
    """The document of an assessment's JSON object."""
    design, units = facts["design"], facts["units"]
    chosen = charts.largest_classes(facts)
    areas: list[Table | Chart] = [areatables.area_table(facts)]
    area_bars = areatables.area_chart(facts, chosen)
    if area_bars is not None:
        areas.append(area_bars)
    return Document(
        title=facts["title"],
        design=design["sentence"],
        about=about(facts),
        summary=(
            *wording.agreement(facts),
            *wording.classes(facts),
            *wording.disagreement(facts),
            *wording.areas(facts, areatables.decimals_of(facts)),
            *wording.no_intervals(facts),
        ),
        figures=_figures(facts),
        caveat=wording.KAPPA_CAVEAT,
        warnings=tuple(facts["warnings"]),
        sections=(
            Section("overall", "Overall", (), (classtables.headline(facts, design),)),
            Section(
                "per_class",
                "Classes",
                (),
                (
                    classtables.class_table(facts, design, units["counted"], title="Accuracy of the classes"),
                    charts.accuracy_chart(facts, chosen),
                ),
            ),
            Section("averages", "Means", (), (classtables.means_table(facts), classtables.single_figures(facts))),
            Section("matrices", "Confusion matrices", (), matrices(facts, design, units["counted"])),
            Section("area", "Areas", (), tuple(areas)),
            Section("components", "Quantity and allocation", (), classtables.disagreement_tables(facts)),
            Section(
                "more", "Extended figures", (), (classtables.error_table(facts), *classtables.sample_tables(facts))
            ),
            sample_section(facts),
            record_section(facts),
        ),
    )


def about(facts: Facts) -> tuple[tuple[str, str], ...]:
    """The inputs in a line each, for the top of the page."""
    titles = (("map", "Map"), ("map_a", "Map A"), ("map_b", "Map B"), ("reference", "Reference"))
    lines = [(title, _layer(facts["inputs"][key])) for key, title in titles if key in facts["inputs"]]
    units = facts["units"]
    left_out = sum(entry["units"] for entry in units["excluded"]) + units["unlabelled"]
    compared = f"{formats.count(units['compared'])} {units['counted']}"
    lines.append(("Compared", f"{compared}; {formats.count(left_out)} left out" if left_out else compared))
    if facts["date"]:
        lines.append(("Date", formats.moment(facts["date"])))
    return tuple(lines)


def _layer(layer: Facts) -> str:
    parts = [layer["name"]]
    if layer["columns"] and layer["rows"]:
        parts.append(f"{formats.count(layer['columns'])} × {formats.count(layer['rows'])} pixels")
    else:
        parts.append(layer["kind"])
    if layer["crs"]:
        parts.append(layer["crs"])
    return ", ".join(part for part in parts if part)


def _figures(facts: Facts) -> tuple[Figure, ...]:
    design = facts["design"]
    overall, kappa = facts["overall_accuracy"], facts["kappa"]
    means = facts["means"]["macro"]
    total = len(facts["classes"])

    def mean(key: str, title: str) -> Figure:
        value, number = means[key]["value"], means[key]["classes"]
        over = f"over {number} of {total} classes" if number < total else f"over {total} classes"
        return Figure(title, formats.cell(value, "share"), over if value is not None else "")

    bounds = ""
    if kappa["low"] is not None and kappa["high"] is not None:
        bounds = f"{formats.level(design['level'])} interval "
        bounds += f"{formats.share(kappa['low'])} to {formats.share(kappa['high'])}"
    accuracy = formats.NOT_APPLICABLE if overall["value"] is None else formats.percent(overall["value"])
    return (
        Figure("Overall accuracy", accuracy, wording.interval(overall, design["level"]).strip(" ()")),
        Figure("Kappa", formats.cell(kappa["value"], "share"), bounds),
        mean("f1", "Macro F1"),
        mean("iou", "Mean IoU"),
    )
