# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables with a row for each class, and those of the overall figures; made from the JSON object of a result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .. import number_format
from ..document import VALUE, Column, Row, Table, cells
from .facts import AssessmentFacts, ClassFacts, DesignFacts, EstimateFacts, MapFacts, Measure, Part

#: Figures of a class as people read them, in the order of the table: (key, title).
MEASURES: tuple[tuple[Measure, str], ...] = (
    ("users_accuracy", "User's accuracy (precision)"),
    ("producers_accuracy", "Producer's accuracy (recall)"),
    ("f1", "F1"),
    ("iou", "IoU"),
    ("kappa", "Kappa, class against the rest"),
)
DISAGREEMENT: tuple[tuple[Part, str], ...] = (
    ("quantity", "Quantity"),
    ("allocation", "Allocation"),
    ("exchange", "of it exchange"),
    ("shift", "of it shift"),
    ("total", "Total"),
)
_MOST_LISTED = 6
_WILSON = "† Wilson score interval, because the estimate is 0 or 1 and the usual interval would have no width"


def interval_columns(key: str, title: str) -> tuple[Column, ...]:
    """The figure and the two bounds of its interval."""
    return (
        Column(f"{key}.value", VALUE, "share", title),
        Column(f"{key}.low", "low", "share", title, optional=True),
        Column(f"{key}.high", "high", "share", title, optional=True),
    )


def headline(facts: MapFacts, design: DesignFacts) -> Table:
    """Overall accuracy and Kappa with their intervals."""
    columns = (
        Column("value", "Estimate", "share"),
        Column("se", "Standard error", "share", optional=True),
        Column("low", f"{number_format.level(design['level'])} interval, low", "share", optional=True),
        Column("high", "high", "share", optional=True),
    )
    entries = (("Overall accuracy", facts["overall_accuracy"]), ("Kappa (Cohen)", facts["kappa"]))
    return Table(
        "headline",
        "Overall accuracy and Kappa",
        "Overall accuracy: share of the area where map and reference agree."
        if design["name"] in ("simple", "stratified")
        else "Overall accuracy: share of the compared units where map and reference agree.",
        "Figure",
        columns,
        tuple(
            Row(label, cells(entry, columns), marked=_marked_bounds(entry, facts, design)) for label, entry in entries
        ),
        _headline_notes(entries) + _headline_mark(entries, facts, design),
    ).without_empty_columns()


def class_table(
    facts: MapFacts, design: DesignFacts, counted: str, name: str = "classes", title: str = "Classes"
) -> Table:
    """User's and producer's accuracy, F1, IoU and Kappa of each class."""
    columns = (
        Column("units_map", "map", "count", counted.capitalize()),
        Column("units_reference", "reference", "count", counted.capitalize()),
        *(c for key, text in MEASURES for c in interval_columns(key, text)),
    )
    rows = []
    for entry in facts["classes"]:
        marked = frozenset(
            f"{key}.{part}"
            for key, _ in MEASURES
            if is_fallback(entry[key], facts, design)
            for part in ("value", "low", "high")
        )
        rows.append(row_of(entry, columns, marked))
    return Table(
        name,
        title,
        "User's accuracy: of what the map shows as the class, the share that is. Producer's accuracy: of what is the "
        "class, the share that the map shows. F1 joins the two; IoU is intersection over union."
        + _bounds(facts, design),
        "Class",
        columns,
        tuple(rows),
        _footnotes(facts) + _marks(facts, design),
    ).without_empty_columns()


def _bounds(facts: MapFacts, design: DesignFacts) -> str:
    if all(entry[key]["low"] is None for entry in facts["classes"] for key, _ in MEASURES):
        return ""
    return f" Low and high: bounds of the {number_format.level(design['level'])} confidence interval."


def error_table(facts: MapFacts, name: str = "extended", title: str = "Errors and conditional Kappas") -> Table:
    """Commission and omission errors, conditional Kappas, and the standard errors of the main table."""
    columns = (
        Column("commission_error", "Commission error", "share"),
        Column("omission_error", "Omission error", "share"),
        Column("kappa_users", "user's", "share", "Conditional Kappa"),
        Column("kappa_producers", "producer's", "share", "Conditional Kappa"),
        *(
            Column(f"{key}.se", short, "share", "Standard error", optional=True)
            for (key, _), short in zip(MEASURES, ("user's acc.", "producer's acc.", "F1", "IoU", "Kappa"))
        ),
    )
    return Table(
        name,
        title,
        "Commission error = 1 − user's accuracy, omission error = 1 − producer's accuracy. Some programs print the "
        "user's conditional Kappa (given the map) as the Kappa of a class; the producer's is given the reference.",
        "Class",
        columns,
        tuple(row_of(entry, columns) for entry in facts["classes"]),
    ).without_empty_columns()


def means_table(facts: MapFacts) -> Table:
    """Macro and weighted means."""
    columns = (
        Column("macro.value", "Macro mean", "share"),
        Column("macro.classes", "over classes", "count"),
        Column("weighted", "Weighted by reference", "share"),
    )
    macro, weighted = facts["means"]["macro"], facts["means"]["weighted"]
    total = len(facts["classes"])
    rows = [Row(title, (macro[key]["value"], macro[key]["classes"], weighted[key])) for key, title in MEASURES]
    left_out = sorted({m["classes"] for m in macro.values() if m["classes"] < total})
    note = f"Means skip what is n/a: some are over {left_out[0]} of {total} classes." if left_out else ""
    return Table(
        "means",
        "Means over the classes",
        "Macro: every class counts the same. Weighted: by the class's share of the reference. Micro F1 (and micro "
        "precision and recall) = overall accuracy.",
        "Figure",
        columns,
        tuple(rows),
        (note,) if note else (),
    )


def single_figures(facts: MapFacts) -> Table:
    """Balanced accuracy, MCC and expected agreement."""
    columns = (Column("value", "Value", "share"),)
    return Table(
        "single_figures",
        "Further overall figures",
        "",
        "Figure",
        columns,
        (
            Row("Balanced accuracy (macro producer's accuracy)", (facts["balanced_accuracy"],)),
            Row("Matthews correlation coefficient (MCC)", (facts["mcc"],)),
            Row("Agreement expected by chance (in Kappa)", (facts["expected_agreement"],)),
        ),
    )


def disagreement_tables(facts: MapFacts) -> tuple[Table, Table]:
    """Quantity, allocation, exchange and shift: of the whole, and of each class."""
    total = Table(
        "disagreement",
        "Disagreement in total",
        "Quantity: classes mapped too large or too small. Allocation: right amount, wrong place; exchange is two "
        "classes swapping places, shift the rest. Quantity and allocation add up to 1 − overall accuracy (Pontius & "
        "Millones 2011; Pontius & Santacruz 2014).",
        "Component",
        (Column("value", "Share of the total", "share"),),
        tuple(Row(title, (facts["disagreement"][key],), total=key == "total") for key, title in DISAGREEMENT),
    )
    columns = tuple(Column(f"disagreement.{key}", title, "share") for key, title in DISAGREEMENT)
    classes = Table(
        "disagreement_classes",
        "Disagreement of each class",
        "Each disagreeing unit belongs to two classes: the column sums are twice the totals.",
        "Class",
        columns,
        tuple(row_of(entry, columns) for entry in facts["classes"]),
    )
    return total, classes


def decimals_of(facts: AssessmentFacts) -> int:
    """Decimals with which this report prints areas."""
    return number_format.area_decimals(
        value for entry in facts["classes"] for value in (entry["area"]["mapped"], entry["area"]["adjusted"]["value"])
    )


def area_table(facts: AssessmentFacts) -> Table:
    """Pixels and area as mapped; error-adjusted area with its interval."""
    unit = number_format.UNIT_NAMES[facts["areas"]["unit"]]
    decimals = decimals_of(facts)
    kind, signed = f"area{decimals}", f"signed-area{decimals}"
    adjusted = f"Error-adjusted area ({unit})"
    columns = (
        Column("area.pixels", "pixels", "count", "Mapped"),
        Column("area.mapped_share", "share", "share", "Mapped"),
        Column("area.mapped", f"area ({unit})", kind, "Mapped", optional=True),
        Column("area.adjusted.value", "estimate", kind, adjusted, optional=True),
        Column("area.adjusted.se", "SE", kind, adjusted, optional=True),
        Column("area.adjusted.low", "low", kind, adjusted, optional=True),
        Column("area.adjusted.high", "high", kind, adjusted, optional=True),
        Column("area.relative_half_width", "relative half-width", "share", adjusted, optional=True),
        Column("area.bias", f"Adjusted − mapped ({unit})", signed, optional=True),
    )
    table = Table(
        "areas",
        "Area of the classes",
        _caption(facts),
        "Class",
        columns,
        tuple(row_of(entry, columns) for entry in facts["classes"]),
        tuple(dict.fromkeys(sentence(n) for n in (e["area"]["adjusted"]["note"] for e in facts["classes"]) if n)),
    )
    return table.without_empty_columns()


def _caption(facts: AssessmentFacts) -> str:
    areas = facts["areas"]
    whole = f"The map has {number_format.count(areas['map_pixels'])} valid pixels"
    if areas["map_area"] is not None:
        decimals = number_format.area_decimals([areas["map_area"]])
        whole += f", {number_format.area(areas['map_area'], decimals, areas['unit'])}"
    text = f"{whole}. {areas['note']}".strip()
    if any(entry["area"]["adjusted"]["value"] is not None for entry in facts["classes"]):
        text += " Error-adjusted: the mapped area, less what the map gives the class wrongly, plus what it misses."
    return text


def sample_tables(facts: AssessmentFacts) -> tuple[Table, ...]:
    """Figures of the bare sample counts, apart from the estimates."""
    sample = facts["sample_statistics"]
    if sample is None:
        return ()
    overall = (
        ("Overall accuracy", sample["overall_accuracy"]),
        ("Kappa", sample["kappa"]),
        ("MCC", sample["mcc"]),
        ("Macro F1", sample["macro_f1"]),
        ("Mean IoU", sample["mean_iou"]),
    )
    columns = tuple(Column(key, title, "share") for key, title in MEASURES)
    return (
        Table(
            "sample_figures",
            "Bare sample counts: overall",
            f"{sample['note']} They follow from the matrix of counts as if every unit stood for the same area.",
            "Figure of the sample",
            (Column("value", "Value", "share"),),
            tuple(Row(title, (value,)) for title, value in overall),
        ),
        Table(
            "sample_classes",
            "Bare sample counts: classes",
            sample["note"],
            "Class",
            columns,
            tuple(Row(entry["label"], cells(entry, columns), entry["colour"]) for entry in sample["classes"]),
        ),
    )


def row_of(entry: ClassFacts, columns: Sequence[Column], marked: frozenset[str] = frozenset()) -> Row:
    """The row of a class; greyed when it occurs neither in the map's sample nor in the reference."""
    absent = entry["units_map"] == 0 and entry["units_reference"] == 0
    return Row(entry["label"], cells(entry, columns), entry["colour"], muted=absent, marked=marked)


def is_fallback(estimate: EstimateFacts, facts: MapFacts, design: DesignFacts) -> bool:
    """Whether an interval is a Wilson interval only because the usual one would have no width."""
    if design["interval"] == "wilson" or not str(estimate["method"]).startswith("wilson"):
        return False
    if design["name"] != "simple":
        return True
    return any(entry[key]["method"] == "normal" for entry in facts["classes"] for key in ("users_accuracy", "f1"))


def _marked_bounds(entry: EstimateFacts, facts: MapFacts, design: DesignFacts) -> frozenset[str]:
    return frozenset(("value", "low", "high")) if is_fallback(entry, facts, design) else frozenset()


def _marks(facts: MapFacts, design: DesignFacts) -> tuple[str, ...]:
    """The footnote that explains †, with the figures it is about, for readers without style sheets."""
    where = [
        f"{short_title(title)} of {entry['label']}"
        for entry in facts["classes"]
        for key, title in MEASURES
        if is_fallback(entry[key], facts, design)
    ]
    return (f"{_WILSON}: {listed(where)}.",) if where else ()


def _headline_mark(
    entries: Sequence[tuple[str, EstimateFacts]], facts: MapFacts, design: DesignFacts
) -> tuple[str, ...]:
    return (f"{_WILSON}.",) if any(is_fallback(entry, facts, design) for _, entry in entries) else ()


def _footnotes(facts: MapFacts) -> tuple[str, ...]:
    """Why there is no value or no interval: each reason once, with what it is about."""
    reasons: dict[str, list[str]] = {}
    for entry in facts["classes"]:
        for key, title in MEASURES:
            # what holds for the whole map stands below the headline figures
            if entry[key]["note"] not in ("", facts["overall_accuracy"]["note"]):
                reasons.setdefault(entry[key]["note"], []).append(f"{short_title(title)} of {entry['label']}")
    return tuple(sentence(f"{listed(where)}: {reason}") for reason, where in reasons.items())


def _headline_notes(entries: Sequence[tuple[str, EstimateFacts]]) -> tuple[str, ...]:
    notes = dict.fromkeys(entry["note"] for _, entry in entries if entry["note"])
    if len(notes) == 1 and all(entry["note"] for _, entry in entries):
        return (sentence(next(iter(notes))),)
    return tuple(_headline_note(label, entry["note"]) for label, entry in entries if entry["note"])


def _headline_note(label: str, note: str) -> str:
    """The note with the figure that it is about, unless it begins with that: "kappa is undefined"."""
    return sentence(note if note.lower().startswith(short_title(label).lower()) else f"{label}: {note}")


def short_title(title: str) -> str:
    """The title without what stands in brackets or after a comma; as part of a sentence."""
    text = title.split(" (")[0].split(",")[0]
    return text if text in ("Kappa", "IoU") or not text[1:2].islower() else text[0].lower() + text[1:]


def listed(items: Iterable[str]) -> str:
    """a, b, c and 4 more."""
    items = list(items)
    shown = ", ".join(items[:_MOST_LISTED])
    return shown if len(items) <= _MOST_LISTED else f"{shown} and {len(items) - _MOST_LISTED} more"


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
