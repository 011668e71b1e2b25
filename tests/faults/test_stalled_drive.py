# SPDX-License-Identifier: GPL-3.0-or-later
"""A drive that stops to answer, or vanishes, in the middle of a run: a signal still ends it, and says what there is.

LULC_FAULT_STALLS is the number of runs (24), LULC_FAULT_SEED the seed of the moments; a failure names the run.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_kill_runs import FORBIDDEN, Trial  # noqa: E402

SERVER = Path(__file__).with_name("stalling_drive.py")
RUNS = int(os.environ.get("LULC_FAULT_STALLS", "24"))
SEED = int(os.environ.get("LULC_FAULT_SEED", "21"))
#: seconds after which a run that waits for a drive has to end once it gets a signal
PATIENCE = 6.0
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK),
    reason="needs root and /dev/fuse, for a file system of its own",
)


class Drive:
    """A folder with inputs and outputs, and the same folder on a drive that can be made to wait."""

    def __init__(self, folder):
        self.trial = Trial(folder / "real")
        self.mount, self.stall = folder / "drive", folder / "stall"
        self.mount.mkdir()
        self.server = None

    def open(self):
        words = [sys.executable, str(SERVER), str(self.trial.folder), str(self.mount), str(self.stall)]
        self.server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "mounted\n"

    def close(self):
        self.stall.unlink(missing_ok=True)
        self.server.terminate()
        self.server.wait(20)
        self.server.stdout.close()

    def words(self, name, place):
        """The command called `name` with its `place` (inputs or outputs) on the drive."""
        here, there = str(self.trial.folder), str(self.mount)
        out = str(self.trial.out)
        for word in self.trial.commands[name]:
            if word.startswith(out):
                yield word.replace(here, there) if place == "outputs" else word
            else:
                yield word.replace(here, there) if place == "inputs" else word

    def run(self, name, place, after):
        """Start it, let the drive stall after so many requests, wait until it waits or has ended."""
        usual = self.trial.commands[name]
        self.trial.commands[name] = list(self.words(name, place))
        self.stall.write_text(str(after))
        try:
            process = self.trial.start(name)
        finally:
            self.trial.commands[name] = usual
        return process


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    made = Drive(tmp_path_factory.mktemp("stalled"))
    made.open()
    yield made
    made.close()


def _wait(process, seconds):
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def test_a_signal_ends_a_run_that_waits(drive):
    """A few calls of rasterio hold Python's lock while they wait: there the answer comes with the drive's."""
    chance, wrong, outcomes = random.Random(SEED), [], Counter()
    for run in range(RUNS):
        name, place = chance.choice(sorted(drive.trial.commands)), chance.choice(("inputs", "outputs"))
        after = int(10 ** chance.uniform(0, 2.7)) - 1
        process = drive.run(name, place, after)
        status = _wait(process, 3 * drive.trial.seconds[name] + 0.5)
        ending = "done before" if status is not None else "stopped"
        if status is None:
            process.send_signal(signal.SIGINT)
            if _wait(process, PATIENCE) is None:
                ending = "held"
        drive.stall.unlink()
        errors = process.communicate(timeout=PATIENCE)[1]
        what = f"run {run}, {name}, {place} on the drive, {after} requests, {ending}: "
        if process.returncode != (0 if ending == "done before" else 130):
            wrong.append(what + f"status {process.returncode}: {errors}")
        wrong += [what + f"says {word}: {errors}" for word in FORBIDDEN if word in errors]
        outcomes[f"{place}, {ending}"] += 1
        drive.trial.clear()
    print(dict(sorted(outcomes.items())))
    assert not wrong, "\n".join(wrong)
    assert sum(n for ending, n in outcomes.items() if "held" in ending) <= RUNS / 4, outcomes


def test_a_drive_that_vanishes_is_an_error(drive):
    """A sentence and exit status 1, or the whole result where all was read and written before."""
    chance, wrong, outcomes = random.Random(SEED), [], Counter()
    for run in range(max(4, RUNS // 3)):
        name, place = chance.choice(sorted(drive.trial.commands)), ("inputs", "outputs")[run % 2]
        process = drive.run(name, place, int(10 ** chance.uniform(0.5, 2.5)))
        status = _wait(process, drive.trial.seconds[name] + 0.5)
        drive.close()
        errors = process.communicate(timeout=60)[1]
        drive.open()
        outcomes[place, process.returncode] += 1
        last = (errors.splitlines() or [""])[-1]
        what = f"run {run}, {name}, {place} on the drive: "
        if process.returncode not in ((1,) if status is None else (0, 1)):
            wrong.append(what + f"status {process.returncode}: {errors}")
        elif process.returncode and not last.startswith("Error: "):
            wrong.append(what + f"says {last}")
        wrong += [what + f"says {word}: {errors}" for word in FORBIDDEN if word in errors.replace("Error: ", "", 1)]
        drive.trial.clear()
    print({" ".join(map(str, k)): n for k, n in sorted(outcomes.items())})
    assert not wrong, "\n".join(wrong)


CANCELLED = """
import sys, threading, time
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.errors import CancelledError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput

class Button(Progress):
    pressed = 0.0
    @property
    def cancelled(self):
        return bool(self.pressed)

button = Button()
def press():
    button.pressed = time.monotonic()
threading.Timer(float(sys.argv[3]), press).start()
try:
    classify(ClassifyJob(layer=RasterInput(sys.argv[1]), threads=1), sys.argv[2], button)
    print("done 0")
except CancelledError:
    print("cancelled", time.monotonic() - button.pressed, flush=True)
import os
os._exit(0)
"""


def test_a_cancel_is_answered(drive):
    """As in QGIS, where a run is a function that looks whether Cancel was pressed."""
    chance, wrong, outcomes = random.Random(SEED), [], Counter()
    for run in range(max(4, RUNS // 3)):
        place = ("inputs", "outputs")[run % 2]
        _, scene, out, *_ = drive.words("classify", place)
        after = int(10 ** chance.uniform(0, 2.5)) - 1
        drive.stall.write_text(str(after))
        delay = drive.trial.seconds["classify"] + 0.5
        words = [sys.executable, "-c", CANCELLED, scene, out, str(delay)]
        process = subprocess.Popen(words, env=drive.trial.environment, stdout=subprocess.PIPE, text=True)
        ending = "held" if _wait(process, 2 * delay + PATIENCE) is None else "answered"
        drive.stall.unlink()
        said = process.communicate(timeout=60)[0].split()
        if said[:1] not in (["cancelled"], ["done"]) or float(said[1]) > PATIENCE and ending != "held":
            wrong.append(f"run {run}, {place}, {after} requests, {ending}: {process.returncode} {said}")
        outcomes[f"{place}, {said[0] if said else ''}, {ending}"] += 1
        drive.trial.clear()
    print(dict(sorted(outcomes.items())))
    assert not wrong, "\n".join(wrong)
    assert sum(n for ending, n in outcomes.items() if "held" in ending) <= RUNS / 8, outcomes
