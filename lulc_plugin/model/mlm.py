# SPDX-License-Identifier: GPL-3.0-or-later
"""A `ModelSpec` as a STAC Item with the Machine Learning Model extension (MLM 1.5.2), and back.

What MLM cannot say stands in properties with the prefix `lulc:`. Everything read here is untrusted: sizes are
limited, unknown fields are ignored, nothing is evaluated.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LulcError
from ..legend import Legend, LegendClass
from ..raster.indices import Expression, parse
from ..raster.scaling import Channel, Step, Steps, steps_from_json
from .mlm_writing import to_item, write
from .spec import (
    ACTIVATIONS,
    ClassScore,
    InputForm,
    ModelBand,
    ModelSpec,
    Output,
    Scores,
    Training,
    TrainingSet,
    Window,
)

__all__ = ["from_item", "from_text", "read", "to_item", "write"]

_LARGEST = 1e18
_LARGEST_FILE = 4_000_000
_MOST_BANDS = 512
_MLM_OPS = {"min-max", "z-score", "clip", "offset", "scale"}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SEGMENTATION = {"segmentation", "semantic-segmentation"}


def read(path: Path) -> ModelSpec:
    """The model described by the sidecar at `path`.

    Raises:
        LulcError: not readable, too large, not JSON, or not a description this program can run.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise LulcError(f"The model description {path.name} is larger than {_LARGEST_FILE} bytes.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LulcError(f"The model description {path} cannot be read: {error}.") from error
    return from_text(text, path.name)


def from_text(text: str, where: str) -> ModelSpec:
    """The model described by the JSON `text`; `where` names its origin in errors.

    Raises:
        LulcError: see `read`.
    """
    if len(text) > _LARGEST_FILE:
        raise LulcError(f"The model description in {where} is longer than {_LARGEST_FILE} characters.")
    try:
        item = json.loads(text)
        # JSON can spell half of a character, which no screen and no file takes
        json.dumps(item, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise LulcError(f"The model description in {where} is not valid JSON: {error}.") from error
    try:
        return from_item(item)
    except LulcError as error:
        problem = f"The model description in {where} cannot be used: {error.problem[:600]}"
        raise LulcError(problem, error.remedy) from error


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
    if not isinstance(properties, Mapping) or "mlm:input" not in properties:
        raise LulcError('It has no "mlm:input".')
    inputs = _list(properties, "mlm:input", 8)
    if len(inputs) != 1:
        raise LulcError(f"The model has {len(inputs)} inputs; only models with one input can be run.")
    bands = tuple(_band_from_json(b) for b in _list(properties, "bands", _MOST_BANDS))
    channels = _channels_from_json(inputs[0], bands)
    output, legend = _output_from_json(properties)
    unit = properties.get("lulc:input_unit") or ("reflectance" if any(b.scale is not None for b in bands) else "dn")
    forms = tuple(_form_from_json(f, len(bands)) for f in _list(properties, "lulc:input_forms", 8, required=False))
    if not forms:
        forms = (InputForm("as described", str(unit), ((),) * len(bands)),)
    asset = next((a for a in (item.get("assets") or {}).values() if isinstance(a, Mapping)), {})
    return ModelSpec(
        name=_text(properties.get("mlm:name") or item.get("id") or "unnamed", "mlm:name"),
        title=_text(properties.get("title") or properties.get("mlm:name") or "unnamed", "title"),
        architecture=_text(properties.get("mlm:architecture") or "unknown", "mlm:architecture"),
        bands=bands,
        channels=channels,
        forms=forms,
        fill=_fill(properties, len(channels)),
        input_name=_text(inputs[0].get("name"), "mlm:input name"),
        output=output,
        legend=legend,
        window=_window(properties),
        gsd=_number(properties.get("gsd"), "gsd"),
        gsd_range=_gsd_range(properties),
        constellation=_optional_text(properties.get("constellation"), "constellation"),
        instruments=tuple(_text(i, "an instrument") for i in properties.get("instruments") or ()),
        license=_text(properties.get("license") or "other", "license"),
        description=_text(properties.get("description") or "", "description", 20_000),
        providers=tuple(p for p in properties.get("providers") or () if isinstance(p, Mapping)),
        training=Training(
            sets=tuple(_training_set(s) for s in _list(properties, "lulc:training_data", 100, required=False)),
            hyperparameters=_object(properties.get("mlm:hyperparameters"), "mlm:hyperparameters"),
            pretrained_source=_optional_text(properties.get("mlm:pretrained_source"), "mlm:pretrained_source"),
        ),
        scores=tuple(_scores(s) for s in _list(properties, "lulc:accuracy", 100, required=False)),
        parameters=int(_number(properties.get("mlm:total_parameters"), "mlm:total_parameters") or 0),
        memory_bytes=int(_number(properties.get("mlm:memory_size"), "mlm:memory_size") or 0),
        speed=_number(properties.get("lulc:speed"), "lulc:speed") or 0.0,
        created=_text(properties.get("created") or "", "created"),
        file_name=str(asset.get("href") or "").rsplit("/", 1)[-1],
        file_size=int(_number(asset.get("file:size"), "file:size") or 0),
        sha256=_text(properties.get("lulc:sha256") or "", "lulc:sha256"),
    )


def _list(data: Mapping[str, Any], key: str, most: int, required: bool = True) -> list[Any]:
    value = data.get(key)
    if value is None and not required:
        return []
    if not isinstance(value, list) or len(value) > most or (required and not value):
        raise LulcError(f"{key!r} is not a list of 1 to {most} entries.")
    if not all(isinstance(v, Mapping) for v in value):
        raise LulcError(f"{key!r} has an entry that is not an object.")
    return value


def _text(value: Any, what: str, most: int = 1000) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise LulcError(f"{what} is not a text of at most {most} characters.")
    # control characters break a GeoTIFF's metadata
    return _CONTROL.sub("\ufffd", value)


def _optional_text(value: Any, what: str) -> str | None:
    return None if value is None else _text(value, what)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise LulcError(f"{what!r} is not an object.")
    return value or {}


def _number(value: Any, what: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_LARGEST <= value <= _LARGEST:
        raise LulcError(f"{what} is {str(value)[:30]}, not a number this program can use.")
    return float(value)


def _band_from_json(data: Mapping[str, Any]) -> ModelBand:
    return ModelBand(
        name=_text(data.get("name"), "the name of a band"),
        common_name=_optional_text(data.get("eo:common_name") or data.get("common_name"), "common_name"),
        wavelength=_number(data.get("eo:center_wavelength", data.get("center_wavelength")), "center_wavelength"),
        width=_number(data.get("eo:full_width_half_max", data.get("full_width_half_max")), "full_width_half_max"),
        description=str(data.get("description") or "")[:1000],
        scale=_number(data.get("raster:scale"), "raster:scale"),
        offset=_number(data.get("raster:offset"), "raster:offset"),
        data_type=_optional_text(data.get("data_type"), "data_type"),
    )


def _channels_from_json(data: Mapping[str, Any], bands: tuple[ModelBand, ...]) -> tuple[Channel, ...]:
    names = tuple(b.name for b in bands)
    function = data.get("pre_processing_function")
    if function:
        raise LulcError(f"It wants the pre-processing {json.dumps(function)[:200]}, which cannot be run here.")
    entries = data.get("bands")
    if not isinstance(entries, list) or not 1 <= len(entries) <= _MOST_BANDS:
        raise LulcError("The input names no bands.")
    scalings = data.get("value_scaling") or [None]
    if not isinstance(scalings, list) or len(scalings) not in (1, len(entries)):
        raise LulcError(f"'value_scaling' has {len(scalings)} entries for {len(entries)} channels.")
    if len(scalings) == 1:
        scalings = scalings * len(entries)
    channels = []
    for entry, scaling in zip(entries, scalings):
        steps = _scaling_from_json(scaling)
        expression: Expression | None = None
        if isinstance(entry, Mapping):
            name = _text(entry.get("name"), "the name of a channel")
            if entry.get("expression") is not None:
                expression = parse(_text(entry.get("expression"), "a band expression"), names)
        else:
            name = _text(entry, "the name of a channel")
        if expression is not None:
            channels.append(Channel(name, None, expression, steps))
        elif name in names:
            channels.append(Channel(name, names.index(name), None, steps))
        else:
            raise LulcError(f"Channel {name!r} is none of the bands {', '.join(names)}.")
    return tuple(channels)


def _scaling_from_json(data: Any) -> Steps:
    if data is None or (isinstance(data, Mapping) and data.get("type") is None):
        return ()
    if not isinstance(data, Mapping):
        raise LulcError("A 'value_scaling' entry is not an object.")
    kind = data.get("type")
    if kind == "processing":
        if data.get("format") != "lulc":
            raise LulcError(
                f"It wants a scaling of format {data.get('format')!r}, which is never executed here:"
                f" {str(data.get('expression'))[:200]!r}."
            )
        return steps_from_json(data.get("expression"))
    if kind in ("clip-min", "clip-max"):
        key = "minimum" if kind == "clip-min" else "maximum"
        return steps_from_json({"op": "clip", key: data.get(key)})
    if kind not in _MLM_OPS:
        raise LulcError(f"Scaling {kind!r} is unknown.")
    steps = steps_from_json({"op": kind, **{k: v for k, v in data.items() if k != "type" and _is_number(v)}})
    return () if steps == (Step.of("scale", value=1),) else steps


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _form_from_json(data: Mapping[str, Any], count: int) -> InputForm:
    steps = data.get("bands")
    if not isinstance(steps, list) or len(steps) != count:
        raise LulcError(f"An entry of 'lulc:input_forms' does not scale the model's {count} bands.")
    return InputForm(
        _text(data.get("name"), "the name of an input form"),
        _text(data.get("unit"), "the unit of an input form"),
        tuple(steps_from_json(s) for s in steps),
        str(data.get("description") or "")[:1000],
    )


def _output_from_json(properties: Mapping[str, Any]) -> tuple[Output, Legend]:
    outputs = _list(properties, "mlm:output", 32)
    main = next((o for o in outputs if _SEGMENTATION & set(o.get("tasks") or properties.get("mlm:tasks") or ())), None)
    if main is None:
        raise LulcError(
            "None of the model's outputs is a semantic segmentation.", "Only segmentation models make a map."
        )
    function = main.get("post_processing_function")
    activation: tuple[str, ...] = ()
    if isinstance(function, Mapping) and function.get("format") == "lulc":
        expression = function.get("expression")
        activation = tuple(str(a) for a in expression) if isinstance(expression, Sequence) else ()
        unknown = [a for a in activation if a not in ACTIVATIONS]
        if unknown:
            raise LulcError(f"Activation {unknown[0]!r} is none of {', '.join(ACTIVATIONS)}.")
    if not activation:
        raise LulcError(
            "It does not say whether the network returns scores or probabilities.",
            'Add a post_processing_function of format "lulc", for example ["softmax", "argmax"].',
        )
    classes: list[LegendClass] = []
    for entry in _list(main, "classification:classes", 4096):
        hint = str(entry.get("color_hint") or "")
        value = entry.get("value")
        if not isinstance(value, int):
            raise LulcError(f"A class has the value {value!r}, not a whole number.")
        label = entry.get("description") or entry.get("title") or entry.get("name") or f"class {value}"
        colour = f"#{hint.lstrip('#')}" if hint else _spare_colour(len(classes))
        classes.append(LegendClass(value, str(label)[:200], colour))
    nodata = properties.get("lulc:output_nodata")
    legend = Legend.of(classes, nodata if isinstance(nodata, int) else None)
    features = next((o for o in outputs if o.get("lulc:role") == "features" or o.get("name") == "features"), None)
    count = 0
    if features is not None:
        shape = (features.get("result") or {}).get("shape") or [0, 0]
        count = int(shape[1]) if len(shape) > 1 and isinstance(shape[1], int) else 0
    return (
        Output(
            _text(main.get("name"), "mlm:output name"),
            activation,
            _text(features.get("name"), "features name") if features is not None else None,
            count,
        ),
        legend,
    )


def _spare_colour(index: int) -> str:
    """A colour for a class that brings none: hues a golden angle apart."""
    hue = (index * 0.6180339887) % 1.0
    parts = [abs((hue * 6 + k) % 6 - 3) - 1 for k in (0, 4, 2)]
    return "#" + "".join(f"{int(60 + 160 * min(1, max(0, p))):02X}" for p in parts)


def _window(properties: Mapping[str, Any]) -> Window:
    data = properties.get("lulc:window") or {}
    if not isinstance(data, Mapping):
        raise LulcError("'lulc:window' is not an object.")
    size = int(_number(data.get("size"), "window size") or 512)
    multiple = int(_number(data.get("multiple"), "window multiple") or 32)
    margin = _number(data.get("margin"), "window margin")
    return Window(
        size=size,
        multiple=multiple,
        minimum=int(_number(data.get("minimum"), "window minimum") or multiple),
        receptive_field=int(_number(data.get("receptive_field"), "receptive field") or 0),
        margin=min(64, size // 8) if margin is None else int(margin),
    )


def _gsd_range(properties: Mapping[str, Any]) -> tuple[float, float] | None:
    data = properties.get("lulc:gsd_range")
    if data is None:
        gsd = _number(properties.get("gsd"), "gsd")
        return None if gsd is None else (gsd / 1.5, gsd * 1.5)
    if not isinstance(data, list) or len(data) != 2 or not all(_is_number(v) for v in data):
        raise LulcError(f"'lulc:gsd_range' is {data!r}, not two numbers.")
    low, high = float(data[0]), float(data[1])
    if not 0 < low <= high:
        raise LulcError(f"'lulc:gsd_range' runs from {low} to {high}.")
    return low, high


def _fill(properties: Mapping[str, Any], count: int) -> tuple[float, ...]:
    data = properties.get("lulc:fill")
    if data is None:
        return (0.0,) * count
    if not isinstance(data, list) or len(data) != count or not all(_is_number(v) and math.isfinite(v) for v in data):
        raise LulcError(f"'lulc:fill' is not a list of {count} numbers.")
    return tuple(float(v) for v in data)


def _training_set(data: Mapping[str, Any]) -> TrainingSet:
    return TrainingSet(
        name=str(data.get("name") or ""),
        license=str(data.get("license") or ""),
        citation=str(data.get("citation") or ""),
        url=str(data.get("url") or ""),
        images=int(_number(data.get("images"), "images") or 0),
        pixels=int(_number(data.get("pixels"), "pixels") or 0),
    )


def _scores(data: Mapping[str, Any]) -> Scores:
    return Scores(
        dataset=str(data.get("dataset") or ""),
        split=str(data.get("split") or ""),
        pixels=int(_number(data.get("pixels"), "pixels") or 0),
        overall_accuracy=_number(data.get("overall_accuracy"), "overall_accuracy") or 0.0,
        kappa=_number(data.get("kappa"), "kappa"),
        macro_f1=_number(data.get("macro_f1"), "macro_f1"),
        miou=_number(data.get("miou"), "miou"),
        classes=tuple(
            ClassScore(
                value=int(_number(c.get("value"), "value") or 0),
                precision=_number(c.get("precision"), "precision"),
                recall=_number(c.get("recall"), "recall"),
                f1=_number(c.get("f1"), "f1"),
                iou=_number(c.get("iou"), "iou"),
                pixels=int(_number(c.get("pixels"), "pixels") or 0),
            )
            for c in _list(data, "classes", 4096, required=False)
        ),
        confusion=tuple(tuple(int(v) for v in row) for row in data.get("confusion") or ()),
    )
