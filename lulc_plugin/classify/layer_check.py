# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a layer before it is classified: all findings, and which networks fit it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CancelledError, LulcError
from ..findings import ERROR, PASS, WARNING, Finding, Findings, Refused, count
from ..model import Catalogue, Entry, ModelSpec
from ..options import option
from ..progress import Progress
from ..raster import (
    BandsNotFound,
    BoolArray,
    LayerFacts,
    PixelRegion,
    RasterInput,
    Source,
    band_names,
    gdal,
    refuse_missing_sources,
    statistics,
)
from . import input_scaling, preflight, value_checks
from .job import ClassifyJob
from .made_maps import check_maps_beside
from .model_choice import ordered_for, with_bands
from .pixel_size import MOST_UNASKED, PixelFit, fit_pixels, made_for, metres
from .plan import plan_thoroughly

#: Whether a layer's pixels are of a size that a network was made for.
INSIDE, RESAMPLED, OUTSIDE = "inside", "resampled", "outside"
_WORDS = {INSIDE: "FITS", RESAMPLED: "RESAMPLED", OUTSIDE: "OUTSIDE"}
_FAR_OFF = f"which by more than {MOST_UNASKED:g} times is your own choice"
_TO_BE_NAMED = "but is only taken where it is named"
_MOST_BANDS = 16
#: Pieces of a layer up to this many pixels are kept for the next network: as many as all squares of a survey have.
_CACHED_PIXELS = 512 * 512


@dataclass(frozen=True)
class ModelFit:
    """Whether a network fits a layer.

    Attributes:
        name: of the network.
        title: one line for people.
        fits: it can be run on the layer as it is.
        reason: why it fits or does not.
        but: what is suspicious about the layer's numbers for it; empty where nothing is.
        pixels: whether they are of a size that it was made for: one of `INSIDE` (or unknown), `RESAMPLED` and
            `OUTSIDE` (taken as they are, because RESAMPLE says so); empty where it does not fit.
        own_choice: why the user has to name it, a clause; empty where `auto` may take it.
        absent: labels of bands that it would take too and that the layer does not have.
        suggested: False for one that was made neither for such pixels nor to be taken by anybody who does not know it.
    """

    name: str
    title: str
    fits: bool
    reason: str
    but: str = ""
    pixels: str = ""
    own_choice: str = ""
    absent: tuple[str, ...] = ()
    suggested: bool = True

    @property
    def word(self) -> str:
        """`FITS`, `RESAMPLED`, `OUTSIDE` or `NO`."""
        return _WORDS[self.pixels] if self.fits else "NO"

    @property
    def line(self) -> str:
        """`FITS  name: reason` or `NO  name: reason`."""
        return f"{self.word}  {self.name}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """Plain object."""
        return {
            "name": self.name,
            "title": self.title,
            "fits": self.fits,
            "reason": self.reason,
            "word": self.word,
            "pixels": self.pixels,
            "absent": list(self.absent),
        }


@dataclass(frozen=True)
class LayerCheck:
    """What was found about a layer.

    Attributes:
        layer: name of the layer.
        model: name of the network it was checked against; empty when none could be taken.
        findings: in the order in which they were made.
        models: the networks at hand, the best one first.
        blocked: why no network at all can be run on the layer as it is; empty where that is not so.
    """

    layer: str
    model: str
    findings: tuple[Finding, ...]
    models: tuple[ModelFit, ...]
    blocked: str = ""

    def count(self, level: str) -> int:
        """How many findings are of a level."""
        return count(self.findings, level)

    @property
    def verdict(self) -> str:
        """The whole check in a sentence."""
        errors, warnings = self.count(ERROR), self.count(WARNING)
        against = f" with {self.model}" if self.model else ""
        if errors:
            return f"{self.layer} cannot be classified{against} as it is: {_counted(errors, 'check')} failed."
        if warnings:
            return f"{self.layer} can be classified{against}, but look at {_counted(warnings, 'warning')} first."
        return f"{self.layer} can be classified{against}; nothing speaks against it."

    @property
    def choice(self) -> str:
        """Which of the networks fits, in a sentence."""
        fitting = [m for m in self.models if m.fits and m.suggested]
        if not fitting:
            none = "None of the networks at hand fits this layer"
            return f"{none}: no network can help before that is mended: {self.blocked}" if self.blocked else f"{none}."
        first = fitting[0]
        # one made for such pixels and one that has to be fed others are not alike
        rest = [m.name for m in fitting[1:] if m.pixels == first.pixels]
        size = {
            RESAMPLED: " only with resampling",
            OUTSIDE: " only with pixels of a size that it was not made for",
        }
        own = f", {first.own_choice}: {option('model', first.name)}" if first.own_choice else ""
        but = f"{own}, but {first.but}" if first.but else own
        others = f"; so {'does' if len(rest) == 1 else 'do'} {', '.join(rest)}." if rest else "."
        return f"{first.name} fits this layer{size.get(first.pixels, '')}{but}{others}"

    def lines(self) -> tuple[tuple[str, str], ...]:
        """(level, text) of every line of the report."""
        lines = [(f.level, f.line()) for f in self.findings]
        lines.append((PASS, self.verdict))
        lines.append((PASS, "Which network fits:"))
        lines.extend((PASS, m.line) for m in self.models)
        return (*lines, (PASS, self.choice))

    def to_json(self) -> dict[str, Any]:
        """Plain object."""
        return {
            "layer": self.layer,
            "model": self.model,
            "verdict": self.verdict,
            "findings": [f.to_json() for f in self.findings],
            "models": [m.to_json() for m in self.models],
            "choice": self.choice,
        }


def check_layer(job: ClassifyJob, progress: Progress | None = None) -> LayerCheck:
    """Look at the layer of a job as a run would before its first window, and at every network at hand.

    Args:
        job: what is asked for.
        progress: asked whether to stop.

    Raises:
        LulcError: the layer cannot be opened.
        CancelledError: the user stopped.
    """
    progress = progress or Progress()
    # where a network runs does not depend on the layer
    job = replace(job, device="cpu", provider="")
    networks = Catalogue(Path(job.models_folder) if job.models_folder else None)
    with gdal.environment(), _CachedSource(job.layer) as source:
        refuse_missing_sources(job.layer.path)
        with plan_thoroughly(job, source, networks, progress) as plan:
            findings, model = plan.findings, plan.model
            chosen = plan.entry and plan.entry.path
            unusable = next((f.text for f in findings if _is_error(f, "model.network")), "")
        if not any(f.id == "layer.crs" for f in findings):
            findings = (*findings, *_without_model(job, source, progress))
        of_maps = Findings()
        check_maps_beside(source.facts, of_maps)
        findings = (*findings, *of_maps)
        blocked = _blocked(job, source, findings, progress)
        fits = [
            _fit(job, source, entry, unusable if entry.path == chosen else "", progress)
            for entry in ordered_for(job, source.facts, networks).entries
        ]
        models = _ordered(fits, networks, blocked)
        return LayerCheck(source.facts.name, model, findings, models, blocked)


class _CachedSource(Source):
    """An open layer whose small pieces are read once, however many networks look at them."""

    def __init__(self, layer: RasterInput) -> None:
        super().__init__(layer)
        self._pieces: dict[PixelRegion, dict[int, tuple[npt.NDArray[Any], BoolArray]]] = {}
        # rasterio gives all bands the type of the largest
        self._one_type = len(set(self.facts.dtypes)) == 1
        self._alpha = {band.number for band in self.facts.bands if band.is_alpha}

    def read(self, bands: Sequence[int], region: PixelRegion) -> tuple[npt.NDArray[Any], BoolArray]:
        """See `Source.read`."""
        # an alpha band counts as a mask only where it is not read itself
        apart = self._one_type and not self._alpha.intersection(bands)
        if not apart or region.height * region.width > _CACHED_PIXELS:
            return super().read(bands, region)
        piece = self._pieces.setdefault(region, {})
        missing = [number for number in dict.fromkeys(bands) if number not in piece]
        if missing:
            values, valid = super().read(missing, region)
            piece.update(zip(missing, zip(values, valid)))
        return np.stack([piece[number][0] for number in bands]), np.stack([piece[number][1] for number in bands])


def _blocked(job: ClassifyJob, source: Source, findings: tuple[Finding, ...], progress: Progress) -> str:
    """Which error lies in the layer or the extent alone, whatever the network; empty without."""
    for finding in findings:
        if _is_error(finding, "extent.place"):
            return finding.text
        if _is_error(finding, "layer.empty"):
            # the bands of one network may be empty while those of another are not
            numbers = [b.number for b in source.facts.bands if not b.is_alpha][:_MOST_BANDS]
            if _empty(job, source, numbers, "all", progress):
                return finding.text
    return ""


def _is_error(finding: Finding, id: str) -> bool:
    return finding.level == ERROR and finding.id == id


def _empty(job: ClassifyJob, source: Source, numbers: Sequence[int], policy: str, progress: Progress) -> bool:
    """Whether no pixel of the wanted part of the layer is valid in some bands."""
    region = source.facts.region if job.extent is None else source.facts.region_of(job.extent)
    survey = statistics.survey_layer(source, numbers, progress, region, policy)
    return survey.complete and survey.valid == 0


def _without_model(job: ClassifyJob, source: Source, progress: Progress) -> tuple[Finding, ...]:
    """What is known about a layer for which no network was found."""
    findings = Findings()
    facts = source.facts
    numbers = [b.number for b in facts.bands if not b.is_alpha][:_MOST_BANDS]
    preflight.check_place(facts, findings)
    with suppress(Refused), findings.refusing("layer.empty"):
        survey = preflight.survey_and_check(source, numbers, facts.region, job.nodata_policy, findings, progress)
        value_checks.check_colours(facts, survey.values, findings)
    return tuple(findings)


def _ordered(fits: Sequence[ModelFit], networks: Catalogue, blocked: str) -> tuple[ModelFit, ...]:
    """The networks at hand, those that fit first and those that cannot be used last."""
    if blocked:
        reason = f"the layer itself cannot be classified, and no network can help before that is mended. {blocked}"
        fits = [ModelFit(m.name, m.title, False, reason) if m.fits else m for m in fits]
    broken = [ModelFit(b.path.stem, "", False, f"it cannot be used. {b.error.problem}") for b in networks.broken]
    return (*sorted(fits, key=lambda m: (not m.fits, m.pixels not in ("", INSIDE), bool(m.own_choice))), *broken)


def _fit(job: ClassifyJob, source: Source, entry: Entry, unusable: str, progress: Progress) -> ModelFit:
    """Whether a network fits the layer; `unusable` says why it cannot be run at all, if that is known."""
    progress.check()
    spec, facts = entry.spec, source.facts
    if unusable:
        return ModelFit(spec.name, spec.title, False, unusable)
    try:
        used, match = with_bands(job, facts, entry)
        spec = used.spec
        pixels = fit_pixels(spec, facts, job.resample)
        probe = statistics.probe_layer(source, match.numbers, progress)
        part = job.extent is not None or not all(p.size for p in probe)
        if part and _empty(job, source, match.numbers, job.nodata_policy, progress):
            reason = f"no pixel is valid in the bands it needs ({', '.join(map(str, match.numbers))})."
            return ModelFit(spec.name, spec.title, False, reason)
        reading, form = input_scaling.choose_form(job, facts, spec, match, probe)
    except CancelledError:
        raise
    except BandsNotFound as error:
        # the layer's bands are reported once, by the check of its bands
        return ModelFit(spec.name, spec.title, False, f"wants {error.wanted}; {error.not_found}.")
    except LulcError as error:
        return ModelFit(spec.name, spec.title, False, error.problem)
    reason = f"bands {match.how}, {f'without {band_names.in_words(spec.absent)}, ' if spec.absent else ''}"
    reason += f"values read as {reading.kind}"
    reason += f" ({form.name})" if form.name != reading.kind else ""
    but = value_checks.range_problem(spec, input_scaling.without_statistics(reading, form, spec), probe)
    colours = value_checks.few_colours(probe)
    if colours:
        but = f"it has only {colours} different colours, as a map of classes"
    sizes = INSIDE if pixels.inside else OUTSIDE if pixels.resampling is None else RESAMPLED
    own_choice = "" if spec.unasked else _TO_BE_NAMED
    named = f", {own_choice} ({spec.title})" if own_choice else ""
    reason += f"{_size_words(spec, facts, pixels)}{named}{f', but {but}' if but else ''}."
    suggested = spec.unasked or pixels.is_unasked
    if not pixels.is_unasked:
        own_choice = _FAR_OFF
    return ModelFit(spec.name, spec.title, True, reason, but, sizes, own_choice, spec.absent, suggested)


def _size_words(spec: ModelSpec, facts: LayerFacts, pixels: PixelFit) -> str:
    """What is done with the layer's pixels, to follow a clause."""
    if pixels.after is not None:
        return f"; {made_for(spec, facts)}: they are resampled to {metres(pixels.after)}, expect a poorer map"
    if not pixels.inside:
        return f"; {made_for(spec, facts)}: they are taken as they are, expect a poorer map"
    return ", the size of the pixels is unknown" if facts.gsd is None else ", pixels of a size it was made for"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
