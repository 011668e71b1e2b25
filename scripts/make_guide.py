# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the guide's pages (docs/*.html) from docs/*.md: what the button Help of an algorithm opens.

    .venv-engine/bin/python scripts/make_guide.py [--check]

Set-up writes them into the checkout, which is a plugin, too; they are not in git. With --check nothing is written, and
the exit status is 1 when a page is missing or older than its text. A line `<a id="name"></a>` before a heading is an
anchor that stays when the heading's words change. For each algorithm that the contents list there is a page of its own,
which leads to its section: an address with an anchor does not reach every browser.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCS = Path(__file__).resolve().parents[1] / "docs"
CONTENTS = "index.md"
ANCHOR = re.compile(r'<a id="([a-z0-9-]+)"></a>')
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} – Land Cover Classifier</title>
<link rel="stylesheet" href="guide.css">
</head>
<body>
<nav aria-label="Pages of the guide">
{links}
</nav>
<main>
{body}</main>
</body>
</html>
"""

#: A row of the contents: page, anchor (the algorithm's name), id.
ALGORITHM = re.compile(r"\]\(([a-z-]+)\.md#([a-z]+)\) \| `lulc:\2`")
LEADS_ON = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={target}">
<title>Land Cover Classifier</title>
</head>
<body><p><a href="{target}">To the guide</a></p></body>
</html>
"""


def slug(heading: str, taken: set[str]) -> str:
    """The anchor that GitHub gives a heading; the second of two alike gets a number."""
    plain = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
    found, number = plain, 0
    while found in taken:
        number += 1
        found = f"{plain}-{number}"
    taken.add(found)
    return found


def _inline_text(token: Token) -> str:
    return "".join(child.content for child in token.children or () if child.type in ("text", "code_inline"))


def _with_anchors(tokens: list[Token]) -> Iterator[Token]:
    """The tokens with an id in each heading, and in front of it the anchors that were written for it."""
    taken: set[str] = set()
    skip = 0
    for position, token in enumerate(tokens):
        if skip:
            skip -= 1
            continue
        if token.type == "paragraph_open" and ANCHOR.fullmatch(tokens[position + 1].content):
            (name,) = ANCHOR.findall(tokens[position + 1].content)
            taken.add(name)
            anchor = Token("html_block", "", 0)
            anchor.content = f'<span class="anchor" id="{name}"></span>\n'
            yield anchor
            skip = 2  # its text and its end
            continue
        if token.type == "heading_open":
            token.attrSet("id", slug(_inline_text(tokens[position + 1]), taken))
        yield token


def _to_html(address: str) -> str:
    """A link to a page of the guide, as it is called once it is HTML; any other as it is."""
    path, hash_sign, anchor = address.partition("#")
    if path.endswith(".md") and "/" not in path:
        path = path[: -len(".md")] + ".html"
    return path + hash_sign + anchor


def render(markdown: str) -> tuple[str, str]:
    """Title and HTML of a page."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = list(_with_anchors(parser.parse(markdown)))
    title = next(
        (_inline_text(tokens[i + 1]) for i, t in enumerate(tokens) if t.type == "heading_open" and t.tag == "h1"), ""
    )
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _to_html(str(child.attrGet("href"))))
    html = parser.renderer.render(tokens, parser.options, {})
    html = html.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")
    return title, html


def _in_order(sources: list[Path]) -> list[Path]:
    """The contents first, then the pages as they are first linked there; the rest by name."""
    contents = (DOCS / CONTENTS).read_text(encoding="utf-8")
    places = {path: contents.find(f"({path.name}") for path in sources}
    return sorted(sources, key=lambda p: (p.name != CONTENTS, places[p] < 0, places[p], p.name))


def pages() -> dict[Path, str]:
    """All pages: file → text."""
    sources = _in_order(sorted(DOCS.glob("*.md")))
    rendered = {path: render(path.read_text(encoding="utf-8")) for path in sources}
    found = {}
    for path, (title, body) in rendered.items():
        links = "\n".join(
            f'<a href="{other.stem}.html"{" aria-current=page" if other == path else ""}>'
            f"{escape('Contents' if other.name == CONTENTS else name)}</a>"
            for other, (name, _) in rendered.items()
        )
        found[path.with_suffix(".html")] = PAGE.format(title=escape(title), links=links, body=body)
    for page, name in ALGORITHM.findall((DOCS / CONTENTS).read_text(encoding="utf-8")):
        found[DOCS / f"{name}.html"] = LEADS_ON.format(target=f"{page}.html#{name}")
    return found


def outdated() -> list[Path]:
    """Pages that are missing, older than their text, or left over."""
    wanted = pages()
    left_over = [path for path in sorted(DOCS.glob("*.html")) if path not in wanted]
    return left_over + [p for p, text in wanted.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]


def write() -> int:
    """Write all pages and remove those left over; returns how many there are."""
    wanted = pages()
    for path in outdated():
        if path in wanted:
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return len(wanted)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a page is out of date")
    if parser.parse_args().check:
        wrong = outdated()
        print("\n".join(f"docs/{path.name} is out of date: make guide" for path in wrong) or "The guide is up to date.")
        return 1 if wrong else 0
    print(f"the guide has {write()} pages in docs/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
