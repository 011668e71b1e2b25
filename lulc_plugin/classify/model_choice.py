# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network a layer gets where the user names none, and with which of its bands a network works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from ..errors import LulcError
from ..model import Catalogue, Entry, ModelSpec
from ..options import command, option
from ..raster import BandMatch, BandsNotFound, LayerFacts, band_names
from . import input_scaling
from .job import ClassifyJob
from .pixel_size import MOST_UNASKED, PixelFit, fit_pixels, made_for


def with_bands(job: ClassifyJob, facts: LayerFacts, entry: Entry) -> tuple[Entry, BandMatch]:
    """A network as it works with the bands that the layer has, and which these are.

    Raises:
        LulcError: see `input_scaling.fit_bands`.
    """
    spec, match = input_scaling.fit_bands(job, facts, entry.spec)
    return replace(entry, spec=spec), match


def ordered_for(job: ClassifyJob, facts: LayerFacts, networks: Catalogue) -> Catalogue:
    """The networks in the order of what each makes of the bands that the layer has."""

    def as_used(entry: Entry) -> Entry:
        with suppress(LulcError):  # whoever judges the network says why it does not fit
            return with_bands(job, facts, entry)[0]
        return entry

    return networks.ordered_by(as_used)


def first_fit(
    job: ClassifyJob, facts: LayerFacts, networks: Catalogue
) -> tuple[tuple[Entry, BandMatch, PixelFit], tuple[str, ...]]:
    """The best network made for such pixels; if there is none, the best of those that can be fed others."""
    networks = ordered_for(job, facts, networks)

    def fit(entry: Entry, resampled: bool) -> tuple[Entry, BandMatch, PixelFit]:
        used, match = with_bands(job, facts, entry)
        pixels = fit_pixels(used.spec, facts, job.resample)
        made = f"it was {made_for(used.spec, facts)}"
        if not pixels.inside and not resampled:
            raise LulcError(made, "Set the model yourself if you want it.")
        if not pixels.is_unasked:
            raise _OwnChoice(used, f"{made}, {pixels.factor:.3g} times off.", far=True)
        if not used.spec.unasked:
            raise _OwnChoice(used, f"it is only taken where it is named ({used.spec.title}).")
        return used, match, pixels

    try:
        _, taken, passed = networks.first_fit(partial(fit, resampled=False))
    except LulcError:
        # the reasons that count are those of the second look, at the same networks in the same order
        pass
    else:
        return taken, passed
    try:
        _, taken, passed = networks.first_fit(partial(fit, resampled=True))
    except LulcError as error:
        raise _explain(error, facts, networks, partial(fit, resampled=True)) from error
    return taken, passed


class _OwnChoice(LulcError):
    """A network could be run on the layer, but only if the user names it.

    `far`: because its pixels would be resampled by far; else because its description wants to be named.
    """

    def __init__(self, entry: Entry, problem: str, far: bool = False) -> None:
        self.entry, self.far = entry, far
        super().__init__(problem)

    @property
    def naming(self) -> str:
        """How the user takes it all the same."""
        named, own = (
            option("model", self.entry.spec.name),
            f"make classes of your own with {command('trainfrompoints')}.",
        )
        if self.far and self.entry.spec.unasked:
            return f"Resampling by more than {MOST_UNASKED:g} times is your own choice: {named}; expect a poor map."
        if self.far:  # for other pixels and for other land: nobody is sent there
            return f"Or {own}"
        return f"{named} takes it: compare its map with places that you know, or {own}"


def _explain(error: LulcError, facts: LayerFacts, networks: Catalogue, fit: Callable[[Entry], object]) -> LulcError:
    """`error` with what to do where networks for such pixels lack a band, or a network has to be named."""
    own: list[_OwnChoice] = []
    refused: list[tuple[Entry, LulcError]] = []
    for entry in networks.entries:
        try:
            fit(entry)
        except _OwnChoice as reason:
            own.append(reason)
        except LulcError as reason:
            if _fits_inside(entry.spec, facts):
                refused.append((entry, reason))
    usable = sum(not band.is_alpha for band in facts.bands)
    if not own:
        short = [
            (len(entry.spec.bands), reason.missing)
            for entry, reason in refused
            # nothing is known of a layer in which not one band was recognised
            if isinstance(reason, BandsNotFound) and reason.not_found != BandsNotFound.NONE_RECOGNISED
        ]
        lacking = [label for _, missing in short for label in missing]
        spare = any(usable > count - len(missing) for count, missing in short)
        return LulcError(error.problem, _with_bands(lacking, error.remedy if spare else "")) if lacking else error
    # one that was made for such pixels before one that would have to be fed others
    first = min(own, key=lambda reason: reason.far)
    # what the other networks want too is there, even if it has no name
    known = _labels(first.entry)
    wanted = [reason.missing if isinstance(reason, BandsNotFound) else _labels(entry) for entry, reason in refused]
    lacking = [label for labels in wanted for label in labels if label not in known]
    naming = f" Or name its band with {option('bands')}." if usable > len(known) else ""
    return LulcError(
        error.problem, _with_bands(lacking, f"{naming} {first.naming}".strip() if lacking else first.naming)
    )


def _with_bands(labels: Sequence[str], remedy: str) -> str:
    """`remedy` after what the networks for the layer's pixels need and the layer does not have."""
    if not labels:
        return remedy
    words = band_names.in_words(dict.fromkeys(labels))
    return f"The networks for such pixels need {words}: give an image that has it. {remedy}".strip()


def _labels(entry: Entry) -> Sequence[str]:
    return [band.label for band in entry.spec.bands]


def _fits_inside(spec: ModelSpec, facts: LayerFacts) -> bool:
    """Whether the layer's pixels are of a size that a network was made for."""
    try:
        return fit_pixels(spec, facts).inside
    except LulcError:
        return False
