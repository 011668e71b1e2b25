# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan becomes a map: read ahead | infer | blend and smooth | write, each in its own thread."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import provenance
from ..errors import CancelledError, LulcError
from ..model import Network
from ..options import SHELL, option, render
from ..progress import Progress
from ..raster import InputFiles, MapWriter, areas, gdal
from .blend import Blender, FinishedBlock, most_probable_class
from .confidence import MeanConfidence, compare_confidence, confidence_facts, valid_confidence
from .job import ClassifyJob, ClassifyResult, ClassResult
from .plan import Plan, Setup, make_plan
from .preflight import check_disk, check_output
from .run_record import date_of_image, how_to_repeat, tags_of_run
from .smoothed_blocks import Smoother
from .stages import ProgressRelay, Stage, StageQueue, run_in_thread, run_stages
from .upsample import to_layer_grid
from .windows import WIDEST, Window, guide_of, read_windows

#: Share of the progress bar that belongs to the windows; the rest is for finishing the file.
_WINDOWS_PERCENT = 94.0
#: Bytes of GDAL's cache.
_LARGEST_CACHE = 192 << 20
#: Rows of the blocks in which the files behind a virtual raster may be stored.
_USUAL_BLOCK = 512
#: Of the warnings of a run, what goes into the metadata of its map.
_MOST_WARNINGS = 50
_LONGEST_WARNING = 1000


def classify(job: ClassifyJob, output: str | Path, progress: Progress | None = None) -> ClassifyResult:
    """Make the map of a job in the file `output`, `.tif`.

    Raises:
        LulcError: what is wrong and what to do; nothing is left under the output's name.
        CancelledError: the user stopped.
    """
    progress = progress or Progress()

    def begin(relay: Progress) -> tuple[InputFiles, Plan]:
        check_output(job, output)
        return _inputs(job), make_plan(job, relay)

    read, plan = run_in_thread("lulc-plan", begin, progress)
    return run(plan, output, progress, read)


def _inputs(job: ClassifyJob) -> InputFiles:
    return InputFiles(layer.path for layer in (job.layer, job.statistics_from) if layer is not None)


def run(plan: Plan, output: str | Path, progress: Progress, read: InputFiles | None = None) -> ClassifyResult:
    """Make the map of a plan, and close its network; see `classify`.

    Args:
        plan: what to do.
        output: the map, `.tif`.
        progress: gets the log.
        read: the state of the files behind the layers before the plan was made; None: that of now.
    """
    with plan:
        read = read or run_in_thread("lulc-inputs", lambda _: _inputs(plan.job), progress)
        started = time.perf_counter()
        for warning in plan.warnings:
            progress.warn(warning)
        setup, network = plan.ready()
        little_room = run_in_thread("lulc-place", lambda _: _check_place(plan.job, setup, Path(output)), progress)
        warnings = [little_room] if little_room else []
        for warning in warnings:
            progress.warn(warning)
        for decision in plan.decisions:
            progress.log(decision)
        cache = _cache_size(setup)
        with gdal.environment(), nullcontext() if cache is None else gdal.limited_cache(cache):
            counter, line = _make_map(plan, network, Path(output), warnings, progress, read)
        shown = tuple(render(warning, progress.door) for warning in (*plan.warnings, *warnings))
        result = _result(setup, network, counter, str(output), time.perf_counter() - started, shown)
    progress.report(100)
    progress.log(line)
    again = how_to_repeat(plan.job, setup, Path(output), progress.door)
    _log_result(result, network, setup.region.height * setup.region.width, again, progress)
    return result


def _cache_size(setup: Setup) -> int | None:
    """Bytes for GDAL, so that no block is decoded twice: those of one row of windows, if that is not too much.

    A cache with too little room holds no block until it is asked for again, so it may as well be small; None where
    that would decode the same large pieces of a file for each window.
    """
    facts, window = setup.facts, setup.grid.rows.window
    if setup.resampling is not None:
        window = math.ceil(window * setup.resampling.rows.factor)
    block = max(_USUAL_BLOCK, facts.block[0])
    rows = min(facts.height, (math.ceil((window - 1) / block) + 1) * block)
    size = rows * facts.width * sum(np.dtype(facts.dtypes[number - 1]).itemsize for number in setup.match.numbers)
    if size <= _LARGEST_CACHE:
        return size
    return 0 if facts.block[0] <= window and facts.block[1] <= WIDEST else None


def _check_place(job: ClassifyJob, setup: Setup, output: Path) -> str | None:
    """A warning when the disk has little room for the map; refuses a place that does not take it."""
    check_output(job, output)
    return check_disk(output.parent, setup.region, setup.spec.legend.dtype)


def _make_map(
    plan: Plan, network: Network, output: Path, warnings: list[str], progress: Progress, read: InputFiles
) -> tuple[_Counter, str]:
    """Write the map, unless what was `read` has changed, with all warnings in its metadata.

    Those that come up here are logged and go into `warnings`. Returns what was counted, and how sure the network was.
    """
    job, setup = plan.job, plan.ready()[0]
    known = len(network.warnings)

    def tell_new_warnings() -> None:
        nonlocal known
        for warning in network.warnings[known:]:
            progress.warn(warning)
            warnings.append(warning)
        known = len(network.warnings)

    size = (setup.grid.rows.window, setup.grid.cols.window)
    run_in_thread("lulc-prepare", lambda _: network.prepare(job.batch_size or 1, size), progress)
    tell_new_warnings()
    for note in network.notes:
        progress.log(note)
    writer = _new_writer(setup, output, progress)
    counter = _Counter(setup)
    with writer:
        if writer.swept:
            progress.log(_removed(len(writer.swept)))
        _stream(job, setup, network, writer, counter, progress)
        tell_new_warnings()
        if counter.pixels[:-1].sum() == 0:
            raise LulcError(
                f"No pixel of {setup.facts.name} in the wanted region is valid.", "There is nothing to classify."
            )
        line, doubt = compare_confidence(setup.spec, counter.confidence.value, network.probable)
        if doubt:
            progress.warn(doubt)
            warnings.append(doubt)
        tags = run_in_thread("lulc-tags", lambda _: tags_of_run(job, setup, network, output), progress)
        tags.update(_tags_of_result(setup, network, counter, (*plan.warnings, *warnings)))
        run_in_thread("lulc-inputs", lambda _: read.check(), progress)
        writer.finish(tags, progress)
    return counter, line


def _tags_of_result(setup: Setup, network: Network, counter: _Counter, warnings: Sequence[str]) -> dict[str, str]:
    """What a map's metadata say of how sure the network was, and all that was warned of, as at a shell."""
    confidence = confidence_facts(setup.spec, counter.confidence.value, network.probable)
    shown = [render(warning, SHELL)[:_LONGEST_WARNING] for warning in warnings[:_MOST_WARNINGS]]
    facts = {"confidence": confidence, "warnings": shown}
    return provenance.tags({key: value for key, value in facts.items() if value})


def _new_writer(setup: Setup, output: Path, progress: Progress) -> MapWriter:
    """The map's file, begun; a cancel is answered even where the drive does not."""
    begun: list[MapWriter] = []

    def begin(relay: Progress) -> None:
        region, title = setup.region, f"Land cover ({setup.spec.name})"
        place, crs = setup.facts.transform_of(region), setup.facts.crs
        with gdal.environment():
            begun.append(MapWriter(output, (region.height, region.width), place, crs, setup.spec.legend, title))
            if relay.cancelled:  # nobody may be there to end it
                _leave(begun[0])

    try:
        run_in_thread("lulc-begin", begin, progress)
    except CancelledError:
        for writer in begun:
            _leave(writer)
        raise
    return begun[0]


def _leave(writer: MapWriter) -> None:
    with writer:
        pass


def _removed(count: int) -> str:
    what = "1 partial file of a run that was" if count == 1 else f"{count} partial files of runs that were"
    return f"Removed {what} killed"


def _stream(
    job: ClassifyJob,
    setup: Setup,
    network: Network,
    writer: MapWriter,
    counter: _Counter,
    progress: Progress,
) -> None:
    """Run the stages, each in a thread of its own; this one watches for a cancel and stops the network."""
    stop = threading.Event()
    relay = ProgressRelay(progress)
    batch = network.fixed_batch or job.batch_size or 1
    ready: StageQueue[Window] = StageQueue(batch, stop)
    scored: StageQueue[Window] = StageQueue(1, stop)
    finished: StageQueue[tuple[FinishedBlock, Window]] = StageQueue(1, stop)
    stages = [
        Stage("lulc-read", lambda: ready.put_all(read_windows(setup, job.nodata_policy)), stop),
        Stage("lulc-infer", lambda: _infer(setup, network, batch, ready, scored, relay), stop),
        Stage("lulc-blend", lambda: finished.put_all(_blend(setup, scored)), stop),
        Stage("lulc-write", lambda: _write(setup, finished, writer, counter), stop),
    ]
    run_stages(stages, stop, relay, network.stop)


def _infer(
    setup: Setup,
    network: Network,
    batch: int,
    ready: StageQueue[Window],
    scored: StageQueue[Window],
    progress: Progress,
) -> None:
    """Give windows their probabilities, `batch` of them at once."""
    rows, columns = setup.windows
    total = len(rows) * len(columns)
    done = 0
    waiting: list[Window] = []

    def flush() -> None:
        tensors = [w.tensor for w in waiting if w.tensor is not None]
        results: Iterator[npt.NDArray[np.float32]] = iter(())
        if tensors:
            together = tensors + tensors[:1] * ((network.fixed_batch or 0) - len(tensors))
            results = iter(network.probabilities(together[0][None] if len(together) == 1 else np.stack(together)))
            if setup.smoothing is not None and not network.probable:
                raise LulcError(
                    f"The scores of {setup.spec.name} are not probabilities, and only those can be smoothed.",
                    f"Set {option('smoothing')} to none, or the activation in its description to softmax (sigmoid for"
                    " a single plane).",
                )
        for window in waiting:
            scored.put(window if window.tensor is None else replace(window, tensor=None, probabilities=next(results)))
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
    """Pixels and square metres of each class, the last entry being nodata, and how sure the network was."""

    def __init__(self, setup: Setup) -> None:
        facts, region = setup.facts, setup.region
        self._classes = len(setup.spec.legend.classes) + 1
        whole = areas.row_areas(facts.grid)
        self._row_areas = None if whole is None else whole[region.row0 : region.row1]
        self.pixels: npt.NDArray[np.int64] = np.zeros(self._classes, np.int64)
        self.confidence = MeanConfidence()
        self.square_metres: npt.NDArray[np.float64] | None = None if whole is None else np.zeros(self._classes)

    def add(self, row: int, index: npt.NDArray[np.unsignedinteger[Any]]) -> None:
        """Count a block of channel indexes `(rows, cols)` that begins at `row` of the region."""
        height = len(index)
        codes = index + self._classes * np.arange(height)[:, None]
        counts = np.bincount(codes.ravel(), minlength=self._classes * height).reshape(height, self._classes)
        self.pixels += counts.sum(axis=0)
        if self._row_areas is not None and self.square_metres is not None:
            self.square_metres += self._row_areas[row : row + height] @ counts


def _blend(setup: Setup, scored: Iterable[Window]) -> Iterator[tuple[FinishedBlock, Window]]:
    """Join windows, and smooth what is joined; each window gives the block that it finishes."""
    rows, columns = setup.windows
    blender = Blender(setup.grid, len(setup.spec.legend.classes), columns, rows[-1])
    smoother = setup.smoothing and Smoother(setup.smoothing, setup.grid, rows, columns)
    for window in scored:
        blended = blender.add(window.row, window.col, window.probabilities)
        block = FinishedBlock(blended.row, blended.col, blended.probabilities, window.seen[blended.inner])
        guide = guide_of(setup, window, blended.inner)
        if smoother and guide is not None:
            block = smoother.add(window.row, window.col, block, guide)
        yield block, replace(window, probabilities=None, guide_bands=None, guide_valid=None)


def _write(
    setup: Setup, finished: Iterable[tuple[FinishedBlock, Window]], writer: MapWriter, counter: _Counter
) -> None:
    """Pick classes and write each row of finished blocks."""
    region, legend, columns = setup.region, setup.spec.legend, setup.windows[1]
    layer_grid = to_layer_grid(setup, columns)
    values = np.array([*legend.values, legend.nodata], legend.dtype)
    nodata_index = len(legend.classes)
    strip, top = np.empty((0, 0), legend.dtype), 0
    for block, window in finished:
        if window.col == columns.start:
            top, stop = layer_grid.rows(block)
            strip = np.full((stop - top, region.width), legend.nodata, legend.dtype)
        for part in layer_grid.blocks(block, window):
            index = most_probable_class(part.probabilities)
            index[~part.valid] = nodata_index
            counter.confidence.add(part.probabilities, part.valid)
            row, col = part.row - top, part.col - region.col0
            strip[row : row + index.shape[0], col : col + index.shape[1]] = values[index]
            counter.add(part.row - region.row0, index)
        if window.col == columns[-1] and len(strip):
            writer.write(top - region.row0, strip)


def _result(
    setup: Setup, network: Network, counter: _Counter, output: str, seconds: float, warnings: tuple[str, ...]
) -> ClassifyResult:
    legend = setup.spec.legend
    metres = counter.square_metres
    return ClassifyResult(
        output=output,
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
        warnings=warnings,
        confidence=valid_confidence(counter.confidence.value, network.probable),
        license=setup.spec.license,
        image_date=date_of_image(setup.facts),
    )


def _log_result(result: ClassifyResult, network: Network, pixels: int, again: str, progress: Progress) -> None:
    shares = [f"{c.name} {100 * c.pixels / max(1, result.valid_pixels):.1f} %" for c in result.classes if c.pixels]
    progress.log(f"Classes: {', '.join(shares)}; nodata {100 * result.nodata_pixels / pixels:.1f} % of the pixels")
    bare = network.pixels / 1e6 / network.seconds if network.seconds else 0.0
    progress.log(
        f"{pixels / 1e6:.2f} Mpx in {result.seconds:.1f} s: {pixels / 1e6 / result.seconds:.2f} Mpx/s of the layer;"
        f" the bare network {bare:.2f} Mpx/s of its windows"
    )
    progress.log(f"Written: {result.output}")
    progress.log(f"To make it again: {again}")
