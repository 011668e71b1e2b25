# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks: colours to labels and back, palettes, blurred colours, class values, sparse labels."""

import json

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset
from training.prepare.__main__ import main
from training.prepare.chip_writer import thinned
from training.prepare.class_table import read_classes
from training.prepare.masks import MaskFile, MaskOptions, decode, encode, whole_mask

CLASSES = [
    {"value": 0, "name": "unlabeled", "color": "#9B9B9B", "ignore": True},
    {"value": 1, "name": "building", "color": "#3C1098"},
    {"value": 2, "name": "land", "color": "#8429F6"},
    {"value": 7, "name": "water", "color": "#E2A929"},
]


@pytest.fixture
def legend(tmp_path):
    path = tmp_path / "classes.json"
    path.write_text(json.dumps({"classes": CLASSES}))
    return path


@pytest.fixture
def labels(rng):
    return rng.choice(np.array([0, 1, 2, 7], np.uint8), (40, 50))


def save(path, values, palette=None, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    more = {"driver": {".png": "PNG", ".jpg": "JPEG"}.get(path.suffix, "GTiff"), **more}
    with open_dataset(path, "w", count=count, height=height, width=width, dtype=values.dtype, **more) as dataset:
        dataset.write(values)
        if palette:
            dataset.write_colormap(1, palette)
    return path


def test_decode_is_the_reverse_of_encode(legend, labels):
    table = read_classes(legend)
    rgb = encode(labels, table)
    assert rgb.shape == (3, 40, 50)
    assert rgb[:, labels == 7].T.tolist()[0] == [0xE2, 0xA9, 0x29]
    back, decoding = decode(rgb, table)
    assert (back == labels).all()
    assert (decoding.pixels, decoding.off_palette, decoding.foreign) == (2000, 0, {})


def test_colours_are_snapped_within_the_distance_only(legend, labels):
    table = read_classes(legend)
    rgb = encode(labels, table)
    rgb[0, 0, :10] ^= 3  # off by at most 3
    rgb[:, 1, :5] = np.array([0, 255, 0], np.uint8)[:, None]  # far from every class
    strict, counted = decode(rgb, table)
    assert (strict[0, :10] == 0).all() and counted.off_palette == 15 and counted.snapped == 0
    loose, counted = decode(rgb, table, within=10)
    assert (loose[0] == labels[0]).all() and (loose[1, :5] == 0).all()
    assert counted.snapped == 10 and counted.off_palette == 15 and counted.foreign == {(0, 255, 0): 5}


def test_jpeg_mask_is_repaired_by_snapping(legend, tmp_path):
    table = read_classes(legend)
    labels = np.full((64, 64), 1, np.uint8)
    labels[:, 32:] = 7
    path = save(tmp_path / "m.jpg", encode(labels, table), QUALITY=85)
    strict, _ = whole_mask(MaskFile(path, table))
    snapped, decoding = whole_mask(MaskFile(path, table, MaskOptions("auto", 60)))
    assert (strict == labels).mean() < 0.9
    assert (snapped == labels).mean() > 0.97 and decoding.off_palette > 0


def test_palette_decides_by_colour_not_by_index(legend, tmp_path):
    table = read_classes(legend)
    index = np.array([[0, 1], [2, 0]], np.uint8)
    palette = {0: (0xE2, 0xA9, 0x29, 255), 1: (0x3C, 0x10, 0x98, 255), 2: (0x9B, 0x9B, 0x9B, 255)}
    mask = MaskFile(save(tmp_path / "p.png", index[None], palette), table)
    assert mask.kind == "colours"
    assert whole_mask(mask)[0].tolist() == [[7, 1], [0, 7]]


def test_palette_of_other_colours_holds_values(legend, tmp_path):
    values = np.array([[0, 1], [2, 9]], np.uint8)
    palette = {i: (i, 200, i, 255) for i in range(10)}
    mask = MaskFile(save(tmp_path / "p.png", values[None], palette), read_classes(legend))
    labels, decoding = whole_mask(mask)
    assert mask.kind == "values" and labels.tolist() == [[0, 1], [2, 0]] and decoding.off_palette == 1


def test_class_of_value_0_moves_all_values_up(tmp_path):
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"classes": [{"value": v, "name": f"c{v}"} for v in (0, 1)]}))
    table = read_classes(path)
    labels, known = table.of_values(np.array([[0, 1, 5]]))
    assert labels.tolist() == [[1, 2, 0]] and known.tolist() == [[True, True, False]]
    assert table.of_label("C0") == 1 and table.of_label(1) == 2
    with pytest.raises(LulcError, match="not a class"):
        table.of_label("forest")


def test_legend_without_colours_reads_values_of_the_first_band(tmp_path):
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"classes": [{"value": v, "name": f"c{v}"} for v in (1, 2)]}))
    values = np.stack([np.array([[1, 2], [0, 1]])] * 3).astype(np.uint8)
    file = save(tmp_path / "m.tif", values)
    assert whole_mask(MaskFile(file, read_classes(path)))[0].tolist() == [[1, 2], [0, 1]]
    with pytest.raises(LulcError, match="no colours"):
        MaskFile(file, read_classes(path), MaskOptions("colours"))


def test_two_classes_of_one_colour_are_refused(tmp_path):
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"classes": [{"value": v, "name": f"c{v}", "colour": "#102030"} for v in (1, 2)]}))
    with pytest.raises(LulcError, match="#102030"):
        decode(np.zeros((3, 2, 2), np.uint8), read_classes(path))


def test_commands_encode_and_decode(legend, labels, tmp_path, capsys):
    save(tmp_path / "values" / "a.png", labels[None])
    for form in ([], ["--palette"]):
        out = tmp_path / f"colours{len(form)}"
        arguments = [str(tmp_path / "values"), "--legend", str(legend), "--out", str(out)]
        assert main(["encode", *arguments, *form]) == 0
        back = tmp_path / f"back{len(form)}"
        assert main(["decode", str(out), "--legend", str(legend), "--out", str(back)]) == 0
        with open_dataset(back / "a.png") as dataset:
            assert (dataset.read(1) == labels).all()
    with open_dataset(tmp_path / "colours1" / "a.png") as dataset:
        assert dataset.count == 1 and dataset.colormap(1)[7][:3] == (0xE2, 0xA9, 0x29)
    assert "off-palette 0.0000%" in capsys.readouterr().out
    assert main(["decode", str(tmp_path / "nowhere"), "--legend", str(legend), "--out", "x"]) == 2


@pytest.mark.parametrize("balanced", [False, True])
def test_sparse_keeps_just_so_many_true_labels(rng, balanced):
    labels = np.ones((30, 30), np.uint8)
    labels[0, :4] = 2
    labels[1, :10] = 0
    kept = thinned(labels, 12, "a", 0, balanced)
    assert np.count_nonzero(kept) == 12 and (kept[kept > 0] == labels[kept > 0]).all()
    assert (thinned(labels, 12, "a", 0, balanced) == kept).all()
    assert (thinned(labels, 12, "b", 0, balanced) != kept).any()
    assert (thinned(labels, 12, "a", 1, balanced) != kept).any()
    if balanced:
        assert np.count_nonzero(kept == 2) == 4  # all there are
    assert (thinned(labels, 10_000, "a", 0, balanced) == labels).all()
