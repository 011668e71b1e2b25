# SPDX-License-Identifier: GPL-3.0-or-later
"""How a network is called from a shell and from Python."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ..plain_values import plain_text
from .card_parts import Code


def examples(path: Path, listed: str) -> tuple[Code, ...]:
    """One line for each door: `qgis_process`, the engine at a shell, and Python in QGIS.

    Args:
        path: the .onnx file.
        listed: its name in the parameter MODEL; empty: it is reached by its file.
    """
    key, value = ("MODEL", listed) if listed else ("MODEL_FILE", str(path))
    values = {"INPUT": "scene.tif", key: value, "OUTPUT": "landcover.tif"}
    words = " ".join(shlex.quote(f"{name}={text}") for name, text in values.items())
    python = json.dumps(values, ensure_ascii=False)
    found = (
        ("At a shell, with QGIS", f"qgis_process run lulc:classifylandcover -- {words}"),
        (
            "At a shell, without QGIS",
            f"python -m lulc_plugin classify scene.tif landcover.tif --model {shlex.quote(str(path))}",
        ),
        ("In Python, inside QGIS", f'processing.run("lulc:classifylandcover", {python})'),
    )
    return tuple(Code(title, plain_text(text)) for title, text in found)
