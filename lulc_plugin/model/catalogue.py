# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks at hand, best first, and which of them fits a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .. import bundled
from ..errors import LulcError
from . import mlm
from .spec import ModelSpec

Found = TypeVar("Found")


@dataclass(frozen=True)
class Entry:
    """A network file and its description."""

    path: Path
    spec: ModelSpec


def load(path: Path) -> Entry:
    """The network at `path`, described by `NAME.json` beside it or by the metadata inside it.

    Raises:
        LulcError: no such file, no description, or one that cannot be used.
    """
    if path.suffix.lower() != ".onnx":
        raise LulcError(f"{path.name} is not an .onnx file.", "Export the network to ONNX first.")
    if not path.is_file():
        raise LulcError(f"The model file {path} does not exist.")
    sidecar = path.with_suffix(".json")
    if sidecar.is_file():
        return Entry(path, mlm.read(sidecar))
    text = _embedded(path)
    if text:
        return Entry(path, mlm.from_text(text, path.name))
    raise LulcError(
        f"{path.name} has no description: neither {sidecar.name} beside it nor 'mlm' in its own metadata.",
        "Put a STAC MLM description of that name beside it; it says which bands, scaling and classes the network has.",
    )


def _embedded(path: Path) -> str:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        reason = str(error).splitlines()[0][:300]
        raise LulcError(f"{path.name} cannot be loaded as a network: {reason}.", "Is it a whole .onnx file?") from error
    return str(session.get_modelmeta().custom_metadata_map.get("mlm", ""))


def entries() -> tuple[Entry, ...]:
    """The bundled networks, ordered by held-out score, then by speed."""
    folder = bundled.folder("models")
    found = [load(folder / f"{name}.onnx") for name in bundled.model_names()]
    return tuple(sorted(found, key=lambda e: (-e.spec.held_out_score, -e.spec.speed, e.spec.name)))


def by_name(name: str) -> Entry:
    """The bundled network called `name`.

    Raises:
        LulcError: there is none.
    """
    names = bundled.model_names()
    if name not in names:
        raise LulcError(f"There is no model {name!r}.", f"Choose one of: auto, {', '.join(names)}.")
    return load(bundled.folder("models") / f"{name}.onnx")


def first_fit(fits: Callable[[Entry], Found]) -> tuple[Entry, Found, tuple[str, ...]]:
    """The best bundled network for which `fits` returns instead of raising `LulcError`.

    Returns:
        the entry, what `fits` returned, and one sentence for each network passed over.

    Raises:
        LulcError: none fits; with all reasons.
    """
    reasons: list[str] = []
    remedies: list[str] = []
    at_hand = entries()
    for i, entry in enumerate(at_hand):
        try:
            found = fits(entry)
            later = [f"{e.spec.name}: it comes after {entry.spec.name}, which fits" for e in at_hand[i + 1 :]]
            return entry, found, (*reasons, *later)
        except LulcError as error:
            reasons.append(f"{entry.spec.name}: {error.problem}")
            remedies.append(error.remedy)
    if not reasons:
        raise LulcError(
            "No network is bundled with this installation.", "Install the plugin again, or set a model file."
        )
    remedy = next((r for r in remedies if r), "Set the model or the bands yourself.")
    raise LulcError("None of the bundled networks fits this layer. " + " ".join(reasons), remedy)
