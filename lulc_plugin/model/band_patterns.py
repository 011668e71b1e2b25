# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of bands: networks of which some bands may be absent, and what each pattern scores.

Such a network has a channel for each of its bands. The channel of an absent band holds one constant everywhere, also
where the layer has no data, and no present band can reach it: the graph tells by it which bands there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import LulcError
from ..raster import Channel, limits_of

#: Patterns of a network, and test sets of each.
MOST_PATTERNS = 64
#: Bands of all patterns together: each is looked for in a layer.
_MOST_NAMES = 1024
MOST_SETS = 100
#: The constant of absent bands, and how far it lies from what a present band can be.
_LARGEST_FILL = 1e6
_LEAST_GAP = 1e-3


@dataclass(frozen=True)
class Confidence:
    """Held-out confidence: the winning probability, `mean` over all pixels and `q05` over the means of `places`."""

    mean: float
    q05: float
    places: int = 0


@dataclass(frozen=True)
class PatternScore:
    """Overall accuracy and mean IoU on one test set, 0..1; None where not known."""

    oa: float | None
    miou: float | None


@dataclass(frozen=True)
class BandPattern:
    """Bands that a network was made to work with.

    Attributes:
        bands: their names, in the order of the network's bands.
        scores: name of a test set, as the network's accuracy has it → scores there with these bands alone.
        confidence: held-out confidence with these bands alone, None if unknown.
    """

    bands: tuple[str, ...]
    scores: Mapping[str, PatternScore] = field(default_factory=dict)
    confidence: Confidence | None = None


@dataclass(frozen=True)
class BandPatterns:
    """All patterns of a network.

    Attributes:
        fill: what the channels of absent bands hold, in network units.
        patterns: in the order of the description.

    Raises:
        LulcError: no pattern or too many, one of them twice, or an impossible fill.
    """

    fill: float
    patterns: tuple[BandPattern, ...]

    def __post_init__(self) -> None:
        if not -_LARGEST_FILL <= self.fill <= _LARGEST_FILL:  # false for NaN, too
            raise _wrong(f"the fill {self.fill:g}; it must be from {-_LARGEST_FILL:g} to {_LARGEST_FILL:g}")
        if not 1 <= len(self.patterns) <= MOST_PATTERNS:
            raise _wrong(f"{len(self.patterns)} patterns; 1 to {MOST_PATTERNS} can be")
        names = sum(len(pattern.bands) for pattern in self.patterns)
        if names > _MOST_NAMES:
            raise _wrong(f"patterns with {names:,} bands together; {_MOST_NAMES:,} are the most")
        seen: set[frozenset[str]] = set()
        for pattern in self.patterns:
            bands = frozenset(pattern.bands)
            if len(bands) < len(pattern.bands):
                raise _wrong(f"a pattern of {len(pattern.bands)} bands in which a band stands twice")
            if bands in seen:
                raise _wrong(f"the pattern {', '.join(pattern.bands)[:200]} twice")
            seen.add(bands)

    @property
    def by_size(self) -> tuple[BandPattern, ...]:
        """The pattern with most bands first; those with equally many in the order of the description."""
        return tuple(sorted(self.patterns, key=lambda pattern: -len(pattern.bands)))

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the bands that every pattern has."""
        first = self.patterns[0].bands
        return tuple(name for name in first if all(name in pattern.bands for pattern in self.patterns))

    def check(
        self, names: Sequence[str], channels: Sequence[Channel], fill: Sequence[float], input_type: str = ""
    ) -> None:
        """Compare with a network.

        Args:
            names: of its bands.
            channels: of its input.
            fill: of each channel where there is no data.
            input_type: whole-number type that its graph takes; empty for floating point.

        Raises:
            LulcError: a band is unknown or in no pattern, none is in all, or the constant could be a present band's.
        """
        self._check_names(names)
        gap = self._gap(input_type)
        for channel, nodata in zip(channels, fill):
            if all(name in self.required for name in bands_of(channel, names)):
                continue
            low, high = limits_of(channel.steps)
            if low - gap < self.fill < high + gap:
                raise _wrong(
                    f"the fill {self.fill:g}, but channel {channel.name[:50]!r} can be from {low:g} to {high:g} where"
                    " its band is present",
                    "Choose a fill outside, and end the scaling of each optional channel with a clip on both sides.",
                )
            if abs(nodata - self.fill) < gap:
                raise _wrong(f"the fill {self.fill:g}, but pixels without data have it, too, in {channel.name[:50]!r}")

    def _check_names(self, names: Sequence[str]) -> None:
        for pattern in self.patterns:
            unknown = [name for name in pattern.bands if name not in names]
            if unknown:
                raise _wrong(f"the band {unknown[0][:50]!r}, which is none of the model's {len(names)} bands")
        unused = [name for name in names if not any(name in p.bands for p in self.patterns)]
        if unused:
            raise _wrong(f"no pattern with the band {unused[0][:50]!r}")
        if not self.required:
            raise _wrong(f"{len(self.patterns)} patterns, and no band that is in each of them")

    def _gap(self, input_type: str) -> float:
        """How far the constant has to lie from all other numbers."""
        if not input_type:
            return _LEAST_GAP
        # numbers are rounded and cut to the type, and must not become the constant by that
        limits = np.iinfo(input_type)
        if not self.fill.is_integer() or not limits.min <= self.fill <= limits.max:
            raise _wrong(f"the fill {self.fill:g}, which is no number of the type {input_type} that the graph takes")
        return 1.0


def _wrong(what: str, remedy: str = "") -> LulcError:
    return LulcError(f"'lulc:band_patterns' has {what}.", remedy)


def bands_of(channel: Channel, names: Sequence[str]) -> tuple[str, ...]:
    """Names of the bands that a channel is made of."""
    return (names[channel.band or 0],) if channel.expression is None else channel.expression.names
