# SPDX-License-Identifier: GPL-3.0-or-later
"""Own classes from end to end: samples → a network that Classify runs like any other."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import rasterio

from lulc_plugin.adapt import AdaptJob, adapt
from lulc_plugin.assess import FeatureInput, ReferenceFeature
from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.errors import CancelledError, LulcError, OptionInvalid
from lulc_plugin.model import catalogue
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput

#: one way, on the bands alone
QUICK = {"network": "none", "ways": ("pixels",), "smoothing": "none"}
MOBILE = "optical-rgbn-10to30m-mobileunet-v2"


def mapped(model, image, tmp_path, **options):
    job = ClassifyJob(RasterInput(image), model_file=str(model), **options)
    result = classify(job, tmp_path / "map.tif")
    with rasterio.open(tmp_path / "map.tif") as source:
        return source.read(1), result


@pytest.fixture
def trained(place, points, tmp_path):
    """`trained(10, seed=3, …)` → (true classes, image, result)."""

    def train(count=12, **options):
        classes, image = place()
        job = AdaptJob(RasterInput(image), points(classes, count), **{**QUICK, **options})
        return classes, image, adapt(job, tmp_path / "own.onnx")

    return train


def test_a_map_of_own_classes(trained, tmp_path):
    classes, image, result = trained()
    values, run = mapped(result.model, image, tmp_path)
    assert [c.name for c in run.legend.classes] == ["fields", "town", "trees", "water"]
    names = {c.name: c.value for c in run.legend.classes}
    truth = np.array([names[n] for n in ("water", "trees", "fields", "town")])[classes]
    assert (values == truth).mean() > 0.93
    assert result.overall_accuracy > 0.9 and result.macro_f1 > 0.9 and result.count == 48
    assert not run.warnings


def test_a_network_helps_and_travels_inside(trained, tmp_path):
    _, image, result = trained(6, network="auto", ways=("both",))
    assert result.networks == (MOBILE,)
    values, _ = mapped(result.model, image, tmp_path)
    assert len(np.unique(values)) == 4
    described = json.loads((tmp_path / "own.json").read_text())["properties"]
    (base,) = described["lulc:own_classes"]["base"]
    assert base["id"] == MOBILE and base["license"] == "CC-BY-4.0" and len(base["sha256"]) > 60
    assert described["license"] == "CC-BY-4.0"


def test_the_file_is_valid_and_says_where_it_comes_from(trained, tmp_path):
    _, _, result = trained(seed=3)
    onnx.checker.check_model(onnx.load(result.model), full_check=True)
    entry = catalogue.load(tmp_path / "own.onnx")
    assert entry.spec.name == "own" and entry.spec.band_names == ("red", "green", "blue", "nir")
    own = json.loads((tmp_path / "own.json").read_text())["properties"]["lulc:own_classes"]
    assert own["samples"] == {"fields": 12, "town": 12, "trees": 12, "water": 12}
    assert own["crs"].startswith("EPSG:32725") and own["validation"]["folds"] == 5
    assert own["validation"]["macro_f1"] == pytest.approx(result.macro_f1, abs=1e-4)


def test_the_same_seed_gives_the_same_file(trained, tmp_path):
    trained()
    first = (tmp_path / "own.onnx").read_bytes()
    trained()
    assert (tmp_path / "own.onnx").read_bytes() == first


def test_every_way_makes_the_map_that_it_validated(place, points, tmp_path):
    """What the exported file computes is what the samples were predicted with."""
    classes, image = place()
    for way in ("pixels", "forest", "network", "windows"):
        result = adapt(
            AdaptJob(RasterInput(image), points(classes, 10), network=MOBILE, ways=(way,), smoothing="none"),
            tmp_path / f"{way}.onnx",
        )
        values, _ = mapped(result.model, image, tmp_path)
        names = {c.name: c.value for c in result.legend.classes}
        own = np.array([names[f.label] for f in points(classes, 10).features])
        rows = [int((9_120_000 - f.geometry["coordinates"][1]) // 30) for f in points(classes, 10).features]
        cols = [int((f.geometry["coordinates"][0] - 500_000) // 30) for f in points(classes, 10).features]
        assert (values[rows, cols] == own).mean() > 0.85, way
        assert [c.id for c in result.candidates] == [way]


def test_the_networks_own_classes_are_a_way(place, points, tmp_path):
    classes, image = place()
    samples = points(classes, 10, names=("Water", "Trees", "Cropland", "Built-up"))
    result = adapt(AdaptJob(RasterInput(image), samples, ways=("map",)), tmp_path / "own.onnx")
    assert result.method.startswith("The network's own map")
    values, _ = mapped(result.model, image, tmp_path)
    assert set(np.unique(values)) <= set(result.legend.values)


def test_any_bands(raster, points, tmp_path):
    from .conftest import land

    classes, image = land()
    random = np.random.default_rng(0)
    radar = np.where(classes == 0, -20.0, -8.0) + random.normal(0, 2, classes.shape)
    flat = np.full(classes.shape, 5.0)
    stack = np.stack([image[0], image[1], radar, flat, image[0]]).astype(np.float32)
    path = raster("stack.tif", stack, names=("b one", "b two", "VV", "flat", "copy"))
    result = adapt(AdaptJob(RasterInput(path), points(classes, 12), ways=("pixels",)), tmp_path / "own.onnx")
    notes = " ".join(result.notes)
    assert "flat" in notes and "same value everywhere" in notes and "copy of band 1 (b one)" in notes
    assert catalogue.load(tmp_path / "own.onnx").spec.band_names == ("b_one", "b_two", "VV")
    values, _ = mapped(result.model, path, tmp_path)
    assert result.overall_accuracy > 0.8 and len(np.unique(values)) == 4


def test_bands_that_the_user_named_are_found_again(raster, points, tmp_path):
    from .conftest import land

    classes, image = land()
    path = raster("raw.tif", image[[2, 1, 0, 3]], names=("L1", "L2", "L3", "L4"))
    layer = RasterInput(path, bands=(3, 2, 1, 4))
    result = adapt(AdaptJob(layer, points(classes, 6), ways=("both",), smoothing="none"), tmp_path / "own.onnx")
    assert result.networks == (MOBILE,)
    spec = catalogue.load(tmp_path / "own.onnx").spec
    assert spec.band_names == ("L1", "L2", "L3", "L4")
    assert [c.expression.text for c in spec.channels if c.name == "NDVI"][-1] == "(L4 - L3) / (L4 + L3)"
    values, _ = mapped(result.model, path, tmp_path)
    assert len(np.unique(values)) == 4


@pytest.mark.parametrize("count", [3, 4])
def test_a_network_of_which_bands_are_absent(count, raster, points, network, tmp_path):
    """The bands of the training layer are what the own network wants; the constant of the others travels inside."""
    from .conftest import land

    classes, image = land()
    names = ("red", "green", "blue", "nir")[:count]
    path = raster("image.tif", image[:count], names=names)
    net = network("any_bands", gsd_range=(10.0, 30.0))
    job = AdaptJob(RasterInput(path), points(classes, 8), ways=("both",), smoothing="none", model_file=net.path)
    result = adapt(job, tmp_path / "own.onnx")
    assert result.networks == (net.spec.name,)
    spec = catalogue.load(tmp_path / "own.onnx").spec
    assert spec.band_names == names and spec.band_patterns is None
    constants = [c.expression.text for c in spec.channels[:6] if c.expression is not None and not c.expression.names]
    assert constants == ["-2.0"] * (6 - count) and spec.fill[count:6] == (-2.0,) * (6 - count)
    values, _ = mapped(result.model, path, tmp_path)
    assert result.overall_accuracy > 0.6 and len(np.unique(values)) == 4
    # more bands change nothing, fewer are refused
    richer = raster("richer.tif", np.concatenate([image[:count], image[:1]]), names=(*names, "swir16"))
    np.testing.assert_array_equal(mapped(result.model, richer, tmp_path)[0], values)
    with pytest.raises(LulcError, match="blue|nir"):
        mapped(result.model, raster("poorer.tif", image[: count - 1], names=names[:-1]), tmp_path)


def test_sixty_four_bands_of_an_embedding(raster, points, tmp_path):
    from .conftest import land

    classes, _ = land()
    random = np.random.default_rng(0)
    centres = random.normal(0, 40, (4, 64))
    values = np.clip(centres[classes].transpose(2, 0, 1) + random.normal(0, 30, (64, *classes.shape)), -127, 127)
    values = values.astype(np.int8)
    values[:, :20, :20] = -128
    path = raster("embedding.tif", values, names=tuple(f"A{i:02}" for i in range(64)), nodata=-128)
    result = adapt(AdaptJob(RasterInput(path), points(classes, 10), ways=("pixels",)), tmp_path / "own.onnx")
    assert result.features == 64 and result.macro_f1 > 0.9
    mapped_values, _ = mapped(result.model, path, tmp_path)
    assert (mapped_values[:20, :20] == 0).all()


def embedding(classes):
    """Six bands of an AlphaEarth embedding, four classes apart, as they are stored; the first row is without data."""
    random = np.random.default_rng(0)
    centres = np.random.default_rng(3).uniform(-0.4, 0.4, (4, 6))
    values = centres[classes].transpose(2, 0, 1) + random.normal(0, 0.15, (6, *classes.shape))
    stored = np.rint(np.clip(127.5 * np.sign(values) * np.sqrt(np.abs(values)), -127, 127)).astype(np.int8)
    stored[:, 0] = -128
    return stored


def test_an_embedding_is_squared_back_in_training_and_in_the_map(raster, points, tmp_path):
    from .conftest import land

    classes, _ = land()
    stored = embedding(classes)
    names = tuple(f"A{i:02d}" for i in range(6))
    values = np.where(stored == -128, np.nan, np.sign(stored) * (stored / 127.5) ** 2).astype(np.float32)
    plain = raster("plain.tif", values, names=names, nodata=np.nan)
    path = raster("stored.tif", stored, names=names, nodata=-128)
    maps = []
    for image in (path, plain):
        result = adapt(
            AdaptJob(RasterInput(image), points(classes, 10), **{**QUICK, "smoothing": "8"}), tmp_path / "own.onnx"
        )
        said = [note for note in result.notes if "AlphaEarth" in note]
        assert len(said) == (image == path) and all("6 bands, 1 (A00) to 6 (A05)" in note for note in said)
        maps.append(mapped(result.model, image, tmp_path)[0])
    assert (maps[0] == maps[1]).mean() > 0.999 and set(np.unique(maps[0][0])) == {0}


def test_an_embedding_without_a_nodata_value_is_told(raster, points, tmp_path):
    from .conftest import land

    classes, _ = land()
    path = raster("stored.tif", embedding(classes), names=tuple(f"A{i:02d}" for i in range(6)), nodata=None)
    result = adapt(AdaptJob(RasterInput(path), points(classes, 6), **QUICK), tmp_path / "own.onnx")
    assert any("-128 in all" in note for note in result.notes)


def test_decibels_are_smoothed_as_they_are(raster, points, tmp_path):
    from .conftest import land

    classes, _ = land()
    random = np.random.default_rng(0)
    centres = np.array([[-22, -28], [-9, -14], [-13, -20], [-5, -11]])
    radar = (centres[classes].transpose(2, 0, 1) + random.normal(0, 3, (2, *classes.shape))).astype(np.float32)
    path = raster("radar.tif", radar, names=("VV", "VH"), nodata=None)
    right = {}
    for smoothing in ("none", "4"):
        options = {**QUICK, "smoothing": smoothing, "ways": ("forest",)}
        job = AdaptJob(RasterInput(path), points(classes, 12), **options)
        values, _ = mapped(adapt(job, tmp_path / "own.onnx").model, path, tmp_path)
        right[smoothing] = np.mean(values == np.array([4, 3, 1, 2])[classes])
    described = json.loads((tmp_path / "own.json").read_text())["properties"]["lulc:smoothing"]
    assert described["logarithm"] is False and described["bands"] == ["VV", "VH"] and described["mean"][1] < -10
    assert right["4"] > right["none"] + 0.02


def test_polygons_are_left_out_as_a_whole(place, tmp_path):
    classes, image = place()
    features = []
    for row in range(0, 12):
        for col in range(0, 16, 2):
            x, y = 500_000 + (col * 16 + 2) * 30, 9_120_000 - (row * 16 + 2) * 30
            ring = [(x, y), (x + 240, y), (x + 240, y - 240), (x, y - 240), (x, y)]
            name = ("water", "trees", "fields", "town")[classes[row * 16 + 4, col * 16 + 4]]
            features.append(ReferenceFeature({"type": "Polygon", "coordinates": [ring]}, name, str(len(features))))
    samples = FeatureInput(features, "polygons", "parcels", "class")
    result = adapt(AdaptJob(RasterInput(image), samples, most_pixels=100, **QUICK), tmp_path / "own.onnx")
    assert all(c.samples <= 100 and c.features > 10 for c in result.classes)
    assert result.overall_accuracy > 0.9 and "are used" in " ".join(result.notes)


def test_mislabelled_samples_are_found(place, points, tmp_path):
    classes, image = place()
    samples = points(classes, 25)
    wrong = {3: "trees", 30: "water", 80: "fields"}
    features = [replace(f, label=wrong.get(i, f.label)) for i, f in enumerate(samples.features)]
    result = adapt(AdaptJob(RasterInput(image), replace(samples, features=features), **QUICK), tmp_path / "own.onnx")
    assert {int(s.id) for s in result.suspects[:4]} >= set(wrong)
    first = next(s for s in result.suspects if s.id == "3")
    assert (first.label, first.predicted) == ("trees", "water") and first.confidence > 0.6
    x, y = features[3].geometry["coordinates"]
    assert (first.x, first.y) == (x, y)


def test_what_lies_outside_the_samples_is_told(place, points, raster, tmp_path):
    classes, _ = place()
    from .conftest import land

    _, image = land()
    image[:, 96:, :] = np.clip(image[:, 96:, :].astype(int) * 3 + 3000, 0, 20_000)
    path = raster("half.tif", image)
    upper = np.where(np.arange(192)[:, None] < 90, classes, -1)
    result = adapt(AdaptJob(RasterInput(path), points(upper, 30), **QUICK), tmp_path / "own.onnx")
    assert 0.35 < result.outside < 0.65


def test_a_learning_curve_rises_and_a_class_at_one_place_is_told(place, points, tmp_path):
    classes, image = place()
    samples = points(classes, 20)
    corner = np.argwhere(classes[:16, :16] == classes[0, 0])[:6]
    extra = [
        ReferenceFeature(
            {"type": "Point", "coordinates": (500_000 + (c + 0.5) * 30, 9_120_000 - (r + 0.5) * 30)}, "dump", f"x{i}"
        )
        for i, (r, c) in enumerate(corner[:1])
    ]
    job = AdaptJob(RasterInput(image), replace(samples, features=[*samples.features, *extra]), **QUICK)
    result = adapt(job, tmp_path / "own.onnx")
    dump = next(c for c in result.classes if c.name == "dump")
    assert dump.f1 is None and dump.samples == 1
    assert any("dump" in w and "one block" in w for w in result.warnings)
    assert any("dump (1)" in w for w in result.warnings)


def test_two_samples_are_enough_to_go_on(place, tmp_path):
    _, image = place()
    features = [
        ReferenceFeature({"type": "Point", "coordinates": (500_015 + 30 * i, 9_119_985)}, name, name)
        for i, name in enumerate(("a", "b"))
    ]
    samples = FeatureInput(features, "points", "two", "class")
    result = adapt(AdaptJob(RasterInput(image), samples, **QUICK), tmp_path / "own.onnx")
    assert result.overall_accuracy is None and any("nothing can be validated" in w for w in result.warnings)
    values, _ = mapped(result.model, image, tmp_path)
    assert set(np.unique(values)) <= {1, 2}


def test_groups_of_the_user(place, points, tmp_path):
    classes, image = place()
    samples = points(classes, 12)
    groups = tuple(i % 3 for i in range(48))
    result = adapt(AdaptJob(RasterInput(image), samples, **QUICK, groups=groups), tmp_path / "own.onnx")
    assert result.folds == 3 and result.side == 0


def test_samples_without_data(raster, points, tmp_path):
    from .conftest import land

    classes, image = land()
    image[:, :, :60] = 0
    path = raster("gap.tif", image, nodata=0)
    result = adapt(AdaptJob(RasterInput(path), points(classes, 20), **QUICK), tmp_path / "own.onnx")
    assert any("without data" in note for note in result.notes) and result.count < 80
    image[:] = 0
    with pytest.raises(LulcError):
        adapt(AdaptJob(RasterInput(raster("empty.tif", image, nodata=0)), points(classes, 5)), tmp_path / "no.onnx")
    assert not (tmp_path / "no.onnx").exists() and not (tmp_path / "no.json").exists()


@pytest.mark.parametrize("radius", ["none", "4", "auto"])
def test_smoothing_is_written_into_the_description(trained, tmp_path, radius):
    _, _, result = trained(8, smoothing=radius)
    smoothing = json.loads((tmp_path / "own.json").read_text())["properties"].get("lulc:smoothing")
    if radius == "none":
        assert smoothing is None and all(c.radius == 0 for c in result.candidates)
    elif radius == "4":
        assert smoothing["radius"] == 4 and smoothing["bands"] == ["red", "green", "blue", "nir"]
    else:
        assert {c.radius for c in result.candidates} == {0, 4, 8, 16}


def test_another_scale_is_warned_about(trained, raster, tmp_path):
    from .conftest import land

    _, _, result = trained()
    _, image = land(seed=5)
    similar = raster("similar.tif", image)
    assert not mapped(result.model, similar, tmp_path)[1].warnings
    other = raster("other.tif", (image.astype(np.float32) / 10_000), names=("red", "green", "blue", "nir"))
    (warning,) = mapped(result.model, other, tmp_path)[1].warnings
    assert "band 1 (red) has 0.0" in warning and "there it was" in warning
    swapped = raster("swapped.tif", image[[3, 1, 2, 0]])
    job = ClassifyJob(RasterInput(swapped, bands=(1, 2, 3, 4)), model_file=str(result.model))
    assert classify(job, tmp_path / "m.tif").legend == result.legend


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"smoothing": "99"}, "99"),
        ({"smoothing": "soft"}, "soft"),
        ({"most_pixels": 1}, "1"),
        ({"groups": (1,)}, "1 group"),
    ],
)
def test_options_that_cannot_be(points, options, what):
    with pytest.raises(OptionInvalid, match=what):
        AdaptJob(RasterInput("x.tif"), points(np.zeros((4, 4), int), 3, names=("a",)), **options)


def test_places_that_cannot_be_written(place, points, tmp_path):
    classes, image = place()
    job = AdaptJob(RasterInput(image), points(classes, 3), network="none")
    for name, what in (("own.bin", "onnx"), ("no/own.onnx", "does not exist"), ("auto.onnx", "auto")):
        with pytest.raises(LulcError, match=what):
            adapt(job, tmp_path / name)


def test_nothing_that_is_read_is_written_over(trained, points, tmp_path):
    """The description goes beside the network: a file of samples may have just that name."""
    classes, image, result = trained()
    table = tmp_path / "again.json"
    table.write_text("{}")
    job = AdaptJob(RasterInput(image), replace(points(classes, 4), path=str(table)), **QUICK)
    with pytest.raises(LulcError, match="again.json"):
        adapt(job, tmp_path / "again.onnx")
    assert table.read_text() == "{}"
    before = (tmp_path / "own.onnx").read_bytes()
    with pytest.raises(LulcError, match="own.onnx"):
        adapt(AdaptJob(RasterInput(image), points(classes, 4), model_file=result.model), result.model)
    assert (tmp_path / "own.onnx").read_bytes() == before


def test_a_network_that_does_not_fit_is_told(place, points, tmp_path):
    classes, image = place()
    with pytest.raises(LulcError, match="aerial-rgb"):
        adapt(
            AdaptJob(RasterInput(image), points(classes, 5), network="aerial-rgb-1to4m-mobileunet-v1"),
            tmp_path / "o.onnx",
        )


def test_a_run_can_be_stopped(place, points, tmp_path):
    class Stopped(Progress):
        @property
        def cancelled(self):
            return True

    classes, image = place()
    with pytest.raises(CancelledError):
        adapt(AdaptJob(RasterInput(image), points(classes, 5), network="none"), tmp_path / "o.onnx", Stopped())
    assert not (tmp_path / "o.onnx").exists()


def test_the_preferred_way_among_equals(trained):
    _, _, result = trained(6, ways=())
    chosen = next(c for c in result.candidates if c.chosen)
    best = max(result.candidates, key=lambda c: c.f1)
    assert chosen.f1 >= best.f1 - best.spread - 1e-9
