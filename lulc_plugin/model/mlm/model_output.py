# SPDX-License-Identifier: GPL-3.0-or-later
"""The outputs of an MLM description: which makes the map, its classes, what its numbers are, its size and windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import LulcError
from ...legend import BACKGROUND_COLOUR, Legend, LegendClass, default_colour
from ..spec import ACTIVATIONS, Output, Window, usual_multiple
from . import json_values
from .model_input import axes_of, shape_of

_SEGMENTATION = {"segmentation", "semantic-segmentation"}
MOST_CLASSES = 4096
_MOST_SHIFT = 4096
_MOST_FEATURES = 65_536
#: parts of the input's height and width that an output may have; it is enlarged
FRACTIONS = (2, 4, 8, 16)
_CLASS_LISTS = ("classification:classes", "classification_classes", "classes")


@dataclass(frozen=True)
class OutputFacts:
    """What `mlm:output` says; `activation` of `output` is empty where it does not say what the numbers are."""

    output: Output
    legend: Legend
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def read_output(properties: Mapping[str, Any], layout: str, size: int | None) -> OutputFacts:
    """Understand `mlm:output`.

    Args:
        properties: of the description.
        layout: order of the input's axes.
        size: height and width of the input if they are fixed.

    Raises:
        LulcError: no output is a semantic segmentation, or it cannot make a map.
    """
    _check_tasks(properties.get("mlm:tasks"))
    outputs = json_values.entries(properties, "mlm:output", 32)
    main = _segmentation(outputs, properties)
    activation, threshold, warnings = _activation(main.get("post_processing_function"))
    name = json_values.text(main.get("name"), "mlm:output name")
    axes, shape = _result(main, name)
    classes = _classes(main)
    depth = shape[axes.index("C")] if "C" in axes else 1
    nodata = properties.get("lulc:output_nodata")
    plane = len(classes) <= 2 and (depth == 1 or (depth is None and len(classes) == 1))
    if plane:
        classes = two_classes(classes, nodata)
    elif depth is not None and depth != len(classes):
        raise LulcError(f"The output {name!r} has {depth} channels, but {len(classes)} classes are described.")
    if not plane and "".join(axes) != layout:
        raise LulcError(
            f"The input has its axes in the order {layout}, the output {name!r} in the order {''.join(axes)};"
            " only one order for both can be run.",
            "Export the network with the same order of axes on both sides.",
        )
    notes = []
    if len([o for o in outputs if _is_segmentation(o, properties)]) > 1:
        notes.append(f"The network has several outputs; the map is made of {name!r}")
    features = next((o for o in outputs if o.get("lulc:role") == "features" or o.get("name") == "features"), None)
    if features is main:
        features = None
    stated = json_values.number(properties.get("lulc:output_cut"), "lulc:output_cut")
    cut = _cut(axes, shape, size, name) if stated is None else int(stated)
    if not 0 <= cut <= 4096:
        raise LulcError(f"'lulc:output_cut' is {cut}, not within 0..4096.")
    output = Output(
        name,
        activation,
        None if features is None else json_values.text(features.get("name"), "features name"),
        0 if features is None else _feature_count(features),
        cut,
        plane,
        threshold,
        _shift(properties),
    )
    return OutputFacts(
        output,
        Legend.of(classes, nodata if isinstance(nodata, int) else None),
        (*warnings, *filter(None, (output.shift_warning,))),
        tuple(notes),
    )


def _shift(properties: Mapping[str, Any]) -> tuple[float, float]:
    """`lulc:output_shift`: rows and columns by which the scores lie aside."""
    data = properties.get("lulc:output_shift")
    if data is None:
        return 0.0, 0.0
    numbers = json_values.finite_numbers(data, 2)
    if numbers is None or max(map(abs, numbers)) > _MOST_SHIFT:
        raise LulcError(
            f"'lulc:output_shift' is {str(data)[:60]}, not rows and columns within ±{_MOST_SHIFT}.",
            "Correct it in the description, or leave it out.",
        )
    return numbers[0], numbers[1]


def _check_tasks(tasks: Any) -> None:
    """Refuse tasks of the model of which none is a segmentation; no task is refused either."""
    listed = [tasks] if isinstance(tasks, str) else tasks if isinstance(tasks, list) else []
    words = [task for task in listed if isinstance(task, str) and task]
    if words and not any(task.endswith("segmentation") and not task.startswith("instance") for task in words):
        raise LulcError(
            f"'mlm:tasks' names {len(words)} {'task' if len(words) == 1 else 'tasks'}, {', '.join(words)[:200]}, and no"
            " semantic segmentation.",
            "Only segmentation models make a map. Correct it in the description if the network is one:"
            " semantic-segmentation.",
        )


def _is_segmentation(output: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    tasks = output.get("tasks") or properties.get("mlm:tasks") or ()
    return isinstance(tasks, list) and any(isinstance(t, str) and t in _SEGMENTATION for t in tasks)


def _segmentation(outputs: list[Mapping[str, Any]], properties: Mapping[str, Any]) -> Mapping[str, Any]:
    for output in outputs:
        if output.get("lulc:role") != "features" and _is_segmentation(output, properties):
            return output
    tasks = [t for o in outputs for t in o.get("tasks") or properties.get("mlm:tasks") or () if isinstance(t, str)]
    names = ", ".join(dict.fromkeys(tasks))[:200] or "nothing"
    raise LulcError(
        f"None of the model's outputs is a semantic segmentation; it does {names}.",
        "Only segmentation models make a map.",
    )


def _result(main: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    result = json_values.mapping(main.get("result"), "result")
    axes = axes_of(result.get("dim_order"), f"output {name!r}")
    shape = shape_of(result.get("shape"), len(axes), f"output {name!r}")
    if not {"N", "H", "W"} <= set(axes):
        raise LulcError(
            f"The output {name!r} has the axes {', '.join(map(str, result.get('dim_order') or ()))[:100]}: one answer"
            " for a whole image, not one for each pixel.",
            "Only segmentation models make a map.",
        )
    kind = str(result.get("data_type") or "")
    if "C" not in axes and kind.startswith(("int", "uint")):
        raise LulcError(
            f"The output {name!r} holds finished classes ({kind}), not a score for each class; windows cannot be"
            " joined without seams.",
            "Export the network without its last argmax.",
        )
    return axes, shape


def _activation(function: Any) -> tuple[tuple[str, ...], float | None, tuple[str, ...]]:
    """Activation steps, threshold and warnings of `post_processing_function`: an object, a list of them, or null."""
    activation: list[str] = []
    threshold: float | None = None
    warnings: list[str] = []
    for entry in function if isinstance(function, list) else [function]:
        if not entry:
            continue
        if not isinstance(entry, Mapping) or entry.get("format") != "lulc":
            shown = entry.get("expression") if isinstance(entry, Mapping) else entry
            warnings.append(
                f"Its description wants the result processed further ({str(shown)[:200]}); that is never executed"
                " here, the class with the largest score is taken."
            )
            continue
        expression = entry.get("expression")
        steps = expression if isinstance(expression, list) else [expression]
        for step in steps[:16]:
            if isinstance(step, Mapping) and step.get("op") == "threshold":
                threshold = json_values.number(step.get("value"), "threshold")
            elif isinstance(step, str) and step in ACTIVATIONS:
                activation.append(step)
            elif step is not None:
                raise LulcError(f"Activation {str(step)[:50]!r} is none of {', '.join(ACTIVATIONS)}.")
    return tuple(activation), threshold, tuple(warnings)


def _classes(main: Mapping[str, Any]) -> list[LegendClass]:
    key = next((k for k in _CLASS_LISTS if k in main), _CLASS_LISTS[0])
    classes: list[LegendClass] = []
    for entry in json_values.entries(main, key, MOST_CLASSES):
        value = entry.get("value")
        if not isinstance(value, int):
            raise LulcError(f"A class has the value {str(value)[:50]!r}, not a whole number.")
        label = entry.get("title") or entry.get("description") or entry.get("name") or f"class {value}"
        colour = _colour(entry.get("color_hint")) or default_colour(len(classes), str(entry.get("name") or ""))
        classes.append(LegendClass(value, str(label)[:200], colour))
    return classes


def _colour(hint: Any) -> str:
    """`#RRGGBB` of six hexadecimal digits or of a list of red, green and blue; empty for nothing."""
    if isinstance(hint, list) and len(hint) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in hint):
        return "#{:02X}{:02X}{:02X}".format(*hint)
    return f"#{str(hint).lstrip('#')}" if hint else ""


def two_classes(classes: list[LegendClass], nodata: Any = None) -> list[LegendClass]:
    """The two classes of a single plane of scores: background first, then the class that the score belongs to."""
    if len(classes) == 2:
        return classes
    (only,) = classes
    free = next(value for value in (0, 1, 2) if value not in (only.value, nodata))
    return [LegendClass(free, "background", BACKGROUND_COLOUR), only]


def _cut(axes: tuple[str, ...], shape: tuple[int | None, ...], size: int | None, name: str) -> int:
    """Pixels that the output lacks on each side, where both sizes are known."""
    height, width = shape[axes.index("H")], shape[axes.index("W")]
    if size is None or height is None or width is None or (height == size and width == size):
        return 0
    if height == width and any(height * part == size for part in FRACTIONS):
        return 0
    return centred_cut(size, height, width, name)


def centred_cut(size: int, height: int, width: int, name: str) -> int:
    """Pixels that an output of `height` × `width` lacks on each side of an input of `size` × `size`.

    Raises:
        LulcError: it is larger, or not centred.
    """
    if height != width or height > size or (size - height) % 2:
        raise LulcError(
            f"The output {name!r} has {height} × {width} pixels for an input of {size} × {size}; it cannot be centred"
            " on it.",
            "The output must be as large as the input, smaller by the same even number of pixels both ways, or a half,"
            " a quarter, an eighth or a sixteenth of it.",
        )
    return (size - height) // 2


def read_window(properties: Mapping[str, Any], fixed: int | None, cut: int) -> Window:
    """Windows of `lulc:window`, or usual ones.

    Args:
        properties: of the description.
        fixed: height and width of the input if they are fixed.
        cut: pixels that the output lacks on each side.

    Raises:
        LulcError: another size than the only one, or an impossible length.
    """
    data = json_values.mapping(properties.get("lulc:window"), "lulc:window")
    size = _length(data, "size") or fixed or 512
    if fixed is not None and size != fixed:
        raise LulcError(
            f"Its input takes windows of {fixed} × {fixed} pixels only, 'lulc:window' says {size}.",
        )
    multiple = _length(data, "multiple") or usual_multiple(fixed)
    margin = json_values.number(data.get("margin"), "window margin")
    return Window(
        size=size,
        multiple=multiple,
        minimum=_length(data, "minimum") or fixed or multiple,
        receptive_field=int(json_values.number(data.get("receptive_field"), "receptive field") or 0),
        margin=max(cut, min(64, size // 8) if margin is None else int(margin)),
    )


def _length(data: Mapping[str, Any], key: str) -> int | None:
    """A length of `lulc:window` in whole pixels, None where it is not given.

    Raises:
        LulcError: it is below 1, or no whole number.
    """
    value = json_values.number(data.get(key), f"window {key}")
    if value is None:
        return None
    if value < 1 or not value.is_integer():
        raise LulcError(
            f"'lulc:window' is impossible: its {key} is {value:g}, not a whole number of pixels from 1 on.",
            f"Correct it in the description, or leave the {key} out.",
        )
    return int(value)


def _feature_count(features: Mapping[str, Any]) -> int:
    shape = json_values.mapping(features.get("result"), "result").get("shape") or [0, 0]
    count = shape[1] if isinstance(shape, list) and len(shape) > 1 else 0
    return count if isinstance(count, int) and 0 <= count <= _MOST_FEATURES else 0
