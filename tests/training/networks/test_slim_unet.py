# SPDX-License-Identifier: GPL-3.0-or-later
"""The slim Mobile-UNet: absent bands have no influence, indices are the engine's, it grows from a network of four."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import INDICES, parse
from training.export import onnx_graph
from training.inputs import ABSENT, make_inputs
from training.networks import NetworkSettings, build, load_pretrained
from training.networks.band_input import BandInput
from training.networks.measurement import reach
from training.networks.slim_unet import SlimUNet

BANDS = ("red", "green", "blue", "nir", "swir16")
OPTIONS = {
    "bands": list(BANDS), "optional": ["nir", "swir16"], "indices": ["NDVI", "SAVI", "MNDWI"],
    "decoder": [16, 16, 16, 16], "last": 8,
}  # fmt: skip


def made(seed: int = 0, **changes) -> SlimUNet:
    torch.manual_seed(seed)
    return build(NetworkSettings("slim_unet", options={**OPTIONS, **changes}), 5, 3).eval()


def scaled(rng, bands: int = 5, side: int = 32) -> torch.Tensor:
    return torch.from_numpy(rng.uniform(-1, 1, (1, bands, side, side)).astype(np.float32))


def absent(image: torch.Tensor, *names: str) -> torch.Tensor:
    image = image.clone()
    image[:, [BANDS.index(name) for name in names]] = ABSENT
    return image


def test_presence_is_found_in_the_image(rng):
    first = BandInput(BANDS, ("nir", "swir16"), ())
    image = torch.cat([scaled(rng), absent(scaled(rng), "nir"), absent(scaled(rng), "nir", "swir16")])
    # the darkest pixel there can be is no absent one
    image[0, :, 0, 0] = -1
    assert first.presence(image).tolist() == [[1, 1], [0, 1], [0, 0]]


def test_indices_are_those_of_the_engine(rng):
    first = BandInput(BANDS, ("nir", "swir16"), ("NDVI", "SAVI", "MNDWI"))
    surface = rng.uniform(0, 0.35, (5, 32, 32)).astype(np.float32)
    surface[:, 5] = 0
    image = torch.from_numpy(make_inputs(BANDS).of(surface, np.ones((32, 32), bool), False, [0.0] * 5)[None])
    made = first(image, first.presence(image))[0].detach().numpy()
    by_name = dict(zip(BANDS, surface, strict=True))
    for i, name in enumerate(("NDVI", "SAVI", "MNDWI"), start=5):
        np.testing.assert_allclose(made[i], parse(INDICES[name], BANDS).evaluate(by_name), atol=1e-3)


def test_an_absent_band_and_its_indices_are_neutral(rng):
    first = BandInput(BANDS, ("nir", "swir16"), ("NDVI", "MNDWI"))
    image = absent(scaled(rng), "nir")
    with torch.no_grad():
        first.neutral[:] = torch.arange(7.0)
        out = first(image, first.presence(image))[0]
    assert (out[BANDS.index("nir")] == 3).all() and (out[5] == 5).all()
    np.testing.assert_allclose(out[BANDS.index("swir16")], image[0, 4])
    assert out[6].std() > 0


def test_unknown_bands_and_indices_are_refused():
    with pytest.raises(LulcError, match="NDXI"):
        BandInput(BANDS, (), ("NDXI",))
    with pytest.raises(LulcError, match="swir22"):
        BandInput(BANDS, ("swir22",), ())
    with pytest.raises(LulcError, match="swir16"):
        BandInput(("red", "green"), (), ("MNDWI",))


def test_the_file_finds_absent_bands_as_the_network_does(rng, tmp_path):
    network, path = made(), tmp_path / "n.onnx"
    with torch.no_grad():
        network.told_deep.weight.normal_()
        network.input.neutral.normal_()
    onnx_graph.export(network, 1.0, 5, path, "single")
    from training.export.onnx_session import session

    opened = session(path)
    for image in (scaled(rng), absent(scaled(rng), "nir"), absent(scaled(rng), "nir", "swir16")):
        with torch.inference_mode():
            wanted = network(image).softmax(dim=1).numpy()
        np.testing.assert_allclose(opened.run(None, {"image": image.numpy()})[0], wanted, atol=2e-5)


def test_a_shorter_reach_costs_no_block():
    assert reach(made(last=10, narrow=9)) < 90 < reach(made(last=10, narrow=11))


def test_it_begins_as_a_network_of_other_channels(rng, tmp_path):
    """Filters of channels of the same name are taken, new ones start at 0, filters of single cells at their sum."""
    import onnx

    old = build(NetworkSettings("mobile_unet", options={"cut": "1/16"}), 5, 6).eval()
    path = tmp_path / "old.onnx"
    onnx_graph.export(old, 1.0, 5, path, "single")
    model = onnx.load(str(path))
    bands = ["red", "green", "blue", "nir", {"name": "NDVI"}]
    item = {"properties": {"mlm:input": [{"bands": bands}]}}
    onnx.helper.set_model_props(model, {"mlm": json.dumps(item)})
    onnx.save(model, str(path))
    network = made(last=10, narrow=10)
    loaded = load_pretrained(network, str(path))
    first = network.encoder.features[0][0].weight.detach()
    known = [network.channel_names.index(n) for n in ("red", "green", "blue", "nir", "NDVI")]
    assert first[:, known].abs().sum() > 0 and not first[:, [4, 6, 7]].any()
    assert any("features.10.conv.1.0.weight summed" in sentence for sentence in loaded.adapted)
    network.encoder.eval()
    channels = torch.from_numpy(rng.uniform(-1, 1, (1, 8, 32, 32)).astype(np.float32))
    wanted = old.encoder.features[:10](channels[:, known])
    torch.testing.assert_close(network.encoder.features[:10](channels), wanted, atol=1e-4, rtol=1e-3)
