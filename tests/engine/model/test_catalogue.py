# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks are at hand, which one is taken, and what is refused before a pixel is read."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lulc_plugin import bundled
from lulc_plugin.errors import LulcError
from lulc_plugin.model import Catalogue, ModelBand, Network, Scores, Window, catalogue, mlm, ranking
from lulc_plugin.model.ranking import RankingFacts
from lulc_plugin.options import QGIS, render


def test_score(miou=0.5, split="test"):
    return Scores("set", split, 100, 0.6, 0.5, 0.55, miou)


test_score.__test__ = False


@pytest.fixture
def add_bundled(tmp_path, monkeypatch, spec, graph):
    """A folder of bundled networks: `add_bundled(name, miou, speed, …)` puts one there."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    monkeypatch.setattr(bundled, "folder", lambda name: {"models": folder}[name])

    def put(name, miou=0.5, speed=1.0, **changes):
        changes.setdefault("scores", () if miou is None else (test_score(miou),))
        made = replace(spec("pixel", name=name), speed=speed, **changes)
        mlm.write(made, folder / f"{name}.json")
        model = graph("pixel", len(made.channels), len(made.legend.classes))
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        return made

    return put


OTHER_BANDS = (ModelBand("vv", None, None), *(ModelBand(n, n) for n in ("green", "blue", "nir")))


def test_order_by_score_then_speed_then_name(add_bundled):
    add_bundled("a-slow-v1", 0.6, 1)
    add_bundled("z-fast-v1", 0.6, 5)
    add_bundled("best-v1", 0.7, 0.1)
    add_bundled("b-v1", 0.4, 1)
    add_bundled("a-v1", 0.4, 1)
    add_bundled("unknown-v1", None, 9)
    assert [e.spec.name for e in catalogue.entries()] == [
        "best-v1", "z-fast-v1", "a-slow-v1", "a-v1", "b-v1", "unknown-v1"
    ]  # fmt: skip


def test_among_equals_the_one_with_more_bands_leads(add_bundled, spec):
    """A layer with four bands must not go to a network for three, only because that is faster."""
    four = spec("pixel")
    forms = tuple(replace(form, band_steps=form.band_steps[:3]) for form in four.forms)
    fewer = {"bands": four.bands[:3], "channels": four.channels[:3], "fill": four.fill[:3], "forms": forms}
    add_bundled("three-v1", speed=9, scores=(replace(test_score(0.9), dataset="pictures"),), **fewer)
    add_bundled("four-v1", speed=1)
    assert [e.spec.name for e in catalogue.entries()] == ["four-v1", "three-v1"]


def test_only_held_out_scores_count(add_bundled, spec):
    plain = spec()
    scores = (test_score(0.9, "validation"), test_score(0.5), test_score(0.3), test_score(0.99, "evaluation"))
    assert replace(plain, scores=scores).held_out_scores == {"set": 0.3}
    assert plain.held_out_scores == {}


def test_networks_tested_on_other_data_are_compared_where_they_meet(add_bundled):
    """`two` was tested on an easy set as well; on the hard one, which both know, `one` is better."""
    hard, easy = test_score(0.4), replace(test_score(0.9), dataset="easy")
    add_bundled("two-v1", scores=(hard, easy))
    add_bundled("one-v1", scores=(test_score(0.5),))
    add_bundled("other-v1", scores=(replace(test_score(0.1), dataset="its own"),), speed=0.1)
    assert [e.spec.name for e in catalogue.entries()] == ["one-v1", "two-v1", "other-v1"]


def test_a_lead_within_noise_goes_to_the_faster_one(add_bundled):
    add_bundled("slow-v1", 0.600, 1)
    add_bundled("fast-v1", 0.595, 3)
    add_bundled("worse-v1", 0.580, 9)
    assert [e.spec.name for e in catalogue.entries()] == ["fast-v1", "slow-v1", "worse-v1"]


def test_speed_is_that_of_maps_with_the_overlap_of_their_windows(add_bundled):
    add_bundled("bare-v1", 0.6, 3.0, window=Window(512, 32, 64, margin=128))
    add_bundled("map-v1", 0.6, 2.0, window=Window(512, 32, 64, margin=32))
    assert [e.spec.name for e in catalogue.entries()] == ["map-v1", "bare-v1"]
    assert [e.spec.map_speed for e in catalogue.entries()] == [pytest.approx(2 * 0.875**2), pytest.approx(3 * 0.5**2)]


def test_a_network_that_nobody_can_be_compared_with_does_not_lead_for_it(add_bundled, spec):
    """`three` is the best of all on its own data, and the only one there."""
    four = spec("pixel")
    forms = tuple(replace(form, band_steps=form.band_steps[:3]) for form in four.forms)
    fewer = {"bands": four.bands[:3], "channels": four.channels[:3], "fill": four.fill[:3], "forms": forms}
    add_bundled("three-v1", speed=9, scores=(replace(test_score(0.9), dataset="pictures"),), **fewer)
    add_bundled("good-v1", scores=(test_score(0.5), replace(test_score(0.4), dataset="hard")))
    add_bundled("also-v1", scores=(test_score(0.4), replace(test_score(0.5), dataset="hard")), speed=2)
    assert [e.spec.name for e in catalogue.entries()] == ["also-v1", "good-v1", "three-v1"]


def test_auto_takes_the_first_that_fits_and_logs_the_others(add_bundled, raster, classify, scene):
    add_bundled("radar-v1", 0.9, bands=OTHER_BANDS)
    add_bundled("coarse-v1", 0.8, gsd_range=(200.0, 500.0))
    add_bundled("right-v1", 0.5, gsd_range=(10.0, 30.0))
    add_bundled("also-v1", 0.4)
    made = classify(raster("a.tif", scene(30, 30)), model="auto")
    assert made.result.model == "right-v1"
    passed = [line for line in made.progress.lines if line.startswith("Passed over")]
    assert len(passed) == 3
    assert "also-v1" in passed[2]
    assert "radar-v1" in passed[0] and "vv" in passed[0]
    assert "coarse-v1" in passed[1] and "200 to 500" in passed[1]


# ---------------------------------------------------------------- why one goes before another


def passed_over(made):
    """Name → reason, as the log of a run gives them."""
    said = [line[len("Passed over ") :] for line in made.progress.lines if line.startswith("Passed over")]
    return dict(line.split(": ", 1) for line in said)


def test_networks_behind_the_best_are_told_why(add_bundled, raster, classify, scene, network, spec):
    easy = replace(test_score(0.9), dataset="easy")
    four = spec("pixel")
    forms = tuple(replace(form, band_steps=form.band_steps[:3]) for form in four.forms)
    fewer = {"bands": four.bands[:3], "channels": four.channels[:3], "fill": four.fill[:3], "forms": forms}
    add_bundled("best-v1", speed=4, gsd_range=(10.0, 30.0), scores=(test_score(0.5), easy))
    add_bundled("slow-v1", speed=2, scores=(test_score(0.504), replace(easy, miou=0.9)))
    add_bundled("three-v1", speed=9, scores=(test_score(0.498), replace(easy, miou=0.9)), **fewer)
    add_bundled("worse-v1", speed=9, scores=(test_score(0.4), replace(easy, miou=0.8)))
    add_bundled("pictures-v1", speed=9, scores=(replace(test_score(0.99), dataset="pictures"),), **fewer)
    add_bundled("fine-v1", gsd_range=(8.0, 20.0), scores=())
    add_bundled("untested-v1", scores=())
    add_bundled("radar-v1", scores=(), bands=OTHER_BANDS)
    own = network("pixel", name="own-v1")
    made = classify(raster("a.tif", scene(30, 30)), model="auto", models_folder=str(Path(own.path).parent))
    assert made.result.model == "best-v1"
    speed = catalogue.by_name("best-v1").spec.map_speed
    half = catalogue.by_name("slow-v1").spec.map_speed
    both = "the test data that both know"
    assert passed_over(made) == {
        "slow-v1": f"it fits too and scores alike on {both} (0.50 and 0.90 against 0.50 and 0.90 mean IoU),"
        f" but makes slower maps ({half:.2g} against {speed:.2g} million pixels a second)",
        "three-v1": f"it fits too and scores alike on {both} (0.50 and 0.90 against 0.50 and 0.90 mean IoU),"
        " but looks at fewer bands (3 against 4)",
        "worse-v1": f"it fits too, but scores lower on {both} (0.40 and 0.80 against 0.50 and 0.90 mean IoU)",
        "pictures-v1": "it fits too, but shares no test data with best-v1, and looks at fewer bands (3 against 4)",
        "fine-v1": "it was made for pixels of 8 to 20 m, and those of the layer have 30 m",
        "untested-v1": "it fits too, but was not tested on held-out places",
        "radar-v1": "it wants vv, green, blue, nir; vv could not be recognised",
        "own-v1": "it fits too, but bundled networks go before imported ones",
    }


def test_of_the_users_networks_the_one_behind_is_told_why(add_bundled, raster, classify, scene, network):
    add_bundled("radar-v1", bands=OTHER_BANDS)
    network("pixel", name="a-v1", speed=3.0)
    net = network("pixel", name="b-v1", speed=2.0)
    made = classify(raster("a.tif", scene(30, 30)), model="auto", models_folder=str(Path(net.path).parent))
    assert made.result.model == "a-v1"
    reason = passed_over(made)["b-v1"]
    assert reason.startswith("it fits too, but was, like a-v1, not tested, and makes slower maps (")


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (RankingFacts("z", 4, 2.0, {"hard": 0.5}), " and scores alike on the test data that both know (0.50 against"
         " 0.50 mean IoU), but comes later in the alphabet"),
        (RankingFacts("z", 4, 2.0, {"hard": 0.5, "other": 0.1}), ", but scores lower on all test data that they share"),
        (RankingFacts("z", 5, 2.0, {"hard": 0.495}), ", but scores lower on the test data that both know (0.49"
         " against"),
        (RankingFacts("z", 4, 2.0, {"other": 0.3}), ", but scores lower on all test data that they share"),
    ],
)  # fmt: skip
def test_reasons_within_a_family(later, words):
    found = [RankingFacts("a", 4, 2.0, {"hard": 0.5}), later, RankingFacts("b", 1, 1.0, {"hard": 0.1, "other": 0.9})]
    assert ranking.reason_for_rank(found, 1, 0).startswith(words)


def test_the_list_of_a_dialog_has_the_same_order_and_loads_nothing(add_bundled):
    add_bundled("a-slow-v1", 0.6, 1)
    add_bundled("best-v1", 0.7, 0.1)
    add_bundled("b-margin-v1", 0.6, 3.0, window=Window(512, 32, 64, margin=200))
    add_bundled("z-fast-v1", 0.6, 5)
    add_bundled("radar-v1", None, 9, bands=OTHER_BANDS)
    assert ranking.bundled_names() == tuple(e.spec.name for e in catalogue.entries())
    assert ranking.bundled_names()[:2] == ("best-v1", "z-fast-v1")
    bundled.folder("models").joinpath("best-v1.json").write_text('{"properties": []}')
    bundled.folder("models").joinpath("z-fast-v1.json").unlink()
    assert set(ranking.bundled_names()[-3:]) == {"best-v1", "z-fast-v1", "radar-v1"}, "running them says what is wrong"


def test_the_bundled_list_has_the_same_order():
    assert ranking.bundled_names() == tuple(e.spec.name for e in catalogue.entries())


def test_networks_have_titles_for_people():
    titles = ranking.bundled_titles()
    assert set(titles) == set(bundled.model_names()), "each of those that ship"
    assert titles["optical-rgbn-10to30m-unet-v1"] == "Land cover 10–30 m, RGB + NIR (U-Net v1)"
    assert titles["aerial-rgb-1to4m-mobileunet-v1"] == "Land cover 1–4 m, RGB (Mobile-UNet v1)"
    assert len(set(titles.values())) == len(titles) and max(map(len, titles.values())) <= 50


def test_a_network_of_any_bands_says_so(tmp_path, monkeypatch):
    """And one whose description cannot be read, or whose title would be too long, keeps its name."""
    sidecar = json.loads((bundled.folder("models") / "optical-rgbn-10to30m-unet-v1.json").read_text(encoding="utf-8"))
    sidecar["properties"]["lulc:band_patterns"] = {}
    models = {
        "any-v3": json.dumps(sidecar),
        "broken-v1": "{",
        "long-v1": json.dumps(sidecar).replace("U-Net", "N" * 50),
    }
    for name, text in models.items():
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(bundled, "model_names", lambda: tuple(models))
    monkeypatch.setattr(bundled, "folder", lambda name: tmp_path)
    assert ranking.bundled_titles() == {"any-v3": "Land cover 10–30 m, any bands (U-Net v3)"}


def test_the_list_of_a_dialog_needs_no_numpy():
    calls = "ranking.bundled_names(); ranking.bundled_titles()"
    script = f"import sys; sys.modules['numpy'] = None; from lulc_plugin.model import ranking; {calls}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=Path(__file__).resolve().parents[3], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- auto


def test_auto_with_bands_takes_them_in_the_models_order(add_bundled, raster, classify, scene):
    add_bundled("right-v1")
    layer = raster("a.tif", scene(30, 30, bands=6), names=None)
    assert classify(layer, model="auto", bands=(3, 2, 1, 4)).result.model == "right-v1"


def test_none_fits_is_an_error_with_all_reasons(add_bundled, raster, classify, scene, tmp_path):
    add_bundled("radar-v1", 0.9, bands=OTHER_BANDS)
    add_bundled("coarse-v1", 0.8, gsd_range=(200.0, 500.0))
    (tmp_path / "out").mkdir()
    with pytest.raises(LulcError) as caught:
        classify(raster("a.tif", scene(30, 30)), model="auto", output=str(tmp_path / "out" / "map.tif"))
    for words in ("None of the networks at hand fits", "radar-v1", "vv", "coarse-v1", "30 m"):
        assert words in caught.value.problem
    assert caught.value.remedy
    assert list((tmp_path / "out").iterdir()) == []


def test_what_all_networks_lack_is_said_once(add_bundled, raster, classify, scene, spec, network):
    """Names, bands and remedy: a line for each network would bury what to do."""
    four = spec("pixel")
    forms = tuple(replace(form, band_steps=form.band_steps[:3]) for form in four.forms)
    for name in ("a-v1", "b-v1", "c-v1"):
        add_bundled(name)
    add_bundled("three-v1", bands=four.bands[:3], channels=four.channels[:3], fill=four.fill[:3], forms=forms)
    own = network("pixel", name="own-v1")
    layer = raster("a.tif", scene(30, 30, bands=6), names=None)
    with pytest.raises(LulcError) as caught:
        classify(layer, model="auto", models_folder=str(Path(own.path).parent))
    assert caught.value.problem == (
        "None of the networks at hand fits this layer. a.tif has 6 bands: 1 (unnamed), 2 (unnamed), 3 (unnamed),"
        " 4 (unnamed), 5 (unnamed), 6 (unnamed). None of them could be recognised. a-v1, b-v1, c-v1 and own-v1 want"
        " red, green, blue, nir. three-v1 wants red, green, blue."
    )
    assert render(caught.value.remedy, QGIS).startswith(
        "Set Bands to the numbers of the bands that the network wants, in this"
    )
    assert "'BANDS=3;2;1;4'" in caught.value.shown_at(QGIS)
    with pytest.raises(LulcError) as caught:
        classify(layer, model="auto", bands=(1, 2, 9))
    assert caught.value.problem.count("Band 9 does not exist") == 1


def test_what_only_some_networks_lack_is_said_of_them(add_bundled, raster, classify, scene, spec):
    four = spec("pixel")
    add_bundled("radar-v1", bands=OTHER_BANDS)
    add_bundled("nir-v1", bands=(four.bands[3], *four.bands[:3]))
    layer = raster("a.tif", scene(30, 30, bands=3), names=("red", "green", "blue"))
    with pytest.raises(LulcError) as caught:
        classify(layer, model="auto")
    assert "nir-v1 wants nir, red, green, blue (nir could not be recognised)." in caught.value.problem
    assert "radar-v1 wants vv, green, blue, nir (vv, nir could not be recognised)." in caught.value.problem
    assert caught.value.problem.count("a.tif has 3 bands") == 1


def test_nothing_bundled(add_bundled, raster, classify, scene):
    with pytest.raises(LulcError, match="No network is bundled"):
        classify(raster("a.tif", scene(30, 30)), model="auto")


def test_by_name(add_bundled, raster, classify, scene):
    add_bundled("good-v1", 0.9)
    add_bundled("other-v1", 0.1)
    layer = raster("a.tif", scene(30, 30))
    assert classify(layer, model="other-v1").result.model == "other-v1"
    with pytest.raises(LulcError, match="no model 'nosuch'") as caught:
        classify(layer, model="nosuch")
    assert "good-v1" in caught.value.remedy


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "", ".", "good-v1.onnx"])
def test_names_are_not_paths(add_bundled, name):
    add_bundled("good-v1")
    with pytest.raises(LulcError):
        catalogue.by_name(name)


# ---------------------------------------------------------------- pixel size


@pytest.mark.parametrize(
    ("gsd", "warned", "refused"),
    [(30, False, False), (9.6, False, False), (31.4, False, False), (40, True, False), (5, True, False),
     (125, False, True), (2, False, True)],
)  # fmt: skip
def test_pixel_size(raster, network, classify, scene, gsd, warned, refused):
    from affine import Affine

    layer = raster("a.tif", scene(30, 30), transform=Affine(gsd, 0, 5e5, 0, -gsd, 9e6))
    net = network("pixel", gsd_range=(10.0, 30.0))
    if refused:
        with pytest.raises(LulcError, match=rf"{gsd} m.*10 to 30 m"):
            classify(layer, net)
        return
    made = classify(layer, net)
    assert any("10 to 30 m" in w for w in made.result.warnings) is warned
    assert made.progress.warnings == list(made.result.warnings)


# ---------------------------------------------------------------- a file of the user's own


def test_embedded_description(raster, classify, scene, spec, graph, tmp_path):
    made = spec("pixel", name="inside-v1")
    path = tmp_path / "any name.onnx"
    text = json.dumps(mlm.to_item(made))
    path.write_bytes(graph("pixel", 4, 4, metadata={"mlm": text}).SerializeToString())
    result = classify(raster("a.tif", scene(30, 30)), model_file=str(path))
    assert result.result.model == "inside-v1"


def test_a_sidecar_goes_before_the_embedded_description(spec, graph, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(graph("pixel", 4, 4, metadata={"mlm": "{broken"}).SerializeToString())
    mlm.write(spec("pixel", name="beside-v1"), tmp_path / "a.json")
    assert catalogue.load(path).spec.name == "beside-v1"


def refused(raster, classify, scene, tmp_path, path, match):
    """The error is a LulcError and nothing is left."""
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    with pytest.raises(LulcError, match=match) as caught:
        classify(raster("a.tif", scene(30, 30)), model_file=str(path), output=str(folder / "map.tif"))
    assert list(folder.iterdir()) == []
    assert len(str(caught.value)) < 1500
    return caught.value


@pytest.fixture
def refuses(raster, classify, scene, tmp_path):
    return lambda path, match: refused(raster, classify, scene, tmp_path, path, match)


def test_no_description_at_all(refuses, graph, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(graph("pixel", 4, 4).SerializeToString())
    assert "a.json" in refuses(path, "has no description").problem


def test_embedded_description_that_is_broken(refuses, graph, tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(graph("pixel", 4, 4, metadata={"mlm": "{broken"}).SerializeToString())
    refuses(path, "not valid JSON")


@pytest.mark.parametrize(
    ("text", "match"),
    [("{broken", "not valid JSON"), ("", "not valid JSON"), ("[" * 100_000, "not valid JSON"), ("{}", "mlm:input"),
     (" " * 4_000_001, "larger than"), ("\x00", "not valid JSON")],
    ids=range(6),
)  # fmt: skip
def test_broken_sidecars(refuses, network, text, match):
    net = network("pixel")
    Path(net.path).with_suffix(".json").write_text(text)
    refuses(net.path, match)


def test_no_such_file(refuses, tmp_path):
    refuses(tmp_path / "a.onnx", "does not exist")
    refuses(tmp_path / "a.pt", r"not an \.onnx file")
    (tmp_path / "folder.onnx").mkdir()
    refuses(tmp_path / "folder.onnx", "does not exist")


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08\x12", bytes(range(256)) * 40])
@pytest.mark.parametrize("sidecar", [True, False])
def test_a_file_that_is_no_network(refuses, network, tmp_path, content, sidecar):
    net = network("pixel", sidecar=sidecar)
    Path(net.path).write_bytes(content)
    refuses(net.path, "cannot be loaded|has no description")


def test_a_network_that_was_cut_off(refuses, network):
    net = network("context")
    path = Path(net.path)
    path.write_bytes(path.read_bytes()[:-500])
    refuses(net.path, "cannot be loaded")


def mismatched(network, spec, kind="pixel", **changes):
    net = network(kind)
    mlm.write(replace(net.spec, **changes), Path(net.path).with_suffix(".json"))
    return net.path


def test_description_and_network_must_agree(refuses, network, spec):
    plain = spec()
    from lulc_plugin.legend import Legend

    fewer = replace(plain, channels=plain.channels[:3], fill=plain.fill[:3])
    refuses(mismatched(network, spec, channels=fewer.channels, fill=fewer.fill), r"4.*3 channels")
    refuses(mismatched(network, spec, legend=Legend(plain.legend.classes[:3], 0)), r"3 classes")


def test_names_are_those_of_the_network(network, spec, raster, classify, scene):
    """One input and one output: there is no doubt which are meant."""
    from lulc_plugin.model import Output

    layer = raster("a.tif", scene(30, 30))
    expected = classify(layer, model_file=network("pixel").path)
    changed = mismatched(network, spec, input_name="pixels", output=Output("logits", ("argmax",)))
    made = classify(layer, model_file=changed)
    np.testing.assert_array_equal(made.values, expected.values)
    told = " ".join(made.result.warnings)
    assert re.search(r"called 'image'.*'pixels'.*called 'scores'.*'logits'", told)


def test_a_network_of_one_fixed_size(refuses, network, raster, classify, scene, tensor_of, spec):
    from lulc_plugin.model import Window

    wrong = network("pixel", name="fixed-v1", shape=(1, 32, 32))
    refuses(wrong.path, r"32 × 32.*64")
    fixed = Window(size=32, multiple=4, minimum=32, margin=4)
    net = network("pixel", name="fixed-v2", shape=(1, 32, 32), window=fixed)
    with Network(Path(net.path), net.spec, 1) as opened:
        assert opened.fixed_window == (32, 32)
    image = scene(70, 50)
    made = classify(raster("b.tif", image), net)
    free = network("pixel", name="free-v1")
    np.testing.assert_array_equal(made.values, free.labels(tensor_of(image)))


def test_a_network_of_one_fixed_batch(network, raster, classify, scene, tensor_of):
    image = scene(130, 150)
    image[:, 60:70, 20:120] = 0
    net = network("pixel", name="batch-v1", shape=(3, "h", "w"))
    made = classify(raster("a.tif", image, nodata=0), net, window=32, overlap=0)
    expected = network("pixel", name="free-v1").labels(tensor_of(image))
    expected[image[0] == 0] = 0
    np.testing.assert_array_equal(made.values, expected)


def test_a_network_that_returns_nonsense(refuses, network):
    refuses(network("nan").path, "not finite")


def test_windows_below_the_minimum_are_refused(raster, network, classify, scene):
    with pytest.raises(LulcError, match="window of 4 pixels.*minimum of 8"):
        classify(raster("a.tif", scene(30, 30)), network("pixel"), window=4)


@pytest.mark.parametrize(
    "options",
    [{"overlap": -1}, {"overlap": 5000}, {"window": 0}, {"window": 20_000}, {"batch_size": -1}, {"batch_size": 257},
     {"threads": -1}, {"nodata_policy": "some"}, {"values": "radiance"}],
)  # fmt: skip
def test_numbers_outside_their_range_are_refused_with_the_number(options):
    from lulc_plugin.classify import ClassifyJob
    from lulc_plugin.raster import RasterInput

    (value,) = options.values()
    with pytest.raises(LulcError, match=re.escape(str(value))):
        ClassifyJob(RasterInput("a.tif"), **options)


def test_activations(network):
    """Probabilities come out as the description says they are made."""
    from lulc_plugin.model import Output

    batch = np.random.default_rng(0).normal(size=(2, 4, 8, 8)).astype(np.float32)
    for activation in (("softmax", "argmax"), ("sigmoid",), ("argmax",)):
        net = network("context", output=Output("scores", activation))
        raw = np.stack([net.run(b) for b in batch])
        out = Network(Path(net.path), net.spec, 1).probabilities(batch)
        if activation[0] == "softmax":
            expected = np.exp(raw - raw.max(1, keepdims=True))
            expected /= expected.sum(1, keepdims=True)
            np.testing.assert_allclose(out.sum(axis=1), 1, rtol=1e-5)
        else:
            expected = 1 / (1 + np.exp(-raw)) if activation[0] == "sigmoid" else raw
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-6)


# ---------------------------------------------------------------- the real ones


REAL = sorted((Path(__file__).resolve().parents[3] / "models").glob("*.onnx"))
needs_models = pytest.mark.skipif(not REAL, reason="no network is bundled yet")


@needs_models
def test_bundled_networks_have_complete_descriptions():
    for entry in catalogue.entries():
        assert entry.spec.name == entry.path.stem
        assert entry.spec.held_out_scores
        assert entry.path.with_suffix(".md").is_file()
        assert entry.path.stat().st_size <= 6_000_000
        Network(entry.path, entry.spec, 1)


@needs_models
@pytest.mark.parametrize("dtype", ["uint16", "uint8"])
def test_auto_with_the_bundled_networks(raster, classify, scene, dtype):
    made = classify(raster("a.tif", scene(150, 140, dtype=dtype)), model="auto")
    assert made.result.valid_pixels == 150 * 140
    assert set(np.unique(made.values)) <= set(made.result.legend.values)


# ---------------------------------------------------------------- broken and own networks beside the bundled ones


def test_a_broken_bundled_network_does_not_stop_auto(add_bundled, raster, classify, scene):
    add_bundled("good-v1", 0.5)
    folder = bundled.folder("models")
    (folder / "broken-v1.onnx").write_bytes(b"nonsense")
    assert [e.spec.name for e in catalogue.entries()] == ["good-v1"]
    assert [b.path.stem for b in Catalogue().broken] == ["broken-v1"]
    made = classify(raster("a.tif", scene(30, 30)), model="auto")
    assert made.result.model == "good-v1"
    assert any("broken-v1: it cannot be used" in line for line in made.progress.lines)
    with pytest.raises(LulcError, match="broken-v1.onnx cannot be loaded"):
        classify(raster("b.tif", scene(30, 30)), model="broken-v1")


def test_only_broken_networks(add_bundled, raster, classify, scene):
    (bundled.folder("models") / "broken-v1.onnx").write_bytes(b"nonsense")
    with pytest.raises(LulcError, match="broken-v1: it cannot be used"):
        classify(raster("a.tif", scene(30, 30)), model="auto")


def test_auto_takes_one_of_the_users_only_if_no_bundled_one_fits(
    add_bundled, network, raster, classify, scene, tmp_path
):
    net = network("pixel", name="own-v1", scores=(test_score(0.99),))
    add_bundled("good-v1", 0.1)
    layer = raster("a.tif", scene(30, 30))
    own = str(Path(net.path).parent)
    assert classify(layer, model="auto", models_folder=own).result.model == "good-v1"
    for path in bundled.folder("models").iterdir():
        path.unlink()
    add_bundled("radar-v1", 0.9, bands=OTHER_BANDS)
    assert classify(layer, model="auto", models_folder=own).result.model == "own-v1"


@pytest.mark.skipif(sys.platform == "win32", reason="folders are closed in other ways there")
def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    """Python's `glob` finds nothing in it and is silent."""
    folder = tmp_path / "closed"
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder)  # root may read everything
    (broken,) = Catalogue(folder).broken
    assert broken.path == folder and str(folder) in broken.error.problem
    assert Catalogue(tmp_path / "none").broken == ()
