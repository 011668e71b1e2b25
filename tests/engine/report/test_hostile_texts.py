# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages made of texts that would be markup: no element and no attribute is other than with harmless texts.

Every page is parsed with `html.parser` twice, with harmless and with hostile texts in all places where a text of a
layer, a field, a class, a network or a message can stand.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from lulc_plugin.classify import LayerCheck
from lulc_plugin.findings import ERROR, PASS, WARNING, Finding
from lulc_plugin.report import accuracy as report, check_page
from lulc_plugin.report.accuracy import files
from lulc_plugin.report.document import plain_text
from lulc_plugin.report.html_page import page

_SPEC = importlib.util.spec_from_file_location("report_examples", Path(__file__).with_name("report_examples.py"))
examples = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(examples)

#: Pieces of markup; see also the fixture `trick`.
TAGS = (
    "<img src=x onerror=a>",
    '"><script>',
    "</td></table>",
    "</style>",
    "-->",
    "<!--",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "\u202e",
)
PIECES = st.lists(st.sampled_from([*TAGS, *"<>\"'&/=`;:-!?[]{}# \n\t", "script", "img", "on", "url(", "x"]), max_size=8)
#: Four digits in a row are set apart by elements of their own.
NO_DIGITS = st.characters(blacklist_categories=("Nd", "Nl", "No"))
HOSTILE = st.one_of(PIECES.map("".join), st.text(NO_DIGITS, max_size=20))
#: What of a report is not a text: names of parts and styles, which are the program's own.
OWN = {"id", "kind", "style", "key", "kinds", "colour", "marked", "ticks"}
fuzzed = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def with_text(value, text, field=""):
    """`value` with `text` at the end of each of its texts, as deep as it goes."""
    if isinstance(value, str):
        return value if field in OWN or not value else value + plain_text(text)
    if dataclasses.is_dataclass(value):
        return replace(
            value, **{f.name: with_text(getattr(value, f.name), text, f.name) for f in dataclasses.fields(value)}
        )
    if isinstance(value, tuple):
        return tuple(with_text(item, text, field) for item in value)
    return value


@fuzzed
@given(HOSTILE)
@pytest.mark.parametrize("name", ["olofsson", "perfect_stratum", "nasty"])
def test_accuracy_reports(same_elements, name, text):
    document = files._document(report.json_object(examples.EXAMPLES[name]()))
    same_elements(page(with_text(document, "x")), page(with_text(document, text)))


def test_accuracy_reports_of_hostile_layers(same_elements, trick):
    """From the result on: names of layers, classes, strata and fields."""

    def made(words):
        result = examples.nasty()
        classes = tuple(replace(c, name=f"{c.name}{words}") for c in result.classes)
        layer = replace(result.map, name=f"map{words}", path=f"/x/{words}", detail=words)
        parameters = {f"FIELD{words}": words, "list": [words]}
        context = replace(result.context, warnings=(words,), parameters=parameters, excluded=((words, 3),))
        return report.html_text(replace(result, classes=classes, map=layer, context=context))

    same_elements(made("x"), made(trick))


@fuzzed
@given(HOSTILE, HOSTILE)
def test_checks_of_layers_and_installations(same_elements, text, other):
    def findings(a, b):
        return tuple(Finding("layer.crs", level, f"t{a}", f"d{b}", f"r{a}") for level in (PASS, WARNING, ERROR))

    def layer(a, b):
        return check_page.layer_page(LayerCheck(f"n{a}", f"m{b}", findings(a, b), ()))

    def installation(a, b):
        return check_page.installation_page(findings(a, b), {"layer": f"h{a}"}, f"v{b}", f"d{a}")

    for made in (layer, installation):
        same_elements(made("x", "x"), made(text, other))
