# SPDX-License-Identifier: GPL-3.0-or-later
"""The terms of a loss. All take scores `(n, classes, rows, cols)` in float32; a batch without a known pixel costs 0."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from lulc_plugin.errors import LulcError

from ..toml_tables import NotNegative, Share
from .target import Target, class_weights


def weighted_ce(
    scores: Tensor, target: Target, power: NotNegative = 0.5, most: NotNegative = 12.0, smoothing: Share = 0.0
) -> Tensor:
    """Cross-entropy with class weights, (share of the class) ** -`power`, at most `most` times the smallest.

    `smoothing` spreads so much of each label over all classes that occur (Szegedy et al. 2016), by the same weights:
    rare classes get more of it.
    """
    labels = _sure(target, "weighted_ce")
    if not (labels >= 0).any():
        return scores.sum() * 0
    weights = class_weights(target.shares[1 : 1 + scores.shape[1]], power, most)
    return functional.cross_entropy(scores, labels, weights, ignore_index=-1, label_smoothing=smoothing)


def partial_ce(scores: Tensor, target: Target, smoothing: Share = 0.0) -> Tensor:
    """Cross-entropy over the labelled pixels alone, each counting alike: for a few labelled pixels an image."""
    labels = _sure(target, "partial_ce")
    if not (labels >= 0).any():
        return scores.sum() * 0
    return functional.cross_entropy(scores, labels, ignore_index=-1, label_smoothing=smoothing)


def focal(
    scores: Tensor, target: Target, gamma: NotNegative = 2.0, power: NotNegative = 0.0, most: NotNegative = 12.0
) -> Tensor:
    """(1 - p) ** `gamma` times the cross-entropy (Lin et al. 2017), with class weights as in `weighted_ce`."""
    labels = _sure(target, "focal")
    known = labels >= 0
    if not known.any():
        return scores.sum() * 0
    weights = class_weights(target.shares[1 : 1 + scores.shape[1]], power, most)
    log = functional.log_softmax(scores, dim=1).gather(1, labels.clamp_min(0)[:, None])[:, 0]
    weight = weights[labels.clamp_min(0)] * known
    return -(weight * (1 - log.exp()) ** gamma * log).sum() / weight.sum()


def hardest_classes(
    scores: Tensor, target: Target, indices: tuple[int, ...] = (), factor: NotNegative = 2.0, smoothing: Share = 0.0
) -> Tensor:
    """Cross-entropy in which the hardest classes weigh `factor` times as much.

    The hardest are the channel `indices` given, or those that scored lowest at the last check (`target.worst`).
    """
    labels = _sure(target, "hardest_classes")
    if not (labels >= 0).any():
        return scores.sum() * 0
    weights = torch.ones(scores.shape[1], device=scores.device)
    weights[list(indices) or list(target.worst)] = factor
    return functional.cross_entropy(scores, labels, weights, ignore_index=-1, label_smoothing=smoothing)


def coarse(scores: Tensor, target: Target, power: NotNegative = 0.0, most: NotNegative = 4.0) -> Tensor:
    """-log of the summed probability of the classes that a label allows; a sure label is the case of one class.

    `power` weighs the labels by their share as in `weighted_ce`.
    """
    known = target.labels > 0
    if not known.any():
        return scores.sum() * 0
    logs = _group_logs(scores, target)
    codes = _codes(target)
    weights = class_weights(target.shares[codes], power, most)
    onehot = torch.stack([target.labels == k for k in codes.tolist()], dim=1).to(scores.dtype)
    weight = onehot * weights[None, :, None, None]
    return -(logs * weight).sum() / weight.sum()


def dice(scores: Tensor, target: Target) -> Tensor:
    """1 - Dice over the labels that occur (Milletari et al. 2016); coarse labels by their classes together."""
    known = target.labels > 0
    if not known.any():
        return scores.sum() * 0
    if target.sure:
        shares = scores.softmax(dim=1)
        onehot = functional.one_hot(target.classes.clamp_min(0), scores.shape[1]).permute(0, 3, 1, 2)
        onehot = (onehot * known[:, None]).to(scores.dtype)
    else:
        shares = _group_logs(scores, target).exp()
        onehot = torch.stack([target.labels == k for k in _codes(target).tolist()], dim=1).to(scores.dtype)
    return dice_of(shares * known[:, None], onehot)


def dice_of(shares: Tensor, onehot: Tensor) -> Tensor:
    """1 - Dice, mean over the classes that occur in `onehot`; both `(n, classes, rows, cols)`, 0 where unknown."""
    axes = (0, 2, 3)
    overlap, size = (shares * onehot).sum(axes), shares.sum(axes) + onehot.sum(axes)
    present = onehot.sum(axes) > 0
    if not present.any():
        return shares.sum() * 0
    return (1 - 2 * overlap[present] / size[present]).mean()


def soft(scores: Tensor, target: Target, power: NotNegative = 0.0, most: NotNegative = 6.0) -> Tensor:
    """Cross-entropy against a teacher's shares where they are believed, pixels weighted by their mean class weight."""
    if target.soft is None or target.known is None:
        raise LulcError("The loss term soft needs a teacher.", "Name one in [[data]], or leave the term out.")
    shares = target.soft_shares if target.soft_shares is not None else torch.ones(scores.shape[1])
    weights = class_weights(shares.to(scores.device), power, most)
    weight = (target.soft * weights[None, :, None, None]).sum(dim=1) * target.known
    entropy = -(target.soft * functional.log_softmax(scores, dim=1)).sum(dim=1)
    return (entropy * weight).sum() / weight.sum().clamp_min(1e-6)


def _sure(target: Target, term: str) -> Tensor:
    if not target.sure:
        raise LulcError(
            f"The loss term {term} needs labels of one class each; this set has coarse ones.", "Use coarse and dice."
        )
    return target.classes


def _codes(target: Target) -> Tensor:
    """Label codes that the set uses."""
    return torch.nonzero(target.shares > 0)[:, 0]


def _group_logs(scores: Tensor, target: Target) -> Tensor:
    """log of the summed probability of the classes of each code in use, `(n, codes, rows, cols)`."""
    logs = functional.log_softmax(scores, dim=1)
    sums = []
    for code in _codes(target).tolist():
        members = torch.nonzero(target.allowed[code])[:, 0]
        sums.append(logs[:, members[0]] if len(members) == 1 else torch.logsumexp(logs[:, members], dim=1))
    return torch.stack(sums, dim=1)


#: Name in a recipe → term.
TERMS: dict[str, Callable[..., Tensor]] = {
    "weighted_ce": weighted_ce,
    "partial_ce": partial_ce,
    "focal": focal,
    "hardest_classes": hardest_classes,
    "coarse": coarse,
    "dice": dice,
    "soft": soft,
}
