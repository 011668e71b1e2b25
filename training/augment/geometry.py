# SPDX-License-Identifier: GPL-3.0-or-later
"""Squares cut from chips at another scale, turned and mirrored, and several chips side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from ..sets.chips import Chip
from .strength import Strength

FloatArray = npt.NDArray[np.float32]
Dtype = TypeVar("Dtype", bound=np.generic)
_PURE = 0.55  # a pixel of another size keeps a label only if this share of what is known of it agrees
_KNOWN = 0.3  # and if this share of a source pixel, or of itself where it is smaller, is known


@dataclass
class Cut:
    """A square of a chip: values, validity, label codes, and a teacher's shares with where they are believed."""

    values: FloatArray
    valid: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]
    soft: FloatArray | None
    known: npt.NDArray[np.bool_]


def drawn_scale(strength: Strength, rng: np.random.Generator) -> float:
    """Source pixels per pixel of the sample."""
    if rng.random() < strength.shrink:
        return math.exp(rng.uniform(0.0, math.log(strength.shrink_to)))
    return math.exp(rng.uniform(-strength.scale, strength.scale))


def cut(chip: Chip, size: int, scale: float, rng: np.random.Generator) -> Cut:
    """A random square of `size` pixels, each `scale` source pixels wide.

    Values and shares are averaged over area, labels stay where one has most of the pixel. What is missing to the
    square is reflected, as the engine does at the border of a layer.
    """
    height, width = chip.valid.shape
    rows, cols = min(height, round(size * scale)), min(width, round(size * scale))
    row, col = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - cols + 1))
    at = np.s_[row : row + rows, col : col + cols]
    values, valid, labels = chip.values[(slice(None), *at)], chip.valid[at], chip.labels[at]
    soft, known = None, np.zeros(valid.shape, bool)
    if chip.soft is not None and chip.known is not None:
        soft, known = chip.soft[(slice(None), *at)].astype(np.float32), chip.known[at]
    target = (max(1, min(size, round(rows / scale))), max(1, min(size, round(cols / scale))))
    if target != (rows, cols):
        values = resized(values, target)
        masks = resized(np.stack([valid, known]).astype(np.float32), target)
        valid, known = masks[0] > 0.99, masks[1] > 0.5
        labels = _resized_labels(labels, target, scale)
        soft = None if soft is None else resized(soft, target)
    pad = ((0, size - target[0]), (0, size - target[1]))
    if any(p[1] for p in pad):
        values, valid, labels, known = (
            np.pad(values, ((0, 0), *pad), mode="symmetric"),
            np.pad(valid, pad, mode="symmetric"),
            np.pad(labels, pad, mode="symmetric"),
            np.pad(known, pad, mode="symmetric"),
        )
        soft = None if soft is None else np.pad(soft, ((0, 0), *pad), mode="symmetric")
    return Cut(values, valid, labels, soft, known)


def _resized_labels(labels: npt.NDArray[np.uint8], target: tuple[int, int], scale: float) -> npt.NDArray[np.uint8]:
    """Labels at another size; single labelled pixels among unknown ones survive."""
    codes = np.unique(labels)
    codes = codes[codes > 0]
    if not codes.size:
        return np.zeros(target, np.uint8)
    planes = resized(np.stack([labels == k for k in codes]).astype(np.float32), target)
    known = planes.sum(axis=0)
    keeps = (known >= _KNOWN / max(1.0, scale * scale)) & (planes.max(axis=0) >= _PURE * known)
    return np.where(keeps, codes[planes.argmax(axis=0)], 0).astype(np.uint8)


def resized(planes: FloatArray, target: tuple[int, int]) -> FloatArray:
    """Planes `(n, rows, cols)` at another size, averaged over area where they shrink."""
    tensor = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None]
    return functional.interpolate(tensor, target, mode="bilinear", antialias=True, align_corners=False)[0].numpy()


def turned(way: int, array: npt.NDArray[Dtype]) -> npt.NDArray[Dtype]:
    """One of the eight symmetries of a square, `way` 0..7."""
    if way & 1:
        array = array[..., ::-1]
    if way & 2:
        array = array[..., ::-1, :]
    if way & 4:
        array = array.swapaxes(-1, -2)
    return np.ascontiguousarray(array)


def mosaic(chips: Sequence[Chip], rng: np.random.Generator) -> Chip:
    """Four chips of one set side by side, as one chip: borders of land covers, and windows larger than a chip."""
    side = min(min(c.valid.shape) for c in chips)
    parts = []
    for chip in chips:
        row = int(rng.integers(0, chip.valid.shape[0] - side + 1))
        col = int(rng.integers(0, chip.valid.shape[1] - side + 1))
        parts.append((chip, np.s_[..., row : row + side, col : col + side]))

    def joined(arrays: list[npt.NDArray[Dtype]]) -> npt.NDArray[Dtype]:
        a, b, c, d = arrays
        return np.concatenate([np.concatenate([a, b], axis=-1), np.concatenate([c, d], axis=-1)], axis=-2)

    taught = [(c.soft[at], c.known[at]) for c, at in parts if c.soft is not None and c.known is not None]
    soft, known = None, None
    if len(taught) == len(parts):
        soft, known = joined([s for s, _ in taught]), joined([k for _, k in taught])
    return replace(
        chips[0],
        name="mosaic",
        place="mosaic",
        values=joined([c.values[at] for c, at in parts]),
        valid=joined([c.valid[at] for c, at in parts]),
        labels=joined([c.labels[at] for c, at in parts]),
        soft=soft,
        known=known,
        layer=np.concatenate([c.layer for c in chips], axis=1),
        pool=np.concatenate([c.pool for c in chips], axis=1),
    )
