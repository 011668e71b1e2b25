# SPDX-License-Identifier: GPL-3.0-or-later
"""The network as an ONNX file: normalisation folded, softmax and temperature inside, filters in half precision."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .evaluate import Predictor
from .network import MobileUNet

INPUT, OUTPUT, FEATURES = "image", "probabilities", "features"
OPSET, _NEWEST_IR = 17, 8
_SMALL = 10_000


class Calibrated(nn.Module):
    """Probabilities at a temperature, and the features below them."""

    def __init__(self, network: MobileUNet, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("sharpness", torch.tensor(1 / temperature, dtype=torch.float32))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """`(n, classes, rows, cols)` and `(n, 16, rows, cols)`."""
        features = self.network.features(image)
        return (self.network.head(features) * self.sharpness).softmax(dim=1), features


def fold_normalisation(module: nn.Module) -> None:
    """Fold every batch normalisation that follows a convolution into it, in place; for eval mode."""
    children = list(module.named_children())
    for (name, first), (after, second) in zip(children, children[1:], strict=False):
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(first.eval(), second.eval()))
            setattr(module, after, nn.Identity())
    for child in module.children():
        fold_normalisation(child)


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with its larger filters stored in float16 and cast to float32 where they are used.

    Small filters (depthwise ones, stem, first and last layers) weigh little, and rounding them would cost most.
    """
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 4 and values.size >= _SMALL:
            if np.abs(values).max() > 6e4:
                raise ValueError(f"The filter {tensor.name} does not fit into half precision.")
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT, name=f"{name}_cast"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def export(network: MobileUNet, temperature: float, channels: int, path: Path) -> None:
    """Write the ONNX file. `network` is left as it is."""
    from copy import deepcopy

    inner = deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    fold_normalisation(inner)
    free = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Calibrated(inner, temperature).eval(),
            (torch.zeros(1, channels, 64, 96),),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT, FEATURES],
            dynamic_axes={INPUT: free, OUTPUT: free, FEATURES: free},
            opset_version=OPSET,
            dynamo=False,
        )
    model = halved(onnx.load(str(path)))
    model.ir_version = min(model.ir_version, _NEWEST_IR)
    # names of the exporter's machine and of its source lines have no place in a published file
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def embed(path: Path, item: Mapping[str, Any]) -> None:
    """Put the description into the file itself (metadata key `mlm`), so that a lost sidecar loses nothing.

    What describes the file (its size and digest) cannot stand inside it.
    """
    model = onnx.load(str(path))
    properties = {key: value for key, value in item["properties"].items() if key != "lulc:sha256"}
    asset = {key: value for key, value in item["assets"]["model"].items() if not key.startswith("file:")}
    inside = {**item, "properties": properties, "assets": {"model": asset}}
    helper.set_model_props(model, {"mlm": json.dumps(inside, separators=(",", ":"), ensure_ascii=False)})
    onnx.save(model, str(path))


def session_predictor(path: Path, threads: int = 2) -> Predictor:
    """Probabilities by onnxruntime."""
    session = _session(path, threads)

    def predict(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return session.run([OUTPUT], {INPUT: images})[0]

    return predict


def _session(path: Path, threads: int = 2):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Parity:
    """How closely the file reproduces the network: pixels looked at, share of equal classes, largest differences."""

    pixels: int
    same: float
    probability: float
    feature: float


def parity(network: MobileUNet, temperature: float, path: Path, images: list[npt.NDArray[np.float32]]) -> Parity:
    """PyTorch in float32 against onnxruntime on network inputs whose sizes are multiples of 32."""
    session, calibrated = _session(path), Calibrated(network, temperature).eval()
    same = pixels = 0
    probability = feature = 0.0
    for image in images:
        with torch.inference_mode():
            p, f = (t.numpy() for t in calibrated(torch.from_numpy(image[None])))
        q, g = session.run([OUTPUT, FEATURES], {INPUT: image[None]})
        same += int((p.argmax(1) == q.argmax(1)).sum())
        pixels += p.shape[2] * p.shape[3]
        probability = max(probability, float(np.abs(p - q).max()))
        feature = max(feature, float(np.abs(f - g).max()))
    return Parity(pixels, same / pixels, probability, feature)


def check_sizes(path: Path, channels: int) -> dict[str, float]:
    """Seconds for windows of several sizes and for a batch of two; fails where an output has another size."""
    import time

    session, seconds = _session(path), {}
    for batch, size in ((1, 480), (1, 512), (1, 1024), (2, 512)):
        image = np.zeros((batch, channels, size, size), np.float32)
        session.run(None, {INPUT: image})
        began = time.monotonic()
        p, f = session.run([OUTPUT, FEATURES], {INPUT: image})
        seconds[f"{batch} x {size}"] = time.monotonic() - began
        if p.shape[2:] != (size, size) or f.shape[2:] != (size, size) or len(p) != batch:
            raise ValueError(f"The network makes {p.shape} of a window of {size}.")
    return seconds
