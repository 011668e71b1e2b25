# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary files of killed runs are removed by the next run; those of a run at work stay."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from lulc_plugin.classify import pipeline
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.progress import Progress
from lulc_plugin.raster import MapWriter, temporary_files
from lulc_plugin.raster.temporary_files import TemporaryFiles, remove_leftovers

CHECKOUT = Path(__file__).resolve().parents[3]
BESIDE = {"map.tif", "map.tif.aux.xml", "map.qml"}
DAY = 24 * 3600


def listing(folder):
    return {p.name for p in folder.iterdir()}


def left_behind(folder, name=".map.0123456789ab.", age=0.0, **changes):
    """The files of a run that was killed."""
    content = {"program": "landcover_classifier", "machine": temporary_files._machine(), "locked": True, **changes}
    names = {name + ending for ending in ("lock", "stream.tif", "whole.tif", "whole.tif.ovr.tmp")}
    for each in names:
        (folder / each).write_text(json.dumps(content) if each.endswith("lock") else "half a map")
    then = time.time() - age
    os.utime(folder / f"{name}lock", (then, then))
    return names


HOLD = """
import os, sys
from lulc_plugin.raster import temporary_files
assert temporary_files._try_lock(os.open(sys.argv[1], os.O_RDWR))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(lock_file):
    """Another process holds the file lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock_file)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.communicate()


# ---------------------------------------------------------------- whose run is over


def test_of_a_run_that_is_over(tmp_path):
    names = left_behind(tmp_path)
    assert set(remove_leftovers(tmp_path)) == names - {".map.0123456789ab.lock"}
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("age", [0, DAY / 2, 30 * DAY])
@pytest.mark.parametrize("changes", [{}, {"machine": "another"}])
def test_of_a_run_at_work(tmp_path, age, changes):
    """Also of one that could not renew its lock for a month, because the computer slept."""
    names = left_behind(tmp_path, age=age, **changes)
    with held(tmp_path / ".map.0123456789ab.lock"):
        assert remove_leftovers(tmp_path) == ()
    assert listing(tmp_path) == names


def test_of_a_process_that_was_killed(tmp_path):
    """The file lock goes with the process, however that ends."""
    left_behind(tmp_path)
    with held(tmp_path / ".map.0123456789ab.lock") as process:
        process.kill()
        process.wait()
    assert len(remove_leftovers(tmp_path)) == 3
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("changes", [{"machine": "another"}, {"locked": False}, {"locked": None}, {"machine": 1}])
def test_of_a_run_whose_file_lock_says_nothing(tmp_path, changes):
    """A machine that shares the folder may be at work for long, and says so by renewing its lock."""
    names = left_behind(tmp_path, age=DAY * 0.99, **changes)
    assert remove_leftovers(tmp_path) == ()
    assert listing(tmp_path) == names
    left_behind(tmp_path, age=DAY * 1.01, **changes)
    assert len(remove_leftovers(tmp_path)) == 3
    assert listing(tmp_path) == set()


def test_a_file_system_without_file_locks(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(temporary_files, "_lock", refuse)
    temporaries = TemporaryFiles(tmp_path / "other.tif")
    assert json.loads(temporaries.file("lock").read_text())["locked"] is False
    temporaries.remove()
    names = left_behind(tmp_path, age=DAY * 0.99)
    assert remove_leftovers(tmp_path) == ()
    assert listing(tmp_path) == names
    left_behind(tmp_path, age=DAY * 1.01)
    assert len(remove_leftovers(tmp_path)) == 3


def test_of_this_process_where_file_locks_belong_to_processes(tmp_path, monkeypatch):
    """As on NFS: whoever asks in the same process gets the lock that it has already."""
    monkeypatch.setattr(temporary_files, "_lock", lambda descriptor: None)
    temporaries = TemporaryFiles(tmp_path / "map.tif")
    temporaries.file("stream.tif").write_text("half a map")
    os.utime(temporaries.file("lock"), (0, 0))
    assert remove_leftovers(tmp_path) == ()
    temporaries.remove()
    assert listing(tmp_path) == set()


def test_what_is_not_ours_stays(tmp_path):
    names = left_behind(tmp_path, program="another")
    others = {
        ".map.0123456789ab.stream.tif.lock", ".x.0123456789ab.lock", ".y.0123456789ab.lock", "map.0123456789ab.lock",
        ".z.0123456789ab.stream.tif", "map.tif", ".map.0123456789ab.stream.tiff",
    }  # fmt: skip
    for name in others:
        (tmp_path / name).write_text("[1, 2]" if name[1] == "x" else "no lock of ours" if name[1] == "y" else "x")
    assert remove_leftovers(tmp_path) == ()
    assert listing(tmp_path) == names | others
    left_behind(tmp_path, ".a.ffffffffffff.")
    (tmp_path / ".a.ffffffffffff.mine").write_text("not a name that we give")
    remove_leftovers(tmp_path)
    assert listing(tmp_path) == names | others | {".a.ffffffffffff.mine"}


def test_a_lock_that_is_just_being_written_stays(tmp_path):
    (tmp_path / ".map.0123456789ab.lock").touch()
    assert remove_leftovers(tmp_path) == ()
    assert listing(tmp_path) == {".map.0123456789ab.lock"}


def test_of_a_file_that_may_only_be_read(tmp_path, monkeypatch):
    """As root, who runs the tests in a container, may write everything: the refusal is played."""
    left_behind(tmp_path)
    real = os.open

    def refuse(path, flags, *others):
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *others)

    monkeypatch.setattr(temporary_files.os, "open", refuse)
    assert len(remove_leftovers(tmp_path)) == 3


def test_a_folder_that_is_not_there(tmp_path):
    assert remove_leftovers(tmp_path / "nowhere") == ()
    with pytest.raises(LulcError, match="cannot be written"):
        TemporaryFiles(tmp_path / "nowhere" / "map.tif")


@pytest.mark.parametrize("renew_every, renewed", [(600.0, False), (0.0, True)])
def test_a_lock_is_renewed_while_the_work_goes_on(tmp_path, renew_every, renewed):
    temporaries = TemporaryFiles(tmp_path / "map.tif", renew_every)
    (lock,) = tmp_path.iterdir()
    os.utime(lock, (0, 0))
    temporaries.renew()
    assert (time.time() - lock.stat().st_mtime < 60) is renewed
    temporaries.remove()
    assert listing(tmp_path) == set()


# ---------------------------------------------------------------- whole runs

RUN = r"""
import sys, time
from lulc_plugin.classify import pipeline
from lulc_plugin.classify.job import ClassifyJob
from lulc_plugin.raster import RasterInput
from lulc_plugin.raster import output
layer, made, model, where, wait = sys.argv[1:]
def pause(function):
    def wrapped(*arguments, **options):
        print("here", flush=True)
        time.sleep(float(wait))
        return function(*arguments, **options)
    return wrapped
if where == "window":
    pipeline.most_probable_class = pause(pipeline.most_probable_class)
elif where == "copy":
    output.rasterio.shutil.copy = pause(output.rasterio.shutil.copy)
else:
    output.MapWriter._check = pause(output.MapWriter._check)
pipeline.classify(ClassifyJob(RasterInput(layer), model_file=model, threads=1), made)
"""


@pytest.fixture
def begin(raster, network, scene, tmp_path):
    """`begin(where, wait)` starts a run in another process and returns once it pauses at that place."""
    layer, net = raster("a.tif", scene(100, 90)), network("pixel")
    folder = tmp_path / "out"
    folder.mkdir()
    begun = []

    def start(where, wait, name="map.tif"):
        words = [sys.executable, "-c", RUN, layer, str(folder / name), net.path, where, str(wait)]
        clean = {k: v for k, v in os.environ.items() if k not in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA")}
        begun.append(
            subprocess.Popen(words, env={**clean, "PYTHONPATH": str(CHECKOUT)}, stdout=subprocess.PIPE, text=True)
        )
        assert begun[-1].stdout.readline() == "here\n"
        return begun[-1]

    yield start, folder, layer, net
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("where", ["window", "copy", "check"])
def test_a_killed_run_leaves_no_map_and_the_next_one_tidies_up(begin, classify, where):
    start, folder, layer, net = begin
    process = start(where, 60)
    before = listing(folder)
    assert {n.rsplit(".", 1)[1] for n in before} == {"tif", "lock"}
    assert "map.tif" not in before
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert listing(folder) == before
    made = classify(layer, net, output=str(folder / "other.tif"))
    assert listing(folder) == {"other.tif", "other.tif.aux.xml", "other.qml"}
    (line,) = [line for line in made.progress.lines if "partial file" in line]
    count = len([name for name in before if name.endswith(".tif")])
    assert f"Removed {count} partial file{'s' if count > 1 else ''} of " in line


def test_the_words_of_what_was_removed():
    assert pipeline._removed(1) == "Removed 1 partial file of a run that was killed"
    assert pipeline._removed(3) == "Removed 3 partial files of runs that were killed"


def test_an_older_map_survives_a_kill(begin):
    start, folder, _, _ = begin
    (folder / "map.tif").write_bytes(b"the old map")
    process = start("check", 60)
    process.kill()
    process.wait()
    assert (folder / "map.tif").read_bytes() == b"the old map"


@pytest.mark.parametrize("where", ["window", "copy"])
def test_a_parallel_run_survives(begin, classify, where):
    """Even under the same name: who ends last wins, nobody breaks."""
    start, folder, layer, net = begin
    process = start(where, 1.5)
    first = classify(layer, net, output=str(folder / "map.tif"))
    assert not any("partial" in line for line in first.progress.lines)
    assert any(name.endswith(".lock") for name in listing(folder))
    assert process.wait(timeout=60) == 0
    assert listing(folder) == BESIDE
    with rasterio.open(folder / "map.tif") as made:
        np.testing.assert_array_equal(made.read(1), first.values)


def test_a_writer_shows_its_lock_first(tmp_path):
    legend = Legend.of([LegendClass(1, "one", "#000000")])
    grid = Affine(30, 0, 500_000, 0, -30, 9_120_000)
    with MapWriter(tmp_path / "map.tif", (20, 30), grid, None, legend, "x") as writer:
        writer.write(0, np.ones((20, 30), np.uint8))
        (lock,) = tmp_path.glob(".map.*.lock")
        assert json.loads(lock.read_text())["program"] == "landcover_classifier"
        assert remove_leftovers(tmp_path) == ()
        writer.finish({}, Progress())
    assert listing(tmp_path) == BESIDE


def test_what_gdal_makes_after_the_lock_is_gone_is_removed_later(tmp_path):
    files = TemporaryFiles(tmp_path / "map.tif")
    late = [files.file("whole.tif.ovr.tmp"), files.file("whole.tif")]
    kept = [files.file("before1"), tmp_path / ".mine.whole.tif"]
    for file in (*late, *kept):
        file.write_bytes(b"II")
        os.utime(file, (time.time() - 120,) * 2)
    assert remove_leftovers(tmp_path) == ()  # while the run is at work
    os.close(files._descriptor)
    files._descriptor = -1
    files._lock_file.unlink()
    new = files.file("stream.tif")
    new.write_bytes(b"II")
    assert sorted(remove_leftovers(tmp_path)) == sorted(file.name for file in late)
    assert set(os.listdir(tmp_path)) == {file.name for file in (*kept, new)}
