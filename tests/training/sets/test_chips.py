# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets: units, labels of one and of several classes, splits by place, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from training import recipe
from training.sets.chips import fingerprint, load
from training.sets.description import describe
from training.train.batches import chances, channel_means
from training.train.training_data import load_training_data
from training.train.validation import spread_chips, validate

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
        load_training_data(recipe.read(recipe_file, {"data": [{"set": "kept", "loss": loss}]}), toy, tmp_path)
    with pytest.raises(LulcError, match="evaluation only"):
        load_training_data(recipe.read(recipe_file, {"check": [{"set": "kept", "splits": ["train"]}]}), toy, tmp_path)
    with pytest.raises(LulcError, match="no labelled pixel"):
        part = {"set": "plain", "splits": ["unlabelled"], "loss": loss}
        load_training_data(recipe.read(recipe_file, {"data": [part]}), toy, tmp_path)


def test_a_place_in_two_splits_is_refused(torn, tmp_path, recipe_file):
    part = {"set": "torn", "loss": [{"term": "partial_ce"}]}
    with pytest.raises(LulcError, match="The place g both trains"):
        load_training_data(recipe.read(recipe_file, {"data": [part], "check": [{"set": "torn"}]}), torn, tmp_path)


def test_a_few_labelled_pixels_an_image(toy, tmp_path, recipe_file):
    part = {"set": "sure", "sparse": 10, "loss": [{"term": "partial_ce"}]}
    one, two = (
        load_training_data(recipe.read(recipe_file, {"data": [part]}), toy, tmp_path).training[0] for _ in range(2)
    )
    assert [int((c.labels > 0).sum()) for c in one] == [10] * 4
    assert all(np.array_equal(a.labels, b.labels) for a, b in zip(one, two, strict=True))
    other = load_training_data(recipe.read(recipe_file, {"data": [part], "run.seed": 1}), toy, tmp_path).training[0]
    assert any(not np.array_equal(a.labels, b.labels) for a, b in zip(one, other, strict=True))


LOSS = [{"term": "partial_ce"}]


def rewritten(path, change, dtype=None, **profile):
    """Put `change(values)` into a raster, as another type where one is given."""
    rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")
    with rasterio.open(path) as dataset:
        values, kept = dataset.read(), dataset.profile
    values = change(values.astype(dtype or values.dtype))
    with rasterio.open(path, "w", **{**kept, "dtype": values.dtype, **profile}) as dataset:
        dataset.write(values)


def put(where, value):
    """A change that writes `value` to `where`."""

    def change(values):
        values[where] = value
        return values

    return change


def train(toy, name="sure"):
    return load(describe(toy, name), ("train",), BANDS, NAMES)


def test_pixels_that_are_no_numbers_are_invalid(toy):
    image = toy / "sure" / "images" / "s0.tif"
    rewritten(image, put((3, slice(0, 4)), np.nan), np.float32)
    rewritten(image, put((0, slice(4, 6)), np.inf))
    rewritten(image, put((2, slice(6, 8)), np.nan))
    chip = train(toy)[0]
    # rows 6 and 7 miss a band that nobody asked for
    assert not chip.valid[:6].any() and chip.valid[6:].all()
    assert np.isfinite(chip.values).all() and not chip.labels[:6].any() and chip.labels[6:].all()


def test_invalid_pixels_teach_nothing(toy, tmp_path, recipe_file):
    part = {"set": "sure", "sparse": 10, "loss": LOSS}
    usual = recipe.read(recipe_file, {"data": [part]})
    before = channel_means(usual, load_training_data(usual, toy, tmp_path).training)
    text = (toy / "sure" / "set.toml").read_text()
    (toy / "sure" / "set.toml").write_text(text.replace("[labels]", "nodata = 0\n[labels]", 1))
    for i in range(4):
        rewritten(toy / "sure" / "images" / f"s{i}.tif", put(np.s_[:, ::2], 0))
    chips = load_training_data(usual, toy, tmp_path).training[0]
    assert all(not c.valid[::2].any() and not c.labels[::2].any() and (c.labels > 0).sum() == 10 for c in chips)
    assert channel_means(usual, [chips]) == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("value", [257, -9999, 1.5, np.nan])
def test_labels_that_are_no_labels_are_refused(toy, value):
    path = toy / "sure" / "labels" / "s0.tif"
    dtype = np.int16 if isinstance(value, int) else np.float32
    rewritten(path, put((0, 0), value), dtype)
    with pytest.raises(LulcError, match=f"label {value}"):
        train(toy)
    rewritten(path, lambda v: v, nodata=value)
    labels = train(toy)[0].labels
    assert not labels[0].any() and labels[1:].all()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_labels_that_nobody_lists_are_counted(toy):
    rewritten(toy / "sure" / "labels" / "s0.tif", put((0, 0), 9))
    rewritten(toy / "sure" / "labels" / "s1.tif", put((0, 0), 7))
    with pytest.warns(UserWarning, match=r"sure, train: 128 pixels .* \(7, 9\)"):
        assert not train(toy)[0].labels[0].any()


def test_few_valid_pixels_speak_for_their_chip(toy, tmp_path, recipe_file):
    text = (toy / "sure" / "set.toml").read_text()
    (toy / "sure" / "set.toml").write_text(text.replace("[labels]", "nodata = 0\n[labels]", 1))

    def corner(values):
        keep = values[:, 0, 0].copy()
        values[:] = 0
        values[:, 0, 0] = keep
        return values

    rewritten(toy / "sure" / "images" / "s0.tif", corner)
    rewritten(toy / "sure" / "images" / "s1.tif", lambda values: values * 0)
    assert train(toy)[0].layer.shape == (2, 1)
    usual = recipe.read(recipe_file)
    # an image without a valid pixel is left out
    assert [c.name for c in load_training_data(usual, toy, tmp_path).training[0]] == ["s0.tif", "s2.tif", "s3.tif"]


def test_rarity_needs_labels(toy):
    chips = load(describe(toy, "plain"), ("unlabelled",), BANDS, NAMES)
    assert chances(chips, 0.0).tolist() == [1.0]
    with pytest.raises(LulcError, match=r"plain has no labels, but its rarity is 0\.5"):
        chances(chips, 0.5)


def test_a_check_runs_where_no_training_chip_has_a_label(toy, tmp_path, recipe_file):
    from training.networks.network_settings import NetworkSettings, build

    usual = recipe.read(recipe_file)
    chips = load_training_data(usual, toy, tmp_path)
    blank = [replace(chip, labels=np.zeros_like(chip.labels)) for chip in chips.training[0]]
    network = build(NetworkSettings.from_table(usual.network), len(usual.inputs.channels), 3)
    fill = channel_means(usual, [blank])
    seen = spread_chips(blank)
    looked = validate(usual, network, fill, chips.checks, seen, torch.device("cpu"))
    assert seen == [] and np.isnan(looked.seen.nll) and np.isfinite(looked.held_out.nll)


def test_a_check_without_labels_is_refused(toy, tmp_path, recipe_file):
    wanted = {"check": [{"set": "plain", "splits": ["unlabelled"]}]}
    with pytest.raises(LulcError, match="plain unlabelled has no labelled pixel"):
        load_training_data(recipe.read(recipe_file, wanted), toy, tmp_path)


@pytest.mark.parametrize("name", ["../../kept/k0.tif", "/k0.tif", "a\\k0.tif", "sub/s0.tif", "C:k0.tif", "..", ""])
def test_images_lie_in_their_own_set(toy, name):
    path = toy / "sure" / "split.csv"
    path.write_text(path.read_text().replace("s0.tif", name))
    with pytest.raises(LulcError, match="an image is named"):
        train(toy)


def test_sets_have_plain_names(toy):
    path = toy / "sure" / "set.toml"
    for name in ("../../x", "/x", "..", ""):
        with pytest.raises(LulcError, match="is named"):
            describe(toy, name)
        path.write_text(path.read_text().replace('name = "sure"', f'name = "{name}"', 1))
        with pytest.raises(LulcError, match="is named"):
            describe(toy, "sure")
        path.write_text(path.read_text().replace(f'name = "{name}"', 'name = "sure"', 1))


def test_tables_of_other_encodings(toy):
    path = toy / "sure" / "split.csv"
    text = path.read_text()
    path.write_text(text, encoding="utf-8-sig")
    assert len(train(toy)) == 4
    path.write_text(text.replace("g0", "Côte"), encoding="latin-1")
    with pytest.raises(LulcError, match="UTF-8"):
        train(toy)


def test_files_that_cannot_be_read(toy):
    image = toy / "sure" / "images" / "s0.tif"
    image.write_bytes(image.read_bytes()[:300])
    with pytest.raises(LulcError, match=r"s0\.tif cannot be read"):
        train(toy)
    coarse = toy / "coarse" / "set.toml"
    coarse.write_text(coarse.read_text().replace("band = 1", "band = 3"))
    with pytest.raises(LulcError, match="has 1 bands; band 3"):
        train(toy, "coarse")
