# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile texts, and what a page made of them may not have."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

TRICKS = (
    "<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "'><svg/onload=alert(1)>", "</td></table><b>x",
    "</style><style>@import url(http://x)", "--><iframe src='//x'>", "<!--", "]]><!DOCTYPE x [", "<?php",
    "&lt;img src=x&gt;", "&#60;b&#62;", "<a href='javascript:x'>y</a>", "</title><link rel=stylesheet href=//x>",
    "<\x00b>", "<b\n>", "< b >", '" style="background:url(http://x)', "{{ 7*7 }}{% include 'x' %}", "${7*7}",
    "<base href=//x>", "</pre><object data=x>", "\u202e<i>\u202c", "\u2066x\u2069", "\ud800<b>", "<plaintext>",
    "<meta http-equiv=refresh content='0;url=//x'>", "⟦bands=<b>⟧", "⟦importmodel!⟧<u>",
)  # fmt: skip


class Elements(HTMLParser):
    """Elements with their attributes, and what would be read from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        # these attributes are read to people who do not see, and hold texts
        self.found.append((tag, [(name, "" if name in ("aria-label", "title") else value) for name, value in attrs]))

    def handle_endtag(self, tag):
        self.found.append(f"/{tag}")

    def handle_comment(self, data):
        self.found.append("comment")

    def handle_decl(self, decl):
        self.found.append(decl)

    def unknown_decl(self, data):
        self.found.append("unknown")

    def handle_pi(self, data):
        self.found.append("instruction")


def _same_elements(harmless, hostile):
    expected, found = Elements(harmless).found, Elements(hostile).found
    assert found == expected
    for entry in found:
        for name, value in entry[1] if isinstance(entry, tuple) else ():
            assert not name.startswith("on") and name not in ("src", "srcset", "data", "action", "poster", "background")
            if name == "href":
                assert value.startswith("#")
    assert not re.search(r"url\(|@import", hostile.split("<style>")[1].split("</style>")[0])
    assert not set("\u202e\u2066\u2069\u202c\x00") & set(hostile)
    hostile.encode("utf-8")


@pytest.fixture(scope="session")
def same_elements():
    """`same_elements(page of harmless texts, page of hostile texts)`."""
    return _same_elements


@pytest.fixture(scope="session", params=TRICKS)
def trick(request):
    """A text that would be markup."""
    return request.param
