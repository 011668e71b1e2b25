# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own networks: listing, taking in, names that keep their weights; and files of other formats."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from lulc_plugin import bundled, provenance
from lulc_plugin.errors import LulcError
from lulc_plugin.model import Catalogue, catalogue, foreign_files, import_model, mlm, own_networks

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "own models"


@pytest.fixture
def no_bundled(tmp_path, monkeypatch):
    empty = tmp_path / "bundled"
    empty.mkdir()
    monkeypatch.setattr(bundled, "folder", lambda name: empty)
    return empty


def listing(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def own_entries(folder):
    """The networks of a folder that can be used."""
    return [entry for entry in Catalogue(folder).entries if entry.path.parent == folder]


def test_import_and_use(network, folder, raster, classify, scene):
    net = network("pixel", name="swamp-v1")
    entry = import_model(Path(net.path), folder)
    assert entry.path == folder / "swamp-v1.onnx" and entry.spec.name == "swamp-v1"
    assert listing(folder) == ["swamp-v1.json", "swamp-v1.onnx"]
    assert [e.spec.name for e in own_entries(folder)] == ["swamp-v1"]
    assert "swamp-v1" in Catalogue(folder).names
    image = scene(40, 40)
    made = classify(raster("a.tif", image), model="swamp-v1", models_folder=str(folder))
    np.testing.assert_array_equal(made.values, classify(raster("b.tif", image), net).values)


def test_a_description_inside_the_network(graph, spec, folder, tmp_path):
    path = tmp_path / "inside-v1.onnx"
    text = json.dumps(mlm.to_item(spec("pixel", name="inside-v1")))
    path.write_bytes(graph("pixel", 4, 4, metadata={"mlm": text}).SerializeToString())
    import_model(path, folder)
    assert listing(folder) == ["inside-v1.onnx"]
    assert own_entries(folder)[0].spec.name == "inside-v1"


def test_the_same_network_can_be_imported_again(network, folder):
    net = network("pixel", name="a-v1")
    import_model(Path(net.path), folder)
    mlm.write(replace(net.spec, title="Better words"), Path(net.path).with_suffix(".json"))
    assert import_model(Path(net.path), folder).spec.title == "Better words"
    # from inside the folder itself: nothing to do
    assert import_model(folder / "a-v1.onnx", folder).spec.title == "Better words"
    assert listing(folder) == ["a-v1.json", "a-v1.onnx"]


def test_other_weights_need_another_name(network, folder):
    net = network("pixel", name="a-v1")
    import_model(Path(net.path), folder)
    before = {name: (folder / name).read_bytes() for name in listing(folder)}
    other = network("pixel", name="a-v1", seed=5)
    with pytest.raises(LulcError, match="other weights") as caught:
        import_model(Path(other.path), folder)
    assert "Weights never change under a name" in caught.value.remedy and "a-v2" in caught.value.remedy
    # also under another file name, when it calls itself the same inside
    renamed = Path(other.path).with_name("b.onnx")
    os.replace(other.path, renamed)
    os.replace(Path(other.path).with_suffix(".json"), renamed.with_suffix(".json"))
    with pytest.raises(LulcError, match="calls itself 'a-v1' too"):
        import_model(renamed, folder)
    assert {name: (folder / name).read_bytes() for name in listing(folder)} == before


@pytest.mark.parametrize("file", ["a-v1", "A-V1"])
def test_a_file_name_keeps_its_weights_too(network, folder, file, tmp_path):
    """Whatever the description calls the network; and Windows knows no capitals."""
    import_model(Path(network("pixel", name="a-v1").path), folder)
    other = network("pixel", name="another", seed=5)
    path = tmp_path / f"{file}.onnx"
    for suffix in (".onnx", ".json"):
        os.replace(Path(other.path).with_suffix(suffix), path.with_suffix(suffix))
    with pytest.raises(LulcError, match="has a network called 'a-v1' already"):
        import_model(path, folder)


def test_bundled_names_are_taken(network, folder, no_bundled):
    net = network("pixel", name="ours-v1")
    (no_bundled / "ours-v1.onnx").write_bytes(Path(network("pixel", name="x", seed=3).path).read_bytes())
    with pytest.raises(LulcError, match="comes with this program"):
        import_model(Path(net.path), folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("water", "water-v2"), ("water-v1", "water-v2"), ("water-v9", "water-v10"), ("a-vx", "a-vx-v2")],
)
def test_the_next_name(network, folder, name, remedy):
    import_model(Path(network("pixel", name=name).path), folder)
    with pytest.raises(LulcError) as caught:
        import_model(Path(network("pixel", name=name, seed=2).path), folder)
    assert f"rename it to {remedy}," in caught.value.remedy


def test_digest_and_size_of_the_description_count(network, folder):
    net = network("pixel", name="a-v1")
    path = Path(net.path)
    digest = provenance.file_digest(path)
    mlm.write(replace(net.spec, sha256=digest, file_size=path.stat().st_size), path.with_suffix(".json"))
    import_model(path, folder)
    mlm.write(
        replace(net.spec, sha256="0" + digest[1:] if digest[0] != "0" else "1" + digest[1:]), path.with_suffix(".json")
    )  # noqa: E501
    with pytest.raises(LulcError, match="not those its description was written for"):
        import_model(path, folder)


def test_weights_in_a_second_file_do_not_come_along(graph, spec, folder, tmp_path):
    model = graph("pixel", 4, 4)
    source = tmp_path / "source"
    source.mkdir()
    path = source / "two-v1.onnx"
    onnx.save(model, path, save_as_external_data=True, location="two-v1.bin", size_threshold=0)
    mlm.write(spec("pixel", name="two-v1"), source / "two-v1.json")
    assert catalogue.load(path).spec.name == "two-v1"
    with pytest.raises(LulcError, match="away from its folder") as caught:
        import_model(path, folder)
    assert "single .onnx file" in caught.value.remedy
    assert listing(folder) == []


def test_what_does_not_fit_is_not_taken_in(network, folder, spec):
    net = network("pixel", name="a-v1", classes=5)
    mlm.write(replace(spec("pixel", name="a-v1")), Path(net.path).with_suffix(".json"))
    with pytest.raises(LulcError, match="4 classes"):
        import_model(Path(net.path), folder)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["auto", "a;b", "x" * 160, ".hidden", "a\nb"])
def test_names_that_cannot_be(network, folder, name, tmp_path):
    net = network("pixel", name="a-v1")
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(Path(net.path).read_bytes())
    mlm.write(net.spec, path.with_suffix(".json"))
    with pytest.raises(LulcError, match="cannot be the name"):
        import_model(path, folder)


def test_a_folder_that_cannot_be_written_to(network, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LulcError, match="cannot be copied"):
        import_model(Path(network("pixel").path), tmp_path / "file" / "models")


def test_nothing_is_left_of_a_copy_that_fails(network, folder, monkeypatch):
    net = network("pixel", name="a-v1")

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_networks.os, "replace", refuse)
    with pytest.raises(LulcError, match="No space left"):
        import_model(Path(net.path), folder)
    assert listing(folder) == []


# ---------------------------------------------------------------- listing


def test_one_broken_file_does_not_hide_the_others(network, folder, no_bundled):
    import_model(Path(network("pixel", name="good-v1").path), folder)
    (folder / "broken.onnx").write_bytes(b"nonsense")
    (folder / "alone.onnx").write_bytes((folder / "good-v1.onnx").read_bytes())
    (folder / ".hidden.onnx").write_bytes(b"")
    networks = Catalogue(folder)
    assert networks.names == ("alone", "broken", "good-v1")
    assert [e.path.stem for e in networks.entries] == ["good-v1"]
    problems = {b.path.stem: b.error.problem for b in networks.broken}
    assert set(problems) == {"alone", "broken"}
    assert "cannot be loaded" in problems["broken"] and "no description" in problems["alone"]


def test_a_description_is_read_once(network, folder, no_bundled, monkeypatch):
    import_model(Path(network("pixel", name="good-v1").path), folder)
    reads = []
    load = catalogue.load
    monkeypatch.setattr(catalogue, "load", lambda path: reads.append(path.stem) or load(path))
    networks = Catalogue(folder)
    assert networks.names == ("good-v1",) and reads == []
    networks.first_fit(lambda entry: entry.spec.name)
    assert networks.by_name("good-v1") is networks.entries[0]
    assert reads == ["good-v1"]


def test_no_folder_and_no_such_folder(tmp_path, monkeypatch, no_bundled):
    monkeypatch.delenv(catalogue.VARIABLE, raising=False)
    assert catalogue.default_folder() is None
    for folder in (None, tmp_path / "none"):
        networks = Catalogue(folder)
        assert networks.names == () and networks.entries == () and networks.broken == ()
    monkeypatch.setenv(catalogue.VARIABLE, str(tmp_path))
    assert catalogue.default_folder() == tmp_path


def test_bundled_first_then_the_users(network, folder, no_bundled, monkeypatch):
    for name, place in (("b-v1", no_bundled), ("a-v1", folder), ("c-v1", folder), ("b-v1", folder)):
        place.mkdir(exist_ok=True)
        net = network("pixel", name=name)
        for suffix in (".onnx", ".json"):
            (place / f"{name}{suffix}").write_bytes(Path(net.path).with_suffix(suffix).read_bytes())
    assert Catalogue(folder).names == ("b-v1", "a-v1", "c-v1")
    assert [e.path.parent for e in catalogue.entries(folder)] == [no_bundled, folder, folder]
    assert catalogue.by_name("b-v1", folder).path.parent == no_bundled
    assert catalogue.by_name("c-v1", folder).path.parent == folder
    monkeypatch.setenv(catalogue.VARIABLE, str(folder))
    assert catalogue.by_name("c-v1").path.parent == folder
    with pytest.raises(LulcError, match="nor in the model folder") as caught:
        catalogue.by_name("d-v1")
    assert "c-v1" in caught.value.remedy


@pytest.mark.parametrize("name", ["../secret", "sub/a", "", "."])
def test_names_are_not_paths(network, folder, tmp_path, name):
    import_model(Path(network("pixel", name="a-v1").path), folder)
    (folder / "sub").mkdir()
    for place in (tmp_path / "secret.onnx", folder / "sub" / "a.onnx"):
        place.write_bytes((folder / "a-v1.onnx").read_bytes())
    with pytest.raises(LulcError, match="no model"):
        catalogue.by_name(name, folder)


# ---------------------------------------------------------------- other formats


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("a.emd", "Esri model definition"), ("a.dlpk", "Esri deep learning package"), ("a.pt", "PyTorch"),
        ("a.pth", "PyTorch"), ("a.PT2", "PyTorch"), ("a.h5", "Keras"), ("a.keras", "Keras"), ("a.pb", "TensorFlow"),
        ("a.tflite", "TensorFlow Lite"), ("a.safetensors", "weights without"), ("a.joblib", "scikit-learn"),
        ("a.pkl", "pickle"), ("a.txt", "is not an .onnx file"), ("a", "is not an .onnx file"),
        ("a.json", "is a description, not a network"), ("a.onnx.json", "is a description, not a network"),
    ],
)  # fmt: skip
def test_other_formats_are_named(file, words, tmp_path):
    (tmp_path / file).write_bytes(b"")
    for refuse in (catalogue.load, lambda path: import_model(path, tmp_path / "own")):
        with pytest.raises(LulcError) as caught:
            refuse(tmp_path / file)
        assert words in caught.value.problem
        if "json" not in file:
            assert "docs/foreign-models.md" in caught.value.remedy
        if file.endswith((".pt", ".pkl", ".joblib")):
            assert "not opened" in caught.value.problem


def test_a_saved_model_folder(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(LulcError, match="SavedModel"):
        catalogue.load(tmp_path / "net")


def test_the_guide_exists():
    text = (CHECKOUT / foreign_files.GUIDE).read_text(encoding="utf-8")
    for word in ("lulc:describemodel", "PyTorch", "Keras", "TensorFlow", ".emd", "opset"):
        assert word in text


def test_geoais_description_beside(graph, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(graph("pixel", 4, 2).SerializeToString())
    beside = tmp_path / "net.onnx.json"
    beside.write_text(json.dumps({"task": "semantic-segmentation", "id2label": {"0": "bare", "1": "tree"}}))
    with pytest.raises(LulcError, match="geoai's.*2 classes: bare, tree"):
        catalogue.load(path)
    for text in ("[]", "{", '{"id2label": {"x": 1}}', '{"id2label": 5}', "[" * 10_000):
        beside.write_text(text)
        with pytest.raises(LulcError, match="no description"):
            catalogue.load(path)


def test_mlm_in_geoais_place(graph, spec, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(graph("pixel", 4, 4).SerializeToString())
    mlm.write(spec("pixel", name="there-v1"), tmp_path / "net.onnx.json")
    assert catalogue.load(path).spec.name == "there-v1"
    assert import_model(path, tmp_path / "own").spec.name == "there-v1"
    assert listing(tmp_path / "own") == ["net.json", "net.onnx"]


@pytest.mark.parametrize("key", ["mlm", "stac_mlm", "mlm-metadata"])
def test_other_keys_for_an_embedded_description(graph, spec, tmp_path, key):
    path = tmp_path / "net.onnx"
    text = json.dumps(mlm.to_item(spec("pixel", name="inside-v1")))
    path.write_bytes(graph("pixel", 4, 4, metadata={key: text}).SerializeToString())
    assert catalogue.load(path).spec.name == "inside-v1"


def test_esris_definition_beside(graph, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(graph("pixel", 4, 4).SerializeToString())
    (tmp_path / "net.emd").write_text("{}")
    with pytest.raises(LulcError, match="net.emd is Esri's"):
        catalogue.load(path)


def test_a_folder_that_a_killed_import_left(network, tmp_path):
    shelf = tmp_path / "shelf"
    left = shelf / ".import-0123abcd"
    left.mkdir(parents=True)
    (left / "net.onnx").write_bytes(b"x")
    os.utime(left, (0, 0))
    import_model(Path(network().path), shelf)
    assert sorted(p.name for p in shelf.iterdir()) == ["pixel-v1.json", "pixel-v1.onnx"]
