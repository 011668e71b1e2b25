# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of bands in a description, and the description of a network that lacks some of its bands."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lulc_plugin.errors import LulcError
from lulc_plugin.model import BandPattern, BandPatterns, Confidence, Smoothing, mlm, with_pattern
from lulc_plugin.raster import Channel, Step, limits_of, parse, prepare

RGB, RGBN = ("red", "green", "blue"), ("red", "green", "blue", "nir")


def test_round_trip(any_bands):
    spec = any_bands(unasked=False)
    spec = replace(spec, description=spec.title)
    item = json.loads(json.dumps(mlm.to_item(spec)))
    assert item["properties"]["lulc:band_patterns"]["patterns"][1] == {
        "bands": list(RGBN),
        "scores": {"chips": {"oa": 0.78, "miou": 0.58}},
        "confidence": {"mean": 0.8, "q05": 0.2, "places": 7},
    }
    assert item["properties"]["lulc:auto"] is False
    assert mlm.from_item(item) == spec


def test_a_description_without_patterns_says_nothing_of_them(spec):
    properties = mlm.to_item(spec())["properties"]
    assert not {"lulc:band_patterns", "lulc:auto"} & set(properties)


def test_bands_of_a_pattern_are_put_in_the_models_order(any_bands):
    item = mlm.to_item(any_bands())
    item["properties"]["lulc:band_patterns"]["patterns"][1]["bands"] = ["nir", "blue", "green", "red"]
    assert mlm.from_item(item).band_patterns.patterns[1].bands == RGBN


def test_sizes_and_required_bands():
    patterns = BandPatterns(
        -2.0, tuple(BandPattern(bands) for bands in (RGB, (*RGB, "swir16"), RGBN, (*RGBN, "swir16", "swir22")))
    )
    assert [len(p.bands) for p in patterns.by_size] == [6, 4, 4, 3]
    assert patterns.by_size[1].bands == (*RGB, "swir16")
    assert patterns.required == RGB


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fill": None}, "no fill"),
        ({"fill": "-2"}, "-2"),
        ({"fill": True}, "True"),
        ({"fill": 1e300}, r"1e\+300"),
        ({"fill": 0.5}, r"0\.5.*'nir' can be from -1 to 1"),
        ({"fill": 1.0}, r"fill 1,.*from -1 to 1"),
        ({"fill": 1e7}, r"1e\+07.*1e\+06"),
        ({"patterns": []}, "1 to 64"),
        ({"patterns": [{"bands": ["red"]}] * 65}, "1 to 64"),
        ({"patterns": ["red"]}, "not an object"),
        ({"patterns": [{"bands": "red"}]}, "no list"),
        ({"patterns": [{"bands": []}]}, "no list of 1"),
        ({"patterns": [{"bands": ["red", 7]}]}, "not a text"),
        ({"patterns": [{"bands": ["red", "red"]}]}, "stands twice"),
        ({"patterns": [{"bands": list(RGB)}, {"bands": ["blue", "green", "red"]}]}, "red, green, blue twice"),
        ({"patterns": [{"bands": [*RGB, "thermal"]}]}, "'thermal'.*6 bands"),
        ({"patterns": [{"bands": list(RGB)}]}, "no pattern with the band 'nir'"),
        ({"patterns": [{"bands": list(RGB)}, {"bands": ["nir", "swir16", "swir22"]}]}, "2 patterns"),
        ({"scores": [1]}, "not an object"),
        ({"scores": {"chips": 0.5}}, "not an object"),
        ({"scores": {"chips": {"miou": 1.5}}}, "miou 1.5"),
        ({"scores": {"chips": {"oa": "high"}}}, "high"),
        ({"scores": {f"set {i}": {} for i in range(101)}}, "101 test sets; 100"),
        ({"confidence": {"mean": 2, "q05": 0.1}}, "from 0 to 1"),
    ],
)
def test_what_is_refused(any_bands, change, words):
    item = json.loads(json.dumps(mlm.to_item(any_bands())))
    data = item["properties"]["lulc:band_patterns"]
    (data if set(change) <= {"fill", "patterns"} else data["patterns"][0]).update(change)
    with pytest.raises(LulcError, match=words):
        mlm.from_item(item)


def test_not_an_object_and_not_a_boolean(any_bands):
    for key, value in (("lulc:band_patterns", [1]), ("lulc:auto", "no")):
        item = mlm.to_item(any_bands())
        item["properties"][key] = value
        with pytest.raises(LulcError, match=key):
            mlm.from_item(item)


def test_a_channel_without_limits_could_hold_the_fill(any_bands):
    spec = any_bands()
    free = tuple(replace(c, steps=(Step.of("z-score", mean=0.6, stddev=0.6),)) for c in spec.channels)
    with pytest.raises(LulcError, match="from -inf to inf") as caught:
        replace(spec, channels=free)
    assert "clip" in caught.value.remedy
    # those of required bands are never filled
    replace(spec, channels=(*free[:3], *spec.channels[3:]))


def test_nodata_must_not_look_like_an_absent_band(any_bands):
    with pytest.raises(LulcError, match="fill -2, but pixels without data"):
        replace(any_bands(), fill=(0.0, 0.0, 0.0, -2.0, 0.0, 0.0))


@pytest.mark.parametrize(
    "steps",
    [
        (Step.of("scale", value=-2), Step.of("clip", minimum=-1, maximum=3), Step.of("z-score", mean=1, stddev=0.5)),
        (Step.of("clip", minimum=0), Step.of("log1p"), Step.of("clip", maximum=2), Step.of("scale", value=-4)),
        (Step.of("sigmoid"), Step.of("sqrt"), Step.of("offset", value=3)),
        (Step.of("clip", maximum=5), Step.of("sqrt")),
    ],
)
def test_limits_hold_and_are_reached(steps):
    from lulc_plugin.raster import apply_steps

    low, high = limits_of(steps)
    values = apply_steps(np.linspace(-1000, 1000, 200_001), steps)
    assert values.min() >= low - 1e-4 and values.max() <= high + 1e-4
    assert values.min() == pytest.approx(low, abs=2e-2) and values.max() == pytest.approx(high, abs=2e-2)


def test_what_has_no_limits():
    assert limits_of(()) == (-np.inf, np.inf)
    assert limits_of((Step.of("clip", minimum=0),)) == (0, np.inf)
    assert limits_of((Step.of("moments"),)) == (-np.inf, np.inf)
    assert limits_of((Step.of("percentile", lower=2, upper=98),)) == (0, 1)


def test_a_network_with_the_bands_of_one_pattern(any_bands):
    smoothing = Smoothing(8, bands=("red", "nir", "swir16"), mean=(-1.0, -2.0, -3.0), stddev=(0.1, 0.2, 0.3))
    whole = any_bands(smoothing=smoothing, confidence=Confidence(0.9, 0.7, 3))
    spec = with_pattern(whole, whole.band_patterns.patterns[1])
    assert spec.band_names == RGBN and spec.absent == ("swir16", "swir22") and spec.band_patterns is None
    assert [len(form.band_steps) for form in spec.forms] == [4, 4]
    assert spec.fill == (0.0, 0.0, 0.0, 0.0, -2.0, -2.0)
    assert spec.confidence == Confidence(0.8, 0.2, 7)
    assert spec.smoothing == Smoothing(8, bands=("red", "nir"), mean=(-1.0, -2.0), stddev=(0.1, 0.2))
    assert spec.held_out_scores == {"chips": 0.58}
    assert [c.name for c in spec.channels] == [c.name for c in whole.channels]


def test_absent_channels_hold_the_constant_where_there_is_data_and_where_there_is_none(any_bands):
    whole = any_bands()
    limits = (Step.of("clip", minimum=-1, maximum=1),)
    ndvi = Channel("NDVI", None, parse("(nir - red) / (nir + red)", whole.band_names), limits)
    whole = replace(whole, channels=(*whole.channels, ndvi), fill=(*whole.fill, 0.25))
    spec = with_pattern(whole, whole.band_patterns.patterns[0])
    values = np.random.default_rng(0).uniform(0, 1, (3, 5, 4)).astype(np.float32)
    valid = np.ones((5, 4), bool)
    valid[1, 2] = False
    for mask in (valid, np.stack([valid] * 3)):
        tensor = prepare(values, mask, spec.band_names, spec.forms[0].band_steps, spec.channels, spec.fill)
        assert np.all(tensor[3:] == np.float32(-2))
        assert np.allclose(tensor[:3][:, valid], (values[:, valid] - 0.6) / 0.6, atol=1e-6)
        assert np.all(tensor[:3, 1, 2] == 0)


def test_the_whole_pattern_keeps_what_is_said_of_the_network(any_bands):
    whole = any_bands(confidence=Confidence(0.9, 0.7, 3))
    full = BandPattern(whole.band_names)
    whole = replace(whole, band_patterns=BandPatterns(-2.0, (full, BandPattern(RGB))))
    spec = with_pattern(whole, full)
    assert spec.absent == () and spec.confidence == Confidence(0.9, 0.7, 3)
    assert with_pattern(whole, BandPattern(RGB)).confidence is None
    assert replace(spec, band_patterns=whole.band_patterns) == whole


def test_bands_in_words(any_bands, spec):
    assert any_bands().bands_in_words == "red, green, blue; nir, swir16, swir22 if there"
    assert spec().bands_in_words == "red, green, blue, nir"


def test_a_graph_for_whole_numbers(any_bands):
    """Its numbers are rounded and cut to the type: -2 would become 0, the darkest ground, and 254.6 the constant."""
    spec = any_bands()
    with pytest.raises(LulcError, match="fill -2, which is no number of the type uint8"):
        replace(spec, input_type="uint8")
    patterns = replace(spec.band_patterns, fill=255.0)

    def with_most(most):
        steps = (Step.of("clip", minimum=0, maximum=1), Step.of("scale", value=1 / most))
        channels = tuple(replace(c, steps=steps) for c in spec.channels)
        return replace(spec, channels=channels, band_patterns=patterns, input_type="uint8")

    assert with_most(254).band_patterns.fill == 255
    with pytest.raises(LulcError, match=r"from 0 to 254\.6"):
        with_most(254.6)


def test_many_bands_in_many_patterns():
    bands = [f"b{i}" for i in range(512)]
    with pytest.raises(LulcError, match=r"1,533 bands together; 1,024"):
        BandPatterns(-2.0, tuple(BandPattern(tuple(bands[: 512 - i])) for i in range(3)))


def test_what_the_schema_of_mlm_demands(any_bands):
    """Own fields stay outside the prefix of MLM; the constant of an absent band is an expression of a channel."""
    from stac_model.schema import MLModelProperties

    whole = any_bands(unasked=False)
    cut = with_pattern(whole, whole.band_patterns.patterns[0])
    for spec in (whole, cut):
        properties = MLModelProperties.model_validate(mlm.to_item(spec)["properties"])
        assert len(properties.input[0].bands) == 6
    read = mlm.from_item(json.loads(json.dumps(mlm.to_item(cut))))
    assert read.channels == cut.channels and read.fill == cut.fill and read.band_names == RGB
