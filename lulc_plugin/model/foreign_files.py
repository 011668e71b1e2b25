# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files of other programs: named, refused, and what to do with them instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import LulcError, ModelUnusable
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
    if (path / "saved_model.pb").is_file():
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
    if other.is_file():
        other_file = f" {other.name} is not one: it does not say how values are scaled."
        classes = geoai_classes(other)
        if classes:
            other_file = (
                f" {other.name} is geoai's and does not say how values are scaled; it names {len(classes)} classes:"
                f" {', '.join(classes.values())[:200]}."
            )
    elif path.with_suffix(".emd").is_file():
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


def refuse_ultralytics(name: str, metadata: Mapping[str, str]) -> None:
    """Refuse a network that Ultralytics exported for another task than semantic segmentation.

    Raises:
        LulcError: naming the task.
    """
    task = metadata.get("task", "")
    if not {"task", "stride", "names"} <= set(metadata) or task.strip("'\"") in ("semantic", "semantic-segmentation"):
        return
    raise LulcError(
        f"{name} is a network of Ultralytics for the task {task[:50]!r}; it finds objects and does not give every pixel"
        " a class.",
        "Only semantic segmentation networks make a map.",
    )


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            text = stream.read(_LARGEST_SIDECAR + 1)
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text) <= _LARGEST_SIDECAR else ""
