# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks before the first window: coordinate system, empty pixels, values, order of bands, output and disk space.

What cannot work is refused with the remedy; what is only suspicious is a warning, because the analyst may know better.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import LulcError
from ..findings import Findings
from ..model import ModelSpec
from ..options import option
from ..progress import Progress
from ..raster import (
    BandMatch,
    LayerFacts,
    PixelRegion,
    Source,
    Survey,
    check_target,
    crs_name,
    is_local,
    survey_layer,
)
from .input_scaling import Probe
from .job import ClassifyJob
from .pixel_size import PixelFit

#: Shares above which empty pixels, black rims and bands of one value are reported.
_MUCH_NODATA = 0.5
_MUCH_ZERO = 0.05
_MUCH_PARTIAL = 0.01
_BLACK_RIM = 0.25
_CONSTANT = 0.99
_SET_CRS = (
    "If you know it, set it: in QGIS, Set Layer CRS; at a shell, --crs EPSG:CODE; in the file, gdal_edit.py -a_srs"
    " EPSG:CODE FILE."
)
#: A deflated class map takes about a tenth of its pixels' bytes (real ones 0.002 to 0.12); less room is refused.
_LEAST_SIZE = 1 / 10
#: The stream, the finished map, and the map's overviews (1/4 + 1/16 + …).
_COPIES = 1 + 4 / 3


def check_bands(match: BandMatch, spec: ModelSpec, pairs: str, findings: Findings) -> None:
    """How the layer's bands were found, and whether one was taken twice; `pairs` says which is which."""
    for number in _repeated(match):
        wanted = ", ".join(w.label for n, w in zip(match.numbers, spec.bands) if n == number)
        findings.warn(
            "bands.match",
            f"Band {number} is used twice ({wanted})." if match.numbers.count(number) == 2
            else f"Band {number} is used {match.numbers.count(number)} times ({wanted}).",
            f"The network expects a band of its own for each of them: set {option('bands')} if that is a slip.",
        )  # fmt: skip
    if not match.warnings and not _repeated(match):
        findings.passed("bands.match", f"{match.how}: {pairs}.")
    for warning in match.warnings:
        findings.warn("bands.match", warning)


def check_alpha(facts: LayerFacts, chosen: Sequence[int], findings: Findings) -> None:
    """Whether a band that the file calls alpha is none; `chosen` are the band numbers that the user gave."""
    for band in facts.bands:
        if not band.alpha_values or band.number in chosen:
            continue
        findings.warn(
            "bands.alpha",
            f"Band {band.number} is called alpha but has {band.alpha_values} different values, so it masks nothing: is"
            " it near infrared?",
            f"If it is, and the first three are red, green and blue, set {option('bands', (1, 2, 3, band.number))}, or"
            f" correct the file: gdal_edit.py -colorinterp_{band.number} undefined.",
        )


def check_pixel_size(facts: LayerFacts, spec: ModelSpec, pixels: PixelFit, findings: Findings) -> None:
    """How the layer's pixels go with the network."""
    for note in pixels.notes:
        findings.log(note)
    for warning in pixels.warnings:
        findings.warn("pixels.size", warning)
    if pixels.warnings or not pixels.inside or facts.gsd is None:
        return
    if spec.gsd_range is None:
        findings.note("pixels.size", f"{facts.gsd:.4g} m; {spec.name} does not say which it was made for.")
        return
    low, high = spec.gsd_range
    findings.passed("pixels.size", f"{facts.gsd:.4g} m; the model was made for {low:g} to {high:g} m.")


def survey_and_check(
    source: Source, numbers: Sequence[int], region: PixelRegion, policy: str, findings: Findings, progress: Progress
) -> Survey:
    """Look at squares of the whole layer, and of the region if that is less, and report empty ones.

    Raises:
        LulcError: no pixel is valid.
    """
    facts = source.facts
    survey = survey_layer(source, numbers, progress, policy=policy)
    check_empty(facts, survey, numbers, findings, policy=policy)
    if region != facts.region:
        part = survey_layer(source, numbers, progress, region, policy)
        check_empty(facts, part, numbers, findings, "extent", policy)
        if not survey.probe[0].size:  # a layer too large to be searched, with data in few places
            survey = part
    check_constant(facts, survey.values, numbers, findings)
    return survey


def check_place(facts: LayerFacts, findings: Findings) -> None:
    """Whether the layer says where it lies and how large its pixels are."""
    size = f"{facts.width:,} × {facts.height:,} pixels"
    if facts.gsd is None:
        what, remedy = "no coordinate system", _SET_CRS
        if is_local(facts.crs):
            what = f"a local coordinate system of unknown place ({crs_name(facts.crs)})"
            remedy = "Say the true one in the file: gdal_edit.py -a_srs EPSG:CODE FILE."
        elif facts.crs is not None:
            what = f"a coordinate system ({crs_name(facts.crs)}) in which its pixels have no size in metres"
        findings.warn(
            "layer.crs", f"{facts.name} has {what}: the pixel size is not checked, and no areas are computed.", remedy
        )
        return
    if facts.crs.is_geographic:
        findings.note(
            "layer.crs",
            f"{size} in degrees; a pixel at the centre is as large as one of {facts.gsd:.4g} m. Areas are computed on"
            " the ellipsoid, row by row.",
        )
        return
    findings.passed("layer.crs", f"{size} of {facts.gsd:.4g} m.")


def check_empty(
    facts: LayerFacts,
    survey: Survey,
    numbers: Sequence[int],
    findings: Findings,
    topic: str = "layer",
    policy: str = "any",
) -> None:
    """How much of a layer, or of its part in the extent, has no data, marked as such or not.

    Args:
        facts: the layer.
        survey: of that part, in the bands `numbers`.
        numbers: band numbers.
        findings: gets what is found.
        topic: of the findings: `layer`, or `extent` where only that part was looked at.
        policy: the nodata policy by which `survey` counted.

    Raises:
        LulcError: no pixel at all is valid.
    """
    where = " in the extent" if topic == "extent" else ""
    about = f"{topic}.empty"
    if survey.valid == 0:
        if not survey.complete:
            text = f"None of the {survey.pixels:,} pixels looked at{where} is valid."
            findings.warn(about, text, "Check the layer's nodata value and mask; the map may be empty.")
            return
        which = "in all bands" if policy == "any" and len(numbers) > 1 else "in any band"
        raise LulcError(
            f"{facts.name} has no pixel that is valid {which}{where}; there is nothing to classify.",
            "Check the layer's nodata value and mask, and whether the extent lies where the layer has data.",
        )
    share = 1 - survey.valid / survey.pixels
    words = f"{_percent(share)} of the {survey.pixels:,} pixels looked at{where} have no data"
    if share > _MUCH_NODATA:
        findings.warn(about, f"{words}; the map will be empty there.", "Check the nodata value if that is too much.")
    else:
        findings.passed(about, f"{words}.")
    _check_partial(survey, f"{topic}.partial", where, policy, findings)
    zero, rim = survey.zeros / survey.pixels, survey.rim_zeros / max(1, survey.rim_pixels)
    if zero >= _MUCH_ZERO and rim >= _BLACK_RIM:
        findings.warn(
            f"{topic}.rim",
            f"{_percent(zero)} of the pixels looked at, and {_percent(rim)} of those on the rim, are exactly 0 in every"
            f" band, but {facts.name} does not mark 0 as empty: they would be classified like dark ground.",
            "If they are empty, mark them: gdal_edit.py -a_nodata 0.",
        )
    unmarked = survey.unmarked_nodata
    if unmarked is not None:
        value = unmarked.value
        findings.warn(
            f"{topic}.unmarked",
            f"{_percent(unmarked.share)} of the pixels looked at, and {_percent(unmarked.rim_share)} of those"
            f" on the rim, are exactly {value} in every band, but {facts.name} does not mark {value} as empty: they"
            " would be classified like ground.",
            f"If they are empty, mark them: gdal_edit.py -a_nodata {value}.",
        )


def _check_partial(survey: Survey, about: str, where: str, policy: str, findings: Findings) -> None:
    """Whether the nodata policy matters: pixels that are empty in some bands, and not in all."""
    in_some, in_all = (1 - count / survey.pixels for count in (survey.valid_in_all, survey.valid_in_some))
    if in_some - in_all < _MUCH_PARTIAL:
        return
    words = (
        f"{_percent(in_some)} of the {survey.pixels:,} pixels looked at{where} are empty in some band,"
        f" {_percent(in_all)} in all"
    )
    if policy == "all":
        findings.note(about, f"{words}; {option('nodata_policy', 'all')} leaves out only the latter.")
        return
    findings.warn(
        about,
        f"{words}; the map will be empty in all of the former.",
        f"For pictures {option('nodata_policy', 'all')} is usual: a pure colour holds the nodata value in one band.",
    )


def _repeated(match: BandMatch) -> tuple[int, ...]:
    """Band numbers that were taken more than once."""
    return tuple(dict.fromkeys(n for n in match.numbers if match.numbers.count(n) > 1))


def check_constant(facts: LayerFacts, probe: Probe, numbers: Sequence[int], findings: Findings) -> None:
    """Whether a band has hardly more than one value."""
    constant = []
    for number, values in zip(numbers, probe):
        if values.size < 2:
            continue
        different, counts = np.unique(values, return_counts=True)
        share = float(counts.max()) / values.size
        if share >= _CONSTANT:
            constant.append(
                f"band {facts.bands[number - 1].label} is {different[counts.argmax()]:.6g} in {_percent(share)}"
            )
    if constant:
        findings.warn(
            "layer.constant",
            f"Nearly constant: {', '.join(constant)} of the valid pixels looked at. Such a band tells the network"
            " nothing.",
            "Check whether the layer was written whole, and whether the right bands were taken.",
        )
    else:
        findings.passed("layer.constant", "none.")


def check_output(job: ClassifyJob, output: str | Path) -> None:
    """Refuse a place where no map can be written, before work starts.

    Raises:
        LulcError: not a name of a GeoTIFF, no such folder, not writable, a folder of that name, or one of the inputs.
    """
    if not str(output).lower().endswith((".tif", ".tiff")):
        raise LulcError(f"The map is a GeoTIFF; {str(output)!r} does not end in .tif.", "Choose a name ending in .tif.")
    inputs = (job.layer, *filter(None, (job.statistics_from,)))
    check_target(Path(output), tuple(layer.path for layer in inputs))


def check_disk(folder: Path, region: PixelRegion, dtype: str) -> str:
    """Whether the temporary and the finished map have room in the folder of the output; a warning, or nothing.

    Raises:
        LulcError: there is too little even for a map that is packed well.
    """
    worst = math.ceil(region.height * region.width * np.dtype(dtype).itemsize * _COPIES)
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        # the free space is unknown; if there is too little, writing fails and says so
        return ""
    words = f"{_bytes(free)} are free in {folder}; the map may need up to {_bytes(worst)} while it is made"
    if free < worst * _LEAST_SIZE:
        raise LulcError(f"Too little disk space: {words}.", "Make room, or choose another place for the map.")
    return f"Disk space may run out: {words}. Make room, or choose another place." if free < worst else ""


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
