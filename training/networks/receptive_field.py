# SPDX-License-Identifier: GPL-3.0-or-later
"""How far away a change can be and still be felt: the theoretical reach of any network, by its gradient."""

from __future__ import annotations

import copy

import torch
from torch import nn

from .network import Network

_LARGEST = 8192
_OPAQUE = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.Dropout, nn.Dropout2d)


def reach(network: Network) -> int | None:
    """Pixels from a pixel to the farthest one that can influence it, along the columns; None where that is the window.

    Theoretical: in a copy every filter is made positive, and activations, norms and dropout are taken out (maxima
    become means), so that the gradient of an output pixel is above zero wherever any path leads. The copy looks at a
    strip of one cell's height, since the reach along columns does not depend on it. Every pixel across a coarsest cell
    is looked at, since their reaches differ. The effective reach of a trained network is much smaller: measure that on
    images.
    """
    probe = _transparent(network)
    channels = next(module.in_channels for module in probe.modules() if isinstance(module, nn.Conv2d))
    cell, width = network.multiple, 512
    while width <= _LARGEST:
        x = torch.ones(1, channels, cell, width, dtype=torch.float64, requires_grad=True)
        y = probe(x)[0, 0, cell // 2]
        start = width // 2 // cell * cell
        found = 0
        for column in range(start, start + cell):
            (gradient,) = torch.autograd.grad(y[column], x, retain_graph=True)
            felt = gradient[0].abs().amax(dim=(0, 1)).nonzero().flatten()
            if felt[0] == 0 or felt[-1] == width - 1:
                break
            found = max(found, column - int(felt[0]), int(felt[-1]) - column)
        else:
            return found
        width *= 2
    return None


def _transparent(network: Network) -> Network:
    probe = copy.deepcopy(network).double().eval().requires_grad_(False)
    for module in list(probe.modules()):
        for name, child in list(module.named_children()):
            if type(child).__module__ == "torch.nn.modules.activation" or isinstance(child, _OPAQUE):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    with torch.no_grad():
        for name, parameter in probe.named_parameters():
            # means of what a filter sees, so that numbers neither grow nor vanish over many layers
            share = 1 / parameter[0].numel() if parameter.dim() > 1 else 1
            parameter.fill_(0 if name.endswith("bias") else share)
    return probe
