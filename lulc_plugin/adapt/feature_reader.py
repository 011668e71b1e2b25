# SPDX-License-Identifier: GPL-3.0-or-later
"""Features of a layer, read in small windows through the graph that a map's features come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CancelledError, LulcError
from ..progress import Progress
from ..raster import BoolArray, PixelRegion, RasterInput, Source, apply_steps, prepare, reflect, usable
from ..telemetry import import_onnxruntime
from .classifier import COARSE
from .features import add_features, count_of, joined
from .layer_inputs import LayerInputs
from .linear import Floats, Ints
from .onnx_graph import Graph
from .sample_pixels import SamplePixels

#: Pixels around a sample that are kept at most: those that smoothing with the largest radius looks at.
MOST_REACH = 92
#: Side of the square whose samples are read together, and what surrounds it: a multiple of the networks' 32 pixels.
_CORE, _AROUND = 128, 96
#: Every so many pixels of a window stand for the scene.
_STRIDE = 8
#: Windows that are read for the scene's own sake, a side.
_SCENE_SIDE = 5


@dataclass(frozen=True)
class Patch:
    """What surrounds a sample.

    Attributes:
        features: `(features, rows, cols)`, rows and columns even.
        guide: `(bands, rows, cols)` in the unit of the channels.
        valid: `(rows, cols)`.
        row, col: the sample's own place in it.
    """

    features: npt.NDArray[np.float16]
    guide: npt.NDArray[np.float32]
    valid: BoolArray
    row: int
    col: int


@dataclass(frozen=True)
class Features:
    """Features of samples and of the scene.

    Attributes:
        samples: the samples that lie on data.
        plain, coarse: `(n, features)` of the pixels, and of the squares of `COARSE` pixels around them.
        patches: what surrounds some of the samples, by their index.
        scene: `(m, features)` of pixels spread over the scene.
    """

    samples: SamplePixels
    plain: Floats
    coarse: Floats
    patches: dict[int, Patch]
    scene: Floats


def start_session(graph: Graph, threads: int) -> Any:
    """An onnxruntime session of a graph on the CPU; 0 threads are all."""
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    return ort.InferenceSession(graph.to_bytes(), sess_options=options, providers=["CPUExecutionProvider"])


class FeatureReader:
    """The session of the graph of features, and the open layer.

    Args:
        layer: the layer.
        inputs: what is read of it.
        threads: CPU threads, 0 for all.
    """

    def __init__(self, layer: RasterInput, inputs: LayerInputs, threads: int) -> None:
        parts = [use.part for use in inputs.networks]
        graph = Graph("image", len(inputs.channels))
        pixels = len(inputs.pixel_names)
        self.count = count_of(pixels, inputs.windowed, parts)
        graph.output(joined(graph, add_features(graph, pixels, inputs.windowed, parts)), "features", self.count)
        self._session = start_session(graph, threads)
        self._inputs = inputs
        self._source = Source(layer)

    def __enter__(self) -> FeatureReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.close()
        self._session = None

    def read(
        self, samples: SamplePixels, patched: Ints, guide: Sequence[int], reach: int, progress: Progress
    ) -> Features:
        """Features of samples and of the scene; only windows that hold samples, and a few others, are read.

        Args:
            samples: on the layer; those on pixels without data are left out.
            patched: indices of samples whose surroundings are kept.
            guide: indices of the bands, among those that are read, that smoothing follows.
            reach: pixels around a sample that are kept, even.
            progress: gets the share of windows.

        Raises:
            LulcError: no sample lies on data.
            CancelledError: the user stopped.
        """
        facts = self._source.facts
        tiles: dict[tuple[int, int], list[int]] = {}
        for index, (row, col) in enumerate(zip(samples.rows.tolist(), samples.cols.tolist())):
            tiles.setdefault((row // _CORE, col // _CORE), []).append(index)
        for row in np.linspace(0, (facts.height - 1) // _CORE, _SCENE_SIDE).astype(int):
            for col in np.linspace(0, (facts.width - 1) // _CORE, _SCENE_SIDE).astype(int):
                tiles.setdefault((int(row), int(col)), [])
        plain = np.zeros((len(samples), self.count))
        coarse = np.zeros_like(plain)
        on_data = np.zeros(len(samples), bool)
        patches: dict[int, Patch] = {}
        scene = []
        keep_patch = set(patched.tolist())
        for done, ((tile_row, tile_col), inside) in enumerate(sorted(tiles.items())):
            if progress.cancelled:
                raise CancelledError()
            row, col = tile_row * _CORE, tile_col * _CORE
            window = self.window(row, col, guide)
            core = (slice(_AROUND, _AROUND + _CORE, _STRIDE),) * 2
            scene.append(window.features[(slice(None), *core)][:, window.valid[core]].T)
            for index in inside:
                at = int(samples.rows[index]) - row + _AROUND, int(samples.cols[index]) - col + _AROUND
                on_data[index] = window.valid[at]
                plain[index] = window.features[(slice(None), *at)]
                coarse[index] = window.square(*at).mean(axis=(1, 2))
                if index in keep_patch and on_data[index]:
                    patches[index] = window.patch(*at, reach)
            progress.report(100 * (done + 1) / len(tiles))
        if not on_data.any():
            raise LulcError(
                f"All {len(samples):,} samples lie on pixels without data.",
                "Check the layer's nodata value, and where the samples lie.",
            )
        place = np.cumsum(on_data) - 1
        lost = int(np.count_nonzero(~on_data))
        notes = (f"{lost:,} samples lie on pixels without data: left out.",) if lost else ()
        return Features(
            samples.part(on_data, *notes),
            plain[on_data],
            coarse[on_data],
            {int(place[index]): patch for index, patch in patches.items()},
            np.concatenate(scene).astype(np.float64),
        )

    def window(self, row: int, col: int, guide: Sequence[int]) -> Window:
        """The window whose core begins at `row` and `col`; beyond the layer it is mirrored, and not valid."""
        inputs, facts = self._inputs, self._source.facts
        rows, cols = (np.arange(begin - _AROUND, begin + _CORE + _AROUND) for begin in (row, col))
        inside = ((rows >= 0) & (rows < facts.height))[:, None] & ((cols >= 0) & (cols < facts.width))
        down, across = reflect(rows, facts.height), reflect(cols, facts.width)
        region = PixelRegion(int(down.min()), int(down.max()) + 1, int(across.min()), int(across.max()) + 1)
        values, valid = self._source.read(inputs.numbers, region)
        place = (down[:, None] - region.row0, across[None, :] - region.col0)
        values, use = values[(slice(None), *place)], usable(valid, "any")[place]
        tensor = prepare(values, use, inputs.names, inputs.band_steps, inputs.channels, inputs.fill)
        features = self._session.run(None, {"image": tensor[None]})[0][0]
        bands = [apply_steps(values[band], inputs.band_steps[band]) for band in guide]
        return Window(features, np.stack(bands) if bands else np.zeros((0, *use.shape), np.float32), use & inside)


@dataclass(frozen=True)
class Window:
    """Features, guide bands and validity of a window."""

    features: npt.NDArray[np.float32]
    guide: npt.NDArray[np.float32]
    valid: BoolArray

    def square(self, row: int, col: int) -> npt.NDArray[np.float32]:
        """The features of the square of `COARSE` pixels that a pixel lies in."""
        top, left = row // COARSE * COARSE, col // COARSE * COARSE
        return self.features[:, top : top + COARSE, left : left + COARSE]

    def patch(self, row: int, col: int, reach: int) -> Patch:
        """What surrounds a pixel by `reach`; it begins at an even row and column, as the coarse squares do."""
        top, left = (row - reach) // COARSE * COARSE, (col - reach) // COARSE * COARSE
        place = (slice(top, top + 2 * reach + COARSE), slice(left, left + 2 * reach + COARSE))
        return Patch(
            self.features[(slice(None), *place)].astype(np.float16),
            self.guide[(slice(None), *place)].copy(),
            self.valid[place].copy(),
            row - top,
            col - left,
        )
