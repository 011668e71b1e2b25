# SPDX-License-Identifier: GPL-3.0-or-later
"""Chips, samples and one short run on made-up data."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from training import augment, data, evaluate, teacher, train  # noqa: E402
from training.channels import CHANNELS  # noqa: E402

FILL = [0.0] * len(CHANNELS)


def test_sets_are_read_in_band_and_class_order(made_up):
    chips = data.hls(made_up, ("train",))
    assert [c.place for c in chips] == ["g0", "g0", "g1", "g1"]
    raw = data.stored(made_up / "hls7_worldcover" / "images" / "h0.tif")
    np.testing.assert_allclose(chips[0].values[0], raw[3] / 10000, atol=1e-7)  # red is the fourth band
    codes = data.stored(made_up / "hls7_worldcover" / "labels" / "h0.tif")[0]
    assert set(np.unique(chips[0].labels[codes == 6])) == {1}  # water
    assert set(np.unique(chips[0].labels[codes == 0])) == {0}
    assert chips[0].pool.shape[1] > chips[0].layer.shape[1]


def test_the_offset_of_new_products_is_taken_off(made_up):
    (row, dn), = data.unlabelled(made_up, data.OSCD, ("train",))
    raw = data.stored(made_up / data.OSCD / "images" / row["file"]).astype(float)
    np.testing.assert_array_equal(dn, np.maximum(raw - 1000, 0))


def test_bilinear_keeps_a_ramp():
    coarse = np.arange(10, dtype=np.float32)[None].repeat(10, axis=0)
    band = coarse.repeat(2, axis=0).repeat(2, axis=1)
    fine = teacher.bilinear_from_thinned(band)
    np.testing.assert_allclose(fine[4, 2:-2], (np.arange(20) / 2 - 0.25)[2:-2], atol=1e-6)


def test_teacher_classes_become_six():
    nine = np.zeros((9, 1, 4), np.float32)
    nine[[2, 5, 1], 0, 0] = 0.3, 0.3, 0.4  # grass and shrub together win over trees
    nine[3, 0, 1] = 1  # flooded vegetation
    nine[8, 0, 2] = 1  # snow
    nine[:, 0, 3] = 1 / 9  # unsure
    shares, known = teacher.six(nine)
    assert known[0].tolist() == [True, False, False, False]
    assert shares[:, 0, 0].argmax() == 2 and shares[2, 0, 0] == pytest.approx(0.6)


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.7, 3.0])
def test_cut_keeps_image_and_labels_together(made_up, rng, scale):
    chip = data.hls(made_up, ("train",))[0]
    chip.labels = np.where(np.arange(128)[None, :] < 64, 1, 2).repeat(128, axis=0).astype(np.uint8)
    chip.values = np.broadcast_to((chip.labels / 10).astype(np.float32), (4, 128, 128)).copy()
    values, valid, labels, _ = augment.cut(chip, 96, scale, rng)
    assert values.shape == (4, 96, 96) and labels.shape == valid.shape == (96, 96)
    sure = (np.abs(values[0] * 10 - np.round(values[0] * 10)) < 1e-3) & (labels > 0)
    np.testing.assert_array_equal(np.round(values[0] * 10)[sure], labels[sure])


def test_samples_of_every_kind(made_up, rng):
    chips = [*data.hls(made_up, ("train",)), *data.india(made_up, ("train",))]
    for chip in chips:
        for _ in range(4):
            made = augment.sample(chip, 64, FILL, augment.Strength(holes=1.0), rng)
            assert made.image.shape == (len(CHANNELS), 64, 64) and np.isfinite(made.image).all()
            holes = (made.image == 0).all(axis=0)
            assert holes.any() and (made.labels[holes] == 0).all()


def test_places_are_pooled(made_up):
    def all_water(images):
        shares = np.zeros((len(images), 6, *images.shape[2:]), np.float32)
        shares[:, 0] = 1
        return shares

    chips = data.hls(made_up, ("train",))
    found = evaluate.place_matrices(all_water, chips, FILL)
    assert set(found) == {"g0", "g1"}
    assert sum(m.sum() for m in found.values()) == sum(np.count_nonzero(c.labels) for c in chips)
    assert all(m[1:].sum() == 0 for m in found.values())  # rows are the map
    difference, low, high = evaluate.miou_interval(found, found, draws=50)
    assert difference == low == high == 0


def test_a_run_stops_and_goes_on(made_up, tmp_path):
    hls, india = data.hls(made_up, ("train",)), data.india(made_up, ("train",))
    taught = data.hls(made_up, ("train",))
    for chip in taught:
        chip.source, chip.soft = data.OSCD, np.full((6, *chip.labels.shape), 1 / 6, np.float16)
    checks = {"HLS val": data.hls(made_up, ("val",)), "India val": data.india(made_up, ("val",))}
    bench = train.Bench(hls, india, taught, checks)
    recipe = train.Recipe(steps=2, hls=2, india=1, sentinel=1, large_every=2, check_every=1, bf16=False)
    best = train.run(bench, None, tmp_path / "run", recipe)
    network, state = train.load(best)
    assert state["step"] in (1, 2) and len(state["fill"]) == len(CHANNELS)
    longer = train.Recipe(steps=3, hls=2, india=1, sentinel=1, large_every=2, check_every=1, bf16=False)
    train.run(bench, None, tmp_path / "run", longer)
    assert (tmp_path / "run" / "step3.pt").exists()
    shares = evaluate.probabilities(train.predictor(network), hls[0].network_input(state["fill"])[:, :50, :70])
    assert shares.shape == (6, 50, 70)
