# SPDX-License-Identifier: GPL-3.0-or-later
"""A description for a bare .onnx file, from what its graph and a few random windows show and a person says."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import provenance
from ...errors import LulcError, ModelUnusable
from ...legend import Legend, LegendClass
from ...options import option
from ...raster import apply_steps, resolve
from .. import foreign_files, mlm
from ..mlm import FRACTIONS, centred_cut, two_classes
from ..runtime import GraphTensor, Session, open_session, signature_of
from ..spec import ModelSpec, Output, Smoothing, Window, band_channel, usual_multiple
from . import alignment, probe, user_text
from .probe import RandomRun
from .user_text import NOT_GIVEN, Scaling, read_scaling

#: what a user may say about the numbers that come out
ACTIVATIONS = ("auto", "softmax", "sigmoid", "none")
_SIZE = 512
_MARGIN = 64
#: unit → what its numbers usually reach
_REACH = {"reflectance": 1.0, "dn": 10_000.0, "byte": 255.0}
#: of that, what most pixels of an image stay below
_USUAL = 0.4
#: windows of the test pattern, where the network takes any size
_PATTERN_SIDE = 256
#: an image with fewer different numbers than this was scaled by mistake
_FEWEST = 32


@dataclass(frozen=True)
class _MapOutput:
    """The output that makes the map, as random windows showed it.

    Attributes:
        tensor: its name, type and shape.
        plane: it is a single plane of scores for two classes.
        cut: pixels that it lacks on each side.
        times: window pixels, along each axis, that one of its pixels stands for.
    """

    tensor: GraphTensor
    plane: bool
    cut: int
    times: int


def describe_network(
    network: Path,
    band_names: str,
    classes: Sequence[LegendClass],
    scaling: str | None = None,
    gsd: float | None = None,
    activation: str = "auto",
    smoothing: int | None = None,
) -> ModelSpec:
    """The description of the network at `network`.

    Args:
        network: an `.onnx` file.
        band_names: its bands in channel order, like `red,green,blue,nir` (see `user_text.bands_of`).
        classes: its classes in channel order (see `user_text`); one for a network with a single plane of scores.
        scaling: how it wants its numbers (see `user_text.SCALING_REMEDY`); empty: as they are stored, with a note.
        gsd: pixel size it was trained on in metres; None: not known.
        activation: what to apply to its numbers: one of `ACTIVATIONS`; `auto`: a few random windows tell.
        smoothing: radius in pixels with which its maps follow the edges of their image; None: not at all.

    Raises:
        LulcError: what is missing, or does not fit the graph, with both numbers.
    """
    _check_arguments(network, classes, gsd, activation)
    bands = user_text.bands_of(band_names)
    scaled = read_scaling(scaling or "", len(bands))
    bands = tuple(replace(b, scale=scaled.dn_scale, offset=None if scaled.dn_scale is None else 0.0) for b in bands)
    session = open_session(network)
    signature = signature_of(session)
    origin = foreign_files.refuse_other_tasks(network, signature.metadata)
    image = signature.image
    _check_whole_numbers(image, scaled, scaling or "")
    run = _run_in_either_layout(session, image, len(bands))
    found = _map_output(session, image, run, len(classes))
    output, note, warnings = _described_output(session, image, run, found, activation, scaled)
    notes = (f"Described by hand for {network.name}.", origin, note, _unused_outputs(run, found))
    listed = two_classes(list(classes)) if output.plane else list(classes)
    return ModelSpec(
        name=network.stem,
        title=f"{network.stem}: {len(listed)} classes from {', '.join(b.label for b in bands)}"[:300],
        architecture="unknown",
        bands=bands,
        channels=tuple(band_channel(b.name, i, scaled.channel_steps[i]) for i, b in enumerate(bands)),
        forms=scaled.forms,
        fill=(0.0,) * len(bands),
        input_name=image.name,
        output=output,
        legend=Legend.of(listed),
        window=_window(image, run, found),
        gsd=gsd,
        gsd_range=None if gsd is None else (gsd / 1.5, gsd * 1.5),
        description=" ".join(filter(None, notes)),
        file_name=network.name,
        file_size=network.stat().st_size,
        sha256=provenance.file_digest(network),
        layout=run.layout,
        smoothing=None if smoothing is None else Smoothing(smoothing),
        notes=() if (scaling or "").strip() else (NOT_GIVEN,),
        warnings=warnings,
    )


def _check_arguments(network: Path, classes: Sequence[LegendClass], gsd: float | None, activation: str) -> None:
    foreign_files.require_onnx(network)
    if not os.path.isfile(network):
        raise LulcError(f"The model file {network} does not exist.", "Check its folder and name.")
    if not classes:
        raise LulcError("The network's classes are missing.", "List value and name of each, in channel order.")
    if activation not in ACTIVATIONS:
        raise LulcError(f"The activation {activation[:50]!r} is not known.", f"Choose one of {', '.join(ACTIVATIONS)}.")
    if gsd is not None and not (math.isfinite(gsd) and 0 < gsd < 1e6):
        raise LulcError(f"The pixel size is {gsd:g} m.", "Give the pixel size of the training images in metres.")


def _described_output(
    session: Session, image: GraphTensor, run: RandomRun, found: _MapOutput, activation: str, scaling: Scaling
) -> tuple[Output, str, tuple[str, ...]]:
    """The output with its activation and the place of its scores, a note on how it was found out, and warnings."""
    steps, note, warning = _activation(activation, run, found)
    shift = _shift(session, image, run, found, scaling)
    if shift is None:
        note = f"{note} A test pattern did not show whether its scores lie on their pixels.".strip()
    output = Output(found.tensor.name, steps, cut=found.cut, plane=found.plane, shift=shift or (0.0, 0.0))
    return output, note, tuple(filter(None, (warning, output.shift_warning)))


def _activation(stated: str, run: RandomRun, output: _MapOutput) -> tuple[tuple[str, ...], str, str]:
    """The activation steps, a note on how they were found, and a warning where random windows contradict the user."""
    answers = run.answers[output.tensor.name]
    if stated == "auto":
        steps, reason = probe.activation_of(answers, output.plane, run.layout)
        return steps, f"The numbers of output {output.tensor.name!r}: {reason}.", ""
    steps = ("argmax",) if stated == "none" else (stated, "argmax")
    return steps, "", probe.activation_problem(stated, answers, output.plane, run.layout)


def write_description(spec: ModelSpec, path: Path) -> None:
    """Write `spec` to `path`, and read it back.

    Raises:
        LulcError: `path` is no .json file, cannot be written to, or what was written cannot be read.
    """
    if path.suffix.lower() != ".json":
        raise LulcError(f"The description {path.name} does not end in .json.", "Choose a name ending in .json.")
    mlm.write(spec, path)
    mlm.read(path)


# ---------------------------------------------------------------- what the graph shows


def _check_whole_numbers(image: GraphTensor, scaling: Scaling, text: str) -> None:
    """Refuse a scaling of which rounding to an input's whole numbers leaves next to nothing.

    Raises:
        LulcError: with the scaled range.
    """
    kind = probe.DTYPES.get(image.type)
    if kind is None or np.dtype(kind).kind not in "iu":
        return
    few = _few_left(scaling, np.dtype(kind))
    if few is None:
        return
    count, low, high = few
    raise LulcError(
        f"The network's input {image.words} takes whole numbers ({np.dtype(kind)}), but"
        f" {option('scaling', text.strip()[:50])} makes numbers from {low:.3g} to {high:.3g}, which"
        f" leaves {count} different value{'s' * (count > 1)}.",
        f"Give {option('scaling', 'none')} if the network scales its numbers itself, or a scaling that reaches its"
        " range, such as scale 40 for reflectance times 10,000; or export it with an input of 32-bit numbers.",
    )


def _few_left(scaling: Scaling, kind: np.dtype[Any]) -> tuple[int, float, float] | None:
    """How many numbers the usual values of its unit become in a network's whole numbers, and their range before that.

    None where enough are left.
    """
    usual = np.linspace(0, _REACH[scaling.forms[0].unit], 10_001)
    limits = np.iinfo(kind)
    for form, steps in zip(scaling.forms[0].band_steps, scaling.channel_steps):
        scaled = apply_steps(usual, resolve((*form, *steps), usual))
        count = len(np.unique(np.clip(np.rint(scaled), limits.min, limits.max)))
        if count < _FEWEST:
            return count, float(scaled.min()), float(scaled.max())
    return None


def _run_in_either_layout(session: Session, image: GraphTensor, count: int) -> RandomRun:
    """A run with the order of axes that the input's shape shows; both are tried where it shows none."""
    by_layout = {"NCHW": image.shape[1], "NHWC": image.shape[3]}
    possible = [layout for layout, depth in by_layout.items() if depth == count]
    possible = possible or [layout for layout, depth in by_layout.items() if depth is None]
    # lengths that can only be bands, not the side of a window
    few = {layout: depth for layout, depth in by_layout.items() if depth is not None and depth < 32}
    if not possible or (len(few) == 1 and few.popitem()[1] != count):
        known = [str(depth) for depth in by_layout.values() if depth is not None]
        raise LulcError(
            f"{count} bands are named, but the network's input {image.words} takes"
            f" {' or '.join(dict.fromkeys(known)) or 'another number'}.",
            "Name all bands of the network in channel order.",
        )
    for layout in possible[:-1]:
        try:
            return probe.run_random_windows(session, layout, count)
        except LulcError:
            continue
    return probe.run_random_windows(session, possible[-1], count)


def _map_output(session: Session, image: GraphTensor, run: RandomRun, count: int) -> _MapOutput:
    """The output that makes the map of `count` classes.

    A window of 64 with an answer of 32 may lack a rim or be a half of the input's size: a larger window tells.
    """
    outputs = signature_of(session).outputs
    output = _first_with_scores(run, outputs, count)
    if output.times == 1 or None not in image.shape[1:]:
        return output
    larger = probe.run_random_windows(session, run.layout, run.channels, 2 * run.size)
    depth = 1 if output.plane else larger.answers[output.tensor.name][0].shape[1 if larger.layout == "NCHW" else -1]
    again = _first_with_scores(larger, outputs, depth)
    return again if again.cut else output


def _first_with_scores(run: RandomRun, outputs: Sequence[GraphTensor], count: int) -> _MapOutput:
    """The first output with a plane of scores for each of `count` classes, or one plane for one or two classes.

    Only outputs of four axes (batch, class, height, width) count, and of three (batch, height, width) where no other
    fits: networks that find objects have lists of three axes beside their maps.
    """
    axis = 1 if run.layout == "NCHW" else 3
    others: list[str] = []
    misplaced: LulcError | None = None
    for tensor in sorted(outputs, key=lambda t: -run.answers[t.name][0].ndim):
        answer = run.answers[tensor.name][0]
        if answer.ndim not in (3, 4) or answer.dtype.kind != "f" or answer.shape[0] != run.windows:
            others.append(_shown(tensor, answer))
            continue
        depth = 1 if answer.ndim == 3 else answer.shape[axis]
        plane = depth == 1 and count <= 2
        if answer.ndim == 3 and not plane:
            others.append(_shown(tensor, answer))
            continue
        if depth != count and not plane:
            other = answer.shape[4 - axis]
            hint = f", if its axes are batch, {'height, width, class' if axis == 1 else 'class, height, width'}"
            others.append(f"{tensor.name[:100]!r} ({depth} classes{hint * (other == count)})")
            continue
        try:
            return _placed(tensor, plane, _spatial(answer.shape, run.layout), run.size)
        except LulcError as error:
            misplaced = misplaced or (error if answer.ndim == 4 else None)
            others.append(_shown(tensor, answer))
    raise misplaced or LulcError(
        f"{count} {'class is' if count == 1 else 'classes are'} listed, but no output of the network has that many:"
        f" {', '.join(others)[:400]}.",
        "List all classes of the network in channel order (also a background), or export it without its last argmax."
        " A network whose outputs are lists (boxes, points) makes no map.",
    )


def _shown(tensor: GraphTensor, answer: npt.NDArray[Any]) -> str:
    return f"{tensor.name[:100]!r} ({answer.dtype}, {' × '.join(map(str, answer.shape[:8]))})"


def _unused_outputs(run: RandomRun, output: _MapOutput) -> str:
    """A sentence on the outputs that make no map; empty where there are none."""
    others = [
        f"{name[:100]!r} ({' × '.join(map(str, answers[0].shape[:8]))})"
        for name, answers in run.answers.items()
        if name != output.tensor.name
    ]
    return f"The map is made of output {output.tensor.name[:100]!r}, not of {', '.join(others)[:400]}." * bool(others)


def _shift(
    session: Session, image: GraphTensor, run: RandomRun, output: _MapOutput, scaling: Scaling
) -> tuple[float, float] | None:
    """Rows and columns by which the scores lie aside, as a test pattern shows; None where it cannot tell.

    Raises:
        ModelUnusable: they are mirrored or turned.
    """
    side = max(run.size, _PATTERN_SIDE) if None in image.shape[1:] else run.size
    dtype: np.dtype[Any] = np.dtype(probe.DTYPES[image.type])
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    usual = np.linspace(0, _USUAL * _REACH[scaling.forms[0].unit], 1001)
    ranges = []
    for form, steps in zip(scaling.forms[0].band_steps, scaling.channel_steps):
        scaled = apply_steps(usual, resolve((*form, *steps), usual))
        if limits is not None:
            scaled = np.clip(scaled, limits.min, limits.max)
        ranges.append((float(scaled.min()), float(scaled.max())))

    def scores(window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return probe.run_window(session, run.layout, output.tensor.name, window)

    try:
        found = alignment.measure_alignment(scores, ranges, side)
    except LulcError:
        raise
    except Exception:  # onnxruntime has no common base class for its errors; smaller windows ran
        return None
    if found is not None and found.turned:
        raise ModelUnusable(
            f"The scores of this network are {found.turned} against the image, as a test pattern shows: its map would"
            " be, too.",
            "Look for a flip or an exchange of axes in the code that exports it, and export it again.",
        )
    return None if found is None else found.shift


def _spatial(shape: tuple[int, ...], layout: str) -> tuple[int, int]:
    """Height and width of an answer of three or four axes."""
    rows, cols = shape[1:] if len(shape) == 3 else shape[2:] if layout == "NCHW" else shape[1:3]
    return int(rows), int(cols)


def _placed(tensor: GraphTensor, plane: bool, result: tuple[int, int], size: int) -> _MapOutput:
    """How an answer of `result` rows and columns lies on a window of `size` × `size`."""
    height, width = result
    times = next((f for f in (1, *FRACTIONS, 32) if height * f == width * f == size), 0)
    cut = 0 if times else centred_cut(size, height, width, tensor.name)
    return _MapOutput(tensor, plane, cut, times or 1)


def _window(image: GraphTensor, run: RandomRun, output: _MapOutput) -> Window:
    sides = image.shape[2:] if run.layout == "NCHW" else image.shape[1:3]
    fixed = any(side is not None for side in sides)
    size = run.size if fixed else _SIZE
    # windows of one size need not be multiples of 32; a smaller result must fall on whole pixels of its own
    multiple = max(usual_multiple(size if fixed else None), output.times)
    if size % multiple:
        raise LulcError(
            f"The network takes windows of {size} pixels and answers for every {output.times} × {output.times}; that"
            " does not divide.",
            "Export it with a free window size.",
        )
    minimum = size if fixed else max(64, multiple, _rounded(2 * output.cut + multiple, multiple))
    margin = max(output.cut, min(_MARGIN, size // 8))
    return Window(size, multiple, minimum, 0, margin)


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def suggested_name(network: Path) -> str:
    """The description's place beside the network: `NAME.json`."""
    return re.sub(r"\.onnx\Z", "", network.name, flags=re.IGNORECASE) + ".json"
