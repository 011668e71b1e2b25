# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a network, or its encoder, from weights that were trained before, and says what was and was not loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lulc_plugin.errors import LulcError

from . import named_weights
from .encoder_networks import WithEncoder, imagenet_encoder
from .network import Network
from .weight_files import channel_names, find, read_weights

#: what stands before a key here and not there: a bare encoder's file, and one of timm
_PREFIXES = ("", "encoder.", "encoder.model.")
_INPUT_DIMENSION = 1


@dataclass(frozen=True)
class Loaded:
    """What became of a file of weights.

    Args:
        source: where they came from.
        taken: keys of the network that were filled.
        adapted: those of them whose number of input channels differed, each with what was done.
        fresh: keys of the network that keep their random start.
        unused: keys of the file that the network has no place for, or another shape.
    """

    source: str
    taken: tuple[str, ...]
    adapted: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{len(self.taken)} of {len(self.taken) + len(self.fresh)} tensors from {self.source}"]
        lines += [f"adapted: {sentence}" for sentence in self.adapted]
        for word, keys in (("fresh", self.fresh), ("not used", self.unused)):
            if keys:
                lines.append(f"{word}: {', '.join(_parts(keys))}")
        return "; ".join(lines)


def load_pretrained(network: Network, source: str, rgb: Sequence[int] = (0, 1, 2), names: Sequence[str] = ()) -> Loaded:
    """Fill what fits of a network, in place.

    A file may hold MobileNetV2 weights with the published keys (`features.*`), an encoder of
    segmentation_models_pytorch or timm, or a whole network of this bench, whose number of input channels and of classes
    may be another one. Filters of channels that the file does not know start as the mean of those it knows, and all are
    scaled so that the sum over the channels stays about what it was. A head for another number of classes stays fresh.

    Args:
        network: one of `build`.
        source: `imagenet` (published weights of the encoder, downloaded unless they are cached), or what
            `read_weights` takes: a name, a path, package:NAME/PATH, hub:OWNER/NAME/FILE.
        rgb: which input channels of the network are red, green and blue; for weights of photographs.
        names: of the network's input channels; where those of the weights are known, too, equal names meet.

    Raises:
        LulcError: no such weights, no connection, or not one filter that fits.
    """
    path = None if source == "imagenet" else find(source)
    published = _imagenet(network) if path is None else read_weights(str(path))
    known = () if path is None else channel_names(source)
    meeting = named_weights.places_of(known, names)
    target = network.state_dict()
    weights = _unfolded(_renamed(published, target), network)
    channels = _input_channels(network)
    taken, adapted, filled = [], [], {}
    for key, old in weights.items():
        if key not in target:
            continue
        new = target[key]
        others = tuple(known) != tuple(names) and old.shape[1:2] == (len(known),) and old.shape[2:] == new.shape[2:]
        if _differs_in_channels(old, new, channels) and (old.shape != new.shape or (meeting and others)):
            adapted.append(f"{key} from {old.shape[_INPUT_DIMENSION]} to {channels} channels")
            if len(known) == old.shape[_INPUT_DIMENSION] and network.channel_names:
                old = with_names(old, known, network.channel_names)
            else:
                old = with_channels(old, channels, rgb, meeting)
        elif old.dim() == 4 and old.shape[:2] == new.shape[:2] and new.shape[2:] == (1, 1) != old.shape[2:]:
            adapted.append(f"{key} summed to one cell")
            old = old.sum(dim=(2, 3), keepdim=True)
        if old.shape == new.shape:
            filled[key] = old.to(new.dtype)
            taken.append(key)
    if not any(tensor.dim() == 4 for tensor in filled.values()):
        raise LulcError(
            f"Nothing in the weights “{source}” fits this network: it has {', '.join(_parts(tuple(target)))}; "
            f"the file has {', '.join(_parts(tuple(published)))}.",
            "Give weights of the same encoder, or a checkpoint of the same architecture.",
        )
    network.load_state_dict(filled, strict=False)
    return Loaded(
        source,
        tuple(taken),
        tuple(adapted),
        tuple(key for key in target if key not in filled),
        tuple(key for key in weights if key not in filled),
    )


def with_channels(
    filters: Tensor, channels: int, rgb: Sequence[int] = (0, 1, 2), meeting: Mapping[int, int] | None = None
) -> Tensor:
    """Filters `(out, known, rows, cols)` for another number of input channels.

    `meeting` says which known channel goes where; the others are the mean. Without it:
    Three known channels are those of photographs and go where `rgb` says; any other number is taken in order. Fewer
    channels than known take the first, and so does a network that lacks one of red, green and blue.
    """
    known = filters.shape[_INPUT_DIMENSION]
    places = tuple(rgb) if known == 3 and channels > 3 else tuple(range(min(known, channels)))
    pairs = dict(meeting or enumerate(places))
    result = filters.float().mean(dim=1, keepdim=True).repeat(1, channels, 1, 1)
    result[:, list(pairs.values())] = filters[:, list(pairs)].float()
    return result * (known / channels)


def with_names(filters: Tensor, known: Sequence[str], wanted: Sequence[str]) -> Tensor:
    """Filters `(out, known, rows, cols)` for the channels `wanted`; those that are not known start at 0."""
    result = filters.new_zeros((filters.shape[0], len(wanted), *filters.shape[2:]))
    for i, name in enumerate(wanted):
        if name in known:
            result[:, i] = filters[:, list(known).index(name)]
    return result


def _imagenet(network: Network) -> dict[str, Tensor]:
    """Published ImageNet weights of the network's encoder; that of the bench's own networks is MobileNetV2."""
    if network.encoder_module() is None:
        raise LulcError("This network has no encoder that published weights would fit.", "Leave `pretrained` out.")
    name = network.encoder_name if isinstance(network, WithEncoder) else "mobilenet_v2"
    put = named_weights.weights_folder() / f"{name}_imagenet.safetensors"
    if put.is_file():
        return read_weights(str(put))
    try:
        return imagenet_encoder(network, name, f"put its model.safetensors there: {put}")
    except LulcError:
        raise
    # the libraries and the hub's client raise errors of many kinds; all mean that the weights are not to be had
    except Exception as error:
        raise LulcError(
            f"The ImageNet weights of {name} could not be had: {str(error).strip() or repr(error)}",
            f"Check the connection, or download them elsewhere and put them there: {put}",
        ) from error


def _renamed(tensors: dict[str, Tensor], target: dict[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors under the network's keys: the prefix under which most of them have a place."""
    plain = {key.replace("segmentation_head.0.", "head."): tensor for key, tensor in tensors.items()}
    best = max(_PREFIXES, key=lambda prefix: sum(prefix + key in target for key in plain))
    return {best + key: tensor for key, tensor in plain.items()}


def _unfolded(weights: dict[str, Tensor], network: Network) -> dict[str, Tensor]:
    """Biases of folded convolutions go into the normalisation behind them, which does nothing else then.

    Exported networks have their normalisation folded into the convolutions.
    """
    made = dict(weights)
    for name, container in network.named_modules():
        children = list(container.named_children())
        for (conv, first), (norm, second) in zip(children, children[1:], strict=False):
            place = f"{name}." if name else ""
            bias = made.get(f"{place}{conv}.bias")
            if not isinstance(first, nn.Conv2d) or not isinstance(second, nn.BatchNorm2d) or bias is None:
                continue
            if first.bias is not None or f"{place}{norm}.running_mean" in made:
                continue
            del made[f"{place}{conv}.bias"]
            made[f"{place}{norm}.bias"] = bias
            made[f"{place}{norm}.weight"] = torch.full_like(bias, (1 + second.eps) ** 0.5)
            made[f"{place}{norm}.running_mean"] = torch.zeros_like(bias)
            made[f"{place}{norm}.running_var"] = torch.ones_like(bias)
    return made


def _input_channels(network: Network) -> int:
    """Channels of the network's input: those of its first convolution."""
    return next(module.in_channels for module in network.modules() if isinstance(module, torch.nn.Conv2d))


def _differs_in_channels(old: Tensor, new: Tensor, channels: int) -> bool:
    """Whether only the number of input channels differs, at a convolution that sees the input."""
    if old.dim() != 4 or new.dim() != 4 or new.shape[_INPUT_DIMENSION] != channels:
        return False
    return old.shape[0] == new.shape[0] and old.shape[2:] == new.shape[2:]


def _parts(keys: tuple[str, ...]) -> list[str]:
    """The first words of keys, each once, at most twelve."""
    words = list(dict.fromkeys(".".join(key.split(".")[:2]) for key in keys))
    shorter = list(dict.fromkeys(key.split(".")[0] for key in keys)) if len(words) > 12 else words
    return shorter[:12] + (["…"] if len(shorter) > 12 else [])
