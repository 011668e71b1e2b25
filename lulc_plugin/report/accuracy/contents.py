# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in an accuracy report: the document of one map, and that of two maps against one reference."""

from __future__ import annotations

from typing import Literal

from .. import number_format
from ..document import Chart, Column, Document, Figure, Row, Section, Table, cells
from . import charts, class_tables, sentences
from .facts import AssessmentFacts, ComparisonFacts, LayerFacts, MapFacts, Measure, ReportFacts
from .matrices import matrices
from .records import LAYER_TITLES, record_section, sample_section

_MAPS = (("a", "map A"), ("b", "map B"))
_FEW = 25
_PAIRED = "A difference is map A minus map B, with the interval of paired units. Holm: p adjusted over the classes."
_CONSERVATIVE = "z and p follow from the interval: p is below 0.05 where the 95 % interval leaves out 0."


def _about(facts: ReportFacts) -> tuple[tuple[str, str], ...]:
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


# ---------------------------------------------------------------- one map


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
        about=_about(facts),
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


# ---------------------------------------------------------------- two maps


def compared(facts: ComparisonFacts) -> Document:
    """The document of a comparison's JSON object."""
    design, counted = facts["design"], facts["units"]["counted"]
    maps = [(facts["maps"][key], title) for key, title in _MAPS]
    return Document(
        title=facts["title"],
        design=design["sentence"],
        about=_about(facts),
        summary=_summary(facts),
        figures=tuple(_headline_figure(one, title, design["level"]) for one, title in maps)
        + (_difference_figure(facts),),
        caveat=sentences.KAPPA_CAVEAT,
        warnings=tuple(facts["warnings"]),
        sections=(
            Section("overall", "Overall", (sentences.NO_KAPPA_TEST,), (_overall(facts),)),
            Section(
                "tests",
                "Right and wrong at the same units",
                (_mcnemar_sentence(facts),),
                (_right_wrong(facts), *_mcnemar(facts)),
            ),
            Section(
                "per_class",
                "Differences of the classes",
                _how_paired(facts),
                (_per_class(facts, "users_accuracy", "users"), _per_class(facts, "producers_accuracy", "producers")),
            ),
            *(
                Section(
                    f"map_{key}",
                    f"{title[0].upper()}{title[1:]}: {one['layer']['name']}",
                    (),
                    (
                        class_tables.class_table(
                            one, design, counted, f"classes_{key}", f"Accuracy of the classes of {title}"
                        ),
                        *matrices(one, design, counted, f"_{key}", title),
                    ),
                )
                for (key, title), (one, _) in zip(_MAPS, maps)
            ),
            sample_section(facts),
            record_section(facts),
        ),
    )


def _how_paired(facts: ComparisonFacts) -> tuple[str, ...]:
    design = facts["design"]
    if facts["differences"]["overall_accuracy"]["low"] is None:
        return ()
    conservative = design["interval"] == "conservative" and design["name"] in ("simple", "stratified")
    return (_PAIRED, _CONSERVATIVE) if conservative else (_PAIRED,)


def _summary(facts: ComparisonFacts) -> tuple[str, ...]:
    first, second = (facts["maps"][key] for key, _ in _MAPS)
    names = [one["layer"]["name"] for one in (first, second)]
    summary = [
        f"Map A ({names[0]}) is right on {_share(first)}, map B ({names[1]}) on {_share(second)}"
        f" of the {'area' if facts['design']['name'] in ('simple', 'stratified') else facts['units']['counted']}."
    ]
    overall = facts["differences"]["overall_accuracy"]
    if overall["difference"] is not None:
        summary.append(_verdict(overall["difference"], overall["low"], overall["high"], facts["design"]["level"]))
    kappas = [number_format.cell(one["kappa"]["value"], "share") for one in (first, second)]
    summary.append(f"Kappa is {kappas[0]} (map A) and {kappas[1]} (map B).")
    return (*summary, *sentences.no_intervals(first["overall_accuracy"], facts["design"]["name"]))


def _share(one: MapFacts) -> str:
    value = one["overall_accuracy"]["value"]
    return number_format.NOT_APPLICABLE if value is None else number_format.percent(value)


def _verdict(difference: float, low: float | None, high: float | None, level: float) -> str:
    sentence = f"The difference is {_points(difference)} percentage points"
    if low is None or high is None:
        return f"{sentence}."
    sentence += f" ({number_format.level(level)} interval {_points(low)} to {_points(high)})"
    if low > 0 or high < 0:
        return f"{sentence}: map {'A' if difference > 0 else 'B'} is the more accurate one."
    return f"{sentence}: with this sample neither map can be called more accurate."


def _points(share: float) -> str:
    """A difference in percentage points, with its sign."""
    return f"{100 * share:+.1f}".replace("-", "−")


def _headline_figure(one: MapFacts, title: str, level: float) -> Figure:
    return Figure(
        f"Overall accuracy, {title}",
        _share(one),
        sentences.interval(one["overall_accuracy"], level).strip(" ()"),
    )


def _difference_figure(facts: ComparisonFacts) -> Figure:
    overall = facts["differences"]["overall_accuracy"]
    detail = f"p = {number_format.cell(overall['p'], 'p')}" if overall["p"] is not None else ""
    return Figure("Difference, A − B", number_format.cell(overall["difference"], "signed").replace("-", "−"), detail)


def _columns(level: float, with_holm: bool) -> tuple[Column, ...]:
    interval = f"{number_format.level(level)} interval of the difference"
    columns = (
        Column("a", "Map A", "share"),
        Column("b", "Map B", "share"),
        Column("difference", "A − B", "signed"),
        Column("low", "low", "signed", interval, optional=True),
        Column("high", "high", "signed", interval, optional=True),
        Column("se", "SE", "share", optional=True),
        Column("z", "z", "stat", optional=True),
        Column("p", "p", "p", optional=True),
    )
    return (*columns, Column("p_holm", "p (Holm)", "p", optional=True)) if with_holm else columns


def _overall(facts: ComparisonFacts) -> Table:
    columns = _columns(facts["design"]["level"], False)
    differences = facts["differences"]
    entries = (("Overall accuracy", differences["overall_accuracy"]), ("Kappa", differences["kappa"]))
    rows = [Row(label, cells(entry, columns)) for label, entry in entries]
    notes = tuple(class_tables.sentence(f"{label}: {entry['note']}") for label, entry in entries if entry["note"])
    return Table(
        "differences", "Overall accuracy and Kappa of both maps", "", "Figure", columns, tuple(rows), notes
    ).without_empty_columns()


def _per_class(facts: ComparisonFacts, key: Literal["users_accuracy", "producers_accuracy"], name: str) -> Table:
    columns = _columns(facts["design"]["level"], True)
    title = dict(class_tables.MEASURES)[key]
    entries = facts["differences"]["classes"]
    rows = [Row(entry["label"], cells(entry[key], columns), entry["colour"]) for entry in entries]
    reasons: dict[str, list[str]] = {}
    for entry in entries:
        if entry[key]["note"]:
            reasons.setdefault(entry[key]["note"], []).append(entry["label"])
    return Table(
        f"differences_{name}",
        title,
        "",
        "Class",
        columns,
        tuple(rows),
        tuple(class_tables.sentence(f"{class_tables.listed(where)}: {reason}") for reason, where in reasons.items()),
    ).without_empty_columns()


def _right_wrong(facts: ComparisonFacts) -> Table:
    units = facts["units_right"]
    total = units["both"] + units["only_a"] + units["only_b"] + units["neither"]
    return Table(
        "right_wrong",
        "Units that each map has right",
        f"Number of {facts['units']['counted']}. Rows: map A; columns: map B.",
        "Map A (rows) / Map B (columns)",
        (
            Column("right", "right", "count", "Map B (columns)"),
            Column("wrong", "wrong", "count", "Map B (columns)"),
            Column("total", "Total", "count"),
        ),
        (
            Row("Map A right", (units["both"], units["only_a"], units["both"] + units["only_a"])),
            Row("Map A wrong", (units["only_b"], units["neither"], units["only_b"] + units["neither"])),
            Row(
                "Total",
                (units["both"] + units["only_b"], units["only_a"] + units["neither"], total),
                total=True,
            ),
        ),
    )


def _mcnemar_sentence(facts: ComparisonFacts) -> str:
    test = facts["mcnemar"]
    if test is None:
        return facts["mcnemar_note"] or "McNemar's test is not printed: the design does not allow it."
    discordant = test["only_a"] + test["only_b"]
    if discordant == 0:
        return "The maps are right and wrong at the same units: there is nothing to test."
    only_a, only_b = number_format.count(test["only_a"]), number_format.count(test["only_b"])
    only = f"{only_a} right in map A only, {only_b} in map B only"
    if test["reported"] == "exact":
        p = number_format.cell(test["p_exact"], "p")
        return f"McNemar's test ({only}; exact, because fewer than {_FEW} differ): p = {p}."
    return (
        f"McNemar's test ({only}): χ² = {number_format.cell(test['chi2'], 'stat')} with 1 degree of freedom, "
        f"p = {number_format.cell(test['p'], 'p')}."
    )


def _mcnemar(facts: ComparisonFacts) -> tuple[Table, ...]:
    test = facts["mcnemar"]
    if test is None:
        return ()
    columns = (Column("statistic", "χ² (1 df)", "stat"), Column("p", "p", "p"), Column("reported", "Reported", "text"))

    def reported(name: str) -> str:
        return "yes" if test["reported"] == name else ""

    return (
        Table(
            "mcnemar",
            "McNemar's test, all variants",
            f"The exact test counts below {_FEW} differing units, else the uncorrected χ².",
            "Variant",
            columns,
            (
                Row("χ²", (test["chi2"], test["p"], reported("chi2"))),
                Row("χ² with continuity correction", (test["chi2_corrected"], test["p_corrected"], "")),
                Row("exact (binomial)", ("", test["p_exact"], reported("exact"))),
                Row("mid-p", ("", test["p_midp"], "")),
            ),
        ),
    )
