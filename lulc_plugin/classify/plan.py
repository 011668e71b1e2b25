# SPDX-License-Identifier: GPL-3.0-or-later
"""A job becomes a plan: network, bands, scaling, windows. Everything that can be refused is refused here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ..environment import packages
from ..errors import CancelledError, LulcError
from ..findings import WARNING, Finding, Findings, Refused
from ..model import Catalogue, Entry, InputForm, ModelSpec, Network, Smoothing, catalogue
from ..progress import Progress
from ..raster import (
    Axis,
    BandMatch,
    Channel,
    Grid,
    LayerFacts,
    PixelRegion,
    RasterInput,
    Resampling,
    Source,
    Steps,
    gdal,
    probe_layer,
    refuse_missing_sources,
)
from . import input_scaling, preflight, value_checks
from .job import AUTO, ClassifyJob
from .made_maps import check_own_map
from .model_choice import first_fit, with_bands
from .pixel_size import PixelFit, fit_pixels
from .smoothing import choose_smoothing
from .window_size import plan_windows

#: Bands of which different colours are counted.
_MOST_COLOUR_BANDS = 4


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
        layer: what is classified, with what the user set for it.
        smoothing: how the map follows the edges of the image, with all bands and statistics; None where it does not.
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
    layer: RasterInput
    smoothing: Smoothing | None = None

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

    @property
    def windows(self) -> tuple[range, range]:
        """Rows and columns of the windows that say something of the wanted region, or of what smoothing looks at."""
        wanted, reach = self.model_region, 0 if self.smoothing is None else self.smoothing.reach
        return (
            _touching(self.grid.rows, wanted.row0 - reach, wanted.row1 + reach),
            _touching(self.grid.cols, wanted.col0 - reach, wanted.col1 + reach),
        )


def _touching(axis: Axis, low: int, high: int) -> range:
    return axis.touching(max(0, low), min(high, axis.length))


@dataclass(frozen=True)
class Plan:
    """A job with all findings, and the open network; to be run once, or closed.

    Attributes:
        job: what was asked for.
        setup: the decisions; None where something could not be decided.
        network: the open network, which a run takes over; None where there are errors.
        errors: of the findings that make the job impossible.
        findings: what was found in order, is suspicious or impossible, or could not be checked.
        decisions: what was decided and why, for the log of a run.
        entry: the network's file and description; None while none could be taken.
    """

    job: ClassifyJob
    setup: Setup | None
    network: Network | None
    errors: tuple[LulcError, ...]
    findings: tuple[Finding, ...]
    decisions: tuple[str, ...]
    entry: Entry | None

    @property
    def model(self) -> str:
        """The network's name; empty while none could be taken."""
        return "" if self.entry is None else self.entry.spec.name

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is suspicious."""
        return tuple(finding.message for finding in self.findings if finding.level == WARNING)

    def ready(self) -> tuple[Setup, Network]:
        """The setup and the open network.

        Raises:
            LulcError: the first error of the plan.
        """
        if self.errors:
            raise self.errors[0]
        if self.setup is None or self.network is None:
            raise LulcError("The plan is empty.")
        return self.setup, self.network

    def close(self) -> None:
        """Give the network's memory back; what still runs in it ends."""
        if self.network is not None:
            self.network.stop()
            self.network.close()

    def __enter__(self) -> Plan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def make_plan(job: ClassifyJob, progress: Progress | None = None) -> Plan:
    """Decide how `job` is done and collect its problems; computes no map pixel.

    Where something cheaper speaks against the job, the network is not opened; where the network does, the layer is not
    read.

    Args:
        job: what is asked for.
        progress: asked whether to stop while layer statistics are read.

    Raises:
        CancelledError: the user stopped.
    """
    draft = _Draft(job, progress or Progress())
    with suppress(Refused):
        with draft.findings.refusing("installation.packages"):
            packages.require()
        with gdal.environment():
            with draft.findings.refusing("layer.open"):
                source = Source(job.layer)
            with source:
                with draft.findings.refusing("layer.open"):
                    refuse_missing_sources(job.layer.path)
                return _planned(draft, source, Catalogue(_models_folder(job)))
    return draft.plan(None)


def plan_thoroughly(job: ClassifyJob, source: Source, networks: Catalogue, progress: Progress) -> Plan:
    """`make_plan` for a check of a layer: whatever was found already, everything else is looked at, too.

    Args:
        job: what is asked for.
        source: its layer.
        networks: the networks at hand.
        progress: asked whether to stop.

    Raises:
        CancelledError: the user stopped.
    """
    return _planned(_Draft(job, progress, thorough=True), source, networks)


@dataclass
class _Draft:
    """A plan that is being built.

    Attributes:
        job: what was asked for.
        progress: asked whether to stop.
        thorough: whether to look at everything whatever was found already.
        findings: what was found so far.
        entry: the network that was chosen.
        network: the network, once it is open.
    """

    job: ClassifyJob
    progress: Progress
    thorough: bool = False
    findings: Findings = field(default_factory=Findings)
    entry: Entry | None = None
    network: Network | None = None

    def close(self) -> None:
        """Give the network's memory back."""
        if self.network is not None:
            self.network.close()
            self.network = None

    def plan(self, setup: Setup | None) -> Plan:
        """What was decided; `setup` is None where something could not be decided."""
        findings = self.findings
        if findings.errors:
            self.close()
        return Plan(
            self.job,
            setup,
            self.network,
            tuple(findings.errors),
            tuple(findings),
            tuple(findings.decisions),
            self.entry,
        )


def _planned(draft: _Draft, source: Source, networks: Catalogue) -> Plan:
    setup: Setup | None = None
    try:
        with suppress(Refused):
            setup = _decide(draft, source, networks)
        return draft.plan(setup)
    except BaseException:
        draft.close()
        raise


def _decide(draft: _Draft, source: Source, networks: Catalogue) -> Setup:
    job, findings, facts = draft.job, draft.findings, source.facts
    region = facts.region
    for sentence in facts.settings:
        findings.log(sentence)
        findings.note("layer.settings", sentence)
    check_own_map(facts, findings)
    if job.extent is not None:
        with suppress(Refused), findings.refusing("extent.place"):
            region = facts.region_of(job.extent)
    preflight.check_alpha(facts, job.layer.bands, findings)
    try:
        with findings.refusing("model.choice"):
            entry, match, pixels = _choose(draft, facts, networks)
    except Refused:
        if not draft.thorough:
            _look_for_colours(source, draft)
        raise
    for note in entry.spec.notes:
        findings.log(note)
    for warning in entry.spec.warnings:
        findings.warn("model.description", warning)
    findings.log(f"Bands {match.how}: {_pairs(match, entry.spec, facts)}")
    preflight.check_bands(match, entry.spec, _pairs(match, entry.spec, facts), findings)
    if entry.spec.absence:
        findings.log(entry.spec.absence)
        findings.note("bands.absent", entry.spec.absence)
    preflight.check_place(facts, findings)
    preflight.check_pixel_size(facts, entry.spec, pixels, findings)
    fixed = _open_network(draft, entry)
    # validate the windows before the layer is read
    with findings.refusing("windows.size"):
        height, width = facts.height, facts.width
        if pixels.resampling is not None:
            height, width = pixels.resampling.rows.count, pixels.resampling.cols.count
        grid = plan_windows(entry.spec, height, width, fixed, job.window, job.overlap)
    findings.log(
        f"Windows: {grid.rows.count} × {grid.cols.count} of {grid.rows.window} × {grid.cols.window} pixels,"
        f" overlap {2 * grid.rows.half} pixels"
    )
    with findings.refusing("layer.empty"):
        survey = preflight.survey_and_check(source, match.numbers, region, job.nodata_policy, findings, draft.progress)
    with findings.refusing("values.kind"):
        scaling = input_scaling.choose_scaling(job, source, entry.spec, match, survey.probe, findings, draft.progress)
        value_checks.check_all(facts, entry.spec, match, scaling, survey.values, findings)
    with findings.refusing("windows.smoothing"):
        smoothing = choose_smoothing(job, source, entry.spec, match, scaling, findings, draft.progress)
    return Setup(
        facts,
        entry,
        match,
        scaling.form,
        scaling.band_steps,
        scaling.channels,
        region,
        grid,
        pixels,
        job.layer,
        smoothing,
    )


def _look_for_colours(source: Source, draft: _Draft) -> None:
    """Of a layer that no network fits: whether it is a map of classes kept as colours, which no band list mends."""
    numbers = [band.number for band in source.facts.bands if not band.is_alpha][:_MOST_COLOUR_BANDS]
    try:
        value_checks.check_colours(source.facts, probe_layer(source, numbers, draft.progress), draft.findings)
    except CancelledError:
        raise
    except LulcError:
        return  # another error counts already


# ---------------------------------------------------------------- network and bands


def _choose(draft: _Draft, facts: LayerFacts, networks: Catalogue) -> tuple[Entry, BandMatch, PixelFit]:
    job, findings = draft.job, draft.findings
    if job.model_file:
        entry = catalogue.load(Path(job.model_file))
        draft.entry = entry
        findings.log(f"Model: {entry.spec.name} ({entry.spec.title}), from {entry.path.name}")
    elif job.model != AUTO:
        entry = networks.by_name(job.model)
        draft.entry = entry
        findings.log(f"Model: {entry.spec.name} ({entry.spec.title})")
    else:
        (entry, match, pixels), passed = first_fit(job, facts, networks)
        draft.entry = entry
        findings.log(f"Model: {entry.spec.name} ({entry.spec.title}), the best one that fits")
        for reason in passed:
            findings.log(f"Passed over {reason}")
        return entry, match, pixels
    pixels = PixelFit(inside=False)
    # where the pixels are refused, the other findings are wanted too
    with suppress(Refused), findings.refusing("pixels.size"):
        pixels = fit_pixels(entry.spec, facts, job.resample)
    draft.entry, match = with_bands(job, facts, entry)
    return draft.entry, match, pixels


def _models_folder(job: ClassifyJob) -> Path | None:
    return Path(job.models_folder) if job.models_folder else None


def _pairs(match: BandMatch, spec: ModelSpec, facts: LayerFacts) -> str:
    return ", ".join(f"{w.label} = {facts.bands[n - 1].label}" for n, w in zip(match.numbers, spec.bands))


def _open_network(draft: _Draft, entry: Entry) -> tuple[int, int] | None:
    """Open the network and compare it with its description; returns the only window that its graph takes, if any.

    Raises:
        Refused: it cannot be run, and nothing else is wanted.
    """
    job, findings = draft.job, draft.findings
    if findings.errors and not draft.thorough:
        return None
    try:
        with findings.refusing("model.network"):
            draft.network = Network(entry.path, entry.spec, job.threads, job.device, job.provider)
    except Refused:
        if not draft.thorough:
            raise
        return None
    for warning in draft.network.warnings:
        findings.warn("model.network", warning)
    return draft.network.fixed_window
