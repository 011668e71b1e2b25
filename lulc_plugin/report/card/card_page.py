# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network as one HTML file: no script, nothing from the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...atomic_write import write_report
from ...model import ModelSpec
from .. import heat_colours
from ..document import Matrix
from ..html_page import environment
from ..matrix_view import MatrixView, view
from .card_parts import Code, Listing, ModelCard, Part
from .model_card import model_card
from .world_map import WorldMap


def write_card(output: Path, spec: ModelSpec, path: Path, listed: str = "") -> None:
    """Write the card of the network at `path` to `output`.

    Args:
        output: the HTML file.
        spec: the network's description.
        path: the network's .onnx file.
        listed: its name in the parameter MODEL; empty: it is reached by its file.

    Raises:
        LulcError: the file cannot be written.
    """
    write_report(output, card_page(model_card(spec, path, listed)).encode("utf-8"))


def card_page(card: ModelCard) -> str:
    """The text of the HTML file."""
    template = environment().get_template("modelcard.html.j2")
    return template.render(card=card, kind_of=_kind, shown=_shown, light=heat_colours.LIGHT, dark=heat_colours.DARK)


def _kind(part: Part) -> str:
    """Which macro of the templates draws a part."""
    kinds = {WorldMap: "map", Listing: "list", Code: "code", Matrix: "matrix"}
    return kinds.get(type(part), "table")


def _shown(matrix: Matrix) -> MatrixView:
    found = view(matrix)
    # a report has the other classes in its CSV and JSON files; a card has no such files
    note = f"Shown: the largest of {len(matrix.order)} classes; the rest is summed up." if found.note else ""
    return replace(found, note=note)
