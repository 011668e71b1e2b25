# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads files of weights, from the disk, a Python package or a hub; never by unpickling arbitrary objects."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lulc_plugin import bundled
from lulc_plugin.errors import LulcError

from . import named_weights

#: what the exporter puts before every name
_EXPORTED = "network."
#: where checkpoints keep their weights, the first that is there
_INSIDE = ("weights", "state_dict", "model_state_dict", "model")


def read_weights(source: str) -> dict[str, Tensor]:
    """Tensors by key.

    Args:
        source: a name of `named_weights`; a path (safetensors, a checkpoint, a network exported by this bench);
            `package:NAME/PATH`, a file inside an installed Python package; or `hub:OWNER/NAME/FILE`, a file of the
            Hugging Face hub, which is downloaded unless it is cached.

    Raises:
        LulcError: no such file, a file that holds no weights, a hub that cannot be reached.
    """
    path = find(source)
    if path.suffix == ".onnx":
        return _exported(path)
    weights = _safetensors(path) if path.suffix == ".safetensors" else _checkpoint(path)
    return {key.removeprefix("module."): tensor for key, tensor in weights.items()}


def channel_names(source: str) -> tuple[str, ...]:
    """Names of the input channels of published weights, or of a network that this bench exported; else none."""
    if source in named_weights.published():
        return named_weights.published()[source].bands
    path = find(source)
    if path.suffix != ".onnx":
        return ()
    import onnx

    inside = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    if "mlm" not in inside:
        return ()
    bands = json.loads(inside["mlm"])["properties"]["mlm:input"][0]["bands"]
    return tuple(band if isinstance(band, str) else str(band["name"]) for band in bands)


def find(source: str) -> Path:
    """The file on this machine that a source means; see read_weights.

    Raises:
        LulcError: there is none.
    """
    kind, _, rest = source.partition(":")
    if kind == "package":
        return _in_package(source, rest)
    if kind == "hub":
        if rest.count("/") < 2:
            raise LulcError(f"“{source}” does not say which file of the hub.", "Write hub:OWNER/NAME/FILE.")
        return named_weights.hub_file(rest, source)
    if named_weights.is_name(source):
        return named_weights.named_file(source)
    path = Path(source).expanduser()
    if not path.is_file():
        raise LulcError(
            f"There is no file of pretrained weights “{source}”.",
            "Give the path of a .safetensors or PyTorch file, package:NAME/PATH, hub:OWNER/NAME/FILE, imagenet, or one"
            f" of {', '.join((*bundled.model_names(), *named_weights.published()))}.",
        )
    return path


def _in_package(source: str, rest: str) -> Path:
    name, _, inside = rest.partition("/")
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise LulcError(f"There is no Python package “{name}” for the weights “{source}”.", "Install it with pip.")
    path = Path(next(iter(spec.submodule_search_locations))) / inside
    if not path.is_file():
        raise LulcError(f"The Python package “{name}” has no file “{inside}”.", f"Look into {path.parent}.")
    return path


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except SafetensorError as error:
        raise LulcError(f"“{path}” is not a safetensors file: {error}.", "Download or copy it again.") from error


def _exported(path: Path) -> dict[str, Tensor]:
    """Filters and biases of a network that this bench exported; its normalisation is inside them."""
    import numpy as np
    import onnx
    from google.protobuf.message import DecodeError

    try:
        stored = onnx.load(str(path)).graph.initializer
    except DecodeError as error:
        raise LulcError(f"“{path}” is not an ONNX file: {_first_line(error)}.", "Download or copy it again.") from error
    tensors = {}
    for tensor in stored:
        if tensor.name.startswith(_EXPORTED):
            key = tensor.name.removeprefix(_EXPORTED).removesuffix("_half")
            tensors[key] = torch.from_numpy(onnx.numpy_helper.to_array(tensor).astype(np.float32))
        elif len(tensor.dims) == 4:
            raise LulcError(
                f"The filters of “{path}” have not kept the names they had in training ({tensor.name}).",
                "Give the checkpoint instead.",
            )
    return tensors


def _checkpoint(path: Path) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise LulcError(
            f"“{path}” is not a PyTorch file that can be read safely: {_first_line(error)}",
            "Give a checkpoint of this bench, or save the state dict alone.",
        ) from error
    for key in _INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping) or not any(isinstance(v, Tensor) for v in content.values()):
        raise LulcError(f"“{path}” holds no weights.", f"They are looked for at the top and in {', '.join(_INSIDE)}.")
    return {key: value for key, value in content.items() if isinstance(value, Tensor)}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
