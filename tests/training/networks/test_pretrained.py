# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting from weights: what fits is taken, what does not is named, what is missing is refused."""

import sys

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
safetensors = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")

from lulc_plugin.errors import LulcError
from training.networks import NetworkSettings, build, load_pretrained, named_weights
from training.networks.pretrained import with_channels

CUT = {"cut": "1/16", "decoder": [16, 8, 8, 8], "stem": 4}


def made(channels, classes, seed=0, architecture="mobile_unet", options=CUT, encoder=""):
    torch.manual_seed(seed)
    return build(NetworkSettings(architecture, encoder, options), channels, classes)


@pytest.fixture
def photographs(tmp_path):
    """Weights as they are published: half precision, with the 1280-channel convolution."""
    weights = dict(made(3, 2, options={}).encoder.state_dict())
    weights["features.18.0.weight"] = torch.zeros(4, 320, 1, 1)
    path = tmp_path / "mobilenet.safetensors"
    safetensors.save_file({k: v.half().contiguous() if v.is_floating_point() else v for k, v in weights.items()}, path)
    return path, weights


def test_an_encoder_takes_published_weights(photographs):
    path, weights = photographs
    target = made(7, 6, seed=1, options={})
    before = target.decoder[0][0].weight.clone()
    loaded = load_pretrained(target, str(path), rgb=(2, 1, 0))
    first = target.encoder.features[0][0].weight.detach()
    wanted = weights["features.0.0.weight"].half().float() * 3 / 7
    torch.testing.assert_close(first[:, [2, 1, 0]], wanted)
    torch.testing.assert_close(first[:, 5], wanted.mean(dim=1))
    deep = target.encoder.state_dict()["features.17.conv.3.running_var"]
    torch.testing.assert_close(deep, weights["features.17.conv.3.running_var"])
    assert torch.equal(target.decoder[0][0].weight, before)
    assert len(loaded.taken) == 306 and loaded.unused == ("encoder.features.18.0.weight",)
    assert all(not key.startswith("encoder.") for key in loaded.fresh)
    assert "306 of" in str(loaded) and "from 3 to 7 channels" in str(loaded) and "head.weight" in str(loaded)


def test_a_cut_encoder_takes_its_part(photographs):
    loaded = load_pretrained(made(3, 2), str(photographs[0]))
    assert "encoder.features.14.conv.0.0.weight" in loaded.unused and not loaded.adapted


def test_a_checkpoint_of_the_bench_with_other_channels_and_classes(tmp_path):
    source, target = made(4, 6), made(6, 3, seed=1)
    torch.save({"weights": source.state_dict(), "step": 7, "recipe": {"name": "x"}}, tmp_path / "best.pt")
    head = target.head.weight.clone()
    loaded = load_pretrained(target, str(tmp_path / "best.pt"))
    assert set(loaded.fresh) == {"head.weight", "head.bias"} and len(loaded.adapted) == 2
    assert torch.equal(target.head.weight, head)
    torch.testing.assert_close(target.decoder[0][0].weight, source.decoder[0][0].weight)
    stem = source.stem[0].weight
    torch.testing.assert_close(target.stem[0].weight[:, :4], stem * 4 / 6)
    torch.testing.assert_close(target.stem[0].weight[:, 5], stem.mean(dim=1) * 4 / 6)


def test_a_whole_checkpoint_gives_the_same_answer(tmp_path):
    source, target = made(4, 3).eval(), made(4, 3, seed=1).eval()
    torch.save(source.state_dict(), tmp_path / "plain.pt")
    loaded = load_pretrained(target, str(tmp_path / "plain.pt"))
    x = torch.randn(1, 4, 32, 32)
    assert not loaded.fresh and not loaded.unused and torch.equal(source(x), target(x))


def test_the_encoder_goes_from_one_architecture_to_another(tmp_path):
    torch.save({"weights": made(3, 2, options={}).state_dict()}, tmp_path / "a.pt")
    target = made(3, 2, 1, "deeplabv3plus", {"width": 8, "rates": [1]})
    loaded = load_pretrained(target, str(tmp_path / "a.pt"))
    assert {key for key in loaded.taken if key.startswith("encoder.")} == {
        f"encoder.{key}" for key in target.encoder.state_dict()
    }


def test_fewer_channels_than_known():
    filters = torch.arange(3.0).reshape(1, 3, 1, 1)
    assert with_channels(filters, 2).flatten().tolist() == [0, 1.5]
    assert with_channels(filters, 3).flatten().tolist() == [0, 1, 2]


def test_a_file_of_a_package(tmp_path, monkeypatch):
    folder = tmp_path / "lulc_made_up_weights"
    folder.mkdir()
    (folder / "__init__.py").touch()
    torch.save(made(3, 2).state_dict(), folder / "w.pt")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert not load_pretrained(made(3, 2, 1), "package:lulc_made_up_weights/w.pt").fresh
    with pytest.raises(LulcError, match="other.pt"):
        load_pretrained(made(3, 2), "package:lulc_made_up_weights/other.pt")
    with pytest.raises(LulcError, match="lulc_no_such"):
        load_pretrained(made(3, 2), "package:lulc_no_such/w.pt")


def test_a_hub_that_does_not_answer(monkeypatch):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")

    def offline(*_):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(hub, "hf_hub_download", offline)
    monkeypatch.setattr(named_weights, "require_hub", lambda *_: None)
    with pytest.raises(LulcError, match="no route to host"):
        load_pretrained(made(3, 2), "hub:someone/something/w.safetensors")
    with pytest.raises(LulcError, match="OWNER/NAME/FILE"):
        load_pretrained(made(3, 2), "hub:w.safetensors")


def test_refusals(tmp_path):
    network = made(3, 2)
    with pytest.raises(LulcError, match="nowhere.pt"):
        load_pretrained(network, str(tmp_path / "nowhere.pt"))
    with pytest.raises(LulcError, match="no encoder"):
        load_pretrained(made(3, 2, architecture="unet", options={"widths": [4, 4]}), "imagenet")
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "text.safetensors").write_text("no weights")
    torch.save({"step": 3}, tmp_path / "none.pt")
    torch.save({"other.weight": torch.zeros(3, 3, 3, 3)}, tmp_path / "other.pt")
    for name, word in [
        ("text.pt", "read safely"),
        ("text.safetensors", "not a safetensors"),
        ("none.pt", "holds no weights"),
        ("other.pt", "other.weight"),
    ]:
        with pytest.raises(LulcError, match=word):
            load_pretrained(network, str(tmp_path / name))


def test_a_file_that_would_run_code_is_not_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'sprung')!r}, 'w').close()",))

    torch.save({"weights": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(LulcError, match="read safely"):
        load_pretrained(made(3, 2), str(tmp_path / "trap.pt"))
    assert not (tmp_path / "sprung").exists()


def test_an_exported_network_goes_on_where_it_was(tmp_path):
    """Its normalisation is inside the filters of the file; here it becomes one that does nothing else."""
    from training.export.onnx_graph import export

    torch.manual_seed(1)
    settings = NetworkSettings("mobile_unet", options={"cut": "1/16", "decoder": [16, 8, 8, 8]})
    old, new = build(settings, 4, 3), build(settings, 4, 3)
    old.train()
    old(torch.randn(2, 4, 64, 64))
    export(old.eval(), 0.7, 4, tmp_path / "old.onnx", "single", True)
    load_pretrained(new, str(tmp_path / "old.onnx"))
    x = torch.randn(1, 4, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(new.eval()(x), old(x), atol=1e-4, rtol=1e-4)


@pytest.fixture
def no_hub(monkeypatch, tmp_path):
    """A hub that never answers, and an empty folder of weights."""
    import time

    monkeypatch.setattr(named_weights, "PATIENCE", 0.2)

    def silent(*_, **__):
        time.sleep(0.5)
        raise OSError

    monkeypatch.setattr(named_weights.urllib.request, "urlopen", silent)
    monkeypatch.setenv("LULC_WEIGHTS", str(tmp_path / "put"))
    return tmp_path / "put"


NAME = "ssl4eo-s12-resnet18-moco"


def test_a_missing_hub_is_not_waited_for(no_hub):
    import time

    began = time.monotonic()
    with pytest.raises(LulcError, match="does not answer") as caught:
        load_pretrained(made(4, 3, options={"decoder": [16, 8, 8]}, architecture="unet", encoder="resnet18"), NAME)
    assert time.monotonic() - began < 10
    assert str(no_hub / "resnet18_sentinel2_all_moco-59bfdff9.pth") in caught.value.remedy


def test_named_weights_that_somebody_put_there_meet_by_name(no_hub):
    target = made(4, 3, options={"decoder": [16, 8, 8]}, architecture="unet", encoder="resnet18")
    published = made(13, 3, 1, options={"decoder": [16, 8, 8]}, architecture="unet", encoder="resnet18").encoder
    no_hub.mkdir()
    torch.save(published.state_dict(), no_hub / "resnet18_sentinel2_all_moco-59bfdff9.pth")
    loaded = load_pretrained(target, NAME, names=["red", "nir", "blue", "NDVI"])
    filters = published.state_dict()["conv1.weight"]
    # red, nir and blue are the 4th, 8th and 2nd of the thirteen; nothing there is an NDVI
    torch.testing.assert_close(target.encoder.conv1.weight[:, :3], filters[:, [3, 7, 1]] * 13 / 4)
    torch.testing.assert_close(target.encoder.conv1.weight[:, 3], filters.mean(dim=1) * 13 / 4)
    assert loaded.source == NAME and "from 13 to 4 channels" in str(loaded)


def test_a_released_network_is_gone_on_with_by_name():
    name = "optical-rgbn-10to30m-mobileunet-v2"
    names = ["red", "green", "blue", "nir", "NDVI", "NDWI", "SAVI"]
    same, turned = made(7, 6, options={}), made(7, 6, options={})
    assert not load_pretrained(same, name, names=names).adapted
    assert load_pretrained(turned, name, names=[names[3], *names[:3], *names[4:]]).adapted
    first = [network.encoder.features[0][0].weight for network in (same, turned)]
    torch.testing.assert_close(first[1][:, 0], first[0][:, 3])


def test_every_published_encoder_is_one_of_the_library():
    library = pytest.importorskip("segmentation_models_pytorch", reason="run make setup-training")
    for name, one in named_weights.published().items():
        assert one.encoder in library.encoders.get_encoder_names() and one.hub.count("/") == 2 and one.licence, name
