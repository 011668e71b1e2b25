# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's pages: made from the texts beside them, and none of their links leads nowhere."""

import importlib.util
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
SOURCES = sorted(DOCS.glob("*.md"))
ALGORITHMS = re.findall(r"`lulc:([a-z]+)`", (DOCS / "index.md").read_text(encoding="utf-8"))


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


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The guide in a folder of its own: texts, pictures and pages."""
    module = script()
    folder = tmp_path_factory.mktemp("docs")
    for path in DOCS.rglob("*"):
        if path.is_file() and path.suffix != ".html":
            (folder / path.relative_to(DOCS)).parent.mkdir(parents=True, exist_ok=True)
            (folder / path.relative_to(DOCS)).symlink_to(path)
    module.DOCS = folder
    assert module.write() == len(SOURCES) + len(ALGORITHMS)
    return module


def test_pages_that_are_missing_or_old_are_told(made):
    assert made.outdated() == []
    page = made.DOCS / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text("old", encoding="utf-8")
    (made.DOCS / "left-over.html").write_text("", encoding="utf-8")
    (made.DOCS / "accuracy.html").unlink()
    assert {path.name for path in made.outdated()} == {"index.html", "left-over.html", "accuracy.html"}
    made.write()
    assert made.outdated() == [] and page.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_links_lead_somewhere(made, source):
    path = made.DOCS / f"{source.stem}.html"
    page = Page(path)
    assert len(set(page.anchors)) == len(page.anchors)
    assert "script" not in page.tags
    for link in page.links:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.is_file() and Path(os.path.normpath(target)).is_relative_to(made.DOCS), link
        if anchor:
            assert anchor in Page(target).anchors, link


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_page_leads_to_each_algorithm(made, name):
    page = made.DOCS / f"{name}.html"
    (link,) = Page(page).links
    assert f'content="0; url={link}"' in page.read_text(encoding="utf-8")
    target, _, anchor = link.partition("#")
    assert anchor == name and anchor in Page(made.DOCS / target).anchors


def test_every_page_is_in_the_contents(made):
    linked = {link.partition("#")[0] for link in Page(made.DOCS / "index.html").links}
    assert {f"{path.stem}.html" for path in SOURCES} <= linked | {"index.html"}


def test_rendering():
    """An anchor stays in front of its heading, links follow the pages, two headings alike differ, text is escaped."""
    text = '# A & b\n\n<a id="here"></a>\n\n## Say: DESIGN\n\n## Say: DESIGN\n\n'
    title, html = script().render(text + "[x](other.md#y) [z](https://a.b/c.md) `<`\n")
    assert title == "A & b"
    assert '<span class="anchor" id="here"></span>\n<h2 id="say-design">' in html
    assert '<h2 id="say-design-1">' in html
    assert 'href="other.html#y"' in html and 'href="https://a.b/c.md"' in html
    assert "&lt;" in html and "A &amp; b" in html
