# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a network that works with several choices of bands."""

from dataclasses import replace
from pathlib import Path

from lulc_plugin.model import BandPattern, BandPatterns, PatternScore
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html, card_markdown


def test_choices_and_their_scores(any_bands, network):
    net = network("any_bands")
    text = card_markdown(model_card(net.spec, Path(net.path)))
    assert "- **Bands:** 3 to 6 (red, green and blue; nir, swir16 and swir22 if there)" in text
    assert "## With which bands it works" in text
    rows = [line for line in text.splitlines() if line.startswith("| red, green, blue")]
    assert [row.count("|") for row in rows] == [6, 6, 6]
    assert "0.810" in rows[0] and "0.610" in rows[0] and "0.500" in rows[2] and "0.100" in rows[2]
    assert "holds −2" in text
    assert text.count("| optional |") == 3
    assert "With which bands it works</h2>" in card_html(model_card(net.spec, Path(net.path)))


def test_names_of_strangers_are_escaped(any_bands, network):
    hostile = "<script>alert(1)</script>|x"
    patterns = (
        BandPattern(("red", "green", "blue"), {hostile: PatternScore(0.5, 0.4)}),
        BandPattern(any_bands().band_names),
    )
    net = network("any_bands", band_patterns=BandPatterns(-2.0, patterns))
    assert "<script>" not in card_html(model_card(net.spec, Path(net.path)))


def test_a_plain_network_has_no_such_section(network):
    net = network("pixel")
    card = model_card(net.spec, Path(net.path))
    assert "patterns" not in [section.id for section in card.sections]
    assert "auto" not in card_markdown(card)
    assert "never chosen by “auto”" in card_markdown(model_card(replace(net.spec, unasked=False), Path(net.path)))
