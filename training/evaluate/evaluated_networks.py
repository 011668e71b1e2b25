# SPDX-License-Identifier: GPL-3.0-or-later
"""What is evaluated: a checkpoint, an exported network, or several of them averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from lulc_plugin.classify import smooth
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend
from lulc_plugin.model import MOST_GUIDE_BANDS
from lulc_plugin.raster import value_kind

from ..maps import Answers, Mapper
from ..recipe import Recipe
from ..sets.chips import Chip

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Subject:
    """A network to look at.

    Attributes:
        name: in tables.
        answers: its probabilities for chips with exactly `bands`, in the order of `legend`.
        bands: common names.
        legend: classes.
        ways: which kinds of numbers it takes: `reflectance`, `picture`.
        recipe: what it was trained by, None of exported ones.
        unsmoothed: its probabilities before they follow the edges of the image; None where they never do.
    """

    name: str
    answers: Answers
    bands: tuple[str, ...]
    legend: Legend
    ways: tuple[str, ...]
    recipe: Recipe | None = None
    unsmoothed: Answers | None = None

    def takes(self, picture: bool) -> bool:
        """Whether it has a way in for pictures, or for reflectance."""
        return ("picture" if picture else "reflectance") in self.ways


def subject(path: Path, threads: int = 0) -> Subject:
    """The network of a file: a checkpoint `.pt`, or an `.onnx` with its description.

    Raises:
        LulcError: the file is neither.
    """
    if path.suffix == ".onnx":
        return _exported(path, threads)
    if path.suffix == ".pt":
        return _checkpoint(path)
    raise LulcError(f"{path} is not a network.", "Give a checkpoint (.pt) or an exported network (.onnx).")


def _checkpoint(path: Path) -> Subject:
    from ..train.checkpoint import load
    from ..train.validation import mapper

    network, recipe, state = load(path)
    name = path.parent.name if path.stem in ("best", "last") and path.parent.name else path.stem
    return of_recipe(name, replace(mapper(recipe, network, state["fill"]), smoothing=recipe.smoothing), recipe)


def of_recipe(name: str, answers: Answers, recipe: Recipe) -> Subject:
    """A network in the hand of whoever trained it, to be scored under `name`."""
    bare = None
    if isinstance(answers, Mapper) and answers.smoothing is not None:
        bare = replace(answers, smoothing=None)
    return Subject(name, answers, recipe.inputs.names, recipe.legend, ways_of(recipe), recipe, bare)


def without_smoothing(one: Subject) -> Subject:
    """The network as it was trained, its probabilities as they come."""
    return one if one.unsmoothed is None else replace(one, answers=one.unsmoothed, unsmoothed=None)


def ways_of(recipe: Recipe) -> tuple[str, ...]:
    """Kinds of numbers that a recipe's network takes."""
    return tuple("picture" if form.unit == "dn" else "reflectance" for form in recipe.inputs.forms)


def _exported(path: Path, threads: int) -> Subject:
    answers = Exported(path, threads)
    spec = answers.spec
    # the engine turns reflectance into the numbers of any way in; a picture needs one without a unit
    ways = ("reflectance", *(["picture"] if any(form.unit != "reflectance" for form in spec.forms) else []))
    bare = None if spec.smoothing is None else Exported(path, threads, smoothed=False)
    return Subject(path.stem, answers, answers.bands, spec.legend, ways, unsmoothed=bare)


class Exported:
    """An exported network, run through the engine with what its own description says.

    Args:
        path: the `.onnx` file.
        threads: CPU threads, 0 for all cores.
        smoothed: maps follow the edges of the image as the description asks.

    Raises:
        LulcError: no such file, or no description.
    """

    def __init__(self, path: Path, threads: int = 0, smoothed: bool = True) -> None:
        from ..teachers.teacher import Teacher

        self._with_rim = lru_cache(maxsize=2)(lambda rim: Teacher(path, threads, rim=rim, smoothed=smoothed))
        self.spec = self._with_rim(None).spec
        self.bands = tuple(b.label for b in self.spec.bands)

    def shares(
        self,
        chip: Chip,
        context: int | None = None,
        picture: bool | None = None,
        layer_sample: FloatArray | None = None,
    ) -> FloatArray:
        """Class probabilities `(classes, rows, cols)`; arguments as those of `Mapper.shares`."""
        return self._with_rim(context).ask(*self._seen(chip, picture, layer_sample))

    def guide(self, names: Sequence[str], chip: Chip) -> FloatArray:
        """As `Mapper.guide`."""
        return self._with_rim(None).guide(names, *self._seen(chip, None, None))

    def smoothed(self, shares: FloatArray, chip: Chip) -> FloatArray:
        """Answers of the network without smoothing on a chip as it is → those with it."""
        smoothing, valid = self.spec.smoothing, chip.band_valid
        there = valid if valid.ndim == 2 else np.any(valid, axis=0)
        if smoothing is None or not there.any():
            return shares
        bands = smoothing.bands or self.spec.band_names[:MOST_GUIDE_BANDS]
        return smooth(shares, self.guide(bands, chip), there, smoothing)

    def _seen(
        self, chip: Chip, picture: bool | None, layer_sample: FloatArray | None
    ) -> tuple[dict[str, FloatArray], npt.NDArray[np.bool_], str, dict[str, FloatArray] | None]:
        """Arguments of `Teacher.ask`."""
        picture = chip.picture if picture is None else picture
        layer_sample = chip.whole if layer_sample is None else layer_sample
        layer = None if layer_sample is None else dict(zip(self.bands, layer_sample, strict=True))
        kind = value_kind.PICTURE if picture else value_kind.REFLECTANCE
        bands, valid = dict(zip(self.bands, chip.values, strict=True)), chip.band_valid
        if self.spec.band_patterns is not None and not all(chip.present):
            # bands that the set lacks are absent for the network, not invalid
            there = [name for name, is_there in zip(self.bands, chip.present, strict=True) if is_there]
            bands, valid = {name: bands[name] for name in there}, chip.valid
            layer = None if layer is None else {name: layer[name] for name in there}
        return bands, valid, kind, layer


@dataclass(frozen=True)
class Kept:
    """A network's answers on chips as they are, each asked for once and kept in a folder of files.

    Smoothed answers are made of the kept ones without smoothing. Whatever is asked of changed chips is asked anew.

    Attributes:
        answers: the network.
        folder: for the files, this network's alone.
        bare: the same without smoothing, where it smooths.
    """

    answers: Answers
    folder: Path
    bare: Answers | None = None
    _files: dict[tuple[str, str], tuple[Chip, Path]] = field(default_factory=dict)

    def shares(
        self,
        chip: Chip,
        context: int | None = None,
        picture: bool | None = None,
        layer_sample: FloatArray | None = None,
    ) -> FloatArray:
        """Class probabilities `(classes, rows, cols)`; arguments as those of `Mapper.shares`."""
        if context is not None or picture is not None or layer_sample is not None:
            return self.answers.shares(chip, context, picture, layer_sample)
        key = (chip.source, chip.name)
        known, path = self._files.get(key, (None, self.folder / f"{len(self._files)}.npy"))
        # a changed copy has the name of the chip that it was made of
        if known is chip:
            return cast(FloatArray, np.load(path))
        smoothed = getattr(self.answers, "smoothed", None)
        if self.bare is not None and smoothed is not None:
            shares: FloatArray = smoothed(self.bare.shares(chip), chip)
        else:
            shares = self.answers.shares(chip)
        if known is None:
            np.save(path, shares)
            self._files[key] = (chip, path)
        return shares


def kept(one: Subject, folder: Path) -> Subject:
    """The network with its answers kept in two folders that begin with `folder`."""
    bare = None
    if one.unsmoothed is not None:
        bare = Kept(one.unsmoothed, folder.with_name(f"{folder.name}-bare"))
        bare.folder.mkdir()
    folder.mkdir()
    return replace(one, answers=Kept(one.answers, folder, bare), unsmoothed=bare)


def common(subjects: Sequence[Subject]) -> tuple[tuple[str, ...], Legend]:
    """Bands that several networks need together, and the legend in whose order they are compared, the first one's.

    Raises:
        LulcError: the networks have other classes.
    """
    first = subjects[0]
    for other in subjects[1:]:
        if set(other.legend.names) != set(first.legend.names):
            raise LulcError(
                f"{first.name} and {other.name} have different classes ({', '.join(first.legend.names)};"
                f" {', '.join(other.legend.names)}).",
                "Evaluate them in two runs.",
            )
    return tuple(dict.fromkeys(b for s in subjects for b in s.bands)), first.legend


def aligned(one: Subject, bands: Sequence[str], legend: Legend) -> Subject:
    """The network for chips with `bands`, answering in the order of `legend`."""
    if tuple(bands) == one.bands and legend.names == one.legend.names:
        return one
    at = [list(bands).index(b) for b in one.bands]
    order = [one.legend.names.index(n) for n in legend.names]
    bare = None if one.unsmoothed is None else _Aligned(one.unsmoothed, at, order)
    return replace(
        one, answers=_Aligned(one.answers, at, order), bands=tuple(bands), legend=legend, unsmoothed=bare
    )  # fmt: skip


@dataclass(frozen=True)
class _Aligned:
    """Picks the bands of a network, and puts its classes in another order."""

    answers: Answers
    bands: list[int]
    classes: list[int]

    def shares(
        self,
        chip: Chip,
        context: int | None = None,
        picture: bool | None = None,
        layer_sample: FloatArray | None = None,
    ) -> FloatArray:
        at = self.bands
        own = replace(
            chip,
            values=chip.values[at],
            present=tuple(chip.present[i] for i in at),
            layer=chip.layer[at],
            pool=chip.pool[at],
        )
        sample = None if layer_sample is None else layer_sample[at]
        return self.answers.shares(own, context, picture, sample)[self.classes]


@dataclass(frozen=True)
class Ensemble:
    """Several networks for the same chips, their probabilities averaged with weights."""

    members: tuple[Answers, ...]
    weights: tuple[float, ...]

    def shares(
        self,
        chip: Chip,
        context: int | None = None,
        picture: bool | None = None,
        layer_sample: FloatArray | None = None,
    ) -> FloatArray:
        """Class probabilities `(classes, rows, cols)`; arguments as those of `Mapper.shares`."""
        total = sum(self.weights)
        shares = (
            np.float32(w / total) * m.shares(chip, context, picture, layer_sample)
            for m, w in zip(self.members, self.weights, strict=True)
        )
        return reduce(np.add, shares)


def ensemble(subjects: Sequence[Subject], weights: Sequence[float] = ()) -> Subject:
    """The average of several networks that are `aligned`; equal weights unless given.

    Raises:
        LulcError: fewer than two, or weights that are not one positive number a network.
    """
    if len(subjects) < 2:
        raise LulcError("An ensemble needs two networks or more.", "Name more files, or leave --ensemble out.")
    weights = tuple(weights) or (1.0,) * len(subjects)
    if len(weights) != len(subjects) or not all(np.isfinite(w) and w > 0 for w in weights):
        raise LulcError(
            f"The weights {', '.join(f'{w:g}' for w in weights)} are not {len(subjects)} positive numbers.",
            "Give --weights one number a network, like 1,1,2.",
        )
    shown = "" if len(set(weights)) == 1 else f" ({', '.join(f'{w:g}' for w in weights)})"
    ways = tuple(w for w in subjects[0].ways if all(w in s.ways for s in subjects))
    return Subject(
        f"ensemble of {len(subjects)}{shown}", Ensemble(tuple(s.answers for s in subjects), weights), subjects[0].bands,
        subjects[0].legend, ways, subjects[0].recipe,
    )  # fmt: skip
