# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of a network as it works where some of its bands are absent.

All channels stay; those of absent bands become a constant. Everything else in the engine meets a network that has the
bands of one pattern and no others, so nodata, scaling, smoothing and warnings look at these alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..raster import Channel, band_names, parse
from .band_patterns import BandPattern, BandPatterns, bands_of
from .spec import ModelSpec, Scores, Smoothing

#: Test sets that the sentence on absent bands names.
_MOST_TOLD, _LONGEST_NAME = 2, 100


def with_pattern(spec: ModelSpec, pattern: BandPattern) -> ModelSpec:
    """The description of a network as it works with the bands of one of its patterns alone.

    Its bands, ways in, statistics, guide of smoothing, scores and confidence are those of the pattern; the channels of
    absent bands are the constant. `absent` names these bands, `band_patterns` is None.
    """
    if spec.band_patterns is None:
        return spec
    place = {name: i for i, name in enumerate(name for name in spec.band_names if name in pattern.bands)}
    kept = [i for i, name in enumerate(spec.band_names) if name in place]
    constant = parse(repr(spec.band_patterns.fill), ())
    channels, fill = [], []
    for channel, nodata in zip(spec.channels, spec.fill):
        there = all(name in place for name in bands_of(channel, spec.band_names))
        if not there:
            channel = Channel(channel.name, None, constant)
        elif channel.expression is None:
            channel = replace(channel, band=place[spec.band_names[channel.band or 0]])
        channels.append(channel)
        fill.append(nodata if there else spec.band_patterns.fill)
    complete = len(kept) == len(spec.bands)
    return replace(
        spec,
        bands=tuple(spec.bands[i] for i in kept),
        channels=tuple(channels),
        fill=tuple(fill),
        forms=tuple(replace(form, band_steps=tuple(form.band_steps[i] for i in kept)) for form in spec.forms),
        band_statistics=tuple(spec.band_statistics[i] for i in kept) if spec.band_statistics else (),
        confidence=pattern.confidence or (spec.confidence if complete else None),
        smoothing=spec.smoothing and _with_guide(spec.smoothing, place),
        scores=_scores(pattern) or (spec.scores if complete else ()),
        band_patterns=None,
        absent=tuple(band.label for band in spec.bands if band.name not in place),
        absence=_absence(spec, spec.band_patterns, pattern),
    )


def _with_guide(smoothing: Smoothing, present: Mapping[str, int]) -> Smoothing:
    """Smoothing that is guided by present bands only; by the first of them where its own are all absent."""
    kept = [i for i, name in enumerate(smoothing.bands) if name in present]
    return replace(
        smoothing,
        bands=tuple(smoothing.bands[i] for i in kept),
        mean=tuple(smoothing.mean[i] for i in kept) if smoothing.mean else (),
        stddev=tuple(smoothing.stddev[i] for i in kept) if smoothing.stddev else (),
    )


def _scores(pattern: BandPattern) -> tuple[Scores, ...]:
    """Scores of a pattern in the form of the network's own."""
    return tuple(
        Scores(name, "test", 0, score.oa or 0.0, None, None, score.miou) for name, score in pattern.scores.items()
    )


def _absence(spec: ModelSpec, patterns: BandPatterns, pattern: BandPattern) -> str:
    """What the bands that `pattern` lacks would bring, a sentence; empty where it lacks none."""
    labels = {band.name: band.label for band in spec.bands}
    lacking = [name for name in spec.band_names if name not in pattern.bands]
    if not lacking:
        return ""
    richer = [p for p in reversed(patterns.by_size) if set(pattern.bands) < set(p.bands)]
    told = []
    for test_set, score in pattern.scores.items():
        more = [
            f"{one.miou:.2f} with {band_names.in_words(labels[name] for name in p.bands if name not in pattern.bands)}"
            for p in richer
            if (one := p.scores.get(test_set)) is not None and one.miou is not None
        ]
        if score.miou is not None and more:
            told.append(f"{score.miou:.2f} on {test_set[:_LONGEST_NAME]}, {', '.join(more)}")
    words = band_names.in_words(labels[name] for name in lacking)
    if not told:
        return f"{spec.name} works here without {words}; what that costs was not measured."
    return f"{spec.name} works here without {words}. Mean IoU: {'; '.join(told[:_MOST_TOLD])}."
