# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that would be lost are told with their share, and refused beyond a limit; splits are stratified by class."""

import csv
import json

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
pytest.importorskip("rasterio", reason="rasterio is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset
from training.prepare import place_splits
from training.prepare.__main__ import main
from training.prepare.overlap import Rectangle
from training.prepare.place_splits import Area

CLASSES = ("Water", "Trees", "Bare")


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    with open_dataset(path, "w", driver="PNG", count=count, height=height, width=width, dtype="uint8") as dataset:
        dataset.write(values.astype(np.uint8))


@pytest.fixture
def masks(tmp_path, rng):
    """Five scenes of three classes; `change(number, mask)` alters the masks before they are written."""
    colours = ("#0000FF", "#00FF00", "#FFFFFF")
    classes = [{"value": i + 1, "name": n, "colour": c} for i, (n, c) in enumerate(zip(CLASSES, colours))]
    (tmp_path / "c.json").write_text(json.dumps({"classes": classes}))

    def make(change=lambda number, mask: mask):
        for number in range(5):
            save(tmp_path / "images" / f"s{number}.png", rng.integers(1, 255, (3, 32, 32)))
            save(tmp_path / "masks" / f"s{number}.png", change(number, 1 + np.arange(1024).reshape(1, 32, 32) % 3))
        return tmp_path

    return make


def chips(folder, *more):
    line = ["chips", folder / "images", "--masks", folder / "masks", "--legend", folder / "c.json", "--out",
            folder / "set", "--size", "32", "--previews", "0", "--overlap", "skip", "--gsd", "1", *more]  # fmt: skip
    return main(list(map(str, line)))


def put(values, value, share):
    out = values.copy()
    out.reshape(len(values), -1)[:, : round(share * values[0].size)] = value
    return out


def test_surplus_values_are_told_and_refused_beyond_a_limit(masks, capsys):
    folder = masks(lambda number, mask: put(mask, 9, 0.18))
    assert chips(folder) == 2
    said = capsys.readouterr().err
    assert "18.0% of the masks' pixels have values that the legend does not have (9 18.0%)" in said
    assert "--max-lost 0.19" in said and not (folder / "set").exists()
    assert chips(folder, "--max-lost", "0.19") == 0
    assert "Warning: 18.0% of the masks' pixels" in capsys.readouterr().err


def test_a_few_lost_pixels_are_a_warning(masks, capsys):
    assert chips(masks(lambda number, mask: put(mask, 9, 0.03))) == 0
    assert "3.0% of the masks' pixels" in capsys.readouterr().err


def test_colours_off_the_palette(masks, capsys):
    def coloured(number, mask):
        rgb = np.array([(0, 0, 255), (0, 255, 0), (255, 255, 255)])[mask[0] - 1]
        return put(np.moveaxis(rgb, -1, 0), 200, 0.5)

    folder = masks(coloured)
    assert chips(folder) == 2
    said = capsys.readouterr().err
    assert "50.0% of the masks' pixels have colours" in said and "#C8C8C8 50.0%" in said and "--snap" in said


def test_masks_without_any_class_are_refused(masks, capsys):
    assert chips(masks(lambda number, mask: 0 * mask)) == 2
    assert "No pixel has a class" in capsys.readouterr().err


def test_classes_without_a_pixel_and_absent_from_a_split_are_told(masks, capsys):
    folder = masks(lambda number, mask: np.where(mask == 3, 1 if number else 2, mask) if number != 4 else mask % 2 + 1)
    assert chips(folder) == 0
    assert "no pixel is Bare" in capsys.readouterr().err


def test_a_class_that_cannot_be_learned_is_refused_beyond_the_limit(masks, tmp_path, capsys):
    folder = masks(lambda number, mask: mask if number == 3 else np.where(mask == 3, 1, mask))
    groups = tmp_path / "g.csv"
    groups.write_text("file,group,split\n" + "".join(f"s{i},p{i},{'val' if i == 3 else 'train'}\n" for i in range(5)))
    assert chips(folder, "--groups", groups) == 2
    said = capsys.readouterr().err
    assert "Bare (6.7% of the labelled pixels) is not in train" in said and "--max-lost 0.08" in said
    assert chips(folder, "--groups", groups, "--max-lost", "0.1") == 0


def test_splits_have_every_class_where_places_allow_it(masks):
    # two of five places have the rare class: by chance alone they would often both train
    folder = masks(lambda number, mask: mask if number < 2 else np.where(mask == 3, 1, mask))
    for seed in range(4):
        assert chips(folder, "--shares", "train=0.8,val=0.2", "--seed", seed) == 0
        with open(folder / "set" / "split.csv", newline="") as handle:
            of = {row["scene"]: row["split"] for row in csv.DictReader(handle)}
        assert {of["s0"], of["s1"]} == {"train", "val"}
        import shutil

        shutil.rmtree(folder / "set")


def area(number, place=None):
    return Area(number, Rectangle(0, 10, 0, 10), place or f"p{number:02d}")


def counts(*classes):
    out = np.zeros(256, np.int64)
    out[list(classes)] = 10
    return out


def test_stratification_keeps_the_shares_of_classes():
    areas = [area(i) for i in range(40)]
    content = [counts(1, 2) if i % 4 else counts(1, 3) for i in range(40)]
    shares = {"train": 0.6, "val": 0.2, "test": 0.2}
    for seed in range(3):
        made = place_splits.assigned(areas, shares, seed, content)
        for value, total in ((2, 30), (3, 10)):
            own = {s: sum(bool(c[value]) for a, c in zip(made, content) if a.split == s) for s in shares}
            assert all(abs(own[s] - shares[s] * total) <= 1 for s in shares), own
    assert place_splits.assigned(areas, shares, 1, content) == place_splits.assigned(areas, shares, 1, content)


def test_places_without_a_label_are_drawn_by_size_and_splits_stay():
    areas = [area(0), area(1), area(2), area(3, "p00")]
    made = place_splits.assigned(
        [place_splits.replace(areas[0], split="test"), *areas[1:3]], {"train": 0.5, "test": 0.5}, 0,
        [counts(1), counts(1), counts()],
    )  # fmt: skip
    assert [a.split for a in made][:2] == ["test", "train"] and made[2].split in ("train", "test")
    with pytest.raises(LulcError, match="2 places for the 3 splits"):
        place_splits.assigned(areas[1:3], {"a": 1, "b": 1, "c": 1}, 0, [counts(1), counts(2)])
