# SPDX-License-Identifier: GPL-3.0-or-later
"""What a layer's numbers are, which way into the network they take, and the fixed steps that bring them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from ..errors import LulcError
from ..findings import Findings
from ..model import InputForm, ModelSpec
from ..options import option
from ..progress import Progress
from ..raster import (
    LAYER_OPS,
    BandMatch,
    Channel,
    LayerFacts,
    Source,
    Step,
    Steps,
    bands as band_matching,
    resolve_all,
    statistics as sampling,
    value_kind,
)
from .job import ClassifyJob

Probe = Sequence[npt.NDArray[Any]]


@dataclass(frozen=True)
class Values:
    """How stored numbers become network input.

    Attributes:
        reading: what the numbers are.
        form: the way into the network.
        unit_steps: steps that bring each band to the unit of the form, and no further.
        band_steps: fixed steps of each source band.
        channels: the network's channels with fixed steps.
    """

    reading: value_kind.Interpretation
    form: InputForm
    unit_steps: tuple[Steps, ...]
    band_steps: tuple[Steps, ...]
    channels: tuple[Channel, ...]


def choose(
    job: ClassifyJob,
    source: Source,
    spec: ModelSpec,
    match: BandMatch,
    probe: Probe,
    findings: Findings,
    progress: Progress,
) -> Values:
    """Decide how the layer's numbers are read.

    Args:
        job: what the user said.
        source: the open layer.
        spec: the network.
        match: the layer's bands in the network's order.
        probe: some valid stored values of each of them.
        findings: gets what was decided.
        progress: asked whether to stop while layer statistics are read.

    Raises:
        LulcError: the network has no way in for such numbers, or there is no valid pixel to measure.
    """
    reading = _reading(job.values, source.facts, match, probe)
    if not job.statistics_from:
        return _scaled(spec, reading, source, match, findings, progress)
    with Source(job.statistics_from.path) as other:
        their_match = match_bands(job, other.facts, spec)
        # the other layer also settles what the numbers are, so that all layers of a set are read alike
        their_probe = sampling.probe_layer(other, their_match.numbers, progress)
        theirs = _reading(job.values, other.facts, their_match, their_probe)
        if theirs.kind != reading.kind:
            reading = _reading(theirs.kind, source.facts, match, probe)
        reading = replace(reading, because=f"as {other.facts.name}: {theirs.because}")
        findings.log(f"Statistics come from {other.facts.name}")
        return _scaled(spec, reading, other, their_match, findings, progress)


def match_bands(job: ClassifyJob, facts: LayerFacts, spec: ModelSpec) -> BandMatch:
    """Which bands of a layer are those of the network.

    Raises:
        LulcError: a band cannot be found, or the bands that the user gave do not exist.
    """
    return band_matching.match(
        facts.bands,
        spec.bands,
        job.layer.bands,
        layer_name=facts.name,
        tags=facts.tags,
        model_sensor=" ".join(filter(None, (spec.constellation, *spec.instruments))),
    )


def way_in(
    job: ClassifyJob, facts: LayerFacts, spec: ModelSpec, match: BandMatch, probe: Probe
) -> tuple[value_kind.Interpretation, InputForm]:
    """What a layer's numbers are, and how they enter the network; no statistics are measured.

    Raises:
        LulcError: the network has no way in for such numbers.
    """
    reading = _reading(job.values, facts, match, probe)
    return reading, _form(spec, reading)


def without_statistics(reading: value_kind.Interpretation, form: InputForm, spec: ModelSpec) -> Values:
    """The way of a layer's numbers to the unit of a form, without the scaling that would have to be measured."""
    unit_steps = tuple(_into_unit(form, reading, spec, i) for i in range(len(form.band_steps)))
    return Values(reading, form, unit_steps, unit_steps, ())


def _reading(said: str, facts: LayerFacts, match: BandMatch, probe: Probe) -> value_kind.Interpretation:
    return value_kind.interpret_values(
        said, [facts.dtypes[n - 1] for n in match.numbers], [facts.bands[n - 1] for n in match.numbers], probe
    )


def _scaled(
    spec: ModelSpec,
    reading: value_kind.Interpretation,
    statistics: Source,
    match: BandMatch,
    findings: Findings,
    progress: Progress,
) -> Values:
    form = _form(spec, reading)
    unit_steps = tuple(_into_unit(form, reading, spec, i) for i in range(len(form.band_steps)))
    band_steps = tuple(into + steps for into, steps in zip(unit_steps, form.band_steps))
    findings.log(f"Values read as {reading.kind} ({reading.because}); way in: {form.name}")
    findings.passed("values.kind", f"read as {reading.kind} ({reading.because}); way into the network: {form.name}.")
    channels = spec.channels
    every = [*band_steps, *(c.steps for c in channels)]
    if any(step.op in LAYER_OPS for steps in every for step in steps):
        sample = sampling.sample_layer(statistics, match.numbers, progress)
        if sample.shape[1] == 0:
            raise LulcError(
                f"{statistics.facts.name} has no pixel that is valid in all bands; there is nothing to classify."
            )
        band_steps, channels = resolve_all(spec.band_names, band_steps, channels, sample)
        findings.log(f"Scaling measured on {sample.shape[1]:,} pixels of {statistics.facts.name}")
    for band, steps in zip(spec.bands, band_steps):
        if steps:
            findings.log(f"Scaling of {band.label}: {describe(steps)}")
    return Values(reading, form, unit_steps, band_steps, channels)


def _form(spec: ModelSpec, reading: value_kind.Interpretation) -> InputForm:
    kinds = {"reflectance": value_kind.REFLECTANCE, "dn": value_kind.PICTURE, "byte": value_kind.PICTURE}
    for form in spec.forms:
        if kinds[form.unit] == reading.kind:
            return form
    if reading.kind == value_kind.REFLECTANCE:
        return spec.forms[0]
    raise LulcError(
        f"{spec.name} wants reflectance, but the layer is not: {reading.because}.",
        f"Give a layer of reflectance (0 to 1 or × 10,000), or set {option('values')} to reflectance if it is one.",
    )


def _into_unit(form: InputForm, reading: value_kind.Interpretation, spec: ModelSpec, index: int) -> Steps:
    """Steps that bring stored numbers of a band to the unit of a form."""
    if form.unit == "reflectance":
        return reading.band_steps[index]
    band = spec.bands[index]
    if reading.kind == value_kind.REFLECTANCE and band.scale:
        back = (Step.of("offset", value=band.offset or 0), Step.of("scale", value=band.scale))
        return (*reading.band_steps[index], *back)
    return ()


def describe(steps: Steps) -> str:
    """Steps in words, for the log: `min-max 21 … 180, clip 0 … 1`."""
    return ", ".join(" ".join([s.op, " … ".join(f"{v:.6g}" for _, v in s.numbers)]).strip() for s in steps)
