# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a layer: its bands, the indices they allow, the networks that they suit, and how all are scaled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..classify import ClassifyJob, make_plan, ordered_for
from ..errors import LulcError
from ..model import Entry, ModelBand, catalogue
from ..progress import Progress
from ..raster import (
    INDICES,
    Channel,
    LayerFacts,
    RasterInput,
    Source,
    Step,
    Steps,
    apply_steps,
    bands as band_matching,
    parse,
    value_kind,
)
from .features import MOST_WINDOWED, NetworkPart
from .job import ALL, AUTO, NONE
from .onnx_graph import read_network

#: Bands that indices are made of.
_COMMON = ("blue", "green", "red", "nir", "swir16", "swir22")
#: Indices that do not depend on the unit of the bands.
_INDICES = ("NDVI", "NDWI", "MNDWI", "NDBI")
#: Standardised numbers beyond it are no land.
_FARTHEST = 8.0
#: Correlation beyond which one band is taken for a copy of another.
_COPY = 0.999_999
_LETTERS = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True)
class NetworkUse:
    """A network on this layer.

    Attributes:
        entry: file and description.
        part: its graph and outputs.
        numbers: band numbers of the layer in the order of its bands.
        band_steps: fixed steps for each of them.
        channels: of its input, over its own bands, with fixed steps.
    """

    entry: Entry
    part: NetworkPart
    numbers: tuple[int, ...]
    band_steps: tuple[Steps, ...]
    channels: tuple[Channel, ...]


@dataclass(frozen=True)
class LayerInputs:
    """What goes into the graph of features.

    Attributes:
        facts: what the layer says about itself.
        numbers: bands of the layer that are used.
        bands: their descriptions, each with its own name.
        band_steps: steps that bring stored numbers to the unit of the channels.
        channels: those of each network, one after another, then bands and indices.
        fill: of each channel at pixels without data.
        networks: the networks.
        pixel_names: names of the bands and indices among the channels.
        windowed: as many of them are looked at in windows, too.
        roles: `red` and the like → name of that band.
        notes: what was decided, for log and report.
    """

    facts: LayerFacts
    numbers: tuple[int, ...]
    bands: tuple[ModelBand, ...]
    band_steps: tuple[Steps, ...]
    channels: tuple[Channel, ...]
    fill: tuple[float, ...]
    networks: tuple[NetworkUse, ...]
    pixel_names: tuple[str, ...]
    windowed: int
    roles: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bands, as expressions use them."""
        return tuple(band.name for band in self.bands)

    def without_networks(self) -> LayerInputs:
        """The same layer looked at without any network."""
        own = len(self.channels) - len(self.pixel_names)
        return replace(self, channels=self.channels[own:], fill=self.fill[own:], networks=())


def find_networks(
    layer: RasterInput, wish: str, model_file: str, models_folder: str, progress: Progress
) -> tuple[list[NetworkUse], list[str]]:
    """The networks that suit a layer, and sentences on those that were passed over.

    Args:
        layer: with the bands that the user gave for networks.
        wish: `auto` (the best that fits), `all`, `none`, or names with commas between them.
        model_file: a network file instead; empty: none.
        models_folder: of the user's own networks; may be empty.
        progress: asked whether to stop.

    Raises:
        LulcError: a network that the user named cannot be used on this layer.
    """
    if model_file:
        return [_use(layer, ClassifyJob(layer, model_file=model_file, resample="never"), progress)], []
    if wish == NONE:
        return [], []
    if wish not in (AUTO, ALL):
        jobs = [
            ClassifyJob(layer, model=name.strip(), models_folder=models_folder, resample="never")
            for name in wish.split(",")
        ]
        return [_use(layer, job, progress) for job in jobs], []
    found: list[NetworkUse] = []
    notes = []
    networks = catalogue.Catalogue(Path(models_folder) if models_folder else None)
    with Source(layer) as source:
        networks = ordered_for(ClassifyJob(layer), source.facts, networks)
    for entry in networks.entries:
        if entry.spec.output.features is None:
            continue
        job = ClassifyJob(layer, model=entry.spec.name, models_folder=models_folder, resample="never")
        try:
            use = _use(layer, job, progress)
        except LulcError as error:
            notes.append(f"Without the network {entry.spec.name}: {error.problem}")
            continue
        if found and not _joins(found[0], use):
            notes.append(f"Without the network {entry.spec.name}: it reads the bands in another scale.")
            continue
        found.append(use)
        if wish == AUTO:
            break
    return found, notes


def _joins(first: NetworkUse, other: NetworkUse) -> bool:
    steps = dict(zip(first.numbers, first.band_steps))
    same = all(steps.get(number, own) == own for number, own in zip(other.numbers, other.band_steps))
    return same and first.part.network.opset == other.part.network.opset


def _use(layer: RasterInput, job: ClassifyJob, progress: Progress) -> NetworkUse:
    """The network of a job on its layer.

    Raises:
        LulcError: it cannot be used there.
    """
    with make_plan(job, progress) as plan:
        setup, _ = plan.ready()
        if setup.resampling is not None or not setup.pixels.inside:
            raise LulcError(
                f"{setup.spec.name} was made for pixels of another size than those of {setup.facts.name}.",
                "Resample the layer first, or choose another network.",
            )
    spec = setup.spec
    network = read_network(setup.entry.path.read_bytes(), setup.entry.path.name)
    classes = len(spec.legend.classes)
    output = spec.output
    if output.activation[:1] != ("argmax",) or output.plane or output.cut or spec.layout != "NCHW" or spec.input_type:
        raise LulcError(
            f"{spec.name} returns no probabilities of the size of its input, so own classes cannot build on it.",
            "Choose a bundled network, or none.",
        )
    part = NetworkPart(network, len(setup.channels), output.name, classes, output.features or "", output.feature_count)
    return NetworkUse(setup.entry, part, setup.match.numbers, setup.band_steps, setup.channels)


def describe_layer(
    facts: LayerFacts, sample: npt.NDArray[np.float64], networks: Sequence[NetworkUse], notes: Sequence[str]
) -> LayerInputs:
    """Decide which bands and indices are used, and how they are scaled.

    Args:
        facts: what the layer says about itself.
        sample: `(bands, pixels)` stored values of all bands, of pixels that are valid in all.
        networks: the networks on it.
        notes: sentences so far.

    Raises:
        LulcError: no pixel is valid, or no band varies.
    """
    if not sample.shape[1]:
        raise LulcError(f"No pixel of {facts.name} is valid in all of its bands.", "Check its nodata values.")
    notes = list(notes)
    steps_of = {n: s for use in networks for n, s in zip(use.numbers, use.band_steps)}
    kept = _useful(facts, sample, set(steps_of), notes)
    steps_of = {**_embedding_steps(facts, sample, kept, notes), **steps_of}
    common = _common_bands(facts)
    names = _names(facts, kept, common)
    of_networks = {n: band.common_name or "" for use in networks for band, n in zip(use.entry.spec.bands, use.numbers)}
    roles = {role: names[n] for n, role in {**common, **of_networks}.items() if role and n in names}
    bands = tuple(_band(facts, number, names[number], common) for number in kept)
    band_steps = tuple(steps_of.get(number, ()) for number in kept)
    values = {names[n]: apply_steps(sample[n - 1], s) for n, s in zip(kept, band_steps)}
    place = {number: i for i, number in enumerate(kept)}
    channels = []
    fill: list[float] = []
    for use in networks:
        own = {band.name: names[n] for band, n in zip(use.entry.spec.bands, use.numbers)}
        channels += [_renamed(channel, use, place, own) for channel in use.channels]
        fill += use.entry.spec.fill
    plain = [n for n in kept if _varies(values[names[n]])]
    # where a band is a constant that a network needs, it is no feature of its own
    channels += [Channel(names[n], place[n], None, _standardise(values[names[n]])) for n in plain]
    indices = _indices(values, roles)
    channels += indices
    fill += [0.0] * (len(plain) + len(indices))
    return LayerInputs(
        facts,
        tuple(kept),
        bands,
        band_steps,
        tuple(channels),
        tuple(fill),
        tuple(networks),
        (*(names[n] for n in plain), *(channel.name for channel in indices)),
        len(plain) if len(plain) <= MOST_WINDOWED else 0,
        roles,
        tuple(notes),
    )


def _useful(facts: LayerFacts, sample: npt.NDArray[np.float64], needed: set[int], notes: list[str]) -> list[int]:
    """Band numbers without constants and copies; those that a network needs stay."""
    kept: list[int] = []
    for band in facts.bands:
        values = sample[band.number - 1]
        if band.is_alpha:
            continue
        if band.number in needed:
            kept.append(band.number)
            continue
        if not _varies(values):
            notes.append(f"Band {band.label} is left out: it has the same value everywhere.")
            continue
        twin = next((n for n in kept if _is_copy(values, sample[n - 1])), None)
        if twin is None:
            kept.append(band.number)
        else:
            notes.append(f"Band {band.label} is left out: it is a copy of band {facts.bands[twin - 1].label}.")
    if not any(_varies(sample[number - 1]) for number in kept):
        raise LulcError(f"All bands of {facts.name} have the same value everywhere.", "Give an image.")
    return kept


def _embedding_steps(
    facts: LayerFacts, sample: npt.NDArray[np.float64], kept: Sequence[int], notes: list[str]
) -> dict[int, Steps]:
    """Steps of the bands that hold an AlphaEarth embedding: stored are signed square roots."""
    found = [n for n in kept if value_kind.holds_embedding(facts.bands[n - 1], facts.dtypes[n - 1], sample[n - 1])]
    if not found:
        return {}
    first, last = (facts.bands[n - 1].label for n in (found[0], found[-1]))
    notes.append(
        f"{len(found)} bands, {first} to {last}, hold an AlphaEarth embedding: stored numbers v stand for"
        " sign(v) · (v / 127.5)²."
    )
    empty = int(np.count_nonzero((sample[[n - 1 for n in found]] == value_kind.EMBEDDING_NODATA).all(axis=0)))
    if empty:
        notes.append(
            f"{empty:,} of {sample.shape[1]:,} pixels that were looked at are {value_kind.EMBEDDING_NODATA:.0f} in all"
            " of them, which stands for no data: set it as the layer's nodata value."
        )
    return dict.fromkeys(found, value_kind.EMBEDDING_STEPS)


def _varies(values: npt.NDArray[np.floating]) -> bool:
    return bool(np.ptp(values) > 0)


def _is_copy(values: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    """Whether a band is another one in the same or another unit."""
    if not _varies(other):
        return False
    return bool(abs(np.corrcoef(values, other)[0, 1]) > _COPY)


def _names(facts: LayerFacts, kept: Sequence[int], common: Mapping[int, str]) -> dict[int, str]:
    """A name for each band that expressions can use: the common one where the layer tells it, its own, or its number.

    The network is to find its bands in this layer again, so only what the layer itself says can be their name.
    """
    names: dict[int, str] = {}
    for number in kept:
        own = _LETTERS.sub("_", facts.bands[number - 1].name).strip("_")
        name = common.get(number) or (own if own[:1].isalpha() else "") or f"band_{number}"
        names[number] = name if name not in names.values() else f"band_{number}"
    return names


def _common_bands(facts: LayerFacts) -> dict[int, str]:
    """Band number → common name, of those that the layer tells."""
    common: dict[int, str] = {}
    for name in _COMMON:
        try:
            match = band_matching.match(
                facts.bands, [ModelBand(name, name)], (), layer_name=facts.name, tags=facts.tags, model_sensor=""
            )
        except LulcError:
            continue
        if match.how != "by position":
            common.setdefault(match.numbers[0], name)
    return common


def _band(facts: LayerFacts, number: int, name: str, common: Mapping[int, str]) -> ModelBand:
    band = facts.bands[number - 1]
    return ModelBand(
        name=name,
        common_name=common.get(number),
        wavelength=band.wavelength,
        width=band.width,
        description=band.name,
        data_type=facts.dtypes[number - 1],
    )


def _renamed(channel: Channel, use: NetworkUse, place: Mapping[int, int], own: Mapping[str, str]) -> Channel:
    """A channel of a network over the bands of this layer."""
    if channel.expression is None:
        return replace(channel, band=place[use.numbers[channel.band or 0]])
    return replace(channel, expression=parse(_with_names(channel.expression.text, own), tuple(own.values())))


def _indices(values: Mapping[str, npt.NDArray[np.float32]], roles: Mapping[str, str]) -> list[Channel]:
    """Channels of the indices whose bands are there; `roles` has the name of the band that is red, and so on."""
    channels = []
    for index in _INDICES:
        try:
            expression = parse(_with_names(INDICES[index], roles), tuple(values))
        except LulcError:  # a band is missing
            continue
        numbers = expression.evaluate(values)
        if _varies(numbers):
            channels.append(Channel(index, None, expression, _standardise(numbers)))
    return channels


def _with_names(text: str, names: Mapping[str, str]) -> str:
    """An expression with the names of its bands replaced."""
    return re.sub(r"[A-Za-z_]\w*", lambda word: names.get(word.group(), word.group()), text)


def _standardise(values: npt.NDArray[np.floating]) -> Steps:
    """Steps that bring values to mean 0 and standard deviation 1, and cut what lies far from all land."""
    spread = float(values.std(dtype=np.float64)) or 1.0
    return (
        Step.of("z-score", mean=float(values.mean(dtype=np.float64)), stddev=spread),
        Step.of("clip", minimum=-_FARTHEST, maximum=_FARTHEST),
    )
