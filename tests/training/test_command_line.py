# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes that a person can mend end a command with a sentence, never with a traceback."""

import errno
import warnings

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import recipe
from training.command_line import mendable, refusing
from training.toy.__main__ import main as toy_main
from training.train import checkpoint
from training.train.__main__ import main as train


def ended(error, **more):
    @refusing("bench: ", **more)
    def main(arguments=None):
        raise error

    return main([])


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/a/best.pt"), "The disk is full (runs/a/best.pt). Make"),
        (PermissionError(errno.EACCES, "Permission denied", "/runs"), "no permission to write /runs"),
        (FileExistsError(errno.EEXIST, "File exists", "run"), "run is a file, where a folder is meant"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "run/a"), "run/a is a file"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "out"), "out is a folder, where a file is meant"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.toml"), "There is no x.toml"),
        (MemoryError("Unable to allocate 58 GiB"), "not enough memory: Unable to allocate 58 GiB. Lower samples"),
        (torch.OutOfMemoryError("CUDA out of memory"), "not enough memory: CUDA out of memory"),
        (LulcError("It is wrong.", "Mend it."), "It is wrong. Mend it."),
    ],
)
def test_a_sentence_with_the_remedy(error, says, capsys):
    assert ended(error) == 2
    said = capsys.readouterr().err
    assert said.startswith("bench: ") and says in said and "Traceback" not in said


def test_what_pytorch_says_of_the_processors_memory(capsys):
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**52)
    assert ended(caught.value) == 2 and "not enough memory" in capsys.readouterr().err


def test_faults_of_the_program_keep_their_traceback():
    for error in (RuntimeError("shapes differ"), OSError("odd"), ValueError("x")):
        with pytest.raises(type(error)):
            ended(error)
    assert mendable(RuntimeError("shapes differ")) is None


def test_ctrl_c_and_warnings(capsys):
    assert ended(KeyboardInterrupt(), stopped="stopped; --resume goes on") == 130
    assert "--resume" in capsys.readouterr().err

    @refusing()
    def main(arguments=None):
        warnings.warn("12 pixels are odd", stacklevel=1)
        return 0

    assert main([]) == 0 and capsys.readouterr().err == "Warning: 12 pixels are odd\n"


def test_commands_on_a_file_where_a_folder_is_meant(toy, recipe_file, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train([str(recipe_file), "--data", str(toy), "--run", str(tmp_path / "file")]) == 2
    assert "file is a file, where a folder is meant" in capsys.readouterr().err
    assert toy_main([str(tmp_path / "file" / "more")]) == 2


def test_a_full_disk_leaves_the_checkpoint_before(toy, recipe_file, tmp_path, capsys, monkeypatch):
    line = [str(recipe_file), "--data", str(toy), "--run", str(tmp_path / "run"), "--cache", str(tmp_path / "c")]
    assert train([*line, "--stop-at", "2"]) == 0

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(checkpoint, "write_whole", full)
    assert train([*line, "--resume"]) == 2
    assert "The disk is full" in capsys.readouterr().err
    monkeypatch.undo()
    assert train([*line, "--resume"]) == 0


def test_a_run_may_be_lengthened_and_nothing_else_changed(toy, recipe_file, tmp_path, capsys):
    line = [str(recipe_file), "--data", str(toy), "--run", str(tmp_path / "run"), "--cache", str(tmp_path / "c")]
    assert train(line) == 0
    assert train([*line, "--resume", "--set", "run.steps=9"]) == 0
    assert "lengthened by 3 steps" in capsys.readouterr().out
    assert checkpoint.read(tmp_path / "run" / "last.pt")["step"] == 9
    assert train([*line, "--resume", "--set", "run.steps=12", "--set", "run.size=64"]) == 2
    assert train([*line, "--resume", "--set", "run.steps=4"]) == 2
    assert "another recipe" in capsys.readouterr().err


@pytest.mark.parametrize("index", [3, -1, 99])
def test_hardest_classes_that_are_none(recipe_file, index):
    part = {"set": "sure", "loss": [{"term": "hardest_classes", "indices": [0, index]}]}
    with pytest.raises(LulcError, match=f"index {index}; the 3 classes"):
        recipe.read(recipe_file, {"data": [part]})
