# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores as CSV and Markdown: train, validation and test side by side, each class, each place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lulc_plugin.assess import accuracy
from lulc_plugin.report.csv_lines import csv_line

from ..maps import Counts, reference_dice, reference_miou, total_counts
from .robustness import AS_IT_IS
from .split_scores import matrices_of

Scores = Mapping[str, Any]

#: Measures of the table that has splits side by side.
MEASURES = ("OA", "Kappa", "macro P", "macro R", "macro F1", "mIoU", "Dice")
_NOTE = (
    "OA is overall accuracy. Macro figures are means over the classes that map or reference has; mIoU and Dice (mean"
    " F1) are over the classes that the reference has, so that all maps are averaged over the same ones. P is user's"
    " accuracy (precision), R producer's accuracy (recall), Kappa of a class that against all others. A set marked * is"
    " compared with a teacher's answer, not with truth."
)


def measures(counts: Counts) -> dict[str, float | None]:
    """The measures of one matrix."""
    result = accuracy(counts)
    macro = (result.macro.users, result.macro.producers, result.macro_f1)
    values = (result.overall, result.kappa, *macro, reference_miou(counts), reference_dice(counts))
    return dict(zip(MEASURES, values, strict=True))


def total(entry: Scores) -> Counts:
    """The matrix of all places of an entry of `sets` or `forest`."""
    return total_counts(matrices_of(entry["places"]))


def write(tables: Sequence[Scores], folder: Path) -> None:
    """Write `scores.csv`, `classes.csv`, `places.csv` and `summary.md` of the scores of some networks."""
    _csv(folder / "scores.csv", _score_rows(tables))
    _csv(folder / "classes.csv", _class_rows(tables))
    _csv(folder / "places.csv", _place_rows(tables))
    (folder / "summary.md").write_text(summary_text(tables), encoding="utf-8")


def _csv(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = [csv_line(rows[0] if rows else ())]
    lines += [csv_line(round(v, 5) if isinstance(v, float) else v for v in row.values()) for row in rows]
    path.write_bytes("".join(lines).encode("utf-8"))


def _entries(tables: Sequence[Scores]) -> list[tuple[str, str, str, Scores]]:
    return [(table["network"], *key.rsplit("/", 1), entry) for table in tables for key, entry in table["sets"].items()]


def _score_rows(tables: Sequence[Scores]) -> list[dict[str, Any]]:
    return [
        {
            "network": network, "set": name, "split": split, "teacher": "yes" if entry["teacher"] else "no",
            "chips": entry["chips"], "places": len(entry["places"]), "pixels": int(total(entry).sum()),
            **measures(total(entry)),
        }
        for network, name, split, entry in _entries(tables)
    ]  # fmt: skip


def _class_rows(tables: Sequence[Scores]) -> list[dict[str, Any]]:
    return [
        {
            "network": network, "set": name, "split": split, "class": title, "reference_pixels": int(c.reference),
            "P": c.users, "R": c.producers, "F1": c.f1, "IoU": c.iou, "Kappa": c.kappa,
        }
        for network, name, split, entry in _entries(tables)
        for title, c in zip(entry["names"], accuracy(total(entry)).classes, strict=True)
    ]  # fmt: skip


def _place_rows(tables: Sequence[Scores]) -> list[dict[str, Any]]:
    return [
        {
            "network": network, "set": name, "split": split, "place": place, "pixels": int(counts.sum()),
            **measures(counts),
        }
        for network, name, split, entry in _entries(tables)
        for place, counts in matrices_of(entry["places"]).items()
        if counts.any()
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def side_by_side(tables: Sequence[Scores]) -> str:
    """Each set and network a line, each measure with one column a split."""
    entries = _entries(tables)
    usual = ("train", "val", "test")
    present = list(dict.fromkeys(split for _, _, split, _ in entries))
    splits = [s for s in usual if s in present] + [s for s in present if s not in usual]
    lines: dict[tuple[str, str], dict[str, Scores]] = {}
    for network, name, split, entry in entries:
        lines.setdefault((name + ("*" if entry["teacher"] else ""), network), {})[split] = entry
    header = ["set", "network", *(f"{m} {s}" for m in MEASURES for s in splits)]
    rows = []
    for (name, network), of_split in lines.items():
        values = {split: measures(total(entry)) for split, entry in of_split.items()}
        cells = [_number(values[s][m]) if s in values else "" for m in MEASURES for s in splits]
        rows.append([name, network, *cells])
    return grid(header, rows)


def summary_text(tables: Sequence[Scores]) -> str:
    """Everything in Markdown."""
    parts = ["# Evaluation", "Rows of every matrix are the map, columns the reference. " + _NOTE, side_by_side(tables)]
    if any(table["rehearsal"] for table in tables):
        parts.insert(1, "**A rehearsal on validation places, not a release.**")
    parts += _differences(tables)
    parts += _calibrations(tables)
    for table in tables:
        parts.append(f"## {table['network']}")
        for key, entry in table["sets"].items():
            parts += [f"### {key}", f"{entry['title']}. {entry['credit']}", *_one(table, key, entry)]
        for key, conditions in table["robustness"].items():
            parts += [f"### {key}: changed radiometry", _robust(conditions)]
    return "\n\n".join(parts) + "\n"


def _one(table: Scores, key: str, entry: Scores) -> list[str]:
    classes = accuracy(total(entry)).classes
    forest = table["forest"].get(key)
    header = ["class", "reference pixels", "P", "R", "F1", "IoU", "Kappa"]
    rows = [
        [n, f"{c.reference:.0f}", *map(_number, (c.users, c.producers, c.f1, c.iou, c.kappa))]
        for n, c in zip(entry["names"], classes, strict=True)
    ]
    if forest is not None:
        header.append("IoU of the forest")
        theirs = accuracy(total(forest)).classes
        rows = [[*row, _number(c.iou)] for row, c in zip(rows, theirs, strict=True)]
    out = [grid(header, rows)]
    variants = {"as they are": entry["places"], "amid reflected surroundings": entry["surrounded"],
                "as pictures": entry["pictures"]}  # fmt: skip
    bare = entry.get("unsmoothed")
    if bare:
        variants["without smoothing"] = bare["places"]
    seen = {name: total_counts(matrices_of(m)) for name, m in variants.items() if m is not None}
    if len(seen) > 1:
        rows = [[name, *(_number(v) for v in measures(counts).values())] for name, counts in seen.items()]
        out.append(grid(["chips", *MEASURES], rows))
    shapes = {"as they are": entry.get("shape"), "without smoothing": bare["shape"] if bare else None}
    rows = [[name, *(_number(s[k]) for k in ("boundary_f1", "small_patches_km2"))] for name, s in shapes.items() if s]
    if rows:
        out.append(grid(["maps", "F1 of borders, 1 pixel", "patches below 4 pixels a km²"], rows))
    places = []
    for place, counts in matrices_of(entry["places"]).items():
        if counts.any():
            shares = counts.sum(axis=0) / counts.sum()
            mostly = ", ".join(f"{entry['names'][i]} {shares[i]:.0%}" for i in np.argsort(-shares)[:2] if shares[i] > 0)
            values = measures(counts)
            places.append([place, f"{counts.sum()}", mostly, _number(values["OA"]), _number(values["mIoU"])])
    return [*out, grid(["place", "pixels", "mostly", "OA", "mIoU"], places)]


def with_and_without_smoothing(tables: Sequence[Scores]) -> str:
    """Markdown of all sets that were mapped with and without smoothing, two lines each."""
    parts = []
    for table in tables:
        rows = []
        for key, entry in table["sets"].items():
            if not entry.get("unsmoothed"):
                continue
            name, split = key.rsplit("/", 1)
            title = f"{name}{'*' if entry['teacher'] else ''} {split}"
            rows.append([title, "no", *_smoothing_cells(entry["unsmoothed"])])
            rows.append(["", "**yes**", *_smoothing_cells(entry)])
        header = ["set", "smoothed", "OA", "mIoU", "IoU of each class", "F1 of borders", "patches a km²"]
        if rows:
            parts += [f"## {table['network']}", grid(header, rows)]
    return "\n\n".join(parts)


def _smoothing_cells(entry: Scores) -> list[str]:
    counts, shape = total(entry), entry["shape"]
    values = measures(counts)
    ious = " ".join(_number(c.iou).removeprefix("0") if c.reference else "–" for c in accuracy(counts).classes)
    patches = shape["small_patches_km2"]
    return [
        _number(values["OA"]), _number(values["mIoU"]), ious, _number(shape["boundary_f1"]),
        "–" if patches is None else f"{patches:.1f}",
    ]  # fmt: skip


def _interval(figures: Sequence[float | None]) -> str:
    difference, low, high = figures
    if low is None or high is None:
        return f"{difference:+.3f}, too few places for an interval"
    verdict = "better" if low > 0 else "worse" if high < 0 else "no clear difference"
    return f"{difference:+.3f} ({low:+.3f} to {high:+.3f}), {verdict}"


def _differences(tables: Sequence[Scores]) -> list[str]:
    rows = [
        [table["network"], "forest", key, _interval(entry["difference"])]
        for table in tables
        for key, entry in table["forest"].items()
    ]
    rows += [
        [table["network"], other, key, _interval(figures)]
        for table in tables
        for other, keys in table["compared"].items()
        for key, figures in keys.items()
    ]
    if not rows:
        return []
    text = "Difference in mean IoU with its 95 % interval over places drawn with replacement."
    return ["## Against others", text, grid(["network", "minus", "set", "mean IoU"], rows)]


def _calibrations(tables: Sequence[Scores]) -> list[str]:
    rows = []
    for table in tables:
        fitted = table["calibration"]
        if fitted is not None:
            rows += [
                [table["network"], f"{fitted['temperature']:g}", key, _number(before), _number(fitted["after"][key])]
                for key, before in fitted["before"].items()
            ]
    if not rows:
        return []
    text = "One temperature a network, fitted on validation places, each set counting alike (ECE: 15 bins)."
    header = ["network", "temperature", "set", "ECE before", "ECE after"]
    return ["## Calibration", text, grid(header, rows)]


def _robust(conditions: Mapping[str, Any]) -> str:
    start = reference_miou(np.array(conditions[AS_IT_IS]))
    rows = []
    for name, matrix in conditions.items():
        counts = np.array(matrix)
        values = measures(counts)
        rows.append([name, _number(values["OA"]), _number(values["mIoU"]), f"{reference_miou(counts) - start:+.3f}"])
    return grid(["condition", "OA", "mIoU", "change of mIoU"], rows)
