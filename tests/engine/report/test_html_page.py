# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML report: self-contained, safe with users' texts, readable in light, dark and on paper."""

from __future__ import annotations

import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lulc_plugin.report import accuracy as report, html_page, matrix_view
from lulc_plugin.report.html_page import grouped
from lulc_plugin.report.number_format import area_decimals, cell, percent

_SPEC = importlib.util.spec_from_file_location("report_examples", Path(__file__).with_name("report_examples.py"))
examples = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(examples)
EXAMPLES = examples.EXAMPLES
names = pytest.mark.parametrize("name", EXAMPLES)

VOID = {"meta", "br", "hr", "img", "link", "input"}
TEMPLATES = Path(html_page.__file__).parent / "templates"


class _Outline(HTMLParser):
    """Every tag with its attributes, the text, and whether the tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open and self._open[-1] == tag, f"</{tag}> closes <{self._open[-1:]}>"
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text += data

    def close(self):
        super().close()
        assert not self._open


def outline(text):
    parser = _Outline()
    parser.feed(text)
    parser.close()
    return parser


@names
def test_one_file_without_script_or_network(name):
    html = report.html_text(EXAMPLES[name]())
    found = outline(html)
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in found.tags}
    for tag, attributes in found.tags:
        assert not [a for a in attributes if a.startswith("on")], tag
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        if "style" in attributes:
            assert re.fullmatch(r"background-color:#[0-9A-Fa-f]{6}", attributes["style"])
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in html


@names
def test_structure_for_screen_readers_and_keyboards(name):
    found = outline(report.html_text(EXAMPLES[name]()))
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"][1:] in ids for tag, a in found.tags if tag == "a")
    tags = [tag for tag, _ in found.tags]
    assert tags.count("h1") == 1 and tags.count("main") == 1
    assert tags.count("caption") == tags.count("table")
    for tag, attributes in found.tags:
        if tag == "th":
            assert attributes.get("scope") in ("col", "row", "colgroup", "rowgroup")
        if "scroll" in (attributes.get("class") or "").split():
            assert attributes["tabindex"] == "0" and attributes["role"] == "region" and attributes["aria-label"]


def test_texts_of_users_are_only_text():
    html = report.html_text(EXAMPLES["nasty"]())
    found = outline(html)
    for text in (
        "<script>alert(1)</script>",
        "</td><script>",
        "<b>here</b>",
        "<i>map</i>.tif",
        "/x/</style><script>.tif",
    ):
        assert text in found.text
    assert html.count("<script") == 0 and "<b>" not in html and html.count("</style>") == 1
    html.encode("utf-8")
    assert "\ufffd" in html and "\x07" not in html
    assert "http://x" not in html.split("Warnings")[0].split("</style>")[1]


def test_absent_classes_are_greyed_and_not_zero():
    html = report.html_text(EXAMPLES["nasty"]())
    row = re.search(r'<tr class="muted">\n<th scope="row">A, &#34;B&#34; \(3\)</th>(.*?)</tr>', html, re.DOTALL)
    assert row and row.group(1).count("n/a") == 5


def _scheme_rules(html, dark):
    style = html.split("<style>")[1].split("</style>")[0]
    light, _, rest = style.partition("@media (prefers-color-scheme: dark) {")
    return rest.split("@media print")[0] if dark else light


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_contrast_of_heat_map_and_text(dark):
    """Every colour pair as it stands in the file: at least 4.5 to 1 (WCAG AA)."""
    html = report.html_text(EXAMPLES["olofsson"]())
    rules = _scheme_rules(html, dark)
    cells = re.findall(r"td\.(agreement|error)(\d) \{ background-color: (#\w{6}); color: (#\w{6}); \}", rules)
    assert len(cells) == 2 * matrix_view.STEPS
    for _, _, background, text in cells:
        assert matrix_view.contrast(background, text) >= 4.5
    assert len({background for _, _, background, _ in cells}) == 2 * matrix_view.STEPS
    page = "#14181b" if dark else "#ffffff"
    texts = set(re.findall(r"(?<![-\w])color: (#\w{6})", rules)) - {t for *_, t in cells}
    fills = set(re.findall(r"\.tick \{[^}]*fill: (#\w{6})", rules))
    assert len(texts) >= 3 and fills
    for text in texts | fills:
        assert matrix_view.contrast(page, text) >= 4.5, text
    box = re.search(r"\.warnings \{[^}]*background: (#\w{6})", rules).group(1)
    assert matrix_view.contrast(box, "#e6eaea" if dark else "#14181b") >= 4.5


def test_black_text_stays_readable_when_paper_drops_the_shades():
    """A browser that prints no backgrounds leaves the light scheme's text on white."""
    assert matrix_view.contrast("#ffffff", matrix_view.LIGHT.text) > 12
    assert all(
        matrix_view.contrast("#000000", matrix_view.LIGHT.step(kind, matrix_view.STEPS)) > 7
        for kind in ("agreement", "error")
    )


def test_contrast_is_that_of_wcag():
    assert matrix_view.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert matrix_view.contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=1e-3)


def test_never_colour_alone():
    """The diagonal is bold and framed, every cell has its number, the bars are named in words."""
    html = report.html_text(EXAMPLES["olofsson"]())
    matrix = html.split('<table id="counts"')[1].split("</table>")[0]
    cells = re.findall(r'<td class="n ([^"]*)">(.*?)</td>', matrix)
    assert all(re.sub("<.*?>", "", text) for _, text in cells)
    assert sum("hit" in style for style, _ in cells) == 4
    assert re.search(r"\.matrix td\.hit \{[^}]*font-weight: 700[^}]*outline", html)
    chart = html.split('id="accuracy_chart"')[1].split("</table>")[0]
    assert chart.count("user&#39;s") >= 4 and chart.count("producer&#39;s") >= 4


def test_bars_and_whiskers_lie_where_the_numbers_say():
    html = report.html_text(EXAMPLES["olofsson"]())
    chart = html.split('id="accuracy_chart"')[1].split("</table>")[0]
    assert re.search(r'<rect class="strong" x="0" y="3" width="88.00%"', chart)
    assert '<line class="whisker" x1="80.60%" x2="95.40%"' in chart
    assert chart.count("<rect") == 8 and chart.count('class="whisker"') == 24
    census = report.html_text(EXAMPLES["asymmetric_census"]())
    assert 'whisker"' not in census.split("</style>")[1]


def test_large_matrices_show_the_largest_classes_and_what_the_rest_sums_to():
    result = EXAMPLES["sixty"]()
    html = report.html_text(result)
    matrix = html.split('<table id="counts"')[1].split("</table>")[0]
    assert "the 30 largest of 60 classes" in html
    heads = matrix.split("</thead>")[0]
    assert heads.count('class="n class"') == 31 and "(other classes)" in heads
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", matrix.split("<tbody>")[1], re.DOTALL)[:32]
    rows = [[int(re.sub("<.*?>", "", text)) for text in re.findall(r"<td[^>]*>(.*?)</td>", row)[:32]] for row in lines]
    for row in rows:
        assert sum(row[:31]) == row[31]
    assert [sum(column) for column in zip(*rows[:31])] == rows[31]


def test_wide_matrices_are_cut_for_paper_and_no_column_is_lost():
    html = report.html_text(EXAMPLES["sixty"]())
    part = html.split('<table id="counts"')[1].split('<table id="area_shares"')[0]
    pieces = part.split('<div class="on-paper" aria-hidden="true">')[1:]
    assert len(pieces) > 1
    rows = [re.findall(r"<td", piece.split("<tbody>")[1].split("</tr>")[0]) for piece in pieces]
    assert sum(len(row) for row in rows) == 33
    style = (TEMPLATES / "print.css").read_text(encoding="utf-8")
    assert ".on-screen { display: none; }" in style and ".on-paper { display: block" in style
    assert "on-paper" not in report.html_text(EXAMPLES["olofsson"]()).split("</style>")[1]


def test_old_browsers_get_plain_values_first():
    """QGIS's viewer knows neither variables nor grid; what it cannot read must only add to what it can."""
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    assert "var(" not in style and "display: grid" not in style and "display: flex" not in style
    assert re.search(r"body \{[^}]*background: #ffffff; color: #14181b", style)


def test_thousands_are_set_apart_by_style_only():
    assert grouped("1234567.891") == '1<span class="g">234</span><span class="g">567</span>.891'
    assert grouped("-21158") == '-21<span class="g">158</span>'
    assert grouped("999") == "999" and grouped("n/a") == "n/a"
    assert grouped("<1234") == '&lt;1<span class="g">234</span>'


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "share", "n/a"), (0.94651, "share", "0.947"), (0.94651, "percent", "94.7"), (0, "percent", "0"),
        (0.0, "percent", "0"), (0.0004, "percent", "0.0"), (12345, "count", "12345"), (0.05, "signed", "+0.050"),
        (-0.0001, "signed", "0.000"), (1e-12, "p", "1.0e-12"), (0.04567, "p", "0.046"), (21157.76, "area0", "21158"),
        (-1813.8, "signed-area0", "-1814"), (2.0, "size", "2"), (2.5, "size", "2.50"), ("text", "share", "text"),
    ],
)  # fmt: skip
def test_cells(value, kind, text):
    assert cell(value, kind) == text


def test_sentences_never_round_to_perfect():
    assert percent(1.0) == "100.0\u00a0%" and percent(0.99996) == "99.996\u00a0%"
    assert percent(0.0) == "0.0\u00a0%" and percent(0.00004) == "0.004\u00a0%"


def test_area_decimals_follow_the_smallest_class():
    assert area_decimals([21157.8, 11686.2]) == 0
    assert area_decimals([500_000.0, 3.21]) == 2
    assert area_decimals([0.0123, 0.5]) == 4
    assert area_decimals([None, 0.0]) == 0
