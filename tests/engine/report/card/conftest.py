# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the card share: a released network, a small one, a description full of hostile texts."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lulc_plugin import bundled
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import ClassScore, Scores, Training, TrainingSet, catalogue
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html

VOID = {"meta", "br", "path", "circle"}

NASTY = '</td><script>alert("x")</script>'


class _Outline(HTMLParser):
    """Every tag with its attributes, the text, and whether the tags nest."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self._open = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open and self._open.pop() == tag, tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text += data

    def close(self):
        super().close()
        assert not self._open


def _outline(html):
    parser = _Outline()
    parser.feed(html)
    parser.close()
    return parser


@pytest.fixture(scope="session")
def outline():
    """`outline(html)`: tags, text; fails where tags do not nest."""
    return _outline


@pytest.fixture(scope="session")
def hostile():
    """A text that would be HTML."""
    return NASTY


@pytest.fixture(scope="module")
def released():
    name = next(n for n in bundled.model_names() if n.startswith("optical-rgbn"))
    return catalogue.by_name(name)


@pytest.fixture(scope="module")
def page(released):
    return card_html(model_card(released.spec, released.path, released.path.stem))


@pytest.fixture
def made(network):
    """A small network and its description."""
    return catalogue.load(Path(network("pixel").path))


def _nasty(spec, text=NASTY):
    classes = (LegendClass(1, text, "#112233"), LegendClass(7, "b\x07\x00 <i>c</i>", "#445566"))
    return replace(
        spec,
        name=text,
        title=f"{text} \ud800",
        description=text,
        architecture=text,
        license=text,
        version=text,
        created=text,
        constellation=text,
        providers=({"name": text}, {"role": "x"}),
        bands=tuple(replace(b, name=text, common_name=text, description=text) for b in spec.bands),
        channels=tuple(replace(c, name=text) for c in spec.channels),
        forms=tuple(replace(f, description=text) for f in spec.forms),
        legend=Legend.of(classes),
        training=Training((TrainingSet(text, text, text, "javascript:alert(1)", 3, 4),), {}, text),
        scores=(
            Scores(text, text, 4, 0.5, None, None, None, (), ()),
            Scores(text, "test", 4, 0.5, 0.1, 0.2, 0.3,
                   (ClassScore(1, 1, None, 1, 1, 1), ClassScore(99, 0, 0, 0, 0, 3)), ((1, 1), (1, 1)),
                   {"names": [text, text], "subset": text, "notes": [text], "variants": [{"name": text}],
                    "places": [{"name": text, "mostly": text}], "radiometry": [{"name": text}],
                    "compared": [{"name": text, "difference": 0.1}],
                    "baseline": {"name": text, "iou": [0.1, 0.2], "difference": {"difference": 0.1}}}),
        ),
        warnings=(f"{text}\x07",) * 100,
        extra={
            "lulc:training_places": [{"set": text}, {"set": "a", "places": [[0, 0]]}],
            "lulc:limits": [text, f"[{text}](javascript:alert(1))"], "lulc:needs": [text], "lulc:making": [text],
            "lulc:other_programs": [text], "lulc:imagery": text, "lulc:weight_precision": text,
            "lulc:evaluation": {"method": [text], "baseline": [text], "radiometry": [text]},
            "lulc:window_border": {"images": 1, "distances": [0], "changed": {text: [0.5]}, "worst": 0.1},
            "lulc:calibration": {"temperature": 2, "method": [text], "expected_error_before": {text: 0.1},
                                 "expected_error_after": {text: 0.2}},
        },
    )  # fmt: skip


@pytest.fixture
def nasty(made):
    """The description of `made` with a hostile text wherever there is one."""
    return _nasty(made.spec)


@pytest.fixture
def nasty_with(made):
    """`nasty_with(text)`: the same with another text."""
    return lambda text: _nasty(made.spec, text)
