# SPDX-License-Identifier: GPL-3.0-or-later
"""Which band of a layer is which band of a model."""

from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from lulc_plugin.errors import LulcError
from lulc_plugin.raster.bands import LayerBand, match, sensor_of
from lulc_plugin.raster.source import Source


@dataclass(frozen=True)
class Wanted:
    name: str
    common_name: str | None = None
    wavelength: float | None = None
    width: float | None = None

    @property
    def label(self):
        return self.common_name or self.name


RGBN = (
    Wanted("red", "red", 0.66, 0.03),
    Wanted("green", "green", 0.56, 0.04),
    Wanted("blue", "blue", 0.49, 0.06),
    Wanted("nir", "nir", 0.8328, 0.106),
)
SWIR = (*RGBN, Wanted("swir1", "swir16", 1.6137, 0.091))


def named(*names, colours=()):
    return [LayerBand(i, n, colour=dict(enumerate(colours, 1)).get(i, "")) for i, n in enumerate(names, 1)]


def numbers(layer, wanted=RGBN, **options):
    return match(layer, wanted, **options).numbers


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "names",
    [
        ("red", "green", "blue", "nir"),
        ("Red", "GREEN", "Blue", "NIR"),
        ("red", "green", "blue", "nir08"),
        ("Band Red", "band_green", "Band-Blue", "Near Infrared"),
        ("sr_red", "SR_GREEN", "sr_blue", "sr_nir"),
        ("B04", "B03", "B02", "B08"),
    ],
)
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 1, 0, 3), (3, 0, 1, 2)])
def test_names(names, order):
    layer = named(*(names[i] for i in order))
    assert numbers(layer) == tuple(order.index(i) + 1 for i in range(4))


def test_sentinel2_names_need_the_sensor_or_its_own_spelling():
    plain = named("B2", "B3", "B4", "B8")
    with pytest.raises(LulcError):
        match(plain, RGBN)
    assert numbers(plain, layer_name="S2A_MSIL2A_20240101.tif") == (3, 2, 1, 4)
    assert numbers(plain, tags={"PLATFORM": "Sentinel-2B"}) == (3, 2, 1, 4)


LANDSAT8 = named("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7")


def test_landsat8():
    assert numbers(LANDSAT8, SWIR, layer_name="LC08_L2SP_214065.tif") == (4, 3, 2, 5, 6)
    assert numbers(LANDSAT8, SWIR) == (4, 3, 2, 5, 6)
    assert numbers(LANDSAT8, SWIR, tags={"SPACECRAFT_ID": "LANDSAT_9"}) == (4, 3, 2, 5, 6)


def test_landsat7():
    layer = named("B1", "B2", "B3", "B4", "B5", "B7")
    assert numbers(layer, SWIR, layer_name="LE07_L1TP_214065.tif") == (3, 2, 1, 4, 5)


def test_b5_of_a_sensor_that_is_not_known_is_not_matched():
    with pytest.raises(LulcError, match="nir"):
        match(named("B4", "B3", "B2", "B5"), RGBN)


def test_b5_of_sentinel2_is_red_edge_not_near_infrared():
    layer = named("B02", "B03", "B04", "B05", "B11", "B12")
    with pytest.raises(LulcError, match="recognised as nir"):
        match(layer, RGBN, layer_name="S2B_stack.tif")


def test_thermal_b11_of_landsat_does_not_make_it_sentinel2():
    """Landsat 8 and HLS L30 stacks have a B11 too: 12 micrometres, not 1.6."""
    layer = named("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B9", "B10", "B11")
    with pytest.raises(LulcError):
        match(layer, SWIR)
    assert sensor_of("stack.tif", {}, named("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B09", "B10", "B11")) == ""
    assert numbers(layer, SWIR, layer_name="LC08_L1TP_x.tif") == (4, 3, 2, 5, 6)


def test_b8_and_b8a():
    layer = named("B02", "B03", "B04", "B08", "B8A", "B11")
    assert numbers(layer)[3] == 4
    nir08 = (Wanted("nir", "nir08"),)
    assert numbers(layer, nir08) == (5,)
    assert numbers(named("B02", "B03", "B04", "B8A"))[3] == 4  # the compatible pair, where only one is there


def test_duplicate_names_are_not_guessed_between():
    with pytest.raises(LulcError, match="red"):
        match(named("red", "green", "blue", "nir", "red"), RGBN)


def test_colours_of_pictures():
    layer = named("", "", "", "", colours=("red", "green", "blue", "nir"))
    assert numbers(layer) == (1, 2, 3, 4)
    rgb = RGBN[:3]
    assert numbers(named("", "", "", colours=("blue", "green", "red")), rgb) == (3, 2, 1)


def test_three_colours_and_an_unknown_fourth_are_not_guessed():
    with pytest.raises(LulcError, match="nir") as caught:
        match(named("", "", "", "", colours=("red", "green", "blue", "undefined")), RGBN)
    assert "Bands" in caught.value.remedy


# ---------------------------------------------------------------- wavelengths


def waves(*centres, names=None, width=None):
    return [LayerBand(i, (names or [""] * 20)[i - 1], c, width) for i, c in enumerate(centres, 1)]


SENSORS = {
    "S2A": ((0.4427, 0.4924, 0.5598, 0.6646, 0.7041, 0.7405, 0.7828, 0.8328, 0.8647, 0.9451), (4, 3, 2, 8)),
    "S2B": ((0.4423, 0.4921, 0.5590, 0.6650, 0.7038, 0.7391, 0.7797, 0.8330, 0.8640, 0.9432), (4, 3, 2, 8)),
    "TM": ((0.485, 0.560, 0.660, 0.830, 1.650, 2.215), (3, 2, 1, 4)),
    "WorldView": ((0.425, 0.480, 0.545, 0.605, 0.660, 0.725, 0.8325), (5, 3, 2, 7)),
}


@pytest.mark.parametrize("sensor", SENSORS)
def test_wavelengths(sensor):
    centres, expected = SENSORS[sensor]
    assert numbers(waves(*centres)) == expected


def test_wavelengths_are_believed_before_names():
    layer = waves(0.49, 0.56, 0.66, 0.83, names=["red", "green", "blue", "nir"])
    found = match(layer, RGBN)
    assert found.numbers == (3, 2, 1, 4)
    assert "wavelength" in found.how


def test_wavelength_out_of_reach_is_left_to_the_name():
    """Landsat 8's nir (0.865) is 0.032 from Sentinel-2's B8."""
    layer = waves(0.655, 0.56, 0.48, 0.865, names=["", "", "", "nir08"])
    assert numbers(layer) == (1, 2, 3, 4)


def test_equally_near_bands_are_not_guessed_between():
    with pytest.raises(LulcError, match="red"):
        match(waves(0.65, 0.67, 0.56, 0.49, 0.83), RGBN)


@given(st.permutations(range(10)))
@settings(max_examples=60, deadline=None)
def test_order_of_the_layers_bands_is_irrelevant(order):
    centres, expected = SENSORS["S2A"]
    layer = waves(*(centres[i] for i in order))
    assert numbers(layer) == tuple(order.index(e - 1) + 1 for e in expected)


@pytest.mark.parametrize(
    ("tags", "namespace"),
    [
        ({"CENTRAL_WAVELENGTH_UM": "0.6646", "FWHM_UM": "0.031"}, "IMAGERY"),
        ({"wavelength": "664.6", "wavelength_units": "Nanometers", "fwhm": "31"}, None),
        ({"wavelength": "664.6", "wavelength_units": "nm"}, None),
        ({"wavelength": "664.6"}, None),
        ({"wavelength": "0.6646", "wavelength_units": "Micrometers"}, None),
        ({"wavelength": "0.6646", "wavelength_units": "um"}, None),
        ({"wavelength": "0.6646"}, None),
        ({"WAVELENGTH": "665", "WAVELENGTH_UNIT": "nm"}, None),
        ("B4, central wavelength 665 nm", None),
        ("red (664.6 Nanometers)", None),
        ("red (0.6646 um)", None),
        ("red (0.6646 µm)", None),
    ],
)
def test_wavelengths_of_files(raster, tags, namespace):
    path = raster("a.tif", np.ones((1, 2, 2), np.uint8), names=None)
    with rasterio.open(path, "r+") as out:
        if isinstance(tags, str):
            out.set_band_description(1, tags)
        else:
            out.update_tags(1, ns=namespace, **tags)
    with Source(path) as source:
        band = source.facts.bands[0]
    assert band.wavelength == pytest.approx(0.6646, abs=5e-4)
    if isinstance(tags, dict) and ("FWHM_UM" in tags or "fwhm" in tags):
        assert band.width == pytest.approx(0.031)


@pytest.mark.parametrize("text", ["nan", "-1", "abc", "", "1e400", "0"])
def test_wavelengths_that_are_none(raster, text):
    path = raster("a.tif", np.ones((1, 2, 2), np.uint8), names=None)
    with rasterio.open(path, "r+") as out:
        out.update_tags(1, wavelength=text)
    with Source(path) as source:
        assert source.facts.bands[0].wavelength is None


def test_new_colour_names_of_gdal_do_not_break_the_reader(raster):
    """GDAL 3.10 and later know NIR, SWIR and others, which a rasterio of that time has no name for."""
    path = raster("a.tif", np.ones((4, 2, 2), np.uint16), names=None)
    vrt = path.replace(".tif", ".vrt")
    colours = ("Red", "Green", "Blue", "NIR")
    bands = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{i}"><ColorInterp>{c}</ColorInterp><SimpleSource>'
        f"<SourceFilename>{path}</SourceFilename><SourceBand>{i}</SourceBand></SimpleSource></VRTRasterBand>"
        for i, c in enumerate(colours, 1)
    )
    with open(vrt, "w") as out:
        out.write(f'<VRTDataset rasterXSize="2" rasterYSize="2">{bands}</VRTDataset>')
    with Source(vrt) as source:
        assert [b.colour for b in source.facts.bands][:3] == ["red", "green", "blue"]


# ---------------------------------------------------------------- position


def test_position_only_if_the_counts_agree_and_with_a_warning():
    found = match(named("", "", "", ""), RGBN, layer_name="a.tif")
    assert found.numbers == (1, 2, 3, 4)
    assert found.how == "by position"
    assert "a.tif" in found.warnings[0]
    assert "1 = red" in found.warnings[0]


def test_six_unnamed_bands_are_named_in_the_error_with_the_remedy():
    with pytest.raises(LulcError) as caught:
        match(named(*[""] * 6), RGBN, layer_name="l7.tif")
    for i in range(1, 7):
        assert f"{i} (unnamed)" in caught.value.problem
    assert "l7.tif" in caught.value.problem
    assert "red, green, blue, nir" in caught.value.remedy
    assert "BANDS=3;2;1;4" in caught.value.remedy


def test_names_that_say_something_else_forbid_the_position():
    with pytest.raises(LulcError):
        match(named("elevation", "slope", "aspect", "roughness"), RGBN)


def test_alpha_is_no_band():
    layer = named("", "", "", "", "", colours=("red", "green", "blue", "nir", "alpha"))
    assert numbers(layer) == (1, 2, 3, 4)
    # four unnamed bands and an alpha: the four are taken in order
    layer = named("", "", "", "", "", colours=("gray", "undefined", "undefined", "undefined", "alpha"))
    assert numbers(layer) == (1, 2, 3, 4)
    assert "alpha" not in match(layer, RGBN).warnings[0]


def test_a_named_band_is_no_alpha_even_if_the_file_says_so():
    layer = named("red", "green", "blue", "nir", colours=("red", "green", "blue", "alpha"))
    assert numbers(layer) == (1, 2, 3, 4)


def test_band_called_alpha_in_a_file(raster):
    path = raster("a.tif", np.ones((4, 2, 2), np.uint8), names=None)
    with rasterio.open(path, "r+") as out:
        out.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    with Source(path) as source:
        assert [b.is_alpha for b in source.facts.bands] == [False, False, False, True]


# ---------------------------------------------------------------- chosen by the user


def test_chosen_bands_are_taken_whatever_they_are_called():
    found = match(named("nir", "red", "green", "blue", "x", "y"), RGBN, (6, 2, 1, 4))
    assert found.numbers == (6, 2, 1, 4)
    assert found.warnings == ()


@pytest.mark.parametrize("chosen", [(0,), (3, 2, 1, 0), (3, 2, 1, 7), (-1, 2, 3, 4)])
def test_bands_that_do_not_exist_are_refused(chosen):
    with pytest.raises(LulcError, match=r"Band (0|7|-1) does not exist.*1 to 6") as caught:
        match(named(*[""] * 6), RGBN, chosen, layer_name="a.tif")
    assert "BANDS=3;2;1;4" in caught.value.remedy


@pytest.mark.parametrize("chosen", [(1,), (1, 2, 3), (1, 2, 3, 4, 5)])
def test_a_wrong_count_is_refused(chosen):
    with pytest.raises(LulcError, match=rf"^{len(chosen)} bands? given.*wants 4") as caught:
        match(named(*[""] * 6), RGBN, chosen)
    assert "red, green, blue, nir" in caught.value.remedy


def test_chosen_bands_reach_the_map(raster, network, classify, scene, tensor_of):
    image = scene(70, 60, bands=6)
    net = network("pixel")
    layer = raster("a.tif", image, names=None)
    with pytest.raises(LulcError, match="6 bands"):
        classify(layer, net)
    made = classify(layer, net, bands=(3, 2, 1, 4))
    np.testing.assert_array_equal(made.values, net.labels(tensor_of(image[[2, 1, 0, 3]])))
    with rasterio.open(made.path) as out:
        assert out.tags()["LULC_BANDS"] == "[3,2,1,4]"
