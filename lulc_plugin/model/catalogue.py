# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks at hand, best first, and which of them fits a layer.

The bundled networks come first, the user's own after them; one broken file does not stand in the way of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from .. import bundled
from ..errors import CancelledError, LulcError
from . import library
from .entry import Entry, load
from .library import Broken

__all__ = ["Broken", "Entry", "broken", "by_name", "entries", "first_fit", "load", "names"]

Found = TypeVar("Found")

#: Shares of the best mean IoU that differ by less are equal: held-out places are few.
_NOISE = 0.02


def names(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the bundled networks, then of the user's own in `folder`; nothing is opened.

    Args:
        folder: the user's model folder; None: the one that LULC_MODELS names, if any.
    """
    return tuple(dict.fromkeys((*bundled.model_names(), *library.names(_own(folder)))))


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """The bundled networks, ordered by held-out score, number of bands and speed; then the user's own in that order.

    Args:
        folder: see `names`.
    """
    return _at_hand(folder)[0]


def broken(folder: Path | None = None) -> tuple[Broken, ...]:
    """Networks that are there but cannot be used, with the reason; bundled ones first.

    Args:
        folder: see `names`.
    """
    return _at_hand(folder)[1]


def _at_hand(folder: Path | None) -> tuple[tuple[Entry, ...], tuple[Broken, ...]]:
    bundled_names = bundled.model_names()
    place = bundled.folder("models")
    ours, ours_broken = library.look_through([place / f"{name}.onnx" for name in bundled_names])
    # a bundled name always means the bundled network
    files = [path for path in library.files(_own(folder)) if path.stem not in bundled_names]
    own, own_broken = library.look_through(files)
    return (*ordered(ours), *ordered(own)), (*ours_broken, *own_broken)


def ordered(found: Sequence[Entry]) -> list[Entry]:
    """Best first.

    Networks that were tested on the same data form a family and are compared there: each held-out score counts as a
    share of the family's best on that data, because a plain mean would favour networks that were tested on easier data.
    Of those that are equal but for noise the one with more bands leads, then the one whose maps are faster. Of two
    families the one that looks at more of a layer leads; untested networks come last.
    """

    def leading(family: Sequence[Entry]) -> tuple[bool, int, float, str]:
        first = family[0].spec
        return not first.held_out_scores, -max(len(e.spec.bands) for e in family), -first.map_speed, first.name

    families = sorted((_by_score(family) for family in _families(found)), key=leading)
    return [entry for family in families for entry in family]


def _families(found: Sequence[Entry]) -> list[list[Entry]]:
    """Networks that share a data set, directly or through others, together; those without a score each alone."""
    families: list[list[Entry]] = []
    for entry in found:
        mine = [entry]
        for family in [*families]:
            if any(entry.spec.held_out_scores.keys() & other.spec.held_out_scores.keys() for other in family):
                families.remove(family)
                mine = family + mine
        families.append(mine)
    return families


def _by_score(family: Sequence[Entry]) -> list[Entry]:
    best: dict[str, float] = {}
    for entry in family:
        for name, score in entry.spec.held_out_scores.items():
            best[name] = max(score, best.get(name, 0.0))

    def share(entry: Entry) -> float:
        shares = [score / (best[name] or 1.0) for name, score in entry.spec.held_out_scores.items()]
        return sum(shares) / len(shares) if shares else 0.0

    rest, done = list(family), []
    while rest:
        least = max(map(share, rest)) - _NOISE
        equals = [entry for entry in rest if share(entry) >= least]
        first = min(equals, key=lambda e: (-len(e.spec.bands), -e.spec.map_speed, e.spec.name))
        done.append(first)
        rest.remove(first)
    return done


def _own(folder: Path | None) -> Path | None:
    return library.default_folder() if folder is None else folder


def by_name(name: str, folder: Path | None = None) -> Entry:
    """The network called `name`, a bundled one or one of the user's own.

    Args:
        name: as `names` lists it.
        folder: see `names`.

    Raises:
        LulcError: there is none, or it cannot be used.
    """
    own = _own(folder)
    if name in bundled.model_names():
        return load(bundled.folder("models") / f"{name}.onnx")
    if own is not None and name in library.names(own):
        return load(own / f"{name}.onnx")
    where = "" if own is None else f", nor in the model folder {own}"
    raise LulcError(f"There is no model {name!r}{where}.", f"Choose one of: auto, {', '.join(names(folder))}."[:1000])


def first_fit(fits: Callable[[Entry], Found], folder: Path | None = None) -> tuple[Entry, Found, tuple[str, ...]]:
    """The best network for which `fits` returns instead of raising `LulcError`; a bundled one if any does.

    Args:
        fits: judges a network.
        folder: see `names`.

    Returns:
        the entry, what `fits` returned, and one sentence for each network passed over.

    Raises:
        LulcError: none fits; with all reasons.
    """
    reasons: list[str] = []
    remedies: list[str] = []
    at_hand, out_of_order = _at_hand(folder)
    unusable = [f"{b.path.stem}: it cannot be used. {b.error.problem}" for b in out_of_order]
    for i, entry in enumerate(at_hand):
        try:
            found = fits(entry)
            later = [f"{e.spec.name}: it comes after {entry.spec.name}, which fits" for e in at_hand[i + 1 :]]
            return entry, found, (*reasons, *later, *unusable)
        except CancelledError:
            raise
        except LulcError as error:
            reasons.append(f"{entry.spec.name}: {error.problem}")
            remedies.append(error.remedy)
    if not reasons and not unusable:
        raise LulcError(
            "No network is bundled with this installation.", "Install the plugin again, or set a model file."
        )
    remedy = next((r for r in remedies if r), "Set the model or the bands yourself.")
    raise LulcError("None of the bundled networks fits this layer. " + " ".join([*reasons, *unusable]), remedy)
