# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a description that only its card shows: limits, scores of places, calibration and the like.

They are untrusted and no network needs them to run. What is of a wrong kind or out of range is left out; texts and
lists are cut to a bearable length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ...model import ModelSpec, Scores
from ..plain_values import plain_text

#: Sentences in a list, rows of a table (places, changes of radiometry), classes.
MOST_SENTENCES, MOST_ROWS, MOST_CLASSES = 40, 200, 4096
_LONGEST, _LONGEST_NAME = 1500, 300
_MOST_COMPARED, _MOST_DISTANCES, _MOST_SETS, _MOST_PLACES = 20, 40, 100, 5_000
_PICTURE = re.compile(r"(?!/)[A-Za-z0-9._/-]{1,300}\.(?:jpg|png)\Z")

#: Share of 0..1 or None.
Share = Optional[float]
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
    kappa: Share
    macro_f1: Share
    miou: Share
    mean_dice: Share
    mostly: str
    baseline: Share


@dataclass(frozen=True)
class Difference:
    """Mean IoU of this network minus that of `other`; `low` and `high` bound its 95 % interval where it has one."""

    other: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Baseline:
    """A simpler method on the same data: its scores, IoU of each class, and how much better the network is.

    `surrounded` is the difference where reflected pixels lie around each chip.
    """

    name: str
    overall_accuracy: Share
    miou: Share
    iou: tuple[Share, ...]
    difference: Difference | None
    surrounded: Difference | None


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
    baseline: Baseline | None
    compared: tuple[Difference, ...]
    radiometry: tuple[Measures, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class WindowBorder:
    """How labels change with what lies beyond the window, measured on `images` of `side` × `side` pixels.

    `changed` has a row a comparison: its name, and the share of labels that change farther than each of `distances`
    pixels from the border. `worst` is the largest share beyond the margin; `reached` says that it is small enough.
    """

    images: int
    side: int | None
    distances: tuple[int, ...]
    changed: tuple[tuple[str, tuple[float, ...]], ...]
    worst: float
    reached: bool


@dataclass(frozen=True)
class Calibration:
    """Temperature of the scores, sentences on how it was found, and calibration errors: (data set, before, after)."""

    temperature: float | None
    method: tuple[str, ...]
    errors: tuple[tuple[str, float, float], ...]


def sentences(spec: ModelSpec, key: str) -> tuple[str, ...]:
    """The list of sentences `lulc:limits`, `lulc:needs`, `lulc:making` or `lulc:other_programs`."""
    return _sentences(spec.extra.get(key))


def method(spec: ModelSpec, key: str) -> tuple[str, ...]:
    """Sentences of `lulc:evaluation`: how was scored (`method`), `baseline`, `radiometry`."""
    return _sentences(_object(spec.extra.get("lulc:evaluation")).get(key))


def name(spec: ModelSpec, key: str) -> str:
    """A short text such as `lulc:imagery`; empty when not given."""
    return _name(spec.extra.get(key))


def details(scores: Scores) -> Details:
    """What an entry of `lulc:accuracy` says beyond its scores."""
    data = scores.extra
    names = data.get("names")
    fitting = isinstance(names, list) and len(names) == len(scores.classes) and all(isinstance(n, str) for n in names)
    return Details(
        names=tuple(map(_name, names)) if fitting and isinstance(names, list) else (),
        subset=_name(data.get("subset")),
        place_count=_count(data.get("place_count")),
        mean_dice=_number(data.get("mean_dice")),
        variants=_rows(data.get("variants")),
        places=_rows(data.get("places")),
        baseline=_baseline(data.get("baseline"), len(scores.classes)),
        compared=tuple(d for d in map(_difference, _entries(data.get("compared"), _MOST_COMPARED)) if d is not None),
        radiometry=_rows(data.get("radiometry")),
        notes=_sentences(data.get("notes")),
    )


def calibration(spec: ModelSpec) -> Calibration:
    """`lulc:calibration`."""
    data = _object(spec.extra.get("lulc:calibration"))
    before, after = _object(data.get("expected_error_before")), _object(data.get("expected_error_after"))
    errors = []
    for key, value in list(before.items())[:MOST_ROWS]:
        first, last = _number(value), _number(after.get(key))
        if first is not None and last is not None:
            errors.append((_name(str(key)), first, last))
    return Calibration(_number(data.get("temperature"), 0, 100), _sentences(data.get("method")), tuple(errors))


def window_border(spec: ModelSpec) -> WindowBorder | None:
    """`lulc:window_border`; None when it is not given or not whole."""
    data = _object(spec.extra.get("lulc:window_border"))
    distances, worst = data.get("distances"), _number(data.get("worst"))
    if not isinstance(distances, list) or not 0 < len(distances) <= _MOST_DISTANCES or worst is None:
        return None
    pixels = [_count(d) for d in distances]
    rows = []
    for key, values in list(_object(data.get("changed")).items())[:_MOST_COMPARED]:
        shares = [_number(v) for v in values] if isinstance(values, list) else []
        if len(shares) == len(pixels):
            rows.append((_name(str(key)), tuple(s for s in shares if s is not None)))
    rows = [row for row in rows if len(row[1]) == len(pixels)]
    images = _count(data.get("images"))
    if not rows or images is None or None in pixels:
        return None
    known = tuple(p for p in pixels if p is not None)
    return WindowBorder(images, _count(data.get("side")), known, tuple(rows), worst, data.get("reached") is True)


def parity(spec: ModelSpec) -> tuple[int, float, float] | None:
    """`lulc:parity`: pixels on which the file was compared with the trained network, share of the same class, and the
    largest difference of a probability; None when not given."""
    data = _object(spec.extra.get("lulc:parity"))
    pixels, same, most = _count(data.get("pixels")), _number(data.get("same")), _number(data.get("probability"))
    return None if pixels is None or same is None or most is None else (pixels, same, most)


def picture(spec: ModelSpec) -> tuple[str, str] | None:
    """`lulc:picture`: a relative path with plain characters, and the caption; None when not given or another path."""
    data = _object(spec.extra.get("lulc:picture"))
    path = data.get("path")
    if not isinstance(path, str) or not _PICTURE.match(path):
        return None
    return path, " ".join(_sentences(data.get("caption")))


def training_places(spec: ModelSpec) -> tuple[tuple[LonLat, ...], tuple[str, ...]]:
    """`lulc:training_places`: longitude and latitude of the places, and the names of the sets without any."""
    places: list[LonLat] = []
    unknown: list[str] = []
    for entry in _entries(spec.extra.get("lulc:training_places"), _MOST_SETS):
        given = entry.get("places")
        of_set = [(float(p[0]), float(p[1])) for p in given if _is_place(p)] if isinstance(given, list) else []
        places += of_set
        if not of_set:
            unknown.append(_name(str(entry.get("set") or "a set without a name")))
    return tuple(places[:_MOST_PLACES]), tuple(unknown)


def _is_place(value: Any) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return False
    return all(_number(degrees, -180, 180) is not None for degrees in value)


def _rows(value: Any) -> tuple[Measures, ...]:
    return tuple(
        Measures(
            name=_name(entry.get("name")) or "without a name",
            places=_count(entry.get("places")),
            pixels=_count(entry.get("pixels")),
            overall_accuracy=_number(entry.get("overall_accuracy")),
            kappa=_number(entry.get("kappa"), -1),
            macro_f1=_number(entry.get("macro_f1")),
            miou=_number(entry.get("miou")),
            mean_dice=_number(entry.get("mean_dice")),
            mostly=_name(entry.get("mostly")),
            baseline=_number(entry.get("baseline")),
        )
        for entry in _entries(value, MOST_ROWS)
    )


def _baseline(value: Any, classes: int) -> Baseline | None:
    data = _object(value)
    if not data:
        return None
    iou = data.get("iou")
    fitting = isinstance(iou, list) and len(iou) == classes
    return Baseline(
        name=_name(data.get("name")) or "baseline",
        overall_accuracy=_number(data.get("overall_accuracy")),
        miou=_number(data.get("miou")),
        iou=tuple(map(_number, iou)) if fitting and isinstance(iou, list) else (),
        difference=_difference(_object(data.get("difference"))),
        surrounded=_difference(_object(data.get("surrounded"))),
    )


def _difference(entry: Mapping[str, Any]) -> Difference | None:
    value = _number(entry.get("difference"), -1)
    if value is None:
        return None
    low, high = _number(entry.get("low"), -1), _number(entry.get("high"), -1)
    return Difference(_name(entry.get("name")), value, *((low, high) if None not in (low, high) else (None, None)))


def _sentences(value: Any) -> tuple[str, ...]:
    given = [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
    return tuple(_cut(text, _LONGEST) for text in given[:MOST_SENTENCES] if text.strip())


def _name(value: Any) -> str:
    return _cut(value, _LONGEST_NAME) if isinstance(value, str) else ""


def _cut(text: str, longest: int) -> str:
    return plain_text(text if len(text) <= longest else f"{text[:longest]}…")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _entries(value: Any, most: int) -> list[Mapping[str, Any]]:
    return [entry for entry in value[:most] if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    number = _number(value, 0, 1e15)
    return None if number is None or not number.is_integer() else int(number)


def _number(value: Any, low: float = 0, high: float = 1) -> float | None:
    """`value` as a float if it is a number from `low` to `high`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if low <= value <= high else None
