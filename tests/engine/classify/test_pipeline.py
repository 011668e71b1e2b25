# SPDX-License-Identifier: GPL-3.0-or-later
"""A run from end to end: progress, cancel, batches, damage, memory, log."""

import json
import re
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from lulc_plugin.classify import ClassifyJob, classify as run_classify, make_plan, pipeline, run, windows
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.model import Network
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput


def threads():
    return {t.name for t in threading.enumerate() if t.name.startswith("lulc-")}


def test_progress_is_monotone_from_0_to_100(raster, network, classify, scene):
    percents = classify(raster("a.tif", scene(300, 300)), network("pixel")).progress.percents
    assert percents == sorted(percents)
    assert len(set(percents)) == len(percents)
    assert 0 < percents[0] < 10
    assert percents[-1] == 100
    assert len(percents) > 20
    assert threads() == set()


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 200])
def test_batches_change_nothing(raster, network, classify, scene, batch):
    image = scene(150, 170)
    image[:, 40:100, 30:140] = 0
    layer = raster("a.tif", image, nodata=0)
    net = network("context")
    reference = classify(layer, net, window=40, overlap=16).values
    np.testing.assert_array_equal(classify(layer, net, window=40, overlap=16, batch_size=batch).values, reference)


def test_the_same_again_is_the_same(raster, network, classify, scene):
    layer = raster("a.tif", scene(150, 170))
    net = network("context")
    a, b = classify(layer, net), classify(layer, net)
    np.testing.assert_array_equal(a.values, b.values)
    assert a.path.read_bytes() == b.path.read_bytes()


def test_two_runs_at_once(raster, network, classify, scene):
    """Batch processing and dask run several in one process."""
    layers = [raster(f"{i}.tif", scene(150, 170, seed=i)) for i in range(3)]
    net = network("context")
    alone = [classify(layer, net).values for layer in layers]
    made = [None] * 3

    def run(i):
        made[i] = classify(layers[i], net).values

    workers = [threading.Thread(target=run, args=(i,)) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for one, other in zip(alone, made):
        np.testing.assert_array_equal(one, other)


def test_log(raster, network, classify, scene):
    image = scene(100, 100)
    image[:, :25] = 0
    lines = classify(raster("a.tif", image, nodata=0), network("context")).progress.lines
    text = "\n".join(lines)
    for pattern in (
        r"Model: context-v1",
        r"Bands by name: .*red = 1 \(red\)",
        r"Scaling of nir|way in: reflectance",
        r"Windows: \d+ × \d+ of \d+ × \d+ pixels, overlap \d+",
        r"Device: CPU \(1 threads?\)",
        r"Classes: .*nodata 25\.0 %",
        r"Mpx/s of the layer; the bare network [\d.]+ Mpx/s",
        r"Written: .*map\.tif",
        r"in [\d.]+ s",
    ):
        assert re.search(pattern, text), pattern


# ---------------------------------------------------------------- cancel


def test_a_cancel_in_the_middle_is_quick_and_leaves_nothing(raster, network, scene, recorder, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    layer = raster("a.tif", scene(160, 160))
    progress = recorder()
    probabilities = Network.probabilities
    asked = []

    def slow(self, batch):
        time.sleep(0.05)
        if len(asked) == 0 and progress.percent > 20:
            progress.stop_at = 0
            asked.append(time.perf_counter())
        return probabilities(self, batch)

    monkeypatch.setattr(Network, "probabilities", slow)
    job = ClassifyJob(RasterInput(layer), model_file=network("pixel").path, window=32, threads=1)
    with pytest.raises(CancelledError):
        run_classify(job, folder / "map.tif", progress)
    assert time.perf_counter() - asked[0] < 2
    assert progress.percents[-1] < 60
    assert list(folder.iterdir()) == []
    assert threads() == set()


def test_a_cancel_while_statistics_are_read(raster, network, scene, recorder, tmp_path):
    layer = raster("a.tif", scene(100, 100, dtype="uint8"))
    with pytest.raises(CancelledError):
        run_classify(
            ClassifyJob(RasterInput(layer), model_file=network("pixel").path), tmp_path / "map.tif", recorder(0)
        )
    assert not (tmp_path / "map.tif").exists()


def test_a_cancel_while_the_file_is_finished(raster, network, scene, recorder, tmp_path, monkeypatch):
    """The copy may be long; a cancel must not wait for it."""
    from lulc_plugin.raster import output

    folder = tmp_path / "out"
    folder.mkdir()
    progress = recorder()
    copy = output.rasterio.shutil.copy
    asked = []

    def slow(*arguments, **options):
        asked.append(time.perf_counter())
        progress.stop_at = 0
        time.sleep(2.5)
        return copy(*arguments, **options)

    monkeypatch.setattr(output.rasterio.shutil, "copy", slow)
    job = ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=network("pixel").path)
    with pytest.raises(CancelledError):
        run_classify(job, folder / "map.tif", progress)
    assert time.perf_counter() - asked[0] < 2
    # it ends alone and cleans up after itself
    deadline = time.perf_counter() + 8
    while (threads() or list(folder.iterdir())) and time.perf_counter() < deadline:
        time.sleep(0.05)
    assert threads() == set()
    assert list(folder.iterdir()) == []


# ---------------------------------------------------------------- damage


def cut_off(path, share):
    with open(path, "r+b") as stream:
        stream.truncate(int(Path(path).stat().st_size * share))


def layer_with_its_directory_first(raster, scene, tmp_path, compress):
    """A file that can still be opened when its end is missing."""
    import rasterio.shutil

    path = str(tmp_path / "a.tif")
    rasterio.shutil.copy(raster("plain.tif", scene(700, 400)), path, driver="COG", blocksize=128, compress=compress)
    return path


@pytest.mark.parametrize("compress", ["none", "deflate"])
@pytest.mark.parametrize("values", ["reflectance", "picture"])
def test_a_damaged_file_is_told_with_its_rows_and_leaves_nothing(raster, network, scene, tmp_path, compress, values):
    layer = layer_with_its_directory_first(raster, scene, tmp_path, compress)
    cut_off(layer, 0.6)
    folder = tmp_path / "out"
    folder.mkdir()
    job = ClassifyJob(RasterInput(layer), model_file=network("pixel").path, values=values)
    with pytest.raises(LulcError, match=r"Rows \d+ to \d+ of a\.tif cannot be read") as caught:
        run_classify(job, folder / "map.tif")
    assert "damaged" in caught.value.remedy
    assert list(folder.iterdir()) == []
    assert threads() == set()


def test_a_file_that_is_damaged_after_the_plan(raster, network, scene, tmp_path):
    """The reader thread meets it, the caller is told."""
    layer = layer_with_its_directory_first(raster, scene, tmp_path, "deflate")
    folder = tmp_path / "out"
    folder.mkdir()
    planned = make_plan(ClassifyJob(RasterInput(layer), model_file=network("pixel").path))
    cut_off(layer, 0.5)
    with pytest.raises(LulcError, match="Rows"):
        run(planned, folder / "map.tif", Progress())
    assert list(folder.iterdir()) == []


def test_a_bug_in_the_reader_is_not_hidden(raster, network, scene, tmp_path, monkeypatch):
    def failing(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(windows, "prepare", failing)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run_classify(
            ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=network().path), tmp_path / "m.tif"
        )
    assert not list(tmp_path.glob("*m.*"))
    assert threads() == set()


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"no raster at all"])
def test_files_that_are_no_raster(network, tmp_path, content):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(LulcError, match="cannot be opened"):
        run_classify(ClassifyJob(RasterInput(str(path)), model_file=network().path), tmp_path / "map.tif")


def test_a_layer_that_is_not_there(network, tmp_path):
    with pytest.raises(LulcError, match="cannot be opened"):
        run_classify(
            ClassifyJob(RasterInput(str(tmp_path / "no.tif")), model_file=network().path), tmp_path / "map.tif"
        )


def test_complex_numbers_are_refused(raster, network, tmp_path, scene):
    layer = raster("a.tif", scene(20, 20).astype(np.complex64))
    with pytest.raises(LulcError, match="complex"):
        run_classify(ClassifyJob(RasterInput(layer), model_file=network().path), tmp_path / "map.tif")


def test_a_plan_collects_findings_and_computes_nothing(raster, network, scene, tmp_path):
    job = ClassifyJob(
        RasterInput(raster("a.tif", scene(20, 20))),
        model_file=network(gsd_range=(1, 2)).path,
        extent=(0, 0, 1, 1),
    )
    planned = make_plan(job)
    texts = [str(e) for e in planned.errors]
    assert any("15 times off" in t for t in texts)
    assert any("does not meet" in t for t in texts)
    with pytest.raises(LulcError, match="does not meet"):
        planned.ready()


def test_a_place_that_cannot_be_written_is_refused_before_the_layer_is_read(network, tmp_path):
    job = ClassifyJob(RasterInput(str(tmp_path / "no.tif")), model_file=network().path)
    with pytest.raises(LulcError, match="nowhere"):
        run_classify(job, tmp_path / "nowhere" / "map.tif")
    with pytest.raises(LulcError, match="cannot be opened"):
        run_classify(job, tmp_path / "map.tif")


def test_a_plan_is_not_written_where_it_cannot_be(raster, network, scene, tmp_path):
    layer = raster("a.tif", scene(20, 20))
    planned = make_plan(ClassifyJob(RasterInput(layer), model_file=network().path))
    with pytest.raises(LulcError, match="nowhere"):
        run(planned, tmp_path / "nowhere" / "map.tif", Progress())
    with pytest.raises(LulcError, match="that this run reads"):
        run(planned, layer, Progress())


# ---------------------------------------------------------------- memory

MEASURE = r"""
import json, re, sys, tracemalloc
from lulc_plugin.classify.job import ClassifyJob
from lulc_plugin.classify.pipeline import classify
from lulc_plugin.raster import RasterInput
layer, output, model = sys.argv[1:]
tracemalloc.start()
classify(ClassifyJob(RasterInput(layer), model_file=model, threads=1, window=256), output)
arrays = tracemalloc.get_traced_memory()[1] / 2**20
# not getrusage: its peak includes that of the process that started this one
whole = re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())
print(json.dumps([arrays, int(whole.group(1)) / 1024]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's peak memory")
def test_peak_memory_does_not_grow_with_the_height(raster, network, python, tmp_path):
    net = network("pixel")
    peaks = {}
    block = np.random.default_rng(0).integers(100, 4000, (4, 1000, 512)).astype(np.uint16)
    for rows in (8000, 32_000):
        layer = raster(f"{rows}.tif", np.tile(block, (1, rows // 1000, 1)))
        # GDAL keeps up to a twentieth of the machine's memory of what it read; that is not ours to measure
        run = python("-c", MEASURE, layer, str(tmp_path / "map.tif"), net.path, env={"GDAL_CACHEMAX": "16"})
        assert run.returncode == 0, run.stderr
        peaks[rows] = json.loads(run.stdout)
    arrays, whole = (peaks[32_000][i] - peaks[8000][i] for i in (0, 1))
    # the taller map alone is 12 MB larger, the layer 96 MB, its probabilities 192 MB
    assert arrays < 2, peaks
    assert whole < 48, peaks


TILES = {"tiled": True, "blockxsize": 32, "blockysize": 32}


@pytest.mark.parametrize(
    ("columns", "stored", "most", "sizes"),
    [
        (70, TILES, 1 << 30, [96 * 70 * 8]),  # a window of 64 rows may begin within a tile
        (70, TILES, 1000, [0]),  # too wide: none would be kept until it is asked for again
        (70, {"blockysize": 8}, 1000, []),  # stored as wide as the layer, which is read in several pieces
        (40, {"blockysize": 128}, 1000, []),  # stored in pieces taller than a window
        (40, {"blockysize": 8}, 1000, [0]),
    ],
)
def test_gdal_keeps_a_row_of_windows(raster, network, scene, tmp_path, monkeypatch, columns, stored, most, sizes):
    layer = raster("a.tif", scene(300, columns), **stored)
    job = ClassifyJob(RasterInput(layer), model_file=network("pixel").path, threads=1, window=64)
    for name, number in (("WIDEST", 50), ("_LARGEST_CACHE", most), ("_USUAL_BLOCK", 32)):
        monkeypatch.setattr(pipeline, name, number)
    asked = []
    monkeypatch.setattr(pipeline.gdal, "limited_cache", lambda size: asked.append(size) or nullcontext())
    run_classify(job, tmp_path / "map.tif")
    assert asked == sizes


def test_a_wide_layer_is_read_in_pieces(raster, network, classify, scene, monkeypatch):
    layer, net = raster("a.tif", scene(100, 400)), network("context")
    whole = classify(layer, net)
    monkeypatch.setattr(windows, "WIDEST", 100)
    np.testing.assert_array_equal(classify(layer, net).values, whole.values)


TURNED = {
    "turned by 180°": Affine(-29.99, 0.18, 505_000, 0.18, 29.99, 9_110_000),
    "next to no rotation": Affine(30, -0.015, 500_000, -0.015, -30, 9_120_000),
    "east at the left": Affine(-30, 0, 505_000, 0, -30, 9_120_000),
    "south at the top": Affine(30, 0, 500_000, 0, 30, 9_100_000),
}


@pytest.mark.parametrize("transform", TURNED.values(), ids=TURNED)
def test_turned_grids_are_kept(raster, network, classify, scene, transform):
    """The map has the grid of its image, whatever that is, and the classes of the same pixels."""
    net, image = network("pixel"), scene(60, 70)
    made = classify(raster("a.tif", image, transform=transform), net)
    np.testing.assert_array_equal(made.values, classify(raster("b.tif", image), net).values)
    with rasterio.open(made.path) as dataset:
        assert dataset.transform.almost_equals(transform, 1e-6) and dataset.crs.to_epsg() == 32725
