# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said before the first window: every finding has a layer that deserves it and one that does not."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import rasterio
from affine import Affine

from lulc_plugin import bundled
from lulc_plugin.classify import ClassifyJob, check_layer, make_plan, preflight
from lulc_plugin.classify.input_scaling import expected_range
from lulc_plugin.errors import LulcError
from lulc_plugin.findings import ERROR, NOTE, PASS, WARNING
from lulc_plugin.model import InputForm
from lulc_plugin.model.spec import band_channel
from lulc_plugin.options import option
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PixelRegion, RasterInput, Source, Step, band_order, statistics

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
EUROPE = DATA / "s2_europe_rgbn16"
HLS = DATA / "hls7_worldcover"
real = pytest.mark.skipif(not EUROPE.is_dir() or not HLS.is_dir(), reason="the data sets are not beside the checkout")
with_network = pytest.mark.skipif(not bundled.model_names(), reason="no network is bundled yet")


@pytest.fixture
def findings_of(tmp_path):
    """`findings_of(layer, net, …)` → title → finding of the plan."""

    def look(layer, net=None, **options):
        if net is not None:
            options["model_file"] = net.path
        layer = RasterInput(layer, bands=options.pop("bands", ()))
        planned = make_plan(ClassifyJob(layer, **options))
        told = {f"{f.text} {f.remedy}".strip() for f in planned.findings}
        assert set(planned.warnings) <= told, "every warning is a finding"
        assert {f"{e.problem} {e.remedy}".strip() for e in planned.errors} <= told, "every error is a finding"
        return {f.title: f for f in planned.findings}

    return look


# ---------------------------------------------------------------- place


def test_a_layer_in_order_has_only_passes(raster, network, findings_of, land, seen):
    findings = findings_of(raster("a.tif", land()), network("pixel", gsd_range=(10, 40), band_statistics=seen))
    assert {f.level for f in findings.values()} == {PASS}, findings
    assert len(findings) >= 9


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_no_coordinate_system(raster, network, findings_of, land):
    path = raster("a.tif", land(), crs=None, transform=Affine.identity())
    assert findings_of(path, network("pixel"))["Coordinate system"].level == WARNING


def test_degrees_are_told_with_metres(raster, network, findings_of, land):
    path = raster("a.tif", land(), crs="EPSG:4326", transform=Affine(1e-4, 0, -46, 0, -1e-4, -23))
    finding = findings_of(path, network("pixel"))["Coordinate system"]
    assert finding.level == NOTE
    assert "degrees" in finding.text and "10.6" in finding.text


def test_pixel_size(raster, network, findings_of, land):
    layer = raster("a.tif", land())
    assert findings_of(layer, network("pixel", name="in-v1", gsd_range=(10, 30)))["Pixel size"].level == PASS
    near = findings_of(layer, network("pixel", name="near-v1", gsd_range=(5, 10)))["Pixel size"]
    assert near.level == WARNING and "30 m" in near.text
    far = findings_of(layer, network("pixel", name="far-v1", gsd_range=(0.3, 1)))
    assert far["Pixel size"].level == ERROR and "30 m" in far["Pixel size"].text
    assert far["Range of values"].level == PASS, "the other findings are there all the same"


# ---------------------------------------------------------------- empty pixels


def test_all_nodata_is_refused_before_anything_is_computed(raster, network, findings_of):
    layer = raster("a.tif", np.full((4, 700, 700), 7, np.uint16), nodata=7)
    finding = findings_of(layer, network("pixel"))["Pixels without data"]
    assert finding.level == ERROR
    assert "nothing to classify" in finding.text and finding.remedy


def test_a_single_valid_pixel_that_no_square_meets_is_not_refused(raster, network, findings_of):
    values = np.full((4, 1400, 1400), 7, np.uint16)
    # between two squares of the survey
    values[:, 100, 100] = 900
    layer = raster("a.tif", values, nodata=7)
    finding = findings_of(layer, network("pixel"))["Pixels without data"]
    assert finding.level == WARNING
    assert "1,960,000" in finding.text


@pytest.mark.parametrize(("rows", "level"), [(80, PASS), (120, WARNING)])
def test_more_than_half_without_data(raster, network, findings_of, rows, level, land):
    values = land()
    values[:, :rows] = 0
    finding = findings_of(raster("a.tif", values, nodata=0), network("pixel"))["Pixels without data"]
    assert finding.level == level
    # three by three squares of 64 pixels in 200
    assert float(finding.text.split(" %")[0]) == pytest.approx(rows / 2, abs=4)


def test_nodata_of_one_band_and_the_policy(raster, network, findings_of, land):
    values = land()
    values[1] = 0
    layer = raster("a.tif", values, nodata=0)
    assert findings_of(layer, network("pixel"))["Pixels without data"].level == ERROR
    assert findings_of(layer, network("pixel"), nodata_policy="all")["Pixels without data"].level == PASS


def test_the_extent_is_looked_at_too(raster, network, findings_of, land):
    values = land()
    values[:, :, :40] = 0
    layer = raster("a.tif", values, nodata=0)
    extent = (500_000, 9_120_000 - 6000, 500_000 + 30 * 40, 9_120_000)
    findings = findings_of(layer, network("pixel"), extent=extent)
    refused = findings["Pixels without data"]
    assert refused.level == ERROR and "in the extent" in refused.text


def test_an_unmarked_black_rim(raster, network, findings_of, land):
    values = land()
    row, col = np.mgrid[:200, :200]
    values[:, row + col < 120] = 0
    values[:, row + col > 280] = 0
    layer = raster("a.tif", values)
    finding = findings_of(layer, network("pixel"))["Black rim"]
    assert finding.level == WARNING and "a_nodata 0" in finding.remedy
    assert "Black rim" not in findings_of(raster("b.tif", values, nodata=0), network("pixel"))


def test_black_in_the_middle_is_no_rim(raster, network, findings_of, land):
    values = land()
    values[:, 60:140, 60:140] = 0
    assert "Black rim" not in findings_of(raster("a.tif", values), network("pixel"))


def _block(values, value):
    values[:, :, :78] = value
    return values


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [
        ("int16", -9999, "-9999"),
        ("int16", -32768, "-32768"),
        ("int32", -99999, "-99999"),
        ("uint16", 65535, "65535"),
        ("uint8", 255, "255"),
        ("float32", -9999, "-9999"),
        ("float32", float(np.float32(-1e31)), "-9.99999985e+30"),
    ],
)
def test_an_unmarked_filler_is_told(raster, network, findings_of, dtype, value, text, land):
    base = land() // 40 if dtype == "uint8" else land()
    layer = raster("a.tif", _block(base.astype(dtype), value))
    finding = findings_of(layer, network("pixel"))["Unmarked empty pixels"]
    assert finding.level == WARNING and finding.text.startswith("39 %")
    assert f"gdal_edit.py -a_nodata {text}." in finding.remedy
    marked = findings_of(raster("b.tif", _block(base.astype(dtype), value), nodata=value), network("pixel"))
    assert "Unmarked empty pixels" not in marked


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_light_that_is_too_strong_is_no_filler(raster, network, findings_of, dtype, land):
    """Snow along the rim and cloud: saturated in one band after the other."""
    largest = np.iinfo(dtype).max
    bright = np.linspace(0.5, 2.2, 200)[None, None, :] * np.array([1.15, 1.05, 1.0, 1.25])[:, None, None]
    values = np.clip(bright * np.ones((4, 200, 200)) * largest, 1, largest).astype(dtype)
    assert "Unmarked empty pixels" not in findings_of(raster("a.tif", values), network("pixel"))
    inner = (land() // 40).astype("uint8")
    inner[:, 60:140, 60:140] = 255
    assert "Unmarked empty pixels" not in findings_of(raster("b.tif", inner), network("pixel"))


def test_a_filler_does_not_make_reflectance_a_picture(raster, network, findings_of, land, seen):
    findings = findings_of(raster("a.tif", _block(land(), 65_535)), network("pixel", band_statistics=seen))
    assert "read as reflectance" in findings["Values"].text
    assert findings["Range of values"].level == PASS and findings["Order of bands"].level == PASS


def test_a_band_of_one_value(raster, network, findings_of, land):
    values = land()
    values[2] = 500
    finding = findings_of(raster("a.tif", values), network("pixel"))["Bands of one value"]
    assert finding.level == WARNING
    assert "3 (blue) is 500 in 100 %" in finding.text


# ---------------------------------------------------------------- numbers


def byte_form(spec, **changes):
    scaled = (Step.of("scale", value=255),)
    channels = tuple(band_channel(b.name, i, scaled) for i, b in enumerate(spec.bands))
    return replace(spec, forms=(InputForm("as described", "byte", ((),) * 4),), channels=channels, **changes)


def test_a_network_of_bytes_is_not_fed_ten_thousands_silently(raster, network, findings_of, spec, land):
    described = byte_form(spec())
    net = network("pixel", forms=described.forms, channels=described.channels)
    finding = findings_of(raster("a.tif", land()), net)["Range of values"]
    assert finding.level == WARNING
    assert "model expects 0–255" in finding.text
    assert f"maximum {land().max():,}" in finding.text
    assert findings_of(raster("b.tif", (land() / 30).astype(np.uint8)), net)["Range of values"].level == PASS
    fractions = findings_of(raster("c.tif", (land() / 10_000).astype(np.float32)), net)["Range of values"]
    assert fractions.level == WARNING and "too small" in fractions.text


@pytest.mark.parametrize(
    ("steps", "low", "high"),
    [
        ((Step.of("scale", value=10_000),), 0, 10_000),
        ((Step.of("min-max", minimum=100, maximum=3000),), 100, 3000),
        ((Step.of("z-score", mean=1350, stddev=900),), -1350, 4050),
        ((Step.of("scale", value=10_000), Step.of("z-score", mean=0.1, stddev=0.05)), 0, 10_000),
        ((Step.of("offset", value=1000), Step.of("scale", value=10_000)), 1000, 11_000),
        ((Step.of("scale", value=200), Step.of("log1p")), None, None),
        ((Step.of("percentile", lower=2, upper=98),), None, None),
        ((), None, None),
    ],
)
def test_ranges_that_scalings_tell(spec, steps, low, high):
    channels = tuple(band_channel(b.name, i, steps) for i, b in enumerate(spec().bands))
    described = spec(channels=channels, forms=(InputForm("dn", "dn", ((),) * 4),))
    expected = expected_range(described, described.forms[0])
    if low is None:
        assert expected is None
    else:
        assert (expected.low, expected.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("factor", "dtype", "level"),
    [(1, "uint16", PASS), (1e-4, "float32", WARNING), (0.025, "uint8", WARNING), (60, "uint32", WARNING)],
)
def test_a_network_of_stored_numbers(raster, network, findings_of, spec, factor, dtype, level, land):
    channels = tuple(band_channel(b.name, i, (Step.of("scale", value=10_000),)) for i, b in enumerate(spec().bands))
    net = network("pixel", channels=channels, forms=(InputForm("dn", "dn", ((),) * 4),))
    layer = raster("a.tif", (land() * factor).astype(dtype))
    finding = findings_of(layer, net)["Range of values"]
    assert finding.level == level
    if level == WARNING:
        assert "10,000" in finding.text


def test_a_range_that_does_not_matter_is_told(raster, network, findings_of, land):
    finding = findings_of(raster("a.tif", (land() / 30).astype(np.uint8)), network("pixel"))["Range of values"]
    assert finding.level == NOTE and "any range" in finding.text


def test_reflectance_that_is_none(raster, network, findings_of, land, seen):
    """The user says reflectance, but the numbers are those of a picture."""
    layer = raster("a.tif", (land() / 50).astype(np.uint8))
    finding = findings_of(layer, network("pixel", band_statistics=seen), values="reflectance")["Range of values"]
    assert finding.level == WARNING and "too small" in finding.text


@pytest.mark.parametrize(
    ("stored_as", "scale", "words"),
    [
        (lambda image: image + 1000, None, "baseline 04.00"),
        (lambda image: image + 1000, 0.0001, "baseline 04.00"),
        (lambda image: (0.5 * image / 10_000 + 0.2) / 0.0000275, None, "0.0000275"),
    ],
)
def test_offsets_that_were_forgotten(raster, network, findings_of, stored_as, scale, words, land):
    layer = raster("a.tif", np.asarray(stored_as(land())).astype(np.uint16))
    if scale:
        with rasterio.open(layer, "r+") as out:
            out.scales = (scale,) * 4
    finding = findings_of(layer, network("pixel"))["Offset of the stored numbers"]
    assert finding.level == WARNING and words in finding.text


def test_a_declared_offset_is_in_order(raster, network, findings_of, land):
    layer = raster("a.tif", land() + 1000)
    with rasterio.open(layer, "r+") as out:
        out.scales, out.offsets = (0.0001,) * 4, (-0.1,) * 4
    assert findings_of(layer, network("pixel"))["Offset of the stored numbers"].level == PASS


def whole_number_graph(net, kind):
    """Make the graph of `net` take whole numbers."""
    model = onnx.load(net.path)
    model.graph.input[0].type.tensor_type.elem_type = kind
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == "image":
                node.input[i] = "image_cast"
    model.graph.node.insert(
        0, onnx.helper.make_node("Cast", ["image"], ["image_cast"], to=onnx.TensorProto.FLOAT)
    )  # fmt: skip
    onnx.save(model, net.path)
    return net


def stored(spec, *steps, **changes):
    """Spec changes of a network that takes stored numbers."""
    channels = tuple(band_channel(b.name, i, steps) for i, b in enumerate(spec().bands))
    return {"channels": channels, "forms": (InputForm("dn", "dn", ((),) * 4),), **changes}


@pytest.mark.parametrize(
    ("kind", "steps", "level", "limit"),
    [
        (onnx.TensorProto.UINT8, (), WARNING, "255"),
        (onnx.TensorProto.UINT8, (Step.of("scale", value=10),), WARNING, "2,550"),
        (onnx.TensorProto.UINT16, (), PASS, "65,535"),
        (onnx.TensorProto.FLOAT, (), NOTE, ""),
    ],
)
def test_a_graph_of_whole_numbers_takes_no_larger_ones(
    raster, network, findings_of, spec, kind, steps, level, limit, land
):
    net = whole_number_graph(network("pixel", **stored(spec, *steps)), kind)
    finding = findings_of(raster("a.tif", land()), net)["Range of values"]
    assert finding.level == level, finding
    assert limit in finding.text
    if level == WARNING:
        assert f"the layer's maximum {land().max():,} is above {limit}" in finding.text
        small = raster("b.tif", (land() / 30).astype(np.uint8))
        assert findings_of(small, net)["Range of values"].level == PASS


def test_bytes_by_scaling_or_data_type_are_strict(raster, network, findings_of, spec, land):
    """98 % of the numbers are in order, some are three times as large."""
    values = (land() / 30).astype(np.uint16)
    values[:, 0, :150] = 700
    layer = raster("a.tif", values)
    by_scaling = network("pixel", name="scaled-v1", **stored(spec, Step.of("scale", value=255)))
    bands = tuple(replace(b, data_type="uint8") for b in spec().bands)
    by_type = network("pixel", name="typed-v1", bands=bands, **stored(spec))
    for net in (by_scaling, by_type):
        finding = findings_of(layer, net)["Range of values"]
        assert finding.level == WARNING and "maximum 700 is above 255" in finding.text, finding


# ---------------------------------------------------------------- room


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("free", "level"), [(10**9, PASS), (50_000, WARNING), (9_400, WARNING), (9_200, ERROR)])
def test_disk_space(tmp_path, monkeypatch, free, level):
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: Usage(10**9, 0, free))
    # 200 × 200 bytes for the stream, as many for the map, and a third of it for overviews
    if level == ERROR:
        with pytest.raises(LulcError, match="93.3 kB"):
            preflight.check_disk(tmp_path, PixelRegion(0, 200, 0, 200), "uint8")
    else:
        warning = preflight.check_disk(tmp_path, PixelRegion(0, 200, 0, 200), "uint8")
        assert ("93.3 kB" in warning) == (level == WARNING)


def test_room_that_cannot_be_measured_refuses_nothing(tmp_path):
    assert preflight.check_disk(tmp_path / "nowhere", PixelRegion(0, 200, 0, 200), "uint8") == ""


def test_little_room_is_told_with_the_map(raster, network, classify, monkeypatch, land):
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: Usage(10**9, 0, 50_000))
    made = classify(raster("a.tif", land()), network("pixel"))
    (warning,) = made.result.warnings
    assert "93.3 kB" in warning and made.progress.warnings == [warning]


def test_too_little_room_refuses_the_run(raster, network, classify, monkeypatch, land):
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: Usage(10**9, 0, 500))
    with pytest.raises(LulcError, match="Too little disk space: 500 bytes are free"):
        classify(raster("a.tif", land()), network("pixel"))


# ---------------------------------------------------------------- order of bands


def test_bands_in_another_order_are_suspected_with_their_brightness(raster, network, findings_of, land, seen):
    values = land()[[2, 1, 0, 3]]
    layer = raster("a.tif", values, names=None)
    finding = findings_of(layer, network("pixel", band_statistics=seen))["Order of bands"]
    assert finding.level == ERROR
    share = float(finding.text.split("red = band 1: ")[1].split()[0])
    means = values.reshape(4, -1).mean(axis=1)
    assert share == pytest.approx(means[0] / np.exp(np.log(means).mean()), rel=0.05)
    assert "the model saw 1.07" in finding.text
    assert "3, 2, 1, 4" in finding.text and option("bands", (3, 2, 1, 4)) in finding.remedy


def test_the_users_own_numbers_are_judged_as_well(raster, network, findings_of, land, seen):
    layer = raster("a.tif", land()[[2, 1, 0, 3]], names=None)
    net = network("pixel", band_statistics=seen)
    assert findings_of(layer, net, bands=(3, 2, 1, 4))["Order of bands"].level == PASS
    wrong = findings_of(layer, net, bands=(1, 2, 3, 4))["Order of bands"]
    assert wrong.level == WARNING and option("bands", (3, 2, 1, 4)) in wrong.remedy


def test_names_that_contradict_the_brightness_are_told(raster, network, findings_of, land, seen):
    """The bands are taken as the file says, but the file may be wrong."""
    net = network("pixel", band_statistics=seen)
    right = findings_of(raster("a.tif", land()), net)["Order of bands"]
    assert right.level == PASS and "the order fits" in right.text
    wrong = findings_of(raster("b.tif", land()[[2, 1, 0, 3]]), net)["Order of bands"]
    assert wrong.level == WARNING and "may be wrong" in wrong.text and option("bands", (3, 2, 1, 4)) in wrong.remedy
    assert "red = band 1: " in wrong.text and "the model saw 1.07" in wrong.text


def test_names_are_believed_where_the_brightness_cannot_tell(raster, network, findings_of, land, seen):
    layer = raster("a.tif", land()[[2, 1, 0, 3]])
    assert findings_of(layer, network("pixel", name="bare-v1"))["Order of bands"].level == PASS
    lake = raster("c.tif", np.random.default_rng(0).normal(400, 20, (4, 90, 90)).astype(np.uint16))
    assert findings_of(lake, network("pixel", band_statistics=seen))["Order of bands"].level == PASS


def test_a_band_taken_twice_is_told_and_never_advised(raster, network, findings_of, land, seen):
    layer = raster("a.tif", land()[[2, 1, 0, 3]], names=None)
    findings = findings_of(layer, network("pixel", band_statistics=seen), bands=(3, 3, 1, 4))
    assert findings["Bands"].level == WARNING
    assert "Band 3 is used twice (red, green)." in findings["Bands"].text
    order = findings["Order of bands"]
    assert order.level == NOTE and "more than once" in order.text and option("bands") not in order.remedy
    thrice = findings_of(layer, network("pixel", band_statistics=seen), bands=(3, 3, 3, 4))["Bands"]
    assert "Band 3 is used 3 times (red, green, blue)." in thrice.text


@real
@with_network
def test_the_names_of_real_scenes_are_not_suspected():
    for path in sorted((HLS / "images").glob("*.tif"))[::25]:
        planned = make_plan(ClassifyJob(RasterInput(str(path))))
        finding = next(f for f in planned.findings if f.title == "Order of bands")
        assert finding.level == PASS, f"{path.name}: {finding.text}"


def test_what_cannot_be_judged_says_so(raster, network, findings_of, land, seen):
    unnamed = raster("a.tif", land(), names=None)
    assert "not checked" in findings_of(unnamed, network("pixel", name="bare-v1"))["Order of bands"].text
    net = network("pixel", band_statistics=seen)
    picture = raster("b.tif", (land() * 7), names=None)
    assert "read as picture" in findings_of(picture, net)["Order of bands"].text
    lake = raster("c.tif", np.random.default_rng(0).normal(400, 20, (4, 90, 90)).astype(np.uint16), names=None)
    assert "contrast" in findings_of(lake, net)["Order of bands"].text


def test_brightness_and_haze_do_not_matter_for_the_order(land, seen):
    usual = [band_order.ExpectedBand(s.mean, s.low, s.high) for s in seen]
    names = ["red", "green", "blue", "nir"]
    values = land().reshape(4, -1) / 10_000
    for factor in (0.6, 1.0, 1.8):
        right = band_order.compare(list(values * factor), names, usual)
        assert right is not None and not right.suspicious
        wrong = band_order.compare(list(values[[2, 1, 0, 3]] * factor), names, usual)
        assert wrong is not None and wrong.suspicious and wrong.positions == (2, 1, 0, 3)
    nir_first = band_order.compare(list(values[[3, 0, 1, 2]]), names, usual)
    assert nir_first is not None and nir_first.suspicious and nir_first.positions == (1, 2, 3, 0)


def unnamed_copy(path, target, bands):
    with rasterio.open(path) as source:
        values = source.read(list(bands))
    with rasterio.open(target, "w", driver="GTiff", count=len(values), height=values.shape[1],
                       width=values.shape[2], dtype=values.dtype) as out:  # fmt: skip
        out.write(values)
    return str(target)


@real
@with_network
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_bgrn_trap(tmp_path):
    """Some images of both sets: unnamed blue, green, red, nir is refused, red, green, blue, nir is not."""
    images = [(p, (1, 2, 3, 4)) for p in sorted((EUROPE / "images").glob("*.tif"))[::4]]
    images += [(p, (2, 3, 4, 5)) for p in sorted((HLS / "images").glob("*.tif"))[::25]]
    caught = judged = 0
    for path, bgrn in images:
        layer = unnamed_copy(path, tmp_path / "layer.tif", bgrn)
        for bands in ((), (3, 2, 1, 4)):
            planned = make_plan(ClassifyJob(RasterInput(layer, bands=bands)))
            finding = next(f for f in planned.findings if f.title == "Order of bands")
            if bands:
                assert finding.level in (PASS, NOTE), f"{path.name}: {finding.text}"
            elif finding.level != NOTE:
                judged += 1
                caught += finding.level == ERROR
                assert path.parents[1] != EUROPE or option("bands", (3, 2, 1, 4)) in finding.remedy
    assert judged >= 8 and caught >= 0.9 * judged


def test_a_candidate_carries_its_own_range_warning(raster, network, spec, land):
    net = whole_number_graph(network("pixel", **stored(spec)), onnx.TensorProto.UINT8)
    layer = raster("a.tif", land())
    check = check_layer(ClassifyJob(RasterInput(layer), model_file=net.path, models_folder=str(Path(net.path).parent)))
    (own,) = [m for m in check.models if m.name == net.spec.name]
    assert own.fits and f"but the layer's maximum {land().max():,} is above 255" in own.reason


# ---------------------------------------------------------------- the survey


def test_survey_counts(raster, land):
    values = land(300, 260)
    values[:, :30] = 0
    with Source(raster("a.tif", values, nodata=9999)) as source:
        survey = statistics.survey_layer(source, [1, 2, 3, 4], Progress())
        assert survey.complete and survey.pixels == survey.valid == 300 * 260
        assert survey.zeros == 30 * 260
        assert (survey.rim_pixels, survey.rim_zeros) == (2 * 300 + 2 * 258, 260 + 2 * 29)
        assert len(survey.probe[0]) == 4 * 4 * 64 * 64
        part = statistics.survey_layer(source, [1, 2], Progress(), PixelRegion(40, 90, 10, 60))
        assert part.complete and part.pixels == 2500 and part.zeros == 0
        np.testing.assert_array_equal(part.values[1], values[1, 40:90, 10:60].ravel())


def test_survey_stops_when_asked(raster, recorder, land):
    with Source(raster("a.tif", land())) as source, pytest.raises(LulcError, match="Cancelled"):
        statistics.survey_layer(source, [1], recorder(stop_at=0))
