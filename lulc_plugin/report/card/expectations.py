# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network expects of an image, which classes it maps and how: sections of the card, and the words for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...model import MOST_GUIDE_BANDS, InputForm, ModelSpec
from ...raster import Channel, Step, Steps
from ..document import Column, Row, Table, plain_text
from . import fields
from .pages import CardSection, Listing, Part

#: Unit of an input form → what the numbers of the layer have to be.
UNITS = {
    "reflectance": "Reflectance, 0 to 1, at the surface or at the top of the atmosphere. Stored numbers times 10,000,"
    " or with scale and offset declared in the file, are brought to it.",
    "dn": "The stored numbers of the layer as they are.",
    "byte": "Pictures of 8 bits, 0 to 255.",
}
#: Steps without numbers.
_STEPS = {
    "log1p": "ln(1 + x)",
    "sqrt": "square root",
    "signed-square": "square, with the sign of the number",
    "sigmoid": "sigmoid",
    "moments": "minus the mean and divided by the standard deviation of the whole layer",
}
_MOST_LISTED = 12
_MOST_NOTES = 20


def expects(spec: ModelSpec) -> CardSection:
    """The section on bands, values, pixel sizes and windows."""
    forms = [form(one) for one in spec.forms]
    sensors = ", ".join(filter(None, (spec.constellation, *spec.instruments)))
    imagery = fields.name(spec, "lulc:imagery")
    sentences = [
        f"Pixel size: {pixel_size(spec)}." if spec.gsd_range or spec.gsd else "Pixel size: not given.",
        *([f"Made for: {imagery}."] if imagery else []),
        *([f"Made with images of {sensors}."] if sensors else []),
        *(f"{note.rstrip('.')}." for note in spec.notes[:_MOST_NOTES]),
        *fields.sentences(spec, "lulc:needs"),
        window(spec),
        "Values: " + forms[0] if len(forms) == 1 else "Values, one of these:",
    ]
    parts: list[Part] = [Listing(tuple(map(plain_text, forms)))] if len(forms) > 1 else []
    return CardSection(
        "expects", "What it expects", tuple(map(plain_text, sentences)), (*parts, bands(spec), _channels(spec))
    )


def bands(spec: ModelSpec) -> Table:
    """The bands of the image in their order."""
    measured = len(spec.band_statistics) == len(spec.bands)
    required = None if spec.band_patterns is None else spec.band_patterns.required
    columns = (
        Column("needed", "Needed", "text", optional=True),
        Column("description", "Description", "text", optional=True),
        Column("common", "Common name", "text", optional=True),
        Column("centre", "Centre, nm", "count", optional=True),
        Column("width", "Width, nm", "count", optional=True),
        Column("usual", "Usual values (2 to 98 %)", "text", optional=True),
        Column("mean", "Mean", "stat", optional=True),
    )
    rows = []
    descriptions = [
        "" if b.description.lower() == b.name.lower() else plain_text(b.description[:300]) for b in spec.bands
    ]
    for i, band in enumerate(spec.bands):
        seen = spec.band_statistics[i] if measured else None
        usual = None if seen is None else f"{number(seen.low)} … {number(seen.high)}"
        common = None if band.common_name in (None, band.name) else plain_text(band.common_name)
        cells = (
            None if required is None else "yes" if band.name in required else "optional",
            descriptions[i] if any(descriptions) else None,
            common,
            _nanometres(band.wavelength),
            _nanometres(band.width),
            usual,
        )
        rows.append(Row(f"{i + 1}. {plain_text(band.name)}", (*cells, seen.mean if seen else None)))
    caption = "In this order when you give them by number; otherwise they are found by name or wavelength."
    return Table("bands", "Bands", caption, "Band", columns, tuple(rows)).without_empty_columns()


def _nanometres(micrometres: float | None) -> int | None:
    return None if micrometres is None else round(1000 * micrometres)


def _channels(spec: ModelSpec) -> Table:
    names = [plain_text(name) for name in spec.band_names]
    rows = tuple(
        Row(plain_text(c.name), (plain_text(channel_source(c, names)), steps(c.steps), spec.fill[i]))
        for i, c in enumerate(spec.channels)
    )
    columns = (
        Column("source", "Made of", "text"),
        Column("steps", "Scaling", "text"),
        Column("fill", "Where there is no data", "stat"),
    )
    caption = "What enters the network, in this order; the program makes it from the bands."
    return Table("channels", "Channels", caption, "Channel", columns, rows)


def classes(spec: ModelSpec) -> CardSection:
    """The section on the classes of the map."""
    rows = tuple(
        Row(plain_text(c.name), (c.value, c.colour.upper()), c.colour, kinds={"value": "count"})
        for c in spec.legend.classes
    )
    columns = (Column("value", "Value in the map", "count"), Column("colour", "Colour", "text"))
    sentences = [f"Pixels without data get the value {spec.legend.nodata}."]
    if spec.output.threshold is not None:
        sentences.append(
            f"Its makers set scores below {number(spec.output.threshold)} to nothing before they took the largest; this"
            " program does not."
        )
    if spec.output.features:
        sentences.append(
            f"Beside the classes it gives {spec.output.feature_count} features of every pixel, for classes of your own."
        )
    table = Table("legend", "Classes of the map", "", "Class", columns, rows)
    return CardSection("classes", "Classes", tuple(sentences), (table,))


def smoothing(spec: ModelSpec) -> CardSection | None:
    """The section on how maps follow the edges of their image; None where they do not."""
    how = spec.smoothing
    if how is None:
        return None
    names = [plain_text(band.label) for band in spec.bands if band.name in how.bands or not how.bands]
    sentences = [
        "Before a pixel gets its class, its probabilities are smoothed along the edges of the image (guided filter of"
        f" their logarithms, He, Sun and Tang 2013): radius {how.radius} pixels of the size that the network sees, eps"
        f" {number(how.eps)}, guided by {'the logarithms of ' if how.logarithm else ''}"
        f"{join_names(names[:MOST_GUIDE_BANDS])}{'' if how.logarithm else ', as they are'}.",
        f"The logarithms as the network gave them count {number(how.weight)} against 1 of the smoothed ones."
        if how.weight
        else "Only the smoothed logarithms count.",
        "Confidence is that of the smoothed probabilities. SMOOTHING=none leaves it out, a number sets another radius"
        " (at a shell --smoothing).",
    ]
    return CardSection("smoothing", "Smoothing along the edges", tuple(sentences))


def number(value: float) -> str:
    """A number in its shortest form: 0.3, 10 000, 1.7e-05."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f").replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


def steps(scaling: Steps) -> str:
    """All steps of a scaling, in their order; "as it is" where there are none."""
    return ", then ".join(_step(step) for step in scaling) or "as it is"


def _step(step: Step) -> str:
    if step.op == "clip":
        low, high = step["minimum"], step["maximum"]
        if math.isinf(high):
            return f"not below {number(low)}"
        return f"not above {number(high)}" if math.isinf(low) else f"limited to {number(low)} … {number(high)}"
    if step.op == "percentile":
        cut = "" if step["clip"] == 0 else ", cut off there"
        ends = f"{number(step['lower'])} and {number(step['upper'])} %"
        return f"{ends} percentile of the whole layer become 0 and 1{cut}"
    if step.op == "min-max":
        return f"{number(step['minimum'])} … {number(step['maximum'])} become 0 … 1"
    if step.op == "z-score":
        return f"minus {number(step['mean'])}, divided by {number(step['stddev'])}"
    if step.op == "offset":
        return f"minus {number(step['value'])}" if step["value"] >= 0 else f"plus {number(-step['value'])}"
    return f"divided by {number(step['value'])}" if step.op == "scale" else _STEPS[step.op]


def form(way: InputForm) -> str:
    """One way in: what the numbers are, and what is done to them."""
    sentences = [f"{way.description.rstrip('.')}." if way.description else UNITS[way.unit]]
    same = len(set(way.band_steps)) == 1
    if same and way.band_steps[0]:
        sentences.append(f"Every band: {steps(way.band_steps[0])}.")
    elif not same:
        sentences.append("The bands are scaled one by one.")
    return " ".join(sentences)


def pixel_size(spec: ModelSpec) -> str:
    """10 to 30 m, 10 m, or not given."""
    if spec.gsd_range is not None:
        low, high = map(_metres, spec.gsd_range)
        return f"{low} m" if low == high else f"{low} to {high} m"
    return f"{_metres(spec.gsd)} m" if spec.gsd else "not given"


def _metres(value: float) -> str:
    """Three figures are as exact as pixel sizes are meant."""
    return number(float(f"{value:.3g}"))


def window(spec: ModelSpec) -> str:
    """Sizes of windows in a sentence."""
    size = number(spec.window.size)
    smaller = f", smaller ones a multiple of {spec.window.multiple}" if spec.window.multiple > 1 else ""
    text = (
        f"Windows of {size} × {size} pixels{smaller}; {spec.window.margin} pixels on each side are context and count"
        " for nothing in the map."
    )
    if spec.window.receptive_field:
        text += f" A pixel can be influenced from a square {number(spec.window.receptive_field)} pixels wide."
    return text


def channel_source(channel: Channel, names: Sequence[str]) -> str:
    """What a channel is made of: a band or an expression."""
    if channel.expression is not None:
        return channel.expression.text
    return names[channel.band] if channel.band is not None else ""


def join_names(names: Sequence[str]) -> str:
    """red, green and blue; long lists are cut."""
    shown = list(names[:_MOST_LISTED])
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
