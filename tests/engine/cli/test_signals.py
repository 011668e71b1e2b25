# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of the shell that is stopped, halted, or has nobody to talk to."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FAULTS = Path(__file__).resolve().parents[2] / "faults" / "test_kill_runs.py"
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals and /proc")


@pytest.fixture(scope="module")
def faults():
    """The trial of many runs, of which this is the short form."""
    spec = importlib.util.spec_from_file_location("kill_runs", FAULTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trial(faults, tmp_path_factory):
    return faults.Trial(tmp_path_factory.mktemp("trial") / "runs")


@pytest.fixture
def out(trial):
    """The folder of outputs, empty before and after."""
    yield trial.out
    trial.clear()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU])
def test_stopped_while_packages_load(trial, out, number):
    process = trial.start("classify")
    process.send_signal(number)
    printed, told = process.communicate(timeout=30)
    assert (process.returncode, printed, told) == (128 + number, "", "Stopped; no result was written.\n")
    assert trial.files() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["classify", "assess"])
def test_stopped_in_the_middle(trial, out, name, number):
    status, wrong = trial.try_once(name, number, 0.6 * trial.seconds[name])
    assert not wrong
    assert status in (0, 128 + number)


def test_stopped_with_files_in_the_making(trial, out):
    process = trial.start("classify")
    while process.poll() is None and not any(name.endswith(".lock") for name in trial.files()):
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 143 and told.endswith("Stopped; no result was written.\n")
    assert trial.files() == {}


def test_a_signal_that_is_ignored_stays_ignored(trial, out):
    """As nohup wants it, and a shell for what runs in its background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = trial.start("check")
    finally:
        signal.signal(signal.SIGINT, before)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_halted_and_continued(trial, out):
    process = trial.start("classify")
    for _ in range(3):
        time.sleep(0.2 * trial.seconds["classify"])
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        process.send_signal(signal.SIGCONT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert set(trial.files()) == set(trial.whole["classify"])


@pytest.mark.parametrize(
    "redirection, status, told",
    [
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        (">&- 2>&-", 0, ""),
        ("| true", 0, ""),
        (">/dev/full", 1, "Error: The result cannot be printed: No space left on device. Written before that: "),
    ],
)
@pytest.mark.parametrize("name", ["classify", "assess"])
def test_nobody_to_talk_to(trial, out, name, redirection, status, told):
    """The files are written all the same."""
    words = [sys.executable, "-m", "lulc_plugin", *trial.commands[name]]
    line = f'set -o pipefail; "$@" {redirection}'
    environment = {**os.environ, "PYTHONPATH": str(FAULTS.parents[2])}
    ended = subprocess.run(
        ["bash", "-c", line, "bash", *words], env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == status, ended.stderr
    assert told in ended.stderr and "Traceback" not in ended.stderr and "Exception" not in ended.stderr
    assert set(trial.files()) == set(trial.whole[name])


def test_the_main_thread_takes_no_signal(trial, out):
    """There the system would wait for it to leave a call, and a drive that does not answer keeps it for ever."""
    process = trial.start("check")
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if ":" in line
    )
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        assert int(status["SigBlk"], 16) >> (number - 1) & 1
    assert process.returncode == 143


def test_a_few_runs_of_the_trial(faults, tmp_path):
    _, wrong = faults.kill_runs(tmp_path / "kill", 4, 1)
    assert not wrong, "\n".join(wrong)
