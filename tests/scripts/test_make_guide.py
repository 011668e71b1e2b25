# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's pages: made from the texts beside them, and none of their links leads nowhere."""

import importlib.util
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
PAGES = sorted(DOCS.glob("*.html"))


class Page(HTMLParser):
    """The anchors of a page, and what it links to or shows."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.tags = [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        self.tags.append(tag)
        if "id" in said:
            self.anchors.append(said["id"])
        self.links += [said[key] for key in ("href", "src") if key in said]


def script():
    pytest.importorskip("markdown_it", reason="markdown-it-py is not installed")
    spec = importlib.util.spec_from_file_location("make_guide", CHECKOUT / "scripts" / "make_guide.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_up_to_date():
    wanted = script().pages()
    assert set(wanted) == set(PAGES), "run make guide"
    for path, text in wanted.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make guide"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    page = Page(path)
    assert len(set(page.anchors)) == len(page.anchors)
    assert "script" not in page.tags
    for link in page.links:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file() and target.resolve().is_relative_to(DOCS), link
        if anchor:
            assert anchor in Page(target).anchors, link


def test_every_page_is_in_the_contents():
    linked = {link.partition("#")[0] for link in Page(DOCS / "index.html").links}
    assert {path.name for path in PAGES} <= linked | {"index.html"}


def test_rendering():
    """An anchor stays in front of its heading, links follow the pages, two headings alike differ, text is escaped."""
    text = '# A & b\n\n<a id="here"></a>\n\n## Say: DESIGN\n\n## Say: DESIGN\n\n'
    title, html = script().render(text + "[x](other.md#y) [z](https://a.b/c.md) `<`\n")
    assert title == "A & b"
    assert '<span class="anchor" id="here"></span>\n<h2 id="say-design">' in html
    assert '<h2 id="say-design-1">' in html
    assert 'href="other.html#y"' in html and 'href="https://a.b/c.md"' in html
    assert "&lt;" in html and "A &amp; b" in html
