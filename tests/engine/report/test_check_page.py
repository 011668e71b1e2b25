# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a check, of a layer or of an installation."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from lulc_plugin.classify import LayerCheck
from lulc_plugin.errors import LulcError
from lulc_plugin.findings import ERROR, NOTE, PASS, WARNING, Finding
from lulc_plugin.options import QGIS, SHELL, option
from lulc_plugin.report import check_page
from lulc_plugin.report.matrix_view import contrast

NASTY = Finding("packages.nasty", ERROR, "</table><script>", "a & b \ud800\x07", "<i>do</i>")
HEADINGS = {"packages": "Packages <b>", "gdal": "GDAL"}


def installation(*findings):
    return check_page.installation_page(findings, HEADINGS, "1 check failed.", "today")


def layer(*findings):
    return check_page.layer_page(LayerCheck("<b>.tif", "net-v1", findings, ()))


def closed(text):
    """Whether every tag of a page is closed in its turn."""
    open_tags = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(text)
    return open_tags == []


@pytest.mark.parametrize("page", [installation, layer])
def test_page_is_safe_and_whole(page):
    text = page(Finding("gdal.version", PASS, "t", "d"), NASTY)
    assert "<script" not in text and "<b>" not in text and "&lt;i&gt;do&lt;/i&gt;" in text
    assert "default-src 'none'" in text and "url(" not in text and "http" not in text.split("</style>")[1]
    assert closed(text) and "\ud800" not in text


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    check_page.write_installation_page(tmp_path / "a.html", (NASTY,), HEADINGS, "v", "today")
    check_page.write_check(tmp_path / "b.html", LayerCheck("a", "", (NASTY,), ()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]
    with pytest.raises(LulcError, match="cannot be written"):
        check_page.write_installation_page(tmp_path / "none" / "a.html", (NASTY,), HEADINGS, "v", "today")


def test_findings_of_one_topic_are_one_table():
    text = installation(
        Finding("packages.numpy", PASS, "numpy", "2"),
        Finding("packages.scipy", WARNING, "scipy", "none", "Get it."),
        Finding("gdal.version", PASS, "GDAL", "3"),
    )
    assert text.count("<table ") == 2 and text.index("scipy") < text.index('<h2 id="part1">GDAL</h2>')
    assert re.findall(r'class="value">(\d)<', text) == ["2", "1", "0"]
    assert '<td role="cell" class="level pass">OK</td>' in text and '<span class="remedy">Get it.</span>' in text


def test_a_layer_is_told_in_words_and_numbers():
    text = layer(
        Finding("layer.crs", PASS, "Coordinate system", "30 m."), Finding("values.range", NOTE, "Range", "any.")
    )
    assert re.findall(r'class="value">(\d)<', text) == ["0", "0", "1", "1"]
    assert '<td role="cell" class="level note">INFO</td>' in text and "net-v1; nothing speaks against it" in text


def test_options_are_named_as_where_the_page_is_read():
    finding = Finding("bands.order", WARNING, "Order", "wrong.", f"Set {option('bands', [3, 2])}.")
    check = LayerCheck("a", "", (finding,), ())
    assert "BANDS=3;2" in check_page.layer_page(check, QGIS)
    assert "--bands 3,2" in check_page.layer_page(check, SHELL)
    assert "--bands 3,2" in check_page.installation_page((finding,), {}, "v", "today", SHELL)


@pytest.mark.parametrize("dark", [False, True])
def test_levels_can_be_read(dark):
    style = installation().split("<style>")[1].split(".checks td.level", 1)[1].split("@media print")[0]
    light, _, rest = style.partition("@media (prefers-color-scheme: dark) {")
    colours = re.findall(r"\.(?:pass|note|warning|error) \{ color: (#\w{6}); \}", rest if dark else light)
    assert len(colours) == 4
    assert all(contrast(colour, "#14181b" if dark else "#ffffff") >= 4.5 for colour in colours)


def test_a_page_without_its_style_sheets_is_plain(monkeypatch, tmp_path):
    monkeypatch.setattr(check_page, "_STYLES", tmp_path)
    assert "Coordinate system" in layer(Finding("layer.crs", PASS, "Coordinate system", "30 m."))
