# SPDX-License-Identifier: GPL-3.0-or-later
"""What the numbers of a layer say about it: range, dark or negative reflectance, equal bands, colours, order of bands.

What is only suspicious is a warning with the share of the pixels and the remedy. Bands that were taken by position are
refused where their numbers speak for another order: then nobody has confirmed the order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from ..errors import LulcError
from ..findings import Findings
from ..model import ModelSpec
from ..options import option
from ..raster import BandMatch, LayerBand, LayerFacts, apply_steps, band_order, value_kind
from .input_scaling import ExpectedRange, InputScaling, Probe, expected_range

_BY_POSITION, _CHOSEN = "by position", "as you chose"
#: A band of which more than this share is below zero holds no reflectance: a haze correction leaves up to 0.15.
_MUCH_NEGATIVE = 0.2
#: Numbers this little below zero may be reflectance of which an offset was taken off twice.
_LARGEST_OFFSET = 0.25
#: Land reflects more near infrared than this: its median was 0.113 or more on 214 images of land (HLS, Sentinel-2), of
#: which nine in ten had 0.25 to 0.45. So reflectance × 2,000 that is taken for × 10,000 is noticed.
_DARK_LAND = 0.1
#: Near infrared this much above red and green is land, and counts from this share of the pixels on.
_LAND_RATIO = 1.1
_MUCH_LAND = 0.25
#: What land reflects of near infrared, for a guess at the scale.
_BRIGHT_LAND = (0.11, 0.25, 0.45)
#: Two bands with the same number in this share of the pixels are one band written twice.
_EQUAL = 0.99
#: A picture has more different colours than a class map; fewer pixels than these tell nothing.
_FEW_COLOURS = 32
_MOST_COMPARED = 20_000
#: The median of a band without a scale that is this many times that of scaled bands is in another unit.
_OTHER_UNIT = 20
_LEAST_PIXELS = 1000

#: Bands that a message names.
_MOST_BANDS = 4
#: How many times as wide, or as narrow, the range of a band may be as that of the image that samples are from.
_OTHER_WIDTH = 10


def check_all(
    facts: LayerFacts, spec: ModelSpec, match: BandMatch, scaling: InputScaling, probe: Probe, findings: Findings
) -> None:
    """Everything that the numbers of the bands used may say against a network."""
    if spec.is_of_own_classes:
        check_like_samples(facts, spec, match, probe, findings)
        return
    check_values(facts, spec, match, scaling, probe, findings)
    check_numbers(facts, match, scaling, probe, findings)
    check_order(spec, match, scaling, probe, findings)


def check_values(
    facts: LayerFacts, spec: ModelSpec, match: BandMatch, scaling: InputScaling, probe: Probe, findings: Findings
) -> None:
    """Whether the numbers lie where those lay that the network learned from."""
    for warning in scaling.reading.warnings:
        findings.warn("values.offset", warning)
    if not scaling.reading.warnings and scaling.form.unit == "reflectance":
        findings.passed("values.offset", "dark pixels are dark.")
    filled = _filled(probe)
    if not filled:
        return
    kinds = ", ".join(dict.fromkeys(facts.dtypes[n - 1] for n in match.numbers))
    low, high = min(float(p.min()) for p in filled), max(float(p.max()) for p in filled)
    stored = f"{kinds} from {low:,.6g} to {high:,.6g}"
    expected = expected_range(spec, scaling.form)
    if expected is None:
        findings.note("values.range", f"{stored}; the network takes any range.")
        return
    top, peak = _top(scaling, filled)
    problem, remedy = _range_problem(expected, top, peak), expected.remedy
    dark = _find_dark_land(spec, scaling, probe)
    if dark is not None:
        problem = (
            f"its numbers are far too small, near infrared over land has a median of {dark:.3g}, and land is hardly"
            f" ever below {_DARK_LAND:g}"
        )
        remedy = _declare_scale(scaling, dark)
    if not problem:
        findings.passed("values.range", f"{stored}; {_in_unit(scaling, top)}, and {expected.words}.")
        return
    findings.warn(
        "values.range",
        f"The layer's numbers are {stored} ({_in_unit(scaling, top)}), but {expected.words}: {problem}.",
        remedy,
    )


def check_like_samples(facts: LayerFacts, spec: ModelSpec, match: BandMatch, probe: Probe, findings: Findings) -> None:
    """Whether each band has numbers like those of the image that a network's own classes were trained on.

    Such a network takes bands of any kind, in any unit: decibels, metres, embeddings. So nothing is expected of the
    numbers but that each band's median lies where the middle 96 % of that image lay, or no farther from it than the
    width of that range, and that their own is not wholly another one.
    """
    odd = []
    for number, seen, values in zip(match.numbers, spec.band_statistics, probe):
        width = seen.high - seen.low
        if not values.size or width <= 0:
            continue
        low, middle, high = (float(v) for v in np.percentile(values, (2, 50, 98)))
        near = seen.low - width <= middle <= seen.high + width
        if not (near and width / _OTHER_WIDTH <= high - low <= width * _OTHER_WIDTH):
            label = facts.bands[number - 1].label
            odd.append(f"band {label} has {low:.4g} to {high:.4g}, there it was {seen.low:.4g} to {seen.high:.4g}")
    if not odd:
        findings.passed("values.range", "every band has numbers like those of the image that the samples are from.")
        return
    findings.warn(
        "values.range",
        f"The samples of {spec.name} are from an image with other numbers: {'; '.join(odd[:_MOST_BANDS])}.",
        "Give an image with the same bands in the same unit, or train again with samples on this one.",
    )


def range_problem(spec: ModelSpec, scaling: InputScaling, probe: Probe) -> str:
    """What is wrong with the range of the numbers, as `check_values` warns of it; empty where nothing is."""
    filled, expected = _filled(probe), expected_range(spec, scaling.form)
    if not filled or expected is None:
        return ""
    dark = "" if _find_dark_land(spec, scaling, probe) is None else "land is far too dark for reflectance"
    return _range_problem(expected, *_top(scaling, filled)) or dark


def _filled(probe: Probe) -> Probe:
    """The numbers of each band without zeros, as far as there are others; empty where a band has none at all."""
    filled = [p[p != 0] if np.any(p != 0) else p for p in probe]
    return filled if all(p.size for p in filled) else []


def _top(scaling: InputScaling, filled: Probe) -> tuple[float, float]:
    """The largest 98th percentile and the largest number of all bands, in the unit of the form."""
    unit = [apply_steps(p, steps) for p, steps in zip(filled, scaling.unit_steps)]
    return max(float(np.percentile(p, 98)) for p in unit), max(float(p.max()) for p in unit)


def _in_unit(scaling: InputScaling, top: float) -> str:
    what = "98 % of them are below" if scaling.form.unit != "reflectance" else "as reflectance 98 % are below"
    return f"{what} {top:,.6g}"


def _range_problem(expected: ExpectedRange, top: float, peak: float) -> str:
    if expected.strict and peak > expected.high:
        return f"the layer's maximum {peak:,.6g} is above {expected.high:,.6g}"
    if top > expected.too_high:
        return "its numbers are far too large"
    if (peak if expected.strict else top) < expected.too_low:
        return "its numbers are far too small"
    return ""


def _find_dark_land(spec: ModelSpec, scaling: InputScaling, probe: Probe) -> float | None:
    """The median near infrared of land, in reflectance, if it is too dark for land; None if not, or not known.

    Water is dark too, so only pixels count where near infrared is above red and green.
    """
    names = [b.common_name or b.name for b in spec.bands]
    if scaling.form.unit != "reflectance" or scaling.reading.kind != value_kind.REFLECTANCE:
        return None
    if not {"red", "green", "nir"} <= set(names):
        return None
    steps = scaling.reading.band_steps
    red, green, nir = (
        np.asarray(apply_steps(probe[i], steps[i]), np.float64) for i in map(names.index, ("red", "green", "nir"))
    )
    visible = np.maximum(red, green)
    land = (visible > 0) & (nir > _LAND_RATIO * visible)
    if red.size < _LEAST_PIXELS or land.mean() < _MUCH_LAND:
        return None
    median = float(np.median(nir[land]))
    return median if median < _DARK_LAND else None


def _declare_scale(scaling: InputScaling, dark: float) -> str:
    """The round scale that would make land as bright as land is, beside the one that was assumed."""
    least, usual, most = _BRIGHT_LAND
    power = 10.0 ** math.ceil(math.log10(least / dark))
    if power * dark > most:  # between two powers of ten
        power = min((power / 5, power / 2), key=lambda factor: abs(math.log(factor * dark / usual)))
    scale = _scale_of(scaling) * power
    return (
        f"If the numbers are reflectance × {1 / scale:,.6g} or so, declare it (1 divided by the factor): gdal_edit.py"
        f" -scale {scale:.6g} -offset 0; else set {option('values', 'picture')}."
    )


def _scale_of(scaling: InputScaling) -> float:
    """What one step of the stored numbers is in reflectance."""
    ends = np.asarray(apply_steps(np.array([0.0, 1.0]), scaling.reading.band_steps[0]), np.float64)
    return float(ends[1] - ends[0])


def check_numbers(facts: LayerFacts, match: BandMatch, scaling: InputScaling, probe: Probe, findings: Findings) -> None:
    """Whether the numbers can be measurements at all: below zero, equal bands, few colours, one scale missing."""
    bands = [facts.bands[n - 1] for n in match.numbers]
    if not probe or probe[0].size < _LEAST_PIXELS:
        return
    if scaling.reading.kind == value_kind.REFLECTANCE:
        _check_scales(bands, probe, findings)
    _check_negative(bands, scaling, probe, findings)
    _check_equal(bands, probe, findings)
    check_colours(facts, probe, findings)


def _check_scales(bands: Sequence[LayerBand], probe: Probe, findings: Findings) -> None:
    """Whether some bands declare a scale and others do not, although their numbers are in another unit without it."""
    scaled = [b for b in bands if b.scale != 1 or b.offset != 0]
    medians = {b: abs(float(np.median(p)) * b.scale + b.offset) for p, b in zip(probe, bands)}
    usual = max((medians[b] for b in scaled), default=0.0)
    odd = [b for b in medians if b not in scaled and medians[b] > _OTHER_UNIT * usual]
    if not scaled or not odd:
        _check_offsets(bands, findings)
        return
    scale, offset = scaled[0].scale, scaled[0].offset
    findings.warn(
        "values.scale",
        f"No scale is declared for band {', '.join(b.label for b in odd)}, but scale {scale:g} and offset {offset:g}"
        f" for others: its median is {medians[odd[0]]:,.4g}, theirs at most {usual:.4g}.",
        f"If all bands are stored alike, declare it for all: gdal_edit.py -scale {scale:g} -offset {offset:g}.",
    )


def _check_offsets(bands: Sequence[LayerBand], findings: Findings) -> None:
    """Whether some bands lack the one offset that all others of the same scale declare."""
    without = [b for b in bands if b.offset == 0]
    offsets, scales = {b.offset for b in bands} - {0}, {b.scale for b in bands}
    if without and len(offsets) == len(scales) == 1:
        offset, scale = offsets.pop(), scales.pop()
        findings.warn(
            "values.scale",
            f"No offset is declared for band {', '.join(b.label for b in without)}, but {offset:g} for all others.",
            f"If all bands are stored alike, declare it for all: gdal_edit.py -scale {scale:g} -offset {offset:g}.",
        )


def _check_negative(bands: Sequence[LayerBand], scaling: InputScaling, probe: Probe, findings: Findings) -> None:
    """Whether many pixels of a band are below zero, where light cannot be."""
    numbers = [np.asarray(apply_steps(p, s), np.float64) for p, s in zip(probe, scaling.reading.band_steps)]
    shares = [float((n < 0).mean()) for n in numbers]
    below = [(band, share) for band, share in zip(bands, shares) if share > _MUCH_NEGATIVE]
    if not below:
        return
    listed = ", ".join(f"{_percent(share)} of the pixels of band {band.label}" for band, share in below)
    offset = min(band.offset for band, _ in below)
    remedy = (
        "Decibels (radar), heights and indices are nothing that the networks know: give optical bands. If this is"
        " reflectance, declare its scale and offset: gdal_edit.py -scale … -offset …"
    )
    least = min(float(n.min()) for n in numbers)
    if offset == 0 and scaling.reading.kind == value_kind.REFLECTANCE and least > -_LARGEST_OFFSET:
        remedy = (
            "If an offset was taken off twice (Sentinel-2: 0.1), declare it the other way round: gdal_edit.py -scale"
            f" {_scale_of(scaling):.3g} -offset 0.1. {remedy}"
        )
    if offset < 0:
        remedy = f"If the offset of {offset:g} was already taken off, declare none: gdal_edit.py -offset 0."
    findings.warn("values.negative", f"Below zero, where no measured light is: {listed}.", remedy)


def _check_equal(bands: Sequence[LayerBand], probe: Probe, findings: Findings) -> None:
    """Whether two bands hold the same numbers."""
    for (one, a), (other, b) in itertools.combinations(list(zip(bands, probe)), 2):
        filled = (a != 0) | (b != 0)
        if one.number == other.number or not filled.any() or a.min() == a.max():
            continue
        share = float((a == b)[filled].mean())
        if share >= _EQUAL:
            findings.warn(
                "bands.equal",
                f"Bands {one.label} and {other.label} hold the same numbers in {_percent(share)} of the pixels.",
                "The network wants different bands: check how the layer was made, or set"
                f" {option('bands')} to others. A grey picture has no colours to classify by.",
            )
            return


def check_colours(facts: LayerFacts, probe: Probe, findings: Findings) -> None:
    """Whether the layer has so few different colours that it must be a map and not an image."""
    colours = few_colours(probe)
    if colours:
        findings.warn(
            "values.colours",
            f"{facts.name} has only {colours} different colours: it seems to be a map of classes, not an image.",
            "Give the image that the map was made from.",
        )


def few_colours(probe: Probe) -> int:
    """How many different colours there are, where they are those of a class map; 0 for an image, or too few pixels."""
    if not probe or probe[0].size < _LEAST_PIXELS:
        return 0
    pixels = np.stack([p[:: max(1, p.size // _MOST_COMPARED)] for p in probe], axis=1)
    colours = len(np.unique(pixels, axis=0))
    return colours if 1 < colours <= _FEW_COLOURS else 0


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def check_order(spec: ModelSpec, match: BandMatch, scaling: InputScaling, probe: Probe, findings: Findings) -> None:
    """Whether bands are those that the network wants, by their brightness; refuses those taken by position if not."""
    about, names = "bands.order", [b.common_name or "" for b in spec.bands]
    named = match.how not in (_BY_POSITION, _CHOSEN)

    def not_checked(why: str) -> None:
        if named:
            findings.passed(about, f"found {match.how}.")
        else:
            findings.note(about, f"not checked: {why}")

    why = _why_not_compared(match, findings)
    if why:
        not_checked(why)
        return
    if scaling.form is not spec.forms[0] or not spec.band_statistics:
        blue_first = None if named else band_order.find_blue_first(probe, names)
        if blue_first is not None:
            _doubt_blue_first(match, names, blue_first, findings)
        elif not spec.band_statistics:
            not_checked(f"{spec.name} does not tell how bright the bands were that it learned from.")
        else:
            not_checked(f"the numbers are read as {scaling.reading.kind}, which has no common scale.")
        return
    taken = [apply_steps(p, steps) for p, steps in zip(probe, scaling.unit_steps)]
    usual = [band_order.ExpectedBand(s.mean, s.low, s.high) for s in spec.band_statistics]
    order = band_order.compare(taken, names, usual)
    if order is None:
        not_checked("the layer shows too little contrast (a single cover, such as water).")
        return
    compared = _compared(spec, match, order)
    if not order.suspicious:
        findings.passed(about, f"{'found' if named else 'taken'} {match.how}; the order fits. {compared}.")
        return
    better = [match.numbers[i] for i in order.positions]
    fits = (
        f"The order {_row(better)} fits {', '.join(w.label for w in spec.bands)} better (by {order.gain:.2g}; above"
        f" {band_order.VISIBLE_GAIN:g} is suspicious)."
    )
    if named:
        findings.warn(
            about,
            f"The bands were found {match.how}, but their brightness does not fit, so what the layer says about its"
            f" bands may be wrong. {compared}. {fits}",
            f"If the names are wrong, set {option('bands')}, for example {option('bands', better)}.",
        )
        return
    _doubt(match, better, f"their brightness does not fit. {compared}. {fits}", findings)


def _why_not_compared(match: BandMatch, findings: Findings) -> str:
    """Why the brightness of the bands cannot tell their order, whatever the network; empty where it can."""
    for number in match.numbers:
        if match.numbers.count(number) > 1:
            # every other order of these bands would have the same band twice as well
            return f"band {number} is used more than once."
    if any(f.id in ("values.scale", "values.negative") for f in findings):
        return "the numbers of the bands are not reflectance in one unit."
    return ""


def _doubt_blue_first(match: BandMatch, names: list[str], order: band_order.BlueFirst, findings: Findings) -> None:
    better = [match.numbers[i] for i in order.positions]
    red, blue = (match.numbers[names.index(name)] for name in ("red", "blue"))
    why = (
        f"band {red}, taken as red, varies only {order.ratio:.2g} times as much as band {blue}, taken as blue, as if"
        f" their places were changed. The order {_row(better)} fits {', '.join(names)} better."
    )
    _doubt(match, better, why, findings)


def _doubt(match: BandMatch, better: list[int], why: str, findings: Findings) -> None:
    """Warn of an order that the user gave; refuse one that nobody gave."""
    text = f"The bands were taken {match.how}, but {why}"
    if match.how == _CHOSEN:
        findings.warn(
            "bands.order",
            text,
            f"If the bands are in another order, set {option('bands')}, for example {option('bands', better)}.",
        )
        return
    findings.refuse(
        "bands.order",
        LulcError(
            text,
            f"Say the order: {option('bands', better)}, or {option('bands', match.numbers)} if the bands are in order"
            " as they are.",
        ),
    )


def _compared(spec: ModelSpec, match: BandMatch, order: band_order.OrderFit) -> str:
    """What was compared: how bright the bands are, and how much they vary, beside each other."""
    bands = ", ".join(
        f"{w.label} = band {n}: {ours[0]:.2f} and {ours[1]:.2f} (the model saw {theirs[0]:.2f} and {theirs[1]:.2f})"
        for w, n, ours, theirs in zip(spec.bands, match.numbers, order.seen, order.wanted)
    )
    return f"Brightness and variation, as a share of the bands' geometric mean: {bands}"


def _row(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
