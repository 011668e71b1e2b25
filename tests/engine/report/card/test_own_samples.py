# SPDX-License-Identifier: GPL-3.0-or-later
"""The section on own classes: what a description says of samples, validation and base; and hostile ones."""

from dataclasses import replace

import pytest

from lulc_plugin.report.card.own_samples import own_classes

OWN = {
    "base": [{"id": "mobile-v2", "sha256": "sha256:abc", "license": "CC-BY-4.0"}],
    "crs": "EPSG:32725 · WGS 84 / UTM zone 25S",
    "date": "2026-11-30T20:00:00Z",
    "method": "Pixel features and network",
    "validation": {"folds": 5, "overall_accuracy": 0.876, "macro_f1": 0.8},
}


def section_of(spec, **changed):
    samples = {c.name: 12 + i for i, c in enumerate(spec.legend.classes)}
    own = {**OWN, "samples": samples, **changed}
    own["validation"] = {"f1": dict.fromkeys(samples, 0.75), **own["validation"]} if own["validation"] else None
    return own_classes(replace(spec, extra={"lulc:own_classes": own}))


def test_all_of_it(released):
    section = section_of(released.spec)
    text = " ".join(section.sentences)
    for words in ("Pixel features and network", "EPSG:32725", "87.6", "80.0", "in 5 parts", "2026", "reference sample"):
        assert words in text, text
    samples, base = section.parts
    assert [row.cells for row in samples.rows][:2] == [(12, 0.75), (13, 0.75)]
    assert base.rows[0].label == "mobile-v2" and base.rows[0].cells == ("CC-BY-4.0", "sha256:abc")


def test_a_network_without(released):
    assert own_classes(released.spec) is None


def test_what_could_not_be_validated(released):
    section = section_of(released.spec, validation={"overall_accuracy": None, "macro_f1": None, "f1": {}}, base=[])
    assert any("Nothing could be validated" in sentence for sentence in section.sentences)
    (samples,) = section.parts
    assert [column.title for column in samples.columns] == ["Sample pixels"]


@pytest.mark.parametrize(
    "changed",
    [
        {"base": "all"}, {"base": [7, {"id": 3, "license": None, "sha256": []}]}, {"crs": 5, "date": {}, "method": []},
        {"validation": {"overall_accuracy": 7, "macro_f1": float("nan"), "folds": "5", "f1": 3}}, {"validation": None},
        {"samples": {"water": -1}}, {"samples": []}, {"method": "x" * 100_000},
    ],
)  # fmt: skip
def test_hostile_descriptions(released, changed):
    section = section_of(released.spec, **changed)
    assert section.title == "Own classes" and len(" ".join(section.sentences)) < 2000


@pytest.mark.parametrize("own", ["text", [], 7, None])
def test_what_is_no_object_is_left_out(released, own):
    assert own_classes(replace(released.spec, extra={"lulc:own_classes": own})) is None
