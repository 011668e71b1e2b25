# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of networks: the bundled ones and the user's own, each a file with its description, best first.

One broken file does not hide the others. A session is opened only where a network has no description beside it, or
one that does not say what its numbers are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

from .. import bundled
from ..errors import CancelledError, FileNotRead, LulcError, ModelUnusable
from ..legend import visible_text
from ..options import command
from ..raster import BandsNotFound
from . import deepness, foreign_files, mlm, ranking
from .describe import probe
from .ranking import RankingFacts
from .runtime import GraphSignature, onnx_file, open_session, signature_of
from .spec import ModelSpec

Fit = TypeVar("Fit")

#: environment variable with the user's model folder, for shells and clusters
VARIABLE = "LULC_MODELS"
_MOST_FILES = 1000
#: Names in a row before "and 7 more".
_MOST_NAMES = 8


# ---------------------------------------------------------------- one network


@dataclass(frozen=True)
class Entry:
    """A network file and its description."""

    path: Path
    spec: ModelSpec


def load(path: Path) -> Entry:
    """The network at `path`, described by the first of these that there is.

    `NAME.json` beside `NAME.onnx`; `NAME.onnx.json`; the metadata inside it: an MLM description, or what the plugin
    Deepness reads. Where that does not say whether the network returns probabilities, a few random windows tell.

    Raises:
        LulcError: no such file, another format, no description, or one that cannot be used.
    """
    foreign_files.require_onnx(path)
    if visible_text(path.name) != path.name:
        raise ModelUnusable(f"The file name {path.name!r} has characters that cannot be seen.", "Rename the file.")
    if not os.path.isfile(path):
        raise ModelUnusable(f"The model file {path} does not exist.", "Check its folder and name.")
    try:
        return _load(path)
    except LulcError:
        raise
    except OSError as error:
        raise ModelUnusable(
            f"{path.name} cannot be read: {error.strerror or error}.", "Check its permissions, and that of its folder."
        ) from error
    except Exception as error:  # a file from anywhere may find a hole in any reader, and must not hide the others
        what = f"{type(error).__name__}: {str(error)[:200]}"
        raise ModelUnusable(
            f"{path.name} and its description cannot be read ({what}).", "Get both files again."
        ) from error


def _load(path: Path) -> Entry:
    sidecar = sidecar_of(path)
    spec = _inside(path) if sidecar is None else mlm.read(sidecar)
    _check_size(path, spec)
    if not spec.output.activation:
        spec = _with_activation(path, spec)
    return Entry(path, replace(spec, input_type=onnx_file.input_type(path, spec.input_name)))


def sidecar_of(path: Path) -> Path | None:
    """The description beside a network: `NAME.json`, or `NAME.onnx.json` if it is one of ours; None without."""
    sidecar = path.with_suffix(".json")
    if os.path.isfile(sidecar):
        return sidecar
    other = path.with_name(path.name + ".json")
    return other if os.path.isfile(other) and foreign_files.is_mlm(other) else None


def _inside(path: Path) -> ModelSpec:
    """The description in the network's own metadata."""
    signature = signature_of(open_session(path))
    for known in _FORMATS:
        if known.describes(signature.metadata):
            return known.read(signature, path)
    foreign_files.refuse_other_tasks(path, signature.metadata)
    raise foreign_files.no_description(path, [known.title for known in _FORMATS])


# ---------------------------------------------------------------- formats of the metadata inside a network


#: Metadata keys that hold an MLM description, ours first.
_MLM_KEYS = ("mlm", "stac_mlm", "mlm-metadata")


class _Format(NamedTuple):
    """A format of a description in a network's own metadata.

    Attributes:
        title: what a message calls it.
        describes: whether some metadata is of this format.
        read: the description in a network's metadata; gets the file's path for messages.
    """

    title: str
    describes: Callable[[Mapping[str, str]], bool]
    read: Callable[[GraphSignature, Path], ModelSpec]


def _has_mlm(metadata: Mapping[str, str]) -> bool:
    return any(metadata.get(key) for key in _MLM_KEYS)


def _read_mlm(signature: GraphSignature, path: Path) -> ModelSpec:
    text = next(signature.metadata[key] for key in _MLM_KEYS if signature.metadata.get(key))
    return mlm.from_text(text, path.name)


def _read_deepness(signature: GraphSignature, path: Path) -> ModelSpec:
    try:
        return deepness.read(signature, path.stem)
    except LulcError as error:
        remedy = error.remedy or f"Correct the metadata, or describe the network with {command('describemodel')}."
        raise ModelUnusable(f"{path.name}: {error.problem}", remedy) from error


#: The first that describes a network is read.
_FORMATS = (
    _Format("'mlm'", _has_mlm, _read_mlm),
    _Format("Deepness's keys", deepness.describes, _read_deepness),
)


def _check_size(path: Path, spec: ModelSpec) -> None:
    size = path.stat().st_size
    if spec.file_size and spec.file_size != size:
        raise ModelUnusable(
            f"{path.name} has {size:,} bytes, but its description was written for a file of {spec.file_size:,} bytes.",
            "It belongs to another network, or the file was changed or cut off: get both files again.",
        )


def _with_activation(path: Path, spec: ModelSpec) -> ModelSpec:
    """`spec` with the activation that random windows show."""
    run = probe.run_random_windows(open_session(path), spec.layout, len(spec.channels))
    answers = run.answers.get(spec.output.name)
    if answers is None:
        names = visible_text(", ".join(run.answers))[:300]
        raise ModelUnusable(
            f"{path.name} has no output {spec.output.name[:100]!r}; it has {names}.",
            "Correct the output's name in the description.",
        )
    activation, reason = probe.activation_of(answers, spec.output.plane, spec.layout)
    note = f"The model's description does not say what the numbers of {spec.output.name!r} are: {reason}"
    return replace(spec, output=replace(spec.output, activation=activation), notes=(*spec.notes, note))


# ---------------------------------------------------------------- all networks


@dataclass(frozen=True)
class Broken:
    """A network file that cannot be used, and why."""

    path: Path
    error: LulcError


class Catalogue:
    """All networks that can be used here. Their descriptions are read once, when they are first asked for.

    A plan and a check of the same layer share one catalogue, so that no description is read twice.

    Args:
        folder: the user's model folder; None: the one that LULC_MODELS names, if any.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = default_folder() if folder is None else folder
        self._loaded: dict[Path, Entry] = {}
        self._as_used: Callable[[Entry], Entry] = _whole

    def ordered_by(self, as_used: Callable[[Entry], Entry]) -> Catalogue:
        """The same networks, in the order of what `as_used` makes of each: that of a layer which lacks some bands."""
        other = Catalogue(self.folder)
        other.folder, other._loaded, other._as_used = self.folder, self._loaded, as_used
        return other

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the bundled networks, then of the user's own; nothing is opened."""
        return tuple(dict.fromkeys((*bundled.model_names(), *(path.stem for path in own_files(self.folder)))))

    @cached_property
    def _bundled(self) -> tuple[tuple[Entry, ...], tuple[Broken, ...]]:
        place = bundled.folder("models")
        return self._read([place / f"{name}.onnx" for name in bundled.model_names()])

    @cached_property
    def _own(self) -> tuple[tuple[Entry, ...], tuple[Broken, ...]]:
        # a bundled name always means the bundled network
        paths = [path for path in own_files(self.folder) if path.stem not in bundled.model_names()]
        entries, broken = self._read(paths)
        return entries, (*_closed(self.folder), *broken)

    def _read(self, paths: Sequence[Path]) -> tuple[tuple[Entry, ...], tuple[Broken, ...]]:
        """The networks of `paths` that can be used, best first, and those that cannot."""
        entries: list[Entry] = []
        broken: list[Broken] = []
        for path in paths:
            try:
                entries.append(self._load(path))
            except LulcError as error:
                broken.append(Broken(path, error))
        return tuple(ordered(entries, self._as_used)), tuple(broken)

    def _load(self, path: Path) -> Entry:
        if path not in self._loaded:
            self._loaded[path] = load(path)
        return self._loaded[path]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The bundled networks, ordered by held-out score, number of bands and speed; then the user's own likewise."""
        return (*self._bundled[0], *self._own[0])

    @property
    def broken(self) -> tuple[Broken, ...]:
        """Networks that are there but cannot be used, with the reason; bundled ones first."""
        return (*self._bundled[1], *self._own[1])

    def by_name(self, name: str) -> Entry:
        """The network called `name`, a bundled one or one of the user's own.

        Args:
            name: as `names` lists it.

        Raises:
            LulcError: there is none, or it cannot be used.
        """
        if name in bundled.model_names():
            return self._load(bundled.folder("models") / f"{name}.onnx")
        if name in self.names and self.folder is not None:
            return self._load(self.folder / f"{name}.onnx")
        where = "" if self.folder is None else f", nor in the model folder {self.folder}"
        raise LulcError(f"There is no model {name!r}{where}.", f"Choose one of: auto, {', '.join(self.names)}."[:1000])

    def first_fit(self, fits: Callable[[Entry], Fit]) -> tuple[Entry, Fit, tuple[str, ...]]:
        """The best network for which `fits` returns instead of raising `LulcError`; a bundled one if any does.

        Args:
            fits: judges a network.

        Returns:
            the entry, what `fits` returned, and one sentence for each network passed over.

        Raises:
            LulcError: none fits; with all reasons.
        """
        unusable = [f"{b.path.stem}: it cannot be used. {b.error.problem}" for b in self.broken]
        refused: list[tuple[str, LulcError]] = []
        for i, entry in enumerate(self.entries):
            try:
                fit = fits(entry)
            except CancelledError:
                raise
            except LulcError as error:
                refused.append((entry.spec.name, error))
                continue
            reasons = [f"{name}: {_reason(error)}" for name, error in refused]
            return entry, fit, (*reasons, *self._why_later(i, fits), *unusable)
        if not refused and not unusable:
            raise LulcError(
                "No network is bundled with this installation.", "Install the plugin again, or set a model file."
            )
        raise _none_fits(refused, unusable)

    def _why_later(self, taken: int, fits: Callable[[Entry], Fit]) -> list[str]:
        """One sentence for each network behind the one that was taken."""
        entries, bundled_count = self.entries, len(self._bundled[0])
        start = 0 if taken < bundled_count else bundled_count
        standings = _standings(self._bundled[0] if taken < bundled_count else self._own[0], self._as_used)
        reasons = []
        for i in range(taken + 1, len(entries)):
            try:
                fits(entries[i])
            except CancelledError:
                raise
            except LulcError as error:
                reasons.append(f"{entries[i].spec.name}: {_reason(error)}")
                continue
            if taken < bundled_count <= i:
                why = ", but bundled networks go before imported ones"
            else:
                why = ranking.reason_for_rank(standings, i - start, taken - start)
            reasons.append(f"{entries[i].spec.name}: it fits too{why}")
        return reasons


def default_folder() -> Path | None:
    """The folder that the environment variable LULC_MODELS names, None without it."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named) if named else None


def _closed(folder: Path | None) -> tuple[Broken, ...]:
    """The folder itself, where it is there and shows none of its files."""
    if folder is None or not os.path.isdir(folder) or os.access(folder, os.R_OK | os.X_OK):
        return ()
    problem = f"The model folder {folder} cannot be read."
    return (Broken(folder, FileNotRead(problem, "Ask its owner to let you, or choose another folder.")),)


def own_files(folder: Path | None) -> list[Path]:
    """The network files in `folder`, in alphabetical order; none without a folder, or if it cannot be read."""
    try:
        paths = [] if folder is None else sorted(p for p in folder.glob("*.onnx") if not p.name.startswith("."))
    except OSError:
        return []
    return paths[:_MOST_FILES]


def _whole(entry: Entry) -> Entry:
    """A network with all of its bands."""
    return entry


def ordered(entries: Sequence[Entry], as_used: Callable[[Entry], Entry] = _whole) -> list[Entry]:
    """Best first, as `ranking.ordered` has it, by what `as_used` makes of each."""
    return [entries[i] for i in ranking.ordered(_standings(entries, as_used))]


def _standings(entries: Sequence[Entry], as_used: Callable[[Entry], Entry]) -> list[RankingFacts]:
    return [
        RankingFacts(s.name, len(s.bands), s.map_speed, s.held_out_scores)
        for s in (as_used(entry).spec for entry in entries)
    ]


def _reason(error: LulcError) -> str:
    return f"it wants {error.wanted}; {error.not_found}" if isinstance(error, BandsNotFound) else error.problem


def _none_fits(refused: Sequence[tuple[str, LulcError]], unusable: Sequence[str]) -> LulcError:
    """What the networks have in common once, then what each of them lacks."""
    sentences = ["None of the networks at hand fits this layer."]
    remedy = next((error.remedy for _, error in refused if error.remedy), "Set the model or the bands yourself.")
    no_bands = [error for _, error in refused if isinstance(error, BandsNotFound)]
    nothing = all(error.not_found == BandsNotFound.NONE_RECOGNISED for error in no_bands)
    if no_bands:
        sentences.append(no_bands[0].layer)
        if nothing:
            sentences.append("None of them could be recognised.")
        sentences.extend(filter(None, (no_bands[0].hint,)))
        remedy = no_bands[0].remedy_for_any
    alike: dict[tuple[str, str], list[str]] = {}
    for name, error in refused:
        one = many = f": {error.problem}"
        if isinstance(error, BandsNotFound):
            what = f"{error.wanted}{'' if nothing else f' ({error.not_found})'}."
            one, many = f" wants {what}", f" want {what}"
        alike.setdefault((one, many), []).append(name)
    if len(alike) == 1 and not no_bands and not unusable:  # it is the layer, whatever the network
        sentences = [f"None of the networks at hand fits this layer{next(iter(alike))[1]}"]
    else:
        sentences.extend(f"{_row(names)}{one if len(names) == 1 else many}" for (one, many), names in alike.items())
    return LulcError(" ".join([*sentences, *unusable]), remedy)


def _row(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, … and 3 more`."""
    shown = list(names[:_MOST_NAMES])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


# ---------------------------------------------------------------- for those who ask once


def entries(folder: Path | None = None) -> tuple[Entry, ...]:
    """See `Catalogue.entries`."""
    return Catalogue(folder).entries


def by_name(name: str, folder: Path | None = None) -> Entry:
    """See `Catalogue.by_name`."""
    return Catalogue(folder).by_name(name)
