# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network as a document, and its two writers: one HTML file, and Markdown for a repository's page.

Every text of a card may come from an unknown author, so both writers escape it. The HTML has no script and loads
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Union

from .. import number_format
from ..document import Figure, Matrix, Table, Value
from ..html_page import environment
from ..matrix_view import DARK, LIGHT, MatrixView, view
from .world_map import WorldMap

FOOTER = (
    "From the network's own description, which its makers wrote. n/a: not applicable. Made by Land Cover Classifier."
)
_URL = re.compile(r"https?://[^\s<>|\"'`\\]*[^\s<>|\"'`\\.,;:!?)]")
#: What has a meaning anywhere in a line of Markdown; an underscore only where a word begins or ends.
_MARKS = re.compile(r"[\\`*\[\]<>|~$&]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
#: What begins a list, a heading or a rule at the start of a line.
_START = re.compile(r"\A(?:(\d{1,9})(?=[.)](?:\s|\Z))|(?=[#+=-](?:[\s#=-]|\Z)))")


@dataclass(frozen=True)
class Listing:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    title: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A picture beside the Markdown file, at a relative path of plain characters; HTML, which may lie anywhere, leaves
    it out."""

    path: str
    caption: str


Part = Union[Table, WorldMap, Listing, Code, Picture]


@dataclass(frozen=True)
class CardSection:
    """A heading with sentences and parts below it."""

    id: str
    title: str
    sentences: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class ModelCard:
    """A whole card."""

    name: str
    title: str
    about: tuple[tuple[str, str], ...]
    lead: str
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]
    sections: tuple[CardSection, ...]


# ---------------------------------------------------------------- HTML


def card_html(card: ModelCard) -> str:
    """The text of the HTML file."""
    template = environment().get_template("modelcard.html.j2")
    return template.render(card=card, kind_of=_kind, shown=_shown, footer=FOOTER, light=LIGHT, dark=DARK)


def _kind(part: Part) -> str:
    """Which macro of the template draws a part."""
    kinds = {WorldMap: "map", Listing: "list", Code: "code", Matrix: "matrix", Picture: "none"}
    return kinds.get(type(part), "table")


def _shown(matrix: Matrix) -> MatrixView:
    shown = view(matrix)
    # a report has the other classes in its CSV and JSON files; a card has no such files
    note = f"Shown: the largest of {len(matrix.order)} classes; the rest is summed up." if shown.note else ""
    return replace(shown, note=note)


# ---------------------------------------------------------------- Markdown


def card_markdown(card: ModelCard) -> str:
    """The card in GitHub's Markdown."""
    figures = ((f.label, f"{f.value} ({f.detail})" if f.detail else f.value) for f in card.figures)
    blocks = [
        f"# {inline(card.name)}",
        f"**{inline(card.title)}**",
        escaped(card.lead),
        *(f"> **Warning:** {inline(warning)}" for warning in card.warnings),
        "\n".join(f"- **{inline(name)}:** {inline(text)}" for name, text in (*figures, *card.about)),
    ]
    for section in card.sections:
        blocks.append(f"## {inline(section.title)}")
        blocks += map(escaped, section.sentences)
        for part in section.parts:
            blocks += _blocks(part)
    return "\n\n".join(block for block in (*blocks, FOOTER) if block) + "\n"


def escaped(text: str) -> str:
    """`text` as a paragraph of Markdown that shows just this text; addresses of the web become links."""
    return _START.sub(lambda start: f"{start.group(1) or ''}\\", inline(text))


def inline(text: str) -> str:
    """The same within a line, where no list or heading can begin."""
    line = " ".join(text.split())
    pieces, place = [], 0
    for match in _URL.finditer(line):
        pieces += [_MARKS.sub(r"\\\g<0>", line[place : match.start()]), f"<{match.group()}>"]
        place = match.end()
    return "".join((*pieces, _MARKS.sub(r"\\\g<0>", line[place:])))


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[bool] = ()) -> str:
    """A table of cells that are Markdown already; `right` says which columns stand to the right (default: none)."""
    marks = ["---:" if i < len(right) and right[i] else "---" for i in range(len(header))]
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join(marks)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _blocks(part: Part) -> list[str]:
    """Blocks of Markdown that show `part`; an empty one is left out."""
    if isinstance(part, Picture):
        return [f"![Examples, described below]({part.path})", escaped(part.caption)]
    if isinstance(part, Listing):
        return ["\n".join(f"- {escaped(item)}" for item in part.items)]
    title = f"### {inline(part.title)}"
    if isinstance(part, Code):
        fence = "`" * (2 + max(1, *(len(run) for run in re.findall("`+", part.text) or [""])))
        return [title, f"{fence}\n{part.text}\n{fence}"]
    if isinstance(part, WorldMap):
        return [title, escaped(f"{part.label} {part.caption}")]
    notes = [escaped(note) for note in part.notes]
    if isinstance(part, Matrix):
        shown = _shown(part)
        header = [part.stub, *shown.heads, *shown.margins]
        rows = [[f"**{inline(line.label)}**", *(_grouped(c.text) for c in line.cells)] for line in shown.lines]
        table = markdown_table(list(map(inline, header)), rows, [False] + [True] * (len(header) - 1))
        return [title, escaped(part.caption), table, escaped(shown.note), *notes]
    header = [part.stub, *(column.full_title for column in part.columns)]
    right = [False, *(column.kind != "text" for column in part.columns)]
    rows = [
        [inline(row.label), *(_cell(v, row.kinds.get(c.key, c.kind)) for v, c in zip(row.cells, part.columns))]
        for row in part.rows
    ]
    return [title, escaped(part.caption), markdown_table(list(map(inline, header)), rows, right), *notes]


def _cell(value: Value, kind: str) -> str:
    return inline(value) if isinstance(value, str) else _grouped(number_format.cell(value, kind))


def _grouped(text: str) -> str:
    """A number with blanks between thousands; other text as it is."""
    return f"{int(text):,}".replace(",", "\u202f") if text.isascii() and text.isdigit() else inline(text)
