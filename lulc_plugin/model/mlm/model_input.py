# SPDX-License-Identifier: GPL-3.0-or-later
"""The input of an MLM description: its bands, channels, their scaling, order of axes, fixed sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import LulcError
from ...options import command
from ...raster import Channel, Expression, Step, Steps, parse, steps_from_json
from ..spec import ModelBand
from . import json_values

#: word in `dim_order` → axis of ours
_AXES = {
    **dict.fromkeys(("batch", "b", "n", "samples"), "N"),
    **dict.fromkeys(("bands", "band", "channel", "channels", "c"), "C"),
    **dict.fromkeys(("height", "h", "y", "row", "rows", "lat"), "H"),
    **dict.fromkeys(("width", "w", "x", "column", "columns", "lon"), "W"),
}
_CLASS_AXES = {"class", "classes"}
LAYOUTS = ("NCHW", "NHWC")
#: A scaling that starts with larger numbers is for stored numbers, e.g. one with 10,000 for a reflectance of 1.
_LARGEST_REFLECTANCE = 10.0
MOST_BANDS = 512
#: where versions of STAC list bands: 1.1 in `bands`, earlier ones in the others, at the item or at an asset
_BAND_LISTS = ("bands", "eo:bands", "raster:bands")
_MOST_ASSETS = 100
#: micrometres: ultraviolet to thermal infrared, and radar; values in between are probably nanometres
_WAVELENGTHS = ((0.1, 100.0), (3000.0, 1e7))
_OPERATIONS = {"min-max", "z-score", "clip", "offset", "scale"}
_HINT = "Write the scaling as value_scaling of the type processing and the format lulc (docs/foreign-models.md)."
#: how MLM 1.0 to 1.3 called the numbers of a `norm_type`
_OLD_FIELDS = {"min-max": ("minimum", "maximum"), "z-score": ("mean", "stddev")}


@dataclass(frozen=True)
class InputFacts:
    """What `mlm:input` says.

    Attributes:
        name: of the graph's input.
        bands: source bands in the order of the description; those that no channel uses are left out.
        channels: in the graph's order.
        layout: `NCHW` or `NHWC`.
        size: the only height and width the graph takes, None when they are free or not given.
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
    axes, shape = _axes_and_shape(data)
    warnings: list[str] = []
    resize = data.get("resize_type")
    if resize not in (None, "crop", "pad"):
        warnings.append(
            f"Its description wants images resized ({str(resize)[:50]}); they are cut into windows instead, at the"
            " layer's own pixel size."
        )
    entries, bands = _channel_entries(data, listed, shape[axes.index("C")])
    steps, scaling_warnings = channel_steps(data, len(entries))
    names = tuple(b.name for b in bands)
    channels = [_channel(entry, names, own) for entry, own in zip(entries, steps)]
    used = {names[c.band] for c in channels if c.band is not None}
    used.update(name for c in channels if c.expression is not None for name in c.expression.names)
    kept = bands if every_band else tuple(b for b in bands if b.name in used)
    order = {b.name: i for i, b in enumerate(kept)}
    return InputFacts(
        name=json_values.text(data.get("name"), "mlm:input name"),
        bands=kept,
        channels=tuple(c if c.band is None else Channel(c.name, order[names[c.band]], None, c.steps) for c in channels),
        layout="".join(axes),
        size=_size(shape, axes),
        warnings=(*warnings, *scaling_warnings),
    )


def _axes_and_shape(data: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    """Order and lengths of the input's axes."""
    inner = json_values.mapping(data.get("input"), "input")
    axes = axes_of(inner.get("dim_order"), "input")
    shape = shape_of(inner.get("shape"), len(axes), "input")
    if "".join(axes) not in LAYOUTS:
        raise LulcError(
            f"Its input has the axes {_words(inner.get('dim_order'))}; this program can feed batch, bands, height,"
            " width or batch, height, width, bands.",
            "Export the network with one of these orders.",
        )
    return axes, shape


def _channel_entries(
    data: Mapping[str, Any], listed: Sequence[ModelBand], count: int | None
) -> tuple[list[Any], tuple[ModelBand, ...]]:
    """The entry of each channel, a name or an object, and the bands that they may name; `count` is the shape's."""
    entries, bands = data.get("bands"), tuple(listed)
    if entries is not None and not isinstance(entries, list):
        raise LulcError("'bands' of its input is not a list.")
    if not entries:
        if count is None:
            raise LulcError(
                "Its input names no bands, and its shape does not say how many there are.",
                f"Add the bands in channel order, or describe the network with {command('describemodel')}.",
            )
        # without a word about the channels the listed bands are the best guess, if they are as many
        bands = bands if len(bands) == count else unnamed_bands(count)
        entries = [b.name for b in bands]
    if not 1 <= len(entries) <= MOST_BANDS:
        raise LulcError(f"Its input has {len(entries)} bands; 1 to {MOST_BANDS} can be fed.")
    if count is not None and count != len(entries):
        raise LulcError(f"Its input names {len(entries)} bands, but its shape has {count} channels.")
    return entries, bands


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


# ---------------------------------------------------------------- bands


def listed_bands(item: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[ModelBand, ...]:
    """All bands that are described, in the order of the first list that names them, put together by their names.

    Raises:
        LulcError: a list is none, or an entry of it makes no sense.
    """
    merged: dict[str, dict[str, Any]] = {}
    for place in (properties, *assets_of(item)):
        for key in _BAND_LISTS:
            for entry in json_values.entries(place, key, MOST_BANDS, required=False):
                name = json_values.text(entry.get("name"), "the name of a band")
                known = merged.setdefault(name, {})
                for field, value in entry.items():
                    if value is not None:
                        # the first list wins; `scale` and `offset` lost their prefix only inside raster:bands
                        prefix = "raster:" if key == "raster:bands" and field in ("scale", "offset") else ""
                        known.setdefault(prefix + field, value)
    if len(merged) > MOST_BANDS:
        raise LulcError(f"It describes {len(merged)} bands; at most {MOST_BANDS} make sense.")
    return tuple(_band(data) for data in merged.values())


def unnamed_bands(count: int) -> tuple[ModelBand, ...]:
    """Bands of a network of which only their number and order are known."""
    return tuple(ModelBand(f"channel_{i}", description=f"Channel {i}") for i in range(1, count + 1))


def assets_of(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The item's assets, those that are the model first."""
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return []
    described = [a for a in list(assets.values())[:_MOST_ASSETS] if isinstance(a, Mapping)]

    def is_other(asset: Mapping[str, Any]) -> bool:
        roles = asset.get("roles")
        return not isinstance(roles, list) or "mlm:model" not in roles

    return sorted(described, key=is_other)


def _band(data: Mapping[str, Any]) -> ModelBand:
    def either(field: str) -> Any:
        return data.get(f"eo:{field}", data.get(field))

    name = json_values.text(data.get("name"), "the name of a band")
    return ModelBand(
        name=name,
        common_name=json_values.optional_text(either("common_name") or None, "common_name"),
        wavelength=_wavelength(either("center_wavelength"), name),
        width=_width(either("full_width_half_max"), name),
        description=json_values.short_text(data.get("description")),
        scale=json_values.number(data.get("raster:scale"), "raster:scale"),
        offset=json_values.number(data.get("raster:offset"), "raster:offset"),
        data_type=json_values.optional_text(data.get("data_type"), "data_type"),
    )


def _wavelength(value: Any, name: str) -> float | None:
    centre = json_values.number(value, "center_wavelength")
    if centre is not None and not any(low <= centre <= high for low, high in _WAVELENGTHS):
        raise LulcError(
            f"'eo:center_wavelength' of band {name[:50]!r} is {centre:g} micrometres, which no sensor sees.",
            "Correct it in the description, in micrometres (0.49 for 490 nm), or leave it out.",
        )
    return centre


def _width(value: Any, name: str) -> float | None:
    width = json_values.number(value, "full_width_half_max")
    if width is not None and not 0 <= width <= _WAVELENGTHS[-1][1]:
        raise LulcError(
            f"'eo:full_width_half_max' of band {name[:50]!r} is {width:g} micrometres, no width of a band.",
            "Correct it in the description, in micrometres, or leave it out.",
        )
    return width


# ---------------------------------------------------------------- scaling


def channel_steps(data: Mapping[str, Any], count: int) -> tuple[tuple[Steps, ...], tuple[str, ...]]:
    """Steps of our closed set for each of `count` channels of an entry of `mlm:input`, and what to warn of.

    Raises:
        LulcError: the lists have another length, or something is asked for that is never executed here.
    """
    first = _preprocessing(data.get("pre_processing_function"))
    scalings = data.get("value_scaling")
    warnings: tuple[str, ...] = ()
    if scalings is None and (data.get("norm_type") or data.get("norm_clip")):
        steps, warnings = _old_scaling(data, count)
    else:
        if isinstance(scalings, Mapping):
            scalings = [scalings]
        scalings = scalings or [None]
        if not isinstance(scalings, list) or len(scalings) not in (1, count):
            raise LulcError(f"'value_scaling' has {len(scalings)} entries for {count} channels.")
        steps = [_scaling_steps(s) for s in scalings]
        if len(steps) == 1:
            steps = steps * count
    return tuple(first + s for s in steps), warnings


def _preprocessing(function: Any) -> Steps:
    """Steps of `pre_processing_function`: an object or a list of them; only our own format can be run."""
    steps: Steps = ()
    for entry in function if isinstance(function, list) else [function]:
        if not entry:
            continue
        if not isinstance(entry, Mapping) or entry.get("format") != "lulc":
            shown = entry.get("expression") if isinstance(entry, Mapping) else entry
            kind = entry.get("format") if isinstance(entry, Mapping) else None
            raise LulcError(
                f"It wants a pre-processing of format {str(kind)[:50]!r}, which is never executed here:"
                f" {str(shown)[:200]!r}.",
                _HINT,
            )
        steps += steps_from_json(entry.get("expression"))
    return steps


def _scaling_steps(data: Any) -> Steps:
    if data is None or (isinstance(data, Mapping) and data.get("type") is None):
        return ()
    if not isinstance(data, Mapping):
        raise LulcError("A 'value_scaling' entry is not an object.")
    kind = data.get("type")
    if kind == "processing":
        if data.get("format") != "lulc":
            raise LulcError(
                f"It wants a scaling of format {str(data.get('format'))[:50]!r}, which is never executed here:"
                f" {str(data.get('expression'))[:200]!r}.",
                _HINT,
            )
        return steps_from_json(data.get("expression"))
    if kind in ("clip-min", "clip-max"):
        key = "minimum" if kind == "clip-min" else "maximum"
        return steps_from_json({"op": "clip", key: data.get(key)})
    if kind not in _OPERATIONS:
        raise LulcError(f"Scaling {str(kind)[:50]!r} is unknown; known are {', '.join(sorted(_OPERATIONS))}.", _HINT)
    steps = steps_from_json({"op": kind, **{k: v for k, v in data.items() if k != "type" and json_values.is_number(v)}})
    return () if steps == (Step.of("scale", value=1),) else steps


def _old_scaling(data: Mapping[str, Any], count: int) -> tuple[list[Steps], tuple[str, ...]]:
    """The way of MLM 1.0 to 1.3: `norm_type`, `norm_by_channel`, `norm_clip` and `statistics`."""
    kind = data.get("norm_type") or "clip"
    if kind == "clip":
        divisors = data.get("norm_clip")
        if not isinstance(divisors, list) or len(divisors) not in (1, count):
            given = len(divisors) if isinstance(divisors, list) else "no"
            raise LulcError(f"'norm_clip' has {given} entries for {count} channels.")
        unit = Step.of("clip", minimum=0, maximum=1)
        clipped = [(*steps_from_json({"op": "scale", "value": d}), unit) for d in divisors]
        return (clipped * count if len(clipped) == 1 else clipped), ()
    if kind not in _OLD_FIELDS:
        raise LulcError(f"It wants the normalisation {str(kind)[:50]!r}, which cannot be done here.", _HINT)
    statistics = json_values.entries(data, "statistics", max(count, 1))
    if len(statistics) not in (1, count):
        raise LulcError(f"'statistics' has {len(statistics)} entries for {count} channels.")
    fields = _OLD_FIELDS[kind]
    steps = [steps_from_json({"op": kind, **{f: s.get(f) for f in fields}}) for s in statistics]
    warnings: tuple[str, ...] = ()
    if len(steps) > 1 and data.get("norm_by_channel") is False:
        warnings = (
            "Its description says that all channels are normalised alike, but lists statistics of each channel;"
            " those of each channel are used.",
        )
    return (steps * count if len(steps) == 1 else steps), warnings


# ---------------------------------------------------------------- axes and shapes, also of outputs


def axes_of(words: Any, what: str) -> tuple[str, ...]:
    """Axes `N`, `C`, `H`, `W` of a `dim_order` (classes count as C); NCHW when nothing is given.

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
    """Lengths of `count` axes; None where free or not given.

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
            raise LulcError(f"'shape' of its {what} holds {str(length)[:30]}, which is not a length of an axis.")
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
