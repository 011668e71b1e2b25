# SPDX-License-Identifier: GPL-3.0-or-later
"""How a teacher is asked: coarse bands interpolated, and on surface reflectance, if it was made for L1C, twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError
from lulc_plugin.model import enlarge

from .class_mapping import ClassMap
from .teacher_settings import TeacherSettings

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Bands = Mapping[str, FloatArray]
_TIMES = 2


def answer(
    ask: Callable[[Bands, BoolArray], FloatArray],
    classes: ClassMap,
    settings: TeacherSettings,
    legend: tuple[str, ...],
    bands: Bands,
    valid: BoolArray,
    level: str = "",
) -> tuple[FloatArray, BoolArray]:
    """The student's shares on one image and where they are believed.

    On raw surface reflectance a teacher for the top of the atmosphere takes fields for grass and villages for fields;
    brought roughly back to L1C it finds those again, but takes bright deserts for fields. So both are asked, the second
    is taken, only where both agree, and bright bare ground (`settings.stays`) stays what the first says.

    Args:
        ask: the teacher: bands and validity → shares `(teacher's classes, rows, cols)`.
        classes: the teacher's classes among the student's.
        settings: the teacher's.
        legend: names of the student's classes.
        bands: common name → `(rows, cols)` reflectance 0..1.
        valid: `(rows, cols)`.
        level: processing level of the image, for `by_level`.

    Returns:
        shares `(student's classes, rows, cols)` and known `(rows, cols)`, False where invalid.

    Raises:
        LulcError: a band or class that the settings name is not there.
    """
    fine = {n: interpolated(v, valid) if n in settings.coarse_bands else v for n, v in bands.items()}
    shares, known = classes.student(ask(fine, valid))
    if settings.twice(level):
        raw, raw_known = shares, known
        shares, known = classes.student(ask(l1c_like(fine, settings.l1c_like), valid))
        kept = _stays(settings, legend, fine, raw) & raw_known
        known = (known & (raw.argmax(axis=0) == shares.argmax(axis=0))) | kept
        shares = np.where(kept, raw, shares)
    return shares, known & valid


def l1c_like(bands: Bands, gains: Mapping[str, tuple[float, float]]) -> dict[str, FloatArray]:
    """Bands brought roughly to the top of the atmosphere: value · gain + addend; bands without a gain as they are."""
    linear = {name: gains.get(name, (1.0, 0.0)) for name in bands}
    return {n: v * np.float32(linear[n][0]) + np.float32(linear[n][1]) for n, v in bands.items()}


def interpolated(band: FloatArray, valid: BoolArray) -> FloatArray:
    """A band of pixels that were repeated to half their size, on its own grid again and enlarged bilinearly.

    Invalid pixels have no weight.

    Args:
        band: `(rows, cols)`; its first pixel is the first of a repeated one.
        valid: `(rows, cols)`.
    """
    weight = valid[::_TIMES, ::_TIMES].astype(np.float32)
    thin = np.where(weight > 0, band[::_TIMES, ::_TIMES], np.float32(0))
    values, weights = (
        enlarge(enlarge(a, _TIMES, 0), _TIMES, 1)[: band.shape[0], : band.shape[1]] for a in (thin, weight)
    )
    return np.where(weights > 0, values / np.where(weights > 0, weights, np.float32(1)), band)


def _stays(settings: TeacherSettings, legend: tuple[str, ...], bands: Bands, raw: FloatArray) -> BoolArray:
    stays = settings.stays
    if stays is None:
        return np.zeros(raw.shape[1:], bool)
    if stays.name not in legend or stays.band not in bands:
        raise LulcError(
            f"The teacher's setting stays names the class {stays.name!r} and the band {stays.band!r}; there are the"
            f" classes {', '.join(legend)} and the bands {', '.join(bands)}."
        )
    keeps: BoolArray = (raw.argmax(axis=0) == legend.index(stays.name)) & (bands[stays.band] > stays.above)
    return keeps
