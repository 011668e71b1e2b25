# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar (STAC MLM): what we write, what we read, and what is refused."""

import json
import re
from dataclasses import replace

import pytest

from lulc_plugin.errors import LulcError
from lulc_plugin.model import (
    BandStatistics,
    ClassScore,
    Confidence,
    InputForm,
    ModelBand,
    Output,
    Scores,
    Smoothing,
    Training,
    TrainingSet,
    Window,
    mlm,
)
from lulc_plugin.model.spec import band_channel
from lulc_plugin.options import command
from lulc_plugin.raster import INDICES, Channel, Step, apply_steps, parse
from lulc_plugin.raster.bands import LayerBand, match


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
            Channel("NDVI", None, parse(INDICES["NDVI"], names), (Step.of("clip", minimum=-1),)),
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
                   (ClassScore(1, 0.9, 0.8, 0.85, 0.7, 50), ClassScore(2, None, 0.0, 0.0, 0.0, 0)), ((3, 1), (0, 2)),
                   {"names": ["Water", "Trees / Bare"], "places": [{"name": "g1", "miou": 0.5}]}),
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
    "window multiple zero": ({"lulc:window/multiple": 0}, "multiple is 0"),
    "window size zero": ({"lulc:window/size": 0}, "size is 0"),
    "input unit": ({"lulc:input_unit": "furlongs"}, "'furlongs'"),
    "tasks of the model": ({"mlm:tasks": ["object-detection"]}, "1 task, object-detection"),
    "wavelength negative": ({"bands/0/eo:center_wavelength": -1}, "-1 micrometres"),
    "wavelength of nanometres": ({"bands/0/eo:center_wavelength": 665}, "665 micrometres"),
    "width negative": ({"bands/0/eo:full_width_half_max": -0.1}, "-0.1 micrometres"),
    "name with NUL": ({"mlm:name": "a\x00b"}, "U+0000 at place 2"),
    "name with a line break": ({"mlm:name": "ab\n"}, "U+000A at place 3"),
    "scaling of NaN": (
        {"mlm:input/0/value_scaling": [{"type": "z-score", "mean": float("nan"), "stddev": 1}]},
        "mean is NaN",
    ),
    "form of NaN": ({"lulc:input_forms/0/bands/0": [{"op": "scale", "value": float("nan")}]}, "value is NaN"),
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
    assert caught.value.remedy
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", "null", '"x"', "{}", '{"properties": 5}', "[" * 100_000, '{"a":' * 50_000, "9" * 5000,
     "\ufeff{}", '{"properties": "\\ud800"}'],
    ids=range(13),
)  # fmt: skip
def test_broken_text(text):
    with pytest.raises(LulcError) as caught:
        mlm.from_text(text, "a.json")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name", ["window multiple zero", "input unit", "tasks of the model", "wavelength negative", "name with NUL"]
)
def test_the_remedy_names_the_file(spec, name):
    with pytest.raises(LulcError) as caught:
        read_with(spec(), **REFUSED[name][0])
    assert "Correct it in a.json" in caught.value.remedy


def test_without_a_remedy_of_its_own_a_refusal_gets_one(spec):
    with pytest.raises(LulcError) as caught:
        read_with(spec(), **{"lulc:fill": [0, 0]})
    assert caught.value.remedy == f"Correct the description, or write a new one with {command('describemodel')}."


def test_numbers_that_are_missing_elsewhere_than_in_a_scaling(spec, tmp_path):
    """They are carried along as null, also under a name that scalings have."""
    item = mlm.to_item(spec())
    item["properties"]["mlm:hyperparameters"] = {"statistics": {"mean": float("nan")}, "rate": float("nan")}
    item["properties"]["other"] = {"statistics": [float("nan")]}
    item["properties"]["mlm:input"][0]["value_scaling"] = float("nan")
    read = mlm.from_text(json.dumps(item), "a.json")
    assert read.training.hyperparameters == {"statistics": {"mean": None}, "rate": None}
    assert read.extra["other"] == {"statistics": [None]}
    mlm.write(read, tmp_path / "a.json")
    assert mlm.read(tmp_path / "a.json") == read


def test_other_segmentations_and_radar_are_let_through():
    read = mlm.from_item(foreign(**{"properties/mlm:tasks": ["classification", "panoptic-segmentation"]}))
    assert read.output.name == "scores"
    item = foreign()
    item["assets"]["weights"]["eo:bands"][0]["center_wavelength"] = 55_465.76
    assert mlm.from_item(item).bands[0].wavelength == 55_465.76


def test_unreadable_files(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(LulcError, match="cannot be read") as caught:
        mlm.read(path)
    assert caught.value.remedy == f"Correct the description, or write a new one with {command('describemodel')}."
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
    assert all(isinstance(score, float) for score in read.held_out_scores.values())
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


# ---------------------------------------------------------------- descriptions by others


def foreign(**changes):
    """The way MLM's own examples write a description (STAC 1.0, eo and raster extensions), as a segmentation model."""
    bands = [
        {"name": "B02", "common_name": "blue", "center_wavelength": 0.49, "full_width_half_max": 0.098},
        {"name": "B03", "common_name": "green", "center_wavelength": 0.56, "full_width_half_max": 0.045},
        {"name": "B04", "common_name": "red", "center_wavelength": 0.665, "full_width_half_max": 0.038},
        {"name": "B08", "common_name": "nir", "center_wavelength": 0.842, "full_width_half_max": 0.145},
    ]
    item = {
        "type": "Feature",
        "id": "example",
        "properties": {
            "mlm:name": "Example U-Net",
            "mlm:architecture": "U-Net",
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:input": [
                {
                    "name": "image",
                    "bands": ["B04", "B03", "B02"],
                    "input": {
                        "shape": [-1, 3, 64, 64],
                        "dim_order": ["batch", "bands", "height", "width"],
                        "data_type": "float32",
                    },
                    "value_scaling": None,
                    "resize_type": None,
                }
            ],
            "mlm:output": [
                {
                    "name": "scores",
                    "tasks": ["semantic-segmentation"],
                    "result": {
                        "shape": [-1, 2, 64, 64],
                        "dim_order": ["batch", "class", "height", "width"],
                        "data_type": "float32",
                    },
                    "classification_classes": [
                        {"value": 0, "name": "BACKGROUND", "description": None, "color_hint": None},
                        {"value": 1, "name": "CITY", "description": "A city.", "color_hint": [0, 0, 255]},
                    ],
                    "post_processing_function": None,
                }
            ],
        },
        "assets": {
            "source": {"href": "net.py", "roles": ["code"], "eo:bands": [{"name": "coastal"}]},
            "weights": {
                "href": "https://example.org/net.onnx",
                "roles": ["mlm:model", "mlm:weights"],
                "eo:bands": bands,
            },
        },
    }
    for path, value in changes.items():
        *parents, last = path.split("/")
        place = item
        for part in parents:
            place = place[int(part)] if part.isdigit() else place[part]
        last = int(last) if last.isdigit() else last
        if value is KeyError:
            del place[last]
        else:
            place[last] = value
    return item


INPUT = "properties/mlm:input/0"
OUTPUT = "properties/mlm:output/0"


def test_eo_bands_of_the_model_asset():
    read = mlm.from_item(foreign())
    assert [b.name for b in read.bands] == ["B02", "B03", "B04"]  # B08 feeds no channel
    assert [b.common_name for b in read.bands] == ["blue", "green", "red"]
    assert read.bands[2].wavelength == 0.665 and read.bands[2].width == 0.038
    assert [read.bands[c.band].name for c in read.channels] == ["B04", "B03", "B02"]
    assert [(c.value, c.name, c.colour) for c in read.legend.classes] == [
        (0, "BACKGROUND", "#B4B4B4"), (1, "A city.", "#0000FF")
    ]  # fmt: skip
    assert read.legend.nodata == 255
    assert read.file_name == "net.onnx"
    assert read.output.activation == ()
    assert (read.window.size, read.window.minimum, read.window.multiple) == (64, 64, 16)


def test_raster_bands_are_merged_by_name():
    raster = [{"name": n, "scale": 0.0001, "offset": -0.1, "data_type": "uint16"} for n in ("B04", "B03", "B02")]
    read = mlm.from_item(foreign(**{"assets/weights/raster:bands": raster}))
    assert {(b.scale, b.offset, b.data_type) for b in read.bands} == {(0.0001, -0.1, "uint16")}
    assert read.bands[0].common_name == "blue"
    assert read.forms[0].unit == "reflectance"
    # at the item, the other way round
    item = foreign(**{"assets/weights/raster:bands": raster})
    item["properties"]["eo:bands"] = item["assets"]["weights"].pop("eo:bands")
    assert mlm.from_item(item).bands[0].scale == 0.0001
    # a scaling written for stored numbers is not fed reflectance because the bands have a scale
    zscore = [{"type": "z-score", "mean": 1354.4, "stddev": 245.7}]
    item[INPUT.split("/")[0]]["mlm:input"][0]["value_scaling"] = zscore
    read = mlm.from_item(item)
    assert read.forms[0].unit == "dn" and any("stored numbers" in note for note in read.notes)


def test_the_item_knows_better_than_its_assets():
    bands = [{"name": "B04", "common_name": "red", "center_wavelength": 0.61, "data_type": None}, {"name": "B03"}]
    item = foreign(**{"properties/bands": bands, f"{INPUT}/bands": ["B04", "B03"], f"{INPUT}/input/shape": None})
    read = mlm.from_item(item)
    assert [b.name for b in read.bands] == ["B04", "B03"]
    assert (read.bands[0].wavelength, read.bands[0].width, read.bands[1].wavelength) == (0.61, 0.038, 0.56)


def test_bands_of_which_only_the_number_is_known():
    item = foreign(**{f"{INPUT}/bands": [], f"{INPUT}/input/shape": [-1, 3, 64, 64]})
    item["assets"] = {}
    read = mlm.from_item(item)
    assert read.band_names == ("channel_1", "channel_2", "channel_3")
    item["properties"]["mlm:input"][0]["input"]["shape"] = [-1, -1, 64, 64]
    with pytest.raises(LulcError, match="names no bands"):
        mlm.from_item(item)


def test_band_expressions_and_named_objects():
    bands = [{"name": "B04"}, {"name": "NDVI", "format": "rio-calc", "expression": "(B08 - B04) / (B08 + B04)"}, "B02"]
    read = mlm.from_item(foreign(**{f"{INPUT}/bands": bands}))
    assert [b.name for b in read.bands] == ["B02", "B04", "B08"]
    assert read.channels[1].expression.names == ("B04", "B08") and read.channels[1].band is None


def test_unprefixed_keys():
    item = foreign()
    item["properties"] = {k.replace("mlm:", ""): v for k, v in item["properties"].items()}
    assert mlm.from_item(item) == mlm.from_item(foreign())
    assert (
        mlm.from_item({**item["properties"], "bands": [{"name": n} for n in ("B04", "B03", "B02")]}).name
        == "Example U-Net"
    )  # noqa: E501


@pytest.mark.parametrize(
    ("order", "shape", "layout"),
    [
        (["batch", "channel", "height", "width"], [-1, 3, 64, 64], "NCHW"),
        (["b", "c", "y", "x"], [-1, 3, 64, 64], "NCHW"),
        (["batch", "height", "width", "bands"], [-1, 64, 64, 3], "NHWC"),
    ],
)
def test_order_of_axes(order, shape, layout):
    changes = {f"{INPUT}/input/dim_order": order, f"{INPUT}/input/shape": shape}
    if layout == "NHWC":
        changes[f"{OUTPUT}/result/dim_order"] = ["batch", "height", "width", "classes"]
        changes[f"{OUTPUT}/result/shape"] = [-1, 64, 64, 2]
    read = mlm.from_item(foreign(**changes))
    assert read.layout == layout
    assert mlm.from_item(mlm.to_item(read)).layout == layout


STATISTICS = [{"minimum": 0, "maximum": 100 * i, "mean": 10 * i, "stddev": i} for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"norm_by_channel": True, "norm_type": "z-score", "statistics": STATISTICS},
         [(Step.of("z-score", mean=10 * i, stddev=i),) for i in (1, 2, 3)]),
        ({"norm_by_channel": True, "norm_type": "min-max", "statistics": STATISTICS},
         [(Step.of("min-max", minimum=0, maximum=100 * i),) for i in (1, 2, 3)]),
        ({"norm_type": "min-max", "statistics": STATISTICS[:1]}, [(Step.of("min-max", minimum=0, maximum=100),)] * 3),
        ({"norm_type": "clip", "norm_clip": [10, 20, 30]},
         [(Step.of("scale", value=v), Step.of("clip", minimum=0, maximum=1)) for v in (10, 20, 30)]),
        ({"norm_clip": [255]}, [(Step.of("scale", value=255), Step.of("clip", minimum=0, maximum=1))] * 3),
        ({"norm_type": None, "norm_by_channel": False}, [()] * 3),
    ],
)  # fmt: skip
def test_scaling_of_the_first_versions(changes, expected):
    item = foreign(**{f"{INPUT}/value_scaling": KeyError})
    item["properties"]["mlm:input"][0].update(changes)
    assert [c.steps for c in mlm.from_item(item).channels] == expected


def test_statistics_of_each_channel_although_said_otherwise():
    item = foreign(**{f"{INPUT}/value_scaling": KeyError})
    item["properties"]["mlm:input"][0].update(norm_by_channel=False, norm_type="z-score", statistics=STATISTICS)
    assert any("those of each channel are used" in warning for warning in mlm.from_item(item).warnings)


FOREIGN_REFUSED = [
    ({f"{INPUT}/norm_type": "l2"}, "'l2', which cannot be done"),
    ({f"{INPUT}/norm_type": "z-score", f"{INPUT}/statistics": STATISTICS[:2]}, "2 entries for 3 channels"),
    ({f"{INPUT}/variables": ["t2m", {"name": "wind"}]}, "data cube variables t2m, wind"),
    ({f"{INPUT}/pre_processing_function": {"format": "python", "expression": "a.b:c"}}, "'python'.*'a.b:c'"),
    ({f"{INPUT}/pre_processing_function": [{"format": "uri", "expression": {"href": "x"}}]}, "'uri'.*href"),
    ({f"{INPUT}/input/dim_order": ["time", "bands", "height", "width"]}, "axis 'time'"),
    ({f"{INPUT}/input/dim_order": ["batch", "width", "height", "bands"], f"{INPUT}/input/shape": None},
     "axes batch, width, height, bands"),
    ({f"{INPUT}/input/dim_order": ["bands", "height", "width"], f"{INPUT}/input/shape": None}, "axes bands, height"),
    ({f"{INPUT}/input/shape": [-1, 3, 64, 32]}, "64 × 32"),
    ({f"{INPUT}/input/shape": [-1, 4, 64, 64]}, "3 bands.*4 channels"),
    ({f"{INPUT}/input/shape": [-1, 3, 0, 0]}, "holds 0"),
    ({f"{INPUT}/input/shape": [3, 64, 64]}, "4 axes"),
    ({f"{INPUT}/bands": ["B04", "B03", "B11"]}, "'B11' is none of the bands"),
    ({f"{OUTPUT}/tasks": ["classification"]}, "it does classification"),
    ({f"{OUTPUT}/result/dim_order": ["batch", "class"], f"{OUTPUT}/result/shape": [-1, 2]}, "one answer"),
    ({f"{OUTPUT}/result/dim_order": ["batch", "height", "width"], f"{OUTPUT}/result/shape": [-1, 64, 64],
      f"{OUTPUT}/result/data_type": "int64"}, "finished classes"),
    ({f"{OUTPUT}/result/shape": [-1, 3, 64, 64]}, "3 channels, but 2 classes"),
    ({f"{OUTPUT}/result/shape": [-1, 2, 59, 59]}, "59 × 59"),
    ({f"{OUTPUT}/result/shape": [-1, 2, 70, 70]}, "70 × 70"),
    ({f"{OUTPUT}/result/dim_order": ["batch", "height", "width", "class"],
      f"{OUTPUT}/result/shape": [-1, 64, 64, 2]}, "order NCHW, the output 'scores' in the order NHWC"),
    ({"properties/lulc:window": {"size": 128}}, "64 × 64 pixels only.* 128"),
    ({"properties/lulc:band_statistics": [{"name": "B02", "mean": 1, "stddev": 1, "low": 0, "high": 2}]}, "'B03'"),
    ({"properties/lulc:band_statistics": [{"name": n, "mean": 1, "stddev": -1, "low": 0, "high": 2}
                                          for n in ("B02", "B03", "B04")]}, "stddev"),
    ({"properties/lulc:confidence": {"mean": 2, "q05": 0.1}}, "from 0 to 1"),
    *(({"properties/lulc:smoothing": smoothing}, words) for smoothing, words in (
        ([16], "not an object"),
        ({}, "whole number of pixels"),
        ({"radius": 2.5}, "2.5, not a whole number"),
        ({"radius": "16"}, "16, not a number"),
        ({"radius": True}, "True, not a number"),
        ({"radius": 0}, "radius .* 0; it must be from 1 to 64"),
        ({"radius": 1e9}, "1e[+]09; it must be from 1 to 64"),
        ({"radius": 4, "eps": 0}, "eps .* 0; it must be from 0.001"),
        ({"radius": 4, "weight": -1}, "weight .* -1; it must be from 0"),
        ({"radius": 4, "bands": ["x"]}, "'x', which is none of its 3 bands"),
        ({"radius": 4, "bands": "B02"}, "not a list"),
        ({"radius": 4, "logarithm": "no"}, "'no', neither true nor false"),
        ({"radius": 4, "bands": ["B02"], "mean": [2500], "stddev": [1]}, "2500; it must be from -1000"),
        ({"radius": 4, "bands": ["a"] * 5}, "at most 4"),
        ({"radius": 4, "bands": [7]}, "not a text"),
        ({"radius": 4, "bands": ["B02"] * 2}, "one of them twice"),
        ({"radius": 4, "bands": ["B02"], "mean": [1, 2], "stddev": [1, 1]}, "2 means"),
        ({"radius": 4, "bands": ["B02"], "mean": [1]}, "1 means and 0"),
        ({"radius": 4, "mean": [1], "stddev": [1]}, "0 guide bands, 1 means"),
        ({"radius": 4, "bands": ["B02"], "mean": ["a"], "stddev": [1]}, "not 1 numbers"),
        ({"radius": 4, "bands": ["B02"], "mean": [1], "stddev": [0]}, "0; it must be from 0.001"),
    )),
    ({"properties/mlm:output/0/classification_classes": [{"value": 0, "name": "x", "color_hint": [0, 0, 300]}]},
     "Colour"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), FOREIGN_REFUSED)
def test_what_cannot_be_run_is_refused_with_words(changes, words):
    with pytest.raises(LulcError, match=words) as caught:
        mlm.from_item(foreign(**changes))
    assert len(str(caught.value)) < 1500


def test_three_inputs():
    item = foreign()
    item["properties"]["mlm:input"] *= 3
    with pytest.raises(LulcError, match="3 inputs"):
        mlm.from_item(item)


def test_the_first_segmentation_of_several_outputs():
    item = foreign()
    (main,) = item["properties"]["mlm:output"]
    other = {
        **main,
        "name": "kind",
        "tasks": ["classification"],
        "result": {"shape": [-1, 9], "dim_order": ["batch", "class"]},
    }  # noqa: E501
    second = {**main, "name": "second"}
    item["properties"]["mlm:output"] = [other, main, second]
    read = mlm.from_item(item)
    assert read.output.name == "scores"
    assert any("several outputs" in note for note in read.notes)


def test_smaller_coarser_and_single_outputs():
    def output(*shape, order=("batch", "class", "height", "width"), classes=None):
        changes = {f"{OUTPUT}/result/shape": list(shape), f"{OUTPUT}/result/dim_order": list(order)}
        if classes:
            changes[f"{OUTPUT}/classification_classes"] = classes
        return mlm.from_item(foreign(**changes))

    assert output(-1, 2, 44, 44).output.cut == 10
    assert output(-1, 2, 44, 44).window.margin >= 10
    assert output(-1, 2, 16, 16).output.cut == 0
    city = [{"value": 5, "name": "city", "description": "City"}]
    for read in (
        output(-1, 64, 64, order=("batch", "height", "width"), classes=city),
        output(-1, 1, 64, 64, classes=city),
    ):
        assert read.output.plane
        assert [(c.value, c.name) for c in read.legend.classes] == [(0, "background"), (5, "City")]
    assert output(-1, 64, 64, order=("batch", "height", "width")).legend.names == ("BACKGROUND", "A city.")


def test_what_is_processed_afterwards():
    function = [{"format": "lulc", "expression": ["sigmoid", {"op": "threshold", "value": 0.4}]},
                {"format": "gdal-calc", "expression": "logical_not(A)"}]  # fmt: skip
    read = mlm.from_item(foreign(**{f"{OUTPUT}/post_processing_function": function}))
    assert read.output.activation == ("sigmoid",) and read.output.threshold == 0.4
    assert any("logical_not(A)" in warning for warning in read.warnings)
    assert mlm.from_item(mlm.to_item(read)).output == read.output


def test_a_newer_description_and_resizing_warn():
    read = mlm.from_item(foreign(**{"properties/lulc:version": 7, f"{INPUT}/resize_type": "interpolation-linear"}))
    assert "version 7" in read.warnings[0] and "interpolation-linear" in read.warnings[1]
    assert mlm.from_item(foreign(**{f"{INPUT}/resize_type": "crop"})).warnings == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"radius": 16}, Smoothing(16, 0.1, (), 0.5)),
        ({"radius": 8, "eps": 0.3, "weight": 0, "bands": ["B04"]}, Smoothing(8, 0.3, ("B04",), 0)),
        ({"radius": 8, "bands": ["B04", "B02"], "mean": [-2, -3], "stddev": [0.5, 1], "unknown": 7},
         Smoothing(8, 0.1, ("B04", "B02"), 0.5, (-2, -3), (0.5, 1))),
        ({"radius": 8, "bands": ["B04"], "mean": [2500], "stddev": [1e-5], "logarithm": False},
         Smoothing(8, 0.1, ("B04",), 0.5, (2500,), (1e-5,), False)),
    ],
)  # fmt: skip
def test_smoothing(written, read):
    spec = mlm.from_item(foreign(**{"properties/lulc:smoothing": written}))
    assert spec.smoothing == read
    assert mlm.from_item(mlm.to_item(spec)).smoothing == read
    assert "lulc:smoothing" not in spec.extra
    assert mlm.from_item(foreign()).smoothing is None
    assert "lulc:smoothing" not in mlm.to_item(mlm.from_item(foreign()))["properties"]


def test_smoothing_of_more_than_fits_into_memory(spec):
    made = {"classes": 2000, "window": Window(512, 32, 64)}
    assert [Smoothing(radius).reach for radius in (1, 8, 9, 16, 64)] == [2, 16, 18, 34, 130]
    spec(**made, smoothing=Smoothing(8))
    with pytest.raises(LulcError, match="2000 classes .* radius of 64 .* 1,194,351,936 numbers") as caught:
        spec(**made, smoothing=Smoothing(64))
    assert "smaller radius" in caught.value.remedy


def test_version_statistics_confidence_and_unknown_fields(spec):
    statistics = tuple(BandStatistics(0.1 * i, 0.05, 0.01, 0.4) for i in range(1, 5))
    plain = replace(
        spec(), description="x", version="2.1", band_statistics=statistics, confidence=Confidence(0.8, 0.55, 40),
        extra={"lulc:calibration": {"temperature": 1.2}, "sci:doi": "10.1/x"},
    )  # fmt: skip
    assert mlm.from_item(json.loads(json.dumps(mlm.to_item(plain)))) == plain


def test_missing_numbers_written_as_nan(tmp_path, spec):
    item = mlm.to_item(spec())
    item["properties"]["bands"][0]["nodata"] = float("nan")
    read = mlm.from_text(json.dumps({**item, "other": float("inf")}), "a.json")
    mlm.write(read, tmp_path / "a.json")
    assert mlm.read(tmp_path / "a.json") == read


def test_the_digest_of_a_multihash():
    item = foreign(**{"assets/weights/file:checksum": "1220" + "ab" * 32})
    assert mlm.from_item(item).sha256 == "-".join(["abababab"] * 8)
    assert mlm.from_item(foreign(**{"assets/weights/file:checksum": "1114" + "ab" * 20})).sha256 == ""
