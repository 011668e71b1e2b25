# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar (STAC MLM): what we write, what we read, and what is refused."""

import json
import re
from dataclasses import replace

import pytest

from lulc_plugin.errors import LulcError
from lulc_plugin.model import mlm
from lulc_plugin.model.spec import (
    ClassScore,
    InputForm,
    ModelBand,
    Output,
    Scores,
    Training,
    TrainingSet,
    Window,
    band_channel,
    index_channel,
)
from lulc_plugin.raster.bands import LayerBand, match
from lulc_plugin.raster.indices import INDICES, parse
from lulc_plugin.raster.scaling import Step, apply_steps


@pytest.fixture
def full(spec):
    """A specification in which every field says something."""
    plain = spec("context", classes=5, values=(1, 2, 40, 254, 300))
    names = plain.band_names
    return replace(
        plain,
        title="Nets & <things>",
        description="Line one\nline two",
        bands=(
            ModelBand("red", "red", 0.6646, 0.031, "visible", 0.0001, -0.1, "uint16"),
            *plain.bands[1:],
        ),
        channels=(
            band_channel("red", 0, (Step.of("z-score", mean=0.1, stddev=0.05),)),
            band_channel("green", 1, (Step.of("percentile", lower=2, upper=98, clip=False), Step.of("log1p"))),
            band_channel("blue", 2),
            band_channel("nir", 3, (Step.of("min-max", minimum=0, maximum=0.6),)),
            index_channel("NDVI", parse(INDICES["NDVI"], names), (Step.of("clip", minimum=-1),)),
        ),
        forms=(
            InputForm("reflectance", "reflectance", ((),) * 4, "0 to 1"),
            InputForm("picture", "byte", ((Step.of("moments"),),) * 4, "anything"),
        ),
        fill=(0.0, 1.5, -2.0, 0.25, 0.0),
        output=Output("scores", ("softmax", "argmax"), "features", 32),
        window=Window(512, 32, 64, 490, 96),
        gsd=15.0,
        gsd_range=(10.0, 30.0),
        constellation="sentinel-2",
        instruments=("msi", "oli"),
        license="CC-BY-4.0",
        providers=({"name": "we", "roles": ["producer"]},),
        training=Training(
            (TrainingSet("chips", "CC-BY-4.0", "A 2026", "https://example.org", 12, 3456),),
            {"epochs": 60, "loss": "dice"},
            "ImageNet",
        ),
        scores=(
            Scores("chips", "test", 100, 0.6, 0.5, 0.55, 0.46,
                   (ClassScore(1, 0.9, 0.8, 0.85, 0.7, 50), ClassScore(2, None, 0.0, 0.0, 0.0, 0)), ((3, 1), (0, 2))),
        ),
        parameters=1_500_000,
        memory_bytes=120_000_000,
        speed=1.25,
        created="2026-11-21T00:00:00Z",
        file_name="context-v1.onnx",
        file_size=1234,
        sha256="ab-cd",
    )  # fmt: skip


def test_round_trip(full):
    assert mlm.from_item(json.loads(json.dumps(mlm.to_item(full)))) == full


def test_round_trip_of_a_plain_specification(spec):
    for kind in ("pixel", "context"):
        plain = replace(spec(kind), description=spec(kind).title)
        assert mlm.from_item(mlm.to_item(plain)) == plain


def test_round_trip_through_a_file(full, tmp_path):
    mlm.write(full, tmp_path / "a.json")
    assert mlm.read(tmp_path / "a.json") == full
    assert (tmp_path / "a.json").read_text(encoding="utf-8").endswith("}\n")


def test_what_the_schemas_demand(full):
    """The traps that a schema validator would show, without one."""
    item = mlm.to_item(full)
    properties = item["properties"]
    assert item["stac_version"] == "1.1.0"
    assert any("mlm/v1.5.2" in url for url in item["stac_extensions"])
    # bands in properties need bands in an asset too, there with names only
    assert item["assets"]["model"]["bands"] == [{"name": b["name"]} for b in properties["bands"]]
    assert item["assets"]["model"]["mlm:artifact_type"] == "onnx"
    assert {"mlm:model", "mlm:weights"} <= set(item["assets"]["model"]["roles"])
    assert {"mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"} <= set(properties)
    assert properties["datetime"] is None
    assert properties["start_datetime"] and properties["end_datetime"]
    for scaling in properties["mlm:input"][0]["value_scaling"]:
        assert scaling["type"] in ("min-max", "z-score", "scale", "offset", "clip", "processing")
    assert {"type": "scale", "value": 1} in properties["mlm:input"][0]["value_scaling"]
    assert properties["mlm:input"][0]["input"]["dim_order"] == ["batch", "bands", "height", "width"]
    assert properties["mlm:input"][0]["input"]["shape"] == [-1, 5, -1, -1]
    for entry in properties["mlm:output"][0]["classification:classes"]:
        assert re.fullmatch(r"[0-9A-F]{6}", entry["color_hint"])
        assert entry["description"]
        assert re.fullmatch(r"[0-9A-Za-z_-]+", entry["name"])
    assert isinstance(properties["mlm:output"][0]["post_processing_function"], dict)
    for key in ("mlm:pretrained", "mlm:pretrained_source", "mlm:accelerator"):
        assert key in properties
    text = json.dumps(item)
    assert "file:checksum" not in text
    assert item["bbox"] == [-180, -90, 180, 90]
    assert item["geometry"]["coordinates"][0][0] == item["geometry"]["coordinates"][0][-1]
    # no long run of hexadecimal digits, which secret scanners take for a key
    assert not re.search(r"[0-9a-f]{32}", text)


def test_what_is_our_own(full):
    properties = mlm.to_item(full)["properties"]
    assert properties["lulc:window"] == {
        "size": 512, "multiple": 32, "minimum": 64, "receptive_field": 490, "margin": 96
    }  # fmt: skip
    assert properties["lulc:fill"] == [0.0, 1.5, -2.0, 0.25, 0.0]
    assert properties["lulc:gsd_range"] == [10, 30]
    assert properties["lulc:output_nodata"] == 0
    assert properties["lulc:version"] == 1
    assert properties["lulc:accuracy"][0]["axes"] == ["map", "reference"]
    assert properties["lulc:accuracy"][0]["confusion"] == [[3, 1], [0, 2]]


def properties_of(spec):
    return json.loads(json.dumps(mlm.to_item(spec)["properties"]))


def read_with(spec, **changes):
    properties = properties_of(spec)
    for path, value in changes.items():
        *parents, last = path.split("/")
        place = properties
        for part in parents:
            place = place[int(part)] if part.isdigit() else place[part]
        last = int(last) if last.isdigit() else last
        if value is KeyError:
            del place[last]
        else:
            place[last] = value
    return mlm.from_text(json.dumps({"type": "Feature", "properties": properties}), "a.json")


def test_bare_properties(spec):
    read = mlm.from_item(properties_of(spec()))
    assert read.legend == spec().legend
    assert read.channels == spec().channels


def test_defaults(spec):
    read = read_with(
        spec("context"),
        **{f"lulc:{k}": KeyError for k in ("window", "fill", "output_nodata", "input_forms", "input_unit")},
        gsd=10,
    )
    assert read.window == Window(512, 32, 32, 0, 64)
    assert read.fill == (0, 0, 0, 0)
    assert read.legend.nodata == 0
    assert read.gsd_range == (10 / 1.5, 15)
    assert read.forms[0].unit == "dn"


SCALINGS = [
    ({"type": None}, ()),
    ({"type": "scale", "value": 1}, ()),
    ({"type": "scale", "value": 10000}, (Step.of("scale", value=10000),)),
    ({"type": "offset", "value": 5}, (Step.of("offset", value=5),)),
    ({"type": "z-score", "mean": 1, "stddev": 2}, (Step.of("z-score", mean=1, stddev=2),)),
    ({"type": "clip", "minimum": 0, "maximum": 1}, (Step.of("clip", minimum=0, maximum=1),)),
    ({"type": "clip-min", "minimum": 0}, (Step.of("clip", minimum=0),)),
    ({"type": "clip-max", "maximum": 1}, (Step.of("clip", maximum=1),)),
    (
        {"type": "processing", "format": "lulc", "expression": {"op": "sqrt"}},
        (Step.of("sqrt"),),
    ),
]


@pytest.mark.parametrize(("written", "steps"), SCALINGS)
def test_one_scaling_for_all_channels(spec, written, steps):
    read = read_with(spec(), **{"mlm:input/0/value_scaling": [written]})
    assert [c.steps for c in read.channels] == [steps] * 4


def test_dynamic_world_normalisation(spec):
    """Steps of a published model with nine bands, as its sidecar writes them (B2)."""
    import numpy as np

    expression = [
        {"op": "scale", "value": 200}, {"op": "log1p"}, {"op": "offset", "value": 1.7417},
        {"op": "scale", "value": 0.40466}, {"op": "offset", "value": 1}, {"op": "sigmoid"},
    ]  # fmt: skip
    read = read_with(
        spec(), **{"mlm:input/0/value_scaling": [{"type": "processing", "format": "lulc", "expression": expression}]}
    )
    dn = np.array([0, 200, 1000, 3000, 10_000], np.uint16)
    logged = (np.log1p(dn / 200) - 1.7417) / 0.40466
    np.testing.assert_allclose(apply_steps(dn, read.channels[0].steps), 1 / (1 + np.exp(-(logged - 1))), rtol=1e-5)


REFUSED = {
    "no input": ({"mlm:input": KeyError}, "mlm:input"),
    "two inputs": ({"mlm:input": [{}, {}]}, "2 inputs"),
    "empty input": ({"mlm:input": []}, "mlm:input"),
    "input no list": ({"mlm:input": "image"}, "mlm:input"),
    "input of text": ({"mlm:input": ["image"]}, "not an object"),
    "no bands": ({"bands": KeyError}, "bands"),
    "band without name": ({"bands/0/name": KeyError}, "name of a band"),
    "unknown channel": ({"mlm:input/0/bands/0": "ultraviolet"}, "ultraviolet"),
    "two scalings": ({"mlm:input/0/value_scaling": [{"type": None}] * 2}, "2 entries for 4 channels"),
    "unknown scaling": ({"mlm:input/0/value_scaling": [{"type": "magic"}]}, "magic"),
    "foreign scaling": (
        {"mlm:input/0/value_scaling": [{"type": "processing", "format": "python", "expression": "os:system"}]},
        "never executed",
    ),
    "pre-processing": ({"mlm:input/0/pre_processing_function": {"format": "python", "expression": "x:y"}}, "x:y"),
    "evil expression": (
        {"mlm:input/0/bands/0": {"name": "x", "expression": "__import__('os').system('id')"}},
        "band expression",
    ),
    "no activation": ({"mlm:output/0/post_processing_function": KeyError}, "scores or probabilities"),
    "odd activation": (
        {"mlm:output/0/post_processing_function": {"format": "lulc", "expression": ["tanh"]}},
        "tanh",
    ),
    "no segmentation": ({"mlm:output/0/tasks": ["classification"]}, "semantic segmentation"),
    "no classes": ({"mlm:output/0/classification:classes": []}, "classification:classes"),
    "class value text": ({"mlm:output/0/classification:classes/0/value": "1"}, "whole number"),
    "class value large": ({"mlm:output/0/classification:classes/0/value": 70000}, "70000"),
    "class value negative": ({"mlm:output/0/classification:classes/0/value": -1}, "-1"),
    "class value true": ({"mlm:output/0/classification:classes/0/value": True}, "True"),
    "class twice": ({"mlm:output/0/classification:classes/0/value": 2}, "more than once"),
    "class colour": ({"mlm:output/0/classification:classes/0/color_hint": "red"}, "Colour"),
    "nodata a class": ({"lulc:output_nodata": 2}, "nodata"),
    "fill short": ({"lulc:fill": [0, 0]}, "4 numbers"),
    "fill text": ({"lulc:fill": [0, 0, 0, "0"]}, "4 numbers"),
    "form short": ({"lulc:input_forms/0/bands": [[]]}, "4 bands"),
    "form unit": ({"lulc:input_forms/0/unit": "kelvin"}, "kelvin"),
    "window multiple": ({"lulc:window/multiple": 7}, "not a multiple"),
    "window zero": ({"lulc:window/minimum": -5}, "impossible"),
    "window huge": ({"lulc:window/size": 10**9}, "impossible"),
    "window astronomic": ({"lulc:window/size": 10**400}, "window size"),
    "gsd text": ({"gsd": "10"}, "gsd"),
    "gsd range": ({"lulc:gsd_range": [30, 10]}, "gsd_range"),
    "gsd range negative": ({"lulc:gsd_range": [-1, 10]}, "gsd_range"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(spec, name):
    changes, words = REFUSED[name]
    with pytest.raises(LulcError, match=re.escape(words)) as caught:
        read_with(spec(), **changes)
    assert "a.json" in str(caught.value) or "JSON" in str(caught.value)
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", "null", '"x"', "{}", '{"properties": 5}', "[" * 100_000, '{"a":' * 50_000, "9" * 5000,
     "\ufeff{}", '{"properties": "\\ud800"}'],
    ids=range(13),
)  # fmt: skip
def test_broken_text(text):
    with pytest.raises(LulcError):
        mlm.from_text(text, "a.json")


def test_unreadable_files(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(LulcError, match="cannot be read"):
        mlm.read(path)
    path.write_bytes(b"\xff\xfe\x00nonsense")
    with pytest.raises(LulcError, match="cannot be read"):
        mlm.read(path)
    with path.open("wb") as stream:
        stream.truncate(5_000_000_000)
    with pytest.raises(LulcError, match="larger than"):
        mlm.read(path)


# ---------------------------------------------------------------- anything anywhere

JUNK = [
    "\ud800",
    None, True, 0, -1, 2, 10**400, 1.5, 1e300, float("nan"), float("inf"), "", "x", "\x00\x01", "\u00e9" * 300,
    "1e999", "red", [], {}, [None], [[1]], {"name": 3}, [{"name": "red"}] * 3, ["red", 5], "x" * 5000,
]  # fmt: skip


def places(node, path=()):
    """All paths in a JSON tree."""
    if path:
        yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*path, key))


def use(read):
    """What the program does with a description that it accepted."""
    json.dumps(mlm.to_item(read)).encode()
    assert isinstance(read.held_out_score, float)
    try:
        match([LayerBand(1, "red"), LayerBand(2, wavelength=0.56)], read.bands)
    except LulcError as error:
        str(error).encode()
    for text in (read.name, read.title, read.license, read.architecture, read.input_name, *read.legend.names):
        text.encode()
    read.legend.qml()
    for channel in read.channels:
        hash(channel)


def test_any_junk_anywhere_is_refused_politely_or_can_be_used(full):
    text = json.dumps(mlm.to_item(full))
    bad = []
    accepted = 0
    for path in places(json.loads(text)):
        for junk in JUNK:
            item = json.loads(text)
            place = item
            for part in path[:-1]:
                place = place[part]
            place[path[-1]] = junk
            try:
                use(mlm.from_text(json.dumps(item), "a.json"))
                accepted += 1
            except LulcError as error:
                if len(str(error)) > 1500:
                    bad.append((path, str(junk)[:20], "a long message"))
                str(error).encode()
            except Exception as error:
                bad.append((path, str(junk)[:20], repr(error)[:100]))
    assert not bad, bad[:10]
    assert accepted > 1000
