# SPDX-License-Identifier: GPL-3.0-or-later
"""A `ModelSpec` from a STAC Item with the Machine Learning Model extension (MLM 1.x), and back.

What MLM cannot say stands in properties with the prefix `lulc:`. Everything read here is untrusted: sizes are
limited, unknown fields are carried along unread, nothing is evaluated.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import LulcError
from ...options import command
from ...raster import steps_from_json
from ..spec import UNITS, InputForm, ModelSpec, Window, usual_multiple
from . import history as mlm_history, json_values
from .listed_bands import assets_of, listed_bands
from .model_input import InputFacts, read_input
from .model_output import read_output
from .writing import VERSION, to_item, write, written_properties

__all__ = ["from_item", "from_text", "read", "to_item", "write"]

_LARGEST_FILE = 4_000_000
_REMEDY = f"Correct the description, or write a new one with {command('describemodel')}."
#: where the numbers of a scaling stand: there a NaN is told, elsewhere it is a number that is missing
_SCALINGS = frozenset(("value_scaling", "pre_processing_function", "norm_clip", "statistics", "lulc:input_forms"))
#: what MLM prefixes; stac-model writes the same names without it into PyTorch archives
_UNPREFIXED = (
    "name", "architecture", "tasks", "framework", "framework_version", "memory_size", "total_parameters", "pretrained",
    "pretrained_source", "hyperparameters", "input", "output",
)  # fmt: skip


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
            raise LulcError(f"The model description {path.name} is larger than {_LARGEST_FILE} bytes.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LulcError(f"The model description {path} cannot be read: {error}.") from error


def _with_remedy(error: LulcError, where: str) -> LulcError:
    """`error` with a remedy that names the file, ours if it has none."""
    remedy = error.remedy.replace("Correct it in the description", f"Correct it in {where}")
    return LulcError(error.problem, remedy or _REMEDY)


def from_text(text: str, where: str) -> ModelSpec:
    """The model described by the JSON `text`; `where` names its origin in errors.

    Raises:
        LulcError: see `read`.
    """
    if len(text) > _LARGEST_FILE:
        raise LulcError(f"The model description in {where} is longer than {_LARGEST_FILE} characters.", _REMEDY)
    try:
        # NaN and Infinity are no JSON, but many programs write them where a number is missing
        item = json.loads(text, parse_constant=lambda word: math.nan if word == "NaN" else None)
        item = _without_nan(item, _SCALINGS)
        # JSON can spell half of a character, which no screen and no file takes
        json.dumps(item, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise LulcError(f"The model description in {where} is not valid JSON: {error}.", _REMEDY) from error
    try:
        return from_item(item)
    except LulcError as error:
        problem = f"The model description in {where} cannot be used: {error.problem[:600]}"
        raise _with_remedy(LulcError(problem, error.remedy), where) from error


def _without_nan(node: Any, kept: frozenset[str] = frozenset()) -> Any:
    """A JSON tree with None for NaN, but for objects and lists under the keys `kept`."""
    if isinstance(node, dict):
        return {
            key: value if key in kept and isinstance(value, (dict, list)) else _without_nan(value, kept)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_without_nan(value, kept) for value in node]
    return None if isinstance(node, float) and math.isnan(node) else node


def from_item(item: Any) -> ModelSpec:
    """The model described by a STAC Item or by its bare properties.

    Raises:
        LulcError: what is missing or cannot be run here.
    """
    try:
        return _spec_from_item(item)
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        # the places that matter say what they want; this is for a wrong kind of value anywhere else
        raise LulcError(f"A value in it is of the wrong kind: {str(error)[:200]}.") from error


def _spec_from_item(item: Any) -> ModelSpec:
    if not isinstance(item, Mapping):
        raise LulcError("It is not a JSON object.")
    properties = item.get("properties", item)
    if not isinstance(properties, Mapping):
        raise LulcError('Its "properties" are no object.')
    if "mlm:input" not in properties and isinstance(properties.get("input"), list):
        plain = {f"mlm:{key}": properties[key] for key in _UNPREFIXED if key in properties}
        properties = {**{k: v for k, v in properties.items() if k not in _UNPREFIXED}, **plain}
    if "mlm:input" not in properties:
        raise LulcError(
            'It has no "mlm:input".',
            "It should be a STAC description with the Machine Learning Model extension;"
            f" {command('describemodel')} writes one.",
        )
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
    clean = _without_nan(dict(properties))
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
        window=_window(properties, into.size, out.output.cut),
        gsd=json_values.number(properties.get("gsd"), "gsd"),
        gsd_range=_gsd_range(properties),
        constellation=json_values.optional_text(properties.get("constellation"), "constellation"),
        instruments=tuple(json_values.text(i, "an instrument") for i in properties.get("instruments") or ()),
        license=json_values.text(properties.get("license") or "other", "license"),
        description=json_values.text(properties.get("description") or "", "description", 20_000),
        providers=tuple(p for p in clean.get("providers") or () if isinstance(p, Mapping)),
        training=mlm_history.training(clean),
        scores=mlm_history.scores(clean),
        parameters=int(json_values.number(properties.get("mlm:total_parameters"), "mlm:total_parameters") or 0),
        memory_bytes=int(json_values.number(properties.get("mlm:memory_size"), "mlm:memory_size") or 0),
        speed=json_values.number(properties.get("lulc:speed"), "lulc:speed") or 0.0,
        created=json_values.text(properties.get("created") or "", "created"),
        file_name=str(asset.get("href") or "").rsplit("/", 1)[-1][:1000],
        file_size=int(json_values.number(asset.get("file:size"), "file:size") or 0),
        sha256=json_values.text(properties.get("lulc:sha256") or _checksum(asset), "lulc:sha256"),
        layout=into.layout,
        version=json_values.text(str(properties.get("version") or "")[:100], "version"),
        band_statistics=mlm_history.band_statistics(properties, into.bands),
        confidence=mlm_history.confidence(properties),
        warnings=warnings,
        notes=notes,
        extra={k: v for k, v in clean.items() if k not in written_properties()},
    )


def _name(said: Any) -> str:
    """`said`, a name that files, tags and logs can bear.

    Raises:
        LulcError: it is no text, or has control characters.
    """
    name = json_values.text(said, "mlm:name")
    for place, character in enumerate(str(said), 1):
        if unicodedata.category(character) == "Cc":
            raise LulcError(
                f"'mlm:name' has the control character U+{ord(character):04X} at place {place}.",
                "Correct it in the description: a name has letters, digits, blanks and marks only.",
            )
    return name


def _check_unit(properties: Mapping[str, Any]) -> None:
    said = properties.get("lulc:input_unit")
    if said is not None and said != "" and said not in UNITS:
        raise LulcError(
            f"'lulc:input_unit' is {str(said)[:50]!r}, none of the {len(UNITS)} units {', '.join(UNITS)}.",
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
    said = properties.get("lulc:input_unit")
    if said:
        return str(said), ()
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
        str(data.get("description") or "")[:1000],
    )


def _window(properties: Mapping[str, Any], fixed: int | None, cut: int) -> Window:
    data = json_values.mapping(properties.get("lulc:window"), "lulc:window")
    size = _length(data, "size") or fixed or 512
    if fixed is not None and size != fixed:
        raise LulcError(
            f"Its input takes windows of {fixed} × {fixed} pixels only, 'lulc:window' says {size}.",
        )
    multiple = _length(data, "multiple") or usual_multiple(fixed)
    margin = json_values.number(data.get("margin"), "window margin")
    return Window(
        size=size,
        multiple=multiple,
        minimum=_length(data, "minimum") or fixed or multiple,
        receptive_field=int(json_values.number(data.get("receptive_field"), "receptive field") or 0),
        margin=max(cut, min(64, size // 8) if margin is None else int(margin)),
    )


def _length(data: Mapping[str, Any], key: str) -> int | None:
    """A length of `lulc:window` in whole pixels, None where it is not said.

    Raises:
        LulcError: it is below 1, or no whole number.
    """
    value = json_values.number(data.get(key), f"window {key}")
    if value is None:
        return None
    if value < 1 or not value.is_integer():
        raise LulcError(
            f"'lulc:window' is impossible: its {key} is {value:g}, not a whole number of pixels from 1 on.",
            f"Correct it in the description, or leave the {key} out.",
        )
    return int(value)


def _gsd_range(properties: Mapping[str, Any]) -> tuple[float, float] | None:
    data = properties.get("lulc:gsd_range")
    if data is None:
        gsd = json_values.number(properties.get("gsd"), "gsd")
        return None if gsd is None else (gsd / 1.5, gsd * 1.5)
    limits = json_values.finite_numbers(data, 2)
    if limits is None:
        raise LulcError(f"'lulc:gsd_range' is {str(data)[:60]}, not two numbers.")
    low, high = limits
    if not 0 < low <= high:
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


def _checksum(asset: Mapping[str, Any]) -> str:
    """SHA-256 of the file, in our groups of eight, from a multihash; empty when there is none."""
    text = str(asset.get("file:checksum") or "").lower()
    digits = text[4:]
    if not text.startswith("1220") or len(digits) != 64:
        return ""
    return "-".join(digits[i : i + 8] for i in range(0, 64, 8))
