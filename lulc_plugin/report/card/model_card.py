# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network: everything its description says, as sections of sentences, tables, lists and a map."""

from __future__ import annotations

from pathlib import Path

from ... import provenance
from ...model import ModelSpec
from .. import number_format
from ..document import Column, Figure, Row, Table
from ..plain_values import plain_text
from . import limits, phrases, score_tables, training_places, trust
from .card_parts import CardSection, Listing, ModelCard, Part
from .usage import examples

_MOST_WARNINGS = 20


def model_card(spec: ModelSpec, path: Path, listed: str = "") -> ModelCard:
    """The card of the network at `path`, described by `spec`.

    Args:
        spec: its description.
        path: the .onnx file; its digest is taken, and limits are read from the card (.md) beside it.
        listed: its name in the parameter MODEL; empty: it is reached by its file.
    """
    digest = provenance.file_digest(path)
    return ModelCard(
        title=plain_text(spec.title),
        about=_about(spec, path, digest),
        lead=plain_text(spec.description),
        figures=_figures(spec),
        warnings=_warnings(spec, path, digest),
        sections=(
            _expects(spec),
            _classes(spec),
            training_places.training(spec),
            *trust.sections(spec),
            _limits(path),
            _use(path, listed),
        ),
    )


def _about(spec: ModelSpec, path: Path, digest: str) -> tuple[tuple[str, str], ...]:
    makers = ", ".join(str(p.get("name") or "") for p in spec.providers if p.get("name"))
    rows = (
        ("Name", spec.name),
        ("Version", spec.version),
        ("Network", _network(spec)),
        ("Made by", makers),
        ("Made on", number_format.moment(spec.created)),
        ("Licence", "not said" if spec.license == "other" else spec.license),
        ("File", f"{path.name}, {_size(path.stat().st_size)}"),
        ("SHA-256", digest),
    )
    return tuple((name, plain_text(text)) for name, text in rows if text)


def _network(spec: ModelSpec) -> str:
    known = "" if spec.architecture == "unknown" else spec.architecture
    return ", ".join(filter(None, (known, f"{spec.parameters:,} parameters" if spec.parameters else "")))


def _size(bytes: int) -> str:
    return f"{bytes / 1e6:.1f} MB" if bytes >= 100_000 else f"{bytes / 1e3:.1f} kB"


def _warnings(spec: ModelSpec, path: Path, digest: str) -> tuple[str, ...]:
    found = []
    if spec.sha256 and spec.sha256.replace("-", "").lower() != digest.replace("-", ""):
        found.append(
            f"The description belongs to other weights: it gives the SHA-256 {spec.sha256}, the file has {digest}."
        )
    elif spec.file_size and spec.file_size != path.stat().st_size:
        found.append(f"The description gives a file of {spec.file_size:,} bytes, the file has {path.stat().st_size:,}.")
    return tuple(map(plain_text, (*found, *spec.warnings[:_MOST_WARNINGS])))


def _figures(spec: ModelSpec) -> tuple[Figure, ...]:
    bands = phrases.listed([band.label for band in spec.bands])
    found = [
        Figure("Bands", str(len(spec.bands)), plain_text(bands)),
        Figure("Pixel size", phrases.pixel_size(spec), _gsd_detail(spec)),
        Figure("Classes", str(len(spec.legend.classes)), ""),
    ]
    for scores in [s for s in score_tables.in_order(spec.scores) if score_tables.split_name(s) == "test"][:2]:
        accuracy = number_format.percent(scores.overall_accuracy)
        found.append(Figure("Overall accuracy", accuracy, f"held out: {plain_text(scores.dataset)}"))
    return tuple(found)


def _gsd_detail(spec: ModelSpec) -> str:
    if spec.gsd_range is not None:
        return "what it was made for"
    return "nominal" if spec.gsd else ""


def _expects(spec: ModelSpec) -> CardSection:
    names = [plain_text(name) for name in spec.band_names]
    forms = [phrases.form(form) for form in spec.forms]
    sensors = ", ".join(filter(None, (spec.constellation, *spec.instruments)))
    sentences = [
        f"Pixel size: {phrases.pixel_size(spec)}." if spec.gsd_range or spec.gsd else "Pixel size: not said.",
        *([f"Made with images of {sensors}."] if sensors else []),
        *(f"{note.rstrip('.')}." for note in spec.notes[:_MOST_WARNINGS]),
        phrases.window(spec),
        "Values: " + forms[0] if len(forms) == 1 else "Values, one of these:",
    ]
    parts: list[Part] = [Listing(tuple(map(plain_text, forms)))] if len(forms) > 1 else []
    channels = tuple(
        Row(
            plain_text(channel.name),
            (plain_text(phrases.channel_source(channel, names)), phrases.steps(channel.steps), spec.fill[i]),
        )
        for i, channel in enumerate(spec.channels)
    )
    columns = (
        Column("source", "Made of", "text"),
        Column("steps", "Scaling", "text"),
        Column("fill", "Where there is no data", "stat"),
    )
    caption = "What enters the network, in this order; the program makes it from the bands."
    parts += [_bands(spec), Table("channels", "Channels", caption, "Channel", columns, channels)]
    return CardSection("expects", "What it expects", tuple(map(plain_text, sentences)), tuple(parts))


def _bands(spec: ModelSpec) -> Table:
    measured = len(spec.band_statistics) == len(spec.bands)
    columns = (
        Column("common", "Common name", "text", optional=True),
        Column("centre", "Centre, nm", "count", optional=True),
        Column("width", "Width, nm", "count", optional=True),
        Column("usual", "Usual values (2 to 98 %)", "text", optional=True),
        Column("mean", "Mean", "stat", optional=True),
    )
    rows = []
    for i, band in enumerate(spec.bands):
        seen = spec.band_statistics[i] if measured else None
        usual = None if seen is None else f"{phrases.number(seen.low)} … {phrases.number(seen.high)}"
        common = None if band.common_name in (None, band.name) else plain_text(band.common_name)
        rows.append(
            Row(
                f"{i + 1}. {plain_text(band.name)}",
                (common, _nanometres(band.wavelength), _nanometres(band.width), usual, seen.mean if seen else None),
            )
        )
    caption = "In this order when you give them by number; otherwise they are found by name or wavelength."
    return Table("bands", "Bands", caption, "Band", columns, tuple(rows)).without_empty_columns()


def _nanometres(micrometres: float | None) -> int | None:
    return None if micrometres is None else round(1000 * micrometres)


def _classes(spec: ModelSpec) -> CardSection:
    rows = tuple(
        Row(plain_text(c.name), (c.value, c.colour.upper()), c.colour, kinds={"value": "count"})
        for c in spec.legend.classes
    )
    columns = (Column("value", "Value in the map", "count"), Column("colour", "Colour", "text"))
    sentences = [f"Pixels without data get the value {spec.legend.nodata}."]
    if spec.output.threshold is not None:
        sentences.append(
            f"Its makers set scores below {phrases.number(spec.output.threshold)} to nothing before they took the"
            " largest; this program does not."
        )
    if spec.output.features:
        sentences.append(
            f"Beside the classes it gives {spec.output.feature_count} features of every pixel, for classes of your own."
        )
    return CardSection(
        "classes", "Classes", tuple(sentences), (Table("legend", "Classes of the map", "", "Class", columns, rows),)
    )


def _limits(path: Path) -> CardSection:
    found = limits.known_limits(path.with_suffix(".md"))
    if found:
        return CardSection("limits", "Known limits", (), (Listing(tuple(map(plain_text, found))),))
    nothing = (
        "Its makers name none. A network knows only what it was trained on: check the map where you know the ground."
    )
    return CardSection("limits", "Known limits", (nothing,))


def _use(path: Path, listed: str) -> CardSection:
    said = (
        f"In QGIS: Processing Toolbox, Land Cover Classifier, Classify land cover; Model: {listed}."
        if listed
        else f"In QGIS: Processing Toolbox, Land Cover Classifier, Classify land cover; Model file: {path}."
    )
    return CardSection("use", "How to use it", (plain_text(said),), examples(path, listed))
