# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.distill`: scenes in, a data set with soft labels out."""

import csv
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("msgspec", reason="msgspec is not installed; run make setup-training")
pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from rasterio.transform import from_origin

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend
from lulc_plugin.model import InputForm
from lulc_plugin.raster import (
    Step,
    open_dataset,
)
from training.distill import __main__ as shell, command, scene_pieces, set_folder
from training.sets.chips import load
from training.sets.description import describe
from training.teachers.panel import Panel
from training.teachers.teacher import Teacher

CLASSES = ["Water", "Trees", "Shrub and grass", "Cropland", "Built-up", "Bare"]
TABLE = """
[teachers.made_up]
least_sure = 0.4
[teachers.made_up.classes]
lake = "Water"
wood = "Trees"
"""


def _maker():
    """`make` of the other test file; tests are not a package."""
    place = Path(__file__).parents[1] / "teachers" / "test_panel.py"
    spec = importlib.util.spec_from_file_location("distill_maker", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules["distill_maker"] = module
    spec.loader.exec_module(module)
    return module.make


make = _maker()


def scene(path, values, east=500_000, names=("blue", "red", "nir"), crs="EPSG:32633"):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, rows, cols = values.shape
    place = {"crs": crs, "transform": from_origin(east, 5_000_000, 10, 10)} if crs else {}
    options = {"driver": "GTiff", "count": count, "height": rows, "width": cols, "dtype": values.dtype, **place}
    with open_dataset(path, "w", **options) as dataset:
        dataset.write(values)
        for i, name in enumerate(names):
            dataset.set_band_description(i + 1, name)
    return path


@pytest.fixture
def ready(tmp_path, rng):
    """A teacher, its table, and three scenes, of which two are neighbours."""
    table = tmp_path / "table.toml"
    table.write_text(TABLE)
    for i, east in enumerate((300_000, 320_000, 700_000)):
        values = rng.integers(200, 4000, (3, 40, 36)).astype(np.uint16)
        values[:, :4, :5] = 0
        scene(tmp_path / "in" / f"s{i}.tif", values, east)
    return make(tmp_path, kind="halving"), tmp_path / "in", table


def run(*arguments):
    return shell.main([str(a) for a in arguments])


def test_a_labelled_set_is_written(ready, tmp_path, capsys):
    network, folder, table = ready
    out = tmp_path / "made"
    assert run(network, folder, "--classes", table, "--out", out, "--threads", 1, "--level", "L1C") == 0
    printed = capsys.readouterr().out
    assert "3 images" in printed and "Trees" in printed
    assert (out / "sheet.png").stat().st_size > 3000 and (out / "statistics.csv").is_file()
    rows = list(csv.DictReader((out / "split.csv").open()))
    groups = {r["file"]: r["group"] for r in rows}
    assert groups == {"s0.tif": "s0", "s1.tif": "s0", "s2.tif": "s2"}
    # the two neighbours stay together, and one of the two places validates
    splits = {r["file"]: r["split"] for r in rows}
    assert splits["s0.tif"] == splits["s1.tif"] != splits["s2.tif"]
    d = describe(tmp_path, "made")
    assert d.bands == ("red", "nir", "blue") and d.gsd == pytest.approx(10, rel=0.01) and d.level == "L1C"
    chips = {c.name: c for c in load(d, {"train", "val"}, ["blue", "red", "nir"], CLASSES)}
    with open_dataset(folder / "s1.tif") as dataset:
        stored, transform = dataset.read(), dataset.transform
    chip = chips["s1.tif"]
    np.testing.assert_allclose(chip.values, stored / 10_000, atol=1e-7)
    assert not chip.valid[:4, :5].any() and chip.valid.sum() == 40 * 36 - 20
    bands = dict(zip(("blue", "red", "nir"), chip.values))
    answer = Teacher(network, 1).ask(bands, chip.valid)
    wanted = answer[:2] / answer[:2].sum(axis=0)
    np.testing.assert_allclose(chip.soft[:2][:, chip.known], wanted[:, chip.known], atol=1e-3)
    np.testing.assert_array_equal(chip.known, chip.valid & (answer.max(axis=0) >= 0.4) & (answer.argmax(axis=0) < 2))
    assert 0.1 < chip.known.mean() < 0.9 and set(np.unique(chip.labels)) == {0, 1, 2}
    np.testing.assert_array_equal(chip.labels, np.where(chip.known, chip.soft.argmax(axis=0) + 1, 0))
    with open_dataset(out / "labels" / "s1.tif") as dataset:
        assert dataset.transform == transform and dataset.colormap(1)[1][:3] == (0x41, 0x9B, 0xDF)


def test_parts_of_a_scene_have_the_answer_of_the_whole(tmp_path, rng):
    network = make(tmp_path, kind="halving")
    table = tmp_path / "table.toml"
    table.write_text(TABLE)
    values = rng.integers(200, 4000, (3, 90, 71)).astype(np.uint16)
    path = scene(tmp_path / "in" / "large.tif", values)
    for name, chip in (("whole", 128), ("parts", 32)):
        assert run(network, path, "--classes", table, "--out", tmp_path / name, "--chip", chip, "--threads", 1) == 0
    whole = np.load(tmp_path / "whole" / "soft" / "large.npz")
    files = sorted((tmp_path / "parts" / "soft").iterdir())
    seen = np.zeros((90, 71), int)
    assert len(files) == 9
    for file in files:
        row, col = (int(n) for n in file.stem.split("_")[1:])
        with np.load(file) as part:
            shares, known = part["shares"], part["known"]
        place = np.s_[row : row + known.shape[0], col : col + known.shape[1]]
        seen[place] += 1
        # sums in another order may tip a share over the threshold
        assert (known != whole["known"][place]).mean() < 0.01
        np.testing.assert_allclose(shares, whole["shares"][(slice(None), *place)], atol=2e-3)
        with open_dataset(tmp_path / "parts" / "images" / f"{file.stem}.tif") as dataset:
            assert (dataset.transform.c, dataset.transform.f) == (500_000 + 10 * col, 5_000_000 - 10 * row)
            np.testing.assert_array_equal(dataset.read(), values[[1, 2, 0]][(slice(None), *place)])
    assert (seen == 1).all() and 0.1 < whole["known"].mean() < 0.9
    rows = list(csv.DictReader((tmp_path / "parts" / "split.csv").open()))
    assert {r["group"] for r in rows} == {"large"} and {r["split"] for r in rows} == {"train"}


def test_data_sets_bring_their_offsets_places_levels_and_splits(ready, tmp_path, monkeypatch):
    network, _, table = ready
    heard, answer = [], Panel.answer
    monkeypatch.setattr(Panel, "answer", lambda self, *a: (heard.append(a[3]), answer(self, *a))[1])
    home = tmp_path / "mine"
    rows = ["file,where,split,plus"]
    for i, (split, plus) in enumerate((("train", "no"), ("val", "yes"), ("unlabelled", "no"), ("train", "no"))):
        scene(home / "images" / f"m{i}.tif", np.full((2, 20, 20), 1500, np.uint16), crs=None, names=())
        rows.append(f"m{i}.tif,{'odd' if i == 3 else f'town{i}'},{split},{plus}")
    (home / "split.csv").write_text("\n".join(rows))
    (home / "set.toml").write_text(
        'name = "mine"\nbands = ["red", "nir"]\nvalues = "reflectance"\nscale = 0.0001\noffset_column = "plus"\n'
        'place = "where"\nlevel = "L2A"\ngsd = 10.0\ncredit = "Somebody"\n[leave_out]\nwhere = ["odd"]\n'
    )
    assert run(network, home, "--classes", table, "--out", tmp_path / "made", "--threads", 1, "--val", 0) == 0
    assert heard == ["L2A"] * 3
    rows = {r["file"]: (r["group"], r["split"]) for r in csv.DictReader((tmp_path / "made" / "split.csv").open())}
    assert rows == {"m0.tif": ("town0", "train"), "m1.tif": ("town1", "val"), "m2.tif": ("town2", "train")}
    with open_dataset(tmp_path / "made" / "images" / "m1.tif") as dataset:
        assert (dataset.read() == 500).all()
    d = describe(tmp_path, "made")
    assert d.level == "L2A" and d.credit.startswith("Somebody") and "Made-up teacher" in d.credit
    # one image of a set is still read as the set says
    assert run(network, home / "images" / "m1.tif", "--classes", table, "--out", tmp_path / "one", "--threads", 1) == 0
    with open_dataset(tmp_path / "one" / "images" / "m1.tif") as dataset:
        assert (dataset.read() == 500).all()


def test_scaling_by_the_layer_knows_the_whole_scene(tmp_path):
    step = (Step.of("percentile", lower=0, upper=100),)
    spec = Teacher(make(tmp_path, forms=(InputForm("picture", "dn", (step, step)),)), 1).spec
    values = np.stack([np.arange(1, 4097, dtype=np.uint16).reshape(64, 64)] * 3)
    (scenes,) = scene_pieces.find_scenes([scene(tmp_path / "in" / "s.tif", values)], [spec], "picture")
    parts = list(scenes.pieces(("red", "nir"), 32, 0, 2))
    assert len(parts) == 4
    assert all(p.layer["red"].min() == 1 and p.layer["red"].max() == 4096 for p in parts)
    (whole,) = scenes.pieces(("red", "nir"), 64, 0, 2)
    assert sorted(whole.layer["red"]) == list(range(1, 4097))


def test_a_set_of_pictures_remembers_its_scenes(tmp_path):
    legend = Legend.from_json({"classes": [{"value": 1, "name": "Water", "colour": "#0000FF"}]})
    folder = set_folder.SetFolder(tmp_path / "made", ("red", "nir"), "picture", legend)
    values = np.arange(4, 4100, dtype=np.uint16).reshape(1, 64, 64) % 250
    spec = Teacher(make(tmp_path), 1).spec
    (scenes,) = scene_pieces.find_scenes([scene(tmp_path / "in" / "s.tif", np.repeat(values, 3, 0))], [spec], "picture")
    for piece in scenes.pieces(("red", "nir"), 32, 0, 2):
        folder.add(piece, np.ones((1, 32, 32), np.float32), piece.valid)
    folder.finish({"title": "made"}, {}, 1.0, 0.0)
    chips = load(describe(tmp_path, "made"), {"train"}, ["red"], ["Water"])
    assert len(chips) == 4 and all(c.whole.shape == (1, 201) and c.whole[0, -1] == 249 for c in chips)


def test_what_cannot_be_done_is_said(ready, tmp_path, capsys):
    network, folder, table = ready

    def refused(*arguments):
        assert run(*arguments, "--threads", 1) == 2
        return capsys.readouterr().err

    out = tmp_path / "made"
    assert "does not exist" in refused(tmp_path / "none.onnx", folder, "--classes", table, "--out", out)
    assert "no scene" in refused(network, tmp_path / "nowhere", "--classes", table, "--out", out)
    assert "None of the teacher's classes" in refused(network, folder, "--out", out)
    table.write_text('[teachers.a]\nclasses = {wod = "Trees"}\n')
    assert "'wod'" in refused(network, folder, "--classes", table, "--out", tmp_path / "other")
    table.write_text("[teachers.a]\n[teachers.b]\n")
    assert "exactly one" in refused(network, folder, "--classes", table, "--out", tmp_path / "third")
    assert "is there already" in refused(network, folder, "--out", folder)
    (folder.parent / "kept" / "images").mkdir(parents=True)
    (folder.parent / "kept" / "split.csv").write_text("file,split\n")
    (folder.parent / "kept" / "set.toml").write_text(
        'name = "kept"\nbands = ["red"]\nvalues = "reflectance"\nuse = "evaluation"\n'
    )
    assert "evaluation only" in refused(network, folder.parent / "kept", "--out", tmp_path / "fourth")


def test_a_student_is_trained_on_what_was_written(ready, tmp_path, monkeypatch, capsys):
    network, folder, table = ready
    taught = []
    monkeypatch.setattr(shell, "check_recipe", lambda config, out: taught.append(out.exists()))
    monkeypatch.setattr(shell, "train_student", lambda *a: taught.append((*a, (a[1] / "set.toml").is_file())))
    run(network, folder, "--classes", table, "--out", tmp_path / "made", "--student", "student.toml", "--threads", 1)
    assert taught == [False, (Path("student.toml"), tmp_path / "made", None, True)]


def test_a_student_that_learns_elsewhere_is_refused_first(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
    config = tmp_path / "student.toml"
    config.write_text(
        'name = "s"\nlegend = "landcover6"\n[input]\nbands = ["red", "nir"]\n[network]\n'
        'architecture = "unet_small"\n[[data]]\nset = "another"\nloss = [{term = "soft"}]\n'
    )
    with pytest.raises(LulcError, match="another, not on made"):
        command.check_recipe(config, tmp_path / "made")


@pytest.mark.parametrize(("length", "parts"), [(40, [40]), (64, [64]), (65, [34, 31]), (200, [50, 50, 50, 50])])
def test_cuts_are_even(length, parts):
    intervals = scene_pieces.cuts(length, 64, 2)
    assert [b - a for a, b in intervals] == parts and intervals[-1][1] == length


def test_places():
    dublin, near, rome = (-6.3, 53.3), (-6.9, 52.9), (12.5, 41.9)
    assert set_folder.join_places([dublin, rome, near, None, None], 100) == [0, 1, 0, 3, 4]
    assert set_folder.join_places([dublin, near], 10) == [0, 1]
    # a chain joins its ends
    assert len(set(set_folder.join_places([(0.0, 0.0), (1.6, 0.0), (0.8, 0.0)], 100))) == 1
    many = {f"p{i}": 2 for i in range(10)}
    assert len(set_folder.choose_validation(many, 0.2)) == 2 and set_folder.choose_validation(many, 0) == set()
    assert (
        set_folder.choose_validation({"one": 5}, 0.5) == set()
        and len(set_folder.choose_validation({"a": 1, "b": 9}, 0.99)) == 1
    )
