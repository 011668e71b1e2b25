# SPDX-License-Identifier: GPL-3.0-or-later
"""What stored numbers are: reflectance in some scale, or a picture."""

import numpy as np
import pytest

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import apply_steps, interpret_values
from lulc_plugin.raster.bands import LayerBand


def reading(values, dtype, said="auto", scale=1.0, offset=0.0, count=4):
    stored = np.asarray(values).astype(dtype)
    bands = [LayerBand(i + 1, scale=scale, offset=offset) for i in range(count)]
    return interpret_values(said, [dtype] * count, bands, [stored] * count), stored


def land(low=0.02, high=0.5, seed=0):
    return np.random.default_rng(seed).uniform(low, high, 5000)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (land() * 10_000, "uint16"),
        (land() * 10_000, "int16"),
        (land(-0.02, 0.4) * 10_000, "int16"),
        (land() * 10_000, "float32"),
        (land(), "float32"),
        (land(), "float64"),
        (land(-0.05, 1.3), "float32"),
        (land(0.002, 0.06) * 10_000, "uint16"),  # a lake and nothing else
        (land(0.6, 1.15), "float32"),
    ],
)
def test_reflectance(values, dtype):
    read, stored = reading(values, dtype)
    assert read.kind == "reflectance"
    assert read.warnings == ()
    physical = apply_steps(stored, read.band_steps[0])
    truth = np.asarray(values) / (10_000 if np.abs(values).max() > 2 else 1)
    np.testing.assert_allclose(physical, truth, atol=1.01e-4)


def test_snow():
    read, stored = reading(land(0.6, 1.15) * 10_000, "uint16")
    assert read.kind == "reflectance"
    assert 1 < apply_steps(stored, read.band_steps[0]).max() < 1.2


@pytest.mark.parametrize(
    ("scale", "offset", "stored", "dtype"),
    [
        (0.0001, 0.0, land() * 10_000, "uint16"),
        (0.0001, -0.1, land() * 10_000 + 1000, "uint16"),
        (0.0000275, -0.2, (land() + 0.2) / 0.0000275, "uint16"),
        (1 / 255, 0.0, land() * 255, "uint8"),
        (1.0, -1000.0, land() * 10_000 + 1000, "uint16"),
    ],
)
def test_declared_scale_and_offset_are_believed(scale, offset, stored, dtype):
    read, numbers = reading(stored, dtype, scale=scale, offset=offset)
    assert read.kind == "reflectance"
    assert "declared" in read.because
    assert read.warnings == ()
    np.testing.assert_allclose(apply_steps(numbers, read.band_steps[0]), land(), atol=0.005)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.arange(256), "uint8"),
        (np.arange(256), "uint16"),
        (np.linspace(0, 65535, 5000), "uint16"),
        (np.linspace(0, 255, 5000), "float32"),
        (np.linspace(5000, 30000, 5000), "uint16"),
    ],
)
def test_pictures(values, dtype):
    read, _ = reading(values, dtype)
    assert read.kind == "picture"
    assert read.band_steps == ((),) * 4
    assert read.because


def test_pixels_that_are_all_brighter_than_the_sentinel2_offset_are_warned_about():
    read, _ = reading(land() * 10_000 + 1000, "uint16")
    assert "baseline 04.00" in read.warnings[0]


def test_the_warning_is_not_hidden_by_an_undeclared_black_margin():
    read, _ = reading(np.concatenate([np.zeros(5000), land() * 10_000 + 1000]), "uint16")
    assert read.warnings


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_zeros_of_a_black_margin_do_not_decide(dtype):
    read, stored = reading(np.concatenate([np.zeros(500_000), land() * 10_000]), dtype)
    assert read.kind == "reflectance"
    assert apply_steps(stored, read.band_steps[0]).max() <= 0.5


def test_mostly_zero_whole_numbers_are_never_zero_to_one():
    read, stored = reading([0] * 5000 + [1] * 5000 + [4000], "uint16")
    assert apply_steps(stored, read.band_steps[0]).max() <= 1


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_what_the_user_says_counts(dtype):
    assert reading(np.arange(100), dtype, said="picture")[0].kind == "picture"
    read, _ = reading(np.arange(100), dtype, said="reflectance")
    assert read.kind == "reflectance"
    assert "as you set" in read.because


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("said", ["auto", "reflectance", "picture"])
def test_nothing_to_look_at(dtype, said):
    read, _ = reading(np.empty(0), dtype, said=said)
    assert read.kind in ("reflectance", "picture")


# ---------------------------------------------------------------- through a whole run


@pytest.mark.parametrize(
    ("dtype", "factor", "scale", "offset"),
    [("uint16", 1, 1, 0), ("int16", 1, 1, 0), ("float32", 1e-4, 1, 0), ("float64", 1e-4, 1, 0),
     ("uint16", 2, 0.00005, 0), ("int32", 10, 0.00001, 0)],
)  # fmt: skip
def test_the_same_land_gives_the_same_map_in_any_storage(
    raster, network, classify, scene, dtype, factor, scale, offset
):
    import rasterio

    image = scene(80, 90)
    net = network("pixel")
    reference = classify(raster("a.tif", image), net).values
    path = raster("b.tif", (image * factor).astype(dtype))
    if scale != 1:
        with rasterio.open(path, "r+") as out:
            out.scales, out.offsets = (scale,) * 4, (offset,) * 4
    made = classify(path, net)
    assert (made.values == reference).mean() > 0.9995  # float32 ties
    assert any("read as reflectance" in line for line in made.progress.lines)


def test_values_override(raster, network, classify, scene):
    layer = raster("a.tif", scene(80, 90))
    net = network("pixel")
    picture = classify(layer, net, values="picture")
    assert any("way in: picture" in line for line in picture.progress.lines)
    assert (picture.values != classify(layer, net).values).any()


def test_a_reflectance_model_refuses_pictures_with_the_way_out(raster, network, classify, scene, spec):
    from lulc_plugin.errors import LulcError

    net = network("pixel", forms=spec().forms[:1])
    with pytest.raises(LulcError, match="wants reflectance") as caught:
        classify(raster("a.tif", scene(20, 20, dtype="uint8")), net)
    assert "reflectance" in caught.value.remedy


def test_a_model_of_stored_numbers_gets_them_back(raster, network, classify, scene, spec, tensor_of):
    """A network trained on DN (Sentinel-2: DN · 0.0001 − 0.1) sees the same numbers whatever the layer's storage."""
    from dataclasses import replace

    from lulc_plugin.model import InputForm

    bands = tuple(replace(b, scale=0.0001, offset=-0.1) for b in spec().bands)
    net = network("pixel", bands=bands, forms=(InputForm("dn", "dn", ((),) * 4),), channels=spec().channels)
    image = scene(60, 60)
    made = classify(raster("a.tif", image.astype(np.float32) / 10_000), net)
    tensor = ((image / 10_000 + 0.1) / 0.0001 - 0.2) / 0.1
    assert (made.values == net.labels(tensor.astype(np.float32))).mean() > 0.99


@pytest.mark.parametrize("scale, offset", [(0, 0), (1e308, 0), (1e-320, 0), (float("nan"), 0), (2, float("inf"))])
def test_a_scale_that_no_measurement_has_is_refused(scale, offset):
    """A side file may say anything; dividing by it must not end in a traceback."""
    with pytest.raises(LulcError, match="Band 1"):
        reading(land(), "float32", scale=scale, offset=offset)
    assert reading(land(), "float32", "picture", scale, offset)[0].kind == "picture"
