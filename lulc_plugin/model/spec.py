# SPDX-License-Identifier: GPL-3.0-or-later
"""The complete description of a network, independent of the file format it came in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import LulcError
from ..legend import Legend
from ..raster import Channel, Steps
from . import ranking
from .band_patterns import BandPatterns, Confidence

#: Property of a description that tells where own classes come from.
OWN_CLASSES = "lulc:own_classes"
UNITS = ("reflectance", "dn", "byte")
ACTIVATIONS = ("softmax", "sigmoid", "argmax")
_USUAL_MULTIPLE = 32
#: Pixels of the largest radius of smoothing: four times as many in each direction are computed for a block.
MOST_RADIUS = 64
#: Radius up to which a function is made for each pixel.
_LARGEST_EXACT_RADIUS = 8
#: Guide bands of smoothing: with more of them the fits take longer than the network.
MOST_GUIDE_BANDS = 4
#: Numbers in one array, 4 GiB as float32: the windows of a run, or the scores for them.
LARGEST_ARRAY = 1 << 30
#: a window has to keep a middle, although it overlaps its neighbours by up to twice the multiple on either side
_LEAST_PARTS = 4


@dataclass(frozen=True)
class ModelBand:
    """One band of the imagery a network was trained on. Wavelengths in micrometres.

    `scale` and `offset` turn a stored number of the training imagery into a physical value (DN · scale + offset).
    """

    name: str
    common_name: str | None = None
    wavelength: float | None = None
    width: float | None = None
    description: str = ""
    scale: float | None = None
    offset: float | None = None
    data_type: str | None = None

    @property
    def label(self) -> str:
        """What a person calls this band."""
        return self.common_name or self.name


@dataclass(frozen=True)
class BandStatistics:
    """Mean, standard deviation, and 2nd and 98th percentile of one source band over the training imagery."""

    mean: float
    stddev: float
    low: float
    high: float


@dataclass(frozen=True)
class Smoothing:
    """How the probabilities of a map follow the edges of its image; see `classify.smoothing`.

    Attributes:
        radius: half the side of a square, in the pixels that the network sees.
        eps: variance of the standardised guide below which it counts as flat.
        bands: the source bands that are the guide, by name; none: the first four.
        weight: of the logarithms as they came from the network, against 1 of the filtered ones.
        mean: of the logarithm of each guide band, in the unit of the channels; none: as measured on the layer.
        stddev: of the same.
        logarithm: whether the guide is the logarithm of the bands; else they are as they are, as suits bands with
            numbers below 0.

    Raises:
        LulcError: a number outside its limits.
    """

    radius: int
    eps: float = 0.1
    bands: tuple[str, ...] = ()
    weight: float = 0.5
    mean: tuple[float, ...] = ()
    stddev: tuple[float, ...] = ()
    logarithm: bool = True

    def __post_init__(self) -> None:
        most = 1e3 if self.logarithm else 1e12
        for name, number, (low, high) in (
            ("radius", self.radius, (1, MOST_RADIUS)),
            ("eps", self.eps, (1e-3, 1e3)),
            ("weight", self.weight, (0, 100)),
            ("number of guide bands", len(self.bands), (0, MOST_GUIDE_BANDS)),
            *(("mean of a guide band", number, (-most, most)) for number in self.mean),
            *(("standard deviation of a guide band", number, (1 / most, most)) for number in self.stddev),
        ):
            if not low <= number <= high:  # false for NaN, too
                raise LulcError(f"The {name} of the smoothing is {number:g}; it must be from {low:g} to {high:g}.")
        if len(set(self.bands)) < len(self.bands):
            raise LulcError(f"The smoothing names {len(self.bands)} guide bands, and one of them twice.")
        if len(self.mean) != len(self.stddev) or (self.mean and len(self.mean) != len(self.bands)):
            raise LulcError(
                f"The smoothing has {len(self.bands)} guide bands, {len(self.mean)} means and {len(self.stddev)}"
                " standard deviations."
            )

    @property
    def cell(self) -> int:
        """Pixels a side of the cells for which the guided filter makes functions: beyond radius 8 those are 2 × 2."""
        return 1 if self.radius <= _LARGEST_EXACT_RADIUS else 2

    @property
    def reach(self) -> int:
        """Pixels around a pixel that have a say in it: two squares of whole cells, and the nearest cell beside them."""
        radius = (2 * self.radius + 1) // (2 * self.cell)
        return (2 * radius + 1) * self.cell + self.cell // 2 - 1


@dataclass(frozen=True)
class InputForm:
    """One form of input: layers whose values are of `unit`, brought to the channels' unit by `band_steps`.

    `unit` is `reflectance` (0..1; the engine converts stored numbers first), `dn` (stored numbers as they are) or
    `byte` (0..255 pictures). `band_steps` has one entry a source band.
    """

    name: str
    unit: str
    band_steps: tuple[Steps, ...]
    description: str = ""

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise LulcError(f"Input unit {self.unit[:50]!r} is none of {', '.join(UNITS)}.")


@dataclass(frozen=True)
class Window:
    """The windows of pixels that suit a network.

    Attributes:
        size: recommended height and width.
        multiple: height, width and window origin are multiples of it.
        minimum: smallest height and width.
        receptive_field: full width that can influence one pixel, by the architecture.
        margin: distance from a window's border beyond which, as measured, < 0.5 % of labels depend on what lies
            outside.
    """

    size: int = 512
    multiple: int = 32
    minimum: int = 64
    receptive_field: int = 0
    margin: int = 64

    def __post_init__(self) -> None:
        if not (
            1 <= self.multiple <= 4096
            and 1 <= self.minimum <= self.size <= 16384
            and 0 <= self.margin <= 4096
            and 0 <= self.receptive_field <= 1 << 20
        ):
            raise LulcError(
                f"The model's window is impossible: size {self.size}, multiple {self.multiple}, minimum {self.minimum},"
                f" margin {self.margin}, receptive field {self.receptive_field}."
            )
        if self.size % self.multiple:
            raise LulcError(f"The model's window size {self.size} is not a multiple of {self.multiple}.")

    @property
    def rim(self) -> int:
        """Pixels reflected at a raster's own rim: a third of the margin.

        All of the margin and none of it scored the same or worse on the first network's validation places, and none of
        it leaves wrong classes along the rim.
        """
        return self.margin // 3


def usual_multiple(size: int | None) -> int:
    """The number of which window origins should be multiples: 32, or what suits a network that takes only one `size`.

    That is the largest power of two up to 32 that divides the size and is at most a quarter of it.
    """
    if size is None:
        return _USUAL_MULTIPLE
    multiple = math.gcd(size, _USUAL_MULTIPLE)
    while multiple > 1 and multiple * _LEAST_PARTS > size:
        multiple //= 2
    return multiple


@dataclass(frozen=True)
class Output:
    """The outputs of the graph: `name` of the class scores, their activation steps, and optionally features.

    `activation` is a tuple of `softmax`, `sigmoid`, `argmax`; starting with `argmax` means probabilities come out.

    Attributes:
        cut: pixels that the output lacks on each side of the input.
        plane: a single plane of scores for two classes: the score is that of the second class.
        threshold: a score that the makers applied before the largest was taken; shown to the user, not applied.
        shift: rows and columns by which the scores lie beside the pixels that they belong to; negative: up, to the
            left. Shown to the user, not applied.
    """

    name: str
    activation: tuple[str, ...]
    features: str | None = None
    feature_count: int = 0
    cut: int = 0
    plane: bool = False
    threshold: float | None = None
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def shift_warning(self) -> str:
        """How far a map will lie aside, and what to do; empty where the scores are in place."""
        rows, cols = self.shift
        ways = [f"{abs(rows):g} px {'up' if rows < 0 else 'down'}"] if rows else []
        ways += [f"{abs(cols):g} px to the {'left' if cols < 0 else 'right'}"] if cols else []
        if not ways:
            return ""
        return (
            f"The scores of this network lie {' and '.join(ways)} of the pixels that they belong to, and so will a map:"
            " export the network again with the same padding on all sides."
        )


@dataclass(frozen=True)
class ClassScore:
    """Held-out scores of one class, 0..1, `None` where not applicable."""

    value: int
    precision: float | None
    recall: float | None
    f1: float | None
    iou: float | None
    pixels: int


@dataclass(frozen=True)
class Scores:
    """Scores on one data set and split.

    Attributes:
        confusion: pixels, map in rows and reference in columns.
        extra: what the description says beyond that, such as scores of single places; kept unread.
    """

    dataset: str
    split: str
    pixels: int
    overall_accuracy: float
    kappa: float | None
    macro_f1: float | None
    miou: float | None
    classes: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingSet:
    """One set of training data with its licence and credit."""

    name: str
    license: str
    citation: str
    url: str = ""
    images: int = 0
    pixels: int = 0


@dataclass(frozen=True)
class Training:
    """Where a network comes from."""

    sets: tuple[TrainingSet, ...] = ()
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    pretrained_source: str | None = None


@dataclass(frozen=True)
class ModelSpec:
    """A network: what it wants, what it gives, where it comes from.

    Attributes:
        name: identifier, e.g. `optical-rgbn-10to30m-mobileunet-v1`; weights never change under a name.
        title: one line for people.
        bands: the source bands in the order a user names them.
        channels: what the graph's input holds, in order.
        forms: ways in, the preferred one first.
        fill: value of each channel (network units) at invalid pixels.
        input_name: name of the graph's input.
        layout: order of the graph's axes, `NCHW` or `NHWC`; outputs follow it.
        output: the graph's outputs.
        legend: classes in channel order of the output.
        gsd: nominal pixel size in metres, or None if unknown.
        gsd_range: smallest and largest pixel size the network was made for, metres.
        speed: Mpx/s of the bare network where it was measured, for ordering only.
        version: of the weights; they never change under a name.
        band_statistics: of each source band over the training imagery, as reflectance or in the unit of the first form;
            empty when unknown.
        confidence: held-out confidence, or None if unknown.
        smoothing: how maps follow the edges of their image, or None where they do not.
        band_patterns: which of the bands may be absent, and what the network scores then; None: it needs all.
        absent: labels of bands that this network takes, too, and that are filled here.
        absence: what is lost by that, a sentence; empty where nothing is absent.
        unasked: whether `auto` may take it; False for one that has to be named.
        warnings: what the user of this network should be warned of, found while its description was read.
        notes: what a log should tell about the description.
        input_type: whole-number type that the graph takes, such as `uint8`; empty for floating point or unknown.
        extra: properties of the description that this program does not know or only keeps.
    """

    name: str
    title: str
    architecture: str
    bands: tuple[ModelBand, ...]
    channels: tuple[Channel, ...]
    forms: tuple[InputForm, ...]
    fill: tuple[float, ...]
    input_name: str
    output: Output
    legend: Legend
    window: Window = Window()
    gsd: float | None = None
    gsd_range: tuple[float, float] | None = None
    constellation: str | None = None
    instruments: tuple[str, ...] = ()
    license: str = "other"
    description: str = ""
    providers: tuple[Mapping[str, Any], ...] = ()
    training: Training = Training()
    scores: tuple[Scores, ...] = ()
    parameters: int = 0
    memory_bytes: int = 0
    speed: float = 0.0
    created: str = ""
    file_name: str = ""
    file_size: int = 0
    sha256: str = ""
    layout: str = "NCHW"
    version: str = ""
    band_statistics: tuple[BandStatistics, ...] = ()
    confidence: Confidence | None = None
    smoothing: Smoothing | None = None
    band_patterns: BandPatterns | None = None
    absent: tuple[str, ...] = ()
    absence: str = ""
    unasked: bool = True
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    input_type: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.bands or not self.channels or not self.forms:
            raise LulcError(f"Model {self.name!r} names no bands, no channels or no way in.")
        planes = max(len(self.channels), len(self.legend.classes))
        if planes * self.window.size**2 > LARGEST_ARRAY:
            raise LulcError(
                f"Model {self.name[:100]!r} wants windows of {self.window.size} × {self.window.size} pixels with"
                f" {len(self.channels)} channels and {len(self.legend.classes)} classes: more than {LARGEST_ARRAY:,}"
                " numbers in one window.",
                "Write a smaller size of lulc:window in the description.",
            )
        if len(self.fill) != len(self.channels):
            raise LulcError(f"Model {self.name!r} has {len(self.channels)} channels and {len(self.fill)} fill values.")
        for form in self.forms:
            if len(form.band_steps) != len(self.bands):
                raise LulcError(
                    f"Input form {form.name!r} of model {self.name!r} scales {len(form.band_steps)} bands;"
                    f" the model has {len(self.bands)}."
                )
        if self.smoothing is not None:
            self._check_smoothing(self.smoothing)
        for channel in self.channels:
            if channel.expression is None and not 0 <= (-1 if channel.band is None else channel.band) < len(self.bands):
                raise LulcError(f"Channel {channel.name!r} of model {self.name!r} names no band of it.")
        if self.band_patterns is not None:
            self.band_patterns.check(self.band_names, self.channels, self.fill, self.input_type)

    def _check_smoothing(self, smoothing: Smoothing) -> None:
        for name in smoothing.bands:
            if name not in self.band_names:
                raise LulcError(
                    f"The smoothing of model {self.name!r} is guided by the band {name[:50]!r}, which is none of its"
                    f" {len(self.bands)} bands."
                )
        side, planes = self.window.size + 2 * smoothing.reach, len(self.legend.classes) + MOST_GUIDE_BANDS
        if planes * side**2 > LARGEST_ARRAY:
            raise LulcError(
                f"Smoothing the {len(self.legend.classes)} classes of model {self.name[:100]!r} with a radius of"
                f" {smoothing.radius} pixels takes {planes * side**2:,} numbers for a window; {LARGEST_ARRAY:,} are the"
                " most.",
                "Choose a smaller radius, or none.",
            )

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the source bands, as expressions use them."""
        return tuple(b.name for b in self.bands)

    @property
    def bands_in_words(self) -> str:
        """Labels of the bands in their order: `red, green, blue; nir if there`."""
        required = self.band_names if self.band_patterns is None else self.band_patterns.required
        needed = ", ".join(band.label for band in self.bands if band.name in required)
        more = ", ".join(band.label for band in self.bands if band.name not in required)
        return f"{needed}; {more} if there" if more else needed

    @property
    def is_of_own_classes(self) -> bool:
        """Whether it was trained from samples on one image, whose numbers `band_statistics` has as they are stored."""
        return OWN_CLASSES in self.extra

    @property
    def map_speed(self) -> float:
        """Mpx/s of a large layer: neighbouring windows share twice the margin, and those pixels are computed twice."""
        return ranking.map_speed(self.speed, self.window.size, self.window.margin)

    @property
    def held_out_scores(self) -> dict[str, float]:
        """Data set → mean IoU of its test split, if any. Orders the catalogue."""
        return {s.dataset: s.miou for s in self.scores if s.split == "test" and s.miou is not None}


def band_channel(name: str, band: int, steps: Steps = ()) -> Channel:
    """A channel that is a source band, scaled by `steps`."""
    return Channel(name, band, None, steps)
