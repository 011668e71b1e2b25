# SPDX-License-Identifier: GPL-3.0-or-later
"""The main line of own classes: samples → features → candidates → the best of them → a model file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..assess import key_of
from ..classify import guide_statistics
from ..environment import packages
from ..errors import LulcError
from ..legend import Legend
from ..model import OWN_CLASSES, Smoothing, Training, TrainingSet, check_name
from ..progress import Progress
from ..raster import InputFiles, Source, apply_steps, crs_name, gdal, probe_layer, refuse_overwriting
from . import export
from .candidates import PREFERENCE, RADII, RADIUS_PREFERENCE, Candidate, Outcome, candidates_of, patch_samples, validate
from .feature_reader import MOST_REACH, FeatureReader, Features
from .features import count_of
from .folds import Folds, make_folds
from .job import AUTO, NONE, AdaptJob, AdaptResult, CandidateFigures
from .layer_inputs import LayerInputs, describe_layer, find_networks
from .linear import Ints
from .sample_pixels import SamplePixels, legend_of_samples, pixels_of, thinned
from .validation import class_figures, confusion, learning_curve, outside_share, suspects_of

#: Samples of a class below which its accuracy is hardly known.
FEW = 10
_MOST_GUIDE_BANDS = 4
#: So many ways are compared with smoothing, too: the best and the preferred one, else the two best.
_SMOOTHED = 2
_GUIDE = ("red", "green", "blue", "nir")
#: Share of positive numbers that a band needs to be a guide.
_POSITIVE = 0.99


def adapt(job: AdaptJob, output: str | Path, progress: Progress | None = None) -> AdaptResult:
    """Train own classes and write them as a network with its description.

    Args:
        job: what is asked for.
        output: the network, `.onnx`; its description is written beside it.
        progress: gets the log.

    Raises:
        LulcError: what is wrong and what to do; nothing is written.
        CancelledError: the user stopped.
    """
    progress = progress or Progress()
    started = time.perf_counter()
    packages.require()
    path = _checked(job, output)
    read = InputFiles([job.layer.path])
    with gdal.environment():
        legend, labels = legend_of_samples(job.samples, job.colours)
        draft = _prepare(job, legend, labels, progress)
        chosen, outcomes = _choose(job, draft, progress)
        content, spec_smoothing, inputs = _final(draft, chosen)
        result = _result(job, draft, chosen, outcomes, path, progress)
        read.check()
        training, extra = _described(job, draft, result)
        spec = export.describe(inputs, legend, draft.sample, spec_smoothing, path.stem, training, extra)
        export.write(path, content, spec)
    progress.log(f"Written: {path}")
    progress.report(100)
    return replace(result, seconds=time.perf_counter() - started)


def _checked(job: AdaptJob, output: str | Path) -> Path:
    """The file to write, which with its description must take the place of nothing that is read."""
    path = Path(output)
    if path.suffix.lower() != ".onnx":
        raise LulcError(f"The model is to be written to {path.name}, which does not end in .onnx.", "Add .onnx.")
    if not os.path.isdir(path.parent):
        raise LulcError(f"The folder {path.parent} does not exist.", "Make it first, or choose another.")
    check_name(path.stem)
    refuse_overwriting((path, path.with_suffix(".json")), (job.layer.path, job.samples.path, job.model_file))
    return path


@dataclass(frozen=True)
class _Draft:
    """What was read.

    Attributes:
        legend: the own classes.
        inputs: of the layer.
        sample: `(bands, pixels)` stored values of all bands.
        features: of samples and scene.
        folds: which samples are left out together.
        candidates: the ways to compare.
        guide: how to smooth, with any radius; None where no band can be a guide.
        notes: sentences so far.
    """

    legend: Legend
    inputs: LayerInputs
    sample: npt.NDArray[np.float64]
    features: Features
    folds: Folds
    candidates: list[Candidate]
    guide: Smoothing | None
    notes: tuple[str, ...]


def _prepare(job: AdaptJob, legend: Legend, labels: Sequence[int], progress: Progress) -> _Draft:
    with Source(job.layer) as source:
        facts = source.facts
        pixels = pixels_of(job.samples, labels, facts.grid, job.most_pixels, job.seed)
        pixels = thinned(pixels, job.most_pixels, job.seed, legend.names)
        sample = np.stack(probe_layer(source, [band.number for band in facts.bands], progress)).astype(np.float64)
    progress.log(f"Samples: {len(pixels):,} pixels of {len(legend.classes)} classes")
    uses, passed = find_networks(job.layer, job.network, job.model_file, job.models_folder, progress)
    inputs = describe_layer(facts, sample, uses, passed)
    for note in inputs.notes:
        progress.log(note)
    guide = guide_of(inputs, sample)
    reach = min(MOST_REACH, 2 * max(_radii(job, guide), default=0) + 2)
    order = [inputs.names.index(name) for name in guide.bands] if guide is not None else []
    with FeatureReader(job.layer, inputs, job.threads) as reader:
        size = 2 * reader.count * (2 * reach + 2) ** 2
        kept = patch_samples(pixels.labels, len(legend.classes), size, job.seed) if order else np.zeros(0, np.int64)
        features = reader.read(pixels, kept, order, reach, progress)
    for note in features.samples.notes:
        progress.log(note)
    progress.log(f"Features: {features.plain.shape[1]}, of {', '.join(inputs.pixel_names)} and {_words(inputs)}")
    _check_classes(features.samples, legend)
    folds = make_folds(features.samples, len(legend.classes), job.groups or None)
    pixel_features = count_of(len(inputs.pixel_names), inputs.windowed, ())
    planes = own_planes(inputs, legend, pixel_features)
    candidates = candidates_of(features, pixel_features, len(inputs.pixel_names), planes, job.seed, job.ways)
    return _Draft(legend, inputs, sample, features, folds, candidates, guide, features.samples.notes)


def _words(inputs: LayerInputs) -> str:
    names = [use.entry.spec.name for use in inputs.networks]
    return f"the network{'s' * (len(names) > 1)} {', '.join(names)}" if names else "no network"


def _check_classes(samples: SamplePixels, legend: Legend) -> None:
    """Refuse a class that has lost all its samples.

    Raises:
        LulcError: with its name.
    """
    lost = [name for label, name in enumerate(legend.names) if not np.any(samples.labels == label)]
    if lost:
        raise LulcError(
            f"No sample of {' and '.join(lost[:5])} lies on the layer's data, or in a pixel of its own.",
            "Move these samples, or leave the class out of the selection.",
        )


def guide_of(inputs: LayerInputs, sample: npt.NDArray[np.float64]) -> Smoothing | None:
    """The bands that smoothing follows, and their statistics; None where no band varies.

    Logarithms of bands guide best, so the bands above 0 are taken, unless most of the bands are not (decibels,
    embeddings).
    """
    values = {
        name: apply_steps(sample[number - 1], steps)
        for name, number, steps in zip(inputs.names, inputs.numbers, inputs.band_steps)
    }
    varied = [name for name, numbers in values.items() if np.ptp(numbers) > 0]
    positive = [name for name in varied if np.mean(values[name] > 0) >= _POSITIVE]
    usual = [inputs.roles[role] for role in _GUIDE if inputs.roles.get(role) in positive]
    logarithm = len(usual) > 2 or 2 * len(positive) >= len(varied)
    names = tuple((usual if len(usual) > 2 else positive if logarithm else varied)[:_MOST_GUIDE_BANDS])
    if not names:
        return None
    mean, spread = guide_statistics(np.stack([values[name] for name in names]), logarithm)
    return Smoothing(1, bands=names, mean=mean, stddev=spread, logarithm=logarithm)


def own_planes(inputs: LayerInputs, legend: Legend, pixel_features: int) -> Ints | None:
    """The features that are a network's log probabilities of all own classes; None where it lacks one."""
    begin = pixel_features
    for use in inputs.networks:
        begin += use.part.feature_count if use.part.features else 0
        names = [key_of(name.casefold()) for name in use.entry.spec.legend.names]
        wanted = [key_of(name.casefold()) for name in legend.names]
        if all(name in names for name in wanted):
            return np.array([begin + names.index(name) for name in wanted])
        begin += use.part.classes
    return None


# ---------------------------------------------------------------- choosing


def _choose(job: AdaptJob, draft: _Draft, progress: Progress) -> tuple[Outcome, list[Outcome]]:
    """Compare all ways; the one to take, and all outcomes."""

    def compare(candidate: Candidate, radii: Sequence[int]) -> list[Outcome]:
        outcomes = validate(
            candidate, draft.features, draft.folds, radii, draft.guide if any(radii) else None, progress
        )
        if not any(radii):
            progress.log(f"{candidate.title}: mean F1 {outcomes[0].score:.3f}")
        return outcomes

    return choose(draft.candidates, _radii(job, draft.guide), compare)


def choose(
    candidates: Sequence[Candidate],
    radii: Sequence[int],
    compare: Callable[[Candidate, Sequence[int]], list[Outcome]],
) -> tuple[Outcome, list[Outcome]]:
    """The way to take, and the outcomes of all that were compared.

    With few samples the figures are uncertain, so the preferred way is taken that is within one standard error of the
    best (Breiman et al. 1984, "Classification and regression trees", section 3.4.3).

    Args:
        candidates: the ways.
        radii: of smoothing; empty: none.
        compare: a way and radii → how it did with each of them.
    """
    outcomes = [outcome for candidate in candidates for outcome in compare(candidate, (0,))]
    if not radii:
        return _preferred(outcomes), outcomes
    ranked = sorted(outcomes, key=lambda outcome: -np.nan_to_num(outcome.score))
    # the preferred one may be third, and is as good as the best all the same
    ranked.insert(1, _preferred(outcomes))
    tried = list(dict.fromkeys(outcome.candidate.id for outcome in ranked))[:_SMOOTHED]
    smoothed = [outcome for one in candidates if one.id in tried for outcome in compare(one, radii)]
    outcomes += [outcome for outcome in smoothed if outcome.radius]
    return _preferred(smoothed), outcomes


def _preferred(outcomes: Sequence[Outcome]) -> Outcome:
    """The preferred one of those that are as good as the best; all are where nothing could be validated."""
    known = [outcome for outcome in outcomes if np.isfinite(outcome.score)]
    best = max(known, key=lambda outcome: outcome.score, default=None)
    enough = -np.inf if best is None else best.score - (best.spread if np.isfinite(best.spread) else 0.0)
    close = [outcome for outcome in outcomes if not known or outcome.score >= enough]
    order = {name: place for place, name in enumerate(PREFERENCE)}
    return min(close, key=lambda o: (order[o.candidate.id], RADIUS_PREFERENCE.get(o.radius, 0), -o.score))


def _radii(job: AdaptJob, guide: Smoothing | None) -> tuple[int, ...]:
    """Radii of smoothing to compare; none where nothing is to be smoothed."""
    if guide is None or job.smoothing == NONE:
        return ()
    return RADII if job.smoothing == AUTO else (job.radius,)


def _final(draft: _Draft, chosen: Outcome) -> tuple[bytes, Smoothing | None, LayerInputs]:
    """The file of the chosen way, fitted to all samples; without the networks that it does not look at."""
    candidate = chosen.candidate
    inputs = draft.inputs
    pixel_features = count_of(len(inputs.pixel_names), inputs.windowed, ())
    if candidate.columns.max() < pixel_features:
        inputs = inputs.without_networks()
    every = np.arange(len(draft.features.samples))
    classifier = None if candidate.fit is None else candidate.fit(every)
    planes = candidate.columns.tolist()
    content = export.add_classifier(inputs, classifier, planes, len(draft.legend.classes))
    smoothing = None
    if chosen.radius and draft.guide is not None:
        smoothing = replace(draft.guide, radius=chosen.radius)
    return content, smoothing, inputs


def _result(
    job: AdaptJob, draft: _Draft, chosen: Outcome, outcomes: Sequence[Outcome], path: Path, progress: Progress
) -> AdaptResult:
    features, folds, legend = draft.features, draft.folds, draft.legend
    labels = features.samples.labels
    matrix = confusion(chosen, labels, len(legend.classes))
    curve, gain = learning_curve(chosen.candidate, features, folds, job.seed, progress)
    networks = tuple(use.entry.spec.name for use in draft.inputs.networks)
    uses_network = chosen.candidate.id in ("both", "network", "map")
    method = chosen.candidate.title + (f", smoothed along edges with radius {chosen.radius}" if chosen.radius else "")
    return AdaptResult(
        model=str(path),
        name=path.stem,
        legend=legend,
        method=method,
        overall_accuracy=_known(chosen.accuracy),
        macro_f1=_known(chosen.score),
        matrix=tuple(tuple(int(v) for v in row) for row in matrix),
        classes=class_figures(matrix, legend, features.samples, folds),
        candidates=tuple(
            CandidateFigures(
                o.candidate.id,
                o.candidate.title,
                o.radius,
                _known(o.score),
                _known(o.spread),
                _known(o.accuracy),
                o.candidate.id == chosen.candidate.id and o.radius == chosen.radius,
            )
            for o in outcomes
        ),
        curve=curve,
        gain=gain,
        suspects=suspects_of(chosen, features.samples, job.samples, legend, draft.inputs.facts.grid),
        outside=outside_share(features),
        folds=folds.count,
        side=folds.side,
        networks=networks if uses_network else (),
        features=len(chosen.candidate.columns),
        notes=(*draft.inputs.notes, *draft.notes),
        warnings=tuple(_warnings(draft)),
        seconds=0.0,
        facts=(
            ("Image", draft.inputs.facts.name),
            ("Samples", ", ".join(filter(None, (job.samples.name, f"field {job.samples.field}", job.samples.note)))),
            ("Coordinate system", crs_name(draft.inputs.facts.crs)),
        ),
    )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _warnings(draft: _Draft) -> list[str]:
    names = draft.legend.names
    counts = np.bincount(draft.features.samples.labels, minlength=len(names))
    warnings = []
    alone = [names[label] for label in draft.folds.alone]
    if len(alone) == len(names):
        warnings.append(
            "The samples of each class lie in one block: nothing can be validated. Add samples elsewhere in the image."
        )
    elif alone:
        warnings.append(
            f"All samples of {', '.join(alone)} lie in one block: their accuracy cannot be estimated. Add samples of"
            " them elsewhere."
        )
    few = [f"{names[label]} ({count})" for label, count in enumerate(counts) if count < FEW]
    if few:
        warnings.append(f"Few samples of {', '.join(few)}: aim at {FEW} or more of each class, spread over the image.")
    return warnings


def _described(job: AdaptJob, draft: _Draft, result: AdaptResult) -> tuple[Training, dict[str, object]]:
    """The samples as training data, and what else the description says of own classes."""
    samples = TrainingSet(
        job.samples.name, "other", "Samples of the person who trained this network", pixels=result.count
    )
    bases = [use.entry for use in draft.inputs.networks if use.entry.spec.name in result.networks]
    own = {
        "base": [{"id": base.spec.name, "sha256": base.spec.sha256, "license": base.spec.license} for base in bases],
        "samples": {c.name: c.samples for c in result.classes},
        "crs": crs_name(draft.inputs.facts.crs),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "method": result.method,
        "validation": {
            "how": "spatially blocked cross-validation of the samples; no probability sample",
            "folds": result.folds,
            "overall_accuracy": _rounded(result.overall_accuracy),
            "macro_f1": _rounded(result.macro_f1),
            "f1": {c.name: _rounded(c.f1) for c in result.classes},
        },
    }
    pretrained = ", ".join(f"{entry.spec.name} ({entry.spec.license})" for entry in bases) or None
    return Training((samples,), {"seed": job.seed}, pretrained), {OWN_CLASSES: own}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
