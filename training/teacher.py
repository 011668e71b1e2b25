# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels from a teacher: the Dynamic World network looks at nine bands, the student learns its answer from four.

The teacher was made for top-of-atmosphere values (L1C). On surface reflectance (L2A) it is asked twice, as is and
after a rough return to L1C, and believed only where both answers agree; bright ground that is bare as is stays bare.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .data import FOREST, L2A, OSCD, Chip, rgbn, unlabelled, with_samples

FloatArray = npt.NDArray[np.float32]

#: B2 B3 B4 B5 B6 B7 B8 B11 B12 among B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12, and which of them have 20 m.
_NINE = (1, 2, 3, 4, 5, 6, 7, 10, 11)
_COARSE = (3, 4, 5, 7, 8)
#: (gain, DN) that bring B2..B5 of L2A roughly to L1C.
L1C_LIKE = ((0.85, 700.0), (0.90, 400.0), (0.94, 200.0), (0.95, 150.0))

# Teacher's classes: water, trees, grass, flooded vegetation, crops, shrub and scrub, built, bare, snow.
_TO_SIX = {0: 0, 1: 1, 2: 2, 5: 2, 4: 3, 6: 4, 7: 5}
_FLOODED, _SNOW = 3, 8
_LEAST_SURE = 0.35


def bilinear_from_thinned(band: FloatArray, step: int = 2) -> FloatArray:
    """A band of repeated pixels taken back to its own grid and enlarged bilinearly (pixel centres kept)."""
    thin = band[::step, ::step]
    for axis in (0, 1):
        size = band.shape[axis]
        at = (np.arange(size) + 0.5) / step - 0.5
        low = np.clip(np.floor(at).astype(int), 0, thin.shape[axis] - 1)
        high = np.minimum(low + 1, thin.shape[axis] - 1)
        part = np.clip(at - low, 0, 1).astype(np.float32)
        part = part[:, None] if axis == 0 else part[None, :]
        thin = np.take(thin, low, axis) * (1 - part) + np.take(thin, high, axis) * part
    return thin


def nine_bands(dn: FloatArray) -> FloatArray:
    """The teacher's bands of a twelve-band image, 20 m ones bilinear."""
    nine = dn[list(_NINE)].copy()
    for i in _COARSE:
        nine[i] = bilinear_from_thinned(nine[i])
    return nine


class Teacher:
    """The Dynamic World network that takes plain numbers (reflectance × 10 000)."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def ask(self, nine: FloatArray) -> FloatArray:
        """Nine class probabilities `(9, rows, cols)`; odd sizes are padded to even ones."""
        height, width = nine.shape[1:]
        padded = np.pad(nine, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
        return self._session.run(None, {"dn": padded[None]})[0][0, :, :height, :width]


def six(nine: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Shares of the six classes and where they can be believed.

    Grass and shrub are summed. Pixels that may be flooded vegetation or snow, which have no place among the six, and
    pixels of which the teacher is unsure are left out.
    """
    shares = np.zeros((6, *nine.shape[1:]), np.float32)
    for source, target in _TO_SIX.items():
        shares[target] += nine[source]
    best = nine.argmax(axis=0)
    known = (nine.max(axis=0) >= _LEAST_SURE) & (best != _FLOODED) & (best != _SNOW)
    return shares / np.maximum(shares.sum(axis=0), 1e-6), known


def answer(teacher: Teacher, dn: FloatArray, surface: bool) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Six shares and where they are believed, for one image; `surface` says that it is L2A."""
    nine = nine_bands(dn)
    shares, known = six(teacher.ask(nine))
    if surface:
        raw, raw_known = shares, known
        like = nine.copy()
        for i, (gain, add) in enumerate(L1C_LIKE):
            like[i] = like[i] * gain + add
        shares, known = six(teacher.ask(like))
        agree = raw.argmax(axis=0) == shares.argmax(axis=0)
        desert = (raw.argmax(axis=0) == 5) & raw_known & (nine[2] > 1600)
        shares = np.where(desert, raw, shares)
        known = (known & agree) | desert
    return shares, known & (dn[1:4] > 0).any(axis=0)


def labelled(root: Path, source: str, splits: tuple[str, ...], teacher: Path, cache: Path) -> list[Chip]:
    """Chips of an unlabelled set with the teacher's answer, which is kept in `cache` between runs."""
    chips, asked = [], None
    for row, dn in unlabelled(root, source, splits):
        file = cache / source / f"{Path(row['file']).stem}.npz"
        if not file.exists():
            asked = asked or Teacher(teacher)
            shares, known = answer(asked, dn, surface=source != OSCD)
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(file, shares=shares.astype(np.float16), known=known)
        with np.load(file) as stored:
            shares, known = stored["shares"], stored["known"]
        valid = (dn[1:4] > 0).any(axis=0)
        labels = np.where(known, shares.argmax(axis=0) + 1, 0).astype(np.uint8)
        place = row.get("group") or row["file"]
        chips.append(Chip(source, row["file"], place, row["split"], rgbn(dn), valid, labels, soft=shares))
    return with_samples(chips)


SPLITS = {OSCD: ("train",), L2A: ("unlabelled",), FOREST: ("train",)}
