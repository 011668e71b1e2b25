# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network: all that its description says, section by section."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from lulc_plugin import provenance
from lulc_plugin.errors import LulcError
from lulc_plugin.model import Confidence, Training, catalogue
from lulc_plugin.report.card import (
    write_card,
)
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html

CHECKOUT = Path(__file__).resolve().parents[4]


def html_of(spec, path, listed=""):
    return card_html(model_card(spec, path, listed))


def section(card, id):
    (found,) = [s for s in card.sections if s.id == id]
    return found


WEIGHTS = CHECKOUT.parent / "shared" / "weights"


def test_says_what_the_issue_asks_for(page, released, outline):
    text = outline(page).text
    spec = released.spec
    digest = provenance.file_digest(released.path)
    for words in ("10 to 30 m", "665", "Reflectance", "percentile", "CC-BY-4.0", digest, spec.name):
        assert words.lower() in text.lower(), words
    for c in spec.legend.classes:
        assert c.name in text and f"background-color:{c.colour}".lower() in page.lower()
    for training in spec.training.sets:
        assert training.name in text and training.license in text
    for words in ("What it expects", "Where it was trained", "How good it is", "Known limits", "How to use it"):
        assert f">{words}</h2>" in page
    assert "cloud or shadow" in text  # one of the limits
    assert page.count("<circle") > 40  # where three of the five sets lie
    assert "Not shown, because nobody says where the images lie: HLS" in text


def test_other_weights_than_described_are_told(made):
    card = model_card(replace(made.spec, sha256="-".join(["abcdef01"] * 8)), made.path)
    assert "belongs to other weights" in card.warnings[0]
    digest = provenance.file_digest(made.path)
    assert model_card(replace(made.spec, sha256=digest.replace("-", "").upper()), made.path).warnings == ()
    card = model_card(replace(made.spec, file_size=3), made.path)
    assert "3 bytes" in card.warnings[0]


def test_warnings_of_the_description(made):
    assert model_card(replace(made.spec, warnings=("careful",)), made.path).warnings == ("careful",)


def test_without_scores_limits_and_training(made):
    bare = replace(made.spec, scores=(), training=Training(), gsd=None, gsd_range=None, license="other")
    card = model_card(bare, made.path)
    assert "no scores" in section(card, "accuracy").sentences[0]
    assert "name none" in section(card, "limits").sentences[0]
    assert "does not name the training data" in " ".join(section(card, "training").sentences)
    assert ("Licence", "not given") in card.about
    assert section(card, "expects").sentences[0] == "Pixel size: not given."


def test_threshold_and_confidence(made):
    spec = replace(made.spec, output=replace(made.spec.output, threshold=0.4), confidence=Confidence(0.8, 0.61, 12))
    card = model_card(spec, made.path)
    assert any("below 0.4" in s for s in section(card, "classes").sentences)
    said = " ".join(section(card, "confidence").sentences)
    assert "80.0" in said and "61.0" in said and "12 places" in said


def test_how_to_call_it(made):
    card = model_card(made.spec, Path(made.path), "forest's; rm -rf *")
    codes = section(card, "use").parts
    words = shlex.split(codes[0].text)
    assert words[:4] == ["qgis_process", "run", "lulc:classifylandcover", "--"]
    assert words[5] == "MODEL=forest's; rm -rf *"
    assert shlex.split(codes[1].text)[-1] == str(made.path)
    inside = codes[2].text
    assert json.loads(inside[inside.index("{") : -1])["MODEL"] == "forest's; rm -rf *"
    by_file = section(model_card(made.spec, made.path), "use").parts
    assert f"MODEL_FILE={made.path}" in shlex.split(by_file[0].text)


def test_writing(made, tmp_path):
    write_card(tmp_path / "card.html", made.spec, made.path)
    assert [p.name for p in tmp_path.glob("*card*")] == ["card.html"]
    with pytest.raises(LulcError, match="cannot be written"):
        write_card(tmp_path / "none" / "card.html", made.spec, made.path)


@pytest.mark.parametrize(
    "name",
    ["dynamicworld/dynamicworld_forward", "dynamicworld/dynamicworld_forward_dn",
     "third_party/two_outputs_softmax_bsx2x512x512"],
)  # fmt: skip
def test_cards_of_foreign_networks(name, outline):
    path = WEIGHTS / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    entry = catalogue.load(path)
    text = outline(html_of(entry.spec, entry.path)).text
    assert entry.spec.legend.classes[0].name in text and "Pixel size" in text
