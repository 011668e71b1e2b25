# SPDX-License-Identifier: GPL-3.0-or-later
"""A job becomes a plan: model, bands, scaling, windows. Everything that can be refused is refused here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from .. import dependencies
from ..errors import LulcError
from ..model import catalogue
from ..model.catalogue import Entry
from ..model.spec import InputForm, ModelSpec
from ..progress import Progress
from ..raster import bands as band_matching
from ..raster import projdata, sampling, units
from ..raster.bands import BandMatch
from ..raster.grid import Grid, plan_grid
from ..raster.output import check_target
from ..raster.scaling import LAYER_OPS, Channel, Step, Steps, resolve_all
from ..raster.source import LayerFacts, PixelRegion, Source
from .job import AUTO, ClassifyJob

#: A pixel size outside the model's range by more than this factor is refused.
_TOO_FAR = 4.0
_TOLERANCE = 1.05


@dataclass(frozen=True)
class Setup:
    """All decisions of a plan that can run.

    Attributes:
        facts: what the layer says about itself.
        entry: the network.
        match: the layer's bands in the model's order.
        form: the way into the network.
        band_steps: fixed steps for each source band.
        channels: the network's channels with fixed steps.
        region: the pixels wanted.
        grid: windows over the whole layer.
    """

    facts: LayerFacts
    entry: Entry
    match: BandMatch
    form: InputForm
    band_steps: tuple[Steps, ...]
    channels: tuple[Channel, ...]
    region: PixelRegion
    grid: Grid

    @property
    def spec(self) -> ModelSpec:
        """Description of the network."""
        return self.entry.spec


@dataclass(frozen=True)
class Plan:
    """A job with all findings; `setup` is there unless there are errors. `notes` tell what was decided and why."""

    job: ClassifyJob
    setup: Setup | None
    errors: tuple[LulcError, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def ready(self) -> Setup:
        """The setup.

        Raises:
            LulcError: the first error of the plan.
        """
        if self.errors:
            raise self.errors[0]
        if self.setup is None:
            raise LulcError("The plan is empty.")
        return self.setup


class _Findings:
    """Errors, warnings and notes as they turn up."""

    def __init__(self) -> None:
        self.errors: list[LulcError] = []
        self.warnings: list[str] = []
        self.notes: list[str] = []


def plan(job: ClassifyJob, progress: Progress | None = None) -> Plan:
    """Decide how `job` is done and collect everything that speaks against it; computes no map pixel.

    Args:
        job: what the user said.
        progress: asked whether to stop while layer statistics are read.
    """
    progress = progress or Progress()
    found = _Findings()
    setup: Setup | None = None
    try:
        dependencies.require()
    except LulcError as error:
        return Plan(job, None, (error,), (), ())
    try:
        check_target(Path(job.output), (job.input, *filter(None, (job.statistics_from,))))
    except LulcError as error:
        found.errors.append(error)
    with projdata.environment():
        try:
            setup = _decide(job, found, progress)
        except LulcError as error:
            found.errors.append(error)
    return Plan(job, setup, tuple(found.errors), tuple(found.warnings), tuple(found.notes))


def _decide(job: ClassifyJob, found: _Findings, progress: Progress) -> Setup:
    with Source(job.input) as source:
        facts = source.facts
        region = facts.region
        if job.extent is not None:
            try:
                region = facts.region_of(job.extent)
            except LulcError as error:
                found.errors.append(error)
        entry, match = _choose(job, facts, found)
        found.notes.append(f"Bands {match.how}: {_pairs(match, entry.spec, facts)}")
        found.warnings.extend(match.warnings)
        found.warnings.extend(_no_ground_size(facts))
        # before the layer is read: a window that cannot be must not cost its statistics
        grid = _grid(job, facts, entry.spec, found)
        form, band_steps, channels = _scaling(job, source, entry.spec, match, found, progress)
    return Setup(facts, entry, match, form, band_steps, channels, region, grid)


# ---------------------------------------------------------------- model and bands


def _choose(job: ClassifyJob, facts: LayerFacts, found: _Findings) -> tuple[Entry, BandMatch]:
    if job.model_file:
        entry = catalogue.load(Path(job.model_file))
        found.notes.append(f"Model: {entry.spec.name} ({entry.spec.title}), from {entry.path.name}")
    elif job.model != AUTO:
        entry = catalogue.by_name(job.model)
        found.notes.append(f"Model: {entry.spec.name} ({entry.spec.title})")
    else:
        entry, match, passed = catalogue.first_fit(lambda e: _fit(job, facts, e.spec))
        found.notes.append(f"Model: {entry.spec.name} ({entry.spec.title}), the best one that fits")
        found.notes.extend(f"Passed over {reason}" for reason in passed)
        return entry, match
    found.warnings.extend(_check_gsd(entry.spec, facts))
    return entry, _match(job, facts, entry.spec)


def _fit(job: ClassifyJob, facts: LayerFacts, spec: ModelSpec) -> BandMatch:
    match = _match(job, facts, spec)
    for warning in _check_gsd(spec, facts):
        raise LulcError(warning, "Set the model yourself if you want it all the same.")
    return match


def _match(job: ClassifyJob, facts: LayerFacts, spec: ModelSpec) -> BandMatch:
    return band_matching.match(facts.bands, spec.bands, job.bands, layer_name=facts.name, tags=facts.tags)


def _check_gsd(spec: ModelSpec, facts: LayerFacts) -> tuple[str, ...]:
    if facts.gsd is None or spec.gsd_range is None:
        return ()
    low, high = spec.gsd_range
    outside = max(low / facts.gsd, facts.gsd / high)
    if outside <= _TOLERANCE:
        return ()
    words = f"{facts.name} has pixels of {facts.gsd:.3g} m; {spec.name} was made for {low:g} to {high:g} m"
    if outside > _TOO_FAR:
        raise LulcError(
            f"{words}, which is {outside:.1f} times off.", "Use a layer or a model of the right pixel size."
        )
    return (f"{words}; expect a poorer map.",)


def _no_ground_size(facts: LayerFacts) -> tuple[str, ...]:
    if facts.gsd is not None:
        return ()
    what = "no coordinate system" if facts.crs is None else "no pixel size in metres"
    return (f"{facts.name} has {what}, so the pixel size could not be checked and areas are not computed.",)


def _pairs(match: BandMatch, spec: ModelSpec, facts: LayerFacts) -> str:
    return ", ".join(f"{w.label} = {facts.bands[n - 1].label}" for n, w in zip(match.numbers, spec.bands))


# ---------------------------------------------------------------- scaling


def _scaling(
    job: ClassifyJob, source: Source, spec: ModelSpec, match: BandMatch, found: _Findings, progress: Progress
) -> tuple[InputForm, tuple[Steps, ...], tuple[Channel, ...]]:
    reading = _reading(job.values, source, match, progress)
    if not job.statistics_from:
        return _scaled(spec, reading, source, match, found, progress)
    with Source(job.statistics_from) as other:
        their_match = band_matching.match(
            other.facts.bands, spec.bands, job.bands, layer_name=other.facts.name, tags=other.facts.tags
        )
        # the other layer also settles what the numbers are, so that all layers of a set are read alike
        theirs = _reading(job.values, other, their_match, progress)
        if theirs.kind != reading.kind:
            reading = _reading(theirs.kind, source, match, progress)
        reading = replace(reading, because=f"as {other.facts.name}: {theirs.because}")
        found.notes.append(f"Statistics come from {other.facts.name}")
        return _scaled(spec, reading, other, their_match, found, progress)


def _reading(said: str, source: Source, match: BandMatch, progress: Progress) -> units.Reading:
    facts = source.facts
    return units.read_as(
        said,
        [facts.dtypes[n - 1] for n in match.numbers],
        [facts.bands[n - 1] for n in match.numbers],
        sampling.probe_layer(source, match.numbers, progress),
    )


def _scaled(
    spec: ModelSpec,
    reading: units.Reading,
    statistics: Source,
    match: BandMatch,
    found: _Findings,
    progress: Progress,
) -> tuple[InputForm, tuple[Steps, ...], tuple[Channel, ...]]:
    form = _form(spec, reading)
    band_steps = tuple(_into_unit(form, reading, spec, i) + steps for i, steps in enumerate(form.band_steps))
    found.warnings.extend(reading.warnings)
    found.notes.append(f"Values read as {reading.kind} ({reading.because}); way in: {form.name}")
    channels = spec.channels
    every = [*band_steps, *(c.steps for c in channels)]
    if any(step.op in LAYER_OPS for steps in every for step in steps):
        sample = sampling.sample_layer(statistics, match.numbers, progress)
        if sample.shape[1] == 0:
            raise LulcError(
                f"{statistics.facts.name} has no pixel that is valid in all bands; there is nothing to classify."
            )
        band_steps, channels = resolve_all(spec.band_names, band_steps, channels, sample)
        found.notes.append(f"Scaling measured on {sample.shape[1]:,} pixels of {statistics.facts.name}")
    for band, steps in zip(spec.bands, band_steps):
        if steps:
            found.notes.append(f"Scaling of {band.label}: {describe(steps)}")
    return form, band_steps, channels


def _form(spec: ModelSpec, reading: units.Reading) -> InputForm:
    kinds = {"reflectance": units.REFLECTANCE, "dn": units.PICTURE, "byte": units.PICTURE}
    for form in spec.forms:
        if kinds[form.unit] == reading.kind:
            return form
    if reading.kind == units.REFLECTANCE:
        return spec.forms[0]
    raise LulcError(
        f"{spec.name} wants reflectance, but the layer is not: {reading.because}.",
        "Give a layer of reflectance (0 to 1 or × 10,000), or set Values to reflectance if it is one.",
    )


def _into_unit(form: InputForm, reading: units.Reading, spec: ModelSpec, index: int) -> Steps:
    """Steps that bring stored numbers of a band to the unit of a form."""
    if form.unit == "reflectance":
        return reading.band_steps[index]
    band = spec.bands[index]
    if reading.kind == units.REFLECTANCE and band.scale:
        back = (Step.of("offset", value=band.offset or 0), Step.of("scale", value=band.scale))
        return (*reading.band_steps[index], *back)
    return ()


def describe(steps: Steps) -> str:
    """Steps in words, for the log: `min-max 21 … 180, clip 0 … 1`."""
    return ", ".join(" ".join([s.op, " … ".join(f"{v:.6g}" for _, v in s.numbers)]).strip() for s in steps)


# ---------------------------------------------------------------- windows


def _grid(job: ClassifyJob, facts: LayerFacts, spec: ModelSpec, found: _Findings) -> Grid:
    wish = spec.window
    window = job.window or wish.size
    if window < wish.minimum:
        raise LulcError(f"A window of {window} pixels is smaller than the model's minimum of {wish.minimum}.")
    overlap = 2 * wish.margin if job.overlap is None else job.overlap
    if job.overlap is None:
        # in a small window asked for by hand the model's own overlap must leave a quarter to the core
        most = (window - window // 4) // (2 * wish.multiple) * (2 * wish.multiple)
        overlap = min(overlap, most)
    grid = plan_grid(facts.height, facts.width, window, overlap, wish.multiple, wish.minimum, wish.rim)
    rows, cols = grid.rows, grid.cols
    found.notes.append(
        f"Windows: {rows.count} × {cols.count} of {rows.window} × {cols.window} pixels, overlap {2 * rows.half} pixels"
    )
    return grid
