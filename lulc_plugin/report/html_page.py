# SPDX-License-Identifier: GPL-3.0-or-later
"""The document as one HTML file: no script, nothing from the network."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from . import number_format
from .document import Chart, Column, Document, Matrix, Table, Value
from .matrix_view import DARK, LIGHT, Palette, style_rules, view

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
_DIGITS = re.compile(r"\d{4,}")
#: Tables with more columns than these are set smaller on paper.
_MANY_COLUMNS = 8


def page(document: Document) -> str:
    """The text of the HTML file."""
    template = environment().get_template("report.html.j2")
    return template.render(document=document, light=LIGHT, dark=DARK)


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The templates, with what they call: everything a user may have written is escaped."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(_TEMPLATES)),
        autoescape=True,  # class names, layer names and paths come from users
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        number=number, grouped=grouped, swatch=swatch, percent_of_width=percent_of_width, rules=_rules
    )
    templates.globals.update(head_groups=head_groups, view=view, part_kind=part_kind, is_wide=is_wide)
    return templates


def number(value: Value, kind: str) -> Markup:
    """A cell as HTML: digits in groups of three that are set apart by style only, so that a paste finds a number."""
    return grouped(number_format.cell(value, kind)) if not isinstance(value, str) else escape(value)


def grouped(text: str) -> Markup:
    """The first run of four or more digits in groups; digits after a decimal point stay together."""
    whole, point, rest = text.partition(".")
    out = Markup("")
    place = 0
    for match in _DIGITS.finditer(whole):
        digits = match.group()
        first = len(digits) % 3 or 3
        out += escape(whole[place : match.start()] + digits[:first])
        for i in range(first, len(digits), 3):
            out += Markup('<span class="g">%s</span>') % digits[i : i + 3]
        place = match.end()
    return out + escape(whole[place:] + point + rest)


def swatch(colour: str | None) -> Markup:
    """A small square of the class's colour; nothing when it has none that is safe to write into a style."""
    if not colour or not _COLOUR.match(colour):
        return Markup("")
    return Markup('<span class="swatch" style="background-color:%s"></span>') % colour


def percent_of_width(share: float) -> str:
    """A place on a chart."""
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def head_groups(columns: tuple[Column, ...]) -> list[tuple[str, list[Column]]]:
    """Neighbouring columns under one head; an empty head holds a single column."""
    groups: list[tuple[str, list[Column]]] = []
    for name, neighbours in groupby(columns, key=lambda c: c.group):
        members = list(neighbours)
        groups.extend([(name, members)] if name else [("", [c]) for c in members])
    return groups


def part_kind(part: Table | Chart) -> str:
    """Which macro of the template draws a part."""
    if isinstance(part, Chart):
        return "chart"
    return "matrix" if isinstance(part, Matrix) else "table"


def is_wide(table: Table) -> bool:
    """Whether a table needs small type on paper."""
    return len(table.columns) > _MANY_COLUMNS


def _rules(palette: Palette) -> str:
    return style_rules(palette)  # nothing in these rules that escaping would change
