# SPDX-License-Identifier: GPL-3.0-or-later
"""How an MLM description scales the channels, in the words of every version, as steps of our closed set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import LulcError
from ...raster import Step, Steps, steps_from_json
from . import json_values

_OPERATIONS = {"min-max", "z-score", "clip", "offset", "scale"}
_HINT = "Write the scaling as value_scaling of the type processing and the format lulc (docs/foreign-models.md)."
_OLD_FIELDS = {"min-max": ("minimum", "maximum"), "z-score": ("mean", "stddev")}


def channel_steps(data: Mapping[str, Any], count: int) -> tuple[tuple[Steps, ...], tuple[str, ...]]:
    """Steps of each of `count` channels of an entry of `mlm:input`, and what to warn of.

    Raises:
        LulcError: the lists have another length, or something is asked for that is never executed here.
    """
    first = _before(data.get("pre_processing_function"))
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
        steps = [_steps(s) for s in scalings]
        if len(steps) == 1:
            steps = steps * count
    return tuple(first + s for s in steps), warnings


def _before(function: Any) -> Steps:
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


def _steps(data: Any) -> Steps:
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
