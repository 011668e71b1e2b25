# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the points lie: random, reproducible, in their stratum, apart; and what is refused."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from affine import Affine
from scipy import stats

from lulc_plugin.assess import RasterInput, SampleJob, draw
from lulc_plugin.assess.overlay import BLOCK_PIXELS
from lulc_plugin.assess.sample import random_order
from lulc_plugin.assess.sample.separation import Spacing
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.legend import LegendClass
from lulc_plugin.progress import Progress

#: (class, row, column) of six points
KNOWN = [(2, 23, 6), (1, 9, 9), (2, 27, 29), (1, 3, 11), (1, 19, 29), (2, 21, 0)]
DEGREES = Affine(0.05, 0, -46, 0, -0.05, 70)


@pytest.fixture
def class_map(raster):
    """`class_map(values, …)` writes a band of classes whose nodata value is 0."""

    def write(values, name="map.tif", **options):
        options.setdefault("nodata", 0)
        options.setdefault("names", None)
        return RasterInput(raster(name, np.asarray(values)[None], **options))

    return write


@pytest.fixture
def patches(class_map):
    """A map of four classes and some pixels without a class: 8, 5, 37 and 50 % of 90,000 pixels."""
    values = np.random.default_rng(5).choice([1, 2, 4, 7], p=[0.08, 0.05, 0.37, 0.5], size=(300, 300)).astype(np.uint8)
    values[:7] = 0
    return class_map(values), values


def drawn(layer, progress=None, block=BLOCK_PIXELS, **options):
    options.setdefault("seed", 1)
    return draw(SampleJob(layer, **options), progress or Progress(), block)


def places(sample):
    return list(zip(sample.row.tolist(), sample.col.tolist()))


# ---------------------------------------------------------------- what a point says


def test_points_carry_their_stratum(patches):
    layer, values = patches
    sample = drawn(layer, size=400)
    sizes = Counter(values[values > 0].tolist())
    taken = Counter(sample.map_class.tolist())
    assert len(sample.x) == 400 == len(set(places(sample)))
    assert np.array_equal(values[sample.row, sample.col], sample.map_class)
    assert np.array_equal(sample.stratum, sample.map_class)
    for value, pixels, hectares, weight in zip(sample.stratum, sample.stratum_px, sample.stratum_ha, sample.weight):
        assert pixels == sizes[value]
        assert hectares == pytest.approx(pixels * 0.09)  # 30 m
        assert weight == pytest.approx(sizes[value] / taken[value])
    assert sample.weight.sum() == pytest.approx(sum(sizes.values()))
    assert sample.weighting == "pixel"
    assert [(s.value, s.pixels, s.points) for s in sample.strata] == [(v, sizes[v], taken[v]) for v in (1, 2, 4, 7)]
    assert np.allclose(sample.x, 500_000 + 30 * (sample.col + 0.5), rtol=0, atol=1e-6)
    assert np.allclose(sample.y, 9_120_000 - 30 * (sample.row + 0.5), rtol=0, atol=1e-6)


def test_rotated_map(class_map):
    transform = Affine(20, 5, 500_000, 5, -20, 9_120_000)
    values = np.random.default_rng(0).integers(1, 4, (60, 70)).astype(np.uint8)
    sample = drawn(class_map(values, transform=transform), size=60)
    back = ~transform
    col, row = back.a * sample.x + back.b * sample.y + back.c, back.d * sample.x + back.e * sample.y + back.f
    assert np.allclose(col - sample.col, 0.5) and np.allclose(row - sample.row, 0.5)
    assert np.array_equal(values[sample.row, sample.col], sample.map_class)


def test_names_come_from_the_legend(class_map):
    values = np.repeat(np.array([1, 2, 9], np.uint8), 400).reshape(30, 40)
    layer = class_map(values)
    names = {1: "Water", 2: "Forest", 3: "Ice"}
    classes = tuple(LegendClass(value, name, "#0000FF") for value, name in names.items())
    sample = drawn(RasterInput(layer.path, classes=classes), size=60)
    assert {name for name, value in zip(sample.map_name, sample.map_class) if value == 2} == {"Forest"}
    assert {name for name, value in zip(sample.map_name, sample.map_class) if value == 9} == {"9"}
    # ice is not on the map, but may be on the ground
    assert sample.legend == ((1, "Water"), (2, "Forest"), (3, "Ice"), (9, "9"))
    assert any("Value 9 (33.3 % of the map)" in w and "has no name" in w for w in sample.warnings)


def test_without_pixel_size(class_map):
    values = np.random.default_rng(0).integers(1, 4, (60, 70)).astype(np.uint8)
    sample = drawn(class_map(values, crs=None), size=60)
    assert sample.stratum_ha is None and sample.crs is None and sample.weighting == "pixel"
    assert all(s.hectares is None for s in sample.strata)


def test_size_from_the_half_width(patches):
    layer, values = patches
    sample = drawn(layer, half_width=0.02, level=0.9, expected_users=(0.6, 0.7, 0.8, 0.9), allocation="neyman")
    w = np.bincount(values[values > 0], minlength=8)[[1, 2, 4, 7]].astype(float)
    population, w = w.sum(), w / w.sum()
    s = np.sqrt(np.array([0.6, 0.7, 0.8, 0.9]) * np.array([0.4, 0.3, 0.2, 0.1]))
    target = 0.02 / stats.norm.ppf(0.95)
    n = (w @ s) ** 2 / (target**2 + (w @ s**2) / population)
    assert sample.unrounded == pytest.approx(n, rel=1e-9)
    assert len(sample.x) == math.ceil(n)
    assert sample.half_width == pytest.approx(0.02, rel=0.03)
    points = np.array([stratum.points for stratum in sample.strata])
    assert sample.se_overall == pytest.approx(math.sqrt(np.sum((w * s) ** 2 / points)), rel=1e-12)
    assert [q.se_users for q in sample.strata] == pytest.approx(list(s / np.sqrt(points)), rel=1e-12)


def test_other_allocations_say_that_the_interval_is_wider(patches):
    sample = drawn(patches[0], half_width=0.03, allocation="equal")
    assert sample.half_width > 0.031
    assert any("more than the 0.03 asked for" in note for note in sample.notes)


def test_all_pixels_of_a_small_stratum_are_taken(class_map):
    values = np.full((100, 100), 2, np.uint8)
    values[40, 10:17] = 1
    values[3, 3] = 3
    sample = drawn(class_map(values), size=100, allocation="equal")
    assert {p for p, v in zip(places(sample), sample.map_class) if v == 1} == {(40, c) for c in range(10, 17)}
    assert [s.points for s in sample.strata] == [7, 92, 1]
    assert any("All pixels" in w for w in sample.warnings)


# ---------------------------------------------------------------- chance


def test_same_seed_same_points(patches):
    first, again, other = (drawn(patches[0], size=300, seed=s) for s in (8, 8, 9))
    assert places(first) == places(again) and np.array_equal(first.map_class, again.map_class)
    assert len(set(places(first)) & set(places(other))) < 20


def test_a_known_sample(class_map):
    """Pinned: a sample that was published with its seed must come back from later versions, on any machine."""
    values = (np.arange(40)[:, None] // 20 + np.zeros(30, int) + 1).astype(np.uint8)
    sample = drawn(class_map(values), size=6, seed=42, allocation="equal")
    assert list(zip(sample.map_class.tolist(), *map(np.ndarray.tolist, (sample.row, sample.col)))) == KNOWN


def test_a_new_seed_each_time_unless_given(patches):
    first, other = (drawn(patches[0], size=60, seed=None) for _ in range(2))
    assert first.seed != other.seed
    assert places(drawn(patches[0], size=60, seed=first.seed)) == places(first)


def test_file_layout_and_blocks_do_not_matter(patches, class_map, monkeypatch):
    """Tiled or striped file, small or large pieces: the same points."""
    layer, values = patches
    first = drawn(layer, size=300)
    tiled = class_map(values, "tiled.tif", tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    monkeypatch.setattr(random_order, "_PIXELS_AT_A_TIME", 70 * 3)
    assert places(drawn(tiled, size=300, block=70 * 10)) == places(first)


def test_more_candidates_do_not_change_the_sample(patches, monkeypatch):
    """Where a first pass finds too few, the second finds the same points and more."""
    layer, _ = patches
    first = drawn(layer, size=300)
    monkeypatch.setattr(random_order, "_number_limit", lambda wanted, size: wanted / size / 8)
    assert places(drawn(layer, size=300)) == places(first)


def test_every_pixel_of_a_stratum_has_the_same_chance(class_map):
    values = np.ones((12, 11), np.uint8)
    values[:, 3] = 2
    values[5:7] = 0
    layer = class_map(values)
    seeds, n = 600, 20
    hits = np.zeros(values.shape)
    for seed in range(seeds):
        sample = drawn(layer, size=n + 2, allocation="proportional", seed=seed)
        np.add.at(hits, (sample.row, sample.col), 1)
    assert hits[values == 0].sum() == 0
    for value in (1, 2):
        own = hits[values == value]
        expected = own.mean()
        share = expected / seeds
        # drawn without replacement: the counts vary less than those of a multinomial sample, by (1 − n/N)
        x2 = ((own - expected) ** 2 / expected).sum() / (1 - share) * (own.size - 1) / own.size
        assert 0.001 < stats.chi2.sf(x2, own.size - 1) < 0.999, (value, x2)


def test_neighbours_are_drawn_independently(class_map):
    """Of two neighbouring pixels both are as often in the sample as of two distant ones."""
    layer = class_map(np.ones((20, 20), np.uint8))
    n, size, seeds = 40, 400, 400
    beside = below = 0
    for seed in range(seeds):
        mask = np.zeros((20, 20), bool)
        sample = drawn(layer, size=n, seed=seed)
        mask[sample.row, sample.col] = True
        beside += int((mask[:, 1:] & mask[:, :-1]).sum())
        below += int((mask[1:] & mask[:-1]).sum())
    expected = 380 * n * (n - 1) / (size * (size - 1))
    for pairs in (beside, below):
        assert abs(pairs / seeds - expected) < 4 * math.sqrt(expected / seeds)


def test_degrees_draw_by_area(class_map):
    """A map from 70° to 10° N: rows near the equator get points in proportion to their pixels' area."""
    values = np.ones((1200, 40), np.uint8)
    values[:, 30:] = 2
    layer = class_map(values, crs="EPSG:4326", transform=DEGREES)
    sample = drawn(layer, size=4000, allocation="proportional")
    assert sample.weighting == "area"
    latitude = np.radians(70 - 0.05 * (np.arange(1200) + 0.5))
    e2 = 0.0066943799901413165
    area = np.cos(latitude) / (1 - e2 * np.sin(latitude) ** 2) ** 2
    for value, columns in ((1, 30), (2, 10)):
        rows = sample.row[sample.map_class == value]
        found = np.histogram(rows, bins=12, range=(0, 1200))[0]
        expected = area.reshape(12, 100).sum(axis=1) / area.sum() * len(rows)
        assert stats.chisquare(found, expected).pvalue > 0.001
        uniform = np.full(12, len(rows) / 12)
        assert stats.chisquare(found, uniform).pvalue < 1e-6  # the test can tell them apart
        stratum = next(s for s in sample.strata if s.value == value)
        assert stratum.share == pytest.approx(columns / 40)
        assert np.allclose(sample.weight[sample.map_class == value], stratum.hectares / stratum.points)
    # 40 columns of 0.05° between 10° and 70° N on the WGS 84 ellipsoid
    cell = 6378137.0**2 * (1 - e2) * area * math.radians(0.05) ** 2
    assert sum(s.hectares for s in sample.strata) * 1e4 == pytest.approx(cell.sum() * 40, rel=1e-6)


def test_shares_are_those_of_area(class_map):
    """Half of the pixels each, but the southern class has more area: it gets more points."""
    values = np.ones((1200, 20), np.uint8)
    values[600:] = 2
    sample = drawn(class_map(values, crs="EPSG:4326", transform=DEGREES), size=1000, allocation="proportional")
    north, south = sample.strata
    assert north.pixels == south.pixels
    assert south.points / north.points == pytest.approx(south.hectares / north.hectares, rel=0.01)
    assert south.points > 1.4 * north.points


def test_points_are_in_random_order(patches):
    """Who stops labelling half way has a part of every class."""
    sample = drawn(patches[0], size=400, allocation="equal")
    half = Counter(sample.map_class[:200].tolist())
    assert all(30 < half[value] < 70 for value in (1, 2, 4, 7))


# ---------------------------------------------------------------- apart


def nearest(xy):
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return distance.min()


def test_points_keep_their_distance(patches):
    layer, _ = patches
    without = drawn(layer, size=120)
    sample = drawn(layer, size=120, min_distance=400)
    assert nearest(np.stack([without.x, without.y], axis=1)) < 400 <= nearest(np.stack([sample.x, sample.y], axis=1))
    assert [s.points for s in sample.strata] == [s.points for s in without.strata]
    assert any("400 m apart" in note and "approximate" in note for note in sample.notes)
    assert places(drawn(layer, size=120, min_distance=400)) == places(sample)


def test_exactly_the_distance_is_allowed(class_map):
    """A checkerboard of 30 m whose black pixels are 60 m apart along rows."""
    values = np.zeros((9, 9), np.uint8)
    values[::2, ::2] = 1
    sample = drawn(class_map(values), size=25, min_distance=60)
    assert len(sample.x) == 25
    with pytest.raises(LulcError, match="of 25 points possible at 60.01 m"):
        drawn(class_map(values), size=25, min_distance=60.01)


def test_distance_on_the_ellipsoid(class_map):
    """At 60° N a degree of longitude is half as long: planar degrees would let points come too close."""
    values = np.ones((400, 400), np.uint8)
    transform = Affine(0.001, 0, 10, 0, -0.001, 60.2)
    sample = drawn(class_map(values, crs="EPSG:4326", transform=transform), size=150, min_distance=1000)
    a, e2 = 6378137.0, 0.0066943799901413165
    lat = math.radians(60)
    east = a / math.sqrt(1 - e2 * math.sin(lat) ** 2) * math.cos(lat) * math.pi / 180
    north = a * (1 - e2) / (1 - e2 * math.sin(lat) ** 2) ** 1.5 * math.pi / 180
    closest = nearest(np.stack([sample.x * east, sample.y * north], axis=1))
    assert 990 < closest < 1100
    assert any("on the ellipsoid" in note for note in sample.notes)


def test_web_mercator_is_not_metres(class_map):
    """At 60° N its metres are half of true ones: 1000 m on the ground are 2000 in the map."""
    values = np.ones((400, 400), np.uint8)
    transform = Affine(100, 0, 1_000_000, 0, -100, 8_420_000)
    sample = drawn(class_map(values, crs="EPSG:3857", transform=transform), size=120, min_distance=1000)
    assert 1900 < nearest(np.stack([sample.x, sample.y], axis=1)) < 2300


def test_across_the_date_line(class_map):
    """Two pixels at 179.99° E and 179.99° W are neighbours."""
    values = np.zeros((3, 3600), np.uint8)
    values[1, [0, -1]] = 1
    layer = class_map(values, crs="EPSG:4326", transform=Affine(0.1, 0, -180, 0, -0.1, 0.15))
    assert len(drawn(layer, size=2).x) == 2
    with pytest.raises(LulcError, match="1 of 2 points possible at 20000 m"):
        drawn(layer, size=2, min_distance=20_000)


def test_too_far_apart_says_how_many_are_possible(class_map):
    values = np.full((100, 100), 3, np.uint8)
    values[:10, :10] = 4
    with pytest.raises(LulcError) as error:
        drawn(class_map(values), size=100, allocation="equal", min_distance=150)
    message = str(error.value)
    assert "class 4" in message and "of 50 points possible at 150 m" in message and "smaller" in message
    possible = int(message.split("class 4: ")[1].split(" ")[0])
    assert 4 <= possible <= 9  # 300 m × 300 m


def test_a_crowded_class_is_filled_by_further_candidates(class_map):
    """One place in a crowd of 10,000 pixels and three single pixels far away: only a longer look finds all four."""
    values = np.zeros((600, 600), np.uint8)
    values[:100, :100] = 1
    corners = {(599, 0), (0, 599), (599, 599)}
    for row, col in corners:
        values[row, col] = 1
    sample = drawn(class_map(values), size=4, min_distance=4500)
    assert corners < set(places(sample))


def test_spacing_equals_trying_all_pairs():
    xy = np.random.default_rng(3).uniform(0, 100, (600, 2))
    accepted = []
    for i, point in enumerate(xy):
        if all(np.linalg.norm(point - xy[j]) >= 4 for j in accepted):
            accepted.append(i)
    assert Spacing(4.0).accept(xy, 600) == accepted
    assert Spacing(4.0).accept(xy, 10) == accepted[:10]


def test_distance_without_a_coordinate_system(class_map):
    layer = class_map(np.ones((40, 40), np.uint8), crs=None)
    with pytest.raises(LulcError, match="no coordinate system"):
        drawn(layer, size=10, min_distance=50)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "options, words",
    [
        ({"size": 7}, ["7 points", "4 classes", "8 or more"]),
        ({"size": 100_000}, ["100000 points", "valid pixels"]),
        ({"size": -1}, ["-1"]),
        ({"expected_users": 1.0}, ["is 1", "between 0 and 1"]),
        ({"expected_users": (0.8, 0.9)}, ["2 expected", "4 classes", "1, 2, 4, 7"]),
        ({"expected_users": {1: 0.8}}, ["class 2", "2 more"]),
        ({"half_width": 3.0}, ["half-width", "is 3"]),
        ({"level": 95.0}, ["level is 95"]),
        ({"min_per_class": 1}, ["is 1"]),
        ({"allocation": "fair"}, ["'fair'", "olofsson"]),
        ({"min_distance": -5.0}, ["-5 m"]),
        ({"min_distance": math.nan}, ["nan m"]),
        ({"seed": -1}, ["seed is -1"]),
        ({"seed": 2**31}, ["2147483648"]),
    ],
)
def test_impossible_values(patches, options, words):
    with pytest.raises(LulcError) as error:
        drawn(patches[0], **options)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_no_valid_pixel(class_map):
    with pytest.raises(LulcError, match="no valid pixel"):
        drawn(class_map(np.zeros((50, 50), np.uint8)), size=10)


def test_an_image_is_no_class_map(class_map):
    values = np.arange(1, 2501, dtype=np.uint16).reshape(50, 50)
    with pytest.raises(LulcError, match="1[,.]?000"):
        drawn(class_map(values), size=5000)


def test_fractions_are_no_classes(class_map):
    values = np.full((50, 50), 1.0)
    values[3, 4] = 37.42
    with pytest.raises(LulcError, match="37.42"):
        drawn(class_map(values), size=50)


def test_whole_numbers_in_a_float_raster_are_classes(class_map):
    values = np.random.default_rng(0).integers(1, 4, (50, 50)).astype(np.float32)
    values[0, 0] = np.nan
    sample = drawn(class_map(values), size=60)
    assert np.array_equal(values[sample.row, sample.col], sample.map_class)


def test_negative_and_large_values(class_map):
    values = np.random.default_rng(0).choice([-5, 3, 2_000_000], size=(50, 50)).astype(np.int32)
    sample = drawn(class_map(values, nodata=-9999), size=60)
    assert np.array_equal(values[sample.row, sample.col], sample.map_class)
    assert sample.legend == ((-5, "-5"), (3, "3"), (2_000_000, "2000000"))


def test_another_band(raster):
    values = np.stack([np.full((40, 40), 1), np.full((40, 40), 2)]).astype(np.uint8)
    layer = RasterInput(raster("two.tif", values, names=None), band=2)
    assert set(drawn(layer, size=10).map_class.tolist()) == {2}


def test_cancel(patches, recorder):
    progress = recorder(stop_at=0)
    with pytest.raises(CancelledError):
        drawn(patches[0], progress, size=100)


def test_progress_goes_to_the_end(patches, recorder):
    progress = recorder()
    drawn(patches[0], progress, size=100)
    assert progress.percents == sorted(progress.percents) and progress.percents[-1] == 100


def test_raised_numbers_are_reported(class_map):
    values = np.ones((100, 100), np.uint8)
    values[:2] = 2
    assert [s.points for s in drawn(class_map(values), size=50).strata] == [25, 25]
    sample = drawn(class_map(values), size=50, min_per_class=75)
    assert [s.points for s in sample.strata] == [49, 75]
    assert any("124 points are drawn instead of 50" in w for w in sample.warnings)


def test_few_points_are_reported(patches):
    sample = drawn(patches[0], size=100, allocation="proportional")
    assert any("Fewer than 30" in w and "1, 2" in w for w in sample.warnings)


def test_memory_does_not_grow_with_the_map(class_map, monkeypatch):
    """No more pixels are kept than a few times the sample, however many the map has."""
    kept = []
    sort = random_order._sorted
    monkeypatch.setattr(
        random_order, "_sorted", lambda parts: kept.append(sum(len(p[0]) for p in parts)) or sort(parts)
    )
    values = np.random.default_rng(1).integers(1, 3, (2000, 1500)).astype(np.uint8)
    drawn(class_map(values), size=1000)
    assert sum(kept) < 1500
