# SPDX-License-Identifier: GPL-3.0-or-later
"""Own classes become a model file like any other: one .onnx with network, features and classifier, and its sidecar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import provenance
from ..atomic_write import write_whole
from ..errors import FileNotWritten
from ..legend import Legend
from ..model import BandStatistics, InputForm, ModelSpec, Output, Smoothing, Training, Window, mlm
from .classifier import Classifier
from .features import WINDOWS, add_features, joined, selected
from .layer_inputs import LayerInputs
from .onnx_graph import Graph

OUTPUT, INPUT = "probabilities", "layer"
_MULTIPLE, _SIZE = 32, 512
_FACTOR = 1.5


def add_classifier(inputs: LayerInputs, classifier: Classifier | None, planes: Sequence[int], classes: int) -> bytes:
    """The .onnx file of a classifier, or of a network's own classes where there is none.

    Args:
        inputs: what goes in; networks that the classifier does not look at are left out before.
        classifier: over features of these inputs.
        planes: without a classifier, the feature of the log probability of each class.
        classes: number of classes.
    """
    graph = Graph(INPUT, len(inputs.channels))
    parts = [use.part for use in inputs.networks]
    features = add_features(graph, len(inputs.pixel_names), inputs.windowed, parts)
    if classifier is None:
        result = graph.add_softmax(joined(graph, selected(graph, features, planes)))
    else:
        result = classifier.add_to(graph, selected(graph, features, classifier.columns.tolist()), classes)
    graph.output(result, OUTPUT, classes)
    return graph.to_bytes()


def describe(
    inputs: LayerInputs,
    legend: Legend,
    sample: npt.NDArray[np.float64],
    smoothing: Smoothing | None,
    name: str,
    training: Training,
    extra: dict[str, Any],
) -> ModelSpec:
    """The description of the exported network.

    Args:
        inputs: what goes in.
        legend: the own classes.
        sample: `(bands, pixels)` stored values of the layer's bands.
        smoothing: along edges; None without.
        name: of the network.
        training: the samples, and what else it was made of.
        extra: further properties.
    """
    specs = [use.entry.spec for use in inputs.networks]
    windows = [spec.window for spec in specs]
    margin = max([w.margin for w in windows], default=_MULTIPLE)
    around = 2 * (max(WINDOWS) // 2)
    window = Window(
        max([w.size for w in windows], default=_SIZE),
        int(np.lcm.reduce([w.multiple for w in windows] + [_MULTIPLE])),
        max([w.minimum for w in windows], default=2 * _MULTIPLE),
        max([w.receptive_field for w in windows if w.receptive_field], default=0) or 2 * around + 1,
        margin,
    )
    gsd = inputs.facts.gsd
    return ModelSpec(
        name=name,
        title=f"Own classes of {inputs.facts.name}: {', '.join(legend.names)}"[:200],
        architecture=" on ".join(["Classes of one's own", *(spec.architecture for spec in specs[:1])]),
        bands=inputs.bands,
        channels=inputs.channels,
        forms=(InputForm("stored numbers", "dn", inputs.band_steps, "as the layer of the samples stores them"),),
        fill=inputs.fill,
        input_name=INPUT,
        output=Output(OUTPUT, ("argmax",)),
        legend=legend,
        window=window,
        gsd=gsd,
        gsd_range=(gsd / _FACTOR, gsd * _FACTOR) if gsd else None,
        license=_licence(specs),
        description=f"Trained from samples with the Land Cover Classifier, {provenance.plugin_version()}.",
        training=training,
        band_statistics=band_statistics(inputs, sample),
        smoothing=smoothing,
        extra=extra,
    )


def band_statistics(inputs: LayerInputs, sample: npt.NDArray[np.float64]) -> tuple[BandStatistics, ...]:
    """Mean, deviation and range of each band of the layer that the samples are from, as it stores them."""
    out = []
    for number in inputs.numbers:
        values = sample[number - 1]
        low, high = np.percentile(values, (2, 98))
        out.append(BandStatistics(float(values.mean()), float(values.std()), float(low), float(high)))
    return tuple(out)


def _licence(specs: Sequence[ModelSpec]) -> str:
    """The licence of the networks that it builds on; that of the samples is their owner's business."""
    licences = sorted({spec.license for spec in specs})
    return licences[0] if len(licences) == 1 else "other"


def write(path: Path, content: bytes, spec: ModelSpec) -> None:
    """Write the network and its description; the description first, so that the network is never without.

    Raises:
        LulcError: the folder cannot be written to.
    """
    whole = replace(spec, file_name=path.name, file_size=len(content), sha256=provenance.content_digest(content))
    mlm.write(whole, path.with_suffix(".json"))
    try:
        write_whole(path, content)
    except OSError as error:
        raise FileNotWritten(
            f"The network {path} cannot be written: {error.strerror or error}.", "Choose another folder."
        ) from error
