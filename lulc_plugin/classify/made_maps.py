# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that this program made, as their metadata tell: one that is given as an image, and those of a layer beside it.

What a run warned of at its end stands in a log that is soon closed; whoever checks the layer later hears it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from rasterio.errors import RasterioError

from ..errors import LulcError
from ..findings import Findings
from ..legend import visible_text
from ..provenance import PREFIX
from ..raster import LayerFacts, open_dataset
from .confidence import warning_of_map

_MODEL, _INPUT = f"{PREFIX}MODEL", f"{PREFIX}INPUT"
_MOST_FILES = 200
_MOST_TOLD = 3
_LONGEST = 100


def check_own_map(facts: LayerFacts, findings: Findings) -> None:
    """Whether a layer is, or was made from, a map of this program, and whether its run ended with a warning."""
    if _MODEL not in facts.tags:
        return
    model, image = (visible_text(facts.tags.get(key, ""))[:_LONGEST] for key in (_MODEL, _INPUT))
    findings.warn(
        "layer.map",
        f"{facts.name} is a land-cover map of this program, or was made from one: its metadata name the network {model}"
        f" and the image {image or 'unknown'}.",
        "Give the image.",
    )
    _tell(facts.name, facts.tags, findings)


def check_maps_beside(facts: LayerFacts, findings: Findings) -> None:
    """Whether maps of a layer, in its own folder, ended with the warning that the network has not seen such land."""
    told = 0
    for path, tags in _maps_beside(facts):
        told += _tell(path.name, tags, findings)
        if told == _MOST_TOLD:
            return


def _tell(name: str, tags: Mapping[str, str], findings: Findings) -> bool:
    doubt = warning_of_map(tags)
    if doubt:
        findings.warn("layer.confidence", f"The run that made {name} ended with a warning. {doubt}")
    return bool(doubt)


def _maps_beside(facts: LayerFacts) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """The maps of a layer in its folder, with their metadata; none for what is no local file."""
    layer = Path(facts.path)
    try:
        found = {path.name: path for path in layer.parent.iterdir()} if os.path.isfile(layer) else {}
    except (OSError, ValueError):
        return
    # a map has its style beside it, and a folder may hold thousands of images
    maps = [
        path for name, path in sorted(found.items()) if path.suffix in (".tif", ".tiff") and f"{path.stem}.qml" in found
    ]
    for path in maps[:_MOST_FILES]:
        if path.name == facts.name:
            continue
        try:
            with open_dataset(path) as dataset:
                tags = dataset.tags()
        except (RasterioError, OSError, LulcError):
            continue  # whoever needs that file is told
        if _MODEL in tags and tags.get(_INPUT) == facts.name:
            yield path, tags
