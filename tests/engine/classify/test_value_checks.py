# SPDX-License-Identifier: GPL-3.0-or-later
"""What the numbers of a layer say: the cases of tests/cases/README.md about numbers, and layers that are in order."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from lulc_plugin.classify import ClassifyJob, check_layer, make_plan
from lulc_plugin.cli import main
from lulc_plugin.errors import LulcError
from lulc_plugin.findings import ERROR, NOTE, PASS, WARNING
from lulc_plugin.options import option
from lulc_plugin.raster import RasterInput, Source, band_order

BLUE_FIRST = [2, 1, 0, 3]
#: Findings that a layer in order must not have as a warning.
QUIET = {
    "values.range",
    "values.negative",
    "values.scale",
    "values.colours",
    "bands.equal",
    "bands.alpha",
    "layer.partial",
}


@pytest.fixture
def suspicions(network, seen):
    """`suspicions(layer, …)` → id → finding, of all that are no pass."""
    net = network("pixel", band_statistics=seen)

    def look(layer, **options):
        job = ClassifyJob(RasterInput(layer, bands=options.pop("bands", ())), model_file=net.path, **options)
        with make_plan(job) as plan:
            return {f.id: f for f in plan.findings if f.level != PASS}

    return look


def declare(path, scales, offsets=None):
    with rasterio.open(path, "r+") as out:
        out.scales = scales
        out.offsets = offsets or (0,) * len(scales)
    return path


def reflectance(land):
    return land().astype(np.float64) / 10_000


# ---------------------------------------------------------------- layers in order


def test_layers_in_order_stay_quiet(raster, suspicions, land):
    as_float = raster("f.tif", reflectance(land).astype(np.float32))
    scaled = declare(raster("s.tif", land() + 1000), (1e-4,) * 4, (-0.1,) * 4)
    picture = raster("p.tif", np.clip(reflectance(land) * 500, 1, 255).astype(np.uint8))
    for layer in (raster("a.tif", land()), as_float, scaled, picture):
        assert not QUIET & {id for id, f in suspicions(layer).items() if f.level == WARNING}, layer


def test_a_lake_is_dark_and_in_order(raster, suspicions):
    random = np.random.default_rng(0)
    lake = np.stack([random.normal(mean, 25, (90, 90)) for mean in (250, 350, 400, 60)]).clip(1).astype(np.uint16)
    assert not QUIET & set(suspicions(raster("a.tif", lake)))


# ---------------------------------------------------------------- too dark, below zero


@pytest.mark.parametrize(
    ("factor", "dtype", "scale"),
    [
        (1000, np.uint16, "0.001"),
        (2000, np.uint16, "0.0005"),
        (100, np.int16, "0.01"),
        (0.2, np.float32, "5"),
        (1e-6, np.float32, "1e+06"),
        (0.1, np.float32, "10"),
        (3e-5, np.float32, "20000"),
    ],
)
def test_land_that_is_too_dark_is_told_with_the_scale_to_declare(raster, suspicions, land, factor, dtype, scale):
    """Reflectance × 1,000 became a map of 99.8 % water, and nothing spoke against it."""
    found = suspicions(raster("a.tif", (reflectance(land) * factor).round(12).astype(dtype)))["values.range"]
    assert found.level == WARNING and "near infrared over land has a median of " in found.text
    assert f"gdal_edit.py -scale {scale} -offset 0" in found.remedy and option("values", "picture") in found.remedy


def test_the_network_that_fits_says_it_too(raster, network, seen, land):
    net = network("pixel", band_statistics=seen)
    layer = raster("a.tif", (reflectance(land) * 1000).astype(np.uint16))
    check = check_layer(ClassifyJob(RasterInput(layer), models_folder=str(net.path).rsplit("/", 1)[0]))
    assert "far too dark" in next(m for m in check.models if m.name == net.spec.name).but


def test_an_offset_taken_off_twice(raster, suspicions, land):
    layer = declare(raster("a.tif", land()), (1e-4,) * 4, (-0.1,) * 4)
    share = 100 * (land()[2] < 1000).mean()
    found = suspicions(layer)["values.negative"]
    assert found.level == WARNING and f"{share:.3g} % of the pixels of band 3 (blue)" in found.text
    assert "-0.1" in found.remedy and "gdal_edit.py -offset 0" in found.remedy


@pytest.mark.parametrize(("factor", "dtype", "scale"), [(1, np.float32, "1"), (10_000, np.int16, "0.0001")])
def test_an_offset_taken_off_twice_without_a_declaration(raster, suspicions, land, factor, dtype, scale):
    layer = raster("a.tif", ((reflectance(land) - 0.1) * factor).astype(dtype))
    assert f"gdal_edit.py -scale {scale} -offset 0.1" in suspicions(layer)["values.negative"].remedy


def test_decibels(raster, suspicions, land):
    """Three of four bands are negative."""
    values = reflectance(land)
    values[:3] = 10 * np.log10(values[:3])
    found = suspicions(raster("a.tif", values.astype(np.float32)))
    assert found["values.negative"].text.count("100 % of the pixels") == 3
    assert "Decibels" in found["values.negative"].remedy


def test_a_few_pixels_below_zero_are_a_haze_correction(raster, suspicions, land):
    values = land().astype(np.int16)
    values[:, :20] -= 800
    assert "values.negative" not in suspicions(raster("a.tif", values))


def test_one_band_without_its_scale(raster, suspicions, land):
    found = suspicions(declare(raster("a.tif", land()), (1e-4, 1, 1e-4, 1e-4)))
    assert "band 2 (green)" in found["values.scale"].text and "-scale 0.0001" in found["values.scale"].remedy
    assert "bands.order" not in found, "an order that another unit suggests is not advised"


def test_one_band_without_its_offset(raster, suspicions, land):
    found = suspicions(declare(raster("a.tif", land() + 1000), (1e-4,) * 4, (-0.1, -0.1, 0, -0.1)))
    assert "band 3 (blue)" in found["values.scale"].text and "-offset -0.1" in found["values.scale"].remedy


# ---------------------------------------------------------------- equal bands, maps, alpha


def test_two_equal_bands(raster, suspicions, land):
    found = suspicions(raster("a.tif", land()[[0, 0, 2, 3]]))["bands.equal"]
    assert found.level == WARNING and "1 (red) and 2 (green)" in found.text and "100 %" in found.text


def test_a_map_given_as_image(raster, suspicions):
    classes = np.random.default_rng(0).integers(0, 5, (90, 90))
    colours = np.array([[65, 155, 223, 9], [57, 125, 73, 8], [198, 214, 120, 7], [228, 150, 53, 6], [196, 40, 27, 5]])
    found = suspicions(raster("a.tif", colours[classes].transpose(2, 0, 1).astype(np.uint8)))["values.colours"]
    assert found.level == WARNING and "only 5 different colours" in found.text


def test_a_map_in_colours_that_no_network_fits_is_named_for_what_it_is(raster, classify, recorder):
    """At 10 m its refusal asked for near infrared, which no map in colours has."""
    classes = np.random.default_rng(0).integers(0, 5, (90, 90))
    colours = np.array([[65, 155, 223], [57, 125, 73], [198, 214, 120], [228, 150, 53], [196, 40, 27]], np.uint8)
    layer = raster("a.tif", colours[classes].transpose(2, 0, 1), names=("red", "green", "blue"))
    check = check_layer(ClassifyJob(RasterInput(layer)))
    assert [f.id for f in check.findings if f.level == WARNING] == ["values.colours"]
    assert "only 5 different colours" in check.choice or not any(m.fits for m in check.models)
    progress = recorder()
    with pytest.raises(LulcError, match="None of the networks"):
        classify(layer, progress=progress)
    assert any("only 5 different colours" in warning for warning in progress.warnings)


def test_a_colour_table_is_told_with_the_way_out(raster, suspicions):
    layer = raster("a.tif", np.random.default_rng(0).integers(0, 9, (1, 90, 90)).astype(np.uint8), names=None)
    with rasterio.open(layer, "r+") as out:
        out.write_colormap(1, {i: (i, 2 * i, 3 * i, 255) for i in range(9)})
    found = suspicions(layer)["model.choice"]
    assert found.level == ERROR and "colour table" in found.text and "gdal_translate -expand rgb" in found.remedy


def test_a_colour_table_beside_an_alpha_band(raster, suspicions):
    values = np.random.default_rng(0).integers(0, 9, (2, 90, 90)).astype(np.uint8)
    values[1] = 255
    layer = raster("a.tif", values, names=None)
    with rasterio.open(layer, "r+") as out:
        out.write_colormap(1, {i: (i, 2 * i, 3 * i, 255) for i in range(9)})
        out.colorinterp = [ColorInterp.palette, ColorInterp.alpha]
    assert "gdal_translate -expand rgb" in suspicions(layer)["model.choice"].remedy


def alpha_layer(raster, values):
    layer = raster("a.tif", values, names=None, photometric="rgb", alpha="unspecified")
    with rasterio.open(layer, "r+") as out:
        out.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    return layer


def test_near_infrared_that_the_file_calls_alpha(raster, land):
    values = np.clip(land() // 12, 1, 255).astype(np.uint8)
    values[3, :40] = 0
    layer = alpha_layer(raster, values)
    with Source(layer) as source:
        assert not source.facts.bands[3].is_alpha and source.facts.bands[3].alpha_values == len(np.unique(values[3]))
        assert source.read([1, 2, 3], source.facts.region)[1].all(), "such a band masks nothing"
    with make_plan(ClassifyJob(RasterInput(layer))) as plan:
        found = next(f for f in plan.findings if f.id == "bands.alpha")
    assert found.level == WARNING and "different values" in found.text
    assert option("bands", (1, 2, 3, 4)) in found.remedy and "-colorinterp_4 undefined" in found.remedy
    with make_plan(ClassifyJob(RasterInput(layer, bands=(1, 2, 3, 4)))) as plan:
        assert not [f for f in plan.findings if f.id == "bands.alpha"]


@pytest.mark.parametrize("factor", [1, 4, 60])
def test_near_infrared_of_16_bits_that_the_file_calls_alpha(raster, land, factor):
    values = np.clip(land() // 12, 1, 255).astype(np.uint16) * factor
    values[3, 100, 100] = 65535  # a single glint
    with Source(alpha_layer(raster, values)) as source:
        assert not source.facts.bands[3].is_alpha and source.facts.bands[3].alpha_values > 16


def test_a_mask_that_was_compressed_with_losses_stays_a_mask(raster, land):
    values = np.clip(land() // 12, 1, 255).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 9, values[3].shape)
    values[3] = np.where(np.arange(values.shape[1])[:, None] < 60, noise, 255 - noise)
    with Source(alpha_layer(raster, values)) as source:
        assert source.facts.bands[3].is_alpha


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 4095), (np.uint16, 65535)])
def test_a_mask_stays_a_mask(raster, land, dtype, full):
    """4095 is full as well, and a feathered edge has many values in few pixels."""
    values = np.clip(land() // 12, 1, 255).astype(dtype)
    values[3], values[3, :40] = full, 0
    values[3, 40] = np.arange(values.shape[2]) % full
    with Source(alpha_layer(raster, values)) as source:
        assert source.facts.bands[3].is_alpha and not source.read([1, 2, 3], source.facts.region)[1][:, :40].any()


# ---------------------------------------------------------------- empty in some bands


@pytest.mark.parametrize("nodata", [0, 255, float("nan")])
def test_other_values_for_no_data_in_one_band(raster, suspicions, land, nodata):
    values = np.clip(land() // 12, 1, 254).astype(np.float32 if np.isnan(nodata) else np.uint8)
    values[1, 50:70] = nodata
    found = suspicions(raster("a.tif", values, nodata=nodata))["layer.partial"]
    assert "10 % of" in found.text and "0 % in all" in found.text and option("nodata_policy", "all") in found.remedy


def holed(land):
    values = land()
    values[:, :10] = 0
    values[1, 50:70] = 0
    return values


def test_pixels_that_are_empty_in_some_bands(raster, suspicions, land):
    layer = raster("a.tif", holed(land), nodata=0)
    found = suspicions(layer)["layer.partial"]
    assert found.level == WARNING and "15 % of the" in found.text and "5 % in all" in found.text
    assert option("nodata_policy", "all") in found.remedy
    assert suspicions(layer, nodata_policy="all")["layer.partial"].level == NOTE


def test_check_takes_the_nodata_policy(raster, land, capsys):
    layer = raster("a.tif", holed(land), nodata=0)
    main(["check", layer])
    assert "--nodata-policy all" in capsys.readouterr().out
    main(["check", layer, "--nodata-policy", "all"])
    said = capsys.readouterr().out
    assert "PASS  Pixels without data: 5 %" in said and "INFO  Pixels empty in some bands" in said


# ---------------------------------------------------------------- order of bands


def test_an_order_that_nobody_gave_is_refused_where_brightness_says_another(raster, suspicions, land):
    """The log named the better order and then the wrong one was mapped: trees 72 % instead of 20 %."""
    layer = raster("a.tif", land()[BLUE_FIRST], names=None)
    found = suspicions(layer)["bands.order"]
    assert found.level == ERROR
    assert option("bands", (3, 2, 1, 4)) in found.remedy and option("bands", (1, 2, 3, 4)) in found.remedy
    assert suspicions(layer, bands=(1, 2, 3, 4))["bands.order"].level == WARNING
    assert "bands.order" not in suspicions(layer, bands=(3, 2, 1, 4))


@pytest.mark.parametrize("kind", ["bytes", "counts"])
def test_blue_first_is_refused_without_a_known_scale_too(raster, suspicions, land, kind):
    values = np.clip(reflectance(land) * 500, 1, 255).astype(np.uint8) if kind == "bytes" else land() * 7 + 3000
    layer = raster("a.tif", values[BLUE_FIRST], names=None, photometric="minisblack")
    found = suspicions(layer)["bands.order"]
    assert found.level == ERROR and "taken as red" in found.text and option("bands", (3, 2, 1, 4)) in found.remedy
    assert suspicions(layer, bands=(1, 2, 3, 4))["bands.order"].level == WARNING
    assert suspicions(raster("b.tif", values, names=None, photometric="minisblack"))["bands.order"].level == NOTE


def test_a_stretch_of_each_band_hides_the_order(land):
    values = land().reshape(4, -1)[BLUE_FIRST].astype(float)
    low, high = np.percentile(values, [2, 98], axis=1)
    names = ["red", "green", "blue", "nir"]
    assert band_order.find_blue_first(list(values), names) is not None
    assert band_order.find_blue_first(list(values), names[:3] + ["swir16"]) is None
    assert band_order.find_blue_first(list((values - low[:, None]) / (high - low)[:, None]), names) is None


def test_what_was_compared_is_what_is_printed(raster, network, land, seen):
    """`brightness fits` stood beside means of 1026 and 133.8; compared are shares of the bands' mean."""
    net = network("pixel", band_statistics=seen)
    texts = []
    for layer in (raster("a.tif", land()), raster("b.tif", (reflectance(land) * 2).astype(np.float32))):
        with make_plan(ClassifyJob(RasterInput(layer), model_file=net.path)) as plan:
            texts.append(next(f.text for f in plan.findings if f.id == "bands.order"))
    assert texts[0] == texts[1], "the scale does not matter, and no number that it changes is shown"
    assert "the order fits" in texts[0] and "(the model saw 1.0" in texts[0]
