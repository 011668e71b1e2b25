# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind of a layer's stored values: reflectance in some scale, or a picture, whose numbers have no unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LulcError
from .bands import LayerBand
from .scaling import Step, Steps

#: What AlphaEarth embeddings are stored as: value = sign(v) · (v / 127.5)², and no data.
EMBEDDING_STEPS: Steps = (Step.of("scale", value=127.5), Step.of("signed-square"))
EMBEDDING_NODATA = -128.0
#: A00 to A63; a stack adds the layer's name where a name occurs twice.
_EMBEDDING_NAME = re.compile(r"A(?:[0-5]\d|6[0-3])(?: \(.*\))?", re.ASCII)
REFLECTANCE = "reflectance"
PICTURE = "picture"
#: Added to every Sentinel-2 pixel since processing baseline 04.00 (January 2022).
SENTINEL2_OFFSET = 1000.0
#: Reflectance 0 in Landsat Collection 2, level 2: DN · 0.0000275 − 0.2.
_LANDSAT_ZERO = 7273.0


@dataclass(frozen=True)
class Interpretation:
    """What stored values are.

    Attributes:
        kind: `reflectance` or `picture`.
        band_steps: steps that bring each band to reflectance, 0 to 1; empty for pictures.
        because: what this rests on, in words.
        warnings: sentences about values that look wrong.
    """

    kind: str
    band_steps: tuple[Steps, ...]
    because: str
    warnings: tuple[str, ...] = ()


def interpret_values(
    choice: str, dtypes: Sequence[str], bands: Sequence[LayerBand], probe: Sequence[npt.NDArray[Any]]
) -> Interpretation:
    """Decide what stored values are.

    Args:
        choice: `auto`, `reflectance` or `picture`, as the user chose.
        dtypes: number type of each band used.
        bands: what the layer says about each of them (scale and offset).
        probe: some valid stored values of each.

    Raises:
        LulcError: a declared scale or offset that cannot be meant.
    """
    count = len(bands)
    if choice == PICTURE:
        return Interpretation(PICTURE, ((),) * count, "as you set")
    declared = any(b.scale != 1 or b.offset != 0 for b in bands)
    _refuse_meaningless(bands)
    # black margins are often not declared as nodata; zeros are ignored as long as there is anything else
    used = [p[p != 0] if np.any(p != 0) else p for p in probe]
    physical = [
        np.asarray(p, np.float64) * b.scale + b.offset if declared else np.asarray(p, np.float64)
        for p, b in zip(used, bands)
    ]
    filled = [p for p in physical if p.size]
    high = max((float(np.percentile(p, 98)) for p in filled), default=0.0)
    low = min((float(np.percentile(p, 0.5)) for p in filled), default=0.0)
    if choice != REFLECTANCE:
        reason = _picture_reason(dtypes, declared, high, filled)
        if reason:
            return Interpretation(PICTURE, ((),) * count, reason)
    # 98 % of reflectances lie below 1.6 even over snow and cloud; ×10,000 the dimmest scene lies above it
    whole_numbers = not declared and all(np.dtype(d).kind in "iu" for d in dtypes)
    divisor = 1.0 if high <= 1.6 and not whole_numbers else 10_000.0
    steps: list[Steps] = []
    for band in bands:
        own: list[Step] = []
        if declared:
            if band.scale != 1:
                own.append(Step.of("scale", value=1 / band.scale))
            if band.offset != 0:
                own.append(Step.of("offset", value=-band.offset))
        if divisor != 1:
            own.append(Step.of("scale", value=divisor))
        steps.append(tuple(own))
    warnings = _too_bright(bands, declared, divisor, low)
    words = "scale and offset declared by the layer" if declared else "0 to 1" if divisor == 1 else "× 10,000"
    because = f"{words}{', as you set' if choice == REFLECTANCE else f'; 98 % of the values are below {high:.4g}'}"
    return Interpretation(REFLECTANCE, tuple(steps), because, warnings)


def is_embedding(band: LayerBand, dtype: str) -> bool:
    """Whether a band may hold an AlphaEarth embedding, −127 to 127: by its name, or by its declared scale."""
    if np.dtype(dtype).kind == "u":
        return False
    scaled = dtype == "int8" and math.isclose(abs(band.scale), 1 / 127.5, rel_tol=0.01)
    return scaled or _EMBEDDING_NAME.fullmatch(band.name) is not None


def holds_embedding(band: LayerBand, dtype: str, probe: npt.NDArray[Any]) -> bool:
    """Whether a band does: `is_embedding`, and some of its valid stored values are whole numbers of that range.

    A file that somebody has already brought to −1 … 1 is not.
    """
    whole = probe.size > 0 and bool(np.all(probe == np.rint(probe)) and np.all(np.abs(probe) <= -EMBEDDING_NODATA))
    return is_embedding(band, dtype) and whole


def _refuse_meaningless(bands: Sequence[LayerBand]) -> None:
    for band in bands:
        if not 1e-30 < abs(band.scale) < 1e30 or not abs(band.offset) < 1e30:
            raise LulcError(
                f"Band {band.number} declares a scale of {band.scale:g} and an offset of {band.offset:g}, which no"
                " measurement has.",
                "Correct them, for example with gdal_edit.py -scale 0.0001 -offset 0, or set the values to picture.",
            )


def _too_bright(bands: Sequence[LayerBand], declared: bool, divisor: float, low: float) -> tuple[str, ...]:
    """Whether the darkest pixel is so bright that an offset seems to have been forgotten."""
    if declared:
        only_scaled = all(b.offset == 0 and abs(b.scale / 1e-4 - 1) < 0.01 for b in bands)
        stored = low / 1e-4 if only_scaled else 0.0
    else:
        stored = low if divisor == 10_000 else 0.0
    if stored < SENTINEL2_OFFSET * 0.95:
        return ()
    if stored < _LANDSAT_ZERO * 0.9:
        return (
            f"No pixel is darker than {stored:.0f}; Sentinel-2 scenes of processing baseline 04.00 and later have an"
            " offset of +1000. If this is one, declare it in the layer: gdal_edit.py -scale 0.0001 -offset -0.1.",
        )
    return (
        f"No pixel is darker than {stored:.0f}, which as reflectance × 10,000 is brighter than any land but snow and"
        f" cloud. Landsat Collection 2 (level 2) stores black as {_LANDSAT_ZERO:.0f}; if this is such a scene, declare"
        " its scale in the layer: gdal_edit.py -scale 0.0000275 -offset -0.2.",
    )


def _picture_reason(dtypes: Sequence[str], declared: bool, high: float, probe: Sequence[npt.NDArray[Any]]) -> str:
    """Why these numbers cannot be reflectance; empty when they can."""
    if not declared:
        if all(d in ("uint8", "int8") for d in dtypes):
            return "8-bit numbers"
        if all(d.startswith("uint") for d in dtypes) and max((float(p.max()) for p in probe), default=0) <= 255:
            return "no number is above 255"
    if high > 20_000:
        return f"2 % of the numbers are above {high:.0f}, more than reflectance × 10,000 can be"
    if 1.6 < high <= 255 and any(d.startswith("float") for d in dtypes):
        return f"numbers up to about {high:.4g} are neither reflectance (0 to 1) nor reflectance × 10,000"
    return ""
