# SPDX-License-Identifier: GPL-3.0-or-later
"""What `python -m training.evaluate` does: networks in, a folder of tables, reports and pictures out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lulc_plugin.errors import LulcError

from .. import recipe as recipes
from ..recipe import Recipe
from . import calibration, figures, smoothing_choice, split_scores, summary
from .evaluated_networks import Subject, aligned, common, ensemble, kept, subject, without_smoothing
from .held_out import Part, evaluation_only, loader, named, of_recipe, require_unseen
from .network_scores import Loader, Looks, compared, headed, scores
from .random_forest import Baselines
from .split_scores import Scored


def evaluate(options: argparse.Namespace) -> Path:
    """Do what the command line says; the summary.

    Raises:
        LulcError: anything the user can mend.
    """
    if options.choose_smoothing:
        return _choose_smoothing(options)
    with TemporaryDirectory() as answers:
        return _evaluated(options, _subjects(options, Path(answers)))


def _evaluated(options: argparse.Namespace, subjects: list[Subject]) -> Path:
    recipe = recipes.read(options.config) if options.config else subjects[0].recipe
    first = subjects[0]
    root = _root(options, recipe)
    parts = _parts(options, root, recipe, first)
    for trained in {id(r): r for r in (recipe, *(s.recipe for s in subjects)) if r is not None}.values():
        require_unseen(parts, trained)
    if options.forest and recipe is None:
        raise LulcError("A forest learns on a recipe's training splits, but there is no recipe.", "Name one: --config.")
    chips = loader(first.bands, first.legend, recipe, root, options.cache)
    looks = _looks(options, recipe, first, chips, root)
    folder = options.out or Path("runs") / f"evaluation-{first.name}"
    folder.mkdir(parents=True, exist_ok=True)
    every: list[dict[str, Any]] = []
    results: dict[str, list[Scored]] = {}
    for one in subjects:
        print(f"{one.name}", flush=True)

        def so_far(table: dict[str, Any], name: str = one.name) -> None:
            summary.write([*every, headed(name, table, False, None)], folder)

        table, scored_parts = scores(one, parts, chips, looks, lambda text: print(f"  {text}", flush=True), so_far)
        own = folder / _file_name(one.name)
        own.mkdir(exist_ok=True)
        fitted = None if options.no_calibration else _calibrated(one, parts, chips, own)
        table = headed(one.name, table, False, fitted)
        for other in every:
            table["compared"][other["network"]] = compared(table, other)
        every.append(table)
        results[one.name] = scored_parts
        (own / "scores.json").write_text(json.dumps(table, indent=1), encoding="utf-8")
        for scored in scored_parts:
            split_scores.write_report(
                scored, chips(scored.part), one.legend, one.name, own / f"{_file_name(scored.part.key)}.html"
            )
    _pictures(results, parts, chips, subjects, options.chips, folder)
    if any(table["robustness"] for table in every):
        figures.robustness_chart(_robust(every), folder / "robustness.png")
    summary.write(every, folder)
    print(summary.side_by_side(every))
    return folder / "summary.md"


def _choose_smoothing(options: argparse.Namespace) -> Path:
    """Try smoothings on the splits by which the recipe chooses; the table."""
    networks = [subject(path, options.threads) for path in options.networks]
    recipe = recipes.read(options.config) if options.config else networks[0].recipe
    if recipe is None:
        raise LulcError(f"{networks[0].name} has no recipe whose [[check]] could choose.", "Name one: --config.")
    folder = options.out or Path("runs") / f"evaluation-{networks[0].name}"
    return smoothing_choice.choose(networks, recipe, _root(options, recipe), options.cache, folder)


def _root(options: argparse.Namespace, recipe: Recipe | None) -> Path:
    return recipes.data_folder(options.data, Path() if recipe is None else recipe.folder)


def _subjects(options: argparse.Namespace, answers: Path) -> list[Subject]:
    if options.threads:
        _limit(options.threads)
    subjects = [subject(path, options.threads) for path in options.networks]
    if options.no_smoothing:
        subjects = [without_smoothing(one) for one in subjects]
    if options.weights and not options.ensemble:
        raise LulcError("--weights belong to --ensemble, which is not there.", "Add --ensemble.")
    names: list[str] = []
    for k, one in enumerate(subjects):
        name = one.name
        while name in names:
            name = f"{one.name}-{k + 1}"
        names.append(name)
        subjects[k] = replace(one, name=name)
    bands, legend = common(subjects)
    subjects = [kept(aligned(one, bands, legend), answers / f"{k}") for k, one in enumerate(subjects)]
    if options.ensemble:
        subjects.append(ensemble(subjects, _weights(options.weights)))
    return subjects


def _limit(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _weights(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(w) for w in text.split(",") if w.strip())
    except ValueError:
        raise LulcError(f"--weights {text} are not numbers.", "Write them like 1,1,2.") from None


def _parts(options: argparse.Namespace, root: Path, recipe: Recipe | None, first: Subject) -> list[Part]:
    splits = tuple(s.strip() for s in options.splits.split(",") if s.strip())
    if options.release:
        splits = tuple(dict.fromkeys((*splits, "val", "test")))
    if options.sets:
        parts = named(options.sets, root, splits, recipe, options.release)
    elif recipe is None:
        raise LulcError(f"{first.name} has no recipe that says which sets.", "Name them with --sets, or --config.")
    else:
        parts = of_recipe(recipe, root, splits)
        if options.release:
            parts += evaluation_only(root, first.bands, first.legend)
    lacking = []
    for part in parts:
        missing = [b for b in first.bands if b not in part.description.bands]
        if missing and not _filled(part, recipe):
            print(f"{part.key}: left out, it has no band {', '.join(missing)}")
            lacking.append(part)
    parts = [p for p in parts if p not in lacking]
    if not parts:
        raise LulcError(f"There is no labelled image of the split {' or '.join(splits)}.", "Name --sets or --splits.")
    if any("test" in p.splits for p in parts):
        print("A test split is opened: report it once for each released network, and choose nothing by it.")
    return parts


def _filled(part: Part, recipe: Recipe | None) -> bool:
    """Whether the recipe trains on this set although it lacks bands."""
    data = () if recipe is None else recipe.data
    return any(d.set == part.description.name and d.missing == "fill" for d in data)


def _looks(options: argparse.Namespace, recipe: Recipe | None, first: Subject, chips: Loader, root: Path) -> Looks:
    forests = None
    if recipe is not None and (options.forest or options.release):
        own = chips
        if recipe.inputs.names != first.bands or recipe.legend.names != first.legend.names:
            own = loader(recipe.inputs.names, first.legend, recipe, root, options.cache)
        forests = Baselines(recipe, own)
    everything = options.release
    return Looks(everything, everything, everything or options.robustness, forests, ("test",) if everything else ())


def _calibrated(one: Subject, parts: Sequence[Part], chips: Loader, folder: Path) -> calibration.Calibration | None:
    """Temperature and reliability diagram, where validation places with labels of their own are looked at."""
    items = [
        calibration.sampled(part.key, one.answers, chips(part))
        for part in parts
        if part.split == "val" and not part.teachers and one.takes(part.description.picture)
    ]
    if not items:
        return None
    fitted = calibration.calibrate(items)
    figures.reliability_diagram(items, fitted, one.name, folder / "reliability.png")
    print(f"  temperature {fitted.temperature:g}")
    return fitted


def _pictures(
    results: dict[str, list[Scored]], parts: Sequence[Part], chips: Loader, subjects: Sequence[Subject], count: int,
    folder: Path,
) -> None:  # fmt: skip
    """A sheet a split that is not a training split; with several networks one of all, and one of errors for each."""
    bands, legend = subjects[0].bands, subjects[0].legend
    for part in parts:
        if part.split == "train":
            continue
        own = {name: s for name, scored_parts in results.items() for s in scored_parts if s.part.key == part.key}
        if not own:
            continue
        name = f"sheet-{_file_name(part.key)}.png"
        for network, scored in own.items():
            at = folder / _file_name(network)
            figures.sheet({network: scored}, chips(part), bands, legend, at / name, count=count)
            if scored.unsmoothed is not None:
                both = {"without smoothing": scored.unsmoothed, "with": scored}
                figures.sheet(both, chips(part), bands, legend, at / f"smoothing-{name}", count=count)
        if len(own) > 1:
            figures.sheet(own, chips(part), bands, legend, folder / name, count=count)


def _robust(every: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        table["network"]: {
            key: {name: np.array(m) for name, m in conditions.items()}
            for key, conditions in table["robustness"].items()
        }
        for table in every
    }


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text)
