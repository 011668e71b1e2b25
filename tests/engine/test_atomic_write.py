# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files are whole or not there; what killed runs left is removed; full devices are told of."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lulc_plugin import atomic_write, cli, unfinished
from lulc_plugin.errors import FileNotWritten, LulcError

CHECKOUT = Path(__file__).resolve().parents[2]
HOUR_AGO = time.time() - 3600


def listing(folder):
    return {p.name for p in folder.iterdir()}


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "report.html"
    unfinished.forget_written()
    atomic_write.write_whole(path, b"one")
    atomic_write.write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert listing(tmp_path) == {"report.html"}
    assert set(unfinished.written()) == {path}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_error_at_the_rename_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "report.html"
    path.write_text("old")

    def failing(*_):
        raise error

    monkeypatch.setattr(atomic_write.os, "replace", failing)
    with pytest.raises((FileNotWritten, KeyboardInterrupt)):
        atomic_write.write_report(path, b"new")
    assert listing(tmp_path) == {"report.html"}
    assert path.read_text() == "old"


KILL = "import os, sys; from pathlib import Path; from lulc_plugin import atomic_write as a; a.os.replace = lambda *_: os._exit(9); a.write_whole(Path(sys.argv[1]), b'x')"  # noqa: E501


def test_what_a_killed_run_left_is_removed(tmp_path):
    process = [sys.executable, "-c", KILL, str(tmp_path / "report.html")]
    assert subprocess.run(process, check=False, cwd=CHECKOUT).returncode == 9
    (left,) = listing(tmp_path)
    for name in (".mine.part", f"{left}.bak", "report.0123abcd.lulc-part"):
        (tmp_path / name).write_text("somebody else's")
        os.utime(tmp_path / name, (HOUR_AGO, HOUR_AGO))
    atomic_write.write_whole(tmp_path / "other.html", b"x")
    assert left in listing(tmp_path)  # it may just be being written
    os.utime(tmp_path / left, (HOUR_AGO, HOUR_AGO))
    atomic_write.write_whole(tmp_path / "other.html", b"x")
    assert listing(tmp_path) == {"other.html", ".mine.part", f"{left}.bak", "report.0123abcd.lulc-part"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no open file")
def test_what_another_run_is_writing_stays(tmp_path):
    import fcntl

    busy = tmp_path / ".report.html.0123abcd.lulc-part"
    busy.write_text("half")
    os.utime(busy, (HOUR_AGO, HOUR_AGO))
    with open(busy, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        atomic_write.write_whole(tmp_path / "other.html", b"x")
    assert busy.exists()


def test_a_file_that_is_read_is_not_written(tmp_path):
    (tmp_path / "a.onnx").write_text("network")
    (tmp_path / "link").symlink_to(tmp_path / "a.onnx")
    with pytest.raises(LulcError, match="this run reads"):
        atomic_write.refuse_same_file(tmp_path / "link", [tmp_path / "missing", tmp_path / "a.onnx"], "OUTPUT")


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@needs_full
def test_a_full_device_is_told_of_and_stays():
    with pytest.raises(FileNotWritten, match="No space left"):
        atomic_write.write_report(Path("/dev/full"), b"x")
    assert Path("/dev/full").is_char_device()


@needs_full
@pytest.mark.parametrize("command", [["--version"], ["check", "{image}"], ["check", "{image}", "--json"]])
def test_standard_output_on_a_full_disk(raster, scene, command):
    image = raster("a.tif", scene(40, 40))
    words = [sys.executable, "-m", "lulc_plugin", *(w.format(image=image) for w in command)]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(words, check=False, cwd=CHECKOUT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    if command != ["--version"]:
        assert "No space left" in ended.stderr


@pytest.mark.parametrize("written", [False, True])
def test_what_was_written_is_told_when_a_run_is_stopped(monkeypatch, capsys, written, tmp_path):
    def stopped(options):
        if written:
            atomic_write.write_whole(tmp_path / "report.html", b"x")
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.classify, "_classify", stopped)
    assert cli.main(["classify", "a.tif", "b.tif"]) == 130
    shown = capsys.readouterr().err
    assert ("no result was written" in shown) == (not written)
    assert ("report.html" in shown) == written
