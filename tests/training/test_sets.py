# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets: units, labels of one and of several classes, splits by place, what is refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError  # noqa: E402
from training import recipe  # noqa: E402
from training.sets.chips import fingerprint, load  # noqa: E402
from training.sets.description import describe  # noqa: E402
from training.train.parts import material  # noqa: E402

BANDS, NAMES = ("nir", "red"), ("Water", "Trees", "Bare")


def test_bands_by_name_and_reflectance(toy):
    description = describe(toy, "sure")
    chips = load(description, ("train",), BANDS, NAMES)
    assert len(chips) == 4 and chips[0].values.shape == (2, 64, 64)
    trees = chips[0].labels == 2
    assert chips[0].values[0][trees].mean() == pytest.approx(0.3, abs=0.01)
    assert chips[0].values[1][trees].mean() == pytest.approx(0.03, abs=0.005)
    assert chips[0].sure and set(np.unique(chips[0].labels)) == {1, 2}


def test_coarse_labels_allow_several_classes(toy):
    chips = load(describe(toy, "coarse"), ("train",), BANDS, NAMES)
    assert not chips[0].sure and chips[0].picture
    assert set(np.unique(chips[0].labels)) == {1, 4}
    assert chips[0].allowed[1].tolist() == [True, False, False]
    assert chips[0].allowed[4].tolist() == [False, True, True]


def test_a_band_that_the_set_lacks_is_invalid(toy):
    chips = load(describe(toy, "sure"), ("val",), ("red", "swir16"), NAMES)
    assert chips[0].present == (True, False)
    assert chips[0].band_valid[0].all() and not chips[0].band_valid[1].any()


def test_the_offset_of_new_products_is_taken_off(toy):
    path = toy / "plain" / "split.csv"
    before = load(describe(toy, "plain"), ("unlabelled",), BANDS, NAMES)[0].values
    path.write_text(path.read_text().replace(",no", ",yes"))
    after = load(describe(toy, "plain"), ("unlabelled",), BANDS, NAMES)[0].values
    assert np.allclose(after, np.maximum(before - 0.1, 0), atol=1e-6)


def test_fingerprints_tell_data_apart(toy):
    chips = load(describe(toy, "sure"), ("train",), BANDS, NAMES)
    first = fingerprint(chips)
    assert first == fingerprint(load(describe(toy, "sure"), ("train",), BANDS, NAMES))
    chips[0].labels[0, 0] = 0
    assert fingerprint(chips) != first


def test_refusals(toy, tmp_path, recipe_file):
    with pytest.raises(LulcError, match="no data set nowhere"):
        describe(toy, "nowhere")
    with pytest.raises(LulcError, match="'Trees'"):
        load(describe(toy, "sure"), ("train",), BANDS, ("Water", "Bare"))
    with pytest.raises(LulcError, match="no image of the split"):
        load(describe(toy, "sure"), ("autumn",), BANDS, NAMES)
    loss = [{"term": "partial_ce"}]
    with pytest.raises(LulcError, match="evaluation only"):
        material(recipe.read(recipe_file, {"data": [{"set": "kept", "loss": loss}]}), toy, tmp_path)
    with pytest.raises(LulcError, match="evaluation only"):
        material(recipe.read(recipe_file, {"check": [{"set": "kept", "splits": ["train"]}]}), toy, tmp_path)
    with pytest.raises(LulcError, match="no labelled pixel"):
        part = {"set": "plain", "splits": ["unlabelled"], "loss": loss}
        material(recipe.read(recipe_file, {"data": [part]}), toy, tmp_path)


def test_a_place_in_two_splits_is_refused(torn, tmp_path, recipe_file):
    part = {"set": "torn", "loss": [{"term": "partial_ce"}]}
    with pytest.raises(LulcError, match="The place g both trains"):
        material(recipe.read(recipe_file, {"data": [part], "check": [{"set": "torn"}]}), torn, tmp_path)


def test_a_few_labelled_pixels_an_image(toy, tmp_path, recipe_file):
    part = {"set": "sure", "sparse": 10, "loss": [{"term": "partial_ce"}]}
    one, two = (material(recipe.read(recipe_file, {"data": [part]}), toy, tmp_path).training[0] for _ in range(2))
    assert [int((c.labels > 0).sum()) for c in one] == [10] * 4
    assert all(np.array_equal(a.labels, b.labels) for a, b in zip(one, two, strict=True))
    other = material(recipe.read(recipe_file, {"data": [part], "run.seed": 1}), toy, tmp_path).training[0]
    assert any(not np.array_equal(a.labels, b.labels) for a, b in zip(one, other, strict=True))
