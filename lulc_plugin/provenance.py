# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance of an output: versions and digests in its metadata, so that a map can be explained years later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .environment import packages

#: Metadata keys have this prefix.
PREFIX = "LULC_"
_LONGEST = 4000


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in groups of eight hexadecimal digits joined by dashes."""
    import hashlib  # slow, and this module is imported when QGIS starts

    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    text = digest.hexdigest()
    return "-".join(text[i : i + 8] for i in range(0, len(text), 8))


def plugin_version() -> str:
    """Version of this program, from metadata.txt beside the package or from the installed wheel."""
    metadata = Path(__file__).resolve().parent.parent / "metadata.txt"
    if metadata.is_file():
        for line in metadata.read_text(encoding="utf-8").splitlines():
            if line.startswith("version="):
                return line.partition("=")[2].strip()
    return packages.installed_version("landcover-classifier") or "unknown"


def versions() -> dict[str, str]:
    """Versions of this program and of what computes its results."""
    versions_of_packages = {name: packages.look_up(name).version or "missing" for name in packages.REQUIRED}
    return {"landcover_classifier": plugin_version(), **versions_of_packages}


def tags(facts: Mapping[str, Any]) -> dict[str, str]:
    """Metadata tags of `facts`: keys with the prefix in upper case, values as text or compact JSON."""
    out = {}
    for key, value in facts.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        out[PREFIX + key.upper()] = text[:_LONGEST]
    return out
