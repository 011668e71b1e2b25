# SPDX-License-Identifier: GPL-3.0-or-later
"""A network file and its description, wherever that is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import LulcError
from ..options import command
from . import deepness, foreign_files, mlm
from .describe import open_session, probe, signature_of
from .runtime import onnx_file
from .spec import ModelSpec

#: metadata keys that hold an MLM description, ours first
_EMBEDDED = ("mlm", "stac_mlm", "mlm-metadata")


@dataclass(frozen=True)
class Entry:
    """A network file and its description."""

    path: Path
    spec: ModelSpec


def load(path: Path) -> Entry:
    """The network at `path`, described by the first of these that there is.

    `NAME.json` beside `NAME.onnx`; `NAME.onnx.json`; the metadata inside it: an MLM description, or what the plugin
    Deepness reads. Where that does not say whether the network returns probabilities, a few random windows tell.

    Raises:
        LulcError: no such file, another format, no description, or one that cannot be used.
    """
    foreign_files.require_onnx(path)
    if not path.is_file():
        raise LulcError(f"The model file {path} does not exist.")
    sidecar = sidecar_of(path)
    spec = _inside(path) if sidecar is None else mlm.read(sidecar)
    _check_size(path, spec)
    if not spec.output.activation:
        spec = _tried_out(path, spec)
    return Entry(path, replace(spec, input_type=onnx_file.input_type(path, spec.input_name)))


def sidecar_of(path: Path) -> Path | None:
    """The description beside a network: `NAME.json`, or `NAME.onnx.json` if it is one of ours; None without."""
    sidecar = path.with_suffix(".json")
    if sidecar.is_file():
        return sidecar
    other = path.with_name(path.name + ".json")
    return other if other.is_file() and foreign_files.is_mlm(other) else None


def _inside(path: Path) -> ModelSpec:
    """The description in the network's own metadata."""
    signature = signature_of(open_session(path))
    for key in _EMBEDDED:
        if signature.metadata.get(key):
            return mlm.from_text(signature.metadata[key], path.name)
    foreign_files.refuse_ultralytics(path.name, signature.metadata)
    if deepness.describes(signature.metadata):
        try:
            return deepness.read(signature, path.stem)
        except LulcError as error:
            remedy = error.remedy or f"Correct the metadata, or describe the network with {command('describemodel')}."
            raise LulcError(f"{path.name}: {error.problem}", remedy) from error
    raise foreign_files.no_description(path)


def _check_size(path: Path, spec: ModelSpec) -> None:
    size = path.stat().st_size
    if spec.file_size and spec.file_size != size:
        raise LulcError(
            f"{path.name} has {size:,} bytes, but its description was written for a file of {spec.file_size:,} bytes.",
            "It belongs to another network, or the file was changed or cut off: get both files again.",
        )


def _tried_out(path: Path, spec: ModelSpec) -> ModelSpec:
    """`spec` with the activation that random windows show."""
    trial = probe.try_out(open_session(path), spec.layout, len(spec.channels))
    answers = trial.answers.get(spec.output.name)
    if answers is None:
        names = ", ".join(trial.answers)
        raise LulcError(f"{path.name} has no output {spec.output.name!r}; it has {names}.")
    activation, because = probe.judge(answers, spec.output.plane, spec.layout)
    note = f"The model's description does not say what the numbers of {spec.output.name!r} are: {because}"
    return replace(spec, output=replace(spec.output, activation=activation), notes=(*spec.notes, note))
