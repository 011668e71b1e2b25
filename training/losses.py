# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the network where a class is known, where only a set of classes is known, and where a teacher spoke.

All take scores `(n, classes, rows, cols)` in float32. A batch without a single known pixel costs 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional


def class_weights(shares: Sequence[float], power: float, most: float) -> Tensor:
    """Weight of each class, share ** -power, at most `most` times the smallest, with mean 1 over pixels."""
    share = torch.tensor(shares, dtype=torch.float64).clamp_min(1e-6)
    weights = share**-power
    weights = weights.clamp_max(float(weights.min()) * most)
    return (weights / (weights * share).sum() * share.sum()).float()


def hard(scores: Tensor, labels: Tensor, weights: Tensor, smoothing: float = 0.08, dice: float = 0.3) -> Tensor:
    """Weighted cross-entropy with label smoothing plus Dice over the classes present.

    `labels` are class channel indices, -1 where unknown.
    """
    known = labels >= 0
    if not known.any():
        return scores.sum() * 0
    loss = functional.cross_entropy(scores, labels, weights, ignore_index=-1, label_smoothing=smoothing)
    onehot = functional.one_hot(labels.clamp_min(0), scores.shape[1]).permute(0, 3, 1, 2) * known[:, None]
    return loss + dice * dice_loss(scores.softmax(dim=1) * known[:, None], onehot.to(scores.dtype))


def dice_loss(shares: Tensor, target: Tensor) -> Tensor:
    """1 - Dice, mean over the classes that occur in `target`; both `(n, classes, rows, cols)`, 0 where unknown."""
    axes = (0, 2, 3)
    overlap, size = (shares * target).sum(axes), shares.sum(axes) + target.sum(axes)
    present = target.sum(axes) > 0
    if not present.any():
        return shares.sum() * 0
    return (1 - 2 * overlap[present] / size[present]).mean()


def grouped(shares: Tensor, groups: Mapping[int, Sequence[int]]) -> Tensor:
    """Sums of class probabilities over groups; `groups` lists channel indices, output in the order of its keys."""
    return torch.stack([shares[:, list(members)].sum(dim=1) for members in groups.values()], dim=1)


def partial(scores: Tensor, labels: Tensor, groups: Mapping[int, Sequence[int]], dice: float = 0.3) -> Tensor:
    """-log of the summed probability of the classes that the group label allows, plus Dice over groups.

    `labels` are keys of `groups`, 0 where unknown.
    """
    known = labels > 0
    if not known.any():
        return scores.sum() * 0
    log_shares = functional.log_softmax(scores, dim=1)
    logs = torch.stack([torch.logsumexp(log_shares[:, list(m)], dim=1) for m in groups.values()], dim=1)
    onehot = torch.stack([labels == key for key in groups], dim=1).to(scores.dtype)
    loss = -(logs * onehot).sum() / known.sum()
    return loss + dice * dice_loss(logs.exp() * known[:, None], onehot)


def soft(scores: Tensor, shares: Tensor, known: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy against shares `(n, classes, rows, cols)`, weighted by each pixel's mean class weight."""
    weight = (shares * weights[None, :, None, None]).sum(dim=1) * known
    entropy = -(shares * functional.log_softmax(scores, dim=1)).sum(dim=1)
    return (entropy * weight).sum() / weight.sum().clamp_min(1e-6)
