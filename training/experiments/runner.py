# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the runs of a plan one after the other, and keep what they scored on validation places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lulc_plugin.assess import accuracy

from .. import recipe as recipes
from ..maps import place_matrices, reference_miou
from ..networks.measurement import parameter_count
from ..train import checkpoint, loop
from ..train.training_data import Material, material
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
    chips = material(recipe, root, cache)
    safe = "".join(c if c.isalnum() else "-" for c in variant.label)
    folder = runs / name / f"{safe}-s{seed}"
    loop.run(recipe, chips, folder)
    return scored(folder / "last.pt", chips)


def scored(path: Path, chips: Material) -> dict[str, Any]:
    """Scores of a checkpoint on the held-out chips of its run."""
    network, recipe, state = checkpoint.load(path)
    maps = mapper(recipe, network, state["fill"])
    sets = {}
    for name, members in chips.checks.items():
        places = place_matrices(maps, members)
        counts = sum(places.values())
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
