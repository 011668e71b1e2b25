# SPDX-License-Identifier: GPL-3.0-or-later
"""From chips to what another sensor, another day and another scale would have made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from lulc_plugin.raster.scaling import Steps, prepare

from .channels import CHANNELS, NAMES, PICTURE, REFLECTANCE, USUAL, picture_steps, resolved
from .data import HLS, OSCD, Chip
from .teacher import L1C_LIKE

FloatArray = npt.NDArray[np.float32]
_CLASSES = 6
_PURE = 0.55  # a shrunken pixel keeps a hard label only if this share of it agrees


@dataclass(frozen=True)
class Strength:
    """How strongly samples are changed; one place for what a run may vary."""

    pictures: float = 0.3
    jitter: float = 0.7
    level_shift: float = 0.3
    holes: float = 0.15
    shrink_10m: float = 0.6
    noise: float = 0.02


@dataclass
class Sample:
    """A network input with its targets; `labels` as in `Chip`, `soft` zero where there is no teacher."""

    image: FloatArray
    labels: npt.NDArray[np.int64]
    soft: FloatArray
    known: npt.NDArray[np.bool_]


def mosaic(chips: Sequence[Chip], rng: np.random.Generator) -> Chip:
    """Four chips of one set side by side, as one chip: borders of land covers, and windows larger than a chip."""
    side = min(min(c.valid.shape) for c in chips)
    parts = []
    for chip in chips:
        row = int(rng.integers(0, chip.valid.shape[0] - side + 1))
        col = int(rng.integers(0, chip.valid.shape[1] - side + 1))
        parts.append((chip, np.s_[row : row + side, col : col + side]))

    def joined(arrays: list[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
        a, b, c, d = arrays
        return np.concatenate([np.concatenate([a, b], axis=-1), np.concatenate([c, d], axis=-1)], axis=-2)

    soft = None
    if chips[0].soft is not None:
        soft = joined([c.soft[(slice(None), *at)] for c, at in parts])
    return Chip(
        chips[0].source,
        "mosaic",
        "mosaic",
        chips[0].split,
        joined([c.values[(slice(None), *at)] for c, at in parts]),
        joined([c.valid[at] for c, at in parts]),
        joined([c.labels[at] for c, at in parts]),
        chips[0].picture,
        soft,
        np.concatenate([c.layer for c in chips], axis=1),
        np.concatenate([c.pool for c in chips], axis=1),
    )


def surrounded(chip: Chip, side: int) -> Chip:
    """The chip in the middle of a square of `side` pixels, reflected all around as the engine does at a layer's rim."""
    pad = [((side - n) // 2, side - n - (side - n) // 2) for n in chip.valid.shape]

    def wide(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.pad(array, [(0, 0)] * (array.ndim - 2) + pad, mode="reflect")

    soft = None if chip.soft is None else wide(chip.soft)
    return replace(
        chip, values=wide(chip.values), valid=wide(chip.valid), labels=wide(chip.labels), soft=soft
    )


def _scale(chip: Chip, strength: Strength, rng: np.random.Generator) -> float:
    """Source pixels per pixel of the sample: a factor of three in all, from 10 m to 30 m."""
    if chip.source == HLS:
        return math.exp(rng.uniform(-0.22, 0.22))
    if rng.random() < strength.shrink_10m:
        return math.exp(rng.uniform(0.0, math.log(3.0)))
    return math.exp(rng.uniform(-0.15, 0.1))


def cut(chip: Chip, size: int, scale: float, rng: np.random.Generator) -> tuple[FloatArray, ...]:
    """A random square of `size` pixels, each `scale` source pixels wide: values, valid, labels, soft.

    Values and shares are averaged over area, hard labels stay where one class has most of the pixel. What is missing
    to the square is reflected, as the engine does at the border of a layer.
    """
    height, width = chip.valid.shape
    rows, cols = min(height, round(size * scale)), min(width, round(size * scale))
    row, col = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - cols + 1))
    at = np.s_[row : row + rows, col : col + cols]
    values, valid, labels = chip.values[(slice(None), *at)], chip.valid[at], chip.labels[at]
    soft = None if chip.soft is None else chip.soft[(slice(None), *at)].astype(np.float32)
    target = (max(1, min(size, round(rows / scale))), max(1, min(size, round(cols / scale))))
    if target != (rows, cols):
        values = _resized(values, target)
        valid = _resized(valid[None].astype(np.float32), target)[0] > 0.99
        top = int(labels.max()) if labels.size else 0
        planes = np.stack([labels == k for k in range(1, top + 1)] or [labels == 1]).astype(np.float32)
        planes = _resized(planes, target)
        labels = np.where(planes.max(axis=0) >= _PURE, planes.argmax(axis=0) + 1, 0).astype(np.uint8)
        if soft is not None:
            soft = _resized(soft, target)
    pad = ((0, size - target[0]), (0, size - target[1]))
    if any(p[1] for p in pad):
        values, valid, labels = (
            np.pad(values, ((0, 0), *pad), mode="symmetric"),
            np.pad(valid, pad, mode="symmetric"),
            np.pad(labels, pad, mode="symmetric"),
        )
        soft = None if soft is None else np.pad(soft, ((0, 0), *pad), mode="symmetric")
    return values, valid, labels, soft


def _resized(planes: FloatArray, target: tuple[int, int]) -> FloatArray:
    tensor = torch.from_numpy(np.ascontiguousarray(planes, dtype=np.float32))[None]
    return functional.interpolate(tensor, target, mode="bilinear", antialias=True, align_corners=False)[0].numpy()


def radiometry(values: FloatArray, chip: Chip, strength: Strength, rng: np.random.Generator) -> FloatArray:
    """Reflectance as another day, sensor or processing level might have given it. Bands red, green, blue, nir."""
    x = values
    if rng.random() < strength.level_shift:
        # gain and DN are given for blue, green, red; the near infrared hardly changes
        part = rng.uniform(0.3, 1.1)
        gain = np.array([L1C_LIKE[2][0], L1C_LIKE[1][0], L1C_LIKE[0][0], 0.97], np.float32)
        add = np.array([L1C_LIKE[2][1], L1C_LIKE[1][1], L1C_LIKE[0][1], 50.0], np.float32) / 10000
        gain, add = 1 + part * (gain - 1), part * add
        if chip.source == OSCD:
            x = (x - add[:, None, None]) / gain[:, None, None]
        else:
            x = x * gain[:, None, None] + add[:, None, None]
        x = x.astype(np.float32)
    if rng.random() < strength.jitter:
        gains = math.exp(rng.uniform(-0.25, 0.25)) * rng.normal(1, 0.06, 4)
        haze = rng.uniform(-0.008, 0.02) * np.array([0.5, 0.8, 1.2, 0.2])
        x = x * gains[:, None, None].astype(np.float32) + haze[:, None, None].astype(np.float32)
        # another sensor's band sees a little of its neighbours
        mix = np.eye(4)
        for a, b in ((0, 1), (1, 0), (1, 2), (2, 1), (3, 0)):
            share = abs(rng.normal(0, 0.05))
            mix[a, b] += share
            mix[a, a] -= share
        x = np.einsum("ij,jrc->irc", mix.astype(np.float32), x)
        if rng.random() < 0.5:
            power, pivot = math.exp(rng.uniform(-0.2, 0.2)), 0.15
            x = pivot * (np.maximum(x, 0) / pivot) ** np.float32(power)
    return x.astype(np.float32)


def _picture_form(jitter: bool, rng: np.random.Generator) -> list[Steps]:
    if not jitter:
        return list(PICTURE.band_steps)
    forms = []
    lower, upper = rng.uniform(0.5, 4), rng.uniform(96, 99.5)
    for name in NAMES:
        low, high = USUAL[name]
        low, high = low * math.exp(rng.normal(0, 0.12)), high * math.exp(rng.normal(0, 0.12))
        forms.append(picture_steps(lower, upper, low, high))
    return forms


def sample(
    chip: Chip,
    size: int,
    fill: Sequence[float],
    strength: Strength,
    rng: np.random.Generator,
    scene: FloatArray | None = None,
) -> Sample:
    """One training sample of `size` x `size` pixels.

    `scene` is `(bands, pixels)` of a made-up whole layer that the chip could be part of; where it is given, a sample
    of reflectance shown as a picture takes its percentiles from it and not from its own few pixels.
    """
    values, valid, labels, soft = cut(chip, size, _scale(chip, strength, rng), rng)
    if chip.picture or rng.random() < strength.pictures:
        # bytes are only known up to an affine stretch, which percentiles undo: no radiometry before them
        layer = chip.pool if rng.random() < 0.5 and not chip.picture else chip.layer
        layer = layer if scene is None else scene
        steps = resolved(_picture_form(rng.random() < 0.7, rng), layer)
        if not chip.picture and rng.random() < 0.5:
            values = _as_bytes(values, layer)
    else:
        values, steps = radiometry(values, chip, strength, rng), list(REFLECTANCE.band_steps)
    holes = np.zeros(valid.shape, bool)
    if rng.random() < strength.holes:
        for _ in range(int(rng.integers(1, 4))):
            h, w = (int(v) for v in rng.integers(4, size // 3, 2))
            r, c = int(rng.integers(0, size - h)), int(rng.integers(0, size - w))
            holes[r : r + h, c : c + w] = True
    seen = valid & ~holes
    image = prepare(values, seen, NAMES, steps, CHANNELS, fill)
    noise = rng.normal(0, strength.noise, image.shape).astype(np.float32)
    image += noise * seen
    labels = np.where(seen, labels, 0).astype(np.int64)
    known = (labels > 0) & seen
    if soft is None:
        soft = np.zeros((_CLASSES, size, size), np.float32)
    image, labels, soft, known = _turned(int(rng.integers(8)), image, labels, soft, known)
    return Sample(image, labels, soft, known)


def _as_bytes(values: FloatArray, layer: FloatArray) -> FloatArray:
    """The same reflectance with the coarse steps of an 8-bit picture stretched between the layer's extremes."""
    low, high = layer.min(axis=1)[:, None, None], layer.max(axis=1)[:, None, None]
    step = np.maximum(high - low, 1e-3) / 255
    return (np.round((np.clip(values, low, high) - low) / step) * step + low).astype(np.float32)


def _turned(way: int, *arrays: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
    """One of the eight symmetries of a square."""
    out = []
    for array in arrays:
        if way & 1:
            array = array[..., ::-1]
        if way & 2:
            array = array[..., ::-1, :]
        if way & 4:
            array = array.swapaxes(-1, -2)
        out.append(np.ascontiguousarray(array))
    return out
