# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets as they are delivered: patterns, presets, Kaggle's class tables, on made-up files of each layout."""

import csv

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
pytest.importorskip("rasterio", reason="rasterio is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import open_dataset
from training.prepare import presets
from training.prepare.__main__ import main
from training.prepare.class_table import read_classes
from training.prepare.scenes import Patterns, paired_files
from training.sets.description import describe

KAGGLE = """name,r,g,b
urban_land,0,255,255
agriculture_land,255,255,0
rangeland,255,0,255
forest_land,0,255,0
water,0,0,255
barren_land,255,255,255
unknown,0,0,0
"""


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    driver = {".png": "PNG", ".jpg": "JPEG", ".tif": "GTiff"}[path.suffix]
    count, height, width = values.shape
    with open_dataset(path, "w", driver=driver, count=count, height=height, width=width, dtype="uint8") as dataset:
        dataset.write(values)


def picture(rng, bands=3):
    return rng.integers(1, 255, (bands, 40, 40)).astype(np.uint8)


def values_of(table, rng):
    """A mask of values that has every class."""
    values = [c.value - table.shift for c in table.classes]
    return np.resize(np.array(values, np.uint8), (1, 40, 40))


#: Preset → names of images and of their masks below the folders to name, and the folders.
LAYOUTS = {
    "landcover-ai": ([(f"images/M-33-{i}.tif", f"masks/M-33-{i}.tif") for i in range(3)], [""]),
    "loveda": (
        [(f"{s}/{a}/images_png/{n}.png", f"{s}/{a}/masks_png/{n}.png")
         for s, a, n in (("Train", "Rural", 1), ("Train", "Urban", 7), ("Val", "Rural", 9))],
        ["Train", "Val"],
    ),
    "openearthmap": (
        [(f"{r}/images/{r}_{n}.tif", f"{r}/labels/{r}_{n}.tif") for r in ("aachen", "kyoto", "lima") for n in (1, 2)],
        [""],
    ),
    "flair": (
        [(f"flair_aerial_train/D00{d}_2021/Z1_NN/img/IMG_00000{d}.tif",
          f"flair_labels_train/D00{d}_2021/Z1_NN/msk/MSK_00000{d}.tif") for d in (1, 2, 3)],
        [""],
    ),
}  # fmt: skip


def chips(*arguments):
    return main(["chips", *map(str, arguments), "--size", "32", "--previews", "0", "--overlap", "skip"])


def rows_in(folder):
    with open(folder / "split.csv", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_a_published_set_becomes_a_set(name, tmp_path, rng):
    files, folders = LAYOUTS[name]
    preset, table = presets.read_preset(name), read_classes(presets.legend_of(name))
    for image, mask in files:
        save(tmp_path / name / image, picture(rng, len(preset.bands)))
        save(tmp_path / name / mask, values_of(table, rng))
    sources = [tmp_path / name / folder for folder in folders]
    assert chips(*sources, "--preset", name, "--out", tmp_path / "set") == 0
    made = describe(tmp_path, "set")
    assert (made.title, made.licence, made.credit) == (preset.title, preset.licence, preset.credit)
    assert made.picture and made.bands == preset.bands and made.gsd == preset.gsd
    assert [names[0] for names in made.classes.values()] == [c.name for c in table.classes]
    rows = rows_in(tmp_path / "set")
    assert len({r["scene"] for r in rows}) == len(files)
    assert len({r["place"] for r in rows}) == 3
    for label in {r["file"] for r in rows}:
        with open_dataset(tmp_path / "set" / "labels" / label) as dataset:
            assert set(np.unique(dataset.read())) - {0} == {c.value for c in table.classes}


def test_official_splits_stay(tmp_path, rng):
    test_a_published_set_becomes_a_set("loveda", tmp_path, rng)
    assert {r["scene"]: r["split"] for r in rows_in(tmp_path / "set")} == {
        "Rural_1": "train", "Urban_7": "train", "Rural_9": "val",
    }  # fmt: skip


@pytest.fixture
def deepglobe(tmp_path, rng):
    """The folder `train` as Kaggle has it, its class table beside it, colours of masks a little off."""
    table = read_classes(presets.legend_of("deepglobe"))
    for number in (100, 200, 300):
        rgb = np.array([c.rgb for c in table.classes], np.int64)[np.arange(1600).reshape(40, 40) // 8 % 6]
        save(tmp_path / "train" / f"{number}_sat.jpg", picture(rng))
        off = np.abs(rgb - rng.integers(0, 9, rgb.shape))
        save(tmp_path / "train" / f"{number}_mask.png", np.moveaxis(off, -1, 0).astype(np.uint8))
    (tmp_path / "class_dict.csv").write_text(KAGGLE)
    return tmp_path


def test_deepglobe_as_delivered(deepglobe):
    assert chips(deepglobe / "train", "--preset", "deepglobe", "--out", deepglobe / "set") == 0
    rows = rows_in(deepglobe / "set")
    assert {r["scene"] for r in rows} == {"100", "200", "300"}
    assert all(int(r["labelled"]) == 1024 for r in rows if r["split"] == "train")
    by_hand = ["--image", "*_sat.jpg", "--mask", "*_mask.png", "--snap", "60", "--gsd", "0.5"]
    legend = ["--legend", deepglobe / "class_dict.csv"]
    assert chips(deepglobe / "train", *by_hand, *legend, "--out", deepglobe / "own") == 0
    for file in sorted((deepglobe / "set" / "labels").iterdir()):
        with open_dataset(file) as one, open_dataset(deepglobe / "own" / "labels" / file.name) as two:
            assert np.array_equal(one.read(), two.read())


def test_an_image_that_would_be_its_own_mask_is_refused(deepglobe, capsys):
    folder = deepglobe / "train"
    assert chips(folder, "--masks", folder, "--legend", deepglobe / "class_dict.csv", "--out", deepglobe / "no") == 2
    said = capsys.readouterr().err
    assert "100_mask.png would be its own mask" in said and "--image '*_sat.jpg'" in said
    assert not (deepglobe / "no").exists()


def test_images_without_a_mask_are_left_out_and_counted(deepglobe, rng, capsys):
    save(deepglobe / "train" / "400_sat.jpg", picture(rng))
    assert chips(deepglobe / "train", "--preset", "deepglobe", "--out", deepglobe / "set") == 0
    assert "1 of 4 images have no mask" in capsys.readouterr().err
    assert "400" not in {r["scene"] for r in rows_in(deepglobe / "set")}


def test_what_a_preset_cannot_find_is_said(deepglobe, capsys):
    assert chips(deepglobe, "--preset", "deepglobe", "--out", deepglobe / "no") == 2
    assert "Give the folder train" in capsys.readouterr().err


def test_kaggles_class_table(deepglobe, tmp_path):
    table = read_classes(deepglobe / "class_dict.csv")
    assert [(c.value, c.name) for c in table.classes][:2] == [(1, "urban_land"), (2, "agriculture_land")]
    assert len(table.classes) == 6 and table.shift == 0 and table.ignored[0].rgb == (0, 0, 0)
    assert table.classes == read_classes(presets.legend_of("deepglobe")).classes
    for text in ("name;r;g;b\nx;1;2;3", "name,r,g,b\nx,1,2,300", "name,r,g,b\nx,a,2,3"):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(LulcError, match=r"bad\.csv"):
            read_classes(tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("image", "mask", "says"),
    [
        ("", "*.png", "none of images"),
        ("a.jpg", "", "'a.jpg'"),
        ("*_sat.jpg", "*/*_mask.png", "1 and 2 stars"),
        ("../*.jpg", "", "understood"),
    ],
)
def test_patterns_that_say_nothing(image, mask, says):
    with pytest.raises(LulcError, match=says):
        Patterns(image, mask)


def test_files_that_do_not_fit_a_pattern(tmp_path, rng):
    with pytest.raises(LulcError, match="No image fits"):
        paired_files([tmp_path], Patterns("*_sat.jpg"))
    save(tmp_path / "a_sat.jpg", picture(rng))
    with pytest.raises(LulcError, match="None of 1 images has a mask"):
        paired_files([tmp_path], Patterns("*_sat.jpg", "*_mask.png"))
    with pytest.raises(LulcError, match="not a folder"):
        paired_files([tmp_path / "a_sat.jpg"], Patterns("*_sat.jpg"))
    save(tmp_path / "other" / "a_sat.jpg", picture(rng))
    with pytest.raises(LulcError, match="one name, a"):
        paired_files([tmp_path, tmp_path / "other"], Patterns("*_sat.jpg"))


def test_unknown_presets():
    with pytest.raises(LulcError, match=r"'imagenet'"):
        presets.legend_of("imagenet")
