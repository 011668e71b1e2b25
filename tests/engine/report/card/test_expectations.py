# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network expects, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lulc_plugin.model import BandStatistics, Smoothing
from lulc_plugin.raster import Step
from lulc_plugin.report.card import (
    expectations,
)
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html

PERCENTILES = "2 and 98 % percentile of the whole layer become 0 and 1"


@pytest.mark.parametrize(
    "gsd, gsd_range, words",
    [(10, (10 / 1.5, 15), "6.67 to 15 m"), (10, (10, 10), "10 m"), (0.25, None, "0.25 m"), (None, None, "not given")],
)
def test_pixel_size(made, gsd, gsd_range, words):
    assert expectations.pixel_size(replace(made.spec, gsd=gsd, gsd_range=gsd_range)) == words


def test_band_statistics(made):
    count = len(made.spec.bands)
    spec = replace(made.spec, band_statistics=(BandStatistics(0.1, 0.05, 0.02, 0.31),) * count)
    table = expectations.bands(spec)
    assert "0.02 … 0.31" in table.rows[0].cells
    table = expectations.bands(made.spec)
    assert [c.key for c in table.columns] == ["centre", "width"]


@pytest.mark.parametrize(
    "steps, words",
    [
        ((), "as it is"),
        ((Step.of("scale", value=10000),), "divided by 10\u202f000"),
        ((Step.of("offset", value=-1), Step.of("scale", value=2)), "plus 1, then divided by 2"),
        ((Step.of("clip", minimum=0),), "not below 0"),
        ((Step.of("clip", maximum=1.2),), "not above 1.2"),
        ((Step.of("clip", minimum=-1, maximum=1),), "limited to −1 … 1"),
        ((Step.of("min-max", minimum=0, maximum=0.6),), "0 … 0.6 become 0 … 1"),
        ((Step.of("z-score", mean=0.485, stddev=0.229),), "minus 0.485, divided by 0.229"),
        ((Step.of("log1p"), Step.of("sqrt"), Step.of("sigmoid")), "ln(1 + x), then square root, then sigmoid"),
        ((Step.of("percentile", lower=2, upper=98),), f"{PERCENTILES}, cut off there"),
        ((Step.of("percentile", lower=2, upper=98, clip=0),), PERCENTILES),
        ((Step.of("moments"),), "minus the mean and divided by the standard deviation of the whole layer"),
    ],
)  # fmt: skip
def test_scaling_in_words(steps, words):
    assert expectations.steps(steps) == words


def test_smoothing(made):
    assert expectations.smoothing(made.spec) is None
    first = made.spec.bands[0]
    some = expectations.smoothing(replace(made.spec, smoothing=Smoothing(8, 0.25, (first.name,), 0.5)))
    text = " ".join(some.sentences)
    assert "radius 8 pixels" in text and "eps 0.25" in text and "count 0.5 against 1" in text
    assert f"logarithms of {first.label}." in text
    all_bands = " ".join(expectations.smoothing(replace(made.spec, smoothing=Smoothing(8, weight=0))).sentences)
    assert all(band.label in all_bands for band in made.spec.bands[:4])
    assert "Only the smoothed" in all_bands


def test_a_guide_band_is_escaped(made):
    name = "<b>x</b>"
    bands = (replace(made.spec.bands[0], name=name, common_name=None), *made.spec.bands[1:])
    spec = replace(made.spec, bands=bands, smoothing=Smoothing(8, bands=(name,)))
    assert name not in card_html(model_card(spec, made.path))
