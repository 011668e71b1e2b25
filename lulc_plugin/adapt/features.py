# SPDX-License-Identifier: GPL-3.0-or-later
"""The features of a pixel that own classes are told apart by: a part of the exported graph.

Training reads them from that graph, too: there is no second way to compute them. They are, in this order, the layer's
bands and indices as they are, means and standard deviations of the first of them in windows about the pixel, and
features and logarithms of the probabilities of networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .onnx_graph import Graph, Network, without_softmax

#: Side lengths of the windows, pixels.
WINDOWS = (3, 7, 15)
#: Bands that windows are looked at of: with more, as in an embedding of 64 bands, they would cost more than they tell.
MOST_WINDOWED = 12
#: Probabilities below it are rounded up before their logarithm is taken.
LEAST_PROBABILITY = 1e-4
_TINY = 1e-8


@dataclass(frozen=True)
class NetworkPart:
    """A network whose features are used.

    Attributes:
        network: its graph.
        channels: of its input.
        probabilities: name of the output of class probabilities, with `classes` planes.
        classes: number of its classes.
        features: name of the output of features, with `feature_count` planes; empty without.
        feature_count: number of features.
    """

    network: Network
    channels: int
    probabilities: str
    classes: int
    features: str = ""
    feature_count: int = 0


def count_of(pixel_channels: int, windowed: int, networks: Sequence[NetworkPart]) -> int:
    """Number of features that `add_features` makes."""
    return pixel_channels + 2 * len(WINDOWS) * windowed + sum(n.classes + n.feature_count for n in networks)


def add_features(
    graph: Graph, pixel_channels: int, windowed: int, networks: Sequence[NetworkPart]
) -> list[tuple[str, int]]:
    """Add the features to a graph.

    Args:
        graph: its input has the channels of each network, one after another, then bands and indices, standardised.
        pixel_channels: number of the latter.
        windowed: as many of them, from the first on, are looked at in windows, too.
        networks: the networks.

    Returns:
        tensors `(batch, features, rows, cols)` that are the features one after another, with the number of each. They
        are not joined: a copy of all of them takes as long as a classifier.
    """
    parts: list[tuple[str, int]] = []
    begin = 0
    network_parts: list[tuple[str, int]] = []
    for part in networks:
        source = _channels(graph, begin, begin + part.channels)
        begin += part.channels
        network_parts += _network_features(graph, part, source)
    pixel = _channels(graph, begin, begin + pixel_channels) if begin else graph.input
    parts.append((pixel, pixel_channels))
    if windowed:
        source = pixel if windowed == pixel_channels else _channels(graph, begin, begin + windowed)
        squares = graph.add("Mul", source, source)
        for side in WINDOWS:
            mean = _window_mean(graph, source, side)
            variance = graph.add("Sub", _window_mean(graph, squares, side), graph.add("Mul", mean, mean))
            deviation = graph.add("Sqrt", graph.add("Max", variance, graph.weights(_TINY)))
            parts += [(mean, windowed), (deviation, windowed)]
    return parts + network_parts


def _network_features(graph: Graph, part: NetworkPart, source: str) -> list[tuple[str, int]]:
    """Features of a network, where it has some, and logarithms of its probabilities, not below a least one."""
    shorter = without_softmax(part.network, part.probabilities)
    network, scores = shorter or (part.network, "")
    outputs = graph.include(network, source)
    if scores:
        logarithm = graph.add("Max", graph.add_log_softmax(outputs[scores]), graph.weights(np.log(LEAST_PROBABILITY)))
    else:
        least = graph.weights(LEAST_PROBABILITY)
        logarithm = graph.add("Log", graph.add("Max", outputs[part.probabilities], least))
    own = [(outputs[part.features], part.feature_count)] if part.features else []
    return [*own, (logarithm, part.classes)]


def joined(graph: Graph, parts: Sequence[tuple[str, int]]) -> str:
    """All features in one tensor."""
    return graph.add("Concat", *(name for name, _ in parts), axis=1) if len(parts) > 1 else parts[0][0]


def selected(graph: Graph, parts: Sequence[tuple[str, int]], columns: Sequence[int]) -> list[tuple[str, int]]:
    """The features `columns`, in rising order, as parts."""
    out = []
    begin = 0
    for name, count in parts:
        own = [column - begin for column in columns if begin <= column < begin + count]
        begin += count
        if len(own) == count:
            out.append((name, count))
        elif own:
            out.append((graph.add("Gather", name, graph.weights(own, "int64"), axis=1), len(own)))
    return out


def _channels(graph: Graph, begin: int, end: int) -> str:
    """Channels `begin` to `end` of the input."""
    limits = (graph.weights([value], "int64") for value in (begin, end, 1))
    return graph.add("Slice", graph.input, *limits)


def _window_mean(graph: Graph, source: str, side: int) -> str:
    """Means in squares of `side` pixels; beyond the image's border there is nothing to count."""
    half = side // 2
    rows = graph.add("AveragePool", source, kernel_shape=[side, 1], pads=[half, 0, half, 0], count_include_pad=0)
    return graph.add("AveragePool", rows, kernel_shape=[1, side], pads=[0, half, 0, half], count_include_pad=0)
