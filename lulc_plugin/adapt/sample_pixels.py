# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples on a layer: points and polygons become pixels with a class, and groups that validation keeps together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import rasterio.features

from ..assess import FeatureInput, ReferenceFeature, key_of, single_points
from ..errors import LulcError
from ..legend import LONGEST_NAME, Legend, LegendClass
from ..options import option
from ..raster import BoolArray, GeoGrid, PixelRegion
from .class_colours import colours_of
from .linear import Ints

#: Own classes at most: more are not told apart by a few samples each, and a field of ids is no field of classes.
MOST_CLASSES = 100
_SHOWN = 10
_POLYGON_BLOCK = 4_000_000


@dataclass(frozen=True)
class ClassStyle:
    """What the user calls a class: its value or name in the field of the samples, name and colour in the map."""

    key: int | str
    name: str
    colour: str


def classes_of_rows(rows: Sequence[Sequence[str]]) -> tuple[ClassStyle, ...]:
    """Rows of value or name, name, and colour as #RRGGBB; rows without a key are left out.

    Raises:
        LulcError: a name or colour that cannot be used.
    """
    styles = []
    for key, name, colour in rows:
        known = key_of(key)
        if known is not None:
            # a class checks its name and colour
            checked = LegendClass(1, name.strip() or str(known), colour.strip())
            styles.append(ClassStyle(known, checked.name, checked.colour.upper()))
    return tuple(styles)


@dataclass(frozen=True)
class SamplePixels:
    """Pixels with a class, each once.

    Attributes:
        rows, cols: of the layer, `(n,)`.
        labels: index of the class, `(n,)`.
        features: index of the point or polygon that it is from, `(n,)`.
        notes: what was left out and why, sentences.
        early: of each class, the pixels that there were before the first choice among them; empty without one.
    """

    rows: Ints
    cols: Ints
    labels: Ints
    features: Ints
    notes: tuple[str, ...] = ()
    early: tuple[int, ...] = ()

    def part(self, which: BoolArray | Ints, *notes: str) -> SamplePixels:
        """Some of the pixels, with further notes."""
        return SamplePixels(
            self.rows[which],
            self.cols[which],
            self.labels[which],
            self.features[which],
            (*self.notes, *notes),
            self.early,
        )

    def __len__(self) -> int:
        return len(self.rows)


def legend_of_samples(samples: FeatureInput, colours: Sequence[ClassStyle] = ()) -> tuple[Legend, list[int]]:
    """The classes of the samples, and the index of the class of each feature; −1 for one without a class.

    Args:
        samples: points or polygons.
        colours: names and colours that the user has given to values or names.

    Raises:
        LulcError: no class or only one, too many, or values that a map cannot hold.
    """
    keys = [key_of(feature.label) for feature in samples.features]
    known = sorted({key for key in keys if key is not None}, key=lambda key: (isinstance(key, str), key))
    if not known:
        raise LulcError(
            f"None of the {len(keys):,} features of {samples.name} has a class in the field {samples.field}.",
            f"Give the field with the classes in {option('field')}; with a selection, only selected features count.",
        )
    if len(known) == 1:
        raise LulcError(
            f"All features of {samples.name} are of one class, {known[0]} in the field {samples.field}.",
            "Digitise at least two classes.",
        )
    if len(known) > MOST_CLASSES:
        raise LulcError(
            f"The field {samples.field} of {samples.name} has {len(known):,} different values; {MOST_CLASSES} classes"
            " can be told apart at most.",
            f"Is it a field of ids or measurements? Give that of the classes in {option('field')}.",
        )
    numbers = [key for key in known if isinstance(key, int)]
    wrong = [number for number in numbers if not 0 <= number <= 65535]
    if wrong:
        raise LulcError(
            f"{wrong[0]} in the field {samples.field} cannot be the value of a class; values are 0 to 65535.",
            "Does it mean 'not labelled yet'? Leave these features out of the selection, or empty the field.",
        )
    classes = _classes(known, colours)
    places = {key: place for place, key in enumerate(known)}
    return Legend.of(classes), [-1 if key is None else places[key] for key in keys]


def _classes(keys: Sequence[int | str], styles: Sequence[ClassStyle]) -> list[LegendClass]:
    """A class for each key: name and colour as given, else the key and a colour of the palette."""
    by_key = {_folded(style.key): style for style in styles}
    given = [by_key.get(_folded(key)) for key in keys]
    taken = {key for key in keys if isinstance(key, int)}
    free = (value for value in range(1, 65536) if value not in taken)
    used = {style.colour for style in given if style is not None}
    colours = iter(colours_of([str(key) for key, style in zip(keys, given) if style is None], used))
    return [
        LegendClass(
            key if isinstance(key, int) else next(free),
            str(key)[:LONGEST_NAME] if style is None else style.name,
            next(colours) if style is None else style.colour,
        )
        for key, style in zip(keys, given)
    ]


def _folded(key: int | str) -> int | str:
    return key.casefold() if isinstance(key, str) else key


def pixels_of(samples: FeatureInput, labels: Sequence[int], grid: GeoGrid, most: int, seed: int) -> SamplePixels:
    """The pixels that samples lie on.

    A point has the pixel it lies in, a polygon all whose centres lie in it; a pixel of two classes has none.

    Args:
        samples: points or polygons in the layer's coordinate system.
        labels: index of the class of each feature, −1 without a class.
        grid: of the layer.
        most: pixels of a class at most; of more a random part is taken, evenly over the polygons.
        seed: of that choice.

    Raises:
        LulcError: no sample lies on the layer.
    """
    notes = []
    without = sum(label < 0 for label in labels)
    if without:
        notes.append(f"{without:,} of {len(labels):,} features have no class in the field {samples.field}: left out.")
    by_id = {id(feature): place for place, feature in enumerate(samples.features)}
    if samples.kind == "points":
        pixels = _of_points(samples, labels, grid, by_id, notes)
    else:
        pixels = _of_polygons(samples, labels, grid, most, seed, notes)
    if not len(pixels):
        what = "points" if samples.kind == "points" else "polygons"
        raise LulcError(
            f"None of the {len(labels):,} {what} of {samples.name} lies on the layer; the layer covers"
            f" {_numbers(grid.extent)}.",
            "Check the coordinate systems of both, and the selection.",
        )
    return _each_once(pixels, grid.width)


def _of_points(
    samples: FeatureInput, labels: Sequence[int], grid: GeoGrid, by_id: dict[int, int], notes: list[str]
) -> SamplePixels:
    points, xs, ys = single_points(samples.features)
    rows, cols = grid.pixels(xs, ys)
    feature = np.array([by_id[id(point)] for point in points], np.int64)
    label = np.array(labels, np.int64)[feature] if len(feature) else feature
    known = label >= 0
    inside = rows >= 0
    outside = int(np.count_nonzero(known & ~inside))
    if outside:
        notes.append(f"{outside:,} points lie outside the layer: left out.")
    use = known & inside
    return SamplePixels(rows[use], cols[use], label[use], feature[use], tuple(notes))


def _of_polygons(
    samples: FeatureInput, labels: Sequence[int], grid: GeoGrid, most: int, seed: int, notes: list[str]
) -> SamplePixels:
    generator = np.random.default_rng(seed)
    polygons_of = np.bincount([label for label in labels if label >= 0])
    parts: list[tuple[Ints, Ints, int, int]] = []
    outside = small = 0
    held = np.zeros(len(polygons_of), np.int64)
    for place, (feature, label) in enumerate(zip(samples.features, labels)):
        if label < 0:
            continue
        rows, cols, touches = _inside(feature, grid)
        held[label] += len(rows)
        if not touches:
            outside += 1
        elif not len(rows):
            small += 1
        # an even share of a class for each polygon, and some more, as others may be smaller
        share = max(1, math.ceil(4 * most / int(polygons_of[label])))
        if len(rows) > share:
            chosen = np.sort(generator.choice(len(rows), share, replace=False))
            rows, cols = rows[chosen], cols[chosen]
        parts.append((rows, cols, label, place))
    if outside:
        notes.append(f"{outside:,} polygons lie outside the layer: left out.")
    if small:
        notes.append(f"{small:,} polygons hold no pixel's centre: left out. Draw them larger.")
    if not parts:
        none = np.zeros(0, np.int64)
        return SamplePixels(none, none, none, none, tuple(notes))
    return SamplePixels(
        np.concatenate([rows for rows, *_ in parts]),
        np.concatenate([cols for _, cols, *_ in parts]),
        np.concatenate([np.full(len(rows), label) for rows, _, label, _ in parts]),
        np.concatenate([np.full(len(rows), place) for rows, *_, place in parts]),
        tuple(notes),
        tuple(held.tolist()),
    )


def _inside(feature: ReferenceFeature, grid: GeoGrid) -> tuple[Ints, Ints, bool]:
    """Rows and columns of the pixels whose centres lie in a polygon, and whether it meets the layer at all."""
    xmin, ymin, xmax, ymax = rasterio.features.bounds(feature.geometry)
    region = grid.region_of((xmin, ymin, xmax, ymax))
    if region.height <= 0 or region.width <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), False
    rows, cols = [], []
    at_once = max(1, _POLYGON_BLOCK // region.width)
    for top in range(region.row0, region.row1, at_once):
        part = PixelRegion(top, min(top + at_once, region.row1), region.col0, region.col1)
        burnt = rasterio.features.rasterize(
            [(feature.geometry, 1)], (part.height, part.width), transform=grid.transform_of(part), dtype="uint8"
        )
        row, col = np.nonzero(burnt)
        rows.append(row + part.row0)
        cols.append(col + part.col0)
    return np.concatenate(rows), np.concatenate(cols), True


def _each_once(pixels: SamplePixels, width: int) -> SamplePixels:
    """Every pixel once; those with two classes are left out."""
    place = pixels.rows * width + pixels.cols
    _, first, back = np.unique(place, return_index=True, return_inverse=True)
    back = back.reshape(-1)
    lowest = np.full(len(first), np.iinfo(np.int64).max)
    highest = np.full(len(first), -1)
    np.minimum.at(lowest, back, pixels.labels)
    np.maximum.at(highest, back, pixels.labels)
    clear = lowest == highest
    notes = []
    twice = len(place) - len(first)
    if twice:
        notes.append(f"{twice:,} samples lie in a pixel of another one: each pixel counts once.")
    if not clear.all():
        notes.append(
            f"{np.count_nonzero(~clear):,} pixels have samples of two classes: left out. Are polygons drawn over each"
            " other?"
        )
    return pixels.part(np.sort(first[clear]), *notes)


def thinned(pixels: SamplePixels, most: int, seed: int, names: Sequence[str]) -> SamplePixels:
    """At most `most` pixels of each class, the same number of each feature where that can be."""
    generator = np.random.default_rng(seed)
    chosen = []
    notes = []
    for label, name in enumerate(names):
        mine = np.flatnonzero(pixels.labels == label)
        if len(mine) > most:
            mine = mine[generator.permutation(len(mine))]
            # the first pixel of each feature, then the second of each, and so on
            turn = np.empty(len(mine), np.int64)
            for feature in np.unique(pixels.features[mine]):
                of_feature = pixels.features[mine] == feature
                turn[of_feature] = np.arange(np.count_nonzero(of_feature))
            whole = max(len(mine), pixels.early[label] if pixels.early else 0)
            notes.append(f"{name}: {most:,} of {whole:,} pixels are used ({option('most_pixels')}).")
            mine = mine[np.argsort(turn, kind="stable")[:most]]
        chosen.append(mine)
    return pixels.part(np.sort(np.concatenate(chosen)), *notes)


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.10g}" for value in values)
