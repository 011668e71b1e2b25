# SPDX-License-Identifier: GPL-3.0-or-later
"""Which band of a layer is which band of a model."""

from dataclasses import dataclass

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings, strategies as st
from rasterio.enums import ColorInterp

from lulc_plugin.errors import LulcError
from lulc_plugin.options import QGIS
from lulc_plugin.raster import Source
from lulc_plugin.raster.band_names import names_of, wavelength_of
from lulc_plugin.raster.bands import LayerBand, match, sensor_of


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
    assert "Set bands" in str(caught.value)


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
    assert "'BANDS=3;2;1;4'" in caught.value.shown_at(QGIS)


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
    assert "'BANDS=3;2;1;4'" in caught.value.shown_at(QGIS)


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


# ---------------------------------------------------------------- every sensor of the reference's table

# common name → (band number in the sensor's stack, centre, width), micrometres
TABLE = {
    "S2A": {
        "coastal": (1, 0.4427, 0.021), "blue": (2, 0.4924, 0.066), "green": (3, 0.5598, 0.036),
        "red": (4, 0.6646, 0.031), "rededge071": (5, 0.7041, 0.015), "rededge075": (6, 0.7405, 0.015),
        "rededge078": (7, 0.7828, 0.02), "nir": (8, 0.8328, 0.106), "nir08": (9, 0.8647, 0.021),
        "nir09": (10, 0.9451, 0.02), "cirrus": (11, 1.3735, 0.031), "swir16": (12, 1.6137, 0.091),
        "swir22": (13, 2.2024, 0.175),
    },
    "S2B": {
        "coastal": (1, 0.4423, 0.021), "blue": (2, 0.4921, 0.066), "green": (3, 0.559, 0.036),
        "red": (4, 0.665, 0.031), "rededge071": (5, 0.7038, 0.016), "rededge075": (6, 0.7391, 0.015),
        "rededge078": (7, 0.7797, 0.02), "nir": (8, 0.833, 0.106), "nir08": (9, 0.864, 0.022),
        "nir09": (10, 0.9432, 0.021), "cirrus": (11, 1.3769, 0.03), "swir16": (12, 1.6104, 0.094),
        "swir22": (13, 2.1857, 0.185),
    },
    "TM": {
        "blue": (1, 0.485, 0.07), "green": (2, 0.56, 0.08), "red": (3, 0.66, 0.06), "nir": (4, 0.83, 0.14),
        "swir16": (5, 1.65, 0.2), "lwir": (6, 11.45, 2.1), "swir22": (7, 2.215, 0.27),
    },
    "ETM+": {
        "blue": (1, 0.485, 0.07), "green": (2, 0.56, 0.08), "red": (3, 0.66, 0.06), "nir": (4, 0.835, 0.13),
        "swir16": (5, 1.65, 0.2), "lwir": (6, 11.45, 2.1), "swir22": (7, 2.22, 0.26),
    },
    "OLI": {
        "coastal": (1, 0.44, 0.02), "blue": (2, 0.48, 0.06), "green": (3, 0.56, 0.06), "red": (4, 0.655, 0.03),
        "nir08": (5, 0.865, 0.03), "swir16": (6, 1.61, 0.08), "swir22": (7, 2.2, 0.18), "cirrus": (8, 1.373, 0.02),
        "lwir11": (9, 10.895, 0.6), "lwir12": (10, 12.005, 1.0),
    },
    "NAIP": {
        "red": (1, 0.635, 0.032), "green": (2, 0.555, 0.06), "blue": (3, 0.465, 0.06), "nir": (4, 0.845, 0.074),
    },
    "WorldView": {
        "coastal": (1, 0.425, 0.05), "blue": (2, 0.48, 0.06), "green": (3, 0.545, 0.07), "yellow": (4, 0.605, 0.04),
        "red": (5, 0.66, 0.06), "rededge": (6, 0.725, 0.04), "nir": (7, 0.8325, 0.125),
    },
    "PlanetScope": {
        "coastal": (1, 0.4415, 0.021), "blue": (2, 0.49, 0.05), "green05": (3, 0.531, 0.036),
        "green": (4, 0.565, 0.036), "yellow": (5, 0.61, 0.02), "red": (6, 0.665, 0.03),
        "rededge071": (7, 0.705, 0.016), "nir08": (8, 0.865, 0.04),
    },
    "MODIS": {
        "red": (1, 0.645, 0.05), "nir08": (2, 0.8585, 0.035), "blue": (3, 0.469, 0.02), "green": (4, 0.555, 0.02),
        "swir16": (5, 1.64, 0.024), "swir22": (6, 2.13, 0.05), "green05": (7, 0.531, 0.01),
        "cirrus": (8, 1.375, 0.03),
    },
}  # fmt: skip
#: what finds nobody by wavelength alone (section 10 of the reference)
NOBODY = {
    ("NAIP", "red"), ("OLI", "nir"), ("PlanetScope", "nir"), ("WorldView", "coastal"), ("MODIS", "red"),
}  # fmt: skip


def s2a(common):
    _, centre, width = TABLE["S2A"][common]
    return Wanted(common, common, centre, width)


def stack(sensor, names=False, leave_out=()):
    return [
        LayerBand(n, common if names else "", None if names else centre, None if names else width)
        for common, (n, centre, width) in sorted(TABLE[sensor].items(), key=lambda item: item[1][0])
        if common not in leave_out
    ]


@pytest.mark.parametrize("sensor", TABLE)
@pytest.mark.parametrize("common", TABLE["S2A"])
def test_each_band_of_a_sentinel2_model_goes_where_it_belongs_by_wavelength_alone(sensor, common):
    """Each on its own: to the same common name, or to nobody."""
    try:
        (number,) = numbers(stack(sensor), (s2a(common),))
    except LulcError:
        assert common not in TABLE[sensor] or (sensor, common) in NOBODY
        return
    assert (sensor, common) not in NOBODY
    expected = TABLE[sensor].get(common)
    if expected is None:
        # NAIP's and MODIS' near infrared serve for B8A as well
        assert common in ("nir08", "nir"), (sensor, common, number)
        expected = TABLE[sensor]["nir" if common == "nir08" else "nir08"]
    assert number == expected[0]


@pytest.mark.parametrize("sensor", TABLE)
def test_all_bands_that_model_and_layer_share_by_wavelength(sensor):
    shared = [c for c in TABLE["S2A"] if c in TABLE[sensor] and (sensor, c) not in NOBODY]
    assert numbers(stack(sensor), [s2a(c) for c in shared]) == tuple(TABLE[sensor][c][0] for c in shared)


@pytest.mark.parametrize("sensor", TABLE)
def test_all_bands_that_model_and_layer_share_by_common_name(sensor):
    shared = [c for c in TABLE["S2A"] if c in TABLE[sensor]]
    assert numbers(stack(sensor, names=True), [s2a(c) for c in shared]) == tuple(TABLE[sensor][c][0] for c in shared)


@pytest.mark.parametrize("sensor", TABLE)
def test_red_green_blue_nir_of_every_sensor_with_names_and_wavelengths(sensor):
    layer = [
        LayerBand(n, common, centre, width)
        for common, (n, centre, width) in sorted(TABLE[sensor].items(), key=lambda item: item[1][0])
    ]
    nir = "nir" if "nir" in TABLE[sensor] else "nir08"
    expected = tuple(TABLE[sensor][c][0] for c in ("red", "green", "blue", nir))
    assert numbers(layer, [s2a(c) for c in ("red", "green", "blue", "nir")]) == expected


def test_naip_infrared_goes_to_the_nearer_of_b8_and_b8a_whatever_their_order():
    for order in (("nir", "nir08"), ("nir08", "nir")):
        with pytest.raises(LulcError, match="recognised as nir08"):
            match(stack("NAIP"), [s2a(c) for c in order])


OWN_NAMES = {
    "hls-l30": ("HLS.L30.T25LBL.2022.tif", ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B09", "B10", "B11"), 5),
    "hls-s30": ("HLS.S30.T25LBL.tif", ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"), 8),
    "worldview": ("WV03_scene.tif", ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8"), 7),
    "planetscope": ("20230101_PSScene_x.tif", ("coastal_blue", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"), 8),  # noqa: E501
    "modis": ("MOD09A1.tif", ("sur_refl_b01", "sur_refl_b02", "sur_refl_b03", "sur_refl_b04", "sur_refl_b06"), 2),
}  # fmt: skip


@pytest.mark.parametrize("sensor", OWN_NAMES)
def test_names_of_the_sensors_own(sensor):
    file, names, nir = OWN_NAMES[sensor]
    found = numbers(named(*names), layer_name=file)
    red = {"hls-l30": 4, "hls-s30": 4, "worldview": 5, "planetscope": 6, "modis": 1}[sensor]
    assert (found[0], found[3]) == (red, nir)


# ---------------------------------------------------------------- ties, codes, red edges


def test_b8_and_b8a_that_cannot_be_told_apart_are_both_listed():
    layer = [LayerBand(1, "x", 0.8328), LayerBand(2, "y", 0.8328), *waves(0, 0, 0.66, 0.56, 0.49)[2:]]
    with pytest.raises(LulcError, match=r"nir could be band 1 \(x\) or band 2 \(y\)"):
        match(layer, RGBN)
    decided = [LayerBand(1, "nir08", 0.8328), LayerBand(2, "nir", 0.8328), *waves(0, 0, 0.66, 0.56, 0.49)[2:]]
    assert numbers(decided)[3] == 2


def test_two_bands_of_one_name_are_both_listed():
    with pytest.raises(LulcError, match=r"red could be band 1 \(red\) or band 5 \(Red\)"):
        match(named("red", "green", "blue", "nir", "Red"), RGBN)


def test_nir_is_served_by_nir08_only_where_there_is_no_nir():
    assert numbers(named("nir08", "nir", "red", "green", "blue"))[3] == 2
    assert numbers(named("nir08", "red", "green", "blue"))[3] == 1
    nir08 = (Wanted("B8A", "nir08"),)
    assert numbers(named("nir"), nir08) == (1,)
    with pytest.raises(LulcError, match="recognised as nir"):
        match(named("nir", "red"), (Wanted("B8", "nir"), Wanted("B8A", "nir08")))


def test_red_edge():
    three = tuple(Wanted(f"e{i}", f"rededge07{i}") for i in (1, 5, 8))
    assert numbers(named("rededge"), three[:1]) == (1,)
    with pytest.raises(LulcError):
        match(named("rededge", "red", "blue"), three[:2])
    assert numbers(named("B04", "B05", "B8A"), (Wanted("edge", "rededge"),)) == (2,)
    with pytest.raises(LulcError, match="could be band"):
        match(named("B05", "B06", "B07", "B8A"), (Wanted("edge", "rededge"),))


@pytest.mark.parametrize("sensor", ["", "landsat oli"])
def test_a_model_that_has_only_a_code_is_matched_only_on_its_own_sensor(sensor):
    """B5 of a Sentinel-2 model is no band of a Landsat layer, and the reverse."""
    wanted = (Wanted("B5"),)
    with pytest.raises(LulcError, match="recognised as B5"):
        match(named("B4", "B5"), wanted, layer_name="LC08_x.tif", model_sensor="sentinel-2 msi")
    with pytest.raises(LulcError, match="recognised as B5"):
        match(named("B4", "B5"), wanted, model_sensor=sensor)
    assert numbers(named("B4", "B5"), wanted, layer_name="LC08_x.tif", model_sensor="landsat oli") == (2,)
    assert numbers(named("B4", "B05", "B8A"), wanted, model_sensor="sentinel-2") == (2,)
    # what the code means on the model's sensor is looked for on the layer's
    assert numbers(named("B3", "B4", "B5"), (Wanted("B8"),), layer_name="LC08_x.tif", model_sensor="sentinel-2") == (3,)


def test_a_name_of_the_models_own_is_matched_as_it_is():
    assert numbers(named("slope", "DEM"), (Wanted("dem"),)) == (2,)


def test_a_model_without_band_names_takes_them_in_order_and_says_so():
    wanted = tuple(Wanted(f"channel_{i}") for i in (1, 2, 3))
    found = match(named("nir", "red", "green", "x"), wanted, layer_name="a.tif")
    assert found.numbers == (1, 2, 3)
    assert "does not say which bands" in found.warnings[0]
    layer = named("", "", "", "", colours=("red", "green", "blue", "alpha"))
    assert numbers(layer, wanted) == (1, 2, 3)
    with pytest.raises(LulcError, match="2 bands, but the model wants 3"):
        match(named("", ""), wanted)


@pytest.mark.parametrize(
    "names",
    [
        ("Band 1: red", "Band 2: green", "Band 3: blue", "Band 4: nir"),
        ("Band 1 (Red)", "Band 2 (Green)", "Band 3 (Blue)", "Band 4 (NIR)"),
        ("Band 1: B04 (Red)", "Band 2: B03", "Band 3: B02", "Band 4: B08"),
        ("B4, central wavelength 665 nm", "B3, central wavelength 560 nm", "B2, x 490 nm", "B08, central 842 nm"),
    ],
)
def test_names_as_qgis_and_gdal_show_them(names):
    assert numbers(named(*names)) == (1, 2, 3, 4)


def test_band_and_its_own_number_says_nothing():
    assert match(named("Band 1", "Band 2", "Band 3", "Band 4"), RGBN).how == "by position"
    with pytest.raises(LulcError):
        match(named("Band 4", "Band 3", "Band 2", "Band 1"), RGBN)


# ---------------------------------------------------------------- more places of files


def envi(tmp_path, header):
    path = tmp_path / "cube.img"
    np.ones((3, 2, 2), np.uint16).tofile(path)
    path.with_suffix(".hdr").write_text(
        "ENVI\nsamples = 2\nlines = 2\nbands = 3\nheader offset = 0\nfile type = ENVI Standard\n"
        f"data type = 12\ninterleave = bsq\nbyte order = 0\n{header}\n"
    )
    return str(path)


@pytest.mark.parametrize(
    "header",
    [
        "wavelength units = Nanometers\nwavelength = {664.6, 559.8, 492.4}\nfwhm = {31, 36, 66}",
        "wavelength units = Micrometers\nwavelength = {0.6646, 0.5598, 0.4924}\nfwhm = {0.031, 0.036, 0.066}",
        "wavelength = {664.6, 559.8, 492.4}",
    ],
)
def test_wavelengths_of_envi_files(tmp_path, header):
    with Source(envi(tmp_path, header)) as source:
        bands = source.facts.bands
    assert [b.wavelength for b in bands] == pytest.approx([0.6646, 0.5598, 0.4924], abs=1e-3)
    if "fwhm" in header:
        assert [b.width for b in bands] == pytest.approx([0.031, 0.036, 0.066], abs=1e-3)
    assert numbers(bands, RGBN[:3]) == (1, 2, 3)


class Dataset:
    """Stands for an open raster."""

    def __init__(self, count, own=None, domains=None, descriptions=None, file=None):
        self.count = count
        self.descriptions = descriptions or (None,) * count
        self._own, self._domains, self._file = own or {}, domains or {}, file or {}

    def tags(self, band=None, ns=None):
        if ns:
            return self._domains.get((band, ns), {})
        return self._file if band is None else self._own.get(band, {})


def test_lists_of_the_whole_file_come_last_and_only_if_they_have_one_entry_a_band():
    lists = {
        (None, "ENVI"): {"wavelength": "{ 492.4, 559.8, 664.6}", "wavelength_units": "Nanometers", "fwhm": "{66,36,31}"}
    }  # noqa: E501
    assert wavelength_of(Dataset(3, domains=lists), 3) == (pytest.approx(0.6646), pytest.approx(0.031))
    assert wavelength_of(Dataset(2, domains=lists), 2) == (None, None)
    both = {**lists, (1, "IMAGERY"): {"CENTRAL_WAVELENGTH_UM": "0.83"}}
    assert wavelength_of(Dataset(3, domains=both), 1)[0] == pytest.approx(0.83)


def test_keys_of_the_sentinel2_driver():
    own = {1: {"BANDNAME": "B4", "WAVELENGTH": "665", "WAVELENGTH_UNIT": "nm", "BANDWIDTH": "30"}}
    assert wavelength_of(Dataset(1, own), 1) == (pytest.approx(0.665), pytest.approx(0.03))
    assert names_of(Dataset(1, own))[0] == "B4"
    assert names_of(Dataset(1, own, descriptions=("B4, central wavelength 665 nm",)))[0].startswith("B4,")
    assert names_of(Dataset(2, file={"Band_1": "red", "Band_2": "nir"}))[1] == "nir"
    # the list of a file from which a band was taken out is stale
    assert names_of(Dataset(1, file={"Band_1": "red", "Band_2": "nir"}))[0] == ""


def test_millimetres():
    own = {1: {"wavelength": "0.0006646", "wavelength_units": "Millimeters"}}
    assert wavelength_of(Dataset(1, own), 1)[0] == pytest.approx(0.6646)


@pytest.mark.parametrize(
    "names, words",
    [
        (["SR_B4", "SR_B3", "SR_B2", "SR_B5"], "SR_B4 is red on Landsat 8 and 9, nir on Landsat 4 to 7"),
        (["B4", "B3", "B2", "B5"], "B5 is rededge071 on Sentinel-2, nir08 on Landsat 8 and 9, swir16 on Landsat 4 t"),
    ],
)
def test_codes_that_mean_different_bands_are_listed(names, words):
    layer = [LayerBand(i + 1, name) for i, name in enumerate(names)]
    with pytest.raises(LulcError, match="does not say which sensor it is from") as error:
        match(layer, RGBN)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("band", "label"),
    [
        (LayerBand(1, colour="red"), "1 (red by colour)"),
        (LayerBand(2, colour="nir"), "2 (nir by colour)"),
        (LayerBand(3, colour="palette"), "3 (colour table)"),
        (LayerBand(4, colour="gray"), "4 (unnamed)"),
        (LayerBand(5, colour="alpha"), "5 (alpha)"),
        (LayerBand(6, colour="alpha", alpha_values=99), "6 (called alpha)"),
        (LayerBand(7, name="B04", colour="red"), "7 (B04)"),
        (LayerBand(8, wavelength=0.665, colour="red"), "8 (0.665 µm)"),
    ],
)
def test_a_band_is_labelled_by_what_the_file_says_of_it(band, label):
    assert band.label == label
