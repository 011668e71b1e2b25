# SPDX-License-Identifier: GPL-3.0-or-later
"""A description for a bare .onnx file: what the graph shows, what a few random windows show, and what a person says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ... import provenance
from ...errors import LulcError
from ...legend import Legend, LegendClass
from ...options import option
from .. import foreign_files, mlm
from ..fixed_window import usual_multiple
from ..mlm import FRACTIONS, centred_cut, two_classes
from ..spec import ModelSpec, Output, Window, band_channel
from . import band_words, probe
from .graph_signature import Port, open_session, signature_of
from .probe import Trial
from .scaling_words import NOT_GIVEN, Scaling, few_left, read_scaling

#: what a user may say about the numbers that come out
ACTIVATIONS = ("auto", "softmax", "sigmoid", "none")
_SIZE = 512
_MARGIN = 64


@dataclass(frozen=True)
class _Result:
    """The output that makes the map, as a trial showed it."""

    port: Port
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
    *,
    name: str = "",
    title: str = "",
) -> ModelSpec:
    """The description of the network at `network`.

    Args:
        network: an `.onnx` file.
        band_names: its bands in channel order, like `red,green,blue,nir` (see `bandlist.bands_of`).
        classes: its classes in channel order (see `classlist`); one for a network with a single plane of scores.
        scaling: how it wants its numbers (see `scalingtext.REMEDY`); None or empty: as they are stored, which a note
            tells.
        gsd: pixel size it was trained on in metres; None: not known.
        activation: what to apply to its numbers: `softmax`, `sigmoid`, `none` (they are probabilities), or `auto`:
            a few random windows tell.
        name: what to call it; empty: the name of the file.
        title: one line for people; empty: made of classes and bands.

    Raises:
        LulcError: what is missing, or does not fit the graph, with both numbers.
    """
    foreign_files.require_onnx(network)
    if not network.is_file():
        raise LulcError(f"The model file {network} does not exist.")
    if activation not in ACTIVATIONS:
        raise LulcError(f"The activation {activation[:50]!r} is none of {', '.join(ACTIVATIONS)}.")
    if gsd is not None and not (math.isfinite(gsd) and 0 < gsd < 1e6):
        raise LulcError(f"The pixel size is {gsd:g} m.", "Give the pixel size of the training images in metres.")
    bands = band_words.bands_of(band_names)
    if not classes:
        raise LulcError("The network's classes are missing.", "List value and name of each, in channel order.")
    wanted = read_scaling(scaling or "", len(bands))
    bands = tuple(replace(b, scale=wanted.dn_scale, offset=None if wanted.dn_scale is None else 0.0) for b in bands)
    session = open_session(network)
    image = signature_of(session).image
    _check_whole_numbers(image, wanted, scaling or "")
    trial = _try_layouts(session, image, len(bands))
    outputs = signature_of(session).outputs
    result = _result(trial, outputs, len(classes))
    if result.times > 1 and None in image.shape[1:]:
        result = _told_apart(result, probe.try_out(session, trial.layout, len(bands), 2 * trial.size), outputs)
    listed = two_classes(list(classes)) if result.plane else list(classes)
    answers = trial.answers[result.port.name]
    doubt = ""
    if activation == "auto":
        steps, because = probe.judge(answers, result.plane, trial.layout)
        note = f"The numbers of output {result.port.name!r}: {because}."
    else:
        steps = ("argmax",) if activation == "none" else (activation, "argmax")
        note = ""
        doubt = probe.doubt(activation, answers, result.plane, trial.layout)
    own = name or network.stem
    names = ", ".join(b.label for b in bands)
    return ModelSpec(
        name=own,
        title=title or f"{own}: {len(listed)} classes from {names}"[:300],
        architecture="unknown",
        bands=bands,
        channels=tuple(band_channel(b.name, i, wanted.channel_steps[i]) for i, b in enumerate(bands)),
        forms=wanted.forms,
        fill=(0.0,) * len(bands),
        input_name=image.name,
        output=Output(result.port.name, steps, cut=result.cut, plane=result.plane),
        legend=Legend.of(listed),
        window=_window(image, trial, result),
        gsd=gsd,
        gsd_range=None if gsd is None else (gsd / 1.5, gsd * 1.5),
        description=f"Described by hand for {network.name}. {note}".strip(),
        file_name=network.name,
        file_size=network.stat().st_size,
        sha256=provenance.file_digest(network),
        layout=trial.layout,
        notes=() if (scaling or "").strip() else (NOT_GIVEN,),
        warnings=(doubt,) if doubt else (),
    )


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


def _check_whole_numbers(image: Port, wanted: Scaling, said: str) -> None:
    """Refuse a scaling of which rounding to an input's whole numbers leaves next to nothing.

    Raises:
        LulcError: with the scaled range.
    """
    kind = probe.DTYPES.get(image.kind)
    if kind is None or np.dtype(kind).kind not in "iu":
        return
    few = few_left(wanted, np.dtype(kind))
    if few is None:
        return
    count, low, high = few
    raise LulcError(
        f"The network's input {image.words} takes whole numbers ({np.dtype(kind)}), but"
        f" {option('scaling', said.strip()[:50])} makes numbers from {low:.3g} to {high:.3g}, which"
        f" leaves {count} different value{'s' * (count > 1)}.",
        f"Give {option('scaling', 'none')} if the network scales its numbers itself, or a scaling that reaches its"
        " range, such as scale 40 for reflectance times 10,000; or export it with an input of 32-bit numbers.",
    )


def _try_layouts(session: object, image: Port, count: int) -> Trial:
    """A trial with the order of axes that the input's shape shows; both are tried where it shows none."""
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
            return probe.try_out(session, layout, count)
        except LulcError:
            continue
    return probe.try_out(session, possible[-1], count)


def _result(trial: Trial, outputs: Sequence[Port], count: int) -> _Result:
    """The first output with a plane of scores for each of `count` classes, or one plane for one or two classes."""
    axis = 1 if trial.layout == "NCHW" else 3
    seen: list[str] = []
    for port in outputs:
        answer = trial.answers[port.name][0]
        if answer.ndim not in (3, 4) or answer.dtype.kind != "f":
            seen.append(f"{port.name!r} ({answer.dtype}, {' × '.join(map(str, answer.shape))})")
            continue
        depth = 1 if answer.ndim == 3 else answer.shape[axis]
        plane = depth == 1 and count <= 2
        if depth != count and not plane:
            other = answer.shape[4 - axis]
            hint = f", if its axes are batch, {'height, width, class' if axis == 1 else 'class, height, width'}"
            seen.append(f"{port.name!r} ({depth} classes{hint * (other == count)})")
            continue
        spatial = answer.shape[1:] if answer.ndim == 3 else answer.shape[2:] if axis == 1 else answer.shape[1:3]
        height, width = int(spatial[0]), int(spatial[1])
        times = next((f for f in (1, *FRACTIONS, 32) if height * f == width * f == trial.size), 0)
        cut = 0 if times else centred_cut(trial.size, height, width, port.name)
        return _Result(port, plane, cut, times or 1)
    raise LulcError(
        f"{count} {'class is' if count == 1 else 'classes are'} listed, but no output of the network has that many:"
        f" {', '.join(seen)[:400]}.",
        "List all classes of the network in channel order (also a background), or export it without its last argmax.",
    )


def _told_apart(result: _Result, larger: Trial, outputs: Sequence[Port]) -> _Result:
    """`result`, unless a larger window shows that its output lacks a rim rather than being a part of the input's size.

    A window of 64 with an answer of 32 may be either.
    """
    depth = 1 if result.plane else larger.answers[result.port.name][0].shape[1 if larger.layout == "NCHW" else -1]
    again = _result(larger, outputs, depth)
    return again if again.cut else result


def _window(image: Port, trial: Trial, result: _Result) -> Window:
    sides = image.shape[2:] if trial.layout == "NCHW" else image.shape[1:3]
    fixed = any(side is not None for side in sides)
    size = trial.size if fixed else _SIZE
    # windows of one size need not be multiples of 32; a smaller result must fall on whole pixels of its own
    multiple = max(usual_multiple(size if fixed else None), result.times)
    if size % multiple:
        raise LulcError(
            f"The network takes windows of {size} pixels and answers for every {result.times} × {result.times}; that"
            " does not divide."
        )
    minimum = size if fixed else max(64, multiple, _rounded(2 * result.cut + multiple, multiple))
    margin = max(result.cut, min(_MARGIN, size // 8))
    return Window(size, multiple, minimum, 0, margin)


def _rounded(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def suggested_name(network: Path) -> str:
    """The description's place beside the network: `NAME.json`."""
    return re.sub(r"\.onnx\Z", "", network.name, flags=re.IGNORECASE) + ".json"
