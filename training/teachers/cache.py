# SPDX-License-Identifier: GPL-3.0-or-later
"""Teachers' answers kept between runs: one file an image, in a folder that another table or network never shares."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.raster import value_kind

from .panel import Panel

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Soft = tuple[npt.NDArray[np.float16], BoolArray]
#: Row of `split.csv`, common name → `(rows, cols)`, validity `(rows, cols)`.
Image = tuple[Mapping[str, str], Mapping[str, FloatArray], BoolArray]


def soft_labels(
    set_name: str,
    images: Iterable[Image],
    panel: Panel,
    cache: Path,
    kind: str = value_kind.REFLECTANCE,
    level: str = "",
) -> list[Soft]:
    """Soft labels of the images of a set, in their order.

    An answer is computed once for each image, network, table and rule; the networks are opened only if one is missing.

    Args:
        set_name: name of the set, a folder of the cache.
        images: row of `split.csv` (its `file` is used), bands as reflectance 0..1 or a picture's numbers, validity.
        panel: the teachers.
        cache: folder of kept answers.
        kind: `reflectance` or `picture`.
        level: processing level of the set, such as L2A.

    Returns:
        for each image shares `(classes, rows, cols)` float16 and known `(rows, cols)`.

    Raises:
        LulcError: a network is missing or cannot be asked, see `Panel`.
    """
    folder = cache / set_name / panel.fingerprint
    out = []
    for row, bands, valid in images:
        path = folder / f"{row['file'].replace('/', '_')}.npz"
        pixels = _digest(bands, valid, f"{kind} {level}")
        labels = _kept(path, pixels)
        if labels is None:
            shares, known = panel.answer(bands, valid, kind, level)
            labels = shares.astype(np.float16), known
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, packed(*labels, pixels=pixels))
        out.append(labels)
    return out


def packed(shares: FloatArray | npt.NDArray[np.float16], known: BoolArray, **more: str) -> bytes:
    """An `.npz` file with `shares` (float16), `known` and further texts."""
    stream = BytesIO()
    np.savez_compressed(stream, shares=shares.astype(np.float16), known=known, **more)  # type: ignore[arg-type]
    return stream.getvalue()


def _kept(path: Path, pixels: str) -> Soft | None:
    """The answer that is kept for the same pixels; None where there is none or it cannot be read."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["pixels"]) != pixels:
                return None
            return stored["shares"], stored["known"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _digest(bands: Mapping[str, FloatArray], valid: BoolArray, words: str) -> str:
    digest = hashlib.blake2b(words.encode(), digest_size=16)
    for name in sorted(bands):
        digest.update(f"{name}{bands[name].shape}".encode())
        digest.update(np.ascontiguousarray(bands[name], np.float32).data)
    digest.update(np.packbits(valid).data)
    return digest.hexdigest()
