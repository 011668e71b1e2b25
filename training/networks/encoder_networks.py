# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of segmentation_models_pytorch with any of its or timm's encoders.

Some things differ from the library's own networks, all so that a pixel's class does not depend on the window in which
it is classified: enlargement does not align corners, branches of the window's mean are off unless asked for, and no
decoder normalises by the window's statistics.
"""

from __future__ import annotations

import difflib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lulc_plugin.errors import LulcError

from . import named_weights
from .network import Network
from .registry import LibraryOptions


class WithEncoder(Network):
    """A network of segmentation_models_pytorch behind the bench's interface.

    Args:
        class_name: of the library.
        encoder: name of an encoder; `tu-NAME` for timm's.
        channels: input channels.
        classes: number of classes.
        options: of the architecture.

    Raises:
        LulcError: an encoder that does not exist or does not go with the architecture; a missing package.
    """

    def __init__(self, class_name: str, encoder: str, channels: int, classes: int, options: LibraryOptions) -> None:
        super().__init__()
        library = import_library()
        _refuse_unknown(library, encoder)
        kind = getattr(library, class_name)
        try:
            whole = kind(encoder, encoder_weights=None, in_channels=channels, classes=classes, **options.arguments)
        except (ValueError, TypeError, KeyError, RuntimeError, AssertionError) as error:
            raise LulcError(
                f"The encoder “{encoder}” does not go with {class_name}: {error}",
                "Take another one, for example resnet50, or another architecture.",
            ) from error
        self.encoder_name = encoder
        self.depth, self.output_stride = options.depth, options.output_stride
        self.encoder, self.decoder = whole.encoder, whole.decoder
        self.head = whole.segmentation_head[0]
        self.feature_count = self.head.in_channels
        self.enlargement = options.enlargement
        self.multiple = min(self.output_stride, 2**self.depth)
        _free_of_the_window(self.decoder)
        if not getattr(options, "pooling", False):
            _drop_pooling(self.decoder)

    def encoder_module(self) -> nn.Module:
        """The encoder."""
        return self.encoder

    def _enlarged(self, x: Tensor) -> Tensor:
        if self.enlargement == 1:
            return x
        return functional.interpolate(x, scale_factor=float(self.enlargement), mode="bilinear", align_corners=False)

    def features(self, x: Tensor) -> Tensor:
        """The decoder's answer at full size `(n, feature_count, rows, cols)`."""
        return self._enlarged(self.decoder(self.encoder(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores `(n, classes, rows, cols)`; enlarged after the head, which is the same and cheaper."""
        return self._enlarged(self.head(self.decoder(self.encoder(x))))


def imagenet_encoder(network: Network, name: str, remedy: str) -> dict[str, Tensor]:
    """Published ImageNet weights of an encoder with three channels, from the hub's cache or the hub.

    Raises:
        LulcError: they are not on this machine, and the hub does not answer; `remedy` says where to put them.
        Exception: whatever the library raises without such weights.
    """
    from huggingface_hub import try_to_load_from_cache

    library = import_library()
    depth, stride = getattr(network, "depth", 5), getattr(network, "output_stride", 32)
    repository = _repository(library, name)
    if repository and not isinstance(try_to_load_from_cache(repository, "model.safetensors"), str):
        named_weights.require_hub(f"imagenet of {name}", f"Get {repository} of the hub elsewhere, and {remedy}")
    # timm takes the tag of the weights from the encoder's name and only wants to know whether to load them
    wanted: Any = True if name.startswith("tu-") else "imagenet"
    return library.encoders.get_encoder(name, 3, depth, wanted, stride).state_dict()


def _repository(library: Any, name: str) -> str:
    """Where on the hub an encoder's ImageNet weights lie; empty where the library does not say."""
    if name.startswith("tu-"):
        import timm

        return str(getattr(timm.get_pretrained_cfg(name[3:]), "hf_hub_id", None) or "")
    settings = library.encoders.encoders.get(name, {}).get("pretrained_settings", {}).get("imagenet", {})
    return str(settings.get("repo_id", ""))


def import_library() -> Any:
    """The package segmentation_models_pytorch.

    Raises:
        LulcError: it is not installed.
    """
    prepare_torchvision()
    try:
        import segmentation_models_pytorch
    except ImportError as error:
        raise LulcError(
            f"segmentation_models_pytorch cannot be imported: {error}.",
            "Run scripts/setup.sh training, or leave `encoder` out to use the bench's own small network.",
        ) from error
    return segmentation_models_pytorch


def _refuse_unknown(library: Any, encoder: str) -> None:
    if encoder.startswith("tu-"):
        import timm

        name, known = encoder[3:].split(".")[0], timm.list_models()
        prefix = "tu-"
    else:
        name, known, prefix = encoder, [n for n in library.encoders.get_encoder_names() if n[:5] != "timm-"], ""
    if name in known:
        return
    near = [prefix + n for n in difflib.get_close_matches(name, known, 4)]
    advice = f"Did you mean {', '.join(near)}? " if near else ""
    raise LulcError(
        f"There is no encoder “{encoder}”.",
        f"{advice}Names are those of segmentation_models_pytorch, or tu- and a name of timm.",
    )


def _free_of_the_window(decoder: nn.Module) -> None:
    """Enlargement that keeps pixels where they are, and normalisation by what was learned."""
    module: Any
    for module in list(decoder.modules()):
        if isinstance(module, nn.Upsample) and module.mode == "bilinear":
            module.align_corners = False
        # FPN's blocks, which align corners inside their forward
        if getattr(module, "upsample", None) is True and isinstance(module.block, nn.Sequential):
            module.upsample = False
            module.block.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
        for name, child in list(module.named_children()):
            if isinstance(child, nn.GroupNorm):
                setattr(module, name, nn.BatchNorm2d(child.num_channels))


def _drop_pooling(decoder: Any) -> None:
    """Take branches of the window's means out of a pyramid, and out of the convolution that joins the branches."""
    pyramid: Any = getattr(decoder, "aspp", None)
    join: Any
    if pyramid is not None:
        pyramid = pyramid[0] if isinstance(pyramid, nn.Sequential) else pyramid
        pyramid.convs = pyramid.convs[:-1]
        join, branches = pyramid.project, len(pyramid.convs) * pyramid.project[0].out_channels
    elif hasattr(decoder, "psp"):
        pooled = decoder.psp.blocks
        join = decoder.psp.out_conv
        branches = join[0].in_channels - len(pooled) * join[0].out_channels
        decoder.psp.blocks = nn.ModuleList()
    else:
        return
    old = join[0]
    join[0] = nn.Conv2d(branches, old.out_channels, old.kernel_size, padding=old.padding, bias=False)


_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
#: definitions live as long as their library object
_defined: list[torch.library.Library] = []


def prepare_torchvision() -> bool:
    """Make `import torchvision` work; to be called before it, or what needs it (timm, segmentation_models_pytorch).

    PyPI has torchvision for CUDA only. Beside a PyTorch for the CPU its library cannot load, and the import stops
    because two of its operators do not exist. No segmentation network calls them: their schemas are enough. Where the
    library loads, nothing is changed.

    Returns:
        Whether schemas had to be defined.

    Raises:
        LulcError: torchvision is not installed.
    """
    if "torchvision" in sys.modules or _defined:
        return bool(_defined)
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise LulcError("torchvision is not installed.", "Run scripts/setup.sh training.")
    if _library_loads(Path(spec.origin).parent):
        return False
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(name + _NMS)
    _defined.append(library)
    return True


def _library_loads(folder: Path) -> bool:
    files = [file for file in sorted(folder.glob("_C.*")) if file.suffix in (".so", ".pyd", ".dylib")]
    try:
        for file in files:
            torch.ops.load_library(file)
    except OSError:
        return False
    return bool(files)
