# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands run by a user who may not read or write everything: a sentence and exit status 1, never a traceback."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_kill_runs import FORBIDDEN, Trial  # noqa: E402

NOBODY = 65534
MODELS = Path(__file__).resolve().parents[2] / "models"
pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to run commands as another user"
)


@pytest.fixture(scope="module")
def trial():
    """pytest's own folders are closed to other users."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    made = Trial(folder / "runs")
    yield made
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def clean(trial):
    trial.out.chmod(0o777)
    trial.folder.chmod(0o755)
    yield
    trial.out.chmod(0o777)
    for name in ("scene.tif", "classes.tif"):
        (trial.folder / name).chmod(0o644)
    shutil.rmtree(trial.out)
    trial.out.mkdir()


def run(trial, *words, **variables):
    environment = {**trial.environment, "HOME": str(trial.out), **variables}
    command = [sys.executable, "-m", "lulc_plugin", *words]
    return subprocess.run(
        command, cwd="/", env=environment, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def refused(ended, *words):
    """It says each of `words` in its last line and nothing of Python."""
    last = (ended.stderr.splitlines() or [""])[-1]
    assert ended.returncode == 1, ended.stderr
    assert last.startswith("Error: "), ended.stderr
    for word in words:
        assert word in last
    assert not [word for word in set(FORBIDDEN) - {"Error"} if word in ended.stderr], ended.stderr


@pytest.mark.parametrize("name", ["classify", "assess", "compare", "check"])
def test_the_user_may_do_it_at_all(trial, name):
    ended = run(trial, *trial.commands[name])
    assert ended.returncode == 0, ended.stderr
    assert set(trial.files()) == set(trial.whole[name])


@pytest.mark.parametrize("name", ["classify", "assess", "compare", "check"])
def test_a_folder_that_takes_no_files(trial, name):
    trial.out.chmod(0o755)
    refused(run(trial, *trial.commands[name]), str(trial.out))
    assert trial.files() == {}


@pytest.mark.parametrize("name", ["classify", "assess", "compare", "check"])
def test_a_folder_that_shows_nothing(trial, name):
    trial.out.chmod(0o700)
    refused(run(trial, *trial.commands[name]), str(trial.out))
    assert trial.files() == {}


@pytest.mark.parametrize("name", ["classify", "assess", "compare", "check"])
def test_an_input_that_cannot_be_read(trial, name):
    path = Path(trial.commands[name][1])
    path.chmod(0o600)
    refused(run(trial, *trial.commands[name]), str(path))
    assert trial.files() == {}


def test_a_folder_of_inputs_that_takes_no_side_files(trial):
    """GDAL likes to keep statistics beside a raster."""
    before = sorted(trial.folder.iterdir())
    assert run(trial, *trial.commands["assess"]).returncode == 0
    assert sorted(trial.folder.iterdir()) == before


@pytest.mark.parametrize("ending", [".csv", ".geojson"])
def test_a_reference_that_cannot_be_read(trial, ending):
    path = trial.folder / f"reference{ending}"
    path.write_text("lon,lat,ref_class\n1,2,3\n")
    path.chmod(0o600)
    refused(run(trial, "assess", trial.commands["assess"][1], str(path)), str(path))
    path.unlink()


@pytest.mark.parametrize("mode", [0o700, 0o311])
def test_a_folder_of_networks_that_cannot_be_read(trial, mode):
    """Those that come along are still there."""
    folder = trial.folder / f"networks{mode:o}"
    folder.mkdir()
    for file in MODELS.glob("*unet-v1.*"):
        shutil.copy(file, folder)
    folder.chmod(mode)
    ended = run(trial, *trial.commands["classify"], LULC_MODELS=str(folder))
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 0 or ended.returncode == 1 and str(folder) in ended.stderr, ended.stderr
    assert ended.returncode == 1 or str(folder) in ended.stderr, "not a word of that folder"
    shutil.rmtree(folder)


def test_a_network_that_cannot_be_read(trial):
    folder = trial.folder / "networks"
    folder.mkdir()
    for file in MODELS.glob("optical*unet-v1.*"):
        shutil.copy(file, folder / f"mine{file.suffix}")
    (folder / "mine.onnx").chmod(0o600)
    refused(run(trial, *trial.commands["classify"], "--model", str(folder / "mine.onnx")), "mine.onnx")
    (folder / "mine.onnx").chmod(0o644)
    (folder / "mine.json").chmod(0o600)
    refused(run(trial, *trial.commands["classify"], "--model", str(folder / "mine.onnx")), "mine.json")
    shutil.rmtree(folder)


@pytest.mark.parametrize("home", ["/root", "/nonexistent", "/proc", ""])
def test_a_home_that_takes_no_files(trial, home):
    ended = run(trial, *trial.commands["classify"], HOME=home)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert set(trial.files()) == set(trial.whole["classify"])


@pytest.mark.parametrize("name", ["classify", "assess", "compare", "check"])
def test_an_output_of_another_user_that_may_not_be_replaced(trial, name):
    """As in /tmp, where everybody may write, and nobody may rename or remove what is another's."""
    trial.out.chmod(0o1777)
    for file in trial.whole[name]:
        (trial.out / file).write_text("kept")
    refused(run(trial, *trial.commands[name]), str(trial.out))
    assert set(trial.files()) == set(trial.whole[name])
    assert {(trial.out / file).read_text() for file in trial.files()} == {"kept"}


@pytest.mark.parametrize("beside", ["map.tif.aux.xml", "map.qml"])
def test_a_side_file_of_another_user(trial, beside):
    trial.out.chmod(0o1777)
    (trial.out / beside).write_text("kept")
    refused(run(trial, *trial.commands["classify"]), str(trial.out))
    assert trial.files() == {beside: 4}


def test_an_output_of_another_user_in_a_folder_of_ones_own(trial):
    """That may be replaced, whoever wrote it."""
    (trial.out / "map.tif").write_text("old")
    (trial.out / "map.tif").chmod(0o600)
    ended = run(trial, *trial.commands["classify"])
    assert ended.returncode == 0, ended.stderr
    assert set(trial.files()) == set(trial.whole["classify"])
