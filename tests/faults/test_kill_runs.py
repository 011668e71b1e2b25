# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the shell, ended by signals at random moments: what they leave, and how they say it.

LULC_FAULT_RUNS is the number of runs (60), LULC_FAULT_SEED the seed of the moments; a failure names the run.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

CHECKOUT = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("LULC_FAULT_RUNS", "60"))
SEED = int(os.environ.get("LULC_FAULT_SEED", "21"))
INTERRUPT, TERMINATE, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGKILL
FORBIDDEN = ("Traceback", "Exception", "cannot be loaded", "terminate called", "Aborted", "Error")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads from /proc when signals are heeded")


class Trial:
    """Inputs in `folder`, commands that read them, and what each of them writes when nobody disturbs it."""

    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "out"
        self.out.mkdir(parents=True)
        rng = np.random.default_rng(0)
        scene = self._raster("scene.tif", rng.integers(100, 4000, (4, 300, 300)).astype(np.uint16))
        with rasterio.open(scene, "r+") as opened:
            opened.descriptions = ("red", "green", "blue", "nir")
        classes = self._raster("classes.tif", rng.integers(1, 5, (1, 1500, 1500)).astype(np.uint8))
        out = self.out
        reports = ["--html", str(out / "r.html"), "--csv", str(out / "r.csv"), "--json", str(out / "r.json")]
        self.commands = {
            "classify": ["classify", scene, str(out / "map.tif"), "--threads", "1"],
            "assess": ["assess", classes, classes, "--disagreement", str(out / "d.tif"), *reports],
            "compare": ["compare", classes, classes, classes, *reports],
            "check": ["check", scene, "--html", str(out / "c.html")],
        }
        clean = {k: v for k, v in os.environ.items() if k not in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA")}
        self.environment = {**clean, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
        self.whole = {}
        self.seconds = {}
        for name in self.commands:
            begun = time.monotonic()
            process = self.start(name)
            assert process.wait(120) == 0, process.stderr.read()
            self.seconds[name] = time.monotonic() - begun
            self.whole[name] = self.files()
            self.clear()

    def _raster(self, name, values):
        path = self.folder / name
        profile = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
        grid = from_origin(500000, 7400000, 10, 10)
        with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32723", transform=grid, **profile) as made:
            made.write(values)
        return str(path)

    def start(self, name, **options):
        """The command called `name`, begun; back as soon as it heeds signals."""
        words = [sys.executable, "-m", "lulc_plugin", *self.commands[name]]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(words, cwd=self.folder, env=self.environment, text=True, **pipes)
        while process.poll() is None and not _heeds(process.pid, TERMINATE):
            time.sleep(0.002)
        return process

    def files(self):
        """What is in the folder of outputs: name → size."""
        return {path.name: path.stat().st_size for path in self.out.iterdir()}

    def clear(self):
        """Empty that folder."""
        for path in self.out.iterdir():
            path.unlink()

    def try_once(self, name, number, delay):
        """Send a signal after `delay` seconds; the exit status and what is wrong with the end of the run."""
        before = {file for file in self.files() if file.startswith(".")}
        process = self.start(name)
        time.sleep(delay)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        files = self.files()
        hidden = {file for file in files if file.startswith(".")}
        wrong = [f"says {word}: {errors}" for word in FORBIDDEN if word in errors]
        if number == KILL:
            statuses = {0, -KILL}
        else:
            statuses = {0, 128 + number}
            if hidden - before:
                wrong.append(f"leaves {hidden - before}")
        if process.returncode not in statuses:
            wrong.append(f"status {process.returncode}: {errors}")
        for file in set(files) - hidden:
            size = self.whole[name].get(file)
            if size is None or abs(files[file] - size) > 64:  # reports and tags hold times
                wrong.append(f"{file} has {files[file]} bytes, {size} when whole")
        if process.returncode not in (0, -KILL) and bool(set(files) - hidden) != ("Written before that" in errors):
            wrong.append(f"says {errors.splitlines()[-1:]} with {sorted(files)}")
        return process.returncode, wrong


def _heeds(pid, number):
    """Whether a process has a handler for a signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # it has ended
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    return bool(int(caught, 16) >> (number - 1) & 1)


def kill_runs(folder, runs, seed):
    """Try so many runs; the statuses that occurred, and one line for each thing that was wrong."""
    trial, chance = Trial(folder), random.Random(seed)
    statuses, wrong = {}, []
    for run in range(runs):
        name = chance.choice(("classify", "classify", *trial.commands))
        number = chance.choice((INTERRUPT, TERMINATE, KILL))
        delay = chance.uniform(0, 1.05 * trial.seconds[name])
        status, problems = trial.try_once(name, number, delay)
        statuses[status] = statuses.get(status, 0) + 1
        wrong += [f"run {run}, {name}, {number.name} after {delay:.3f} s: {problem}" for problem in problems]
        for file in trial.out.iterdir():
            if not file.name.startswith("."):
                file.unlink()
    for file in trial.out.iterdir():  # parts of reports are removed once they are a minute old
        os.utime(file, (time.time() - 120,) * 2)
    for name in trial.commands:
        process = trial.start(name)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    expected = {file for files in trial.whole.values() for file in files}
    if set(trial.files()) != expected:
        wrong.append(f"after the next runs: {sorted(set(trial.files()) ^ expected)}")
    shutil.rmtree(folder)
    return statuses, wrong


def test_kill_runs(tmp_path):
    statuses, wrong = kill_runs(tmp_path / "kill", RUNS, SEED)
    print(f"{RUNS} runs, seed {SEED}: statuses {statuses}")
    assert not wrong, "\n".join(wrong)
