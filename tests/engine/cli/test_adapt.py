# SPDX-License-Identifier: GPL-3.0-or-later
"""Own classes at a shell: samples as people bring them, and what is said of those that cannot be used."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import transform

from lulc_plugin import cli

SIDE, PIXEL, LEFT, TOP = 96, 10, 500_000, 9_120_000
#: what each quarter of the image is
KINDS = np.array([[400, 2500], [1500, 3000]])


@pytest.fixture
def image(tmp_path):
    """Four fields in two bands; the last ten rows are without data."""
    random = np.random.default_rng(0)
    quarters = np.add.outer(np.arange(SIDE) // 24 % 2 * 2, np.arange(SIDE) // 24 % 2)
    values = np.stack([KINDS.ravel()[quarters], 4000 - KINDS.ravel()[quarters]]) + random.normal(0, 60, (2, SIDE, SIDE))
    values[:, -10:] = 0
    path = tmp_path / "image.tif"
    with rasterio.open(
        path, "w", "GTiff", SIDE, SIDE, 2, "EPSG:32725", Affine(PIXEL, 0, LEFT, 0, -PIXEL, TOP), "uint16", nodata=0
    ) as made:
        made.write(values.astype(np.uint16))
    return str(path)


def places(count=40, seed=1):
    """Rows and columns, and the quarter in which each lies."""
    rows, cols = np.random.default_rng(seed).integers(0, SIDE - 12, (2, count))
    return [(int(r), int(c), int(r // 24 % 2 * 2 + c // 24 % 2)) for r, c in zip(rows, cols)]


def write(path, features, crs="EPSG:32725"):
    """Features (geometry, class) as GeoJSON."""
    name = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{crs.replace(':', '::')}"}}
    made = [{"type": "Feature", "geometry": g, "properties": {"class": c}} for g, c in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": name, "features": made}), encoding="utf-8")
    return str(path)


def point(row, col):
    return {"type": "Point", "coordinates": [LEFT + (col + 0.5) * PIXEL, TOP - (row + 0.5) * PIXEL]}


def square(row, col, side):
    x0, y0, d = LEFT + col * PIXEL, TOP - row * PIXEL, side * PIXEL
    return {"type": "Polygon", "coordinates": [[[x0, y0], [x0 + d, y0], [x0 + d, y0 - d], [x0, y0 - d], [x0, y0]]]}


@pytest.fixture
def adapt(image, tmp_path, capsys):
    """`adapt(features, …)` → exit code, and all that was said."""

    def run(features, *more, crs="EPSG:32725"):
        samples = write(tmp_path / "samples.geojson", features, crs)
        command = ["adapt", image, samples, str(tmp_path / "own.onnx"), "--field", "class", "--network", "none"]
        code = cli.main([*command, "--smoothing", "none", *more])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def names(quarter):
    return ("Água", "Forêt", "Äcker", "місто")[quarter]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (lambda i, q: "one", "All features of samples.geojson are of one class, one in the field class"),
        (lambda i, q: f"{i}", "has 600 different values; 100 classes can be told apart"),
        (lambda i, q: None, "None of the 600 features of samples.geojson has a class in the field class"),
        (lambda i, q: -1 if i else 2, "-1 in the field class cannot be the value of a class"),
    ],
)
def test_classes_that_cannot_be(adapt, tmp_path, label, words):
    code, said = adapt([(point(r, c), label(i, q)) for i, (r, c, q) in enumerate(places(600))])
    assert code == 1 and words in said and "Traceback" not in said
    assert not (tmp_path / "own.onnx").exists()


def test_no_feature_at_all(adapt):
    code, said = adapt([])
    assert code == 1 and "samples.geojson has 0 features. Draw points or polygons" in said


def test_samples_that_do_not_count_are_counted(adapt):
    """40 that count, three outside, two on pixels without data, one without a class."""
    features = [(point(r, c), q) for r, c, q in places()]
    features += [(point(-5 - i, 3), 1) for i in range(3)] + [(point(SIDE - 3, i), 2) for i in range(2)]
    code, said = adapt([*features, (point(1, 1), None)])
    assert code == 0
    for words in ("3 points lie outside the layer", "2 samples lie on pixels without data", "1 of 46 features have no"):
        assert words in said, said


def test_a_class_in_one_block_is_told(adapt):
    features = [(point(r, c), "fields" if q else "water") for r, c, q in places()]
    features += [(square(60, 60, 2), "town")]
    code, said = adapt(features[40:] + [(square(r, c, 1), label) for (r, c, _), (_, label) in zip(places(), features)])
    assert code == 0 and "All samples of town lie in one block: their accuracy cannot be estimated" in said


def test_another_coordinate_system_and_accents(adapt, tmp_path):
    features = []
    for row, col, quarter in places():
        x, y = point(row, col)["coordinates"]
        (lon,), (lat,) = transform("EPSG:32725", "EPSG:4326", [x], [y])
        features.append(({"type": "Point", "coordinates": [lon, lat]}, names(quarter)))
    code, said = adapt(features, crs="EPSG:4326")
    assert code == 0 and all(names(quarter) in said for quarter in range(4))
    classes = json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))["properties"]["lulc:own_classes"]
    assert set(classes["samples"]) == {names(quarter) for quarter in range(4)} and sum(classes["samples"].values()) > 35


def test_numbers_as_text_are_values(adapt, tmp_path):
    code, _ = adapt([(point(r, c), f" {q + 5} " if r % 2 else f"{q + 5}.0") for r, c, q in places()])
    classes = json.loads((tmp_path / "own.json").read_text())["properties"]["mlm:output"][0]["classification:classes"]
    assert code == 0 and [c["value"] for c in classes] == [5, 6, 7, 8]


def test_many_pixels_of_polygons_are_thinned_and_it_is_said(adapt):
    features = [(square(0, 0, 24), "water"), (square(48, 0, 24), "water"), (square(0, 24, 24), "town")]
    code, said = adapt([*features, (square(48, 72, 24), "town")], "--max-pixels-per-class", "20")
    assert code == 0 and "water: 20 of 1,152 pixels are used (--max-pixels-per-class)" in said
    assert "town: 20 of 1,152 pixels" in said
