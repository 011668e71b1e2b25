# SPDX-License-Identifier: GPL-3.0-or-later
"""An .onnx file and onnxruntime: the releases that read it, a session for a short look, the graph's signature."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...environment import packages
from ...errors import LulcError, ModelUnusable
from ...legend import visible_text
from ...telemetry import import_onnxruntime
from . import memory_limit
from .graph_file import read

#: First release of onnxruntime that reads a file format (IR) and an operator set. From 1.19 on, and for 1.15, seen by
#: trying; the others as its documentation has them.
RELEASES = (
    ("1.7", 7, 13),
    ("1.8", 7, 14),
    ("1.10", 8, 15),
    ("1.11", 8, 16),
    ("1.12", 8, 17),
    ("1.14", 8, 18),
    ("1.15", 9, 19),
    ("1.17", 9, 20),
    ("1.18", 10, 21),
    ("1.21", 10, 22),
    ("1.23", 11, 23),
    ("1.24", 13, 25),
    ("1.25", 13, 26),
)
#: protobuf, the format of .onnx files, ends there
LARGEST_FILE = 2_000_000_000
_LARGEST_METADATA = 4_000_000
#: windows that are fed at once at most; the option for it ends there, too
MOST_BATCH = 256
_LONGEST_SHOWN = 100
_MOST_NAMES = 3
_MOST_AXES = 8


def input_type(path: Path, input_name: str) -> str:
    """The whole-number type that the graph's input takes, such as `uint8`; empty for others or where it is unknown.

    Args:
        path: the `.onnx` file.
        input_name: name of the input; where there is no such one, the only input.
    """
    file = read(path)
    if file is None:
        return ""
    name = next(iter(file.input_types)) if len(file.input_types) == 1 else input_name
    return file.input_types.get(name, "")


def cannot_load(path: Path, error: Exception) -> ModelUnusable:
    """What to tell the user when onnxruntime refuses the file at `path` with `error`."""
    if not os.access(path, os.R_OK):
        return ModelUnusable(f"{path} cannot be read: its owner keeps it from you.", "Ask for it, or take another one.")
    file = read(path)
    installed = str(import_onnxruntime().__version__)
    if file is not None:
        needed = needed_release(file.ir, file.opset)
        words = f"{path.name} is written in ONNX operator set {file.opset} (file format {file.ir})"
        if needed is None:
            return ModelUnusable(
                f"{words}, which is newer than all that this program knows of; onnxruntime {installed} is installed.",
                "Install the newest onnxruntime, or export the network again with operator set 17.",
            )
        if _numbers(needed) > _numbers(installed):
            return ModelUnusable(
                f"{words}; that needs onnxruntime {needed} or newer, installed is {installed}.",
                f"Run: python -m pip install 'onnxruntime>={needed}', or export the network again with an older"
                " operator set.",
            )
    if file is not None and file.second_files:
        lost = _lost_weights(path, file.second_files)
        if lost is not None:
            return lost
    unknown = "NOT_IMPLEMENTED" in str(error)
    return ModelUnusable(
        f"{path.name} cannot be loaded as a network: {reason(error)}.",
        "The installed onnxruntime has no code for one of its operations; export the network with 32-bit numbers."
        if unknown
        else "Is it a whole .onnx file?",
    )


def _lost_weights(path: Path, second_files: Mapping[str, int]) -> ModelUnusable | None:
    """What is wrong with the files that hold the weights of the network at `path`; None where nothing is."""
    own = "or export the network to a single .onnx file, with the weights inside"
    outside = [name for name in second_files if Path(name).is_absolute() or ".." in Path(name).parts]
    if outside:
        return ModelUnusable(
            f"{path.name} keeps its weights outside its own folder, in {_row(outside)}; from there they are not read.",
            f"Put them beside it and save it anew, {own}.",
        )
    sizes = {name: _size(path.parent / name) for name in second_files}
    missing = [name for name, size in sizes.items() if size is None]
    if missing:
        are, them = ("is", "that file") if len(missing) == 1 else ("are", "these files")
        renamed = path.with_name(path.name + ".data")
        hint = (
            f" {renamed.name} may be it: give it its old name." if len(missing) == 1 and os.path.isfile(renamed) else ""
        )
        return ModelUnusable(
            f"{path.name} is a network in several files: its weights are in {_row(missing)}, which {are} not beside"
            f" it.{hint}",
            f"Copy {them} into its folder, {own}.",
        )
    short = next(((name, size) for name, size in sizes.items() if size is not None and size < second_files[name]), None)
    if short is None:
        return None
    name, size = short
    return ModelUnusable(
        f"The weights of {path.name} are in {name}, which has {size:,} bytes; they need {second_files[name]:,}.",
        "It was cut off, or belongs to another network: copy both files again from their origin.",
    )


def weights_files(path: Path) -> tuple[Path, ...]:
    """The further files from which onnxruntime reads weights of the network at `path`; most networks have none."""
    file = read(path)
    places = [] if file is None else [path.parent / name for name in file.second_files]
    return tuple(place for place in places if _size(place) is not None)


def _size(path: Path) -> int | None:
    """Bytes of a file; None where there is none."""
    try:
        return path.stat().st_size if os.path.isfile(path) else None
    except (OSError, ValueError):
        return None


def _row(names: Sequence[str]) -> str:
    """Names of files for a message: the first three, and how many more."""
    shown = [visible_text(name)[:_LONGEST_SHOWN] for name in names[:_MOST_NAMES]]
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def needed_release(ir: int, opset: int) -> str | None:
    """The first onnxruntime that reads such a file, None where no release known here does."""
    return next((name for name, most_ir, most_opset in RELEASES if ir <= most_ir and opset <= most_opset), None)


def reason(error: Exception) -> str:
    """The first line of what onnxruntime says, without a full stop and not too long."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(" .")


def _numbers(version: str) -> tuple[int, ...]:
    """`1.24.1` → (1, 24); anything odd counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2])


# ---------------------------------------------------------------- opened


class NodeArg(Protocol):
    """What is used of onnxruntime's `NodeArg`: an input or output; a free axis of `shape` is a text or None."""

    name: str
    type: str
    shape: Sequence[Any]


class Session(Protocol):
    """What is used here of onnxruntime's `InferenceSession`, which has no types."""

    def get_inputs(self) -> Sequence[NodeArg]:
        """Inputs of the graph."""

    def get_outputs(self) -> Sequence[NodeArg]:
        """Outputs of the graph."""

    def get_modelmeta(self) -> Any:
        """Metadata of the file."""

    def get_providers(self) -> Sequence[str]:
        """Execution providers, the preferred one first."""

    def get_session_options(self) -> Any:
        """Options it was made with."""

    def run(self, output_names: Sequence[str], inputs: Mapping[str, Any], run_options: Any = None) -> Sequence[Any]:
        """Outputs for the inputs."""

    def end_profiling(self) -> str:
        """Stop profiling; returns the profile's path."""


@dataclass(frozen=True)
class GraphTensor:
    """An input or output: `type` as onnxruntime writes it (`tensor(float)`); free lengths of `shape` are None."""

    name: str
    type: str
    shape: tuple[int | None, ...]

    @property
    def words(self) -> str:
        """`'image' 1 × 3 × free × free`."""
        lengths = " × ".join("free" if n is None else str(n) for n in self.shape[:_MOST_AXES])
        return f"{self.name[:_LONGEST_SHOWN]!r} {lengths}{' × …' * (len(self.shape) > _MOST_AXES)}"


@dataclass(frozen=True)
class GraphSignature:
    """Inputs and outputs in the graph's order, and its metadata, key → text."""

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    metadata: Mapping[str, str]

    @property
    def image(self) -> GraphTensor:
        """The only input.

        Raises:
            ModelUnusable: there are several, or it is not a stack of images.
        """
        if len(self.inputs) != 1:
            raise ModelUnusable(
                f"The network has {len(self.inputs)} inputs; only networks with one can be run.",
                "Export it with the image as its only input.",
            )
        if len(self.inputs[0].shape) != 4:
            raise ModelUnusable(
                f"The network's input {self.inputs[0].words} has {len(self.inputs[0].shape)} axes, not the four of a"
                " stack of images (batch, bands, height, width).",
                "Only networks that take images can make a map.",
            )
        check_batch(self.inputs[0].words, self.inputs[0].shape[0])
        return self.inputs[0]


def check_batch(what: str, batch: Any) -> None:
    """Refuse a graph that takes so many windows at once only.

    Args:
        what: the input, for errors.
        batch: its first length; what is not a number is free.

    Raises:
        ModelUnusable: above `MOST_BATCH`.
    """
    if isinstance(batch, int) and batch > MOST_BATCH:
        raise ModelUnusable(
            f"The network's input {what} takes {batch:,} windows at once; 1 to {MOST_BATCH} can be fed.",
            "Export it with a free batch size.",
        )


def open_session(path: Path) -> Session:
    """An onnxruntime session on one CPU thread, made quickly and for short use.

    Raises:
        LulcError: the file cannot be loaded as a network, or onnxruntime is missing.
    """
    packages.require(("onnxruntime",))  # a network with its description beside it needs no session before it runs
    ort = import_onnxruntime()

    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise LulcError(
            f"{path.name} has {size:,} bytes; an .onnx file cannot have more than {LARGEST_FILE:,}.",
            "Export a smaller network.",
        )
    refuse_hazard(path)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if memory_limit.registered():
        options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4  # what it would print is raised, too
    options.intra_op_num_threads = 1
    try:
        session: Session = ort.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise cannot_load(path, error) from error
    return session


def refuse_hazard(path: Path) -> None:
    """Refuse a network that could take all memory by being opened: 100 bytes of sparse weights stand for any size.

    Raises:
        ModelUnusable: with the reason.
    """
    file = read(path)
    if file is not None and file.hazard:
        raise ModelUnusable(
            f"{path.name} is not opened: it has {file.hazard}.", "Export the network again, with dense weights."
        )


def signature_of(session: Session) -> GraphSignature:
    """The signature of an open session.

    Raises:
        ModelUnusable: a name or its metadata are not text.
    """
    try:
        metadata = session.get_modelmeta().custom_metadata_map
        return GraphSignature(
            tuple(_tensor(t) for t in session.get_inputs()),
            tuple(_tensor(t) for t in session.get_outputs()),
            {str(k): str(v)[:_LARGEST_METADATA] for k, v in metadata.items()},
        )
    except UnicodeDecodeError as error:
        raise no_text(error) from error


def no_text(error: UnicodeDecodeError) -> ModelUnusable:
    """What to tell where a name or the metadata of a graph are not of UTF-8, as onnxruntime's `error` says."""
    return ModelUnusable(
        f"A name in the network, or its metadata, is not text in UTF-8: {error.reason} at byte {error.start}.",
        "The file seems to be damaged: get it again.",
    )


def _tensor(tensor: NodeArg) -> GraphTensor:
    lengths = (length if isinstance(length, int) and length > 0 else None for length in tensor.shape)
    return GraphTensor(str(tensor.name), str(tensor.type), tuple(lengths))
