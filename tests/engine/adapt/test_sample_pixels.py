# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples on a layer: classes, pixels, and everything that is left out with a word."""

import numpy as np
import pytest
from affine import Affine

from lulc_plugin.adapt.sample_pixels import (
    SamplePixels,
    classes_of_rows,
    legend_of_samples,
    pixels_of,
    thinned,
)
from lulc_plugin.assess import FeatureInput, ReferenceFeature
from lulc_plugin.errors import LulcError
from lulc_plugin.raster import GeoGrid

GRID = GeoGrid(None, Affine(10, 0, 0, 0, -10, 1000), (100, 100))


def points(*entries):
    features = [
        ReferenceFeature({"type": "Point", "coordinates": (x, y)}, label, str(i))
        for i, (x, y, label) in enumerate(entries)
    ]
    return FeatureInput(features, "points", "samples", "class")


def squares(*entries):
    features = []
    for i, (x, y, side, label) in enumerate(entries):
        ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]
        features.append(ReferenceFeature({"type": "Polygon", "coordinates": [ring]}, label, str(i)))
    return FeatureInput(features, "polygons", "samples", "class")


def on_grid(samples, most=500):
    _, labels = legend_of_samples(samples)
    return pixels_of(samples, labels, GRID, most, 0)


# ---------------------------------------------------------------- classes


def test_numbers_are_values_and_names_get_free_ones():
    legend, labels = legend_of_samples(points((1, 1, 7), (2, 2, "7.0"), (3, 3, "Água"), (4, 4, None)))
    assert [(c.value, c.name) for c in legend.classes] == [(7, "7"), (1, "Água")]
    assert labels == [0, 0, 1, -1]
    assert legend.nodata == 0 and [c.colour for c in legend.classes] == ["#E69F00", "#0072B2"]


def test_a_class_of_value_0_is_no_nodata():
    legend, _ = legend_of_samples(points((1, 1, 0), (2, 2, 1)))
    assert legend.values == (0, 1) and legend.nodata == 255


def test_names_and_colours_as_given():
    given = classes_of_rows([("2", "Forest", "#00aa00"), ("WATER", "Water", "#0000ff"), ("", "x", "#000000")])
    legend, _ = legend_of_samples(points((1, 1, 2), (2, 2, "water")), given)
    assert [(c.name, c.colour) for c in legend.classes] == [("Forest", "#00AA00"), ("Water", "#0000FF")]


def test_a_colour_that_is_none():
    with pytest.raises(LulcError, match="green"):
        classes_of_rows([("2", "Forest", "green")])


@pytest.mark.parametrize(
    ("labels", "number"),
    [([None, None], "None of the 2"), ([3, 3], "one class, 3"), (list(range(150)), "150"), ([-1, 2], "-1")],
)
def test_classes_that_cannot_be_told_apart(labels, number):
    with pytest.raises(LulcError, match=number):
        legend_of_samples(points(*((1, 1, label) for label in labels)))


# ---------------------------------------------------------------- pixels


def test_a_point_has_the_pixel_it_lies_in():
    pixels = on_grid(points((15, 995, "a"), (995, 5, "b")))
    assert pixels.rows.tolist() == [0, 99] and pixels.cols.tolist() == [1, 99] and pixels.labels.tolist() == [0, 1]


def test_what_is_left_out_is_counted():
    places = ((15, 995, "a"), (16, 996, "a"), (25, 995, "a"), (26, 996, "b"), (5000, 5, "b"), (35, 995, "b"))
    pixels = on_grid(points(*places, (1, 1, None)))
    assert len(pixels) == 2
    notes = " ".join(pixels.notes)
    assert "1 of 7 features have no class" in notes and "1 points lie outside" in notes
    assert "2 samples lie in a pixel of another" in notes and "1 pixels have samples of two classes" in notes


def test_polygons_have_the_pixels_whose_centres_they_hold():
    pixels = on_grid(squares((0, 970, 30, "a"), (500, 500, 20, "b")))
    assert np.bincount(pixels.labels).tolist() == [9, 4]
    assert pixels.features.tolist() == [0] * 9 + [1] * 4


def test_polygons_that_hold_no_pixel():
    pixels = on_grid(squares((0, 970, 30, "a"), (500, 500, 20, "b"), (701, 701, 2, "b"), (9000, 0, 10, "a")))
    notes = " ".join(pixels.notes)
    assert "1 polygons hold no pixel" in notes and "1 polygons lie outside" in notes


def test_nothing_on_the_layer():
    with pytest.raises(LulcError, match="None of the 2 points.*0, 0, 1000, 1000"):
        on_grid(points((-5, 1, "a"), (2000, 5, "b")))


def test_a_huge_polygon_is_thinned_early():
    pixels = on_grid(squares((0, 0, 1000, "a"), (0, 0, 10, "b")), most=50)
    assert len(pixels) <= 202
    # the early choice does not hide how many there were
    assert any(note.startswith("a: 50 of 10,000 pixels") for note in thinned(pixels, 50, 0, ["a", "b"]).notes)


def test_thinning_takes_all_features_alike():
    count = np.array([300, 20, 5])
    pixels = SamplePixels(np.arange(325), np.zeros(325, int), np.zeros(325, int), np.repeat(np.arange(3), count))
    kept = thinned(pixels, 30, 0, ["a"])
    assert np.bincount(kept.features).tolist() == [13, 12, 5]
    assert "30 of 325" in kept.notes[0]
