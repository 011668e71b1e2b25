# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptions inside the network's own file, so that a lost sidecar loses nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import helper

_OUTSIDE = ("lulc:sha256", "lulc:speed")


def embed(path: Path, item: Mapping[str, Any] | None, deepness: Mapping[str, str]) -> None:
    """Write the description (metadata key `mlm`) and Deepness's keys into a file.

    What describes the file itself (its size and digest) cannot stand inside it; how fast a machine ran it should not,
    because that may be measured again.

    Args:
        path: the network.
        item: the STAC Item; None for a file that only Deepness's keys describe.
        deepness: its keys and values.
    """
    model = onnx.load(str(path))
    said = dict(deepness)
    if item is not None:
        properties = {key: value for key, value in item["properties"].items() if key not in _OUTSIDE}
        asset = {key: value for key, value in item["assets"]["model"].items() if not key.startswith("file:")}
        inside = {**item, "properties": properties, "assets": {"model": asset}}
        said["mlm"] = json.dumps(inside, separators=(",", ":"), ensure_ascii=False)
    helper.set_model_props(model, said)
    onnx.save(model, str(path))
