# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a process whose unfinished files lie on a drive that does not answer."""

import threading
import time

import pytest

from lulc_plugin import unfinished


@pytest.fixture(autouse=True)
def open_again(monkeypatch):
    """`remove_all` is for the end of a process, and this one goes on."""
    monkeypatch.setattr(unfinished, "_closed", False)
    monkeypatch.setattr(unfinished, "_removals", [])
    unfinished.forget_written()


def test_a_removal_that_never_ends_keeps_nobody_and_no_other_file(tmp_path):
    never, other = threading.Event(), tmp_path / "part"
    other.touch()
    unfinished.add(never.wait)
    unfinished.add(other.unlink)
    begun = time.monotonic()
    assert unfinished.remove_all(0.2) is False
    assert time.monotonic() - begun < 2
    assert not other.exists()
    assert "does not answer" in unfinished.stopped(False)
    never.set()


def test_files_that_can_be_removed_are(tmp_path):
    for name in "ab":
        (tmp_path / name).touch()
        unfinished.add((tmp_path / name).unlink)
    assert unfinished.remove_all(0.2) is True
    assert list(tmp_path.iterdir()) == []
    assert unfinished.stopped() == "Stopped; no result was written."


def test_what_is_there_when_a_result_is_just_put_in_place(tmp_path):
    """Nobody can know: the drive may yet do what it was asked."""
    with unfinished.placing():
        assert unfinished.remove_all(0.01) is True
        assert "look whether it is there" in unfinished.stopped()
        unfinished.note_written(tmp_path / "map.tif")
        assert str(tmp_path / "map.tif") in unfinished.stopped()
