# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare chips` from end to end on tiny scenes, read back as training reads them."""

import csv
import json

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
pytest.importorskip("rasterio", reason="rasterio is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from rasterio.transform import Affine

from lulc_plugin import bundled
from lulc_plugin.raster import open_dataset
from training import recipe
from training.prepare.__main__ import main
from training.prepare.preview import augmented_sheet, coloured
from training.prepare.set_recipe import recipe_text
from training.sets.chips import load
from training.sets.description import SetDescription, describe
from training.train.__main__ import main as train

NAMES = ["Water", "Trees", "Bare"]


def save(path, values, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = values.shape
    more = {"driver": "PNG" if path.suffix == ".png" else "GTiff", **more}
    with open_dataset(path, "w", count=count, height=height, width=width, dtype=values.dtype, **more) as dataset:
        dataset.write(values)


def at(row, col):
    return {"crs": "EPSG:32633", "transform": Affine(10, 0, 500_000 + 10 * col, 0, -10, 5_000_000 - 10 * row)}


@pytest.fixture
def scenes(tmp_path, rng):
    """Three georeferenced scenes of reflectance, 60 x 75, far apart, with masks; the first has a hole."""
    for i in range(3):
        values = rng.integers(200, 4000, (4, 60, 75)).astype(np.uint16)
        if i == 0:
            values[:, 10:20, 10:20] = 0
        save(tmp_path / "images" / f"s{i}.tif", values, nodata=0, **at(0, 1000 * i))
        save(tmp_path / "masks" / f"s{i}.png", rng.integers(0, 4, (1, 60, 75)).astype(np.uint8))
    classes = [{"value": i + 1, "name": n, "colour": f"#{i}0{i}0{i}0"} for i, n in enumerate(NAMES)]
    (tmp_path / "legend.json").write_text(json.dumps({"classes": classes}))
    return tmp_path


def run(folder, *more, out="set", masks=True):
    arguments = ["chips", str(folder / "images"), "--out", str(folder / out), "--size", "32", *map(str, more)]
    if masks:
        arguments += ["--masks", str(folder / "masks"), "--legend", str(folder / "legend.json")]
    if "--previews" not in arguments:
        arguments += ["--previews", "0"]  # drawing takes most of the time
    if "--bands" not in arguments:
        arguments += ["--bands", "blue,green,red,nir"]
    return main(arguments)


def rows_in(folder):
    with open(folder / "split.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def stored(path):
    with open_dataset(path) as dataset:
        return dataset.read()


def test_chips_are_the_scenes_again(scenes):
    assert run(scenes, "--shares", "train=1") == 0
    rows = rows_in(scenes / "set")
    assert {r["split"] for r in rows} == {"train"} and {r["place"] for r in rows} == {"s0", "s1", "s2"}
    for i in range(3):
        image, mask = stored(scenes / "images" / f"s{i}.tif"), stored(scenes / "masks" / f"s{i}.png")[0]
        mask = np.where((image == 0).all(axis=0), 0, mask)
        seen = np.zeros(mask.shape, bool)
        for r in (r for r in rows if r["scene"] == f"s{i}"):
            part = np.s_[int(r["row"]) : int(r["row"]) + 32, int(r["col"]) : int(r["col"]) + 32]
            seen[part] = True
            assert (stored(scenes / "set" / "images" / r["file"]) == image[(slice(None), *part)]).all()
            label = stored(scenes / "set" / "labels" / r["file"])[0]
            assert (label == mask[part]).all() and int(r["labelled"]) == np.count_nonzero(label)
        assert seen.all()
    with open_dataset(scenes / "set" / "images" / "s1_r00028_c00043.tif") as dataset:
        assert dataset.transform.c == 500_000 + 10 * 1043 and dataset.transform.f == 5_000_000 - 280
        assert dataset.descriptions == ("blue", "green", "red", "nir") and dataset.nodata == 0


@pytest.mark.parametrize("stride", [0, 20])
def test_outside_training_every_label_is_counted_once(scenes, stride):
    assert run(scenes, "--stride", stride) == 0
    rows = rows_in(scenes / "set")
    splits = {r["scene"]: r["split"] for r in rows}
    assert sorted(splits.values()) == ["test", "train", "val"]
    for name, split in splits.items():
        image, mask = stored(scenes / "images" / f"{name}.tif"), stored(scenes / "masks" / f"{name}.png")[0]
        mask = np.where((image == 0).all(axis=0), 0, mask)
        times, joined = np.zeros(mask.shape, int), np.zeros_like(mask)
        for r in (r for r in rows if r["scene"] == name):
            part = np.s_[int(r["row"]) : int(r["row"]) + 32, int(r["col"]) : int(r["col"]) + 32]
            label = stored(scenes / "set" / "labels" / r["file"])[0]
            times[part] += label > 0
            joined[part] = np.maximum(joined[part], label)
        assert (joined == mask).all()
        assert (times.max() == 1) == (split != "train")


def test_training_can_read_the_set(scenes):
    assert run(scenes, "--credit", 'A "quoted" person', "--licence", "CC0") == 0
    description = describe(scenes, "set")
    assert (description.values, description.scale, description.gsd) == ("reflectance", 1e-4, 10.0)
    assert description.credit == 'A "quoted" person' and description.nodata == 0
    chips = load(description, ("train", "val", "test"), ("red", "nir"), NAMES)
    assert len(chips) == 18 and chips[0].values.max() < 0.41
    assert not all(c.valid.all() for c in chips)


def test_statistics_count_what_is_there(scenes):
    assert run(scenes, "--previews", 3) == 0
    splits = json.loads((scenes / "set" / "stats.json").read_text())["splits"]
    rows = rows_in(scenes / "set")
    for split, s in splits.items():
        mine = [r["file"] for r in rows if r["split"] == split]
        labels = np.concatenate([stored(scenes / "set" / "labels" / f).ravel() for f in mine])
        values = np.concatenate([stored(scenes / "set" / "images" / f).reshape(4, -1) for f in mine], axis=1)
        values = values[:, (values != 0).any(axis=0)].astype(float)
        assert s["chips"] == len(mine) and s["labelled_pixels"] == np.count_nonzero(labels)
        assert s["classes"]["Trees"]["pixels"] == np.count_nonzero(labels == 2)
        assert s["bands"]["red"]["mean"] == pytest.approx(values[2].mean(), rel=1e-5)
        assert s["bands"]["nir"]["sd"] == pytest.approx(values[3].std(), rel=1e-5)
        assert s["bands"]["nir"]["p50"] == pytest.approx(np.median(values[3]), rel=0.02)
    assert stored(scenes / "set" / "preview.png").std() > 0


def test_sparse_labels_only_where_the_network_learns(scenes):
    assert run(scenes, "--sparse", 5) == 0
    for r in rows_in(scenes / "set"):
        assert (int(r["labelled"]) == 5) == (r["split"] == "train")


def test_chips_with_few_labels_are_counted_not_lost_silently(scenes, capsys):
    mask = np.zeros((1, 60, 75), np.uint8)
    mask[0, :32, :32] = 1
    mask[0, 59, 74] = 2
    save(scenes / "masks" / "s1.png", mask)
    assert run(scenes, "--min-labelled", 0.05) == 0
    assert len(rows_in(scenes / "set")) < 18
    assert "labelled pixels were in them" in capsys.readouterr().err
    assert json.loads((scenes / "set" / "prepare.json").read_text())["left_out"]["lost_labels"] >= 1


def test_overlapping_scenes_leak_unless_joined(scenes, capsys):
    save(scenes / "images" / "s3.tif", np.full((4, 60, 75), 900, np.uint16), nodata=0, **at(30, 2040))
    save(scenes / "masks" / "s3.png", np.ones((1, 60, 75), np.uint8))
    groups = scenes / "groups.csv"
    groups.write_text("file,group,split\ns0,a,train\ns1,b,val\ns2,c,train\ns3,d,test\n")
    assert run(scenes, "--groups", groups) == 1
    assert "LEAK" in capsys.readouterr().out and (scenes / "set").is_dir()
    assert run(scenes, "--overlap", "join", out="joined") == 0
    of = {r["scene"]: r["split"] for r in rows_in(scenes / "joined")}
    assert of["s2"] == of["s3"]
    assert main(["overlap", str(scenes / "set")]) == 1 and main(["overlap", str(scenes / "joined")]) == 0


def test_unlabelled_scenes(scenes):
    assert run(scenes, masks=False) == 0
    assert {r["split"] for r in rows_in(scenes / "set")} == {"unlabelled"}
    assert not (scenes / "set" / "labels").exists() and describe(scenes, "set").label_band == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--bands", "blue,green"], "2 bands are named"),
        (["--block", 16], "smaller than chips"),
        (["--block", 64, "--place-pattern", "s"], "two ways"),
        (["--place-pattern", "x"], "finds nothing"),
        (["--min-labelled", 3], "3"),
        (["--shares", "train=0.2,val=0.2,test=0.2,more=0.4"], "3 places for the 4 splits"),
        (["--sparse", -1], "-1"),
    ],
)
def test_mistakes_are_told_and_leave_nothing(scenes, capsys, more, says):
    assert run(scenes, *more) == 2
    assert says in capsys.readouterr().err
    assert not (scenes / "set").exists() and not list(scenes.glob(".set*"))


def test_mask_of_another_size_is_refused(scenes, capsys):
    save(scenes / "masks" / "s2.png", np.ones((1, 60, 74), np.uint8))
    assert run(scenes) == 2 and "74 x 60" in capsys.readouterr().err
    (scenes / "masks" / "s2.png").unlink()
    assert run(scenes) == 2 and "s2" in capsys.readouterr().err
    assert not (scenes / "set").exists()


def test_an_existing_set_is_not_overwritten(scenes, capsys):
    assert run(scenes) == 0 and run(scenes) == 2
    assert "exists already" in capsys.readouterr().err


def test_looks_at_a_set(scenes, capsys):
    assert run(scenes) == 0 and not (scenes / "set" / "preview.png").exists()
    assert main(["preview", str(scenes / "set"), "--out", str(scenes / "p.png"), "--count", "2"]) == 0
    assert main(["statistics", str(scenes / "set"), "--json", str(scenes / "s.json")]) == 0
    assert "Trees" in capsys.readouterr().out and stored(scenes / "p.png").std() > 0


def test_augmented_sheet(tmp_path, rng):
    colours = {1: (255, 255, 255), 2: (0, 255, 0)}
    labels = rng.integers(0, 3, (40, 40)).astype(np.uint8)
    samples = [(rng.random((40, 40, 3)).astype(np.float32), coloured(labels, colours))] * 5
    augmented_sheet(samples, tmp_path / "a.png", {"Barren": colours[1], "Forest": colours[2]})
    assert stored(tmp_path / "a.png").std() > 10


def test_unknown_pixels_look_like_no_class():
    # barren is white in many legends, and black is a class in others
    shown = coloured(np.array([[0, 1, 2]] * 8, np.uint8), {1: (255, 255, 255), 2: (0, 0, 0)})
    assert len(np.unique(shown[:, 0], axis=0)) == 2
    assert 0.3 < shown[:, 0].min() and shown[:, 0].max() < 0.9
    assert (shown[:, 1] == 1).all() and (shown[:, 2] == 0).all()


def test_the_recipe_of_a_set_just_runs(scenes, capsys):
    assert run(scenes, "--shares", "train=0.4,val=0.3,test=0.3", "--seed", "1") == 0
    assert f"training.train {scenes / 'set' / 'recipe.toml'}" in capsys.readouterr().out
    path = scenes / "set" / "recipe.toml"
    read = recipe.read(path)
    assert read.inputs.names == ("red", "green", "blue", "nir") and read.legend.names == tuple(NAMES)
    assert read.pretrained in bundled.model_names() and read.run.size == 32
    # no --data: the set lies where the recipe lies
    short = ["run.steps=2", "run.check_every=2", "optimiser.warm_up=1", "run.half=false"]
    status = train([str(path), "--run", str(scenes / "run"), *(word for s in short for word in ("--set", s))])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    assert "from optical-rgbn" in shown.out and (scenes / "run" / "best.pt").is_file()


@pytest.mark.parametrize(
    ("names", "values", "architecture", "way"),
    [
        ("red,green,blue", "picture", "mobile_unet", "picture"),
        ("blue,green,red,nir,swir16", "reflectance", "mobile_unet", "reflectance"),
        ("nir,swir16,swir22", "reflectance", "unet", "reflectance"),
    ],
)
def test_recipes_suit_their_set(tmp_path, names, values, architecture, way):
    bands = tuple(names.split(","))
    about = SetDescription(tmp_path / "s", "s", "", "", "", bands, values, gsd=0.5)
    text = recipe_text(about, ["train"] * 100, 512, sparse=values == "picture")
    classes = [{"value": i + 1, "name": n, "colour": f"#{i}0{i}0{i}0"} for i, n in enumerate(NAMES)]
    (tmp_path / "classes.json").write_text(json.dumps({"classes": classes, "nodata": 0}))
    (tmp_path / "recipe.toml").write_text(text)
    read = recipe.read(tmp_path / "recipe.toml")
    assert set(read.inputs.names) == set(bands) and read.network["architecture"] == architecture
    assert [form.name for form in read.inputs.forms] == [way] and read.run.size == 256
    assert read.data[0].loss[0].name == ("partial_ce" if values == "picture" else "weighted_ce")
    assert not read.checks and read.run.steps == 750
