# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of teachers: what a table says is taken, what makes no sense is refused."""

import pytest

pytest.importorskip("msgspec", reason="msgspec is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


from lulc_plugin.errors import LulcError
from training.teachers.teacher_settings import Stays, parse


def test_settings_of_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_WEIGHTS", str(tmp_path / "w"))
    table = {"file": "$MY_WEIGHTS/t.onnx", "classes": {"wood": "Trees"}, "least_sure": 1, "coarse_bands": ["swir16"],
             "stays": {"name": "Trees", "band": "red", "above": 0.2}, "l1c_like": {"blue": [1, 0]}}  # fmt: skip
    (settings,) = parse(table, tmp_path)
    assert settings.file == tmp_path / "w" / "t.onnx" and settings.least_sure == 1.0
    assert settings.stays == Stays("Trees", "red", 0.2) and settings.l1c_like == {"blue": (1.0, 0.0)}
    both = parse([{"file": "a.onnx"}, {"file": "b.onnx", "weight": 2}], tmp_path)
    assert [s.file for s in both] == [tmp_path / "a.onnx", tmp_path / "b.onnx"] and both[1].weight == 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"leastsure": 1}, "leastsure"),
        ({"surface": "never"}, "never"),
        ({"least_sure": 1.5}, "1.5"),
        ({"weight": 0}, "weight"),
        ({"coarse_bands": ["B11"]}, "B11"),
        ({"stays": {"name": "Trees"}}, "band"),
        ({"l1c_like": {"red": 3}}, "l1c_like is"),
        ({"file": "$NOT_SET_AT_ALL/x.onnx"}, "NOT_SET_AT_ALL"),
        ({"file": 3}, "file"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, change, message):
    with pytest.raises(LulcError, match=message):
        parse({"file": "a.onnx", **change}, tmp_path)
