# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sidecar says of a scored data set beside its scores: places, baseline, other networks, other light.

Everything comes from the content of `scores.json`. `lulc_plugin.report.card` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.assess import accuracy

from ..maps import SURROUNDED, reference_dice, reference_miou

Counts = npt.NDArray[np.int64]
Table = Mapping[str, Any]
_ORDER = ("test", "all", "evaluation", "val", "train")
_SUBSETS = {"test": "test", "val": "validation", "train": "training"}


def pooled(places: Table) -> Counts:
    """Confusion matrix of all places together, rows map."""
    return np.sum([np.array(m, np.int64) for m in places.values()], axis=0)


def short(value: float | None, decimals: int = 6) -> float | None:
    """A number as the sidecar keeps it; None for what is not defined."""
    return None if value is None or not np.isfinite(value) else round(float(value), decimals)


def in_order(scores: Table) -> list[str]:
    """Keys of the sets: test first, then what nobody trains on, then what chose the network; teachers' labels last."""
    sets = scores["sets"]

    def rank(key: str) -> tuple[bool, int]:
        split = key.partition("/")[2]
        return bool(sets[key]["teacher"]), _ORDER.index(split) if split in _ORDER else len(_ORDER)

    return sorted((k for k in sets if sets[k]["places"]), key=rank)


def main_sets(scores: Table) -> list[str]:
    """Sets that say most: the split that was kept (validation in a rehearsal), labels of their own."""
    kept = "val" if scores["rehearsal"] else "test"
    return [
        k for k in in_order(scores)
        if k.endswith(f"/{kept}") and not scores["sets"][k]["teacher"] and not scores["sets"][k]["evaluation_only"]
    ]  # fmt: skip


def details(scores: Table, key: str) -> dict[str, Any]:
    """The fields of an entry of `lulc:accuracy` that go beyond its scores; empty ones are left out.

    Args:
        scores: content of `scores.json`.
        key: `SET/SPLIT`.
    """
    entry = scores["sets"][key]
    split = key.partition("/")[2]
    # a teacher's labels and sets for evaluation have their own split in the sidecar; this says which part it was
    own_split = entry["teacher"] or entry["evaluation_only"]
    fields = {
        "names": list(entry["names"]),
        "subset": _SUBSETS.get(split, "") if own_split else "",
        "place_count": len(entry["places"]),
        "mean_dice": short(reference_dice(pooled(entry["places"]))),
        "variants": _variants(entry),
        "places": _places(scores, key) if key in main_sets(scores) else [],
        "baseline": _baseline(scores, key),
        "compared": [
            {"name": other, **_difference(sets[key])} for other, sets in scores["compared"].items() if key in sets
        ],
        "radiometry": [
            {"name": name, **_measures(np.array(counts, np.int64), ("overall_accuracy", "miou"))}
            for name, counts in scores["robustness"].get(key, {}).items()
        ],
        "notes": _notes(scores, key),
    }
    return {name: value for name, value in fields.items() if value}


def _measures(counts: Counts, names: tuple[str, ...]) -> dict[str, float | None]:
    result = accuracy(counts)
    values = {
        "overall_accuracy": result.overall,
        "kappa": result.kappa,
        "macro_f1": result.macro_f1,
        "miou": reference_miou(counts),
        "mean_dice": reference_dice(counts),
    }
    return {name: short(values[name]) for name in names}


def _variants(entry: Table) -> list[dict[str, Any]]:
    """Rows for other surroundings, for pictures, and for maps that do not follow the edges of their image."""
    kinds = (
        ("surrounded", f"{SURROUNDED} pixels reflected around each chip"),
        ("pictures", "shown as stretched pictures (a place is the layer)"),
    )
    bare = entry.get("unsmoothed")
    found = [(name, entry[kind]) for kind, name in kinds if entry.get(kind)]
    found += [("without smoothing", bare["places"])] if bare else []
    names = ("overall_accuracy", "kappa", "macro_f1", "miou", "mean_dice")
    rows = []
    for name, places in found:
        counts = pooled(places)
        rows.append({"name": name, "places": len(places), "pixels": int(counts.sum()), **_measures(counts, names)})
    return rows


def _places(scores: Table, key: str) -> list[dict[str, Any]]:
    """Each place: pixels, what it mostly is, overall accuracy and mean IoU, and the forest's overall accuracy."""
    entry, forest = scores["sets"][key], scores["forest"].get(key)
    rows = []
    for place, plain in sorted(entry["places"].items()):
        counts = np.array(plain, np.int64)
        if not counts.sum():
            continue
        shares = counts.sum(axis=0) / counts.sum()
        mostly = ", ".join(f"{entry['names'][i]} {shares[i]:.0%}" for i in np.argsort(-shares)[:2] if shares[i] > 0)
        row = {"name": place, "pixels": int(counts.sum()), "mostly": mostly}
        row.update(_measures(counts, ("overall_accuracy", "miou")))
        if forest:
            row["baseline"] = short(accuracy(np.array(forest["places"][place])).overall)
        rows.append(row)
    return rows


def _baseline(scores: Table, key: str) -> dict[str, Any]:
    """The random forest on the same data; empty where none was made."""
    forest = scores["forest"].get(key)
    if not forest:
        return {}
    counts = pooled(forest["places"])
    fields: dict[str, Any] = {"name": "random forest", **_measures(counts, ("overall_accuracy", "miou"))}
    fields["iou"] = [short(c.iou) for c in accuracy(counts).classes]
    fields["difference"] = _difference(forest["difference"])
    if forest.get("difference_surrounded"):
        fields["surrounded"] = _difference(forest["difference_surrounded"])
    return fields


def _difference(interval: list[float | None]) -> dict[str, float | None]:
    """A difference of mean IoU with its interval, where there are enough places for one."""
    value, low, high = interval
    return {"difference": short(value), "low": short(low), "high": short(high)}


def _notes(scores: Table, key: str) -> list[str]:
    entry = scores["sets"][key]
    notes = []
    coarse = [f"“{name}”" for name in entry["names"] if " / " in name]
    if coarse and not entry["teacher"]:
        notes.append(
            f"Labels of this set are coarser than the map: {' and '.join(coarse)} is right if the map says any class of"
            " it."
        )
    notes += _shape(entry)
    if entry["evaluation_only"]:
        name = key.partition("/")[0]
        notes.append(f"Never trained on, never chosen by. {entry['credit'].rstrip('.')}.")
        notes.append(f"The set's classes are translated as training/sets/{name}.toml says.")
        if len(entry["places"]) == 1:
            notes.append("One place says little about others.")
    return notes


def _shape(entry: Table) -> list[str]:
    """A sentence about the borders and the small patches of the maps."""
    bare = entry.get("unsmoothed") or {}
    kinds = (
        ("boundary_f1", "F1 of borders within one pixel", 3),
        ("small_patches_km2", "patches below 4 pixels a km²", 2),
    )
    parts = []
    for kind, words, digits in kinds:
        values = [(table.get("shape") or {}).get(kind) for table in (entry, bare)]
        if values[0] is not None:
            without = "" if values[1] is None else f" (without smoothing {values[1]:.{digits}f})"
            parts.append(f"{words} {values[0]:.{digits}f}{without}")
    text = "; ".join(parts)
    return [f"{text[0].upper()}{text[1:]}."] if text else []


def worst_place(scores: Table, key: str) -> tuple[str, float, str] | None:
    """Place of a set with the lowest overall accuracy, that accuracy, and its largest class; None with one place."""
    entry = scores["sets"][key]
    judged = []
    for place, plain in entry["places"].items():
        counts = np.array(plain, np.int64)
        if counts.sum():
            judged.append((accuracy(counts).overall, place, entry["names"][int(counts.sum(axis=0).argmax())]))
    if len(judged) < 2:
        return None
    overall, place, mostly = min(judged)
    return place, overall, mostly
