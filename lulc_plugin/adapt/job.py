# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asks for when classes of one's own are trained, and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..assess import FeatureInput
from ..errors import OptionInvalid
from ..legend import Legend
from ..options import option
from ..raster import RasterInput
from .sample_pixels import ClassStyle

AUTO, ALL, NONE = "auto", "all", "none"
_LARGEST_RADIUS = 45


@dataclass(frozen=True)
class AdaptJob:
    """Samples and a layer to tell their classes apart on.

    Attributes:
        layer: the image; its `bands` are those of the network, in the network's order.
        samples: points or polygons with a class, in the layer's coordinate system.
        network: `auto` (the best that fits), `all`, `none`, or names with commas between them.
        model_file: a network file instead.
        models_folder: of the user's own networks.
        colours: names and colours of classes.
        groups: of each feature, which of them belong together in validation; empty: spatial blocks.
        most_pixels: samples of a class at most.
        smoothing: `auto` (chosen by validation), `none`, or a radius in pixels.
        seed: of all random choices.
        threads: CPU threads, 0 for all.
        ways: ids of the ways to compare (`candidates.candidates_of`); empty: all.
    """

    layer: RasterInput
    samples: FeatureInput
    network: str = AUTO
    model_file: str = ""
    models_folder: str = ""
    colours: tuple[ClassStyle, ...] = ()
    groups: Sequence[object] = ()
    most_pixels: int = 500
    smoothing: str = AUTO
    seed: int = 0
    threads: int = 0
    ways: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.most_pixels < 2:
            raise OptionInvalid(f"{option('most_pixels')} is {self.most_pixels}.", "Give 2 or more.")
        if self.groups and len(self.groups) != len(self.samples.features):
            raise OptionInvalid(f"There are {len(self.groups)} groups for {len(self.samples.features)} features.")
        if self.smoothing not in (AUTO, NONE) and not self.radius:
            raise OptionInvalid(
                f"{option('smoothing')} is {self.smoothing!r}.",
                f"Give auto, none or a radius of 1 to {_LARGEST_RADIUS} pixels.",
            )

    @property
    def radius(self) -> int:
        """The radius that the user gave; 0 for none, and for `auto`."""
        text = self.smoothing
        return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= _LARGEST_RADIUS else 0


@dataclass(frozen=True)
class ClassFigures:
    """How well one class was predicted on samples of other blocks; shares 0 to 1, None where nothing can be said.

    `samples` pixels of `features` points or polygons in `blocks` blocks.
    """

    name: str
    colour: str
    value: int
    samples: int
    features: int
    blocks: int
    users: float | None
    producers: float | None
    f1: float | None


@dataclass(frozen=True)
class CandidateFigures:
    """One way to tell the classes apart: mean F1 with its standard error, and accuracy; `chosen` for the one taken.

    None where nothing could be validated.
    """

    id: str
    title: str
    radius: int
    f1: float | None
    spread: float | None
    accuracy: float | None
    chosen: bool


@dataclass(frozen=True)
class CurvePoint:
    """Mean F1 with `samples` samples of each class, and its spread over repeats."""

    samples: int
    f1: float
    spread: float


@dataclass(frozen=True)
class Suspect:
    """A sample that all the others speak against: probably the wrong class.

    `label` and `predicted` are class names, `confidence` that of the prediction; x and y in the layer's coordinates.
    """

    x: float
    y: float
    id: str
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True)
class AdaptResult:
    """What came out.

    Attributes:
        model: file of the network.
        name: of the network.
        legend: its classes.
        method: what was chosen, in words.
        overall_accuracy, macro_f1: by cross-validation, all classes alike; None where it could not be done.
        matrix: shares of samples, map in rows and samples in columns, counts of pixels.
        classes: by class.
        candidates: all ways that were compared.
        curve: the learning curve.
        gain: mean F1 that twenty more samples of each class would probably bring; None where it cannot be told.
        suspects: the most contradictory samples first.
        outside: share of the scene that is unlike every sample.
        folds, side: of the cross-validation; the side of a block in pixels, 0 for the user's own groups.
        networks: names of the networks that are used.
        features: number of features.
        notes: what was decided or left out, sentences.
        warnings: what the user should not overlook.
        seconds: of the whole run.
        facts: of layer and samples, for the report: label → text.
    """

    model: str
    name: str
    legend: Legend
    method: str
    overall_accuracy: float | None
    macro_f1: float | None
    matrix: tuple[tuple[int, ...], ...]
    classes: tuple[ClassFigures, ...]
    candidates: tuple[CandidateFigures, ...]
    curve: tuple[CurvePoint, ...]
    gain: float | None
    suspects: tuple[Suspect, ...]
    outside: float
    folds: int
    side: int
    networks: tuple[str, ...]
    features: int
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float
    facts: tuple[tuple[str, str], ...]

    @property
    def count(self) -> int:
        """Samples that were used."""
        return sum(c.samples for c in self.classes)

    def classes_json(self) -> list[dict[str, Any]]:
        """Value, name, colour, samples and figures of each class."""
        return [
            {
                "value": c.value,
                "name": c.name,
                "colour": c.colour,
                "samples": c.samples,
                "users_accuracy": c.users,
                "producers_accuracy": c.producers,
                "f1": c.f1,
            }
            for c in self.classes
        ]
