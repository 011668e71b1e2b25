# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for and what comes out of a classification: plain values, no open files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import OptionInvalid
from ..model import providers
from ..options import option
from ..raster import RasterInput

if TYPE_CHECKING:  # QGIS starts with this module, and needs no legend for that
    from ..legend import Legend

AUTO = "auto"
NODATA_POLICIES = ("any", "all")
VALUES = (AUTO, "reflectance", "picture")
RESAMPLE = (AUTO, "never")
NO_SMOOTHING = "none"
DEVICES = providers.DEVICES


@dataclass(frozen=True)
class ClassifyJob:
    """What is asked for: this layer, this network, and how; not where the map goes.

    Attributes:
        layer: the image; its `bands` are in the order of the model's bands, or matched by their names.
        model: name of a network, bundled or in `models_folder`, or `auto`: the best one that fits the layer.
        model_file: an `.onnx` of the user's own; overrides `model`.
        extent: (xmin, ymin, xmax, ymax) in the layer's CRS; None: the whole layer.
        overlap: pixels that neighbouring windows share; None: what the model asks for.
        window: height and width of a window in pixels; None: what the model asks for.
        batch_size: windows a run of the network; 0: automatic.
        nodata_policy: a pixel is nodata when `any` or when `all` of its bands are.
        statistics_from: another raster, with the same bands, whose statistics fix scaling that depends on the layer.
        values: what the stored numbers are: `reflectance`, `picture`, or `auto`.
        threads: CPU threads of the network; 0: all cores.
        resample: what is done with pixels of another size than the model was made for: `auto` resamples them for the
            network, `never` takes them as they are.
        device: where the network runs: `cpu`, `cuda`, `openvino`, or `auto`: the fastest that is there and works.
        provider: any provider of onnxruntime instead, in words that `model.providers.parse` reads; empty: by `device`.
        models_folder: folder of the user's own networks; empty: the one that LULC_MODELS names, if any.
        smoothing: how far the map follows the edges of the image: `auto` as the network's description says, `none`, or
            a radius in pixels that the network sees.

    Raises:
        OptionInvalid: a number outside its range.
    """

    layer: RasterInput
    model: str = AUTO
    model_file: str | None = None
    extent: tuple[float, float, float, float] | None = None
    overlap: int | None = None
    window: int | None = None
    batch_size: int = 0
    nodata_policy: str = "any"
    statistics_from: RasterInput | None = None
    values: str = AUTO
    threads: int = 0
    resample: str = AUTO
    device: str = AUTO
    provider: str = ""
    models_folder: str = ""
    smoothing: str = AUTO

    def __post_init__(self) -> None:
        if not self.layer.path:
            raise OptionInvalid("No input layer was given.", "Choose the image to classify.")
        if self.nodata_policy not in NODATA_POLICIES:
            raise _unknown("nodata_policy", self.nodata_policy, NODATA_POLICIES)
        if self.values not in VALUES:
            raise _unknown("values", self.values, VALUES)
        if self.resample not in RESAMPLE:
            raise _unknown("resample", self.resample, RESAMPLE)
        if self.smoothing not in (AUTO, NO_SMOOTHING) and self.smoothing_radius is None:
            raise _no_smoothing(self.smoothing)
        providers.check_device(self.device)
        if self.provider:
            providers.parse(self.provider)
            if self.device != AUTO:
                raise OptionInvalid(
                    f"Both the device {self.device} and the provider {self.provider!r} were asked for.",
                    f"Give one of them: leave {option('device')} at auto, or {option('provider')} empty.",
                )
        for name, number, low, high in (
            ("overlap", self.overlap, 0, 4096),
            ("window", self.window, 1, 16384),
            ("batch size", self.batch_size, 0, 256),
            ("number of threads", self.threads, 0, 1024),
        ):
            if number is not None and not low <= number <= high:
                raise OptionInvalid(f"The {name} is {number}.", f"Give a number from {low} to {high}.")

    @property
    def smoothing_radius(self) -> int | None:
        """The radius that `smoothing` says; None where it is no whole number within the limits."""
        from ..model import MOST_RADIUS  # needs numpy, and QGIS starts with this module

        try:
            radius = float(self.smoothing)
        except ValueError:
            return None
        return int(radius) if radius.is_integer() and 0 <= radius <= MOST_RADIUS else None


def _unknown(name: str, value: str, known: Sequence[str]) -> OptionInvalid:
    return OptionInvalid(
        f"{option(name)} is {str(value)[:50]!r}, which is not known.", f"Choose one of {', '.join(known)}."
    )


def _no_smoothing(given: str) -> OptionInvalid:
    from ..model import MOST_RADIUS

    return OptionInvalid(
        f"The smoothing {given[:50]!r} is neither {AUTO} nor {NO_SMOOTHING} nor a radius of 0 to {MOST_RADIUS} pixels.",
        f"Leave {option('smoothing')} at {AUTO} for what the model asks for.",
    )


@dataclass(frozen=True)
class ClassResult:
    """One class of the finished map; `area` in square metres, None where pixels have no known size."""

    value: int
    name: str
    pixels: int
    area: float | None


@dataclass(frozen=True)
class ClassifyResult:
    """What came out of a job.

    Attributes:
        output: path of the map.
        legend: classes of the map.
        classes: pixels and area of every class of the legend.
        valid_pixels: pixels that have a class.
        nodata_pixels: pixels that do not.
        model: name of the network.
        device: where it ran, as the session reports it.
        seconds: wall time of the whole run; `network_seconds` of that inside the network.
        warnings: what the user should know.
        confidence: mean of the winning probability over the valid pixels, 0 to 1.
        license: of the network.
        image_date: when the image was taken, YYYY-MM-DD; empty if unknown.
    """

    output: str
    legend: Legend
    classes: tuple[ClassResult, ...]
    valid_pixels: int
    nodata_pixels: int
    model: str
    device: str
    seconds: float
    network_seconds: float
    warnings: tuple[str, ...] = ()
    confidence: float | None = None
    license: str = ""
    image_date: str = ""

    def classes_json(self) -> list[dict[str, Any]]:
        """Class value, name, pixels and hectares (null where pixels have no known size), one object a class."""
        return [
            {
                "value": c.value,
                "name": c.name,
                "pixels": c.pixels,
                "hectares": None if c.area is None else round(c.area / 10_000, 4),
            }
            for c in self.classes
        ]
