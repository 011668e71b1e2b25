# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip itself: one folder, and the same bytes whenever and wherever it is made."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

NAME = "landcover_classifier"
LARGEST = 25_000_000  # bytes, the limit of plugins.qgis.org


def write_zip(root: Path, files: Sequence[Path], target: Path) -> None:
    """The files under one top folder; order, dates and permissions do not depend on the machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{NAME}/{path.as_posix()}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, (root / path).read_bytes(), compresslevel=9)
    part.replace(target)
