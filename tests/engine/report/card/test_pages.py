# SPDX-License-Identifier: GPL-3.0-or-later
"""The two writers: HTML and Markdown say the same, and texts of strangers stay text in both."""

from __future__ import annotations

import html as html_lib
import re
from pathlib import Path

import pytest

from lulc_plugin import bundled
from lulc_plugin.model import catalogue
from lulc_plugin.report.card import (
    inline,
    markdown_card,
    pages,
)
from lulc_plugin.report.card.card import model_card
from lulc_plugin.report.card.pages import card_html, card_markdown
from lulc_plugin.report.document import Table
from lulc_plugin.report.matrix_view import contrast


def html_of(spec, path, listed=""):
    return card_html(model_card(spec, path, listed))


CHECKOUT = Path(__file__).resolve().parents[4]


def test_one_file_without_script_or_network(page, outline):
    found = outline(page)
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in found.tags}
    for tag, attributes in found.tags:
        assert not [a for a in attributes if a.startswith("on")], tag
        assert "src" not in attributes and attributes.get("href", "#").startswith("#")
        assert re.fullmatch(r"background-color:#[0-9A-Fa-f]{6}", attributes.get("style", "background-color:#000000"))
    style = page.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in page


def test_structure_for_screen_readers_and_keyboards(page, outline):
    found = outline(page)
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["href"][1:] in ids for tag, a in found.tags if tag == "a")
    tags = [tag for tag, _ in found.tags]
    assert tags.count("h1") == 1 and tags.count("main") == 1 and tags.count("caption") == tags.count("table")
    (drawing,) = [a for tag, a in found.tags if tag == "svg"]
    assert drawing["role"] == "img" and "places, from" in drawing["aria-label"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_contrast(page, dark):
    style = page.split("<style>")[1].split("</style>")[0]
    own = style[style.index(".world svg") :]
    light, _, rest = own.partition("@media (prefers-color-scheme: dark) {")
    rules = rest.split("@media print")[0] if dark else light
    text = "#e6eaea" if dark else "#14181b"
    assert contrast(re.search(r"\.code pre \{[^}]*background: (#\w{6})", rules).group(1), text) >= 7
    dot = re.search(r"\.dot \{ fill: (#\w{6})", rules).group(1)
    land = re.search(r"\.land \{ fill: (#\w{6})", rules).group(1)
    assert contrast(dot, land) >= 3  # WCAG: graphics


def test_texts_of_strangers_are_only_text(made, outline, nasty, hostile):
    html = html_of(nasty, made.path, hostile)
    found = outline(html)
    assert "<script" not in html and "<i>" not in html and html.count("</style>") == 1
    assert not [a for _, a in found.tags if "javascript" in str(a)]
    assert found.text.count(hostile) > 20
    html.encode("utf-8")
    assert "\x07" not in html and "\x00" not in html
    assert html.count("<li>&lt;/td&gt;") < 60  # not all of a hundred warnings


def test_hostile_texts_make_no_element(made, nasty_with, same_elements, trick):
    trick = trick.replace("\ud800", "x")  # refused in the name of a class
    same_elements(*(html_of(nasty_with(text), made.path, text) for text in ("x", trick)))


@pytest.mark.parametrize("name", bundled.model_names())
def test_the_card_in_the_repository_is_what_the_description_says(name):
    one = catalogue.by_name(name)
    written = one.path.with_suffix(".md").read_text(encoding="utf-8")
    assert markdown_card(one.spec, one.path) == written, "python -m training.release --cards writes it anew"
    assert str(CHECKOUT) not in written


@pytest.mark.parametrize("name", bundled.model_names())
def test_both_cards_say_the_same(name, outline):
    one = catalogue.by_name(name)
    card = model_card(one.spec, one.path, one.spec.name, one.spec.name)
    html, markdown = outline(card_html(card)).text, card_markdown(card)
    blank = str.maketrans("", "", "\u202f\u00a0 \n\\<>")
    squeezed_html, squeezed = html.translate(blank), markdown.translate(blank)
    for part in card.sections:
        for sentence in part.sentences:
            assert sentence.translate(blank) in squeezed and sentence.translate(blank) in squeezed_html
        for row in [row for table in part.parts if isinstance(table, Table) for row in table.rows]:
            for value in row.cells:
                if isinstance(value, int):
                    assert str(value) in squeezed and str(value) in squeezed_html


def test_markdown_of_strangers_is_only_text(made, outline, nasty, hostile):
    text = card_markdown(model_card(nasty, made.path, hostile))
    assert "\x07" not in text and "\x00" not in text
    outside = re.sub(r"(?ms)^```+$.*?^```+$", "", text)
    assert not re.search(r"(?<!\\)<(?!https?://)", outside)
    for block in outside.split("\n\n"):
        if block.startswith("|"):  # as many cells in every row
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    parser = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    html = parser.MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    allowed = {"h1", "h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "pre", "code",
               "blockquote"}  # fmt: skip
    found = outline(html)
    assert {tag for tag, _ in found.tags} <= allowed
    assert found.text.count(hostile) > 20


@pytest.mark.parametrize(
    "text",
    ["# a", "#a", "- a", "  - a", " 1. a", "12²",
     "+ a", "* a", "1. a", "12) a", "> a", "--- a", "---", "===", "| a | b |", "`a`", "``` a",
     "~~~", "[a](javascript:x)", "![a](http://x/y.png)", "[a]: x", "<b>a</b>", "<https://x", "&lt;", "&#60;",
     "*a* _b_ __c__", "a_b_c", "$a$", "~a~ ~~b~~", "a\\", "\\*a*", "    code", "a\n\n# b", "http",
     "-0.361", "80.0 %", "1.", "-"],
)  # fmt: skip
def test_escaped_text_reads_as_it_is(text):
    parser = pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    markdown = parser.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    plain = " ".join(text.split())

    def shown(written):
        return html_lib.unescape(re.sub("</?a.*?>", "", markdown.render(written)))

    assert shown(pages.escaped(text)) == f"<p>{plain}</p>\n"
    assert shown(f"- {pages.escaped(text)}") == f"<ul>\n<li>{plain}</li>\n</ul>\n"
    assert shown(pages.markdown_table(["h"], [[inline(text)]])).count(f"<td>{plain}</td>") == 1


def test_addresses_become_links_whole():
    assert inline("see https://x.org/a_b*c?d=1&e=2.") == "see <https://x.org/a_b*c?d=1&e=2>."
    assert inline("javascript:alert(1) ftp://x") == "javascript:alert(1) ftp://x"
    assert inline("https://x.org/a|b](c) <") == "<https://x.org/a>\\|b\\](c) \\<"
