# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar says what was measured: numbers in sentences, coarse labels explained, the worst place named."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("onnx", reason="onnx is not installed")

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass
from training.export import limits, score_details, sidecar
from training.export.score_details import details

LEGEND = Legend.of(
    [LegendClass(1, "Water", "#0000FF"), LegendClass(2, "Trees", "#007700"), LegendClass(3, "Bare", "#AA8855")]
)
SURE = {"g1": [[80, 10, 0], [20, 90, 0], [0, 0, 0]], "g2": [[10, 0, 0], [0, 10, 30], [0, 0, 10]]}
COARSE = {"p1": [[50, 5], [10, 35]]}


def entry(title, names, places, **more):
    usual = {
        "title": title, "credit": "someone", "gsd": 10.0, "values": "reflectance", "teacher": False,
        "evaluation_only": False, "counted": list(range(1, len(names) + 1)), "names": names, "places": places,
        "surrounded": None, "pictures": None, "chips": 2,
    }  # fmt: skip
    return {**usual, **more}


@pytest.fixture
def scores():
    return {
        "network": "n-v1",
        "rehearsal": False,
        "created": "2026-11-21T00:00:00Z",
        "sets": {
            "sure/val": entry("Sure set", ["Water", "Trees", "Bare"], SURE),
            "sure/test": entry("Sure set", ["Water", "Trees", "Bare"], SURE, surrounded=SURE, pictures=SURE),
            "coarse/test": entry("Coarse set", ["Water", "Trees / Bare"], COARSE),
            "towns/test": entry("Towns", ["Water", "Trees", "Bare"], {"t": SURE["g1"]}, teacher=True),
            "far/all": entry("Far away", ["Water", "Trees", "Bare"], {"e": SURE["g2"]}, evaluation_only=True),
        },
        "forest": {
            "sure/test": {"places": SURE, "difference": [0.08, 0.01, 0.15], "difference_surrounded": [0, -1, 1]}
        },
        "robustness": {"sure/test": {"as it is": SURE["g1"], "gain +20 %": [[50, 50, 0], [50, 50, 0], [0, 0, 0]]}},
        "calibration": {"temperature": 0.8, "before": {}, "after": {}},
        "compared": {"other-v1": {"sure/test": [-0.1, -0.2, -0.01]}},
    }


def test_sets_stand_in_the_order_of_what_they_prove(scores):
    assert score_details.in_order(scores) == ["sure/test", "coarse/test", "far/all", "sure/val", "towns/test"]
    assert score_details.main_sets(scores) == ["sure/test", "coarse/test"]
    scores["rehearsal"] = True
    assert score_details.main_sets(scores) == ["sure/val"]


def test_a_set_has_rows_for_other_surroundings_and_pictures(scores):
    fields = details(scores, "sure/test")
    assert [v["name"][:20] for v in fields["variants"]] == ["96 pixels reflected ", "shown as stretched p"]
    # 80 + 90 + 10 + 10 + 10 of 260
    assert fields["variants"][0]["overall_accuracy"] == 0.769231 and fields["variants"][0]["pixels"] == 260
    # 180 of 210, 200 of 260, 20 of 50
    assert fields["place_count"] == 2 and fields["mean_dice"] == 0.675458
    assert "variants" not in details(scores, "sure/val") and "subset" not in fields
    assert details(scores, "towns/test")["subset"] == "test"


def test_the_forest_stands_beside_the_classes(scores):
    # water: 90 right of 100 mapped and of 110 in the reference
    baseline = details(scores, "sure/test")["baseline"]
    assert baseline["iou"][0] == 0.75 and baseline["overall_accuracy"] == 0.769231
    assert baseline["difference"] == {"difference": 0.08, "low": 0.01, "high": 0.15}
    assert baseline["surrounded"] == {"difference": 0.0, "low": -1.0, "high": 1.0}
    scores["forest"]["sure/test"]["difference"] = [0.08, None, None]
    assert details(scores, "sure/test")["baseline"]["difference"]["low"] is None
    assert "baseline" not in details(scores, "coarse/test")


def test_other_networks_and_other_light(scores):
    fields = details(scores, "sure/test")
    assert fields["compared"] == [{"name": "other-v1", "difference": -0.1, "low": -0.2, "high": -0.01}]
    assert [r["name"] for r in fields["radiometry"]] == ["as it is", "gain +20 %"]
    assert fields["radiometry"][0]["overall_accuracy"] == 0.85


def test_notes_explain_coarse_labels_and_sets_for_evaluation(scores):
    assert "“Trees / Bare” is right" in details(scores, "coarse/test")["notes"][0]
    notes = " ".join(details(scores, "far/all")["notes"])
    assert "someone." in notes and "training/sets/far.toml" in notes and "One place" in notes


def test_places_name_the_worst(scores):
    assert score_details.worst_place(scores, "sure/test") == ("g2", pytest.approx(0.5), "Bare")
    assert score_details.worst_place(scores, "coarse/test") is None
    last = details(scores, "sure/test")["places"][-1]
    assert (last["name"], last["pixels"], last["mostly"]) == ("g2", 60, "Bare 67%, Water 17%")
    assert last["overall_accuracy"] == 0.5 and last["baseline"] == 0.5
    assert "places" not in details(scores, "sure/val")


def test_numbers_are_put_into_the_recipes_sentences(scores):
    assert limits.filled("Water (IoU {iou Water sure}).", scores) == "Water (IoU 0.750)."
    assert limits.filled("{oa coarse}, {iou Trees / Bare coarse}", scores) == "0.850, 0.700"
    assert limits.filled("{iou Water nowhere}", scores) == "not measured"
    for wrong in ("{iou Snow sure}", "{beauty Water sure}"):
        with pytest.raises(LulcError):
            limits.filled(wrong, scores)


def test_limits_follow_from_scores(scores):
    text = " ".join(limits.from_scores(scores))
    assert "worst place g2 (mostly Bare)" in text and "Bare (0.250)" in text
    assert "gain +20 %" in text


def test_coarse_values_are_explained_in_the_sidecar(scores, tmp_path):
    scores_of = {s.dataset.split(";")[0]: s for s in sidecar.score_entries(scores, LEGEND, tmp_path)}
    coarse = scores_of["Coarse set"]
    assert [c.value for c in coarse.classes] == [1, 2] and coarse.split == "test"
    assert "value 2 stands for Trees / Bare" in coarse.dataset
    assert scores_of["Towns"].split == "evaluation" and scores_of["Far away"].split == "evaluation"
    assert scores_of["Sure set"].confusion[1] == (20, 100, 30) and scores_of["Sure set"].extra["place_count"] == 2
    assert coarse.extra["names"] == ["Water", "Trees / Bare"]


def test_a_class_that_no_label_allows_has_a_value_of_its_own():
    assert sidecar.legend_values({"names": ["Water", "Other classes"]}, LEGEND) == (1, 4)
