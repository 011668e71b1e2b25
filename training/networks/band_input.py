# SPDX-License-Identifier: GPL-3.0-or-later
"""The first step of a network that takes whatever optional bands there are: presence, indices, neutral values.

The whole channel of an absent band holds one constant outside the range of scaled values. The graph finds absence from
it, so that every program that fills the channel runs the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import INDICES, Expression, parse

from ..inputs import ABSENT, BANDS, BRIGHTEST

_TINY = 1e-6


class BandInput(nn.Module):
    """From scaled bands to bands, then indices of those that are there; what is absent has a learned neutral value.

    Args:
        bands: common names of the input's channels.
        optional: those of them that may be absent.
        indices: names of the built-in indices.

    Raises:
        LulcError: an unknown band or index, or an index of a band that is not among `bands`.
    """

    _needs: Tensor
    _reflectance: Tensor

    def __init__(self, bands: Sequence[str], optional: Sequence[str], indices: Sequence[str]) -> None:
        super().__init__()
        for kind, given, known in (("band", bands, BANDS), ("band", optional, bands), ("index", indices, INDICES)):
            for name in given:
                if name not in known:
                    raise LulcError(f"The network has no {kind} {name!r}; it knows {', '.join(known)}.")
        self.bands, self.optional = tuple(bands), tuple(optional)
        self.names = (*bands, *indices)
        self._expressions = tuple(parse(INDICES[name], self.bands) for name in indices)
        self._at = [self.bands.index(name) for name in optional]
        # channel by optional band: 1 where a channel is absent without the band
        needs = [{name} for name in bands] + [set(e.names) for e in self._expressions]
        self.register_buffer("_needs", torch.tensor([[float(o in n) for n in needs] for o in optional]), False)
        reflectance = [BANDS[name].divisor * BRIGHTEST / 2 for name in bands]
        self.register_buffer("_reflectance", torch.tensor(reflectance)[:, None, None], False)
        self.neutral = nn.Parameter(torch.zeros(len(self.names)))

    def presence(self, image: Tensor) -> Tensor:
        """1 for each optional band that is there, else 0, `(n, optional)`."""
        corner = image[:, self._at, :1, :1]
        return (corner > (ABSENT - 1) / 2).to(image.dtype).flatten(1)

    def forward(self, image: Tensor, present: Tensor) -> Tensor:
        """`(n, bands, rows, cols)` scaled to -1..1 and their presence → `(n, bands and indices, rows, cols)`."""
        absent = ((1 - present) @ self._needs).clamp_max(1)
        # the constant of an absent band becomes its neutral value
        count = len(self.bands)
        add = absent * self.neutral
        bands = image + (absent[:, :count] * -ABSENT + add[:, :count])[:, :, None, None]
        if not self._expressions:
            return bands
        surface = (image + 1).clamp_min(0) * self._reflectance
        planes = {name: surface[:, i : i + 1] for i, name in enumerate(self.bands)}
        indices = torch.cat([_evaluated(e, planes) for e in self._expressions], dim=1)
        there = (1 - absent[:, count:])[:, :, None, None]
        return torch.cat([bands, indices * there + add[:, count:, None, None]], dim=1)


def _evaluated(expression: Expression, planes: dict[str, Tensor]) -> Tensor:
    """Value of an expression of reflectance, -1 to 1; as `Expression.evaluate`, on tensors."""
    stack: list[Tensor | float] = []
    for kind, item in expression.program:
        if kind == "number":
            stack.append(float(item))
        elif kind == "name":
            stack.append(planes[str(item)])
        elif kind == "negate":
            stack.append(-stack.pop())
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(_joined(kind, left, right))
    return torch.as_tensor(stack.pop()).clamp(-1, 1)


def _joined(kind: str, left: Tensor | float, right: Tensor | float) -> Tensor | float:
    if kind == "+":
        return left + right
    if kind == "-":
        return left - right
    if kind == "*":
        return left * right
    # dark pixels have a sum of 0
    return left / (right + _TINY)
