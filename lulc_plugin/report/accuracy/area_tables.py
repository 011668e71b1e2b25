# SPDX-License-Identifier: GPL-3.0-or-later
"""Mapped and error-adjusted areas: the table and its bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import number_format
from ..document import Bar, BarGroup, Chart, Column, Table
from .class_tables import row_of, sentence

Facts = Mapping[str, Any]


def decimals_of(facts: Facts) -> int:
    """Decimals with which this report prints areas."""
    return number_format.area_decimals(
        value for entry in facts["classes"] for value in (entry["area"]["mapped"], entry["area"]["adjusted"]["value"])
    )


def area_table(facts: Facts) -> Table:
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


def _caption(facts: Facts) -> str:
    areas = facts["areas"]
    whole = f"The map has {number_format.count(areas['map_pixels'])} valid pixels"
    if areas["map_area"] is not None:
        decimals = number_format.area_decimals([areas["map_area"]])
        whole += f", {number_format.area(areas['map_area'], decimals, areas['unit'])}"
    text = f"{whole}. {areas['note']}".strip()
    if any(entry["area"]["adjusted"]["value"] is not None for entry in facts["classes"]):
        text += " Error-adjusted: the mapped area, less what the map gives the class wrongly, plus what it misses."
    return text


def area_chart(facts: Facts, chosen: tuple[int, ...]) -> Chart | None:
    """Bars of both areas of the `chosen` classes; None when no area is known."""
    unit, decimals = facts["areas"]["unit"], decimals_of(facts)
    entries = [facts["classes"][k] for k in chosen]
    ends = [e["area"]["adjusted"]["high"] or e["area"]["adjusted"]["value"] or 0.0 for e in entries]
    largest = max([*ends, *((e["area"]["mapped"] or 0.0) for e in entries)], default=0.0)
    if largest <= 0:
        return None
    top = _round_up(largest)
    groups = []
    for entry in entries:
        mapped, adjusted = entry["area"]["mapped"], entry["area"]["adjusted"]
        bars = [_bar("mapped", "plain", mapped, None, None, top, decimals)]
        if adjusted["value"] is not None:
            bars.append(_bar("adjusted", "strong", adjusted["value"], adjusted["low"], adjusted["high"], top, decimals))
        groups.append(BarGroup(entry["label"], entry["colour"], tuple(bars)))
    return Chart(
        "areas_chart",
        f"Mapped and error-adjusted area ({number_format.UNIT_NAMES[unit]})",
        "Whiskers: confidence interval." if any(e["area"]["adjusted"]["low"] is not None for e in entries) else "",
        tuple(groups),
        tuple((i / 4, _tick(top * i / 4)) for i in range(5)),
    )


def _bar(
    label: str, style: str, value: float | None, low: float | None, high: float | None, top: float, decimals: int
) -> Bar:
    def on_scale(area: float | None) -> float | None:
        return None if area is None else area / top

    return Bar(
        label, style, on_scale(value), on_scale(low), on_scale(high), number_format.cell(value, f"area{decimals}")
    )


def _round_up(value: float) -> float:
    """The next number of the form 1, 2, 4, 8 (times a power of ten), so that quarters of the scale are round."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power >= value:
        power /= 10
    return next(power * step for step in (1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if power * step >= value)


def _tick(value: float) -> str:
    return number_format.count(value) if value >= 10 or value == 0 else f"{value:.3g}"
