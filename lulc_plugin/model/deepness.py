# SPDX-License-Identifier: GPL-3.0-or-later
"""A `ModelSpec` from the metadata that the QGIS plugin Deepness reads (0.6.5), so that its networks run unchanged.

Each value is a JSON text; older tools wrote Python literals, of which only dictionaries and lists of texts are
understood, by a small parser and not by Python. Deepness divides every number by 255 and applies no softmax.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ..errors import LulcError
from ..legend import Legend, LegendClass, default_colour
from ..options import command
from ..raster import Step, Steps
from .mlm import FRACTIONS, MOST_BANDS, MOST_CLASSES, centred_cut, json_values, two_classes, unnamed_bands
from .runtime import GraphSignature, GraphTensor
from .spec import InputForm, ModelSpec, Output, Window, band_channel, usual_multiple

KEYS = frozenset(
    (
        "model_type", "class_names", "names", "resolution", "tile_size", "tiles_size", "tiles_overlap",
        "standardization_mean", "standardization_std", "seg_thresh", "seg_small_segment",
    )
)  # fmt: skip
_OTHER_TYPES = ("Detector", "Regressor", "Recognition", "Superresolution")
_DEFAULT_OVERLAP = 15.0
_NODATA = 255
_LONGEST = 100_000
_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_OPENING = re.compile(r"(\[?)\s*\{")
_KEY_AND_NAME = re.compile(rf"\s*(\d{{1,6}}|{_QUOTED})\s*:\s*({_QUOTED})")
_AFTER = re.compile(r"\s*(,|\})")


def describes(metadata: Mapping[str, str]) -> bool:
    """Whether a network's metadata holds what Deepness reads."""
    # `names` alone is also a key of Ultralytics, which says the stride too
    own = KEYS - ({"names"} if "stride" in metadata else set())
    return bool(own & set(metadata))


def read(signature: GraphSignature, name: str) -> ModelSpec:
    """The network that `signature` belongs to; `name` is what it is called.

    Raises:
        LulcError: another type of network, or values that make no sense.
    """
    values = {key: _value(key, text) for key, text in signature.metadata.items() if key in KEYS}
    _check_type(values.get("model_type"))
    image = signature.image
    _, channels, height, width = image.shape
    if channels is None:
        raise LulcError(f"The network's input {image.words} does not say how many bands it takes.")
    if channels > MOST_BANDS:
        raise LulcError(f"The network's input {image.words} takes {channels:,} bands; 1 to {MOST_BANDS} can be fed.")
    if height != width:
        raise LulcError(
            f"The network's input {image.words} is not square.", "Deepness's networks take square windows only."
        )
    # lists of objects have three axes, as a single plane of scores may have
    output = next((o for o in signature.outputs if len(o.shape) == 4), signature.outputs[0])
    names, unnamed = _class_names(values, len(signature.outputs))
    depth = _depth(output)
    plane = depth == 1
    names = names or [f"channel_{i}" for i in range(depth or 0)]
    classes = [LegendClass(i, n, default_colour(i, n)) for i, n in enumerate(names)]
    if plane and len(classes) == 1:
        classes = two_classes([LegendClass(1, classes[0].name, classes[0].colour)])
    if not plane and depth is not None and depth != len(classes):
        raise LulcError(f"The output {output.words} has {depth} channels, but {len(classes)} classes are named.")
    if plane and len(classes) != 2:
        raise LulcError(f"The output {output.words} is one plane of scores, but {len(classes)} classes are named.")
    size, warnings = _size(values, height)
    cut = _cut(output, height)
    notes = [*_notes(values, signature, output)]
    if unnamed:
        notes.append("The network's metadata does not name its classes")
    steps, fill = _scaling(values, channels)
    gsd = _positive(values, "resolution")
    overlap = _positive(values, "tiles_overlap", _DEFAULT_OVERLAP) or 0.0
    threshold = json_values.number(values.get("seg_thresh"), "seg_thresh")
    bands = unnamed_bands(channels)
    return ModelSpec(
        name=name,
        title=f"{name} (Deepness)",
        architecture="unknown",
        bands=bands,
        channels=tuple(band_channel(b.name, i, steps[i]) for i, b in enumerate(bands)),
        forms=(InputForm("divided by 255", "byte", ((),) * channels, "8-bit numbers, 0 to 255"),),
        fill=fill,
        input_name=image.name,
        output=Output(output.name, ("argmax",), cut=cut, plane=plane, threshold=threshold or None),
        legend=Legend.of(classes, _NODATA if len(classes) <= _NODATA else None),
        window=Window(size, usual_multiple(size), size, 0, max(cut, int(size * min(overlap, 90) / 100) // 2)),
        gsd=None if gsd is None else gsd / 100,
        gsd_range=None if gsd is None else (gsd / 200, gsd / 50),
        description="Described by the metadata that the QGIS plugin Deepness reads.",
        file_name=f"{name}.onnx",
        warnings=warnings,
        notes=tuple(notes),
    )


def _check_type(model_type: Any) -> None:
    kind = str(model_type or "Segmentor")[:50].capitalize()
    if kind == "Segmentor":
        return
    hint = "Deepness runs such networks." if kind in _OTHER_TYPES else "Deepness does not know this type either."
    raise LulcError(f"The network is a {kind}, not a Segmentor; only segmentation networks make a map.", hint)


# ---------------------------------------------------------------- values


def _value(key: str, text: str) -> Any:
    if len(text) > _LONGEST:
        raise LulcError(f"The metadata {key!r} of the network is longer than {_LONGEST:,} characters.")
    try:
        return json_values.load(text, parse_constant=lambda _: None)
    except ValueError:
        return text


def _positive(values: Mapping[str, Any], key: str, default: float | None = None) -> float | None:
    value = json_values.number(values.get(key, default), f"the network's metadata {key!r}")
    if value is not None and (not math.isfinite(value) or value < 0 or (value == 0 and key != "tiles_overlap")):
        raise LulcError(f"The network's metadata {key!r} is {value:g}.")
    return value


def _class_names(values: Mapping[str, Any], outputs: int) -> tuple[list[str], bool]:
    """Names of the first output's classes in order, and whether there were none.

    Raises:
        LulcError: an index is missing, or the names cannot be understood.
    """
    names = values.get("class_names", values.get("names"))
    if isinstance(names, str):
        names = parse_literal(names)
    if isinstance(names, list) and names and all(isinstance(entry, Mapping) for entry in names):
        names = names[0]
    if isinstance(names, list) and names and all(isinstance(entry, str) for entry in names):
        names = dict(enumerate(names))
    if not names:
        return [], True
    if not isinstance(names, Mapping) or len(names) > MOST_CLASSES:
        raise LulcError(f"The network's metadata 'class_names' is {str(names)[:60]!r}, not a name for each index.")
    try:
        named = {int(index): json_values.text(name, "a class name", 200) for index, name in names.items()}
    except ValueError as error:
        raise LulcError(f"The network's metadata 'class_names' has an index that is not a number: {error}.") from error
    gap = next((i for i in range(len(named)) if i not in named), None)
    if gap is not None:
        raise LulcError(
            f"The network's metadata 'class_names' numbers its {len(named)} classes"
            f" {', '.join(map(str, sorted(named)[:20]))[:200]}; {gap} is missing.",
            "The numbers run 0, 1, 2 … without a gap; correct the metadata, or describe the network with"
            f" {command('describemodel')}.",
        )
    return [named[i] or f"channel_{i}" for i in range(len(named))], False


def parse_literal(text: str) -> Any:
    """A dictionary index → name, or a list of such, out of a Python literal such as `{0: 'water', 1: 'land'}`.

    Raises:
        LulcError: anything else.
    """
    text = text.strip()
    wrong = LulcError(f"The network's metadata 'class_names' is {text[:60]!r}, not a name for each index.")
    opened = _OPENING.match(text)
    if not opened:
        raise wrong
    named: dict[str, str] = {}
    # each match begins where the last one ended, so that a malicious text costs one pass only
    position = opened.end()
    while True:
        pair = _KEY_AND_NAME.match(text, position)
        if pair:
            named[_unquoted(pair.group(1))] = _unquoted(pair.group(2))
        after = _AFTER.match(text, pair.end() if pair else position)
        if not after or (not pair and after.group(1) == ","):
            raise wrong
        position = after.end()
        if after.group(1) == "}":
            break
    # of several outputs the first one's names are wanted
    rest = text[position:]
    if rest and not (opened.group(1) and rest.endswith("]")):
        raise wrong
    return named


def _unquoted(text: str) -> str:
    return re.sub(r"\\(['\"\\])", r"\1", text[1:-1]) if text[:1] in "'\"" else text


# ---------------------------------------------------------------- sizes and scaling


def _size(values: Mapping[str, Any], height: int | None) -> tuple[int, tuple[str, ...]]:
    stated = _positive(values, "tile_size") or _positive(values, "tiles_size")
    if height is not None:
        warnings = ()
        if stated is not None and int(stated) != height:
            return height, (
                f"The network's metadata wants windows of {stated:g} pixels, its graph takes {height} only;"
                f" {height} are used.",
            )
        return height, warnings
    if stated is None:
        return 512, ()
    if not 8 <= stated <= 16384 or not float(stated).is_integer():
        raise LulcError(f"The network's metadata wants windows of {stated:g} pixels; 8 to 16384 can be cut.")
    return int(stated), ()


def _depth(output: GraphTensor) -> int | None:
    if len(output.shape) == 3:
        return 1
    if len(output.shape) != 4:
        raise LulcError(f"The output {output.words} is not a map: it has {len(output.shape)} axes.")
    depth = output.shape[1]
    if depth is not None and depth > MOST_CLASSES:
        raise LulcError(f"The output {output.words} has {depth:,} classes; at most {MOST_CLASSES:,} can be mapped.")
    return depth


def _cut(output: GraphTensor, size: int | None) -> int:
    height, width = output.shape[-2:]
    if size is None or height is None or width is None or any(height == width == size // f for f in (1, *FRACTIONS)):
        return 0
    return centred_cut(size, height, width, output.name)


def _scaling(values: Mapping[str, Any], channels: int) -> tuple[list[Steps], tuple[float, ...]]:
    """Steps of each channel, and what a black pixel becomes: Deepness has black where there is no image."""
    means, spreads = values.get("standardization_mean"), values.get("standardization_std")
    by_255 = Step.of("scale", value=255)
    if means is None or spreads is None:
        return [(by_255,)] * channels, (0.0,) * channels
    numbers = [json_values.finite_numbers(v, channels) for v in (means, spreads)]
    if numbers[0] is None or numbers[1] is None or min(numbers[1]) <= 0:
        raise LulcError(
            f"The network's metadata 'standardization_mean' and 'standardization_std' are not {channels} numbers each,"
            " one for each channel, the latter above 0."
        )
    pairs = list(zip(numbers[0], numbers[1]))
    steps: list[Steps] = [(by_255, Step.of("offset", value=m), Step.of("scale", value=s)) for m, s in pairs]
    return steps, tuple(-mean / spread for mean, spread in pairs)


def _notes(values: Mapping[str, Any], signature: GraphSignature, output: GraphTensor) -> list[str]:
    notes = ["Described by the metadata of the plugin Deepness: numbers are divided by 255, bands in the layer's order"]
    if len(signature.outputs) > 1:
        others = ", ".join(repr(p.name) for p in signature.outputs if p is not output)[:200]
        notes.append(f"The network has several outputs; the map is made of {output.name!r}, not of {others}")
    small = json_values.number(values.get("seg_small_segment"), "seg_small_segment")
    if small:
        notes.append(
            f"Deepness would smooth the finished map with a median of {int(small) // 2 * 2 + 1} pixels"
            " (seg_small_segment); that is not done here"
        )
    return notes
