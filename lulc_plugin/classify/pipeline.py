# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan becomes a map: read ahead | infer | blend and write, each in its own thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import provenance
from ..errors import CancelledError, LulcError
from ..model.runtime import Network
from ..progress import Progress
from ..raster import areas, projdata
from ..raster.output import MapWriter
from .blend import Blender, winners
from .conveyor import Belt, Stage, Stop, fill
from .job import AUTO, ClassifyJob, ClassifyResult, ClassResult
from .plan import Plan, Setup, describe, plan
from .reading import ReadyWindow, windows

#: Share of the progress bar that belongs to the windows; the rest is for finishing the file.
_WINDOWS_PERCENT = 94.0


@dataclass(frozen=True)
class _Scored:
    """A window with its probabilities `(classes, rows, cols)`, None where no pixel is valid."""

    window: ReadyWindow
    probabilities: npt.NDArray[np.float32] | None


def classify(job: ClassifyJob, progress: Progress | None = None) -> ClassifyResult:
    """Make the map of a job.

    Raises:
        LulcError: what is wrong and what to do; nothing is left under the output's name.
        CancelledError: the user stopped.
    """
    progress = progress or Progress()
    return run(plan(job, progress), progress)


def run(planned: Plan, progress: Progress) -> ClassifyResult:
    """Make the map of a plan; see `classify`."""
    started = time.perf_counter()
    for warning in planned.warnings:
        progress.warn(warning)
    setup = planned.ready()
    for note in planned.notes:
        progress.log(note)
    job = planned.job
    with projdata.environment():
        network = Network(setup.entry.path, setup.spec, job.threads)
        progress.log(f"Device: {network.device}")
        region = setup.region
        writer = MapWriter(
            Path(job.output),
            (region.height, region.width),
            setup.facts.transform_of(region),
            setup.facts.crs,
            setup.spec.legend,
            f"Land cover ({setup.spec.name})",
        )
        with writer:
            counter = _Counter(setup)
            _stream(job, setup, network, writer, counter, progress)
            if counter.pixels[:-1].sum() == 0:
                raise LulcError(
                    f"No pixel of {setup.facts.name} in the wanted region is valid.", "There is nothing to classify."
                )
            writer.finish(_tags(planned, setup, network), progress)
    result = _result(planned, setup, network, counter, time.perf_counter() - started)
    progress.report(100)
    _log_result(result, network, region.height * region.width, progress)
    return result


def _stream(
    job: ClassifyJob,
    setup: Setup,
    network: Network,
    writer: MapWriter,
    counter: _Counter,
    progress: Progress,
) -> None:
    """Run the three stages; the network stays in the calling thread."""
    stop = threading.Event()
    batch = network.fixed_batch or job.batch_size or 1
    ready: Belt[ReadyWindow] = Belt(batch + 1, stop)
    scored: Belt[_Scored] = Belt(2, stop)
    stages = [
        Stage("lulc-read", lambda: fill(ready, windows(setup, job.nodata_policy)), stop),
        Stage("lulc-write", lambda: _write(setup, iter(scored), writer, counter), stop),
    ]
    for stage in stages:
        stage.start()
    try:
        _infer(setup, network, batch, ready, scored, progress)
        # the writer may still be at work on the last rows
        while stages[1].is_alive():
            progress.check()
            stages[1].join(0.2)
    except Stop:
        pass
    finally:
        stop.set()
        for stage in stages:
            stage.join()
    for stage in stages:
        if stage.error is not None:
            raise stage.error


def _infer(
    setup: Setup, network: Network, batch: int, ready: Belt[ReadyWindow], scored: Belt[_Scored], progress: Progress
) -> None:
    region, grid = setup.region, setup.grid
    total = len(grid.rows.touching(region.row0, region.row1)) * len(grid.cols.touching(region.col0, region.col1))
    done = 0
    waiting: list[ReadyWindow] = []

    def flush() -> None:
        tensors = [w.tensor for w in waiting if w.tensor is not None]
        results: Iterator[npt.NDArray[np.float32]] = iter(())
        if tensors:
            stacked = np.stack(tensors + tensors[:1] * ((network.fixed_batch or 0) - len(tensors)))
            results = iter(network.probabilities(stacked))
        for window in waiting:
            scored.put(_Scored(window, None if window.tensor is None else next(results)))
        waiting.clear()

    for window in ready:
        if progress.cancelled:
            raise CancelledError()
        waiting.append(window)
        done += 1
        if len(waiting) == batch:
            flush()
        progress.report(_WINDOWS_PERCENT * done / total)
    flush()
    scored.close()


class _Counter:
    """Pixels and square metres of each class; the last entry is nodata."""

    def __init__(self, setup: Setup) -> None:
        facts, region = setup.facts, setup.region
        self._classes = len(setup.spec.legend.classes) + 1
        whole = areas.row_areas(facts.transform, facts.crs, facts.height, facts.width)
        self._row_areas = None if whole is None else whole[region.row0 : region.row1]
        self.pixels: npt.NDArray[np.int64] = np.zeros(self._classes, np.int64)
        self.square_metres: npt.NDArray[np.float64] | None = None if whole is None else np.zeros(self._classes)

    def add(self, row: int, index: npt.NDArray[np.unsignedinteger[Any]]) -> None:
        """Count a block of channel indexes `(rows, cols)` that begins at `row` of the region."""
        height = len(index)
        codes = index + self._classes * np.arange(height)[:, None]
        counts = np.bincount(codes.ravel(), minlength=self._classes * height).reshape(height, self._classes)
        self.pixels += counts.sum(axis=0)
        if self._row_areas is not None and self.square_metres is not None:
            self.square_metres += self._row_areas[row : row + height] @ counts


def _write(setup: Setup, scored: Iterator[_Scored], writer: MapWriter, counter: _Counter) -> None:
    """Blend windows and write each row of finished blocks."""
    grid, region, legend = setup.grid, setup.region, setup.spec.legend
    row_range = grid.rows.touching(region.row0, region.row1)
    columns = grid.cols.touching(region.col0, region.col1)
    blender = Blender(grid, len(legend.classes), columns, row_range[-1])
    values = np.array([*legend.values, legend.nodata], legend.dtype)
    nodata_index = len(legend.classes)
    strip = np.empty((0, 0), legend.dtype)
    for item in scored:
        window = item.window
        block = blender.add(window.row, window.col, item.probabilities)
        height, width = block.probabilities.shape[1:]
        # the block's share of the wanted region
        row0, row1 = max(block.row, region.row0), min(block.row + height, region.row1)
        col0, col1 = max(block.col, region.col0), min(block.col + width, region.col1)
        if window.col == columns.start:
            strip = np.full((max(0, row1 - row0), region.width), legend.nodata, legend.dtype)
        if row1 > row0 and col1 > col0:
            inside = np.s_[row0 - block.row : row1 - block.row, col0 - block.col : col1 - block.col]
            index = winners(block.probabilities[(slice(None), *inside)])
            index[~window.valid[block.inner][inside]] = nodata_index
            strip[:, col0 - region.col0 : col1 - region.col0] = values[index]
            counter.add(row0 - region.row0, index)
        if window.col == columns[-1] and len(strip):
            writer.write(row0 - region.row0, strip)


def _tags(planned: Plan, setup: Setup, network: Network) -> dict[str, str]:
    job, spec = planned.job, setup.spec
    return provenance.tags(
        {
            "model": spec.name,
            "model_sha256": provenance.file_digest(setup.entry.path),
            "input": setup.facts.name,
            "bands": list(setup.match.numbers),
            "way_in": setup.form.name,
            "scaling": {b.label: describe(s) for b, s in zip(spec.bands, setup.band_steps)},
            "parameters": {
                "model": "file" if job.model_file else job.model or AUTO,
                "nodata_policy": job.nodata_policy,
                "values": job.values,
                "extent": job.extent,
                "overlap": 2 * setup.grid.rows.half,
                "window": [setup.grid.rows.window, setup.grid.cols.window],
                "statistics_from": Path(job.statistics_from).name if job.statistics_from else None,
            },
            "device": network.device,
            "versions": provenance.versions(),
            "classes": {str(c.value): c.name for c in spec.legend.classes},
        }
    )


def _result(planned: Plan, setup: Setup, network: Network, counter: _Counter, seconds: float) -> ClassifyResult:
    legend = setup.spec.legend
    metres = counter.square_metres
    return ClassifyResult(
        output=planned.job.output,
        legend=legend,
        classes=tuple(
            ClassResult(c.value, c.name, int(counter.pixels[i]), None if metres is None else float(metres[i]))
            for i, c in enumerate(legend.classes)
        ),
        valid_pixels=int(counter.pixels[:-1].sum()),
        nodata_pixels=int(counter.pixels[-1]),
        model=setup.spec.name,
        device=network.device,
        seconds=seconds,
        network_seconds=network.seconds,
        warnings=planned.warnings,
    )


def _log_result(result: ClassifyResult, network: Network, pixels: int, progress: Progress) -> None:
    found = [f"{c.name} {100 * c.pixels / max(1, result.valid_pixels):.1f} %" for c in result.classes if c.pixels]
    progress.log(f"Classes: {', '.join(found)}; nodata {100 * result.nodata_pixels / pixels:.1f} % of the pixels")
    bare = network.pixels / 1e6 / network.seconds if network.seconds else 0.0
    progress.log(
        f"{pixels / 1e6:.2f} Mpx in {result.seconds:.1f} s: {pixels / 1e6 / result.seconds:.2f} Mpx/s of the layer;"
        f" the bare network {bare:.2f} Mpx/s of its windows"
    )
    progress.log(f"Written: {result.output}")
