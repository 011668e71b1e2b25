# SPDX-License-Identifier: GPL-3.0-or-later
"""Other files of the same network: half precision throughout, 8-bit integers, and the form that Deepness runs."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from lulc_plugin.errors import LulcError

from ..inputs import Inputs
from ..networks.network import Network
from . import deepness
from .onnx_graph import INPUT, OUTPUT, Calibrated, export, finish, halved, trace

FloatArray = npt.NDArray[np.float32]
VARIANTS = ("fp16", "int8", "int8dynamic", "deepness")
#: Real windows that the ranges of the integers are taken from.
CALIBRATION_WINDOWS = 24
_WINDOW = 128


def variant_path(path: Path, variant: str) -> Path:
    """`NAME-VARIANT.onnx` beside `NAME.onnx`."""
    return path.with_name(f"{path.stem}-{variant}.onnx")


def checked(text: str) -> tuple[str, ...]:
    """`fp16,int8` → names of variants.

    Raises:
        LulcError: an unknown one.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in VARIANTS:
            raise LulcError(f"There is no variant {name!r}.", f"Known are {', '.join(VARIANTS)}.")
    return names


def write(
    variant: str,
    network: Network,
    temperature: float,
    inputs: Inputs,
    path: Path,
    features: bool,
    windows: Sequence[FloatArray],
) -> None:
    """Write one variant.

    Args:
        variant: one of VARIANTS.
        network, temperature, features: as `graph.export`.
        inputs: what the network is fed.
        path: file to write.
        windows: network inputs of training images, for `int8`.

    Raises:
        LulcError: there are no windows, or the network has no way in that Deepness could use.
    """
    channels = len(inputs.channels)
    if variant == "deepness":
        side = deepness.tile_size(network.multiple)
        whole = deepness.WithScaling(Calibrated(network, temperature, False), inputs)
        trace(whole, len(inputs.bands), network.multiple, [OUTPUT], path, side)
        finish(halved(onnx.load(str(path))), path)
        return
    with tempfile.TemporaryDirectory() as folder:
        single = Path(folder) / "single.onnx"
        export(network, temperature, channels, single, "single", features)
        if variant == "fp16":
            _half(single, path)
        else:
            _integers(single, path, windows if variant == "int8" else None, network.multiple)


def _half(single: Path, path: Path) -> None:
    from onnxruntime.quantization.onnx_model import ONNXModel
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.shape_inference.infer_shapes(onnx.load(str(single)))
    # input and output stay float32, so that callers need not know
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        half = ONNXModel(convert_float_to_float16(model, keep_io_types=True))
    # the casts of the input are appended at the end
    half.topological_sort()
    finish(half.model, path)


def _integers(single: Path, path: Path, windows: Sequence[FloatArray] | None, multiple: int) -> None:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().setLevel(logging.ERROR)
    prepared = single.with_name("prepared.onnx")
    quant_pre_process(str(single), str(prepared), skip_symbolic_shape=True)
    kept = _kept_exact(prepared)
    if windows is None:
        # onnxruntime's CPU has integer convolutions for unsigned weights only
        unsigned = quantization.QuantType.QUInt8
        quantization.quantize_dynamic(str(prepared), str(path), weight_type=unsigned, nodes_to_exclude=kept)
        finish(onnx.load(str(path)), path)
        return
    if not windows:
        raise LulcError("There is no training image to take the ranges of the integers from.")
    quantization.quantize_static(
        str(prepared),
        str(path),
        Reader(windows, multiple),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        # activations unsigned, weights signed: what the CPU's instructions multiply
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=kept,
        # 7 bits for the weights: on CPUs without VNNI sums of 8-bit products overflow
        reduce_range=True,
    )
    finish(onnx.load(str(path)), path)


def _kept_exact(path: Path) -> list[str]:
    """Convolutions that stay in single precision: the first, the last, and those with a filter a channel.

    They have few weights, which differ a hundredfold from channel to channel once normalisation is folded in. With them
    as integers 18 % (dynamic) and 95 % (static) of the labels of a Mobile-UNet stayed the same, without 98 and 97 %.
    """
    nodes = [node for node in onnx.load(str(path)).graph.node if node.op_type == "Conv"]
    apart = [n.name for n in nodes if any(a.name == "group" and a.i > 1 for a in n.attribute)]
    return [nodes[0].name, *apart, nodes[-1].name]


class Reader:
    """Windows of training images, one after the other, as onnxruntime's calibration asks for them."""

    def __init__(self, windows: Sequence[FloatArray], multiple: int) -> None:
        side = max(_WINDOW // multiple, 1) * multiple
        self._images = [_cut(w, side) for w in windows[:CALIBRATION_WINDOWS]]
        self._at = iter(self._images)

    def get_next(self) -> dict[str, FloatArray] | None:
        """The next input, or None at the end."""
        image = next(self._at, None)
        return None if image is None else {INPUT: image[None]}

    def rewind(self) -> None:
        """Start again."""
        self._at = iter(self._images)


def _cut(window: FloatArray, side: int) -> FloatArray:
    """The middle of a window, reflected where it is too small."""
    rows, cols = window.shape[1:]
    top, left = max(rows - side, 0) // 2, max(cols - side, 0) // 2
    cut = window[:, top : top + side, left : left + side]
    return np.pad(cut, ((0, 0), (0, side - cut.shape[1]), (0, side - cut.shape[2])), mode="symmetric")
