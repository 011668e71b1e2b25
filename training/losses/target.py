# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known about the pixels of a batch, and how much the classes weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Target:
    """Targets of the samples of one data set.

    Attributes:
        labels: `(n, rows, cols)` codes, 0 = unknown.
        allowed: `(codes, classes)` bool: the classes that a pixel of that code may be; row 0 empty.
        shares: share of each code among the set's labelled pixels, `(codes,)`.
        soft: `(n, classes, rows, cols)` shares of a teacher, or None; believed where `known`, `(n, rows, cols)`.
        soft_shares: mean shares of the teacher over the set, `(classes,)`.
        worst: channel indices of the classes that scored lowest at the last check.
    """

    labels: Tensor
    allowed: Tensor
    shares: Tensor
    soft: Tensor | None = None
    known: Tensor | None = None
    soft_shares: Tensor | None = None
    worst: Sequence[int] = field(default_factory=tuple)

    @property
    def sure(self) -> bool:
        """Every label in use names one class."""
        return bool((self.allowed[1:].sum(dim=1)[self.shares[1:] > 0] <= 1).all())

    @property
    def classes(self) -> Tensor:
        """Channel index of each pixel's class, -1 where unknown; for sure labels."""
        return self.labels.long() - 1


def class_weights(shares: Tensor, power: float, most: float) -> Tensor:
    """Weight of each class, share ** -power, at most `most` times the smallest, with mean 1 over pixels.

    A class without pixels weighs 0: label smoothing must not teach it.
    """
    share = shares.double()
    if not (share > 0).any():
        return torch.zeros_like(share, dtype=torch.float32)
    weights = share.clamp_min(1e-6) ** -power
    weights = weights.clamp_max(float(weights[share > 0].min()) * most) * (share > 0)
    return (weights / (weights * share).sum() * share.sum()).to(torch.float32)
