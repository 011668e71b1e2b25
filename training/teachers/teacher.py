# SPDX-License-Identifier: GPL-3.0-or-later
"""A teacher: any ONNX network with a description, asked for its classes' shares through the engine's functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lulc_plugin import provenance
from lulc_plugin.classify import Blender, ClassifyJob, input_scaling, plan_windows, smooth
from lulc_plugin.errors import LulcError
from lulc_plugin.model import MOST_GUIDE_BANDS, ModelSpec, Network, catalogue
from lulc_plugin.raster import (
    Channel,
    GeoGrid,
    Grid,
    LayerFacts,
    RasterInput,
    Steps,
    band_values,
    bands as band_matching,
    prepare,
    resolve_all,
    sample_array,
    value_kind,
)

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


class Teacher:
    """A network file with its description (a sidecar, or metadata inside it).

    Args:
        path: the `.onnx` file.
        threads: CPU threads, 0 for all cores.
        device: `cpu`, `cuda`, `openvino` or `auto`.
        rim: pixels reflected at an image's own rim; None: as the engine does it, a third of the network's margin.
        smoothed: the answer follows the edges of the image as the network's description asks, like a user's map.

    Raises:
        LulcError: no such file, no description, or one that is of another network.
    """

    def __init__(
        self, path: Path, threads: int = 0, device: str = "cpu", rim: int | None = None, smoothed: bool = False
    ) -> None:
        self._entry = catalogue.load(path)
        self._rim = rim
        self.spec = self._entry.spec
        self._smoothing = self.spec.smoothing if smoothed else None
        self._network = Network(path, self.spec, threads, device)
        self._warned = list(self._network.warnings)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the teacher's classes, in the order of its answer."""
        return self.spec.legend.names

    @property
    def bands(self) -> tuple[str, ...]:
        """Common names of the teacher's bands, in its order."""
        return tuple(band.label for band in self.spec.bands)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should not overlook, found so far."""
        return tuple(dict.fromkeys([*self.spec.warnings, *self._warned, *self._network.warnings]))

    def ask(
        self,
        bands: Mapping[str, FloatArray],
        valid: BoolArray,
        kind: str = value_kind.REFLECTANCE,
        layer: Mapping[str, FloatArray] | None = None,
    ) -> FloatArray:
        """The teacher's answer on one image.

        Args:
            bands: STAC common name → `(rows, cols)`: reflectance 0..1, or a picture's stored numbers.
            valid: `(rows, cols)`, or `(bands, rows, cols)` of each band; the network sees its fill elsewhere.
            kind: `reflectance` or `picture`.
            layer: common name → `(pixels,)`: a sample of the whole layer that the image is a part of, for scaling
                that is measured on a layer; None: the image is the layer.

        Returns:
            `(teacher's classes, rows, cols)` float32; 0 where a whole window has no valid pixel.

        Raises:
            LulcError: a band is missing, or the network has no way in for such numbers.
        """
        if not valid.any():
            return np.zeros((len(self.classes), *valid.shape[-2:]), np.float32)
        spec, stored, steps, channels = self._scaled(bands, valid, kind, layer)
        shares = self._windows(prepare(*stored, spec.band_names, steps, channels, spec.fill))
        if self._smoothing is None or spec.smoothing is None:
            return shares
        guide = _guide(spec, spec.smoothing.bands or spec.band_names[:MOST_GUIDE_BANDS], *stored, steps)
        return smooth(shares, guide, valid if valid.ndim == 2 else np.any(valid, axis=0), spec.smoothing)

    def on_reflectance(self, images: Sequence[FloatArray], names: Sequence[str]) -> Iterator[FloatArray]:
        """Answers on images of reflectance just as they are: no window, no statistics, every pixel valid.

        Args:
            images: `(bands, rows, cols)` each; rows and columns are multiples of the network's.
            names: of their bands.

        Yields:
            `(teacher's classes, rows, cols)` float32 of each.

        Raises:
            LulcError: the network has no way in for reflectance.
        """
        spec = self.spec
        form = next((form for form in spec.forms if form.unit == "reflectance"), None)
        if form is None:
            raise LulcError(f"{spec.name} has no way in for reflectance.", "Name a network that takes it.")
        at = [list(names).index(name) for name in self.bands]
        for image in images:
            valid = np.ones(image.shape[1:], bool)
            tensor = prepare(image[at], valid, spec.band_names, form.band_steps, spec.channels, spec.fill)
            yield self._network.probabilities(tensor[None])[0]

    def guide(
        self,
        names: Sequence[str],
        bands: Mapping[str, FloatArray],
        valid: BoolArray,
        kind: str = value_kind.REFLECTANCE,
        layer: Mapping[str, FloatArray] | None = None,
    ) -> FloatArray:
        """The network's bands `names` in the unit of its channels, `(bands, rows, cols)`: what smoothing follows.

        The other arguments are those of `ask`.
        """
        spec, stored, steps, _ = self._scaled(bands, valid, kind, layer)
        return _guide(spec, names, *stored, steps)

    def _scaled(
        self, bands: Mapping[str, FloatArray], valid: BoolArray, kind: str, layer: Mapping[str, FloatArray] | None
    ) -> tuple[ModelSpec, tuple[FloatArray, BoolArray], Sequence[Steps], Sequence[Channel]]:
        """The network with these bands, numbers of them with their validity, their steps, and channels with theirs."""
        layer_bands = tuple(band_matching.LayerBand(i + 1, name) for i, name in enumerate(bands))
        job = ClassifyJob(RasterInput("image"), values=kind)
        facts = LayerFacts(
            path="", name="the image", grid=GeoGrid(None, None, (valid.shape[-2], valid.shape[-1])),
            dtypes=("float32",) * len(layer_bands), bands=layer_bands, gsd=None,
        )  # fmt: skip
        spec, match = input_scaling.fit_bands(job, facts, self.spec)
        self._warned.extend(match.warnings)
        # without a sample the engine cannot take reflectance for anything else: it is 0..1 here
        reading, form = input_scaling.choose_form(job, facts, spec, match, [np.empty(0)] * len(spec.bands))
        if form.unit != "reflectance" and kind == value_kind.REFLECTANCE:
            self._check_scale()
        into = input_scaling.without_statistics(reading, form, spec).unit_steps
        names = [list(bands)[n - 1] for n in match.numbers]
        stored = np.stack([bands[n] for n in names])
        everywhere = valid if valid.ndim == 2 else np.any(valid, axis=0)
        valid = valid if valid.ndim == 2 else valid[[n - 1 for n in match.numbers]]
        sample = sample_array(stored, everywhere) if layer is None else np.stack([layer[n] for n in names])
        steps, channels = resolve_all(
            spec.band_names,
            tuple(first + then for first, then in zip(into, form.band_steps)),
            spec.channels,
            sample if sample.size else stored[:, everywhere],
        )
        return spec, (stored, valid), steps, channels

    def _check_scale(self) -> None:
        for band in self.spec.bands:
            if not band.scale:
                raise LulcError(
                    f"{self.spec.name} takes stored numbers of {band.label}; its description does not say what they"
                    " are as reflectance.",
                    "Give each band of the description its raster:scale (0.0001 for reflectance × 10,000).",
                )

    def _grid(self, rows: int, cols: int) -> Grid:
        return plan_windows(self.spec, rows, cols, self._network.fixed_window, rim=self._rim)

    def _windows(self, image: FloatArray) -> FloatArray:
        """Probabilities of an image `(channels, rows, cols)`, from weighted windows as the engine lays them."""
        rows, cols = image.shape[1:]
        grid = self._grid(rows, cols)
        blender = Blender(grid, len(self.classes), range(grid.cols.count), grid.rows.count - 1)
        out = np.zeros((len(self.classes), rows, cols), np.float32)
        for r in range(grid.rows.count):
            down = grid.rows.indexes(r)
            for c in range(grid.cols.count):
                tensor = image[:, down[:, None], grid.cols.indexes(c)[None, :]]
                batch = np.repeat(tensor[None], self._network.fixed_batch or 1, axis=0)
                done = blender.add(r, c, self._network.probabilities(batch)[0])
                part = out[:, done.row : done.row + done.probabilities.shape[1], done.col :]
                part = part[:, :, : done.probabilities.shape[2]]
                # the last windows hang over the image's end
                part[:] = done.probabilities[:, : part.shape[1], : part.shape[2]]
        return out


def _guide(
    spec: ModelSpec, names: Sequence[str], stored: FloatArray, valid: BoolArray, steps: Sequence[Steps]
) -> FloatArray:
    at = [spec.band_names.index(name) for name in names]
    there = valid if valid.ndim == 2 else valid[at]
    return np.stack(band_values(stored[at], there, [steps[i] for i in at]))


def digest(path: Path) -> str:
    """SHA-256 of a network and of its sidecar: another scaling is another teacher.

    Raises:
        LulcError: no such file.
    """
    if not path.is_file():
        raise LulcError(f"The teacher {path} does not exist.", "Correct its file, or name another with --teacher.")
    sidecar = catalogue.sidecar_of(path)
    return " ".join(provenance.file_digest(p) for p in (path, sidecar) if p is not None)
