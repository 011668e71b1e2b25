# SPDX-License-Identifier: GPL-3.0-or-later
"""A `ModelSpec` from a STAC Item with the Machine Learning Model extension (MLM 1.x).

What MLM cannot say stands in properties with the prefix `lulc:`. Everything read here is untrusted: sizes are
limited, unknown fields are kept unread, nothing is evaluated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...errors import LulcError, ModelUnusable
from ...legend import visible_text
from ...options import command
from ...raster import steps_from_json
from ..spec import (
    MOST_GUIDE_BANDS,
    UNITS,
    BandStatistics,
    ClassScore,
    InputForm,
    ModelBand,
    ModelSpec,
    Scores,
    Smoothing,
    Training,
    TrainingSet,
)
from . import json_values
from .held_out import read_confidence, read_patterns
from .model_input import InputFacts, assets_of, listed_bands, read_input
from .model_output import read_output, read_window
from .writing import VERSION, written_properties

_LARGEST_FILE = 4_000_000
_SMALLEST_GSD = 1e-6
_REMEDY = f"Correct the description, or write a new one with {command('describemodel')}."
#: where the numbers of a scaling stand: NaN is reported to the user there, elsewhere it is a missing number
_SCALINGS = frozenset(("value_scaling", "pre_processing_function", "norm_clip", "statistics", "lulc:input_forms"))
#: what MLM prefixes; stac-model writes the same names without it into PyTorch archives
_UNPREFIXED = (
    "name", "architecture", "tasks", "framework", "framework_version", "memory_size", "total_parameters", "pretrained",
    "pretrained_source", "hyperparameters", "input", "output",
)  # fmt: skip

#: what an entry of `lulc:accuracy` has by itself; everything else in it is kept as `Scores.extra`
_SCORES = frozenset(f.name for f in fields(Scores)) - {"extra"} | {"axes"}


def read(path: Path) -> ModelSpec:
    """The model described by the sidecar at `path`.

    Raises:
        LulcError: not readable, too large, not JSON, or not a description this program can run.
    """
    try:
        return from_text(_text_of(path), path.name)
    except LulcError as error:
        raise _with_remedy(error, path.name) from error


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelUnusable(f"The model description {path.name} is larger than {_LARGEST_FILE} bytes.")
        with path.open(encoding="utf-8-sig") as stream:  # some editors begin a file with a byte order mark
            text = stream.read(_LARGEST_FILE + 1)  # what is not a regular file has a size of 0, and no end
    except (OSError, UnicodeDecodeError) as error:
        raise ModelUnusable(f"The model description {path} cannot be read: {error}.") from error
    if len(text) > _LARGEST_FILE:
        raise ModelUnusable(f"The model description {path.name} is larger than {_LARGEST_FILE} bytes.")
    return text


def _with_remedy(error: LulcError, where: str) -> LulcError:
    """`error` with a remedy that names the file, ours if it has none."""
    remedy = error.remedy.replace("Correct it in the description", f"Correct it in {where}")
    return ModelUnusable(error.problem, remedy or _REMEDY)


def from_text(text: str, where: str) -> ModelSpec:
    """The model described by the JSON `text`; `where` names its origin in errors.

    Raises:
        LulcError: see `read`.
    """
    if len(text) > _LARGEST_FILE:
        raise LulcError(f"The model description in {where} is longer than {_LARGEST_FILE} characters.", _REMEDY)
    try:
        item = json_values.parse(text, _SCALINGS)
    except ValueError as error:
        raise ModelUnusable(f"The model description in {where} is not valid JSON: {error}.", _REMEDY) from error
    try:
        return from_item(item)
    except LulcError as error:
        problem = f"The model description in {where} cannot be used: {error.problem[:600]}"
        raise _with_remedy(ModelUnusable(problem, error.remedy), where) from error


def from_item(item: Any) -> ModelSpec:
    """The model described by a STAC Item or by its bare properties.

    Raises:
        LulcError: what is missing or cannot be run here.
    """
    try:
        return _spec_from_item(item)
    except LulcError:
        raise
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError, RecursionError) as error:
        # the places that matter say what they want; this is for a wrong kind of value anywhere else
        raise LulcError(f"A value in it is of the wrong kind: {str(error)[:200]}.") from error


def _spec_from_item(item: Any) -> ModelSpec:
    properties = _properties_of(item)
    _check_unit(properties)
    inputs = json_values.entries(properties, "mlm:input", 8)
    if len(inputs) != 1:
        raise LulcError(f"The model has {len(inputs)} inputs; only models with one input can be run.")
    forms_data = json_values.entries(properties, "lulc:input_forms", 8, required=False)
    into = read_input(inputs[0], listed_bands(item, properties), bool(forms_data))
    out = read_output(properties, into.layout, into.size)
    forms = tuple(_form(f, len(into.bands)) for f in forms_data)
    warnings = (*_newer(properties), *into.warnings, *out.warnings)
    notes = out.notes
    if not forms:
        unit, why = _unit(properties, into)
        forms = (InputForm("as described", unit, ((),) * len(into.bands)),)
        notes = (*notes, *why)
    asset = next(iter(assets_of(item)), {})
    clean = json_values.without_nan(dict(properties))
    name = _name(properties.get("mlm:name") or item.get("id") or "unnamed")
    return ModelSpec(
        name=name,
        title=json_values.text(properties.get("title") or properties.get("mlm:name") or "unnamed", "title"),
        architecture=json_values.text(properties.get("mlm:architecture") or "unknown", "mlm:architecture"),
        bands=into.bands,
        channels=into.channels,
        forms=forms,
        fill=_fill(properties, len(into.channels)),
        input_name=into.name,
        output=out.output,
        legend=out.legend,
        window=read_window(properties, into.size, out.output.cut),
        gsd=_gsd(properties),
        gsd_range=_gsd_range(properties),
        constellation=json_values.optional_text(properties.get("constellation"), "constellation"),
        instruments=tuple(json_values.text(i, "an instrument") for i in properties.get("instruments") or ()),
        license=json_values.text(properties.get("license") or "other", "license"),
        description=json_values.text(properties.get("description") or "", "description", 20_000),
        providers=tuple(p for p in clean.get("providers") or () if isinstance(p, Mapping)),
        training=_training(clean),
        scores=_all_scores(clean),
        parameters=int(json_values.number(properties.get("mlm:total_parameters"), "mlm:total_parameters") or 0),
        memory_bytes=int(json_values.number(properties.get("mlm:memory_size"), "mlm:memory_size") or 0),
        speed=json_values.number(properties.get("lulc:speed"), "lulc:speed") or 0.0,
        created=json_values.text(properties.get("created") or "", "created"),
        file_name=json_values.short_text(str(asset.get("href") or "").rsplit("/", 1)[-1]),
        file_size=int(json_values.number(asset.get("file:size"), "file:size") or 0),
        sha256=json_values.text(properties.get("lulc:sha256") or _checksum(asset), "lulc:sha256"),
        layout=into.layout,
        version=json_values.text(str(properties.get("version") or "")[:100], "version"),
        band_statistics=_band_statistics(properties, into.bands),
        confidence=read_confidence(properties.get("lulc:confidence")),
        smoothing=_smoothing(properties),
        band_patterns=read_patterns(properties, [band.name for band in into.bands]),
        unasked=_unasked(properties),
        warnings=warnings,
        notes=notes,
        extra={k: v for k, v in clean.items() if k not in written_properties()},
    )


def _properties_of(item: Any) -> Mapping[str, Any]:
    """The properties of a STAC Item, or the bare ones, with MLM's prefix."""
    if not isinstance(item, Mapping):
        raise LulcError("It is not a JSON object.")
    properties: Any = item.get("properties", item)
    if not isinstance(properties, Mapping):
        raise LulcError('Its "properties" are not an object.')
    if "mlm:input" not in properties and isinstance(properties.get("input"), list):
        plain = {f"mlm:{key}": properties[key] for key in _UNPREFIXED if key in properties}
        properties = {**{k: v for k, v in properties.items() if k not in _UNPREFIXED}, **plain}
    if "mlm:input" not in properties:
        raise LulcError(
            'It has no "mlm:input".',
            "It should be a STAC description with the Machine Learning Model extension;"
            f" {command('describemodel')} writes one.",
        )
    named: Mapping[str, Any] = properties
    return named


def _name(text: Any) -> str:
    """`text`, a name that files, tags and logs can bear.

    Raises:
        LulcError: it is not a text, or has control characters.
    """
    name = json_values.text(text, "mlm:name")
    for place, character in enumerate(str(text), 1):
        if unicodedata.category(character) == "Cc" or visible_text(character) != character:
            raise LulcError(
                f"'mlm:name' has the control character U+{ord(character):04X} at place {place}.",
                "Correct it in the description: a name has letters, digits, blanks and marks only.",
            )
    return name


def _check_unit(properties: Mapping[str, Any]) -> None:
    unit = properties.get("lulc:input_unit")
    if unit is not None and unit != "" and unit not in UNITS:
        raise LulcError(
            f"'lulc:input_unit' is {str(unit)[:50]!r}, none of the {len(UNITS)} units {', '.join(UNITS)}.",
            f"Correct it in the description: {UNITS[0]} for 0 to 1, {UNITS[1]} for stored numbers, {UNITS[2]} for 0 to"
            " 255.",
        )


def _newer(properties: Mapping[str, Any]) -> tuple[str, ...]:
    version = json_values.number(properties.get("lulc:version"), "lulc:version")
    if version is None or version <= VERSION:
        return ()
    return (
        f"The model's description is of version {version:g}, this program knows version {VERSION}; what is new in it"
        " is not heeded. Update the plugin.",
    )


def _unit(properties: Mapping[str, Any], into: InputFacts) -> tuple[str, tuple[str, ...]]:
    """What the channels' scaling starts from, and a note if that was guessed."""
    unit = properties.get("lulc:input_unit")
    if unit:
        return str(unit), ()
    if not any(b.scale is not None for b in into.bands):
        return "dn", ()
    if into.stored_numbers:
        return "dn", ("The network's scaling is written for stored numbers, so those are what it is fed",)
    return "reflectance", ()


def _form(data: Mapping[str, Any], count: int) -> InputForm:
    steps = data.get("bands")
    if not isinstance(steps, list) or len(steps) != count:
        raise LulcError(f"An entry of 'lulc:input_forms' does not scale the model's {count} bands.")
    return InputForm(
        json_values.text(data.get("name"), "the name of an input form"),
        json_values.text(data.get("unit"), "the unit of an input form"),
        tuple(steps_from_json(s) for s in steps),
        json_values.short_text(data.get("description")),
    )


def _gsd(properties: Mapping[str, Any]) -> float | None:
    gsd = json_values.number(properties.get("gsd"), "gsd")
    if gsd is not None and not _SMALLEST_GSD <= gsd <= 1 / _SMALLEST_GSD:
        raise LulcError(f"'gsd' is {gsd:g}; pixels are {_SMALLEST_GSD:g} to {1 / _SMALLEST_GSD:g} m wide.")
    return gsd


def _gsd_range(properties: Mapping[str, Any]) -> tuple[float, float] | None:
    data = properties.get("lulc:gsd_range")
    if data is None:
        gsd = _gsd(properties)
        return None if gsd is None else (gsd / 1.5, gsd * 1.5)
    limits = json_values.finite_numbers(data, 2)
    if limits is None:
        raise LulcError(f"'lulc:gsd_range' is {str(data)[:60]}, not two numbers.")
    low, high = limits
    if not _SMALLEST_GSD <= low <= high:
        raise LulcError(f"'lulc:gsd_range' runs from {low} to {high}.")
    return low, high


def _fill(properties: Mapping[str, Any], count: int) -> tuple[float, ...]:
    data = properties.get("lulc:fill")
    if data is None:
        return (0.0,) * count
    numbers = json_values.finite_numbers(data, count)
    if numbers is None:
        raise LulcError(f"'lulc:fill' is not a list of {count} numbers.")
    return numbers


def _unasked(properties: Mapping[str, Any]) -> bool:
    """`lulc:auto`: whether a network may be taken without being named."""
    unasked = properties.get("lulc:auto", True)
    if not isinstance(unasked, bool):
        raise LulcError(f"'lulc:auto' is {str(unasked)[:30]!r}, neither true nor false.")
    return unasked


def _checksum(asset: Mapping[str, Any]) -> str:
    """SHA-256 of the file, in our groups of eight, from a multihash; empty when there is none."""
    text = str(asset.get("file:checksum") or "").lower()
    digits = text[4:]
    if not text.startswith("1220") or len(digits) != 64:
        return ""
    return "-".join(digits[i : i + 8] for i in range(0, 64, 8))


# ---------------------------------------------------------------- training and scores


def _training(properties: Mapping[str, Any]) -> Training:
    """Training data and settings."""
    return Training(
        sets=tuple(
            _training_set(s) for s in json_values.entries(properties, "lulc:training_data", 100, required=False)
        ),
        hyperparameters=json_values.mapping(properties.get("mlm:hyperparameters"), "mlm:hyperparameters"),
        pretrained_source=json_values.optional_text(properties.get("mlm:pretrained_source"), "mlm:pretrained_source"),
    )


def _all_scores(properties: Mapping[str, Any]) -> tuple[Scores, ...]:
    """`lulc:accuracy`: one entry a data set and split."""
    return tuple(_scores(s) for s in json_values.entries(properties, "lulc:accuracy", 100, required=False))


def _band_statistics(properties: Mapping[str, Any], bands: tuple[ModelBand, ...]) -> tuple[BandStatistics, ...]:
    """`lulc:band_statistics` in the order of `bands`; empty when there are none.

    Raises:
        LulcError: a band is missing, or its numbers are impossible.
    """
    data = json_values.entries(properties, "lulc:band_statistics", 512, required=False)
    if not data:
        return ()
    named = {str(entry.get("name")): entry for entry in data}
    statistics = []
    for band in bands:
        if band.name not in named:
            raise LulcError(f"'lulc:band_statistics' has nothing on band {band.name!r}.")
        numbers = [
            json_values.number(named[band.name].get(f), f"{f} of a band") for f in ("mean", "stddev", "low", "high")
        ]
        mean, stddev, low, high = (0.0 if n is None else n for n in numbers)
        if None in numbers or stddev < 0 or low > high:
            raise LulcError(f"'lulc:band_statistics' of band {band.name!r} is not a mean, stddev ≥ 0 and low ≤ high.")
        statistics.append(BandStatistics(mean, stddev, low, high))
    return tuple(statistics)


def _smoothing(properties: Mapping[str, Any]) -> Smoothing | None:
    """`lulc:smoothing`, None when it is not given.

    Raises:
        LulcError: a number is outside its limits, or not what it should be.
    """
    if properties.get("lulc:smoothing") is None:
        return None
    data = json_values.mapping(properties["lulc:smoothing"], "lulc:smoothing")
    radius = json_values.number(data.get("radius"), "the radius of the smoothing")
    if radius is None or not radius.is_integer():
        raise LulcError(
            f"'lulc:smoothing' has the radius {str(data.get('radius'))[:30]}, not a whole number of pixels."
        )
    lists = {}
    for key in ("bands", "mean", "stddev"):
        lists[key] = data.get(key) or []
        if not isinstance(lists[key], list) or len(lists[key]) > MOST_GUIDE_BANDS:
            raise LulcError(f"{key!r} of 'lulc:smoothing' is not a list of at most {MOST_GUIDE_BANDS} entries.")
    eps, weight = (json_values.number(data.get(key), f"{key} of the smoothing") for key in ("eps", "weight"))
    logarithm = data.get("logarithm", True)
    if not isinstance(logarithm, bool):
        raise LulcError(f"'logarithm' of 'lulc:smoothing' is {str(logarithm)[:30]!r}, neither true nor false.")
    usual = Smoothing(int(radius))
    return Smoothing(
        radius=usual.radius,
        eps=usual.eps if eps is None else eps,
        bands=tuple(json_values.text(name, "a guide band of the smoothing") for name in lists["bands"]),
        weight=usual.weight if weight is None else weight,
        mean=_numbers(lists["mean"], "the means of the smoothing"),
        stddev=_numbers(lists["stddev"], "the standard deviations of the smoothing"),
        logarithm=logarithm,
    )


def _numbers(data: list[Any], what: str) -> tuple[float, ...]:
    numbers = json_values.finite_numbers(data, len(data))
    if numbers is None:
        raise LulcError(f"'lulc:smoothing' has {str(data)[:60]} as {what}, not {len(data)} numbers.")
    return numbers


def _training_set(data: Mapping[str, Any]) -> TrainingSet:
    return TrainingSet(
        name=json_values.short_text(data.get("name")),
        license=json_values.short_text(data.get("license")),
        citation=json_values.short_text(data.get("citation"), 20_000),
        url=json_values.short_text(data.get("url")),
        images=int(json_values.number(data.get("images"), "images") or 0),
        pixels=int(json_values.number(data.get("pixels"), "pixels") or 0),
    )


def _scores(data: Mapping[str, Any]) -> Scores:
    return Scores(
        dataset=json_values.short_text(data.get("dataset")),
        split=json_values.short_text(data.get("split")),
        pixels=int(json_values.number(data.get("pixels"), "pixels") or 0),
        overall_accuracy=json_values.number(data.get("overall_accuracy"), "overall_accuracy") or 0.0,
        kappa=json_values.number(data.get("kappa"), "kappa"),
        macro_f1=json_values.number(data.get("macro_f1"), "macro_f1"),
        miou=json_values.number(data.get("miou"), "miou"),
        classes=tuple(
            ClassScore(
                value=int(json_values.number(c.get("value"), "value") or 0),
                precision=json_values.number(c.get("precision"), "precision"),
                recall=json_values.number(c.get("recall"), "recall"),
                f1=json_values.number(c.get("f1"), "f1"),
                iou=json_values.number(c.get("iou"), "iou"),
                pixels=int(json_values.number(c.get("pixels"), "pixels") or 0),
            )
            for c in json_values.entries(data, "classes", 4096, required=False)
        ),
        confusion=tuple(tuple(int(v) for v in row) for row in data.get("confusion") or ()),
        extra={key: value for key, value in data.items() if key not in _SCORES},
    )
