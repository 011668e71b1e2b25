# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network: everything its description says, as sections of sentences, tables, lists and a map."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from ... import provenance
from ...atomic_write import refuse_same_file, write_report
from ...model import ModelSpec
from .. import number_format
from ..document import Column, Figure, Row, Table, plain_text
from . import evaluation, expectations, fields, own_samples, pattern_scores
from .pages import CardSection, Code, Listing, ModelCard, Part, Picture, card_html, card_markdown
from .world_map import world_map

_MOST_WARNINGS = 20


def write_card(output: Path, spec: ModelSpec, path: Path, model_name: str = "") -> None:
    """Write the card of the network at `path` to `output`, as HTML.

    Args:
        output: the HTML file.
        spec: the network's description.
        path: the network's .onnx file.
        model_name: its name in the parameter MODEL; empty: it is reached by its file.

    Raises:
        LulcError: the file cannot be written, or belongs to the network.
    """
    refuse_same_file(output, (path, path.with_suffix(".json"), path.with_suffix(".md")), "OUTPUT_HTML")
    write_report(output, card_html(model_card(spec, path, model_name)).encode("utf-8"))


def markdown_card(spec: ModelSpec, path: Path) -> str:
    """The card of the network at `path` in Markdown, as it stands beside a network of this project.

    Args:
        spec: the network's description.
        path: the network's .onnx file; the card names no folder.
    """
    return card_markdown(model_card(spec, path, model_name=spec.name, file=spec.name))


def model_card(spec: ModelSpec, path: Path, model_name: str = "", file: str = "") -> ModelCard:
    """The card of the network at `path`, described by `spec`.

    Args:
        spec: its description.
        path: the .onnx file; its digest is taken.
        model_name: its name in the parameter MODEL; empty: it is reached by its file.
        file: what follows `--model` at a shell; empty: `path`.
    """
    digest = provenance.file_digest(path)
    sections = (
        expectations.expects(spec),
        pattern_scores.patterns(spec),
        expectations.classes(spec),
        expectations.smoothing(spec),
        own_samples.own_classes(spec),
        _limits(spec, path),
        evaluation.accuracy(spec),
        evaluation.confidence(spec),
        evaluation.border(spec),
        _training(spec),
        _making(spec),
        _use(path, model_name, file or str(path)),
        _other_programs(spec),
    )
    return ModelCard(
        name=plain_text(spec.name),
        title=plain_text(spec.title),
        about=_about(spec, path, digest),
        lead=plain_text(spec.description),
        figures=_figures(spec),
        warnings=_warnings(spec, path, digest),
        sections=tuple(section for section in sections if section is not None),
    )


def _about(spec: ModelSpec, path: Path, digest: str) -> tuple[tuple[str, str], ...]:
    makers = ", ".join(str(p.get("name") or "") for p in spec.providers if p.get("name"))
    known = "" if spec.architecture == "unknown" else spec.architecture
    rows = (
        ("Name", spec.name),
        ("Version", spec.version),
        ("Network", ", ".join(filter(None, (known, f"{spec.parameters:,} parameters" if spec.parameters else "")))),
        ("Speed", f"{spec.speed:.1f} million pixels a second on two CPU threads" if spec.speed else ""),
        ("Made by", makers),
        ("Made on", number_format.moment(spec.created)),
        ("Licence", "not given" if spec.license == "other" else spec.license),
        ("File", f"{path.name}, {_size(path.stat().st_size)}"),
        ("SHA-256", digest),
    )
    return tuple((name, plain_text(text)) for name, text in rows if text)


def _size(bytes: int) -> str:
    return f"{bytes / 1e6:.1f} MB" if bytes >= 100_000 else f"{bytes / 1e3:.1f} kB"


def _warnings(spec: ModelSpec, path: Path, digest: str) -> tuple[str, ...]:
    warnings = []
    if spec.sha256 and spec.sha256.replace("-", "").lower() != digest.replace("-", ""):
        warnings.append(
            f"The description belongs to other weights: it gives the SHA-256 {spec.sha256}, the file has {digest}."
        )
    elif spec.file_size and spec.file_size != path.stat().st_size:
        size = path.stat().st_size
        warnings.append(f"The description gives a file of {spec.file_size:,} bytes, the file has {size:,}.")
    return tuple(map(plain_text, (*warnings, *spec.warnings[:_MOST_WARNINGS])))


def _figures(spec: ModelSpec) -> tuple[Figure, ...]:
    count, bands = pattern_scores.counts(spec)
    detail = "what it was made for" if spec.gsd_range is not None else "nominal" if spec.gsd else ""
    figures = [
        Figure("Bands", count, plain_text(bands)),
        Figure("Pixel size", expectations.pixel_size(spec), detail),
        Figure("Classes", str(len(spec.legend.classes)), ""),
    ]
    for one in [one for one in evaluation.evaluated(spec) if one.split == "test"][:2]:
        accuracy = number_format.percent(one.scores.overall_accuracy)
        figures.append(Figure("Overall accuracy", accuracy, f"held out: {one.name}"))
    return tuple(figures)


def _limits(spec: ModelSpec, path: Path) -> CardSection:
    limits = fields.sentences(spec, "lulc:limits")
    picture = fields.picture(spec)
    parts: tuple[Part, ...] = (Listing(limits),) if limits else ()
    sentences = [] if spec.unasked else ["It is never chosen by “auto”: who wants it has to name it."]
    if not limits:
        sentences.append(
            "Its makers name none. A network knows only what it was trained on: check the map where you know the"
            " ground."
        )
        own = path.with_suffix(".md")
        sentences += (
            [plain_text(f"What else they wrote is in {own.name} beside the network.")] if os.path.isfile(own) else []
        )
    if picture:
        parts += (Picture(*picture),)
    return CardSection("limits", "Known limits", tuple(sentences), parts)


def _training(spec: ModelSpec) -> CardSection:
    """The section on training places and training data."""
    sentences: list[str] = []
    parts: list[Part] = []
    places, unknown = fields.training_places(spec)
    if places:
        caption = "Each dot is a place whose images the network was trained on."
        if unknown:
            caption += f" Not shown, because nobody says where the images lie: {'; '.join(unknown)}."
        parts.append(world_map("places", "Training places", caption, places))
    else:
        sentences.append("The description does not say where the training images lie.")
    if spec.training.sets:
        columns = (
            Column("license", "Licence", "text"),
            Column("citation", "Credit", "text"),
            Column("images", "Images", "count", optional=True),
            Column("pixels", "Labelled pixels", "count", optional=True),
        )
        rows = tuple(
            Row(
                plain_text(s.name),
                (plain_text(s.license), plain_text(" ".join((s.citation, s.url))), s.images or None, s.pixels or None),
            )
            for s in spec.training.sets
        )
        table = Table("training_data", "Training data and credits", "", "Data", columns, rows)
        parts.append(table.without_empty_columns())
    else:
        sentences.append("The description does not name the training data.")
    if spec.training.pretrained_source:
        sentences.append(f"Starting weights: {plain_text(spec.training.pretrained_source)}.")
    return CardSection("training", "Where it was trained", tuple(sentences), tuple(parts))


def _making(spec: ModelSpec) -> CardSection | None:
    sentences = list(fields.sentences(spec, "lulc:making"))
    parity = fields.parity(spec)
    if parity:
        pixels, same, most = parity
        sentences.append(
            f"File against the trained network, on {number_format.count(pixels)} pixels: same class"
            f" {100 * same:.3f}\u00a0%, largest difference of a probability {most:.4f}."
        )
    precision = fields.name(spec, "lulc:weight_precision")
    if precision:
        sentences.append(f"Larger filters are stored in {precision} precision.")
    return CardSection("making", "How it was made", tuple(sentences)) if sentences else None


def _use(path: Path, model_name: str, file: str) -> CardSection:
    """The section with a line for each door: QGIS, `qgis_process`, the engine at a shell, and Python in QGIS."""
    key, value, label = ("MODEL", model_name, "Model") if model_name else ("MODEL_FILE", str(path), "Model file")
    values = {"INPUT": "scene.tif", key: value, "OUTPUT": "landcover.tif"}
    words = " ".join(shlex.quote(f"{name}={text}") for name, text in values.items())
    python = json.dumps(values, ensure_ascii=False)
    examples = (
        ("At a shell, with QGIS", f"qgis_process run lulc:classifylandcover -- {words}"),
        (
            "At a shell, without QGIS",
            f"python -m lulc_plugin classify scene.tif landcover.tif --model {shlex.quote(file)}",
        ),
        ("In Python, inside QGIS", f'processing.run("lulc:classifylandcover", {python})'),
    )
    sentence = f"In QGIS: Processing Toolbox, Land Cover Classifier, Classify land cover; {label}: {value}."
    codes = tuple(Code(title, plain_text(text)) for title, text in examples)
    return CardSection("use", "How to use it", (plain_text(sentence),), codes)


def _other_programs(spec: ModelSpec) -> CardSection | None:
    """The section for whoever runs the file elsewhere; None where its makers say nothing on that."""
    sentences = fields.sentences(spec, "lulc:other_programs")
    if not sentences:
        return None
    features = (
        f" A second output, “{spec.output.features}”, has {spec.output.feature_count} numbers a pixel."
        if spec.output.features
        else ""
    )
    graph = (
        f"Input “{spec.input_name}” ({spec.layout}): the channels above, scaled as described. Output"
        f" “{spec.output.name}”: one plane a class, in the order of the classes above.{features}"
    )
    return CardSection("programs", "In other programs", (plain_text(graph), *sentences))
