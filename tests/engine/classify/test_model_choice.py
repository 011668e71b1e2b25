# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that work with the bands there are: which pattern a layer gets, what the network sees, what is told."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from lulc_plugin import bundled
from lulc_plugin.classify import ClassifyJob, Instead, check_layer, make_plan, repeat
from lulc_plugin.classify.windows import read_windows
from lulc_plugin.errors import LulcError
from lulc_plugin.model import (
    BandPattern,
    BandPatterns,
    BandStatistics,
    Scores,
    Smoothing,
    catalogue,
    import_model,
)
from lulc_plugin.raster import RasterInput

SIX = ("red", "green", "blue", "nir", "swir16", "swir22")
RGB = SIX[:3]


@pytest.fixture
def layer(raster, scene):
    """`layer(names, …)` has the bands `names` of one scene of six bands."""

    def write(names=SIX, size=(90, 80), file="in.tif", **options):
        values = scene(*size, bands=6)
        chosen = values[[SIX.index(name) for name in names]]
        shown = options.pop("shown", names)
        change = options.pop("change", None)
        if change:
            change(chosen)
        return raster(file, chosen, names=shown, **options)

    return write


def plan_of(path, net, bands=(), **options):
    with make_plan(ClassifyJob(RasterInput(path, bands=bands), model_file=net.path, **options)) as plan:
        return plan


def pixels(path):
    with rasterio.open(path) as opened:
        return opened.read(1)


@pytest.mark.parametrize(
    ("names", "numbers", "absent"),
    [
        (SIX, (1, 2, 3, 4, 5, 6), ()),
        (("blue", "green", "red", "nir"), (3, 2, 1, 4), ("swir16", "swir22")),
        (("blue", "green", "red"), (3, 2, 1), ("nir", "swir16", "swir22")),
        ((*RGB, "swir16"), (1, 2, 3), ("nir", "swir16", "swir22")),
        ((*RGB, "nir", "swir16"), (1, 2, 3, 4), ("swir16", "swir22")),
        ((*RGB, "swir16", "swir22"), (1, 2, 3), ("nir", "swir16", "swir22")),
    ],
)
def test_the_largest_pattern_that_the_layer_has(layer, network, names, numbers, absent):
    setup, _ = plan_of(layer(names), network("any_bands")).ready()
    assert setup.match.numbers == numbers and setup.match.warnings == ()
    assert setup.spec.absent == absent
    tensor = next(read_windows(setup, "any")).tensor
    assert tensor.shape[0] == 6
    for channel, name in zip(tensor, SIX):
        assert np.all(channel == -2) if name in absent else channel.min() > -1.001


def test_bands_by_wavelength(layer, network):
    path = layer((*RGB, "nir", "swir16", "swir22"), shown=None)
    with rasterio.open(path, "r+") as out:
        for number, (name, nanometres) in enumerate(
            [("B4", 665), ("B3", 560), ("B2", 490), ("B8", 842), ("B11", 1610), ("B12", 2190)], 1
        ):
            out.set_band_description(number, f"{name}, central wavelength {nanometres} nm")
    setup, _ = plan_of(path, network("any_bands")).ready()
    assert setup.match.numbers == (1, 2, 3, 4, 5, 6) and setup.match.how == "by wavelength"


def test_equally_large_patterns_in_the_order_of_the_description(layer, network, any_bands):
    nir, swir = BandPattern((*RGB, "nir")), BandPattern((*RGB, "swir16"))
    rest = (BandPattern(RGB), BandPattern(SIX))
    for order, absent in (((swir, nir), "nir"), ((nir, swir), "swir16")):
        net = network("any_bands", band_patterns=BandPatterns(-2.0, (*rest, *order)))
        setup, _ = plan_of(layer((*RGB, "nir", "swir16")), net).ready()
        assert setup.spec.absent == (absent, "swir22")
        # four numbers could be either
        plan = plan_of(layer(), net, (1, 2, 3, 4))
        assert sum("4 bands were taken as" in warning for warning in plan.warnings) == 1


@pytest.mark.parametrize("bands", [(3, 2, 1), (3, 2, 1, 4), (1, 2, 3, 4, 5, 6)])
def test_bands_that_the_user_gives(layer, network, bands):
    setup, _ = plan_of(layer(shown=None), network("any_bands"), bands).ready()
    assert setup.match.numbers == bands and len(setup.spec.absent) == 6 - len(bands)


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ((1, 2), "2 bands given"),
        ((1,), "1 band given"),
        ((1, 2, 3, 4, 5), "5 bands given (1, 2, 3, 4, 5)"),
        ((1, 2, 3, 4, 5, 6, 1), "7 bands given"),
    ],
)
def test_as_many_bands_as_no_pattern_has(layer, network, bands, words):
    with pytest.raises(LulcError) as caught:
        plan_of(layer(), network("any_bands"), bands).ready()
    assert words in caught.value.problem
    assert "3 (red, green, blue), 4 (red, green, blue, nir) or 6 (red, green" in caught.value.problem


def test_a_band_that_does_not_exist(layer, network):
    with pytest.raises(LulcError, match="Band 9 does not exist"):
        plan_of(layer(), network("any_bands"), (1, 2, 9)).ready()


def test_a_required_band_is_missing(layer, network):
    with pytest.raises(LulcError, match="recognised as blue"):
        plan_of(layer(("red", "green", "nir")), network("any_bands")).ready()


@pytest.mark.parametrize(("names", "count"), [(RGB, 3), ((*RGB, "nir"), 4), (SIX, 6)])
def test_bands_without_names_are_taken_in_their_order(layer, network, names, count):
    plan = plan_of(layer(names, shown=None), network("any_bands"))
    assert plan.setup.match.numbers == tuple(range(1, count + 1))
    assert any("have no names" in warning for warning in plan.warnings)


def test_as_many_bands_without_names_as_no_pattern_has(layer, network):
    with pytest.raises(LulcError, match="has 5 bands"):
        plan_of(layer(SIX[:5], shown=None), network("any_bands")).ready()


def test_a_nameless_band_behind_a_picture_is_told(layer, network):
    """As GDAL writes an image of four bands as a picture: the fourth may be near infrared, or anything."""
    path = layer(SIX[:4], shown=None, photometric="RGB", alpha="NO")
    with rasterio.open(path, "r+") as out:
        out.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
    plan = plan_of(path, network("any_bands"))
    assert plan.setup.match.numbers == (1, 2, 3)
    (told,) = [warning for warning in plan.warnings if "not used" in warning]
    assert "Band 4 (unnamed)" in told and "nir" in told and "⟦bands=1,2,3,4⟧" in told


def test_two_bands_that_could_be_near_infrared(layer, network):
    plan = plan_of(layer((*RGB, "nir", "swir16"), shown=(*RGB, "nir", "NIR")), network("any_bands"))
    assert plan.setup.match.numbers == (1, 2, 3)
    assert any("nir could be band 4 (nir) or band 5 (NIR)" in w and "⟦bands⟧" in w for w in plan.warnings)


def test_what_absent_bands_cost(layer, network):
    for names, words in (
        (RGB, "without near infrared (nir) and short-wave infrared (swir16, swir22). Mean IoU: 0.50 on chips, 0.58 with"
              " near infrared (nir), 0.61 with near infrared (nir) and short-wave infrared (swir16, swir22)."),
        (SIX[:4], "without short-wave infrared (swir16, swir22). Mean IoU: 0.58 on chips, 0.61 with"),
    ):  # fmt: skip
        plan = plan_of(layer(names), network("any_bands"))
        (finding,) = [f for f in plan.findings if f.id == "bands.absent"]
        assert words in finding.text and finding.level == "note"
        assert finding.text in plan.decisions
    assert not [f for f in plan_of(layer(), network("any_bands")).findings if f.id == "bands.absent"]


def test_costs_that_nobody_measured(layer, network):
    net = network("any_bands", band_patterns=BandPatterns(-2.0, (BandPattern(RGB), BandPattern(SIX))))
    (finding,) = [f for f in plan_of(layer(RGB), net).findings if f.id == "bands.absent"]
    assert "not measured" in finding.text


def test_the_order_of_the_bands_that_are_there(raster, network, land, seen):
    """Swapped bands are noticed without near infrared, too: statistics of absent bands play no part."""
    more = (BandStatistics(0.22, 0.1, 0.03, 0.4), BandStatistics(0.15, 0.09, 0.02, 0.33))
    net = network("any_bands", band_statistics=(*seen, *more))
    red, green, blue, _ = land()
    path = raster("bgr.tif", np.stack([blue, green, red]), names=("one", "two", "three"))
    for bands, suspicious in (((1, 2, 3), True), ((3, 2, 1), False)):
        warned = [f for f in plan_of(path, net, bands).findings if f.id == "bands.order" and f.level == "warning"]
        assert bool(warned) == suspicious


def test_an_imported_network_keeps_its_patterns(network, tmp_path):
    net = network("any_bands")
    imported = import_model(Path(net.path), tmp_path / "own")
    assert imported.spec.band_patterns == catalogue.load(imported.path).spec.band_patterns == net.spec.band_patterns


# ---------------------------------------------------------------- maps


@pytest.mark.parametrize("smoothing", ["none", "4"])
@pytest.mark.parametrize("names", [RGB, SIX[:4], SIX])
def test_extent_and_windows_change_nothing(layer, network, classify, names, smoothing):
    guide = Smoothing(8, bands=("red", "nir", "swir16"), mean=(-1.9,) * 3, stddev=(0.3,) * 3)
    net = network("any_bands", smoothing=guide)
    path = layer(names, size=(150, 140))
    whole = classify(path, net, smoothing=smoothing)
    x, y = 500_000 + 30 * 20, 9_120_000 - 30 * 30
    part = classify(path, net, smoothing=smoothing, extent=(x, y - 30 * 70, x + 30 * 90, y))
    assert np.array_equal(part.values, whole.values[30:100, 20:110])
    again = classify(path, net, smoothing=smoothing, batch_size=3)
    assert np.array_equal(again.values, whole.values)
    assert len(np.unique(whole.values)) > 1


def test_maps_depend_on_the_bands_that_are_there(layer, network, classify):
    net = network("any_bands")
    maps = [classify(layer(names, file=f"{len(names)}.tif"), net).values for names in (RGB, SIX[:4], SIX)]
    assert (maps[0] != maps[1]).mean() > 0.01 and (maps[1] != maps[2]).mean() > 0.01
    # a layer that has a band and one that has it among others are alike
    chosen = classify(layer(file="all.tif"), net, bands=(1, 2, 3)).values
    assert np.array_equal(chosen, maps[0])


def test_only_the_guide_bands_that_are_there(layer, network):
    guide = Smoothing(4, bands=("red", "nir", "swir16"), mean=(-1.0, -2.0, -3.0), stddev=(0.1, 0.2, 0.3))
    net = network("any_bands", smoothing=guide)
    setup, _ = plan_of(layer(SIX[:4]), net).ready()
    assert (setup.smoothing.bands, setup.smoothing.mean) == (("red", "nir"), (-1.0, -2.0))
    only_swir = network("any_bands", smoothing=Smoothing(4, bands=("swir16",), mean=(-3.0,), stddev=(0.3,)))
    setup, _ = plan_of(layer(RGB), only_swir).ready()
    assert setup.smoothing.bands == RGB and len(setup.smoothing.mean) == 3


@pytest.mark.parametrize("policy", ["any", "all"])
@pytest.mark.parametrize("names", [RGB, SIX[:4], SIX])
def test_nodata_is_that_of_the_bands_that_are_there(layer, network, classify, names, policy):
    def punch(values):
        values[0, 10:20, 10:20] = 0
        values[:, 40:50, 10:20] = 0

    made = classify(layer(names, nodata=0, change=punch), network("any_bands"), nodata_policy=policy)
    empty = np.zeros(made.values.shape, bool)
    empty[40:50, 10:20] = True
    empty[10:20, 10:20] = policy == "any"
    assert np.array_equal(made.values == 0, empty)


def test_a_hole_in_a_band_that_the_pattern_does_not_use_is_none(layer, network, classify):
    def punch(values):
        values[3, 10:20, 10:20] = 0  # swir16, without nir

    made = classify(layer((*RGB, "swir16"), nodata=0, change=punch), network("any_bands"))
    assert made.values.min() > 0


def test_pixels_of_another_size(layer, network, classify):
    net = network("any_bands", gsd_range=(10.0, 20.0))
    made = classify(layer(RGB), net)
    assert made.values.shape == (90, 80) and made.values.min() > 0
    setup, _ = plan_of(layer(RGB), net).ready()
    assert setup.resampling is not None
    assert np.all(next(read_windows(setup, "any")).tensor[3:] == -2)


def test_statistics_of_another_layer_need_the_same_bands_only(layer, network, classify):
    net = network("any_bands")
    made = classify(layer(RGB), net, values="picture", statistics_from=layer(SIX, file="other.tif"))
    assert made.values.min() > 0
    with pytest.raises(LulcError, match="nir"):
        classify(layer(SIX[:4]), net, values="picture", statistics_from=layer(RGB, file="poor.tif"))


def test_the_warning_of_unknown_land_is_of_the_pattern(layer, network, classify, any_bands):
    def net(low):
        patterns = any_bands().band_patterns.patterns
        confidences = [replace(p.confidence, q05=low if len(p.bands) == 4 else 0.0) for p in patterns]
        told = tuple(replace(p, confidence=c) for p, c in zip(patterns, confidences))
        return network("any_bands", band_patterns=BandPatterns(-2.0, told))

    assert any("not seen land" in w for w in classify(layer(SIX[:4]), net(1.0)).progress.warnings)
    assert not any("not seen land" in w for w in classify(layer(RGB), net(1.0)).progress.warnings)


def test_the_record_of_a_run_and_the_same_map_again(layer, network, classify, tmp_path):
    for names, bands in ((RGB, ()), (SIX, (1, 2, 3, 4)), (SIX, ())):
        made = classify(layer(names), network("any_bands"), bands=bands)
        with rasterio.open(made.path) as opened:
            tags = opened.tags()
        used = bands or tuple(range(1, len(names) + 1))
        assert json.loads(tags["LULC_BANDS"]) == list(used)
        absent = list(SIX[len(used) :])
        assert json.loads(tags.get("LULC_ABSENT_BANDS", "[]")) == absent
        scaling = json.loads(tags["LULC_CHANNEL_SCALING"])
        assert [scaling[name] for name in absent] == ["-2.0"] * len(absent)
        assert repeat(str(made.path), tmp_path / "again.tif").different == 0
        assert np.array_equal(pixels(tmp_path / "again.tif"), made.values)


def test_a_layer_that_gained_a_band_is_told(layer, network, classify, tmp_path):
    made = classify(layer(RGB), network("any_bands"))
    layer(SIX[:4])
    with pytest.raises(LulcError, match="cannot be made again"):
        repeat(str(made.path), tmp_path / "again.tif")
    again = repeat(str(made.path), tmp_path / "again.tif", Instead(anyway=True))
    assert any("layer in.tif is not the same" in sentence for sentence in again.changed)
    assert any(sentence.startswith("Bands: then [1,2,3], now [1,2,3,4]") for sentence in again.changed)
    assert again.different > 0


# ---------------------------------------------------------------- auto and the check of a layer


@pytest.fixture
def only(monkeypatch, tmp_path):
    """No network but those in a folder of one's own."""
    (tmp_path / "bundled").mkdir()
    monkeypatch.setattr(bundled, "folder", lambda _: tmp_path / "bundled")
    return str(tmp_path / "networks")


def scores_of(miou):
    return (Scores("chips", "test", 100, miou, None, None, miou),)


def chosen(path, folder, bands=()):
    with make_plan(ClassifyJob(RasterInput(path, bands=bands), models_folder=folder)) as plan:
        setup, _ = plan.ready()
        return setup.spec.name, plan


def test_auto_ranks_by_the_bands_of_the_layer(layer, network, only):
    """.58 with nir is less than .60 of a network for four bands; with short-wave infrared there is none for more."""
    network("any_bands", name="any")
    network("context", name="four", scores=scores_of(0.60))
    assert chosen(layer(SIX), only)[0] == "any"
    name, plan = chosen(layer(SIX[:4]), only)
    assert name == "four"
    assert any("any: it fits too, but scores lower" in line and "0.58 against 0.60" in line for line in plan.decisions)
    assert chosen(layer(RGB), only)[0] == "any"
    check = check_layer(ClassifyJob(RasterInput(layer(SIX[:4])), models_folder=only))
    assert [m.name for m in check.models] == ["four", "any"]
    assert check.models[1].absent == ("swir16", "swir22")
    assert "without short-wave infrared" in check.models[1].reason
    check = check_layer(ClassifyJob(RasterInput(layer(SIX)), models_folder=only))
    assert [m.name for m in check.models] == ["any", "four"] and check.models[0].to_json()["absent"] == []


def test_a_better_pattern_wins_over_a_plain_network(layer, network, only):
    network("any_bands", name="any")
    network("context", name="four", scores=scores_of(0.50))
    assert chosen(layer(SIX[:4]), only)[0] == "any"


def test_a_network_that_has_to_be_named(layer, network, only):
    net = network("any_bands", name="city", title="Land cover of one city", unasked=False)
    path = layer(RGB)
    with pytest.raises(LulcError) as caught:
        chosen(path, only)
    assert "Land cover of one city" in caught.value.problem
    assert "⟦model=city⟧" in caught.value.remedy and "⟦trainfrompoints!⟧" in caught.value.remedy
    assert plan_of(path, net).errors == ()
    check = check_layer(ClassifyJob(RasterInput(path), models_folder=only))
    assert check.models[0].fits and "only taken where it is named" in check.choice
    assert "⟦model=city⟧" in check.choice
    # any other goes before it
    network("any_bands", name="other")
    assert chosen(path, only)[0] == "other"
    check = check_layer(ClassifyJob(RasterInput(path), models_folder=only))
    assert [m.name for m in check.models] == ["other", "city"]


def test_a_picture_at_the_size_that_other_networks_know(layer, network, only, raster, scene):
    """Red, green and blue at 20 m: the remedy says what the network for such pixels needs."""
    network("context", name="four", gsd_range=(10.0, 30.0))
    network("any_bands", name="city", title="One city", unasked=False, gsd_range=(1.0, 4.0))
    path = layer(RGB, transform=Affine(20, 0, 500_000, 0, -20, 9_120_000), file="far.tif")
    with pytest.raises(LulcError) as caught:
        chosen(path, only)
    assert caught.value.remedy == "The networks for such pixels need near infrared (nir): give an image that has it."
    path = layer(RGB, transform=Affine(12, 0, 500_000, 0, -12, 9_120_000), file="near.tif")
    with pytest.raises(LulcError) as caught:
        chosen(path, only)
    assert "near infrared (nir)" in caught.value.remedy and "⟦trainfrompoints!⟧" in caught.value.remedy
    assert "⟦bands" not in caught.value.remedy and "⟦model" not in caught.value.remedy
    check = check_layer(ClassifyJob(RasterInput(path), models_folder=only))
    assert check.models[0].word == "RESAMPLED" and check.choice == "None of the networks at hand fits this layer."
    network("any_bands", name="city", title="Many cities", gsd_range=(1.0, 4.0))
    with pytest.raises(LulcError) as caught:
        chosen(path, only)
    assert "need near infrared" in caught.value.remedy and "⟦model=city⟧; expect a poor" in caught.value.remedy


def test_a_copy_of_the_network_elsewhere_makes_the_same_map(layer, network, classify, tmp_path):
    net = network("any_bands")
    first = classify(layer(RGB), net).values
    other = tmp_path / "elsewhere"
    other.mkdir()
    for file in Path(net.path).parent.iterdir():
        shutil.copy(file, other)
    assert np.array_equal(classify(layer(RGB), replace(net, path=str(other / Path(net.path).name))).values, first)
