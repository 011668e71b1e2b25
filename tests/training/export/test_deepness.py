# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata for Deepness, and the file that it runs."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lulc_plugin.raster import prepare
from training.export import deepness, onnx_session, parity, variants
from training.inputs import make_inputs, resolved
from training.networks.network_settings import NetworkSettings, build

CHANNELS, CLASSES, TEMPERATURE = 5, 3, 1.4


def trained(architecture: str, **options):
    """A network whose normalisation has seen something, or folding it would prove nothing."""
    torch.manual_seed(0)
    network = build(NetworkSettings(architecture, options=options), CHANNELS, CLASSES)
    network.train()
    with torch.inference_mode():
        for _ in range(2):
            network(torch.randn(2, CHANNELS, 2 * network.multiple, 2 * network.multiple))
    return network.eval()


@pytest.fixture(scope="module")
def small():
    return trained("unet_small", widths=[8, 8, 16])


def test_deepness_form_scales_and_computes_indices_inside(small, tmp_path, rng):
    """A stretched 8-bit picture / 255 gives what the engine's scaling gives."""
    given = make_inputs(("red", "green", "blue", "nir"), ("NDVI",), ("reflectance", "picture"))
    path = tmp_path / "deep.onnx"
    variants.write("deepness", small, TEMPERATURE, given, path, True, [])
    opened = onnx_session.session(path)
    picture = rng.integers(0, 256, (4, 512, 512)).astype(np.float32)
    assert opened.get_inputs()[0].shape == [1, 4, 512, 512] and len(opened.get_outputs()) == 1
    # percentiles 0 and 100 of a full range are 0 and 255: the picture is stretched already
    steps = [tuple(s for s in form if s.op != "percentile") for form in given.form(True).band_steps]
    fed = prepare(picture / 255, np.ones((512, 512), bool), given.names, steps, given.channels, (0.0,) * CHANNELS)
    wanted = parity.by_torch(small, TEMPERATURE, False)(fed)[0]
    assert np.abs(opened.run(None, {"image": picture[None] / 255})[0][0] - wanted).max() < 1e-4
    assert resolved(given.form(True).band_steps, picture.reshape(4, -1))  # the form that it stands for exists


def test_deepness_standardisation_is_the_scaling_of_the_channels(rng):
    given = make_inputs(("red", "green", "blue", "nir"), ("NDVI",), ("reflectance", "picture"))
    mean, spread = deepness._standardised(given.channels[3], given)
    low, high = 0.05, 0.40
    stored = 0.5
    assert (stored - mean) / spread == pytest.approx(((low + stored * (high - low)) / 0.6 - 0.6) / 0.6)
    assert deepness._standardised(given.channels[4], given) == pytest.approx((0.5, 0.5))


def test_deepness_of_a_network_without_pictures_takes_stored_reflectance():
    given = make_inputs(("red", "nir"), ways=("reflectance",))
    mean, spread = deepness._standardised(given.channels[1], given)
    assert (3000 / 255 - mean) / spread == pytest.approx((0.3 / 0.6 - 0.6) / 0.6)


def test_deepness_keys_are_json(tmp_path):
    from dataclasses import replace

    from lulc_plugin.legend import Legend, LegendClass
    from lulc_plugin.model import ModelSpec, Output, Window

    given = make_inputs(("red", "nir"), ("NDVI",), ("reflectance", "picture"))
    legend = Legend.of([LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Land", "#00FF00")])
    spec = ModelSpec(
        "n", "t", "a", given.bands, given.channels, given.forms, (0.0,) * 3, "image", Output("p", ("argmax",)), legend,
        Window(1024, 16, 32, 0, 48), gsd=20,
    )  # fmt: skip
    keys = {k: json.loads(v) for k, v in deepness.keys(spec, given, scaled_inside=False).items()}
    assert keys["model_type"] == "Segmentor" and keys["class_names"] == {"0": "Water", "1": "Land"}
    assert keys["resolution"] == 2000 and keys["tile_size"] == 512 and keys["seg_thresh"] == 0
    assert keys["tiles_overlap"] * 512 / 200 >= 48 and len(keys["standardization_mean"]) == 3
    assert "standardization_mean" not in deepness.keys(replace(spec, gsd=None), given, scaled_inside=True)
    assert "no indices" in deepness.limits(given)
