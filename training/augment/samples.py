# SPDX-License-Identifier: GPL-3.0-or-later
"""One training sample: cut, changed, brought into the network's units, holed and turned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lulc_plugin.raster import Steps, apply_steps

from ..inputs import BANDS, NOT_BELOW_0, Inputs, picture_steps, resolved
from ..sets.chips import Chip
from . import radiometry
from .geometry import cut, drawn_scale, turned
from .strength import Strength

FloatArray = npt.NDArray[np.float32]
Dtype = TypeVar("Dtype", bound=np.generic)


@dataclass
class Sample:
    """A network input `(channels, size, size)` with its targets.

    `labels` are codes as in `Chip`, 0 where unknown or hidden; `soft` are shares, or None, believed where `known`,
    and 0 where hidden. `asked` are shares of the networks of [consistent], `shown` the bands that are not absent.
    """

    image: FloatArray
    labels: npt.NDArray[np.uint8]
    soft: FloatArray | None
    known: npt.NDArray[np.bool_]
    asked: FloatArray | None = None
    shown: tuple[str, ...] = ()


def sample(
    chip: Chip, size: int, inputs: Inputs, fill: Sequence[float], strength: Strength, rng: np.random.Generator
) -> Sample:
    """One training sample of `size` x `size` pixels."""
    got = cut(chip, size, drawn_scale(strength, rng), rng)
    values = got.values
    if inputs.stored:
        # nothing is known of what another day or sensor does to such numbers
        steps = list(inputs.form(True).band_steps)
    elif chip.picture or rng.random() < strength.pictures:
        # bytes are only known up to an affine stretch, which percentiles undo: no radiometry before them
        layer = chip.pool if rng.random() < 0.5 and not chip.picture else chip.layer
        steps = resolved(_picture_form(inputs, rng.random() < strength.jitter, rng), layer)
        if not chip.picture and rng.random() < 0.5:
            values = _as_bytes(values, layer)
        if rng.random() < strength.picture_jitter:
            # gamma and mixing of bands are not undone by the stretch
            stretched = np.stack([apply_steps(band, own) for band, own in zip(values, steps, strict=True)])
            values, steps = radiometry.jittered(stretched, inputs.names, strength, rng), [NOT_BELOW_0] * len(values)
    else:
        values = radiometry.changed(values, inputs.names, chip.level, strength, rng)
        steps = list(inputs.form(False).band_steps)
    seen = got.valid & ~_holes(got.valid.shape, strength, rng)
    valid = seen if all(chip.present) else seen[None] & np.array(chip.present)[:, None, None]
    image = inputs.prepared(values, valid, steps, fill)
    if strength.noise:
        image += rng.standard_normal(image.shape, np.float32) * np.float32(strength.noise) * seen
    way = int(rng.integers(8)) if strength.turn else 0
    soft = None if got.soft is None else turned(way, got.soft * seen)
    labels = np.where(seen, got.labels, 0).astype(np.uint8)
    return Sample(turned(way, image), turned(way, labels), soft, turned(way, got.known & seen))


def _holes(shape: tuple[int, ...], strength: Strength, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    holes = np.zeros(shape, bool)
    if rng.random() < strength.holes:
        size = min(shape)
        for _ in range(int(rng.integers(1, 4))):
            h, w = (int(v) for v in rng.integers(min(4, size // 4), size // 3, 2))
            r, c = int(rng.integers(0, size - h)), int(rng.integers(0, size - w))
            holes[r : r + h, c : c + w] = True
    return holes


def _picture_form(inputs: Inputs, jitter: bool, rng: np.random.Generator) -> list[Steps]:
    if not jitter:
        return list(inputs.form(True).band_steps)
    forms = []
    lower, upper = rng.uniform(0.5, 4), rng.uniform(96, 99.5)
    for name in inputs.names:
        low, high = BANDS[name].usual
        low, high = low * math.exp(rng.normal(0, 0.12)), high * math.exp(rng.normal(0, 0.12))
        forms.append(picture_steps(lower, upper, low, high))
    return forms


def _as_bytes(values: FloatArray, layer: FloatArray) -> FloatArray:
    """The same reflectance with the coarse steps of an 8-bit picture stretched between the layer's extremes."""
    low, high = layer.min(axis=1)[:, None, None], layer.max(axis=1)[:, None, None]
    step = np.maximum(high - low, 1e-3) / 255
    return (np.round((np.clip(values, low, high) - low) / step) * step + low).astype(np.float32)


def mixed(samples: list[Sample], share: float, rng: np.random.Generator) -> list[Sample]:
    """CutMix (Yun et al. 2019) among the samples of one set: a rectangle of another one, with its labels."""
    if len(samples) < 2:
        return samples
    out = []
    for i, one in enumerate(samples):
        if rng.random() >= share:
            out.append(one)
            continue
        other = samples[(i + 1 + int(rng.integers(len(samples) - 1))) % len(samples)]
        size = one.labels.shape[0]
        h, w = (int(v) for v in rng.integers(size // 4, size * 3 // 4, 2))
        r, c = int(rng.integers(0, size - h)), int(rng.integers(0, size - w))
        at = np.s_[..., r : r + h, c : c + w]
        out.append(
            Sample(
                _pasted(one.image, other.image, at),
                _pasted(one.labels, other.labels, at),
                None if one.soft is None or other.soft is None else _pasted(one.soft, other.soft, at),
                _pasted(one.known, other.known, at),
            )
        )
    return out


def _pasted(one: npt.NDArray[Dtype], other: npt.NDArray[Dtype], at: tuple[Any, ...]) -> npt.NDArray[Dtype]:
    made = one.copy()
    made[at] = other[at]
    return made
