# SPDX-License-Identifier: GPL-3.0-or-later
"""A `ModelSpec` as a STAC Item with the Machine Learning Model extension (MLM 1.5.2).

What MLM cannot say stands in properties with the prefix `lulc:`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...atomic_write import write_whole
from ...errors import FileNotWritten, LulcError
from ...raster import Steps
from ..spec import ModelBand, ModelSpec, Scores, Smoothing, TrainingSet
from .held_out import confidence_to_json, patterns_to_json

EXTENSIONS = (
    "https://stac-extensions.github.io/mlm/v1.5.2/schema.json",
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
)
VERSION = 1
_PLAIN_OPS = {"min-max", "z-score", "offset", "scale"}
#: what `to_item` writes; everything else in a description is kept as `ModelSpec.extra`
_WRITTEN = frozenset(
    (
        "title", "description", "datetime", "start_datetime", "end_datetime", "license", "bands", "created",
        "providers", "constellation", "instruments", "gsd", "version", "mlm:name", "mlm:architecture", "mlm:tasks",
        "mlm:framework", "mlm:accelerator", "mlm:pretrained", "mlm:pretrained_source", "mlm:input", "mlm:output",
        "mlm:total_parameters", "mlm:memory_size", "mlm:hyperparameters", "lulc:version", "lulc:input_unit",
        "lulc:input_forms", "lulc:fill", "lulc:window", "lulc:output_nodata", "lulc:output_cut", "lulc:output_shift",
        "lulc:gsd_range", "lulc:training_data", "lulc:accuracy", "lulc:speed", "lulc:sha256", "lulc:band_statistics",
        "lulc:confidence", "lulc:smoothing", "lulc:band_patterns", "lulc:auto", "eo:bands", "raster:bands",
    )
)  # fmt: skip


def written_properties() -> frozenset[str]:
    """Names of the properties that `to_item` writes from the fields of a specification."""
    return _WRITTEN


def to_item(spec: ModelSpec) -> dict[str, Any]:
    """The STAC Item (a JSON object) that describes `spec`."""
    optional = {key: value for key, value in _optional(spec).items() if value}
    if not spec.unasked:
        optional["lulc:auto"] = False
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS),
        "id": spec.name,
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]],
        },
        "bbox": [-180, -90, 180, 90],
        "properties": {**_required(spec), **optional},
        "links": [],
        "assets": {"model": _asset(spec)},
    }


def _required(spec: ModelSpec) -> dict[str, Any]:
    """Properties that every description has."""
    return {
        "title": spec.title,
        "description": spec.description or spec.title,
        "datetime": None,
        "start_datetime": "1984-01-01T00:00:00Z",
        "end_datetime": "2099-12-31T23:59:59Z",
        "license": spec.license,
        "bands": [_band_to_json(b) for b in spec.bands],
        "mlm:name": spec.name,
        "mlm:architecture": spec.architecture,
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "ONNX",
        "mlm:accelerator": None,
        "mlm:pretrained": spec.training.pretrained_source is not None,
        "mlm:pretrained_source": spec.training.pretrained_source,
        "mlm:input": [_input_to_json(spec)],
        "mlm:output": _outputs_to_json(spec),
        "lulc:version": VERSION,
        "lulc:input_unit": spec.forms[0].unit,
        "lulc:input_forms": [
            {
                "name": form.name,
                "unit": form.unit,
                "description": form.description,
                "bands": [[step.to_json() for step in steps] for steps in form.band_steps],
            }
            for form in spec.forms
        ],
        "lulc:fill": list(spec.fill),
        "lulc:window": {
            "size": spec.window.size,
            "multiple": spec.window.multiple,
            "minimum": spec.window.minimum,
            "receptive_field": spec.window.receptive_field,
            "margin": spec.window.margin,
        },
        "lulc:output_nodata": spec.legend.nodata,
    }


def _optional(spec: ModelSpec) -> dict[str, Any]:
    """Properties that are left out where they are empty or 0."""
    return {
        "created": spec.created,
        "version": spec.version,
        "providers": [dict(p) for p in spec.providers],
        "constellation": spec.constellation,
        "instruments": list(spec.instruments),
        "gsd": spec.gsd,
        "mlm:total_parameters": spec.parameters,
        "mlm:memory_size": spec.memory_bytes,
        "mlm:hyperparameters": dict(spec.training.hyperparameters),
        "lulc:gsd_range": list(spec.gsd_range or ()),
        "lulc:output_cut": spec.output.cut,
        "lulc:output_shift": list(spec.output.shift) if any(spec.output.shift) else None,
        "lulc:band_statistics": [
            {"name": b.name, "mean": s.mean, "stddev": s.stddev, "low": s.low, "high": s.high}
            for b, s in zip(spec.bands, spec.band_statistics)
        ],
        "lulc:confidence": spec.confidence and confidence_to_json(spec.confidence),
        "lulc:smoothing": spec.smoothing and _smoothing_to_json(spec.smoothing),
        "lulc:band_patterns": spec.band_patterns and patterns_to_json(spec.band_patterns),
        "lulc:training_data": [_training_set_to_json(s) for s in spec.training.sets],
        "lulc:accuracy": [_scores_to_json(s) for s in spec.scores],
        "lulc:speed": spec.speed,
        "lulc:sha256": spec.sha256,
        **spec.extra,
    }


def _asset(spec: ModelSpec) -> dict[str, Any]:
    asset: dict[str, Any] = {
        "href": f"./{spec.file_name or spec.name + '.onnx'}",
        "type": "application/octet-stream; framework=onnx",
        "title": "ONNX network",
        "roles": ["mlm:model", "mlm:weights"],
        "mlm:artifact_type": "onnx",
        "bands": [{"name": b.name} for b in spec.bands],
    }
    if spec.file_size:
        asset["file:size"] = spec.file_size
    return asset


def write(spec: ModelSpec, path: Path) -> None:
    """Write the sidecar of `spec` to `path`.

    Raises:
        LulcError: the folder cannot be written to, or the description holds a number that JSON has no word for.
    """
    try:
        write_whole(path, as_text(spec).encode("utf-8"))
    except OSError as error:
        raise FileNotWritten(
            f"The model description {path} cannot be written: {error.strerror or error}.", "Choose another folder."
        ) from error


def as_text(spec: ModelSpec) -> str:
    """The sidecar of `spec` as text.

    Raises:
        LulcError: it holds a number that JSON has no word for.
    """
    try:
        return json.dumps(to_item(spec), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        raise LulcError(f"The description of {spec.name} cannot be written as JSON: {error}.") from error


def _band_to_json(band: ModelBand) -> dict[str, Any]:
    out: dict[str, Any] = {"name": band.name}
    optional = {
        "description": band.description,
        "eo:common_name": band.common_name,
        "eo:center_wavelength": band.wavelength,
        "eo:full_width_half_max": band.width,
        "data_type": band.data_type,
    }
    out.update({key: value for key, value in optional.items() if value})
    if band.scale is not None:
        out["raster:scale"] = band.scale
        out["raster:offset"] = band.offset or 0
    return out


def _input_to_json(spec: ModelSpec) -> dict[str, Any]:
    return {
        "name": spec.input_name,
        "bands": [
            spec.bands[c.band or 0].name
            if c.expression is None
            else {"name": c.name, "format": "rio-calc", "expression": c.expression.text}
            for c in spec.channels
        ],
        "input": _array(spec, len(spec.channels), "bands", 0),
        "value_scaling": [_scaling_to_json(c.steps) for c in spec.channels],
        "resize_type": None,
        "pre_processing_function": None,
    }


def _array(spec: ModelSpec, depth: int, axis: str, cut: int) -> dict[str, Any]:
    """Shape and axes in the order of the graph; a size only where the graph takes no other."""
    fixed = spec.window.minimum == spec.window.size and spec.window.size > 2 * cut
    length = spec.window.size - 2 * cut if fixed else -1
    if spec.layout == "NHWC":
        shape, order = [-1, length, length, depth], ["batch", "height", "width", axis]
    else:
        shape, order = [-1, depth, length, length], ["batch", axis, "height", "width"]
    return {"shape": shape, "dim_order": order, "data_type": "float32"}


def _scaling_to_json(steps: Steps) -> dict[str, Any]:
    if not steps:
        return {"type": "scale", "value": 1}
    if len(steps) == 1 and steps[0].op in _PLAIN_OPS:
        return {"type": steps[0].op, **dict(steps[0].numbers)}
    return {"type": "processing", "format": "lulc", "expression": [s.to_json() for s in steps]}


def _outputs_to_json(spec: ModelSpec) -> list[dict[str, Any]]:
    steps: list[Any] = list(spec.output.activation)
    if spec.output.threshold is not None:
        steps.append({"op": "threshold", "value": spec.output.threshold})
    depth = 1 if spec.output.plane else len(spec.legend.classes)
    outputs: list[dict[str, Any]] = [
        {
            "name": spec.output.name,
            "tasks": ["semantic-segmentation"],
            "result": _array(spec, depth, "class", spec.output.cut),
            "classification:classes": [
                {
                    "value": c.value,
                    "name": "".join(ch if ch.isalnum() and ch.isascii() else "_" for ch in c.name.lower()),
                    "description": c.name,
                    "color_hint": c.colour[1:].upper(),
                }
                for c in spec.legend.classes
            ],
            "post_processing_function": {"format": "lulc", "expression": steps},
        }
    ]
    if spec.output.features:
        outputs.append(
            {
                "name": spec.output.features,
                "description": "Features of each pixel, for classes of one's own",
                "tasks": ["similarity-search"],
                "result": _array(spec, spec.output.feature_count, "feature", 0),
                "lulc:role": "features",
            }
        )
    return outputs


def _smoothing_to_json(smoothing: Smoothing) -> dict[str, Any]:
    out: dict[str, Any] = {"radius": smoothing.radius, "eps": smoothing.eps, "weight": smoothing.weight}
    lists = {"bands": smoothing.bands, "mean": smoothing.mean, "stddev": smoothing.stddev}
    out.update({key: list(values) for key, values in lists.items() if values})
    if not smoothing.logarithm:
        out["logarithm"] = False
    return out


def _training_set_to_json(data: TrainingSet) -> dict[str, Any]:
    out: dict[str, Any] = {"name": data.name, "license": data.license, "citation": data.citation}
    out.update({k: v for k, v in {"url": data.url, "images": data.images, "pixels": data.pixels}.items() if v})
    return out


def _scores_to_json(scores: Scores) -> dict[str, Any]:
    return {
        "dataset": scores.dataset,
        "split": scores.split,
        "pixels": scores.pixels,
        "overall_accuracy": scores.overall_accuracy,
        "kappa": scores.kappa,
        "macro_f1": scores.macro_f1,
        "miou": scores.miou,
        "classes": [
            {
                "value": c.value,
                "precision": c.precision,
                "recall": c.recall,
                "f1": c.f1,
                "iou": c.iou,
                "pixels": c.pixels,
            }
            for c in scores.classes
        ],
        "confusion": [list(row) for row in scores.confusion],
        "axes": ["map", "reference"],
        **scores.extra,
    }
