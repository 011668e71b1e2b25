# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and figures from `results/NAME.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .plans import Plan

FIGURES = Path(__file__).parent.parent / "figures"


def by_variant(results: Mapping[str, Any], plan: Plan) -> dict[str, list[Mapping[str, Any]]]:
    """Variant → its finished runs, in the order of the plan."""
    runs = results["runs"]
    found = {v.label: [runs[k] for s in plan.seeds if (k := f"{v.label} / {s}") in runs] for v in plan.variants}
    return {label: members for label, members in found.items() if members}


def table(path: Path, plan: Plan) -> str:
    """Markdown: a line a variant, mean over seeds and their range, for each set that was checked."""
    results = by_variant(json.loads(path.read_text(encoding="utf-8")), plan)
    sets = list(dict.fromkeys(name for runs in results.values() for run in runs for name in run["sets"]))
    header = ["", "M parameters", "steps", "seeds", *(f"{name}: OA / mIoU" for name in sets)]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for label, runs in results.items():
        cells = [label, f"{runs[0]['parameters'] / 1e6:.2f}", str(runs[0]["steps"]), str(len(runs))]
        for name in sets:
            there = [run["sets"][name] for run in runs if name in run["sets"]]
            cells.append(f"{_spread(there, 'overall')} / {_spread(there, 'miou')}" if there else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(runs: Sequence[Mapping[str, float]], key: str) -> str:
    values = [run[key] for run in runs]
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f}–{max(values):.3f})"


def sparse_figure(path: Path, plan: Plan, target: Path) -> None:
    """Mean IoU and overall accuracy against the number of labelled pixels an image."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    results = by_variant(json.loads(path.read_text(encoding="utf-8")), plan)
    figure, axis = pyplot.subplots(figsize=(6, 3.8), layout="constrained")
    at = range(len(results))
    for key, name, style in (("overall", "overall accuracy", "o-"), ("miou", "mean IoU", "s--")):
        values = [[next(iter(run["sets"].values()))[key] for run in runs] for runs in results.values()]
        means = [float(np.mean(v)) for v in values]
        (drawn,) = axis.plot(at, means, style, label=name)
        axis.vlines(at, [min(v) for v in values], [max(v) for v in values], colors=drawn.get_color(), alpha=0.5)
        for x, mean in zip(at, means, strict=True):
            axis.annotate(f"{mean:.2f}", (x, mean), textcoords="offset points", xytext=(6, 6), fontsize=9)
    axis.set_xticks(list(at), [f"{k}\n({runs[0]['labelled_pixels']:,} in all)" for k, runs in results.items()])
    axis.set(xlabel="labelled pixels an image", ylabel="validation places", ylim=(0, 1))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
