# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a description that only its card shows: limits, scores of places, calibration and the like.

They are untrusted and no network needs them to run. What is of a wrong kind or out of range is left out; texts and
lists are cut to a bearable length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields as attributes, replace
from typing import Any, Optional

from ...model import ModelSpec, Scores
from ..document import plain_text

_LONGEST, _LONGEST_NAME = 1500, 300
_MOST_SENTENCES, _MOST_ROWS, _MOST_CLASSES, _MOST_SETS, _MOST_PLACES = 40, 200, 4096, 100, 5_000
_PICTURE = re.compile(r"(?!/)[A-Za-z0-9._/-]{1,300}\.(?:jpg|png)\Z")
#: A number from 0 to 1, and one from -1 to 1; None where the makers give none.
Share = Optional[float]
Signed = Optional[float]
#: Longitude and latitude in degrees.
LonLat = tuple[float, float]


@dataclass(frozen=True)
class Measures:
    """A row of scores: of a data set under another treatment, of a place, or under a change of radiometry.

    `mostly` names the largest classes of a place; `baseline` is the overall accuracy of the baseline there.
    """

    name: str
    places: int | None
    pixels: int | None
    overall_accuracy: Share
    kappa: Signed
    macro_f1: Share
    miou: Share
    mean_dice: Share
    mostly: str
    baseline: Share


@dataclass(frozen=True)
class Difference:
    """Mean IoU of this network minus that of the network `name`; `low` and `high` bound its 95 % interval, if any."""

    name: str
    difference: Signed
    low: Signed
    high: Signed


@dataclass(frozen=True)
class Baseline:
    """A simpler method on the same data: its scores, IoU of each class, and how much better the network is.

    `surrounded` is the difference where reflected pixels lie around each chip.
    """

    name: str
    overall_accuracy: Share
    miou: Share
    iou: tuple[Share, ...]
    difference: Difference
    surrounded: Difference


@dataclass(frozen=True)
class Details:
    """What an entry of `lulc:accuracy` says beyond its scores.

    Attributes:
        names: of the classes as they were counted (`Trees / Bare` for a coarse label); empty when not given.
        subset: the part of a data set that the split does not tell, such as `validation`.
        place_count: number of places.
        mean_dice: mean Dice coefficient over the classes of the reference.
        variants: the same data under another treatment.
        places: the single places.
        baseline, compared: a simpler method, and other networks, on the same data.
        radiometry: the same data with other numbers, the unchanged ones first.
        notes: sentences on the data set.
    """

    names: tuple[str, ...]
    subset: str
    place_count: int | None
    mean_dice: Share
    variants: tuple[Measures, ...]
    places: tuple[Measures, ...]
    baseline: Baseline
    compared: tuple[Difference, ...]
    radiometry: tuple[Measures, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class WindowBorder:
    """How labels change with what lies beyond the window, measured on `images` of `side` × `side` pixels.

    `changed` has a row a comparison: its name, and the share of labels that change farther than each of `distances`
    pixels from the border. `worst` is the largest share beyond the margin; `reached` says that it is small enough.
    """

    images: int | None
    side: int | None
    distances: tuple[int, ...]
    changed: tuple[tuple[str, tuple[float, ...]], ...]
    worst: float
    reached: bool


def sentences(spec: ModelSpec, key: str) -> tuple[str, ...]:
    """The list of sentences `lulc:limits`, `lulc:needs`, `lulc:making` or `lulc:other_programs`."""
    return _sentences(spec.extra.get(key))


def method(spec: ModelSpec, field: str, key: str) -> tuple[str, ...]:
    """The list of sentences `key` of an object: of `lulc:evaluation` how was scored, of `lulc:calibration` likewise."""
    return _sentences(_object(spec.extra.get(field)).get(key))


def name(spec: ModelSpec, key: str) -> str:
    """A short text such as `lulc:imagery`; empty when not given."""
    return _name(spec.extra.get(key))


def details(scores: Scores) -> Details:
    """What an entry of `lulc:accuracy` says beyond its scores."""
    read: Details = _read(Details, scores.extra)
    names = read.names if len(read.names) == len(scores.classes) else ()
    iou = read.baseline.iou if len(read.baseline.iou) == len(scores.classes) else ()
    return replace(read, names=names, baseline=replace(read.baseline, iou=iou))


def temperature(spec: ModelSpec) -> float | None:
    """What scores were divided by, of `lulc:calibration`."""
    return _number(_object(spec.extra.get("lulc:calibration")).get("temperature"), 0, 100)


def calibration_errors(spec: ModelSpec) -> tuple[tuple[str, float, float], ...]:
    """Data set, expected calibration error before and after, of `lulc:calibration`."""
    data = _object(spec.extra.get("lulc:calibration"))
    before, after = _object(data.get("expected_error_before")), _object(data.get("expected_error_after"))
    rows = [(_name(str(key)), _number(before[key]), _number(after.get(key))) for key in list(before)[:_MOST_ROWS]]
    return tuple((key, first, last) for key, first, last in rows if first is not None and last is not None)


def window_border(spec: ModelSpec) -> WindowBorder | None:
    """`lulc:window_border`; None when it is not given or not whole."""
    data = _object(spec.extra.get("lulc:window_border"))
    distances = [_count(value) for value in _list(data.get("distances"), _MOST_SETS)]
    known = tuple(value for value in distances if value is not None)
    changed = _object(data.get("changed"))
    rows = [(_name(str(key)), _shares(changed[key])) for key in list(changed)[:_MOST_ROWS]]
    whole = tuple((key, tuple(s for s in shares if s is not None)) for key, shares in rows)
    whole = tuple(row for row in whole if len(row[1]) == len(known))
    worst = _number(data.get("worst"))
    if not whole or worst is None or not known or len(known) != len(distances):
        return None
    images, side = _count(data.get("images")), _count(data.get("side"))
    return WindowBorder(images, side, known, whole, worst, data.get("reached") is True)


def parity(spec: ModelSpec) -> tuple[int, float, float] | None:
    """`lulc:parity`: how closely the file reproduces the trained network.

    Pixels that were compared, share of the same class, largest difference of a probability; None when not given.
    """
    data = _object(spec.extra.get("lulc:parity"))
    pixels, same, most = _count(data.get("pixels")), _number(data.get("same")), _number(data.get("probability"))
    return None if pixels is None or same is None or most is None else (pixels, same, most)


def picture(spec: ModelSpec) -> tuple[str, str] | None:
    """`lulc:picture`: a relative path with plain characters, and the caption; None when not given or another path."""
    data = _object(spec.extra.get("lulc:picture"))
    path = data.get("path")
    fitting = isinstance(path, str) and _PICTURE.match(path)
    return (str(path), " ".join(_sentences(data.get("caption")))) if fitting else None


def training_places(spec: ModelSpec) -> tuple[tuple[LonLat, ...], tuple[str, ...]]:
    """`lulc:training_places`: longitude and latitude of the places, and the names of the sets without any."""
    places: list[LonLat] = []
    unknown: list[str] = []
    for entry in map(_object, _list(spec.extra.get("lulc:training_places"), _MOST_SETS)):
        of_set = [(float(p[0]), float(p[1])) for p in _list(entry.get("places"), _MOST_PLACES) if _is_place(p)]
        places += of_set
        if entry and not of_set:
            unknown.append(_name(str(entry.get("set") or "a set without a name")))
    return tuple(places[:_MOST_PLACES]), tuple(unknown)


def _is_place(value: Any) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    return all(_number(degrees, -180, 180) is not None for degrees in value)


def _read(kind: Any, value: Any) -> Any:
    """The dataclass `kind` of an untrusted object: each attribute is the entry of its name, read as its type says."""
    data = _object(value)
    return kind(**{a.name: _READERS[str(a.type)](data.get(a.name)) for a in attributes(kind)})


def _rows(value: Any) -> tuple[Measures, ...]:
    return tuple(_read(Measures, row) for row in _list(value, _MOST_ROWS) if isinstance(row, Mapping))


def _differences(value: Any) -> tuple[Difference, ...]:
    rows = [_read(Difference, row) for row in _list(value, _MOST_SETS)]
    return tuple(row for row in rows if row.difference is not None)


def _sentences(value: Any) -> tuple[str, ...]:
    texts = [text for text in _list(value, _MOST_SENTENCES) if isinstance(text, str) and text.strip()]
    return tuple(_cut(text, _LONGEST) for text in texts)


def _name(value: Any) -> str:
    return _cut(value, _LONGEST_NAME) if isinstance(value, str) else ""


def _cut(text: str, longest: int) -> str:
    return plain_text(text if len(text) <= longest else f"{text[:longest]}…")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any, most: int) -> list[Any]:
    return value[:most] if isinstance(value, list) else []


def _shares(value: Any) -> tuple[Share, ...]:
    return tuple(map(_number, _list(value, _MOST_CLASSES)))


def _count(value: Any) -> int | None:
    number = _number(value, 0, 1e15)
    return None if number is None or not number.is_integer() else int(number)


def _number(value: Any, low: float = 0, high: float = 1) -> float | None:
    """`value` as a float if it is a number from `low` to `high`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if low <= value <= high else None


#: How an attribute is read, by its type as it stands above.
_READERS: dict[str, Callable[[Any], Any]] = {
    "str": _name,
    "int | None": _count,
    "Share": _number,
    "Signed": lambda value: _number(value, -1),
    "tuple[Share, ...]": _shares,
    "tuple[str, ...]": _sentences,
    "tuple[Measures, ...]": _rows,
    "tuple[Difference, ...]": _differences,
    "Difference": lambda value: _read(Difference, value),
    "Baseline": lambda value: _read(Baseline, value),
}
