# SPDX-License-Identifier: GPL-3.0-or-later
"""Two maps and one reference, from layers to differences. The formulas: test_accuracy_examples.py, test_pairing.py."""

import numpy as np
import pytest
from rasterio.transform import from_origin

from lulc_plugin.assess import AssessJob, FeatureInput, Options, Outputs, RasterInput, ReferenceFeature, assess, compare
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import open_dataset
from lulc_plugin.report.accuracy import mcnemar_note

A = np.repeat(np.array([[1] * 8 + [2] * 2], np.uint8), 10, axis=0)
B = np.repeat(np.array([[1] * 6 + [2] * 4], np.uint8), 10, axis=0)


@pytest.fixture
def make(tmp_path):
    def write(values, name, nodata=0, pixel=10, crs="EPSG:32633", origin=(500000, 5000000)):
        path = tmp_path / name
        with open_dataset(path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
                          dtype=values.dtype, crs=crs, transform=from_origin(*origin, pixel, pixel),
                          nodata=nodata) as made:  # fmt: skip
            made.write(values, 1)
        return RasterInput(str(path))

    return write


def points(table):
    features = [
        ReferenceFeature(
            {"type": "Point", "coordinates": (500005 + 10 * col, 4999995 - 10 * row)}, label, str(i), *more
        )
        for i, (row, col, label, *more) in enumerate(table)
    ]
    return FeatureInput(features, "points", "points", "ref_class")


def run(make, reference=None, features=None, b=B, **options):
    job = AssessJob((make(A, "a.tif"), make(b, "b.tif")), reference, features, Options(**options), Outputs())
    return compare(job, Progress())


SAMPLE = [(r, c, 1 if c < 8 else 2) for r in range(10) for c in (1, 4, 6, 7, 9)]


def test_a_simple_sample(make):
    """Map A is right everywhere; map B is wrong in columns 6 and 7."""
    result = run(make, features=points(SAMPLE), design="simple")
    assert (result.both, result.only_a, result.only_b, result.neither) == (30, 20, 0, 0)
    assert result.overall.difference == pytest.approx(0.4)
    n = 50
    variance = ((20 + 0) - 20**2 / n) / (n * (n - 1)) * (1 - n / 100)  # half of the map is in the sample
    assert result.overall.se == pytest.approx(np.sqrt(variance))
    assert result.mcnemar.reported == "exact" and result.mcnemar.p_exact == pytest.approx(2 * 0.5**20)
    assert result.a.counts.tolist() == [[40, 0], [0, 10]]
    assert result.b.counts.tolist() == [[20, 0], [20, 10]]
    assert result.users[1].a == 1 and result.users[1].b == pytest.approx(1 / 3)


def test_a_stratified_sample_has_no_mcnemar(make):
    table = [(r, c, label, 1 if c < 8 else 2, 80 if c < 8 else 20) for r, c, label in SAMPLE]
    result = run(make, features=points(table))
    assert result.mcnemar is None and "stratified" in mcnemar_note(result)
    assert result.overall.difference == pytest.approx(0.8 * 0.5)
    assert result.overall.low is not None


def test_a_census_has_no_error(make):
    truth = np.repeat(np.array([[1] * 7 + [2] * 3], np.uint8), 10, axis=0)
    result = run(make, make(truth, "r.tif"))
    assert (result.both, result.only_a, result.only_b, result.neither) == (80, 10, 10, 0)
    assert result.overall.difference == 0 and result.overall.se is None
    assert result.mcnemar is None and "complete comparison" in mcnemar_note(result)


def test_only_units_on_both_maps_count(make):
    b = B.copy()
    b[0] = 0
    result = run(make, features=points(SAMPLE), b=b, design="simple")
    assert result.context.compared == 45
    assert ("outside the second map or on its nodata", 5) in result.context.excluded
    truth = np.repeat(np.array([[1] * 7 + [2] * 3], np.uint8), 10, axis=0)
    assert run(make, make(truth, "r.tif"), b=b, design="simple").context.compared == 90


def test_the_second_map_may_have_another_grid(make):
    coarse = B[::2, ::2]
    maps = (make(A, "a.tif"), make(coarse, "b.tif", pixel=20))
    job = AssessJob(maps, None, points(SAMPLE), Options(design="simple"), Outputs())
    assert compare(job, Progress()).only_a == 20
    truth = make(A, "r.tif")
    job = AssessJob(maps, truth, None, Options(), Outputs())
    result = compare(job, Progress())
    assert (result.both, result.only_a) == (80, 20)
    assert [layer.cell for layer in result.context.alignment if layer.how == "other cells"] == ["20 × 20 m"]


def test_a_class_of_the_second_map_only(make):
    b = B.copy()
    b[:, 0] = 7
    result = run(make, features=points(SAMPLE), b=b, design="simple")
    assert [c.value for c in result.classes] == [1, 2]  # no point lies there
    result = run(make, make(A, "r.tif"), b=b)
    assert [c.value for c in result.classes] == [1, 2, 7]
    assert all(c.known for c in result.classes)


@pytest.mark.parametrize("weighting", ["area", ""])
def test_points_drawn_by_area_are_judged_against_the_areas(make, weighting):
    """The northern class has half of the pixels and a third of the area, and a third of the points."""
    values = np.repeat(np.array([[1], [2]], np.uint8), 20, axis=0).repeat(10, axis=1)
    maps = tuple(make(values, name, pixel=2, crs="EPSG:4326", origin=(0, 80)) for name in ("a.tif", "b.tif"))
    rows = np.r_[np.arange(70) % 20, 20 + np.arange(130) % 20]
    features = [
        ReferenceFeature({"type": "Point", "coordinates": (2 * (i % 10) + 1, 79 - 2 * int(row))}, int(1 + (row >= 20)),
                         str(i), weighting=weighting)
        for i, row in enumerate(rows)
    ]  # fmt: skip
    layer = FeatureInput(features, "points", "points", "ref_class")
    options = Options(design="simple")
    for result in (
        assess(AssessJob(maps[:1], None, layer, options), Progress()),
        compare(AssessJob(maps, None, layer, options), Progress()),
    ):
        # points drawn pixel by pixel count with the area of their pixel, and are judged against areas, too
        assert not any("not spread" in warning for warning in result.context.warnings)


def test_a_sample_that_is_not_spread_like_the_map_is_told(make):
    lopsided = [(r % 10, 9, 2) for r in range(40)] + [(r, c, 1) for r in range(10) for c in range(4)]
    assert any("not spread" in w for w in run(make, features=points(lopsided), design="simple").context.warnings)


@pytest.mark.parametrize(("maps", "function"), [(1, compare), (2, assess)])
def test_the_number_of_maps(make, maps, function):
    layers = (make(A, "a.tif"), make(B, "b.tif"))[:maps]
    with pytest.raises(LulcError):
        function(AssessJob(layers, make(A, "r.tif")), Progress())
    with pytest.raises(LulcError, match="There are 3 maps"):
        AssessJob((layers[0],) * 3, layers[0])


def test_poststratify_is_refused(make):
    with pytest.raises(LulcError, match="poststratify"):
        run(make, features=points(SAMPLE), design="simple", poststratify=True)


def test_polygons_are_compared_between_polygons(make):
    """Twelve polygons of four pixels; map B is wrong in columns 6 and 7."""
    features = []
    for i, (row, col) in enumerate((r, c) for r in range(0, 6, 2) for c in (0, 2, 6, 8)):
        x, y = 500000 + 10 * col, 5000000 - 10 * row
        ring = [(x, y), (x + 20, y), (x + 20, y - 20), (x, y - 20), (x, y)]
        features.append(ReferenceFeature({"type": "Polygon", "coordinates": [ring]}, 1 if col < 8 else 2, str(i)))
    layer = FeatureInput(features, "polygons", "polygons", "c")
    result = run(make, features=layer, design="polygons")
    assert result.overall.difference == pytest.approx(0.25)
    assert result.overall.se == pytest.approx(np.sqrt(0.25 * 0.75 / 11))  # of 12 polygons, 3 differ
    assert result.mcnemar is None and "not independent" in mcnemar_note(result)
    assert run(make, features=layer).overall.se is None
