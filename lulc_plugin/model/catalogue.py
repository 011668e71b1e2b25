# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks at hand, best first, and which of them fits a layer.

The bundled networks come first, the user's own after them; one broken file does not stand in the way of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .. import bundled
from ..errors import CancelledError, LulcError
from ..raster import BandsNotFound
from . import library, ranking
from .entry import Entry, load
from .library import Broken
from .ranking import Standing

__all__ = ["Broken", "Entry", "broken", "by_name", "entries", "first_fit", "load", "names"]

Found = TypeVar("Found")

#: Names in a row before "and 7 more".
_MOST_NAMES = 8


@dataclass(frozen=True)
class _AtHand:
    """Networks that can be used, best first, and files that cannot; `ours` counts the bundled ones in `entries`."""

    entries: tuple[Entry, ...]
    broken: tuple[Broken, ...]
    ours: int


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
    return _at_hand(folder).entries


def broken(folder: Path | None = None) -> tuple[Broken, ...]:
    """Networks that are there but cannot be used, with the reason; bundled ones first.

    Args:
        folder: see `names`.
    """
    return _at_hand(folder).broken


def _at_hand(folder: Path | None) -> _AtHand:
    bundled_names = bundled.model_names()
    place = bundled.folder("models")
    ours, ours_broken = library.look_through([place / f"{name}.onnx" for name in bundled_names])
    # a bundled name always means the bundled network
    files = [path for path in library.files(_own(folder)) if path.stem not in bundled_names]
    own, own_broken = library.look_through(files)
    return _AtHand((*ordered(ours), *ordered(own)), (*ours_broken, *own_broken), len(ours))


def ordered(found: Sequence[Entry]) -> list[Entry]:
    """Best first, as `ranking.ordered` has it."""
    return [found[i] for i in ranking.ordered(_standings(found))]


def _standings(found: Sequence[Entry]) -> list[Standing]:
    return [Standing(s.name, len(s.bands), s.map_speed, s.held_out_scores) for s in (entry.spec for entry in found)]


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
    at_hand = _at_hand(folder)
    unusable = [f"{b.path.stem}: it cannot be used. {b.error.problem}" for b in at_hand.broken]
    refused: list[tuple[str, LulcError]] = []
    for i, entry in enumerate(at_hand.entries):
        try:
            found = fits(entry)
        except CancelledError:
            raise
        except LulcError as error:
            refused.append((entry.spec.name, error))
            continue
        reasons = [f"{name}: {_reason(error)}" for name, error in refused]
        return entry, found, (*reasons, *_why_later(at_hand, i, fits), *unusable)
    if not refused and not unusable:
        raise LulcError(
            "No network is bundled with this installation.", "Install the plugin again, or set a model file."
        )
    raise _none_fits(refused, unusable)


def _why_later(at_hand: _AtHand, taken: int, fits: Callable[[Entry], Found]) -> list[str]:
    """One sentence for each network behind the one that was taken."""
    entries = at_hand.entries
    theirs = entries[: at_hand.ours] if taken < at_hand.ours else entries[at_hand.ours :]
    standings = _standings(theirs)
    start = 0 if taken < at_hand.ours else at_hand.ours
    reasons = []
    for i in range(taken + 1, len(entries)):
        try:
            fits(entries[i])
        except CancelledError:
            raise
        except LulcError as error:
            reasons.append(f"{entries[i].spec.name}: {_reason(error)}")
            continue
        if taken < at_hand.ours <= i:
            why = ", but bundled networks go before imported ones"
        else:
            why = ranking.why_behind(standings, i - start, taken - start)
        reasons.append(f"{entries[i].spec.name}: it fits too{why}")
    return reasons


def _reason(error: LulcError) -> str:
    return f"it wants {error.wanted}; {error.lack}" if isinstance(error, BandsNotFound) else error.problem


def _none_fits(refused: Sequence[tuple[str, LulcError]], unusable: Sequence[str]) -> LulcError:
    """What the networks have in common once, then what each of them lacks."""
    said = ["None of the networks at hand fits this layer."]
    remedy = next((error.remedy for _, error in refused if error.remedy), "Set the model or the bands yourself.")
    no_bands = [error for _, error in refused if isinstance(error, BandsNotFound)]
    nothing = all(error.lack == BandsNotFound.NOTHING for error in no_bands)
    if no_bands:
        said.append(no_bands[0].layer)
        if nothing:
            said.append("None of them could be recognised.")
        said.extend(filter(None, (no_bands[0].hint,)))
        remedy = no_bands[0].remedy_for_any
    alike: dict[tuple[str, str], list[str]] = {}
    for name, error in refused:
        one = many = f": {error.problem}"
        if isinstance(error, BandsNotFound):
            what = f"{error.wanted}{'' if nothing else f' ({error.lack})'}."
            one, many = f" wants {what}", f" want {what}"
        alike.setdefault((one, many), []).append(name)
    said.extend(f"{_row(names)}{one if len(names) == 1 else many}" for (one, many), names in alike.items())
    return LulcError(" ".join([*said, *unusable]), remedy)


def _row(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, … and 3 more`."""
    shown = list(names[:_MOST_NAMES])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
