# SPDX-License-Identifier: GPL-3.0-or-later
"""The cross table: every pixel counted once, in its own class and with its own area, however the layers are stored."""

import threading
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from affine import Affine

from lulc_plugin.assess import RasterInput, RasterOnMap, blocks, cross
from lulc_plugin.assess.overlay import counting, crossing
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import Source, pixel_areas

DEGREES = Affine(0.01, 0, -35, 0, -0.013, 61)
TILED = {"tiled": True, "blockxsize": 16, "blockysize": 16}
ROTATED = Affine.translation(-35, 61) * Affine.rotation(17) * Affine.scale(0.01, -0.01)


def classes(rows, cols, seed=0, dtype="uint8", values=range(9)):
    return np.random.default_rng(seed).choice(list(values), (1, rows, cols)).astype(dtype)


def table(paths, progress=None, most=1000, threads=None, block=crossing.BLOCK_PIXELS):
    """The cross table of files; the first is the map."""
    first = RasterOnMap(RasterInput(paths[0]))
    layers = [first, *(RasterOnMap(RasterInput(path), first.facts) for path in paths[1:])]
    facts = first.facts
    areas = pixel_areas(facts.grid)
    try:
        return cross(layers, facts, areas, progress or Progress(), most, threads, block)
    finally:
        for layer in layers:
            layer.close()


def expected(arrays, hidden, areas):
    """Combination → (pixels, area), pixel by pixel."""
    pixels, area = Counter(), Counter()
    for row in range(arrays[0].shape[0]):
        for col in range(arrays[0].shape[1]):
            key = tuple(None if a[row, col] == h else int(a[row, col]) for a, h in zip(arrays, hidden))
            if key[0] is not None:
                pixels[key] += 1
                area[key] += areas[row, col]
    return pixels, area


def as_dict(found):
    keys = [tuple(int(v) if ok else None for v, ok in zip(*row)) for row in zip(found.values, found.valid)]
    assert len(set(keys)) == len(keys), "each combination once"
    assert (found.values[~found.valid] == 0).all()
    area = [None] * len(keys) if found.area is None else found.area
    return {key: (int(n), a) for key, n, a in zip(keys, found.pixels, area)}


def check(paths, arrays, hidden, rel=1e-12, threads=None):
    with Source(paths[0]) as source:
        f = source.facts
    areas = pixel_areas(f.grid)
    rows, cols = np.mgrid[: f.height, : f.width]
    each = areas.at(rows.ravel(), cols.ravel()).reshape(f.height, f.width)
    pixels, area = expected(arrays, hidden, each)
    found = as_dict(table(paths, threads=threads))
    assert {k: n for k, (n, _) in found.items()} == dict(pixels)
    for key, (_, a) in found.items():
        assert a == pytest.approx(area[key], rel=rel), key


#: values of map and reference, and their nodata values: some fit into half a byte, some do not
PAIRS = [
    (range(9), None, range(9), None),
    (range(1, 9), 0, range(1, 9), 0),
    (range(0, 15), 255, [*range(15), 255], 255),
    ([0, 10, 20, 100, 255], 0, [7, 0, 255], 255),
    (range(16), 3, range(15), None),
    (range(256), 255, range(256), 0),
    ([255], None, [255], None),
    ([0], 0, [1], None),
]


@pytest.mark.parametrize(("map_values", "map_nodata", "values", "nodata"), PAIRS)
@pytest.mark.parametrize("place", [{}, {"crs": "EPSG:4326", "transform": DEGREES}])
@pytest.mark.parametrize("width", [61, 64])
def test_pairs_of_bytes(raster, map_values, map_nodata, values, nodata, place, width):
    a, b = classes(50, width, 1, values=map_values), classes(50, width, 2, values=values)
    paths = [raster("a.tif", a, nodata=map_nodata, **place), raster("b.tif", b, nodata=nodata, **place)]
    with RasterOnMap(RasterInput(paths[0])) as on, RasterOnMap(RasterInput(paths[1]), on.facts) as layer:
        assert counting.are_byte_pairs([on, layer], None), "this test is about the quick way"
    check(paths, [a[0], b[0]], [map_nodata, nodata])


@pytest.mark.parametrize("place", [{}, {"crs": "EPSG:4326", "transform": DEGREES}])
def test_one_layer_of_bytes(raster, place):
    a = classes(50, 61, 3, values=[1, 2, 30])
    check([raster("a.tif", a, nodata=2, **place)], [a[0]], [2])


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "int32", "uint32", "float32", "int64"])
@pytest.mark.parametrize(
    "place", [{}, {"crs": "EPSG:4326", "transform": DEGREES}, {"crs": "EPSG:4326", "transform": ROTATED}]
)
def test_other_types(raster, dtype, place):
    try:
        values = [-5, 0, 7, 100, 120] if not dtype.startswith("u") else [0, 7, 200, 60_000]
        if dtype in ("int32", "uint32", "int64"):
            values = [*values, 2_000_000_000]
        a, b = classes(40, 53, 4, dtype, values), classes(40, 53, 5, values=range(4))
        path = raster("a.tif", a, nodata=7, **place)
    except (TypeError, KeyError, ValueError):
        pytest.skip(f"this rasterio does not write {dtype}")
    # a tile's pixels have the area of its centre
    rel = 1e-12 if place.get("transform") is not ROTATED else 2e-3
    check([path, raster("b.tif", b, nodata=0, **place)], [a[0], b[0]], [7, 0], rel)


def test_total_area_in_tiles_is_that_of_the_pixels(raster):
    a = classes(150, 170, 6, values=[1])
    path = raster("a.tif", a, crs="EPSG:4326", transform=ROTATED)
    with Source(path) as source:
        f = source.facts
    rows, cols = np.mgrid[:150, :170]
    each = pixel_areas(f.grid).at(rows.ravel(), cols.ravel())
    assert table([path]).area.sum() == pytest.approx(each.sum(), rel=1e-6)


def test_four_layers(raster):
    arrays = [
        classes(40, 50, 7, "uint8", range(5)),
        classes(40, 50, 8, "uint16", [0, 300]),
        classes(40, 50, 9, "uint8", range(3)),
        classes(40, 50, 10, "int16", [-4, 4]),
    ]
    nodata = [0, 300, None, -4]
    paths = [raster(f"{i}.tif", a, nodata=n) for i, (a, n) in enumerate(zip(arrays, nodata))]
    check(paths, [a[0] for a in arrays], nodata)


def test_a_mask_counts_as_nodata(raster):
    a, b = classes(40, 50, 11), classes(40, 50, 12)
    mask = np.random.default_rng(13).random((40, 50)) < 0.4
    found = as_dict(table([raster("a.tif", a, mask=mask), raster("b.tif", b)]))
    assert sum(n for n, _ in found.values()) == mask.sum()
    assert found[(3, 4)][0] == (mask & (a[0] == 3) & (b[0] == 4)).sum()


def test_a_reference_that_covers_a_part(raster):
    a, b = classes(40, 50, 14), classes(20, 25, 15)
    shift = Affine(30, 0, 500_000, 0, -30, 9_120_000) * Affine.translation(30, 25)
    found = as_dict(table([raster("a.tif", a), raster("b.tif", b, transform=shift)]))
    part = a[0][25:, 30:]
    assert found[(3, 4)][0] == ((part == 3) & (b[0][:15, :20] == 4)).sum()
    assert sum(n for (_, r), (n, _) in found.items() if r is None) == 40 * 50 - 15 * 20


def test_constant_map_and_asymmetric_reference(raster):
    """First column map, second reference: never transposed."""
    a, b = np.full((1, 30, 40), 5, "uint8"), np.full((1, 30, 40), 2, "uint8")
    b[0, 0, 0] = 9
    found = as_dict(table([raster("a.tif", a), raster("b.tif", b)]))
    assert {k: n for k, (n, _) in found.items()} == {(5, 2): 1199, (5, 9): 1}


def test_no_coordinate_system_no_areas(raster):
    found = table([raster("a.tif", classes(10, 10), crs=None)])
    assert found.area is None
    assert found.pixels.sum() == 100


def test_nothing_valid(raster):
    found = table([raster("a.tif", np.zeros((1, 10, 10), "uint8"), nodata=0), raster("b.tif", classes(10, 10))])
    assert found.values.shape == (0, 2)
    assert found.area.shape == found.pixels.shape == (0,)


# ---------------------------------------------------------------- blocks and threads


@pytest.mark.parametrize("block", [700, 5000])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    "place", [{}, {"crs": "EPSG:4326", "transform": DEGREES}, {"crs": "EPSG:4326", "transform": ROTATED}]
)
def test_the_same_numbers_whatever_the_blocks_and_threads(raster, monkeypatch, block, dtype, place):
    a, b = classes(133, 171, 16, dtype), classes(133, 171, 17)
    paths = [
        raster("a.tif", a, nodata=0, tiled=True, blockxsize=32, blockysize=16, **place),
        raster("b.tif", b, nodata=0, **place),
    ]
    whole = table(paths)
    monkeypatch.setattr(counting, "_BYTES_AT_A_TIME", 512)
    made = [table(paths, threads=n, block=block) for n in (1, 4, 4)]
    for other in made:
        np.testing.assert_array_equal(other.values, whole.values)
        np.testing.assert_array_equal(other.pixels, whole.pixels)
        np.testing.assert_allclose(other.area, whole.area, rtol=1e-12)
        np.testing.assert_array_equal(other.area, made[0].area)  # to the last digit


@pytest.mark.parametrize("size", [600, 1000, 5000, 10**6])
def test_blocks_cover_the_map_once(raster, size):
    path = raster("a.tif", classes(133, 171), tiled=True, blockxsize=32, blockysize=16)
    with RasterOnMap(RasterInput(path)) as layer:
        seen = np.zeros((133, 171), int)
        for r in blocks([layer], layer.facts, size):
            assert r.row0 % 16 == r.col0 % 32 == 0, "a piece of the file must not be decoded twice"
            seen[r.row0 : r.row1, r.col0 : r.col1] += 1
            assert r.height * r.width <= size
    assert (seen == 1).all()


def test_a_file_of_one_piece_is_not_read_in_one(raster, monkeypatch):
    monkeypatch.setattr(RasterOnMap, "block", (9000, 2000))
    with RasterOnMap(RasterInput(raster("a.tif", classes(9000, 2000)))) as layer:
        assert max(r.height * r.width for r in blocks([layer], layer.facts)) <= crossing.BLOCK_PIXELS


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_memory_does_not_grow_with_the_raster(raster, monkeypatch, dtype):
    monkeypatch.setattr(counting, "_BYTES_AT_A_TIME", 1 << 12)

    def peak(rows):
        path = raster(f"{rows}.tif", classes(rows, 500, 18, dtype), nodata=0)
        table([path, path], threads=1, block=1 << 15)
        tracemalloc.start()
        table([path, path], threads=1, block=1 << 15)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(4000) < 1.5 * peak(400)


# ---------------------------------------------------------------- refusals, progress


@pytest.mark.parametrize("dtype", ["uint16", "float32", "int32"])
def test_a_continuous_raster_is_refused(raster, dtype):
    continuous = np.arange(100 * 100).reshape(1, 100, 100).astype(dtype) + 10
    with pytest.raises(
        LulcError, match=r"b\.tif has more than 1,000 distinct values \(first: \d+, .*continuous raster"
    ):
        table([raster("a.tif", classes(100, 100)), raster("b.tif", continuous)], block=2000)


def test_refused_while_counting(raster, monkeypatch):
    """Not after the whole raster was read."""
    rows = []
    original = RasterOnMap.read

    def read(self, region):
        rows.append(region.row1)
        return original(self, region)

    monkeypatch.setattr(RasterOnMap, "read", read)
    continuous = np.arange(400 * 100).reshape(1, 400, 100).astype("uint16")
    with pytest.raises(LulcError):
        table([raster("a.tif", continuous)], threads=1, block=2000)
    assert max(rows) <= 40


def test_a_thousand_classes_are_accepted(raster):
    a = (np.arange(100 * 100) % 1000).reshape(1, 100, 100).astype("uint16")
    assert len(table([raster("a.tif", a)]).pixels) == 1000
    with pytest.raises(LulcError):
        table([raster("a.tif", a)], most=999)


def test_no_class_map_in_another_thread(raster):
    b = classes(100, 100, dtype="float32")
    b[0, 90:] = 0.5
    with pytest.raises(LulcError, match=r"holds the value 0\.5"):
        table([raster("a.tif", classes(100, 100)), raster("b.tif", b)], threads=3, block=1000)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_cancelled(raster, recorder, dtype):
    before = threading.active_count()
    progress = recorder(stop_at=30)
    with pytest.raises(CancelledError):
        table([raster("a.tif", classes(800, 100, dtype=dtype), **TILED)], progress, threads=2, block=500)
    assert progress.percent < 40
    assert threading.active_count() == before


def test_progress(raster, recorder):
    progress = recorder()
    table([raster("a.tif", classes(400, 100), **TILED)], progress, block=500)
    assert len(progress.percents) > 10
    assert progress.percent == 90


def test_a_damaged_file(raster):
    path = raster("a.tif", classes(200, 200, 19), compress="deflate", blockysize=8)
    with open(path, "r+b") as file:
        file.truncate(6000)
    with pytest.raises(LulcError, match="a.tif"):
        table([path], threads=2, block=1000)
