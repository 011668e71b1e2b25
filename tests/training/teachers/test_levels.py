# SPDX-License-Identifier: GPL-3.0-or-later
"""How a teacher is asked: twice on surface reflectance, coarse bands interpolated."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("msgspec", reason="msgspec is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


from lulc_plugin.errors import LulcError
from training.teachers import levels
from training.teachers.class_mapping import class_map
from training.teachers.teacher_settings import Stays, TeacherSettings


def _fake(raw, like):
    """A teacher of two classes that says `raw` below and `like` above a red of 0.5."""

    def ask(bands, valid):
        first = np.where(bands["red"] > 0.5, like, raw)
        return np.stack([first, 1 - first]).astype(np.float32)

    return ask


def test_twice_asked_is_believed_where_both_agree():
    settings = TeacherSettings("none", surface="by_level", l1c_like={"red": (1.0, 0.5)})
    classes = class_map(["x", "y"], {}, ["x", "y"], 0.35)
    bands, valid = {"red": np.array([[0.2, 0.3, 0.1]], np.float32)}, np.array([[True, True, False]])
    raw, like = np.array([[0.9, 0.9, 0.9]]), np.array([[0.7, 0.2, 0.7]])
    shares, known = levels.answer(_fake(raw, like), classes, settings, ("x", "y"), bands, valid, "L2A")
    assert known.tolist() == [[True, False, False]]
    # the second answer is the one that is taken
    np.testing.assert_allclose(shares[0], like, atol=1e-6)
    shares, known = levels.answer(_fake(raw, like), classes, settings, ("x", "y"), bands, valid, "L1C")
    np.testing.assert_allclose(shares[0], raw, atol=1e-6)
    assert known.tolist() == [[True, True, False]]


def test_bright_bare_ground_stays():
    settings = TeacherSettings("none", surface="agree", l1c_like={"red": (1.0, 0.5)}, stays=Stays("x", "red", 0.25))
    classes = class_map(["x", "y"], {}, ["x", "y"], 0.35)
    bands, valid = {"red": np.array([[0.2, 0.3]], np.float32)}, np.ones((1, 2), bool)
    raw, like = np.array([[0.9, 0.9]]), np.array([[0.2, 0.2]])
    shares, known = levels.answer(_fake(raw, like), classes, settings, ("x", "y"), bands, valid)
    assert known.tolist() == [[False, True]]
    assert shares[0, 0, 1] == pytest.approx(0.9)
    doubtful = class_map(["x", "y"], {}, ["x", "y"], 0.95)
    assert not levels.answer(_fake(raw, like), doubtful, settings, ("x", "y"), bands, valid)[1].any()
    with pytest.raises(LulcError, match="'z'"):
        wrong = replace(settings, stays=Stays("z", "red", 0.25))
        levels.answer(_fake(raw, like), classes, wrong, ("x", "y"), bands, valid)


def test_coarse_bands_are_interpolated(rng):
    coarse = rng.random((4, 5)).astype(np.float32)
    band = np.repeat(np.repeat(coarse, 2, 0), 2, 1)[:, :9]
    fine = levels.interpolated(band, np.ones(band.shape, bool))
    # centres of small pixels lie a quarter of a large one off
    wanted = 0.75 * (0.75 * coarse[1, 2] + 0.25 * coarse[1, 1]) + 0.25 * (0.75 * coarse[0, 2] + 0.25 * coarse[0, 1])
    assert fine[2, 4] == pytest.approx(wanted, rel=1e-5)
    assert fine[0, 0] == coarse[0, 0]
    valid = np.ones(band.shape, bool)
    valid[:2, 2:4] = False
    holed = np.where(valid, band, np.float32(9e9))
    assert holed[0, 1] == band[0, 1] and levels.interpolated(holed, valid)[0, 1] == pytest.approx(coarse[0, 0])


def test_only_the_coarse_bands_named_are_interpolated():
    seen = {}

    def ask(bands, valid):
        seen.update(bands)
        return np.ones((1, *valid.shape), np.float32)

    band = np.repeat(np.repeat(np.arange(6, dtype=np.float32).reshape(2, 3), 2, 0), 2, 1)
    settings = TeacherSettings("none", coarse_bands=("nir",))
    valid = np.ones(band.shape, bool)
    levels.answer(ask, class_map(["x"], {}, ["x"], 0), settings, ("x",), {"red": band, "nir": band}, valid)
    assert seen["red"][1, 1] == 0 and seen["nir"][1, 1] == pytest.approx(1.0)
