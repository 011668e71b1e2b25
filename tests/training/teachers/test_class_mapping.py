# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of a teacher among those of the student."""

import numpy as np
import pytest

pytest.importorskip("msgspec", reason="msgspec is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


from lulc_plugin.errors import LulcError
from training.teachers.class_mapping import class_map

CLASSES = ("lake", "wood", "lawn")


LEGEND = ("Water", "Trees")


def test_shares_add_up_and_sum_to_one():
    shares = np.array([0.2, 0.25, 0.35, 0.2], np.float32)[:, None, None]
    mapped, known = class_map(["a", "b", "c", "odd"], {"A": "x", "b": "y", "c": "Y"}, ["X", "Y"], 0.3).student(shares)
    np.testing.assert_allclose(mapped[:, 0, 0], [0.25, 0.75], rtol=1e-6)
    assert known.all()


def test_unsure_pixels_and_classes_without_a_place_are_left_out():
    shares = np.array([[0.36, 0.34, 0.1], [0.34, 0.33, 0.1], [0.3, 0.33, 0.8]], np.float32)[:, None, :]
    _, known = class_map(["a", "b", "odd"], {"a": "x", "b": "y"}, ["x", "y"], 0.35).student(shares)
    assert known.tolist() == [[True, False, False]]


def test_equal_names_need_no_table():
    mapping = class_map(["bare_soil", "Trees", "snow"], {}, ["Trees", "Bare soil"], 0)
    assert mapping.targets == (1, 0, -1)
    with pytest.raises(LulcError, match="None of the teacher's classes"):
        class_map(["a"], {}, ["b"], 0)


@pytest.mark.parametrize("table", [{"tree": "Trees"}, {"wood": "Tree"}])
def test_names_that_nobody_has(table):
    with pytest.raises(LulcError, match="tree|Tree"):
        class_map(CLASSES, table, LEGEND, 0)
