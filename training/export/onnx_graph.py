# SPDX-License-Identifier: GPL-3.0-or-later
"""A network as an ONNX graph: normalisation folded, softmax and temperature inside, larger filters in float16."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lulc_plugin.errors import LulcError

from ..networks.network import Network

INPUT, OUTPUT, FEATURES = "image", "probabilities", "features"
PRECISIONS = ("half", "single")
OPSET, _NEWEST_IR = 17, 8
#: Filters with fewer numbers stay in single precision.
_SMALL = 10_000
_LARGEST_HALF = 6e4
_LARGEST_SCORE = 60.0
#: More features a pixel than this would cost 128 MB and more for each window of 1024 pixels, asked for or not.
MOST_FEATURES = 32


class Calibrated(nn.Module):
    """Probabilities at a temperature and, where asked for, the features that they are made of.

    Args:
        network: what was trained.
        temperature: scores are divided by it.
        with_features: a second output.
        by_pattern: presence of each optional band → temperature; presence is found in the image, as the network does.
    """

    sharpness: Tensor
    patterns: Tensor
    sharper: Tensor

    def __init__(
        self,
        network: Network,
        temperature: float,
        with_features: bool,
        by_pattern: Mapping[tuple[bool, ...], float] | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.with_features = with_features
        self.register_buffer("sharpness", torch.tensor(1 / temperature, dtype=torch.float32))
        self.by_pattern = bool(by_pattern)
        if by_pattern:
            self.register_buffer("patterns", torch.tensor([list(p) for p in by_pattern], dtype=torch.float32))
            more = [1 / t - 1 / temperature for t in by_pattern.values()]
            self.register_buffer("sharper", torch.tensor(more, dtype=torch.float32))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """`(n, classes, rows, cols)`, then perhaps `(n, features, rows, cols)`."""
        sharpness = self._sharpness(image)
        if not self.with_features:
            return (probabilities(self.network(image) * sharpness),)
        features = self.network.features(image)
        return probabilities(self.network.head(features) * sharpness), features

    def _sharpness(self, image: Tensor) -> Tensor:
        """What scores are multiplied by: one number, or one an image, `(n, 1, 1, 1)`."""
        if not self.by_pattern or self.network.input is None:
            return self.sharpness
        present = self.network.input.presence(image)
        differing = (present[:, None] - self.patterns[None]).abs().sum(dim=2)
        shown = (differing < 0.5).to(present.dtype)
        return (self.sharpness + (shown * self.sharper).sum(dim=1))[:, None, None, None]


def probabilities(scores: Tensor) -> Tensor:
    """Softmax over the classes, spelt out: onnxruntime's own turns the array round and takes twice as long.

    Scores are kept where their exponentials and the sum of these are numbers.
    """
    shares = scores.clamp(-_LARGEST_SCORE, _LARGEST_SCORE).exp()
    return shares / shares.sum(dim=1, keepdim=True)


def has_features(network: Network) -> bool:
    """Whether its features are few enough to be an output beside the probabilities."""
    return network.feature_count <= MOST_FEATURES


def trace(module: nn.Module, channels: int, multiple: int, outputs: list[str], path: Path, side: int = 0) -> None:
    """Write the bare graph of a module in single precision; the module is left as it is.

    Batch normalisation behind a convolution is folded into it: inside `nn.Sequential` here, so that filters keep their
    names and training can go on from the file; elsewhere by PyTorch's exporter, which follows the data.

    Args:
        module: from `(n, channels, rows, cols)` to one tensor an output.
        channels: of the input.
        multiple: height and width are multiples of it.
        outputs: their names.
        path: file to write.
        side: the only height and width, batch 1; 0 leaves batch and size free.
    """
    copied: Any = deepcopy(module)
    inner = copied.to(memory_format=torch.contiguous_format).eval()
    _fold(inner)
    free = {0: "batch", 2: "height", 3: "width"}
    example = torch.zeros(1, channels, side or 2 * multiple, side or 3 * multiple)
    with warnings.catch_warnings():
        # the tracer warns of every comparison of shapes inside the libraries
        warnings.simplefilter("ignore")
        torch.onnx.export(
            inner,
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=outputs,
            dynamic_axes=None if side else {name: free for name in (INPUT, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )


def _fold(module: nn.Module) -> None:
    for container in list(module.modules()):
        children = list(container.named_children()) if isinstance(container, nn.Sequential) else []
        for (name, first), (after, second) in zip(children, children[1:], strict=False):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(container, name, fuse_conv_bn_eval(first, second))
                setattr(container, after, nn.Identity())


def export(
    network: Network,
    temperature: float,
    channels: int,
    path: Path,
    precision: str = "half",
    features: bool = True,
    by_pattern: Mapping[tuple[bool, ...], float] | None = None,
) -> None:
    """Write the network as an ONNX file with free batch, height and width. `network` is left as it is.

    Args:
        network: what was trained.
        temperature: scores are divided by it before the softmax.
        channels: of the input.
        path: file to write.
        precision: of the larger filters in the file: `half` is read back to single where it is used.
        features: a second output with the features of each pixel.
        by_pattern: see `Calibrated`.

    Raises:
        LulcError: a temperature or a precision that makes no sense, filters that do not fit into half precision.
    """
    for one in (temperature, *(by_pattern or {}).values()):
        if not 0 < one < 100:
            raise LulcError(f"The temperature {one} makes no sense.", "Give a number above 0, usually 0.5 to 3.")
    if precision not in PRECISIONS:
        raise LulcError(f"The precision {precision!r} is none of {', '.join(PRECISIONS)}.")
    outputs = [OUTPUT, FEATURES] if features else [OUTPUT]
    trace(Calibrated(network, temperature, features, by_pattern), channels, network.multiple, outputs, path)
    model = onnx.load(str(path))
    finish(halved(model) if precision == "half" else model, path)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its larger filters stored in float16 and cast to float32 where they are used.

    Small filters (depthwise ones, stem, first and last layers) weigh little, and rounding them would cost most.

    Raises:
        LulcError: a filter has numbers too large for half precision.
    """
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 4 and values.size >= _SMALL:
            largest = float(np.abs(values).max())
            if not largest < _LARGEST_HALF:
                raise LulcError(
                    f"The filter {tensor.name} has numbers up to {largest:.3g}; half precision ends at 65504.",
                    "Export with --precision single.",
                )
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT, name=f"{name}_cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def finish(model: onnx.ModelProto, path: Path) -> None:
    """Check a model and write it, readable for older runtimes and without traces of the machine that made it."""
    model.ir_version = min(model.ir_version, _NEWEST_IR)
    for node in model.graph.node:
        # paths and source lines of the exporter have no place in a published file
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


_OUTSIDE = ("lulc:sha256", "lulc:speed")


def embed(path: Path, item: Mapping[str, Any] | None, deepness: Mapping[str, str]) -> None:
    """Write the description (metadata key `mlm`) and Deepness's keys into a file.

    What describes the file itself (its size and digest) cannot stand inside it; how fast a machine ran it should not,
    because that may be measured again.

    Args:
        path: the network.
        item: the STAC Item; None for a file that only Deepness's keys describe.
        deepness: its keys and values.
    """
    model = onnx.load(str(path))
    entries = dict(deepness)
    if item is not None:
        properties = {key: value for key, value in item["properties"].items() if key not in _OUTSIDE}
        asset = {key: value for key, value in item["assets"]["model"].items() if not key.startswith("file:")}
        inside = {**item, "properties": properties, "assets": {"model": asset}}
        entries["mlm"] = json.dumps(inside, separators=(",", ":"), ensure_ascii=False)
    helper.set_model_props(model, entries)
    onnx.save(model, str(path))
