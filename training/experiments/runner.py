# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the variants of an experiment, keeps their scores, and makes tables and figures of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lulc_plugin.assess import accuracy

from .. import recipe as recipes
from ..maps import place_matrices, reference_miou, total_counts
from ..networks.measurement import parameter_count
from ..train import checkpoint, loop
from ..train.training_data import TrainingData, load_training_data
from ..train.validation import mapper
from .plans import Plan, Variant

CONFIGS = Path(__file__).parent.parent / "configs"
RESULTS = Path(__file__).parent.parent / "results"


def run(name: str, plan: Plan, root: Path, runs: Path, cache: Path, only: str = "") -> Path:
    """Train what is missing of a plan and write `results/NAME.json`.

    The last, averaged weights of a run are scored: choosing a step by the same places would flatter it.
    """
    path = RESULTS / f"{name}.json"
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for variant in plan.variants:
        if only and only != variant.label:
            continue
        for seed in plan.seeds:
            key = f"{variant.label} / {seed}"
            if key in kept.get("runs", {}):
                continue
            result = _one(name, variant, seed, root, runs, cache)
            # another process may have written meanwhile
            kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            kept.update(question=plan.question)
            kept.setdefault("runs", {})[key] = result
            RESULTS.mkdir(exist_ok=True)
            path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _one(name: str, variant: Variant, seed: int, root: Path, runs: Path, cache: Path) -> dict[str, Any]:
    """Train one run, or go on with it, and score it."""
    recipe = recipes.read(CONFIGS / variant.recipe, {**variant.changes, "run.seed": seed})
    chips = load_training_data(recipe, root, cache)
    safe = "".join(c if c.isalnum() else "-" for c in variant.label)
    folder = runs / name / f"{safe}-s{seed}"
    loop.run(recipe, chips, folder)
    return scored(folder / "last.pt", chips)


def scored(path: Path, chips: TrainingData) -> dict[str, Any]:
    """Scores of a checkpoint on the held-out chips of its run."""
    network, recipe, state = checkpoint.load(path)
    maps = mapper(recipe, network, state["fill"])
    sets = {}
    for name, members in chips.checks.items():
        places = place_matrices(maps, members)
        counts = total_counts(places)
        result = accuracy(counts)
        sets[name] = {
            "overall": round(result.overall, 4),
            "miou": round(reference_miou(counts), 4),
            "iou": [None if c.iou is None else round(c.iou, 4) for c in result.classes],
            "places": {place: np.asarray(m).tolist() for place, m in places.items()},
        }
    return {
        "sets": sets,
        "parameters": parameter_count(network),
        "steps": state["step"],
        "seconds": round(state["seconds"]),
        "labelled_pixels": int(sum(int((c.labels > 0).sum()) for c in chips.training[0])),
    }


FIGURES = Path(__file__).parent.parent / "figures"


def by_variant(results: Mapping[str, Any], plan: Plan) -> dict[str, list[Mapping[str, Any]]]:
    """Variant → its finished runs, in the order of the plan."""
    runs = results["runs"]
    finished = {v.label: [runs[k] for s in plan.seeds if (k := f"{v.label} / {s}") in runs] for v in plan.variants}
    return {label: members for label, members in finished.items() if members}


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
