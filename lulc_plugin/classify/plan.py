# SPDX-License-Identifier: GPL-3.0-or-later
"""A job becomes a plan: model, bands, scaling, windows. Everything that can be refused is refused here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..environment import packages
from ..errors import LulcError
from ..findings import Finding, Findings, Refused
from ..model import Entry, InputForm, ModelSpec, catalogue
from ..progress import Progress
from ..raster import (
    BandMatch,
    Channel,
    Grid,
    LayerFacts,
    PixelRegion,
    Resampling,
    Source,
    Steps,
    gdal,
    plan_grid,
)
from . import input_scaling as values_of, preflight, window_size
from .job import AUTO, ClassifyJob
from .pixel_size import PixelFit, fit_pixels, made_for


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
        grid: windows over the whole layer, in model pixels where it is resampled.
        pixels: how the layer's pixels go with the network.
    """

    facts: LayerFacts
    entry: Entry
    match: BandMatch
    form: InputForm
    band_steps: tuple[Steps, ...]
    channels: tuple[Channel, ...]
    region: PixelRegion
    grid: Grid
    pixels: PixelFit

    @property
    def spec(self) -> ModelSpec:
        """Description of the network."""
        return self.entry.spec

    @property
    def resampling(self) -> Resampling | None:
        """Where the model pixels lie; None where they are the layer's own."""
        return self.pixels.resampling

    @property
    def model_region(self) -> PixelRegion:
        """The pixels of the grid that the wanted region is made of."""
        return self.region if self.resampling is None else self.resampling.model_region(self.region)


@dataclass(frozen=True)
class Plan:
    """A job with all findings; `setup` is there unless there are errors. `notes` tell what was decided and why.

    `findings` are the errors and warnings again, with what was found in order or could not be checked. `model` is the
    network's name, empty while none could be taken.
    """

    job: ClassifyJob
    setup: Setup | None
    errors: tuple[LulcError, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    model: str = ""

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


def make_plan(job: ClassifyJob, progress: Progress | None = None) -> Plan:
    """Decide how `job` is done and collect everything that speaks against it; computes no map pixel.

    Args:
        job: what the user said.
        progress: asked whether to stop while layer statistics are read.

    Raises:
        CancelledError: the user stopped.
    """
    draft = _Draft(job, progress or Progress())
    setup: Setup | None = None
    with suppress(Refused):
        with draft.findings.refusing("installation.packages"):
            packages.require()
        with gdal.environment():
            setup = _decide(draft)
    return draft.plan(setup)


@dataclass
class _Draft:
    """A plan in the making: what was found so far, and the name of the network once it is known."""

    job: ClassifyJob
    progress: Progress
    findings: Findings = field(default_factory=Findings)
    model: str = ""

    def plan(self, setup: Setup | None) -> Plan:
        """What was decided; `setup` is None where something cannot be decided at all."""
        findings = self.findings
        return Plan(
            self.job,
            setup,
            tuple(findings.errors),
            findings.warnings,
            tuple(findings.decisions),
            tuple(findings),
            self.model,
        )


def _decide(draft: _Draft) -> Setup:
    job, findings = draft.job, draft.findings
    with findings.refusing("layer.open"):
        source = Source(job.layer.path)
    with source:
        facts = source.facts
        region = facts.region
        if job.extent is not None:
            with suppress(Refused), findings.refusing("extent.place"):
                region = facts.region_of(job.extent)
        with findings.refusing("model.choice"):
            entry, match, pixels = _choose(draft, facts)
            for note in entry.spec.notes:
                findings.log(note)
            for warning in entry.spec.warnings:
                findings.warn("model.description", warning)
            findings.log(f"Bands {match.how}: {_pairs(match, entry.spec, facts)}")
            preflight.check_bands(match, entry.spec, _pairs(match, entry.spec, facts), findings)
            preflight.check_place(facts, findings)
            preflight.check_pixel_size(facts, entry.spec, pixels, findings)
        # before the layer is read: a window that cannot be must not cost its statistics
        with findings.refusing("windows.size"):
            grid = _grid(job, facts, entry, pixels.resampling, findings)
        with findings.refusing("layer.empty"):
            survey = preflight.look(source, match.numbers, region, job.nodata_policy, findings, draft.progress)
        with findings.refusing("values.kind"):
            values = values_of.choose(job, source, entry.spec, match, survey.probe, findings, draft.progress)
            preflight.check_values(facts, entry.spec, match, values, survey.values, findings)
            preflight.check_order(entry.spec, match, values, survey.values, findings)
    return Setup(facts, entry, match, values.form, values.band_steps, values.channels, region, grid, pixels)


# ---------------------------------------------------------------- model and bands


def _choose(draft: _Draft, facts: LayerFacts) -> tuple[Entry, BandMatch, PixelFit]:
    job, findings = draft.job, draft.findings
    if job.model_file:
        entry = catalogue.load(Path(job.model_file))
        draft.model = entry.spec.name
        findings.log(f"Model: {entry.spec.name} ({entry.spec.title}), from {entry.path.name}")
    elif job.model != AUTO:
        entry = catalogue.by_name(job.model, _models_folder(job))
        draft.model = entry.spec.name
        findings.log(f"Model: {entry.spec.name} ({entry.spec.title})")
    else:
        entry, (match, pixels), passed = _first_fit(job, facts)
        draft.model = entry.spec.name
        findings.log(f"Model: {entry.spec.name} ({entry.spec.title}), the best one that fits")
        for reason in passed:
            findings.log(f"Passed over {reason}")
        return entry, match, pixels
    pixels = PixelFit(inside=False)
    # where the pixels are refused, the other findings are wanted too
    with suppress(Refused), findings.refusing("pixels.size"):
        pixels = fit_pixels(entry.spec, facts, job.resample)
    return entry, values_of.match_bands(job, facts, entry.spec), pixels


def _first_fit(job: ClassifyJob, facts: LayerFacts) -> tuple[Entry, tuple[BandMatch, PixelFit], tuple[str, ...]]:
    """The best network made for such pixels; if there is none, the best of those that can be fed others."""

    def fit(entry: Entry) -> tuple[BandMatch, PixelFit]:
        return values_of.match_bands(job, facts, entry.spec), fit_pixels(entry.spec, facts, job.resample)

    def fit_inside(entry: Entry) -> tuple[BandMatch, PixelFit]:
        match, pixels = fit(entry)
        if not pixels.inside:
            raise LulcError(f"it was {made_for(entry.spec, facts)}", "Set the model yourself if you want it.")
        return match, pixels

    try:
        return catalogue.first_fit(fit_inside, _models_folder(job))
    except LulcError:
        # the reasons that count are those of the second look, at the same networks in the same order
        return catalogue.first_fit(fit, _models_folder(job))


def _models_folder(job: ClassifyJob) -> Path | None:
    return Path(job.models_folder) if job.models_folder else None


def _pairs(match: BandMatch, spec: ModelSpec, facts: LayerFacts) -> str:
    return ", ".join(f"{w.label} = {facts.bands[n - 1].label}" for n, w in zip(match.numbers, spec.bands))


# ---------------------------------------------------------------- windows


def _grid(job: ClassifyJob, facts: LayerFacts, entry: Entry, resampling: Resampling | None, findings: Findings) -> Grid:
    wish = window_size.wanted(entry, job.window)
    window = job.window or wish.size
    if window < wish.minimum:
        raise LulcError(f"A window of {window} pixels is smaller than the model's minimum of {wish.minimum}.")
    overlap = window_size.wished_overlap(entry.spec) if job.overlap is None else job.overlap
    if job.overlap is None:
        # in a small window asked for by hand the model's own overlap must leave a quarter to the core
        most = (window - window // 4) // (2 * wish.multiple) * (2 * wish.multiple)
        overlap = min(overlap, most)
    overlap, rim = window_size.covering(entry.spec, overlap, job.overlap is not None)
    height, width = facts.height, facts.width
    if resampling is not None:
        height, width = resampling.rows.count, resampling.cols.count
    grid = plan_grid(height, width, window, overlap, wish.multiple, wish.minimum, rim)
    window_size.check_covered(entry.spec, grid)
    rows, cols = grid.rows, grid.cols
    findings.log(
        f"Windows: {rows.count} × {cols.count} of {rows.window} × {cols.window} pixels, overlap {2 * rows.half} pixels"
    )
    return grid
