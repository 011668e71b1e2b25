# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing a stratified reference sample from a class map: how many points each class gets, and where they lie."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import LulcError
from ...options import option
from ...progress import Progress
from ...raster import GeoGrid, PixelAreas, check_class_raster, pixel_areas, settings_of
from ..estimators import units_needed
from ..overlay import BLOCK_PIXELS, RasterOnMap
from ..unnamed_values import looks_like_a_picture
from .allocation import (
    FEW,
    FEWEST,
    RARE_POINTS,
    Allocation,
    allocate,
    expected_interval,
    expected_se_overall,
    expected_se_users,
    sample_size_stratified,
    standard_error,
    z_of,
)
from .job import LARGEST_SEED, MOST_POINTS, Floats, Ints, Sample, SampledStratum, SampleJob, expected_of
from .map_classes import MapClasses, count_classes
from .random_order import RandomOrder, RankedPixels
from .separation import Ruler, draw_apart

_HECTARE = 10_000.0
#: Percent done when the classes are counted; that pass reports them.
_COUNTED = 90.0


@dataclass(frozen=True)
class _Plan:
    """How many points each class gets, and what the accuracy report can be expected to say with them.

    Attributes:
        weighting: areas of the pixels where points are drawn with probability proportional to them; None: all alike.
        shares: of the classes in the map, by area or by pixels, adding up to 1.
        expected: user's accuracy expected of each class.
        size: points asked for or computed.
        unrounded: what the formula gave; None when the size was given.
        allocation: points of each class.
        se_overall: expected standard error of overall accuracy.
        half_width: the same as the half-width of an interval.
        interval: of overall accuracy, as the accuracy report gives it if the map is as accurate as expected.
    """

    weighting: PixelAreas | None
    shares: tuple[float, ...]
    expected: tuple[float, ...]
    size: int
    unrounded: float | None
    allocation: Allocation
    se_overall: float
    half_width: float
    interval: tuple[float, float]

    @property
    def outlook(self) -> str:
        """What the accuracy report can be expected to say."""
        overall = sum(w * u for w, u in zip(self.shares, self.expected))
        low, high = self.interval
        return (
            f"If the map is as accurate as expected, the accuracy report gives overall accuracy {100 * overall:.1f} %"
            f" [{100 * low:.1f}, {100 * high:.1f}]."
        )


def draw(job: SampleJob, progress: Progress, block: int = BLOCK_PIXELS) -> Sample:
    """Draw points from the valid pixels of each class, without replacement; the same for the same seed and map.

    The map is read twice, a block at a time: once to count its classes, once to draw. Where pixels differ in size by
    their place (systems in degrees, Mercator) they are drawn with probability proportional to their area, else all
    alike. With a minimum distance, candidates are taken in random order if they are far enough from every point
    accepted before, in the class with the fewest pixels first.

    Args:
        job: the map and what is asked for.
        progress: asked whether to stop.
        block: pixels read at a time; the sample does not depend on it.

    Raises:
        LulcError: no class map, no valid pixel, impossible numbers, or a distance that leaves too few points.
        CancelledError: the user stopped.
    """
    said = check_class_raster(job.map)
    seed = secrets.randbelow(LARGEST_SEED + 1) if job.seed is None else job.seed
    with RasterOnMap(job.map) as layer:
        grid = layer.facts.grid
        ruler = Ruler(layer.facts) if job.min_distance else None
        areas = pixel_areas(grid)
        classes = count_classes(job.map, layer, areas, progress)
        plan = _plan(job, classes, areas)
        points = plan.allocation.points
        order = RandomOrder(layer, classes, plan.weighting, seed, block)
        if ruler is None:
            ranked = order.lowest(points, progress, _COUNTED)
            chosen = [(row[:n], col[:n], number[:n]) for (row, col, number), n in zip(ranked, points)]
        else:
            chosen = draw_apart(order, classes, points, ruler, job.min_distance, progress, _COUNTED)
    progress.report(100)
    sample = _sample(job, classes, plan, _shuffled(chosen, seed), grid, seed, ruler)
    return replace(sample, warnings=(*said, *sample.warnings))


def _plan(job: SampleJob, classes: MapClasses, areas: PixelAreas | None) -> _Plan:
    """Sample size and allocation.

    Raises:
        LulcError: impossible numbers.
    """
    by_area = areas is not None and areas.kind != "planar" and classes.area is not None
    sizes = classes.area if by_area and classes.area is not None else classes.pixels
    shares = tuple(float(size) / float(sum(sizes)) for size in sizes)
    expected = expected_of(job.expected_users, classes.values)
    size, unrounded = job.size, None
    if not size:
        target = standard_error(job.half_width, job.level)
        wanted = sample_size_stratified(shares, expected, target, classes.total_pixels)
        fewest = sum(min(FEWEST, pixels) for pixels in classes.pixels)
        size, unrounded = min(classes.total_pixels, max(wanted.points, fewest)), wanted.unrounded
    allocation = allocate(size, job.allocation, shares, classes.pixels, expected, job.min_per_class)
    if allocation.total > MOST_POINTS:
        raise LulcError(f"The sample would have {allocation.total:,} points.", f"At most {MOST_POINTS:,} can be drawn.")
    se_overall = expected_se_overall(shares, expected, allocation.points)
    return _Plan(
        weighting=areas if by_area else None,
        shares=shares,
        expected=expected,
        size=size,
        unrounded=unrounded,
        allocation=allocation,
        se_overall=se_overall,
        half_width=z_of(job.level) * se_overall,
        interval=expected_interval(shares, expected, allocation.points, classes.pixels, job.level),
    )


def _sample(
    job: SampleJob,
    classes: MapClasses,
    plan: _Plan,
    drawn: tuple[Ints, Ints, Ints],
    grid: GeoGrid,
    seed: int,
    ruler: Ruler | None,
) -> Sample:
    """The points with strata, notes and warnings; `drawn`: rows, columns and class indexes."""
    row, col, index = drawn
    x, y = grid.centres(row, col)
    pixels = np.asarray(classes.pixels, np.int64)
    hectares = None if classes.area is None else np.asarray(classes.area) / _HECTARE
    weights = (pixels if hectares is None or plan.weighting is None else hectares) / np.asarray(
        plan.allocation.points, np.float64
    )
    return Sample(
        x=x,
        y=y,
        row=row,
        col=col,
        map_class=np.asarray(classes.values, np.int64)[index],
        stratum_px=pixels[index],
        stratum_ha=None if hectares is None else hectares[index],
        weight=weights[index],
        weighting="pixel" if plan.weighting is None else "area",
        seed=seed,
        strata=_strata(classes, plan, hectares),
        legend=tuple((v, classes.names.get(v, str(v))) for v in sorted({*classes.values, *classes.names})),
        crs=grid.crs,
        asked=plan.size,
        unrounded=plan.unrounded,
        wanted_half_width=None if job.size else job.half_width,
        se_overall=plan.se_overall,
        half_width=plan.half_width,
        interval=plan.interval,
        level=job.level,
        notes=(*settings_of(job.map), *_notes_on_size(job, classes, plan), *_notes_on_places(job, plan, ruler)),
        warnings=tuple(_warnings(job, classes, plan)),
    )


def _strata(classes: MapClasses, plan: _Plan, hectares: Floats | None) -> tuple[SampledStratum, ...]:
    se_users = expected_se_users(plan.expected, plan.allocation.points)
    return tuple(
        SampledStratum(
            value=value,
            name=classes.names.get(value, str(value)),
            pixels=classes.pixels[i],
            hectares=None if hectares is None else float(hectares[i]),
            share=plan.shares[i],
            points=plan.allocation.points[i],
            expected_users=plan.expected[i],
            se_users=se_users[i],
        )
        for i, value in enumerate(classes.values)
    )


def _notes_on_size(job: SampleJob, classes: MapClasses, plan: _Plan) -> list[str]:
    low, high = plan.interval
    outlook = [] if units_needed(plan.allocation.total, high - low) else [plan.outlook]
    if plan.unrounded is None:
        return outlook
    target = standard_error(job.half_width, job.level)
    computed = sample_size_stratified(plan.shares, plan.expected, target, classes.total_pixels).points
    notes = [
        f"Sample size by Olofsson et al. 2014, eq. 13, with the limit of the map's {classes.total_pixels:,} pixels:"
        f" {plan.unrounded:.2f}, so {computed:,} points for ± {job.half_width:g} at"
        f" {100 * job.level:g} % (standard error {target:.6g})."
    ]
    if plan.size > computed:
        notes.append(f"Raised to {plan.size:,}: each class needs {FEWEST} points.")
    if plan.half_width > job.half_width * 1.005:
        needed = int(np.ceil(plan.allocation.total * (plan.half_width / job.half_width) ** 2))
        notes.append(
            f"The expected half-width, {plan.half_width:.4f}, is more than the {job.half_width:g} asked for: the"
            f" formula assumes the allocation neyman, and {job.allocation} shares the points out otherwise. About"
            f" {needed:,} points would reach it."
        )
    return notes + outlook


def _notes_on_places(job: SampleJob, plan: _Plan, ruler: Ruler | None) -> list[str]:
    notes = []
    if ruler is not None:
        notes.append(
            f"Points are at least {job.min_distance:g} m apart"
            + (" (in the map's plane)." if ruler.planar else " (on the ellipsoid).")
            + " The formulas of the accuracy report are approximate for such a sample, usually a little too cautious."
        )
    if plan.weighting is not None:
        notes.append(
            "Pixels differ in size: points were drawn with probability proportional to pixel area within their class,"
            f" and classes weigh by hectares (field weighting is area). {plan.weighting.measurement.sentence}"
        )
    return notes


def _warnings(job: SampleJob, classes: MapClasses, plan: _Plan) -> list[str]:
    allocation, warnings = plan.allocation, []
    needed = units_needed(allocation.total, plan.interval[1] - plan.interval[0])
    if needed:
        warnings.append(
            f"{allocation.total:,} points are too few to say how accurate the map is. {plan.outlook} About {needed:,},"
            f" shared out as these are, would give ± 10 %: raise {option('size')}."
        )
    if classes.unnamed is not None:
        warnings.append(classes.unnamed.sentence(points=sum(allocation.points[i] for i in classes.unnamed_indexes)))
    warnings += looks_like_a_picture(job.map, len(classes.values), tuple(classes.names))
    if allocation.raised:
        per_class = RARE_POINTS if job.min_per_class is None else job.min_per_class
        which = "rare class (less than 5 % of the map)" if job.allocation == "olofsson" else "class"
        warnings.append(
            f"{allocation.total:,} points are drawn instead of {allocation.asked:,}: {per_class} for each {which} are"
            " more than that leaves room for"
            + (", and the other classes keep their share." if job.allocation == "olofsson" else ".")
        )
    complete = [i for i, n in enumerate(allocation.points) if n == classes.pixels[i]]
    few = [i for i, n in enumerate(allocation.points) if n < FEW and i not in complete]
    if complete:
        warnings.append(
            f"All pixels are in the sample of class {classes.labels(complete)}: the class has no more than that."
        )
    if few:
        warnings.append(
            f"Fewer than {FEW} points for class {classes.labels(few)}: the user's accuracy will be a rough"
            f" guess. Raise {option('size')} or {option('min_per_class')} if it matters."
        )
    return warnings


def _shuffled(chosen: Sequence[RankedPixels], seed: int) -> tuple[Ints, Ints, Ints]:
    """Rows, columns and class indexes in random order: who labels them must not work class by class."""
    row, col = (np.concatenate([c[k] for c in chosen]).astype(np.int64) for k in (0, 1))
    index = np.repeat(np.arange(len(chosen)), [len(c[0]) for c in chosen])
    # numpy promises the same stream of the bit generator in all versions, but not the same shuffle
    order = np.argsort(np.random.PCG64(seed).random_raw(len(row)), kind="stable")
    return row[order], col[order], index[order]
