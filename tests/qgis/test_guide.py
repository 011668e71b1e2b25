# SPDX-License-Identifier: GPL-3.0-or-later
"""The button Help of each algorithm opens a page of the plugin that has a section on it."""

import re
from pathlib import Path

from qgis.PyQt.QtCore import QUrl


def test_every_algorithm_has_its_section(provider):
    assert len(provider.algorithms()) > 9
    for algorithm in provider.algorithms():
        url = QUrl(algorithm.helpUrl())
        page = Path(url.toLocalFile())
        assert url.isLocalFile() and page.is_file(), algorithm.helpUrl()
        assert not url.hasFragment(), "xdg-open would lose it"
        target, _, anchor = re.search('href="([^"]+)"', page.read_text(encoding="utf-8"))[1].partition("#")
        text = (page.parent / target).read_text(encoding="utf-8")
        assert anchor == algorithm.name() and f'id="{anchor}"' in text, f"{target} says nothing of {anchor}"


def test_the_contents_name_every_algorithm(provider, plugin):
    guide = plugin("algorithms.bridge.helptext")
    contents = (guide.DOCS / guide.CONTENTS).read_text(encoding="utf-8")
    for algorithm in provider.algorithms():
        assert f"lulc:{algorithm.name()}<" in contents
        assert f">{algorithm.displayName()}<" in contents


def test_a_folder_with_spaces(plugin, monkeypatch, tmp_path):
    """C:/Users/Jane Doe/… is where QGIS keeps plugins on Windows."""
    guide = plugin("algorithms.bridge.helptext")
    monkeypatch.setattr(guide, "DOCS", tmp_path / "Jane Doe #1" / "docs")
    address = guide.page_address("checklayer")
    assert address.isascii() and " " not in address
    url = QUrl(address)
    assert url.toLocalFile() == str(guide.DOCS / "checklayer.html")
