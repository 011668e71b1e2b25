# SPDX-License-Identifier: GPL-3.0-or-later
"""Optimiser, learning rates and the averaged copy of the weights."""

from __future__ import annotations

import math

import torch
from torch import nn

from ..networks.network import Network
from ..recipe import Recipe


def optimiser(network: Network, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW or SGD; no decay on normalisation and biases; the pretrained part learns at its own rate."""
    rates = recipe.optimiser
    pretrained = {id(p) for p in network.pretrained_parameters()} if recipe.pretrained else set()
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        groups.setdefault((id(parameter) in pretrained, parameter.ndim > 1), []).append(parameter)
    entries = [
        {
            "params": parameters,
            "base": rates.pretrained_rate if old else rates.rate,
            "weight_decay": rates.decay if decays else 0.0,
        }
        for (old, decays), parameters in groups.items()
    ]
    if rates.name == "sgd":
        return torch.optim.SGD(entries, lr=rates.rate, momentum=rates.momentum)
    return torch.optim.AdamW(entries, lr=rates.rate)


def share_of_rate(step: int, recipe: Recipe, plateau: float) -> float:
    """Part of the full learning rate at a step; `plateau` is what the plateau schedule has come down to."""
    rates, steps = recipe.optimiser, recipe.run.steps
    if step < rates.warm_up:
        return (step + 1) / rates.warm_up
    if rates.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - rates.warm_up) / max(1, steps - rates.warm_up)))
    return plateau if rates.schedule == "plateau" else 1.0


def set_rate(steps: torch.optim.Optimizer, share: float) -> None:
    """Put a share of each group's own rate into the optimiser."""
    for group in steps.param_groups:
        group["lr"] = group["base"] * share


def follow(average: nn.Module, network: nn.Module, step: int, keep: float) -> None:
    """Move the averaged weights a little towards the present ones (EMA)."""
    # a young average must not remember the start
    keep = min(keep, (1 + step) / (10 + step))
    with torch.no_grad():
        for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.mul_(keep).add_(new, alpha=1 - keep)
            else:
                old.copy_(new)


def fix_norm(network: nn.Module | None) -> None:
    """Let batch normalisation use the means and variances that it has."""
    for module in network.modules() if network is not None else ():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def freeze(network: Network, frozen: bool) -> None:
    """Keep the pretrained part as it is, its running means included, or let it learn."""
    module = network.encoder_module()
    if module is None:
        return
    for parameter in module.parameters():
        parameter.requires_grad_(not frozen)
    if frozen:
        module.eval()
