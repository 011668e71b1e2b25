# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that come with the plugin: small, described in full, and true to their descriptions."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lulc_plugin import bundled, provenance
from lulc_plugin.model import Network, catalogue

NAMES = bundled.model_names()


@pytest.fixture(params=NAMES)
def entry(request: pytest.FixtureRequest) -> catalogue.Entry:
    return catalogue.by_name(request.param)


def test_there_is_one() -> None:
    assert NAMES


def test_the_file_is_the_one_that_was_described(entry: catalogue.Entry) -> None:
    assert entry.path.stat().st_size == entry.spec.file_size <= 6_000_000
    assert provenance.file_digest(entry.path) == entry.spec.sha256
    assert entry.path.with_suffix(".md").is_file()


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reaches another computer, so that no schema is fetched."""

    def refuse(*_: object) -> None:
        raise OSError("a test wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_the_sidecar_is_valid_by_the_code_of_others(entry: catalogue.Entry, offline: None) -> None:
    """stac-model holds the classes of the MLM extension, pystac the schemas of STAC 1.1 itself."""
    from pystac.validation import validate_dict
    from stac_model.schema import MLModelProperties

    item = json.loads(entry.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert validate_dict(item, extensions=[]) == ["https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/item.json"]
    properties = MLModelProperties.model_validate(item["properties"])
    assert properties.name == entry.spec.name
    assert [output.name for output in properties.output] == [entry.spec.output.name, entry.spec.output.features]
    assert len(properties.input[0].bands) == len(entry.spec.channels)


@pytest.mark.parametrize(("key", "wrong"), [("mlm:tasks", ["cooking"]), ("mlm:input", [{}]), ("mlm:name", None)])
def test_the_code_of_others_refuses_a_wrong_sidecar(key: str, wrong: object, offline: None) -> None:
    from pydantic import ValidationError
    from stac_model.schema import MLModelProperties

    item = json.loads(catalogue.by_name(NAMES[0]).path.with_suffix(".json").read_text(encoding="utf-8"))
    with pytest.raises(ValidationError):
        MLModelProperties.model_validate({**item["properties"], key: wrong})


def test_a_lost_sidecar_loses_size_digest_and_what_was_found_later(entry: catalogue.Entry, tmp_path: Path) -> None:
    lone = tmp_path / "lone.onnx"
    shutil.copy(entry.path, lone)
    found = catalogue.load(lone).spec
    assert found.sha256 == ""
    for fact in ("bands", "channels", "forms", "fill", "output", "legend", "window", "gsd_range", "training"):
        assert getattr(found, fact) == getattr(entry.spec, fact), fact
    # the files are as they were released: smoothing came into the sidecars later, so the scores inside are those of
    # maps without it, which the file alone makes; and scores of single places and the like are not inside
    assert found.smoothing is None
    if entry.spec.smoothing is None:
        assert found.scores == tuple(replace(s, extra={}) for s in entry.spec.scores)
        return
    for inside, beside in zip(found.scores, entry.spec.scores):
        (bare,) = (v for v in beside.extra["variants"] if v["name"] == "without smoothing")
        assert inside.dataset == beside.dataset and inside.miou == pytest.approx(bare["miou"], abs=1e-4)
        assert inside.overall_accuracy == pytest.approx(bare["overall_accuracy"], abs=1e-4)


def test_optical_networks_follow_the_edges_of_the_image(entry: catalogue.Entry) -> None:
    smoothing = entry.spec.smoothing
    if entry.spec.name.startswith("aerial"):
        assert smoothing is None  # it gained too little for many more specks (training/README.md)
        return
    assert smoothing is not None and smoothing.bands == ("red", "green", "blue", "nir") and smoothing.mean
    assert (smoothing.radius, smoothing.eps, smoothing.weight) == (8, 0.1, 0.5)


def test_it_gives_probabilities_and_features_of_any_size(entry: catalogue.Entry) -> None:
    import onnxruntime

    spec = entry.spec
    network = Network(entry.path, spec)
    rng = np.random.default_rng(0)
    for count, height, width in ((1, 64, 96), (2, 96, 64)):
        image = rng.normal(0, 0.5, (count, len(spec.channels), height, width)).astype(np.float32)
        shares = network.probabilities(image)
        assert shares.shape == (count, len(spec.legend.classes), height, width)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-4)
    session = onnxruntime.InferenceSession(str(entry.path), providers=["CPUExecutionProvider"])
    features = session.run([spec.output.features], {spec.input_name: image})[0]
    assert features.shape == (2, spec.output.feature_count, 96, 64)


def test_its_scores_follow_from_its_confusion_matrices(entry: catalogue.Entry) -> None:
    for scores in entry.spec.scores:
        counts = np.array(scores.confusion)
        assert counts.sum() == scores.pixels
        assert np.trace(counts) / counts.sum() == pytest.approx(scores.overall_accuracy, abs=1e-4)
        # rows are the map: a class's precision is its hits over its row
        for k, one in enumerate(scores.classes):
            if one.precision is not None:
                assert counts[k, k] / counts[k].sum() == pytest.approx(one.precision, abs=1e-4)
