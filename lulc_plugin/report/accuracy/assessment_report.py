# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one map."""

from __future__ import annotations

from .. import number_format
from ..document import Chart, Document, Figure, Section, Table
from . import charts, class_tables, sentences
from .facts import AssessmentFacts, LayerFacts, Measure, ReportFacts
from .matrices import matrices
from .records import LAYER_TITLES, record_section, sample_section


def assessed(facts: AssessmentFacts) -> Document:
    """The document of an assessment's JSON object."""
    design, units = facts["design"], facts["units"]
    chosen = charts.largest_classes(facts)
    areas: list[Table | Chart] = [class_tables.area_table(facts)]
    area_bars = charts.area_chart(facts, chosen)
    if area_bars is not None:
        areas.append(area_bars)
    return Document(
        title=facts["title"],
        design=design["sentence"],
        about=about(facts),
        summary=(
            *sentences.agreement(facts),
            *sentences.classes(facts),
            *sentences.disagreement(facts),
            *sentences.areas(facts, class_tables.decimals_of(facts)),
            *sentences.no_intervals(facts["overall_accuracy"], design["name"]),
        ),
        figures=_figures(facts),
        caveat=sentences.KAPPA_CAVEAT,
        warnings=tuple(facts["warnings"]),
        sections=(
            Section("overall", "Overall", (), (class_tables.headline(facts, design),)),
            Section(
                "per_class",
                "Classes",
                (),
                (
                    class_tables.class_table(facts, design, units["counted"], title="Accuracy of the classes"),
                    charts.accuracy_chart(facts, chosen),
                ),
            ),
            Section("averages", "Means", (), (class_tables.means_table(facts), class_tables.single_figures(facts))),
            Section("matrices", "Confusion matrices", (), matrices(facts, design, units["counted"])),
            Section("area", "Areas", (), tuple(areas)),
            Section("components", "Quantity and allocation", (), class_tables.disagreement_tables(facts)),
            Section(
                "more", "Extended figures", (), (class_tables.error_table(facts), *class_tables.sample_tables(facts))
            ),
            sample_section(facts),
            record_section(facts),
        ),
    )


def about(facts: ReportFacts) -> tuple[tuple[str, str], ...]:
    """The inputs in a line each, for the top of the page."""
    lines = [(title, _layer(facts["inputs"][key])) for key, title in LAYER_TITLES if key in facts["inputs"]]
    units = facts["units"]
    left_out = sum(entry["units"] for entry in units["excluded"]) + units["unlabelled"]
    compared = f"{number_format.count(units['compared'])} {units['counted']}"
    lines.append(("Compared", f"{compared}; {number_format.count(left_out)} left out" if left_out else compared))
    if facts["date"]:
        lines.append(("Date", number_format.moment(facts["date"])))
    return tuple(lines)


def _layer(layer: LayerFacts) -> str:
    parts = [layer["name"]]
    if layer["columns"] and layer["rows"]:
        parts.append(f"{number_format.count(layer['columns'])} × {number_format.count(layer['rows'])} pixels")
    else:
        parts.append(layer["kind"])
    if layer["crs"]:
        parts.append(layer["crs"])
    return ", ".join(part for part in parts if part)


def _figures(facts: AssessmentFacts) -> tuple[Figure, ...]:
    design = facts["design"]
    overall, kappa = facts["overall_accuracy"], facts["kappa"]
    means = facts["means"]["macro"]
    total = len(facts["classes"])

    def mean(key: Measure, title: str) -> Figure:
        value, number = means[key]["value"], means[key]["classes"]
        over = f"over {number} of {total} classes" if number < total else f"over {total} classes"
        return Figure(title, number_format.cell(value, "share"), over if value is not None else "")

    bounds = ""
    if kappa["low"] is not None and kappa["high"] is not None:
        bounds = f"{number_format.level(design['level'])} interval "
        bounds += f"{number_format.share(kappa['low'])} to {number_format.share(kappa['high'])}"
    accuracy = number_format.NOT_APPLICABLE if overall["value"] is None else number_format.percent(overall["value"])
    return (
        Figure("Overall accuracy", accuracy, sentences.interval(overall, design["level"]).strip(" ()")),
        Figure("Kappa", number_format.cell(kappa["value"], "share"), bounds),
        mean("f1", "Macro F1"),
        mean("iou", "Mean IoU"),
    )
