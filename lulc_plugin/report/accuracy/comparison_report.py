# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of two maps against one reference."""

from __future__ import annotations

from typing import Literal

from .. import number_format
from ..document import Column, Document, Figure, Row, Section, Table, cells
from . import class_tables, sentences as sentences_of
from .assessment_report import about
from .facts import ComparisonFacts, MapFacts
from .matrices import matrices
from .records import record_section, sample_section

_MAPS = (("a", "map A"), ("b", "map B"))
_FEW = 25
_PAIRED = "A difference is map A minus map B, with the interval of paired units. Holm: p adjusted over the classes."


def compared(facts: ComparisonFacts) -> Document:
    """The document of a comparison's JSON object."""
    design, counted = facts["design"], facts["units"]["counted"]
    maps = [(facts["maps"][key], title) for key, title in _MAPS]
    return Document(
        title=facts["title"],
        design=design["sentence"],
        about=about(facts),
        summary=_summary(facts),
        figures=tuple(_headline_figure(one, title, design["level"]) for one, title in maps)
        + (_difference_figure(facts),),
        caveat=sentences_of.KAPPA_CAVEAT,
        warnings=tuple(facts["warnings"]),
        sections=(
            Section("overall", "Overall", (sentences_of.NO_KAPPA_TEST,), (_overall(facts),)),
            Section(
                "tests",
                "Right and wrong at the same units",
                (_mcnemar_sentence(facts),),
                (_right_wrong(facts), *_mcnemar(facts)),
            ),
            Section(
                "per_class",
                "Differences of the classes",
                (_PAIRED,) if _has_intervals(facts) else (),
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


def _has_intervals(facts: ComparisonFacts) -> bool:
    return facts["differences"]["overall_accuracy"]["low"] is not None


def _summary(facts: ComparisonFacts) -> tuple[str, ...]:
    first, second = (facts["maps"][key] for key, _ in _MAPS)
    names = [one["layer"]["name"] for one in (first, second)]
    sentences = [
        f"Map A ({names[0]}) is right on {_share(first)}, map B ({names[1]}) on {_share(second)}"
        f" of the {'area' if facts['design']['name'] in ('simple', 'stratified') else facts['units']['counted']}."
    ]
    overall = facts["differences"]["overall_accuracy"]
    if overall["difference"] is not None:
        sentences.append(_verdict(overall["difference"], overall["low"], overall["high"], facts["design"]["level"]))
    kappas = [number_format.cell(one["kappa"]["value"], "share") for one in (first, second)]
    sentences.append(f"Kappa is {kappas[0]} (map A) and {kappas[1]} (map B).")
    return (*sentences, *sentences_of.no_intervals(first["overall_accuracy"], facts["design"]["name"]))


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
        sentences_of.interval(one["overall_accuracy"], level).strip(" ()"),
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
