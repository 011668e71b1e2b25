# SPDX-License-Identifier: GPL-3.0-or-later
"""The input of an MLM description: channels, their scaling, order of axes, fixed sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import LulcError
from ...options import command
from ...raster import Channel, Expression, parse
from ..spec import ModelBand
from . import json_values
from .listed_bands import MOST_BANDS, unnamed_bands
from .value_scaling import channel_steps

#: word in `dim_order` → axis of ours
_AXES = {
    **dict.fromkeys(("batch", "b", "n", "samples"), "N"),
    **dict.fromkeys(("bands", "band", "channel", "channels", "c"), "C"),
    **dict.fromkeys(("height", "h", "y", "row", "rows", "lat"), "H"),
    **dict.fromkeys(("width", "w", "x", "column", "columns", "lon"), "W"),
}
_CLASS_AXES = {"class", "classes"}
LAYOUTS = ("NCHW", "NHWC")
#: what can be scaled away is no reason to take stored numbers for reflectance
_LARGEST_REFLECTANCE = 10.0


@dataclass(frozen=True)
class InputFacts:
    """What `mlm:input` says.

    Attributes:
        name: of the graph's input.
        bands: source bands in the order of the description; those that no channel uses are left out.
        channels: in the graph's order.
        layout: `NCHW` or `NHWC`.
        size: the only height and width the graph takes, None when they are free or not said.
        warnings: for the user.
    """

    name: str
    bands: tuple[ModelBand, ...]
    channels: tuple[Channel, ...]
    layout: str
    size: int | None
    warnings: tuple[str, ...]

    @property
    def stored_numbers(self) -> bool:
        """Whether the channels' scaling starts with numbers that no reflectance reaches."""
        first = [number for c in self.channels for step in c.steps[:1] for _, number in step.numbers]
        return any(abs(number) > _LARGEST_REFLECTANCE for number in first)


def read_input(data: Mapping[str, Any], listed: Sequence[ModelBand], every_band: bool) -> InputFacts:
    """Understand the only entry of `mlm:input`.

    Args:
        data: the entry.
        listed: all bands that are described.
        every_band: keep bands that no channel uses, because something else counts them.

    Raises:
        LulcError: what is missing or cannot be run here.
    """
    if data.get("variables"):
        raise LulcError(
            f"Its input wants the data cube variables {_words(data['variables'])}; a raster has bands only.",
            "Only networks that take bands of an image can be run.",
        )
    inner = json_values.mapping(data.get("input"), "input")
    axes = axes_of(inner.get("dim_order"), "input")
    shape = shape_of(inner.get("shape"), len(axes), "input")
    layout = "".join(axes)
    if layout not in LAYOUTS:
        raise LulcError(
            f"Its input has the axes {_words(inner.get('dim_order'))}; this program can feed batch, bands, height,"
            " width or batch, height, width, bands.",
            "Export the network with one of these orders.",
        )
    warnings: list[str] = []
    resize = data.get("resize_type")
    if resize not in (None, "crop", "pad"):
        warnings.append(
            f"Its description wants images resized ({str(resize)[:50]}); they are cut into windows instead, at the"
            " layer's own pixel size."
        )
    wanted = data.get("bands")
    count = shape[axes.index("C")]
    if wanted is not None and not isinstance(wanted, list):
        raise LulcError("'bands' of its input is not a list.")
    if not wanted:
        if count is None:
            raise LulcError(
                "Its input names no bands, and its shape does not say how many there are.",
                f"Add the bands in channel order, or describe the network with {command('describemodel')}.",
            )
        # without a word about the channels the listed bands are the best guess, if they are as many
        bands = tuple(listed) if len(listed) == count else unnamed_bands(count)
        wanted = [b.name for b in bands]
    else:
        bands = tuple(listed)
    if not 1 <= len(wanted) <= MOST_BANDS:
        raise LulcError(f"Its input has {len(wanted)} bands; 1 to {MOST_BANDS} can be fed.")
    if count is not None and count != len(wanted):
        raise LulcError(f"Its input names {len(wanted)} bands, but its shape has {count} channels.")
    steps, more = channel_steps(data, len(wanted))
    names = tuple(b.name for b in bands)
    channels = [_channel(entry, names, own) for entry, own in zip(wanted, steps)]
    used = {names[c.band] for c in channels if c.band is not None}
    used.update(name for c in channels if c.expression is not None for name in c.expression.names)
    kept = bands if every_band else tuple(b for b in bands if b.name in used)
    order = {b.name: i for i, b in enumerate(kept)}
    return InputFacts(
        name=json_values.text(data.get("name"), "mlm:input name"),
        bands=kept,
        channels=tuple(c if c.band is None else Channel(c.name, order[names[c.band]], None, c.steps) for c in channels),
        layout=layout,
        size=_size(shape, axes),
        warnings=(*warnings, *more),
    )


def _channel(entry: Any, names: tuple[str, ...], steps: Any) -> Channel:
    expression: Expression | None = None
    if isinstance(entry, Mapping):
        name = json_values.text(entry.get("name"), "the name of a channel")
        if entry.get("expression") is not None:
            expression = parse(json_values.text(entry.get("expression"), "a band expression"), names)
    else:
        name = json_values.text(entry, "the name of a channel")
    if expression is not None:
        return Channel(name, None, expression, steps)
    if name in names:
        return Channel(name, names.index(name), None, steps)
    described = f"none of the bands {', '.join(names)}"[:300] if names else "described nowhere: it lists no bands"
    raise LulcError(f"Channel {name!r} is {described}.")


# ---------------------------------------------------------------- axes and shapes, also of outputs


def axes_of(words: Any, what: str) -> tuple[str, ...]:
    """Axes `N`, `C`, `H`, `W` of a `dim_order` (classes count as C); NCHW when nothing is said.

    Raises:
        LulcError: an unknown or repeated axis.
    """
    if words is None or words == []:
        return tuple("NCHW")
    if not isinstance(words, list) or len(words) > 8 or not all(isinstance(w, str) for w in words):
        raise LulcError(f"'dim_order' of its {what} is not a list of axes.")
    table = _AXES if what == "input" else {**_AXES, **dict.fromkeys(_CLASS_AXES, "C")}
    axes = tuple(table.get(w.lower(), "?") for w in words)
    if "?" in axes or len(set(axes)) != len(axes):
        wrong = words[axes.index("?")] if "?" in axes else " ".join(words)
        raise LulcError(
            f"The axis {wrong[:50]!r} of its {what} means nothing here.",
            "A segmentation network has the axes batch, bands (or class), height and width.",
        )
    return axes


def shape_of(numbers: Any, count: int, what: str) -> tuple[int | None, ...]:
    """Lengths of `count` axes; None where free or not said.

    Raises:
        LulcError: another number of axes, or a length of 0.
    """
    if numbers is None or numbers == []:
        return (None,) * count
    if not isinstance(numbers, list) or len(numbers) != count:
        raise LulcError(f"'shape' of its {what} is {str(numbers)[:60]}, which are not lengths of {count} axes.")
    lengths: list[int | None] = []
    for length in numbers:
        if isinstance(length, bool) or not isinstance(length, int) or length < -1 or length == 0 or length > 1 << 20:
            raise LulcError(f"'shape' of its {what} holds {str(length)[:30]}, which is no length of an axis.")
        lengths.append(None if length == -1 else length)
    return tuple(lengths)


def _size(shape: tuple[int | None, ...], axes: tuple[str, ...]) -> int | None:
    height, width = shape[axes.index("H")], shape[axes.index("W")]
    if height is None or width is None:
        return None
    if height != width:
        raise LulcError(
            f"Its input takes windows of {height} × {width} pixels only; only square windows can be cut.",
            "Export the network with a free or a square input size.",
        )
    return height


def _words(value: Any) -> str:
    names = [str(v.get("name") if isinstance(v, Mapping) else v) for v in value] if isinstance(value, list) else value
    return (", ".join(names) if isinstance(names, list) else str(names))[:200]
