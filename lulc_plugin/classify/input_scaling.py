# SPDX-License-Identifier: GPL-3.0-or-later
"""How stored numbers become network input: what they are, their scaling, and the range that a network expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import LulcError
from ..findings import Findings
from ..model import InputForm, ModelSpec, with_pattern
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
    match_most,
    resolve_all,
    statistics as sampling,
    value_kind,
)
from .job import ClassifyJob

Probe = Sequence[npt.NDArray[Any]]
#: Reflectance above this is cloud, glint, or not reflectance.
_BRIGHT = 1.6
_SPREADS = 3.0


@dataclass(frozen=True)
class InputScaling:
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


def choose_scaling(
    job: ClassifyJob,
    source: Source,
    spec: ModelSpec,
    match: BandMatch,
    probe: Probe,
    findings: Findings,
    progress: Progress,
) -> InputScaling:
    """Decide how the layer's numbers are read.

    Args:
        job: what is asked for.
        source: the open layer.
        spec: the network.
        match: the layer's bands in the network's order.
        probe: some valid stored values of each of them.
        findings: gets what was decided.
        progress: asked whether to stop while layer statistics are read.

    Raises:
        LulcError: the network does not take such numbers, or there is no valid pixel to measure.
    """
    reading = _reading(job.values, source.facts, match, probe)
    if not job.statistics_from:
        return _scaled(spec, reading, source, match, findings, progress)
    with Source(job.statistics_from) as other:
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
    """Which bands of a layer are those of the network, all of them.

    Raises:
        LulcError: a band cannot be found, or the bands that the user gave do not exist.
    """
    return band_matching.match(
        facts.bands,
        spec.bands,
        job.layer.bands,
        layer_name=facts.name,
        tags=facts.tags,
        model_sensor=_sensor(spec),
    )


def _sensor(spec: ModelSpec) -> str:
    return " ".join(filter(None, (spec.constellation, *spec.instruments)))


def fit_bands(job: ClassifyJob, facts: LayerFacts, spec: ModelSpec) -> tuple[ModelSpec, BandMatch]:
    """A network as it works with the bands that a layer has, and which of the layer's bands those are.

    Raises:
        LulcError: a band that it cannot do without is not found, or the user's bands do not exist or are no set of it.
    """
    if spec.band_patterns is None:
        return spec, match_bands(job, facts, spec)
    patterns = spec.band_patterns.by_size
    place, found = match_most(
        facts.bands,
        spec.bands,
        [[spec.band_names.index(name) for name in pattern.bands] for pattern in patterns],
        job.layer.bands,
        layer_name=facts.name,
        tags=facts.tags,
        model_sensor=_sensor(spec),
    )
    return with_pattern(spec, patterns[place]), found


def choose_form(
    job: ClassifyJob, facts: LayerFacts, spec: ModelSpec, match: BandMatch, probe: Probe
) -> tuple[value_kind.Interpretation, InputForm]:
    """What a layer's numbers are, and how they enter the network; no statistics are measured.

    Raises:
        LulcError: the network does not take such numbers.
    """
    reading = _reading(job.values, facts, match, probe)
    return reading, _form(spec, reading)


def without_statistics(reading: value_kind.Interpretation, form: InputForm, spec: ModelSpec) -> InputScaling:
    """The way of a layer's numbers to the unit of a form, without the scaling that would have to be measured."""
    unit_steps = tuple(_into_unit(form, reading, spec, i) for i in range(len(form.band_steps)))
    return InputScaling(reading, form, unit_steps, unit_steps, ())


def _reading(values: str, facts: LayerFacts, match: BandMatch, probe: Probe) -> value_kind.Interpretation:
    return value_kind.interpret_values(
        values, [facts.dtypes[n - 1] for n in match.numbers], [facts.bands[n - 1] for n in match.numbers], probe
    )


def _scaled(
    spec: ModelSpec,
    reading: value_kind.Interpretation,
    statistics: Source,
    match: BandMatch,
    findings: Findings,
    progress: Progress,
) -> InputScaling:
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
            facts = statistics.facts
            if facts.height * facts.width > sampling.MOST_READ:
                raise LulcError(
                    f"{facts.name} is too large to be read as a whole, and the squares of it that were looked at have"
                    " no pixel that is valid in all bands.",
                    f"Give a part of it that has data in {option('statistics_from')}.",
                )
            raise LulcError(
                f"{facts.name} has no pixel that is valid in all bands; there is nothing to classify.",
                "Check the layer's nodata value and mask.",
            )
        band_steps, channels = resolve_all(spec.band_names, band_steps, channels, sample)
        findings.log(f"Scaling measured on {sample.shape[1]:,} pixels of {statistics.facts.name}")
    for band, steps in zip(spec.bands, band_steps):
        if steps:
            findings.log(f"Scaling of {band.label}: {describe(steps)}")
    return InputScaling(reading, form, unit_steps, band_steps, channels)


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


# ---------------------------------------------------------------- the range that a network expects


@dataclass(frozen=True)
class ExpectedRange:
    """Numbers a network expects, in the unit of a form.

    Attributes:
        low, high: the range.
        too_high: a 98th percentile above it is suspicious.
        too_low: a 98th percentile below it is suspicious.
        strict: every number above `high` is suspicious, and the largest is what is compared with `too_low`.
        words: the range in words.
        remedy: what to do about other numbers.
    """

    low: float
    high: float
    too_high: float
    too_low: float
    strict: bool
    words: str
    remedy: str


_BYTES = ExpectedRange(
    0, 255, 255, 2, True, "the model expects 0–255",
    "Bring the layer to 8 bits first, for example with gdal_translate -ot Byte -scale.",
)  # fmt: skip


def expected_range(spec: ModelSpec, form: InputForm) -> ExpectedRange | None:
    """The numbers that `form` expects before any of its own steps; None when it takes any."""
    if any(step.op in LAYER_OPS for steps in form.band_steps for step in steps):
        return None
    seen = spec.band_statistics if form is spec.forms[0] else ()
    if form.unit == "reflectance":
        low = min((s.low for s in seen), default=0.0)
        high = max((s.high for s in seen), default=1.0)
        return ExpectedRange(
            low, high, _BRIGHT, 0.08 * high if seen else 0.005, False,
            f"the model saw {low:.3g} to {high:.3g}" if seen else "the model expects reflectance, 0 to 1",
            f"Check what the numbers are: set {option('values')}, or declare the layer's scale and offset"
            " (gdal_edit.py -scale … -offset …).",
        )  # fmt: skip
    scaled = _scaled_ranges(spec, form)
    bytes_only = all(band.data_type == "uint8" for band in spec.bands) or set(scaled) == {(0.0, 255.0)}
    if form.unit == "byte" or bytes_only:
        return _BYTES
    most = _most(spec, form)
    # a division does not bring numbers to 0 to 1 where the graph takes whole ones
    ranges = [(s.low, s.high) for s in seen] or (scaled if most is None else [])
    usual = _usual(ranges) if ranges else None
    if most is None or (usual is not None and usual.too_high <= most):
        return usual
    words = f"the network takes numbers of the type {spec.input_type}, which here end at {most:,.6g}"
    remedy = "Bring the layer to that range first, for example with gdal_translate -scale."
    if usual is None:
        return ExpectedRange(0, most, most, 0, True, words, remedy)
    # what lies above is cut, however much of it there is
    return replace(usual, high=most, too_high=most, strict=True, words=f"{usual.words}, and {words}")


def _usual(ranges: list[tuple[float, float]]) -> ExpectedRange:
    """What imagery in some ranges, one a band, may look like."""
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    # a lake alone may reach a thirtieth; 8-bit numbers stay below a quarter of every 16-bit range
    return ExpectedRange(
        low, high, 3 * high, high / 30 if high < 1000 else max(255.0, high / 30), False,
        f"the model expects about {max(0.0, low):,.6g} to {high:,.6g}",
        "Bring the layer to the numbers of the model's training imagery, for example with gdal_translate -scale.",
    )  # fmt: skip


def _most(spec: ModelSpec, form: InputForm) -> float | None:
    """The largest number that a graph for whole numbers can be given; None for others, or where it is not known."""
    if not spec.input_type:
        return None
    limits = []
    for channel in spec.channels:
        if channel.expression is not None:
            return None
        most = float(np.iinfo(spec.input_type).max)
        for step in reversed((*form.band_steps[channel.band or 0], *channel.steps)):
            if step.op == "scale" and step["value"] > 0:
                most *= step["value"]
            elif step.op == "offset":
                most += step["value"]
            else:
                return None
        limits.append(most)
    return min(limits)


def _scaled_ranges(spec: ModelSpec, form: InputForm) -> list[tuple[float, float]]:
    ranges = []
    for channel in spec.channels:
        if channel.expression is None:
            one = _linear_range((*form.band_steps[channel.band or 0], *channel.steps))
            if one is None:
                return []
            ranges.append(one)
    return ranges


def _linear_range(steps: Steps) -> tuple[float, float] | None:
    """Numbers that steps bring to their usual range; None where the steps do not say or are not linear."""
    factor, addend = 1.0, 0.0
    divided: tuple[float, float] | None = None
    stated: tuple[float, float] | None = None
    for step in steps:
        here = _range_of(step)
        if stated is None and here is not None and factor > 0:
            stated = (here[0] - addend) / factor, (here[1] - addend) / factor
        if step.op == "scale" and step["value"] > 0:
            if divided is None and factor == 1 and step["value"] >= 2:
                divided = (0 - addend, step["value"] - addend)
            factor, addend = factor / step["value"], addend / step["value"]
        elif step.op == "offset":
            addend -= step["value"]
        elif step.op in ("log1p", "sqrt", "signed-square", "sigmoid") or step.op in LAYER_OPS:
            return stated
        elif step.op not in ("clip",):
            break
    return divided or stated


def _range_of(step: Step) -> tuple[float, float] | None:
    """What a step expects; for a z-score three standard deviations about the mean."""
    if step.op == "min-max":
        return step["minimum"], step["maximum"]
    if step.op == "z-score":
        return step["mean"] - _SPREADS * step["stddev"], step["mean"] + _SPREADS * step["stddev"]
    return None
