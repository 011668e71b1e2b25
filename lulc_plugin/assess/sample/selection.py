# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw a stratified reference sample from a class map."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import numpy as np

from ...errors import LulcError
from ...options import option
from ...progress import Progress
from ...raster import PixelAreas, pixel_areas
from ..overlay import RasterOnMap
from . import allocation as design
from .job import LARGEST_SEED, MOST_POINTS, SampleJob, expected_of
from .map_classes import MapClasses, count_classes
from .random_order import Draws, Lottery
from .result import Ints, Sample, SampledStratum
from .separation import Ruler, draw_apart

_HECTARE = 10_000.0
#: Percent done when the classes are counted; that pass reports them.
_COUNTED = 90.0


def draw(job: SampleJob, progress: Progress) -> Sample:
    """Draw points from the valid pixels of each class, without replacement; the same for the same seed and map.

    The map is read twice, a block at a time: once to count its classes, once to draw. Where pixels differ in size by
    their place (systems in degrees, Mercator) they are drawn with probability proportional to their area, else all
    alike. With a minimum distance, candidates are taken in random order if they are far enough from every point
    accepted before, in the class with the fewest pixels first.

    Raises:
        LulcError: no class map, no valid pixel, impossible numbers, or a distance that leaves too few points.
        CancelledError: the user stopped.
    """
    seed = secrets.randbelow(LARGEST_SEED + 1) if job.seed is None else job.seed
    with RasterOnMap(job.map) as layer:
        facts = layer.facts
        ruler = Ruler(facts) if job.min_distance else None
        areas = pixel_areas(facts.grid)
        classes = count_classes(job.map, layer, areas, progress)
        by_area = areas is not None and areas.kind != "planar" and classes.area is not None
        sizes = classes.area if by_area and classes.area is not None else classes.pixels
        shares = tuple(float(size) / float(sum(sizes)) for size in sizes)
        expected = expected_of(job.expected_users, classes.values)
        size, unrounded = _size(job, classes, shares, expected)
        allocation = design.allocate(size, job.allocation, shares, classes.pixels, expected, job.min_per_class)
        if allocation.total > MOST_POINTS:
            raise LulcError(
                f"The sample would have {allocation.total:,} points.", f"At most {MOST_POINTS:,} can be drawn."
            )
        lottery = Lottery(classes.values, classes.pixels, classes.area if by_area else None, seed)
        if ruler is None:
            draws = lottery.draw(layer, areas, allocation.points, progress, _COUNTED)
            chosen = [(d[0][:n], d[1][:n], d[2][:n]) for d, n in zip(draws, allocation.points)]
        else:
            chosen = draw_apart(
                lottery, layer, areas, ruler, job.min_distance, classes, allocation.points, progress, _COUNTED
            )
    se_users = design.expected_se_users(expected, allocation.points)
    se_overall = design.expected_se_overall(shares, expected, allocation.points)
    half_width = design.z_of(job.level) * se_overall
    _remark(job, classes, allocation, unrounded, half_width)
    _remark_on_places(job, classes, ruler, areas if by_area else None)
    row, col, index = _shuffled(chosen, seed)
    points = np.asarray(allocation.points, np.float64)
    hectares = None if classes.area is None else np.asarray(classes.area) / _HECTARE
    pixels = np.asarray(classes.pixels, np.int64)
    weights = (pixels if hectares is None or not by_area else hectares) / points
    x, y = facts.grid.centres(row, col)
    strata = tuple(
        SampledStratum(
            value=value,
            name=classes.names.get(value, str(value)),
            pixels=classes.pixels[i],
            hectares=None if hectares is None else float(hectares[i]),
            share=shares[i],
            points=allocation.points[i],
            expected_users=expected[i],
            se_users=se_users[i],
        )
        for i, value in enumerate(classes.values)
    )
    progress.report(100)
    return Sample(
        x=x,
        y=y,
        row=row,
        col=col,
        map_class=np.asarray(classes.values, np.int64)[index],
        stratum_px=pixels[index],
        stratum_ha=None if hectares is None else hectares[index],
        weight=weights[index],
        weighting="area" if by_area else "pixel",
        seed=seed,
        strata=strata,
        legend=tuple((v, classes.names.get(v, str(v))) for v in sorted({*classes.values, *classes.names})),
        crs=facts.crs,
        asked=size,
        unrounded=unrounded,
        wanted_half_width=None if job.size else job.half_width,
        se_overall=se_overall,
        half_width=half_width,
        level=job.level,
        notes=tuple(classes.notes),
        warnings=tuple(classes.warnings),
    )


def _size(
    job: SampleJob, classes: MapClasses, shares: Sequence[float], expected: Sequence[float]
) -> tuple[int, float | None]:
    if job.size:
        return job.size, None
    wanted = design.sample_size_stratified(
        shares, expected, design.standard_error(job.half_width, job.level), sum(classes.pixels)
    )
    fewest = sum(min(design.FEWEST, pixels) for pixels in classes.pixels)
    size = min(sum(classes.pixels), max(wanted.points, fewest))
    classes.notes.append(
        f"Sample size by Olofsson et al. 2014, eq. 13, with the limit of the map's {sum(classes.pixels):,} pixels:"
        f" {wanted.unrounded:.2f}, so {wanted.points:,} points for ± {job.half_width:g} at"
        f" {100 * job.level:g} % (standard error {design.standard_error(job.half_width, job.level):.6g})."
    )
    if size > wanted.points:
        classes.notes.append(f"Raised to {size:,}: each class needs {design.FEWEST} points.")
    return size, wanted.unrounded


def _remark(
    job: SampleJob,
    classes: MapClasses,
    allocation: design.Allocation,
    unrounded: float | None,
    half_width: float,
) -> None:
    if allocation.raised:
        per_class = design.RARE_POINTS if job.min_per_class is None else job.min_per_class
        which = "rare class (less than 5 % of the map)" if job.allocation == "olofsson" else "class"
        classes.warnings.append(
            f"{allocation.total:,} points are drawn instead of {allocation.asked:,}: {per_class} for each {which} are"
            " more than that leaves room for"
            + (", and the other classes keep their share." if job.allocation == "olofsson" else ".")
        )
    whole = [i for i, n in enumerate(allocation.points) if n == classes.pixels[i]]
    few = [i for i, n in enumerate(allocation.points) if n < design.FEW and i not in whole]
    if whole:
        classes.warnings.append(
            f"All pixels are in the sample of class {classes.called(whole)}: the class has no more than that."
        )
    if few:
        classes.warnings.append(
            f"Fewer than {design.FEW} points for class {classes.called(few)}: the user's accuracy will be a rough"
            f" guess. Raise {option('size')} or {option('min_per_class')} if it matters."
        )
    if unrounded is not None and half_width > job.half_width * 1.005:
        needed = int(np.ceil(allocation.total * (half_width / job.half_width) ** 2))
        classes.notes.append(
            f"The expected half-width, {half_width:.4f}, is more than the {job.half_width:g} asked for: the formula"
            f" assumes the allocation neyman, and {job.allocation} shares the points out otherwise. About {needed:,}"
            " points would reach it."
        )


def _remark_on_places(job: SampleJob, classes: MapClasses, ruler: Ruler | None, uneven: PixelAreas | None) -> None:
    if ruler is not None:
        classes.notes.append(
            f"Points are at least {job.min_distance:g} m apart"
            + (" (in the map's plane)." if ruler.planar else " (on the ellipsoid).")
            + " The formulas of the accuracy report are approximate for such a sample, usually a little too cautious."
        )
    if uneven is not None:
        classes.notes.append(
            "Pixels differ in size: points were drawn with probability proportional to pixel area within their class,"
            f" and classes weigh by hectares (field weighting is area). {uneven.note}"
        )


def _shuffled(chosen: Sequence[Draws], seed: int) -> tuple[Ints, Ints, Ints]:
    """Rows, columns and class indexes in random order: who labels them must not work class by class."""
    row, col = (np.concatenate([c[k] for c in chosen]).astype(np.int64) for k in (0, 1))
    index = np.repeat(np.arange(len(chosen)), [len(c[0]) for c in chosen])
    # numpy promises the same stream of the bit generator in all versions, but not the same shuffle
    order = np.argsort(np.random.PCG64(seed).random_raw(len(row)), kind="stable")
    return row[order], col[order], index[order]
