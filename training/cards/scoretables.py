# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the scores of a network, from the content of `scores.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.assess import accuracy

from ..maps import SURROUNDED, reference_miou
from . import markdown
from .markdown import count, number

Counts = npt.NDArray[np.int64]
Table = Mapping[str, Any]
_ORDER = ("test", "all", "evaluation", "val", "train")
_SPLITS = {"test": "test", "val": "validation", "train": "training", "all": "evaluation only"}


def pooled(matrices: Mapping[str, Any]) -> Counts:
    """All places together."""
    return np.sum([np.array(m, np.int64) for m in matrices.values()], axis=0)


def split_of(key: str) -> str:
    """What the split of `SET/SPLIT` is called."""
    split = key.partition("/")[2]
    return _SPLITS.get(split, split)


def in_order(scores: Table) -> list[str]:
    """Keys of the sets: test first, then what nobody trains on, then what chose the network; teachers' labels last."""
    sets = scores["sets"]

    def rank(key: str) -> tuple[bool, int]:
        split = key.partition("/")[2]
        return bool(sets[key]["teacher"]), _ORDER.index(split) if split in _ORDER else len(_ORDER)

    return sorted((k for k in sets if sets[k]["places"]), key=rank)


def main_sets(scores: Table) -> list[str]:
    """Sets that get tables of their own: the split that was kept (validation in a rehearsal), labels of their own."""
    kept = "val" if scores["rehearsal"] else "test"
    return [
        k for k in in_order(scores)
        if k.endswith(f"/{kept}") and not scores["sets"][k]["teacher"] and not scores["sets"][k]["evaluation_only"]
    ]  # fmt: skip


def outside_sets(scores: Table) -> list[str]:
    """Sets that nothing was trained on or chosen by."""
    return [k for k in in_order(scores) if scores["sets"][k]["evaluation_only"]]


def words(scores: Table, key: str) -> str:
    """`title, split` of a set; what its numbers and labels are."""
    entry = scores["sets"][key]
    said = [entry["title"] or key.partition("/")[0], f"**{split_of(key)}**"]
    if entry["teacher"]:
        said.append("against the teacher, not against truth")
    if entry["evaluation_only"]:
        said.append("never trained on")
    return ", ".join(said)


def headline(scores: Table) -> str:
    """One row a set and split, with rows for other surroundings and for pictures."""
    rows = []
    for key in in_order(scores):
        entry = scores["sets"][key]
        rows.append(_headline_row(words(scores, key), entry["places"]))
        for kind, said in (
            ("surrounded", f"… {SURROUNDED} pixels reflected around each chip"),
            ("pictures", "… shown as stretched pictures (a place is the layer)"),
        ):
            if entry.get(kind):
                rows.append(_headline_row(said, entry[kind]))
    header = ["data", "places", "pixels", "overall accuracy", "kappa", "macro F1", "mean IoU", "mean Dice"]
    return markdown.table(header, rows)


def _headline_row(said: str, places: Mapping[str, Any]) -> list[str]:
    counts = pooled(places)
    a = accuracy(counts)
    return [
        said, str(len(places)), count(a.total), number(a.overall), number(a.kappa), number(a.macro_f1),
        number(reference_miou(counts)), number(_dice(counts)),
    ]  # fmt: skip


def _dice(counts: Counts) -> float:
    hits, size = np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1)
    there = counts.sum(axis=0) > 0
    return float((2 * hits[there] / size[there]).mean())


def classes(scores: Table, key: str) -> str:
    """Each class of a set: user's and producer's accuracy, F1, IoU, and the IoU of the forest."""
    entry = scores["sets"][key]
    ours = accuracy(pooled(entry["places"]))
    forest = scores["forest"].get(key)
    theirs = accuracy(pooled(forest["places"])) if forest else None
    rows = []
    for i, (name, c) in enumerate(zip(entry["names"], ours.classes, strict=True)):
        if not c.reference and not np.any(pooled(entry["places"])[i]):
            continue
        row = [name, count(c.reference), number(c.users), number(c.producers), number(c.f1), number(c.iou)]
        rows.append(row + ([number(theirs.classes[i].iou)] if theirs else []))
    header = ["class", "reference pixels", "precision (user's)", "recall (producer's)", "F1", "IoU"]
    return markdown.table(header + (["IoU of the forest"] if theirs else []), rows)


def confusion(scores: Table, key: str) -> str:
    """The matrix of a set, rows map, columns reference."""
    entry = scores["sets"][key]
    rows = [
        [f"**{name}**", *map(count, row)]
        for name, row in zip(entry["names"], pooled(entry["places"]).tolist(), strict=True)
    ]
    return markdown.table(["map ↓ reference →", *entry["names"]], rows)


def places(scores: Table, key: str) -> str:
    """Each place of a set: pixels, what it mostly is, overall accuracy and mean IoU, and the forest's."""
    entry = scores["sets"][key]
    forest = scores["forest"].get(key)
    rows = []
    for place, plain in sorted(entry["places"].items()):
        counts = np.array(plain, np.int64)
        if not counts.sum():
            continue
        shares = counts.sum(axis=0) / counts.sum()
        main = ", ".join(f"{entry['names'][i]} {shares[i]:.0%}" for i in np.argsort(-shares)[:2] if shares[i] > 0)
        row = [place, count(counts.sum()), main, number(accuracy(counts).overall), number(reference_miou(counts))]
        rows.append(row + ([number(accuracy(np.array(forest["places"][place])).overall)] if forest else []))
    header = ["place", "pixels", "mostly", "overall accuracy", "mean IoU"]
    return markdown.table(header + (["overall accuracy of the forest"] if forest else []), rows)


def worst_place(scores: Table, key: str) -> tuple[str, float, str] | None:
    """Place of a set with the lowest overall accuracy, that accuracy, and its largest class; None with one place."""
    entry = scores["sets"][key]
    found = []
    for place, plain in entry["places"].items():
        counts = np.array(plain, np.int64)
        if counts.sum():
            found.append((accuracy(counts).overall, place, entry["names"][int(counts.sum(axis=0).argmax())]))
    if len(found) < 2:
        return None
    overall, place, mostly = min(found)
    return place, overall, mostly


def differences(scores: Table) -> list[str]:
    """The network against the forest, a sentence a set."""
    found = []
    for key, entry in scores["forest"].items():
        counts = pooled(entry["places"])
        title = scores["sets"][key]["title"]
        said = f"{title}, {split_of(key)}: forest OA {number(accuracy(counts).overall)}, mean IoU"
        said += f" {number(reference_miou(counts))}; network minus forest {interval(entry['difference'])}"
        said += f" over {_places(len(entry['places']))}; {_verdict(entry['difference'], 'the forest')}."
        if entry.get("difference_surrounded"):
            said += f" Amid reflected surroundings: {interval(entry['difference_surrounded'])}."
        found.append(said)
    return found


def compared(scores: Table) -> list[str]:
    """The network against other bundled ones, a sentence a set."""
    found = []
    for other, sets in scores["compared"].items():
        for key, difference in sets.items():
            if key not in scores["sets"]:
                continue
            entry = scores["sets"][key]
            found.append(
                f"{other}, {entry['title']}, {split_of(key)}: this network minus that one {interval(difference)} over"
                f" {_places(len(entry['places']))}; {_verdict(difference, 'the other')}."
            )
    return found


def interval(difference: list[float | None]) -> str:
    """Difference of mean IoU with its interval, where there are enough places for one."""
    d, low, high = difference
    if low is None:
        return f"{d:+.3f} mean IoU, without an interval"
    return f"{d:+.3f} mean IoU, 95 % interval {low:+.3f} to {high:+.3f}"


def _places(number_of: int) -> str:
    return f"{number_of} place{'s' if number_of > 1 else ''}"


def _verdict(difference: list[float | None], other: str) -> str:
    _, low, high = difference
    if low is None or high is None:
        return f"too few places to tell it apart from {other}"
    if low > 0:
        return f"the network beats {other}: the interval lies above 0"
    if high < 0:
        return f"{other} beats the network: the interval lies below 0"
    return f"not told apart from {other}: the interval includes 0"


def robustness(scores: Table) -> str:
    """Overall accuracy / mean IoU of each set under each change; empty where nothing was changed."""
    sets = [k for k in in_order(scores) if scores["robustness"].get(k)]
    if not sets:
        return ""
    conditions = list(dict.fromkeys(c for k in sets for c in scores["robustness"][k]))
    rows = []
    for condition in conditions:
        row = [condition]
        for key in sets:
            found = scores["robustness"][key].get(condition)
            counts = None if found is None else np.array(found, np.int64)
            row.append(
                "–" if counts is None else f"{number(accuracy(counts).overall)} / {number(reference_miou(counts))}"
            )
        rows.append(row)
    header = ["values", *(f"{scores['sets'][k]['title']}, {split_of(k)}" for k in sets)]
    return markdown.table(header, rows)
