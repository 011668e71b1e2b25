# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do to the files of a run while it lasts: a disk fills, an output is held or taken, an input changes.

LULC_FAULT_DISKS is the number of runs on disks that fill (30), LULC_FAULT_SEED the seed; a failure names the run.
"""

import ctypes
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import rasterio

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_kill_runs import FORBIDDEN, Trial  # noqa: E402

RUNS = int(os.environ.get("LULC_FAULT_DISKS", "30"))
SEED = int(os.environ.get("LULC_FAULT_SEED", "21"))
_libc = ctypes.CDLL(None, use_errno=True)
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads from /proc when a run begins")


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return Trial(tmp_path_factory.mktemp("disks") / "runs")


@pytest.fixture(autouse=True)
def empty(trial):
    yield
    trial.clear()


def _refusals(process, errors, what):
    """What is wrong with the end of a run that was refused, or that ended well."""
    # GDAL's own words for it may follow "Error: "
    wrong = [f"{what}: says {word}: {errors}" for word in set(FORBIDDEN) - {"Error"} if word in errors]
    last = (errors.splitlines() or [""])[-1]
    if process.returncode not in (0, 1) or process.returncode and not last.startswith("Error: "):
        wrong.append(f"{what}: status {process.returncode}: {errors}")
    return wrong


def _until_it_writes(trial, process):
    """Wait for the first file in the folder of outputs; whether the run still lasts."""
    while process.poll() is None and not trial.files():
        time.sleep(0.002)
    return process.poll() is None


class Disk:
    """A disk of its own, as large as you like, where the trial's outputs go."""

    def __init__(self, place, size):
        if _libc.mount(b"none", bytes(place), b"tmpfs", 0, f"size={size // 4096 * 4096 or 4096}".encode()):
            pytest.skip("needs root, for a small disk in memory")
        self._place = place
        self._full = threading.Event()
        self._filler = threading.Thread(target=self._fill, daemon=True)

    def fill(self, seconds):
        self._pause = seconds
        self._filler.start()

    def _fill(self):
        """Somebody else's file grows until nothing is left."""
        with open(self._place / "other", "wb", buffering=0) as other:
            while not self._full.is_set():
                try:
                    other.write(bytes(8192))
                except OSError:
                    pass
                time.sleep(self._pause)

    def close(self):
        self._full.set()
        if self._filler.is_alive():
            self._filler.join()
        (self._place / "other").unlink(missing_ok=True)
        files = sorted(path.name for path in self._place.iterdir())
        for _ in range(50):  # a process that has just ended may still hold it
            if _libc.umount2(bytes(self._place), 0) == 0:
                break
            time.sleep(0.1)
        else:
            _libc.umount2(bytes(self._place), 2)
        return files


def test_a_disk_that_fills_slowly(trial):
    chance, wrong, outcomes = random.Random(SEED), [], Counter()
    for run in range(RUNS):
        name = chance.choice(sorted(trial.commands))
        needed = sum(trial.whole[name].values())
        size = int(needed * chance.uniform(0.3, 4)) + 16384
        disk = Disk(trial.out, size)
        process = trial.start(name)
        disk.fill(chance.uniform(0.5, 4) * trial.seconds[name] * 8192 / size)
        errors = process.communicate(timeout=120)[1]
        whole = trial.files()
        files = [file for file in disk.close() if file != "other"]
        what = f"run {run}, {name}, {size:,} bytes"
        wrong += _refusals(process, errors, what)
        if any(file.startswith(".") for file in files):
            wrong.append(f"{what}: leaves {files}")
        for file in files:
            expected = trial.whole[name].get(file)
            if expected is None or abs(whole[file] - expected) > 64:
                wrong.append(f"{what}: {file} has {whole[file]} bytes, {expected} when whole")
        if process.returncode == 0 and set(files) != set(trial.whole[name]):
            wrong.append(f"{what}: ended well with {files}")
        outcomes[name, process.returncode] += 1
    print({" ".join(map(str, key)): n for key, n in sorted(outcomes.items())})
    assert not wrong, "\n".join(wrong)


def _take_by_folder(trial):
    (trial.out / "map.tif").mkdir()


def _remove_the_folder(trial):
    shutil.rmtree(trial.out, ignore_errors=True)


def _make_it_a_file(trial):
    shutil.rmtree(trial.out, ignore_errors=True)
    trial.out.write_bytes(b"")


@pytest.mark.parametrize("change", [_take_by_folder, _remove_the_folder, _make_it_a_file])
def test_the_place_of_the_output_is_taken(trial, change):
    process = trial.start("classify")
    assert _until_it_writes(trial, process)
    change(trial)
    errors = process.communicate(timeout=120)[1]
    left = sorted(trial.out.rglob("*")) if trial.out.is_dir() else []
    if trial.out.is_file():
        trial.out.unlink()
    trial.out.mkdir(exist_ok=True)
    if change is _take_by_folder:
        assert left == [trial.out / "map.tif"]
        (trial.out / "map.tif").rmdir()
    else:
        assert left == []
    assert process.returncode == 1, errors
    assert not _refusals(process, errors, change.__name__)


def test_an_output_that_another_program_holds_open(trial):
    """It goes on reading the old map; the new one is whole."""
    assert trial.start("classify").wait(120) == 0
    with open(trial.out / "map.tif", "rb") as held:
        before = (trial.out / "map.tif").read_bytes()
        process = trial.start("classify")
        assert process.wait(120) == 0, process.stderr.read()
        assert held.read() == before
    assert set(trial.files()) == set(trial.whole["classify"])
    assert os.stat(trial.out / "map.tif").st_nlink == 1


def test_one_output_given_to_two_runs_at_once(trial):
    """Both end well, with a whole map of one of them and its own names and style, or one is refused."""
    usual = trial.commands["classify"]
    other = trial.folder / "other.tif"
    with rasterio.open(usual[1]) as scene:
        values, profile = scene.read(), scene.profile
        values[:, : values.shape[1] // 2] = 0
        with rasterio.open(other, "w", **{**profile, "nodata": 0}) as made:
            made.write(values)
            made.descriptions = scene.descriptions
    maps = {}
    for name, scene in (("a", usual[1]), ("b", str(other))):
        trial.commands[name] = ["classify", scene, *usual[2:]]
        process = trial.start(name)
        assert process.wait(120) == 0, process.stderr.read()
        with rasterio.open(trial.out / "map.tif") as made:
            maps[name] = made.read()
        trial.clear()
    assert not np.array_equal(*maps.values())
    chance, seen = random.Random(SEED), Counter()
    for _ in range(6):
        first = trial.start("a")
        time.sleep(chance.uniform(0, 0.3))
        second = trial.start("b")
        ends = []
        for process in (first, second):
            errors = process.communicate(timeout=120)[1]
            ends.append(process.returncode)
            assert not _refusals(process, errors, "two runs")
        with rasterio.open(trial.out / "map.tif") as made:
            values = made.read()
        winner = [name for name, of_one in maps.items() if np.array_equal(values, of_one)]
        assert winner and 0 in ends, ends
        assert set(trial.files()) == set(trial.whole["classify"])
        seen[f"{winner[0]}, {sorted(ends)}"] += 1
        trial.clear()
    del trial.commands["a"], trial.commands["b"]
    print(dict(seen))


def test_one_report_given_to_two_runs_at_once(trial):
    for _ in range(3):
        both = [trial.start("assess"), trial.start("assess")]
        for process in both:
            errors = process.communicate(timeout=120)[1]
            assert process.returncode == 0, errors
        assert set(trial.files()) == set(trial.whole["assess"])
        trial.clear()


def _zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def _cut(path):
    os.truncate(path, path.stat().st_size // 2)


def _replace(path):
    shutil.copy(path, path.with_suffix(".new"))
    os.replace(path.with_suffix(".new"), path)


@pytest.mark.parametrize("change", [Path.unlink, _zero, _cut, _replace])
@pytest.mark.parametrize("name", ["classify", "assess", "compare"])
def test_an_input_changes_while_it_is_read(trial, name, change):
    """Refused, or the whole result where all was read before; never a map of two states."""
    path = Path(trial.commands[name][1])
    copy = shutil.copy(path, path.with_suffix(".copy"))
    chance, outcomes = random.Random(SEED), Counter()
    try:
        for _ in range(3):
            process = trial.start(name)
            time.sleep(chance.uniform(0.3, 0.9) * trial.seconds[name])
            change(path)
            errors = process.communicate(timeout=120)[1]
            assert not _refusals(process, errors, change.__name__)
            if process.returncode == 0:
                assert set(trial.files()) == set(trial.whole[name]), errors
            else:
                assert trial.files() == {}, errors
            outcomes[process.returncode] += 1
            trial.clear()
            path.unlink(missing_ok=True)
            shutil.copy(copy, path)
    finally:
        os.replace(copy, path)
    print(name, change.__name__, dict(outcomes))


@pytest.mark.parametrize("name", ["classify", "assess", "compare", "check"])
def test_halted_and_continued(trial, name):
    chance = random.Random(SEED)
    process = trial.start(name)
    for _ in range(4):
        time.sleep(chance.uniform(0.05, 0.25) * trial.seconds[name])
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        process.send_signal(signal.SIGCONT)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode == 0, errors
    assert set(trial.files()) == set(trial.whole[name])
