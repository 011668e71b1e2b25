# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files of other programs: named, refused, and what to do with them instead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LulcError, ModelUnusable
from ..legend import visible_text
from ..options import command
from .mlm import json_values

#: where the conversions are written down
GUIDE = "docs/foreign-models.md"
_KINDS = {
    ".emd": "an Esri model definition, which only points to the network",
    ".dlpk": "an Esri deep learning package",
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".pt2": "an exported PyTorch program",
    ".ckpt": "a PyTorch Lightning or TensorFlow checkpoint",
    ".safetensors": "a file of weights without the network they belong to",
    ".h5": "a Keras file",
    ".hdf5": "a Keras file",
    ".keras": "a Keras file",
    ".pb": "a TensorFlow graph",
    ".tflite": "a TensorFlow Lite file",
    ".joblib": "a scikit-learn file (a Python pickle)",
    ".pkl": "a Python pickle",
    ".pickle": "a Python pickle",
    ".mar": "a TorchServe archive",
    ".mlmodel": "an Apple Core ML file",
    ".engine": "a TensorRT engine",
    ".xml": "an OpenVINO graph",
    ".model": "a file of the dzetsaka or Orfeo toolboxes",
    ".ort": "an onnxruntime file without ONNX in it",
}
_PICKLES = (".pt", ".pth", ".ckpt", ".joblib", ".pkl", ".pickle")
_REMEDY = f"Convert it to ONNX and describe it with {command('describemodel')}; {GUIDE} tells how."
_LARGEST_SIDECAR = 4_000_000
_LONGEST_NAMES = 20_000
_NAME = re.compile(r"""\d{1,6}["']?\s*:\s*(["'])((?:(?!\1)[^\\]){1,200})\1""")


def require_onnx(path: Path) -> None:
    """Refuse whatever is not an `.onnx` file by its name.

    Raises:
        LulcError: with the name of the format and the way to ONNX.
    """
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        return
    if suffix == ".json":
        network = path.name[: -len(".json")]
        network = network if network.lower().endswith(".onnx") else f"{network}.onnx"
        raise ModelUnusable(f"{path.name} is a description, not a network.", f"Give the network, {network}, beside it.")
    if os.path.isfile(path / "saved_model.pb"):
        raise ModelUnusable(f"{path.name} is a TensorFlow SavedModel, not an .onnx file.", _REMEDY)
    kind = _KINDS.get(suffix)
    if kind is None:
        raise ModelUnusable(
            f"{path.name} is not an .onnx file.", f"Export the network to ONNX first; {GUIDE} tells how."
        )
    danger = " Such files can run code when they are opened; it was not opened." if suffix in _PICKLES else ""
    raise ModelUnusable(f"{path.name} is {kind}, not an .onnx file.{danger}", _REMEDY)


def is_mlm(path: Path) -> bool:
    """Whether a JSON file has an MLM description in it; False for whatever cannot be read."""
    return "mlm:input" in _text(path)


def no_description(path: Path, formats: Sequence[str]) -> LulcError:
    """The error for a network at `path` without a description; `formats` are those that its metadata may have."""
    other = path.with_name(path.name + ".json")
    other_file = ""
    if os.path.isfile(other):
        other_file = f" {other.name} is not one: it does not say how values are scaled."
        classes = geoai_classes(other)
        if classes:
            other_file = (
                f" {other.name} is geoai's and does not say how values are scaled; it names {len(classes)} classes:"
                f" {', '.join(classes.values())[:200]}."
            )
    elif os.path.isfile(path.with_suffix(".emd")):
        other_file = f" {path.stem}.emd is Esri's and does not say how values are scaled."
    return ModelUnusable(
        f"{path.name} has no description: neither {path.stem}.json beside it nor {' or '.join(formats)} in its own"
        f" metadata.{other_file}",
        f"{command('describemodel')} writes one, from its bands, classes and scaling ({GUIDE}).",
    )


def geoai_classes(path: Path) -> dict[int, str]:
    """Class index → name out of geoai's `NAME.onnx.json`; empty for whatever is none."""
    try:
        labels = json_values.load(_text(path)).get("id2label")
        named = (
            {int(k): json_values.short_text(v, 200) for k, v in labels.items()} if isinstance(labels, Mapping) else {}
        )
    except (ValueError, AttributeError):
        return {}
    return named if sorted(named) == list(range(len(named))) else {}


def refuse_other_tasks(path: Path, metadata: Mapping[str, str]) -> str:
    """Refuse a network of which its metadata, or a file beside it, says that it does something else than maps.

    Args:
        path: the `.onnx` file.
        metadata: of its graph.

    Returns:
        what they say of a network that may make maps, a sentence; empty where they say nothing.

    Raises:
        ModelUnusable: naming its maker, what it does and its classes.
    """
    for what, task, classes in _statements(path, metadata):
        names = f" ({_listed(classes)})" if classes else ""
        if _plain(task) in _SEGMENTATION:
            return f"It is {what} for semantic segmentation{names}."
        does = _TASKS.get(_plain(task), "that is another one than semantic segmentation")
        raise ModelUnusable(
            f"{path.name} is {what} for the task {visible_text(task)[:50]!r}: {does}{names}. It does not give every"
            " pixel a class.",
            "Only networks for semantic segmentation make a map: train or export one. For objects the QGIS plugin"
            " Deepness may do.",
        )
    return ""


#: What makers call semantic segmentation, and other tasks in words.
_SEGMENTATION = frozenset(
    ("semantic", "semanticsegmentation", "imagesegmentation", "segmentor", "classifypixels", "pixelclassification")
)
_TASKS = {
    **dict.fromkeys(("segment", "instancesegmentation"), "it outlines single objects"),
    **dict.fromkeys(("detect", "objectdetection", "detector"), "it draws boxes around objects"),
    **dict.fromkeys(("obb", "orientedobjectdetection"), "it draws turned boxes around objects"),
    **dict.fromkeys(("pose", "keypointdetection"), "it finds points of objects"),
    **dict.fromkeys(
        ("classify", "imageclassification", "objectclassification", "recognition"), "it names whole pictures"
    ),
    **dict.fromkeys(("regressor", "regression", "pixelregression"), "it computes a number for each pixel"),
    **dict.fromkeys(("superresolution", "imagetranslation"), "it makes pictures of pictures"),
    "changedetection": "it compares two pictures",
}
_NAMED = 5


def _statements(path: Path, metadata: Mapping[str, str]) -> Iterator[tuple[str, str, Sequence[str]]]:
    """What a network is, its task and its classes, by each source that names a task."""
    task = metadata.get("task", "").strip("'\"")
    if {"stride", "names"} <= set(metadata) and "model_type" not in metadata:
        title = visible_text(metadata.get("description", "").strip())[:60]
        what = f"a network of Ultralytics ({title})" if title else "a network of Ultralytics"
        # YOLOv5 writes no task, and has none that gives every pixel a class
        yield what, task or "detect", _names_in(metadata["names"])
    if "model_type" in metadata:
        names = metadata.get("class_names", metadata.get("names", ""))
        yield "a network of the plugin Deepness", metadata["model_type"].strip(" '\""), _names_in(names)
    geoai = _object(path.with_name(path.name + ".json"))
    if isinstance(geoai.get("task"), str) and _is_known(geoai["task"]):
        beside = path.with_name(path.name + ".json")
        yield f"by {beside.name} a network of geoai", geoai["task"], tuple(geoai_classes(beside).values())
    emd = _object(path.with_suffix(".emd"))
    kind = emd.get("ModelType")
    # Esri's word for a class for each pixel, as well as ClassifyPixels
    kind = "ClassifyPixels" if kind == "ImageClassification" else kind
    if isinstance(kind, str) and _is_known(kind):
        classes = emd.get("Classes")
        listed = [c.get("Name") for c in classes if isinstance(c, Mapping)] if isinstance(classes, list) else []
        yield f"by {path.stem}.emd a network of ArcGIS", kind, [n for n in listed if isinstance(n, str)]


def _is_known(task: str) -> bool:
    return _plain(task) in _SEGMENTATION or _plain(task) in _TASKS


def _plain(task: str) -> str:
    return re.sub(r"[^a-z]", "", task.lower())


def _object(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file; an empty one for whatever is none."""
    try:
        data = json_values.load(_text(path))
    except ValueError:
        return {}
    return data if isinstance(data, Mapping) else {}


def _names_in(text: str) -> tuple[str, ...]:
    """Class names in a Python or JSON text such as `{0: 'car', 1: 'tree'}`, without its being evaluated."""
    return tuple(name for _, name in _NAME.findall(text[:_LONGEST_NAMES]))


def _listed(classes: Sequence[str]) -> str:
    """`2 classes: car, tree`, with the first ones only."""
    shown = ", ".join(visible_text(name)[:40] for name in classes[:_NAMED])
    more = f", … {len(classes) - _NAMED} more" if len(classes) > _NAMED else ""
    return f"{len(classes)} {'class' if len(classes) == 1 else 'classes'}: {shown}{more}"


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(_LARGEST_SIDECAR + 1)
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text) <= _LARGEST_SIDECAR else ""
