# SPDX-License-Identifier: GPL-3.0-or-later
"""Partial files of killed runs go with the next run; those of a run at work stay."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from lulc_plugin.classify import pipeline
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.progress import Progress
from lulc_plugin.raster import MapWriter, processes, temporary_files
from lulc_plugin.raster.temporary_files import Partials, sweep

CHECKOUT = Path(__file__).resolve().parents[3]
BESIDE = {"map.tif", "map.tif.aux.xml", "map.qml"}
DAY = 24 * 3600


def listing(folder):
    return {p.name for p in folder.iterdir()}


def left_behind(folder, name=".map.0123456789ab.", age=0.0, **changes):
    """The files of a run that was killed."""
    said = {"program": "landcover_classifier", "host": processes.host(), "pid": os.getpid(),
            "started": processes.started(os.getpid()), **changes}  # fmt: skip
    names = {name + ending for ending in ("lock", "stream.tif", "whole.tif", "whole.tif.ovr.tmp")}
    for each in names:
        (folder / each).write_text(json.dumps(said) if each.endswith("lock") else "half a map")
    then = time.time() - age
    os.utime(folder / f"{name}lock", (then, then))
    return names


def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


# ---------------------------------------------------------------- what a lock says


def test_of_a_dead_process(tmp_path):
    names = left_behind(tmp_path, pid=dead_pid())
    assert set(sweep(tmp_path)) == names - {".map.0123456789ab.lock"}
    assert listing(tmp_path) == set()


def test_of_a_later_process_with_the_same_number(tmp_path):
    left_behind(tmp_path, started="1")
    assert len(sweep(tmp_path)) == 3
    assert listing(tmp_path) == set()


@pytest.mark.parametrize("age", [0, DAY / 2, 30 * DAY])
def test_of_a_process_at_work(tmp_path, age):
    """Also of one that has been at it for a month."""
    names = left_behind(tmp_path, age=age)
    assert sweep(tmp_path) == ()
    assert listing(tmp_path) == names


@pytest.mark.parametrize("changes", [{"host": "another machine"}, {"started": ""}, {"pid": "none"}, {"pid": -1}])
def test_of_a_process_that_cannot_be_looked_at(tmp_path, changes):
    """A machine that shares the folder may be at work for long, and says so by touching its lock."""
    names = left_behind(tmp_path, age=DAY * 0.99, **changes)
    assert sweep(tmp_path) == ()
    assert listing(tmp_path) == names
    left_behind(tmp_path, age=DAY * 1.01, **changes)
    assert len(sweep(tmp_path)) == 3
    assert listing(tmp_path) == set()


def test_what_is_not_ours_stays(tmp_path):
    names = left_behind(tmp_path, pid=dead_pid(), program="another")
    others = {
        ".map.0123456789ab.stream.tif.lock", ".x.0123456789ab.lock", ".y.0123456789ab.lock", "map.0123456789ab.lock",
        ".z.0123456789ab.stream.tif", "map.tif", ".map.0123456789ab.stream.tiff",
    }  # fmt: skip
    for name in others:
        (tmp_path / name).write_text("[1, 2]" if name[1] == "x" else "no lock of ours" if name[1] == "y" else "x")
    assert sweep(tmp_path) == ()
    assert listing(tmp_path) == names | others
    left_behind(tmp_path, ".a.ffffffffffff.", pid=dead_pid())
    (tmp_path / ".a.ffffffffffff.mine").write_text("not a name that we give")
    sweep(tmp_path)
    assert listing(tmp_path) == names | others | {".a.ffffffffffff.mine"}


def test_a_folder_that_is_not_there(tmp_path):
    assert sweep(tmp_path / "nowhere") == ()
    with pytest.raises(LulcError, match="cannot be written"):
        Partials(tmp_path / "nowhere" / "map.tif")


def test_a_lock_is_touched_while_the_work_goes_on(tmp_path, monkeypatch):
    temporaries = Partials(tmp_path / "map.tif")
    (lock,) = tmp_path.iterdir()
    os.utime(lock, (0, 0))
    temporaries.touch()
    assert lock.stat().st_mtime == 0
    monkeypatch.setattr(temporary_files, "_TOUCH_EVERY", 0.0)
    temporaries.touch()
    assert time.time() - lock.stat().st_mtime < 60
    temporaries.remove()
    assert listing(tmp_path) == set()


def test_processes():
    mine = processes.started(os.getpid())
    assert mine not in (processes.UNKNOWN, processes.GONE)
    assert processes.started(os.getpid()) == mine
    assert processes.started(dead_pid()) == processes.GONE
    assert processes.host() == processes.host() != ""


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps")
def test_the_way_of_macos(monkeypatch):
    monkeypatch.setattr(processes.sys, "platform", "darwin")
    mine = processes.started(os.getpid())
    shown = time.strptime(mine, "%a %b %d %H:%M:%S %Y")
    assert abs(time.mktime(shown) - time.time()) < 24 * 3600
    assert processes.started(dead_pid()) == processes.GONE
    monkeypatch.setattr(processes, "_PATIENCE", 0)  # stopped before it could answer
    assert processes.started(os.getpid()) == processes.UNKNOWN


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_process_of_somebody_else_and_one_that_only_waits_to_be_buried():
    assert processes.started(1) not in (processes.UNKNOWN, processes.GONE)
    child = subprocess.Popen([sys.executable, "-c", ""])
    until = time.time() + 10
    while processes.started(child.pid) != processes.GONE and time.time() < until:
        time.sleep(0.02)
    # nobody has asked for its exit status yet
    assert processes.started(child.pid) == processes.GONE
    child.wait()


# ---------------------------------------------------------------- whole runs

RUN = r"""
import sys, time
from lulc_plugin.classify import pipeline
from lulc_plugin.classify.job import ClassifyJob
from lulc_plugin.raster import output
layer, made, model, where, wait = sys.argv[1:]
def pause(function):
    def wrapped(*arguments, **options):
        print("here", flush=True)
        time.sleep(float(wait))
        return function(*arguments, **options)
    return wrapped
if where == "window":
    pipeline.winners = pause(pipeline.winners)
elif where == "copy":
    output.rasterio.shutil.copy = pause(output.rasterio.shutil.copy)
else:
    output.MapWriter._check = pause(output.MapWriter._check)
pipeline.classify(ClassifyJob(layer, made, model_file=model, threads=1))
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
        assert json.loads(lock.read_text())["pid"] == os.getpid()
        assert sweep(tmp_path) == ()
        writer.finish({}, Progress())
    assert listing(tmp_path) == BESIDE
