# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network expects of an image, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...model import InputForm, ModelSpec
from ...raster import Channel, Step, Steps

#: Unit of an input form → what the numbers of the layer have to be.
UNITS = {
    "reflectance": "Reflectance, 0 to 1, at the surface or at the top of the atmosphere. Stored numbers times 10,000,"
    " or with scale and offset declared in the file, are brought to it.",
    "dn": "The stored numbers of the layer as they are.",
    "byte": "Pictures of 8 bits, 0 to 255.",
}
_MOST_LISTED = 12


def number(value: float) -> str:
    """A number as short as it can be said: 0.3, 10 000, 1.7e-05."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f").replace("-", "−")
    return f"{value:.6g}".replace("-", "−")


def steps(found: Steps) -> str:
    """All steps of a scaling, in their order; "as it is" where there are none."""
    return ", then ".join(_step(step) for step in found) or "as it is"


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
    return {
        "offset": lambda: f"minus {number(step['value'])}" if step["value"] >= 0 else f"plus {number(-step['value'])}",
        "scale": lambda: f"divided by {number(step['value'])}",
        "log1p": lambda: "ln(1 + x)",
        "sqrt": lambda: "square root",
        "sigmoid": lambda: "sigmoid",
        "moments": lambda: "minus the mean and divided by the standard deviation of the whole layer",
    }[step.op]()


def form(found: InputForm) -> str:
    """One way in: what the numbers are, and what is done to them."""
    said = [f"{found.description.rstrip('.')}." if found.description else UNITS[found.unit]]
    same = len(set(found.band_steps)) == 1
    if same and found.band_steps[0]:
        said.append(f"Every band: {steps(found.band_steps[0])}.")
    elif not same:
        said.append("The bands are scaled one by one.")
    return " ".join(said)


def pixel_size(spec: ModelSpec) -> str:
    """10 to 30 m, 10 m, or not said."""
    if spec.gsd_range is not None:
        low, high = map(_metres, spec.gsd_range)
        return f"{low} m" if low == high else f"{low} to {high} m"
    return f"{_metres(spec.gsd)} m" if spec.gsd else "not said"


def _metres(value: float) -> str:
    """Three figures are as exact as pixel sizes are meant."""
    return number(float(f"{value:.3g}"))


def window(spec: ModelSpec) -> str:
    """Sizes of windows in a sentence."""
    found = spec.window
    said = [f"Windows of {number(found.size)} × {number(found.size)} pixels"]
    if found.multiple > 1:
        said.append(f", smaller ones a multiple of {found.multiple}")
    said.append(f"; {found.margin} pixels on each side are context and count for nothing in the map.")
    if found.receptive_field:
        said.append(f" A pixel can be influenced from a square {number(found.receptive_field)} pixels wide.")
    return "".join(said)


def channel_source(channel: Channel, names: Sequence[str]) -> str:
    """What a channel is made of: a band or an expression."""
    if channel.expression is not None:
        return channel.expression.text
    return names[channel.band] if channel.band is not None else ""


def listed(names: Sequence[str]) -> str:
    """red, green and blue; long lists are cut."""
    shown = list(names[:_MOST_LISTED])
    if len(names) > len(shown):
        return f"{', '.join(shown)} and {len(names) - len(shown)} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)
