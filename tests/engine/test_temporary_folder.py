# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of killed runs are removed by the next run, those of running ones never."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lulc_plugin import unfinished
from lulc_plugin.temporary_folder import temporary_folder

CHECKOUT = Path(__file__).resolve().parents[2]
HOUR_AGO = time.time() - 3600
posix = pytest.mark.skipif(os.name != "posix", reason="file locks of POSIX")
WORK = """
import sys, time
from pathlib import Path
from lulc_plugin.temporary_folder import temporary_folder
with temporary_folder(".import-", Path(sys.argv[1])) as folder:
    (folder / "net.onnx").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def aged(*paths):
    for path in paths:
        os.utime(path, (HOUR_AGO, HOUR_AGO), follow_symlinks=False)


def working(parent):
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", WORK, str(parent)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    folder = Path(process.stdout.readline().strip())
    aged(folder / ".lulc-lock", folder / "net.onnx", folder)
    return process, folder


def sweep(parent):
    with temporary_folder(".import-", parent) as folder:
        assert folder.parent == parent
    assert not folder.exists()


@posix
def test_a_killed_run_and_a_running_one(tmp_path):
    process, folder = working(tmp_path)
    try:
        sweep(tmp_path)
        assert (folder / "net.onnx").exists()  # somebody is at work there, however old it looks
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        sweep(tmp_path)
        assert not folder.exists()
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()


def test_only_what_is_old_and_has_the_prefix(tmp_path):
    for name in (".import-young", ".import-old", "other-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.onnx").write_bytes(b"x")
    (tmp_path / ".import-file").write_bytes(b"x")
    aged(*(tmp_path / name for name in (".import-old", "other-old", ".import-file")))
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".import-file", ".import-young", "other-old"]


@posix
def test_no_link_is_followed(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.txt").write_text("x")
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / ".import-link").symlink_to(mine)
    (folder / ".import-lock").mkdir()
    (folder / ".import-lock" / ".lulc-lock").symlink_to(mine / "a.txt")
    (folder / ".import-inside").mkdir()
    (folder / ".import-inside" / "link").symlink_to(mine)
    aged(folder / ".import-link", folder / ".import-lock", folder / ".import-inside", mine, mine / "a.txt")
    sweep(folder)
    assert (mine / "a.txt").read_text() == "x"
    assert sorted(p.name for p in folder.iterdir()) == [".import-link", ".import-lock"]


@posix
@pytest.mark.skipif(not hasattr(os, "chown") or os.getuid() != 0, reason="root may give a folder away")
def test_what_belongs_to_another_user_stays(tmp_path):
    (tmp_path / ".import-theirs").mkdir()
    os.chown(tmp_path / ".import-theirs", 12345, 12345)
    aged(tmp_path / ".import-theirs")
    sweep(tmp_path)
    assert (tmp_path / ".import-theirs").is_dir()


def test_the_end_of_the_process_removes_it(tmp_path):
    with temporary_folder(".import-", tmp_path) as folder:
        (folder / "a").write_text("x")
        for removal in list(unfinished._removals):
            removal()
        assert not folder.exists()
