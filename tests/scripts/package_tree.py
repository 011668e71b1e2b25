# SPDX-License-Identifier: GPL-3.0-or-later
"""A small tree that can be packaged, for the tests of packaging and release; `plant(folder)` makes it."""

from pathlib import Path

METADATA = """\
[general]
name=Land Cover Classifier
version=1.2.3
qgisMinimumVersion=3.22
qgisMaximumVersion=4.99
description=Maps
about=Needs rasterio and onnxruntime;
    both can be installed
author=Some people
email=people@maps.org
homepage=https://maps.org/
tracker=https://maps.org/issues
repository=https://maps.org/code
license=GPL-3.0-or-later
category=Raster
tags=land cover,raster
icon=resources/icons/landcover.svg
hasProcessingProvider=yes
changelog=1.2.3
    - Maps are better: by far
"""
CHANGELOG = """\
# Changelog

## [1.2.3] - 2026-01-31

### Added
- **Maps** (`lulc:maps`) are better: by
  far. And more.

## [1.2.2] - 2025-12-01
- The first one.
"""
CITATION = """\
cff-version: 1.2.0
message: "Cite it."
type: software
title: "Land Cover Classifier"
version: 1.2.3
date-released: 2026-01-31
license: GPL-3.0-or-later
"""
PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "landcover-classifier"
version = "1.2.3"

[tool.setuptools]
packages = ["lulc_plugin"]
"""
FILES = {
    "setup.py": "from setuptools import setup\n\nsetup()\n",
    "pyproject.toml": PROJECT,
    "MANIFEST.in": "include metadata.txt\n",
    "metadata.txt": METADATA,
    "CHANGELOG.md": CHANGELOG,
    "CITATION.cff": CITATION,
    "LICENSE": "LICENSE",
    "NOTICE": "NOTICE",
    "README.md": "# Read",
    "SECURITY.md": "# Security",
    "__init__.py": "def classFactory(iface):\n    return iface\n",
    "lulc_plugin/__init__.py": '"""The engine."""\n',
    "lulc_plugin/report/page.html": "<p>",
    "lulc_plugin/__pycache__/x.pyc": "junk",
    "algorithms/bridge/plugin.py": "import os\n",
    "models/net-v1.json": '{"checksum": "sha256:' + "ab" * 32 + '"}',
    "models/net-v1.onnx": "weights",
    "models/.cache/hidden.json": "{}",
    "resources/icons/landcover.svg": "<svg/>",
    "resources/legends/six.json": "{}",
    "resources/sample/place.tif": "pixels",
    "resources/.hidden": "junk",
    "docs/accuracy.md": "# How accurate",
    "docs/accuracy.html": "<h1>How accurate</h1>",
    "tests/engine/test_x.py": "assert True\n",
    "training/train.py": "import pickle\n",
    ".venv/lib/x.py": "assert True\n",
}


def plant(root: Path) -> Path:
    """Write the files below `root`."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that has to be there."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise ValueError(f"{old!r} is not in {path}")
    path.write_text(text.replace(old, new), encoding="utf-8")
