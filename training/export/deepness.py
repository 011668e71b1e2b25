# SPDX-License-Identifier: GPL-3.0-or-later
"""What the QGIS plugin Deepness (0.6.5) needs to run a network, as far as it can.

Deepness divides every stored number by 255, knows one linear scaling a channel, resamples the layer to one pixel size,
and takes networks with one input and one output of a fixed, square size. It computes no indices and no percentiles.

The keys are written into every exported file; the variant `deepness` is a file that Deepness can open: fixed windows,
one output, scaling and indices inside the graph.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn

from lulc_plugin.errors import LulcError
from lulc_plugin.model import ModelSpec
from lulc_plugin.raster import Channel, Expression, Steps

from ..inputs import BANDS, Inputs

TILE = 512
#: Deepness's files of 16 bits: reflectance times this.
STORED = 10_000.0


def tile_size(multiple: int) -> int:
    """Height and width of Deepness's windows."""
    return max(TILE // multiple, 1) * multiple


def keys(spec: ModelSpec, inputs: Inputs, scaled_inside: bool) -> dict[str, str]:
    """The metadata that Deepness reads; every value is a JSON text.

    Args:
        spec: the network's description.
        inputs: what it is fed.
        scaled_inside: the graph scales and computes indices itself, so that there is nothing to standardise.
    """
    tile = tile_size(spec.window.multiple)
    metadata: dict[str, Any] = {
        "model_type": "Segmentor",
        "class_names": {str(i): c.name for i, c in enumerate(spec.legend.classes)},
        "tile_size": tile,
        "tiles_overlap": min(60, -(-200 * spec.window.margin // tile)),
        # its own 0.5 would turn every unsure pixel into the first class
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
    }
    if spec.gsd:
        metadata["resolution"] = round(100 * spec.gsd, 3)
    if not scaled_inside:
        pairs = [_standardised(channel, inputs) for channel in inputs.channels]
        metadata["standardization_mean"] = [round(mean, 6) for mean, _ in pairs]
        metadata["standardization_std"] = [round(spread, 6) for _, spread in pairs]
    return {key: json.dumps(value, ensure_ascii=False) for key, value in metadata.items()}


def limits(inputs: Inputs) -> str:
    """A sentence on what Deepness makes of the main file."""
    indices = [c.name for c in inputs.channels if c.expression is not None]
    wanted = "8-bit pictures" if has_pictures(inputs) else f"reflectance times {STORED:g}"
    text = (
        "Deepness takes fixed square windows and one output only, so it cannot open the main file; export with"
        f" --variants deepness for a file that it runs on {wanted} of {', '.join(inputs.names)}."
    )
    if indices:
        text += (
            f" Deepness computes no indices: in that file {', '.join(indices)} are computed inside the graph; other"
            " programs that read the same keys of the main file must bring them as bands, -1..1 stored as 0..255."
        )
    if has_pictures(inputs):
        text += " Pictures must be stretched between their 2nd and 98th percentile before, for the whole layer."
    return text


def has_pictures(inputs: Inputs) -> bool:
    """Whether pictures are a way in."""
    return any(form.unit == "dn" for form in inputs.forms) and not inputs.stored


def _reflectance(name: str, inputs: Inputs) -> tuple[float, float]:
    """(gain, addend) from a stored number / 255 to reflectance: of a stretched picture, or of reflectance · 10000.

    Of a network that takes numbers as they are stored, to those.
    """
    if inputs.stored:
        return 255.0, 0.0
    if has_pictures(inputs):
        low, high = BANDS[name].usual
        return high - low, low
    return 255 / STORED, 0.0


def _standardised(channel: Channel, inputs: Inputs) -> tuple[float, float]:
    """(mean, spread) with which (x / 255 - mean) / spread is what the network wants of a channel."""
    gain, addend = (1.0, 0.0) if channel.band is None else _reflectance(inputs.names[channel.band], inputs)
    if channel.band is None:
        # an index -1..1 that was stored as 0..255
        gain, addend = 2.0, -1.0
    scale, offset = _linear(channel.steps)
    gain, addend = gain * scale, addend * scale + offset
    return -addend / gain, 1 / gain


def _linear(steps: Steps) -> tuple[float, float]:
    """(gain, addend) of a channel's steps, limits left out."""
    gain, addend = 1.0, 0.0
    for step in steps:
        if step.op == "scale":
            gain, addend = gain / step["value"], addend / step["value"]
        elif step.op == "offset":
            addend -= step["value"]
        elif step.op == "z-score":
            gain, addend = gain / step["stddev"], (addend - step["mean"]) / step["stddev"]
        elif step.op == "min-max":
            width = step["maximum"] - step["minimum"]
            gain, addend = gain / width, (addend - step["minimum"]) / width
        elif step.op != "clip":
            raise LulcError(f"Deepness has no scaling {step.op!r}.", "Leave the variant deepness out.")
    return gain, addend


class WithScaling(nn.Module):
    """A network behind its own scaling and indices: takes stored numbers / 255 of the bands, as Deepness gives them."""

    def __init__(self, network: nn.Module, inputs: Inputs) -> None:
        super().__init__()
        if inputs.stored:
            raise LulcError("Deepness gives numbers from 0 to 255 only.", "Leave the variant deepness out.")
        self.network, self.inputs = network, inputs
        pairs = [_reflectance(name, inputs) for name in inputs.names]
        self.register_buffer("gain", torch.tensor([p[0] for p in pairs]).view(1, -1, 1, 1))
        self.register_buffer("addend", torch.tensor([p[1] for p in pairs]).view(1, -1, 1, 1))

    gain: Tensor
    addend: Tensor

    def forward(self, image: Tensor) -> Tensor:
        """`(1, bands, rows, cols)` to probabilities `(1, classes, rows, cols)`."""
        values = (image * self.gain + self.addend).clamp_min(0)
        bands = {name: values[:, i : i + 1] for i, name in enumerate(self.inputs.names)}
        channels = []
        for channel in self.inputs.channels:
            if channel.expression is not None:
                source = _evaluated(channel.expression, bands)
            else:
                band = channel.band or 0
                source = values[:, band : band + 1]
            channels.append(_stepped(source, channel.steps))
        return self.network(torch.cat(channels, dim=1))[0]


def _stepped(x: Tensor, steps: Steps) -> Tensor:
    for step in steps:
        x = x.clamp(step["minimum"], step["maximum"]) if step.op == "clip" else _affine(x, (step,))
    return x


def _affine(x: Tensor, steps: Steps) -> Tensor:
    gain, addend = _linear(steps)
    return x * gain + addend


def _evaluated(expression: Expression, bands: dict[str, Tensor]) -> Tensor:
    """The engine's program of an expression on tensors; division by zero gives 0, as there."""
    stack: list[Tensor] = []
    for kind, value in expression.program:
        if kind == "name":
            stack.append(bands[str(value)])
        elif kind == "number":
            # one number, not a plane of it: the tracer would write the plane into the file
            stack.append(torch.tensor(float(value)))
        elif kind == "negate":
            stack.append(-stack.pop())
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(_combined(kind, left, right))
    return stack[0]


def _combined(sign: str, left: Tensor, right: Tensor) -> Tensor:
    if sign == "+":
        return left + right
    if sign == "-":
        return left - right
    if sign == "*":
        return left * right
    zero = right == 0
    return torch.where(zero, torch.tensor(0.0), left / torch.where(zero, torch.tensor(1.0), right))
