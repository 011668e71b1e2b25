# SPDX-License-Identifier: GPL-3.0-or-later
"""Bands of any kind: all of Sentinel-2's and Landsat's, radar, heights, temperatures, and what only has a name."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("onnx", reason="onnx is not installed")
rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")

from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput
from training import recipe
from training.export.__main__ import main as export
from training.inputs import from_table, make_inputs
from training.networks.network_settings import NetworkSettings, build
from training.train import checkpoint
from training.train.__main__ import main as train
from training.train.validation import mapper

SENTINEL2 = (
    "coastal", "blue", "green", "red", "rededge071", "rededge075", "rededge078", "nir", "nir08", "nir09", "swir16",
    "swir22",
)  # fmt: skip
#: Band → the ends of its numbers: decibels, metres, degrees, kelvin, and one that only has a name.
RANGES = {
    "vv": [-25, 0],
    "vh": [-32, -5],
    "elevation": [0, 900],
    "slope": [0, 60],
    "lwir11": [270, 320],
    "ndsm": [0, 30],
}


def test_sixteen_channels_of_the_small_unet(recipe_file):
    """Twelve bands of Sentinel-2 and four indices, as the notebook with 16 channels had them."""
    table = {"bands": list(SENTINEL2), "indices": ["NDVI", "NDWI", "MNDWI", "NDBI"]}
    r = recipe.read(recipe_file, {"input": table, "network": {"architecture": "unet_small"}})
    assert len(r.inputs.channels) == 16 and r.inputs.bands[9].wavelength == pytest.approx(0.945, abs=0.001)
    network = build(NetworkSettings.from_table(r.network), 16, 5).eval()
    assert network(torch.zeros(1, 16, 64, 64)).shape == (1, 5, 64, 64)
    values = np.full((12, 8, 8), 0.2, np.float32)
    assert np.isfinite(r.inputs.of(values, np.ones((8, 8), bool), False, [0.0] * 16)).all()


@pytest.mark.parametrize("name", ["nir09", "cirrus", "pan"])
def test_further_bands_of_reflectance(name):
    inputs = make_inputs(("red", name), ways=("reflectance", "picture"))
    assert inputs.bands[1].common_name == name and inputs.bands[1].wavelength


def test_bands_by_wavelength_and_by_name():
    inputs = from_table({"bands": list(RANGES), "ways": ["stored"], "ranges": RANGES})
    by_name = {b.name: b for b in inputs.bands}
    assert by_name["lwir11"].wavelength == pytest.approx(10.895)
    assert by_name["vv"].wavelength is None and by_name["vv"].label == "vv"
    values = np.array([[[RANGES[n][0], np.mean(RANGES[n]), RANGES[n][1], 1e6]] for n in RANGES], np.float32)
    seen = inputs.of(values, np.ones((1, 4), bool), True, [0.0] * 6)
    assert np.allclose(seen, [[-1, 0, 1, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"bands": ["vv"]}, 'ways = \\["stored"\\]'),
        ({"bands": ["vv"], "ways": ["stored"]}, "ranges lack vv"),
        ({"bands": ["vv"], "ways": ["stored", "picture"], "ranges": {"vv": [0, 1]}}, "goes with no other"),
        ({"bands": ["vv"], "ways": ["stored"], "ranges": {"vv": [3, 1]}}, "vv = \\[3, 1\\]"),
        ({"bands": ["vv"], "ways": ["stored"], "ranges": {"vv": [0, 1], "vh": [0, 1]}}, "vh"),
        ({"bands": ["red"], "ranges": {"red": [0, 1]}}, "belong to stored"),
        (
            {
                "bands": ["red", "nir"],
                "indices": ["SAVI"],
                "ways": ["stored"],
                "ranges": {"red": [0, 1], "nir": [0, 1]},
            },
            "SAVI needs reflectance",
        ),
    ],
)
def test_inputs_that_are_refused(table, says):
    with pytest.raises(LulcError, match=says):
        from_table(table)


def stack(rng, water):
    """Six bands of radar, heights and so on, low where there is water."""
    ends = np.array(list(RANGES.values()), np.float32)[:, :, None, None]
    share = np.where(water, 0.2, 0.7)[None] + rng.normal(0, 0.05, (6, *water.shape))
    return (ends[:, 0] + share * (ends[:, 1] - ends[:, 0])).astype(np.float32)


def test_from_the_recipe_to_the_map(make_set, tmp_path, recipe_file, rng, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = []
    for i, split in enumerate(("train", "train", "val")):
        water = np.arange(64)[None, :] < 20 + 8 * i + np.zeros((64, 1))
        rows.append((f"s{i}.tif", f"g{i}", split, stack(rng, water), np.where(water, 1, 2)))
    make_set(tmp_path, "radar", rows, '1 = ["Water"]\n2 = ["Trees"]', values="picture", bands=tuple(RANGES))
    changes = {
        "input": {"bands": list(RANGES), "ways": ["stored"], "ranges": RANGES},
        "data": [{"set": "radar", "loss": [{"term": "partial_ce"}]}], "check": [{"set": "radar"}],
        "run.steps": 12, "run.check_every": 12, "optimiser.rate": 0.02,
        "card": {"title": "Radar", "gsd": 10.0, "gsd_range": [10.0, 10.0], "imagery": "made up", "description": "Test.",
                 "limits": ["None."]},
    }  # fmt: skip
    line = [f"--set={key}={json.dumps(v) if isinstance(v, (int, float)) else toml(v)}" for key, v in changes.items()]
    assert train([str(recipe_file), "--data", ".", "--run", "run", *line]) == 0
    assert export(["run/best.pt", "--data", ".", "--out", "radar-v1.onnx"]) == 0
    item = json.loads((tmp_path / "radar-v1.json").read_text())
    assert {"vv", "ndsm"} <= set(json.dumps(item).replace('"', " ").split())
    # a layer with the same bands in another order, known by their names
    order = [3, 0, 5, 1, 4, 2]
    with rasterio.open(
        "layer.tif", "w", driver="GTiff", count=6, height=64, width=64, dtype="float32", crs="EPSG:32633",
        transform=rasterio.transform.from_origin(500_000, 5_000_000, 10, 10),
    ) as dataset:  # fmt: skip
        dataset.write(rows[2][3][order])
        dataset.descriptions = [list(RANGES)[i] for i in order]
    classify(ClassifyJob(RasterInput("layer.tif"), model_file="radar-v1.onnx"), "map.tif", Progress())
    network, r, state = checkpoint.load(tmp_path / "run" / "best.pt")
    from training.sets.chips import load
    from training.sets.description import describe

    chip = load(describe(tmp_path, "radar"), ("val",), r.inputs.names, r.legend.names)[0]
    bench = mapper(r, network, state["fill"]).shares(chip).argmax(axis=0) + 1
    with rasterio.open("map.tif") as dataset:
        assert (dataset.read(1) == bench).mean() > 0.99
    assert (bench == rows[2][4]).mean() > 0.9


def toml(value):
    """A TOML value of lists, tables and texts."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(toml, value)) + "]" if isinstance(value, list) else json.dumps(value)
