# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a released network is scored by, once: the content of `scores.json`.

A test split is opened here and where a user says `--splits test`, nowhere else; sets for evaluation only are opened
here alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lulc_plugin.errors import LulcError

from ..maps import Counts, Mapper, line, miou_interval, total_counts
from ..recipe import Recipe
from ..sets.chips import Chip
from . import robustness
from .calibration import Calibration
from .evaluated_networks import Subject
from .held_out import Part, evaluation_only, loader, of_recipe, require_unseen
from .random_forest import Baselines
from .split_scores import Scored, matrices_of, plain, score

Loader = Callable[[Part], Sequence[Chip]]


@dataclass(frozen=True)
class Looks:
    """What else is looked at on held-out splits with labels of their own.

    Attributes:
        surrounded, pictures: see `scoring.score`.
        robust: scores under changed radiometry, on reflectance.
        forests: the baselines to compare with, None without.
        splits: on which splits; all but `train` where empty.
    """

    surrounded: bool = False
    pictures: bool = False
    robust: bool = False
    forests: Baselines | None = None
    splits: tuple[str, ...] = ()

    def at(self, part: Part) -> Looks:
        """The looks at one split."""
        held_out = part.split in self.splits if self.splits else part.split != "train"
        return self if held_out and not part.teachers and part.description.use == "train" else Looks()


def scores(
    one: Subject,
    parts: Sequence[Part],
    chips: Loader,
    looks: Looks,
    say: Callable[[str], None] = print,
    write: Callable[[dict[str, Any]], None] = lambda table: None,
) -> tuple[dict[str, Any], list[Scored]]:
    """The tables `sets`, `forest`, `robustness` and `patterns` of `scores.json`, and the results with their maps.

    Splits of numbers that the network does not take are left out, and this is logged. `write` gets the tables after
    each split.

    Raises:
        LulcError: files or a teacher are missing.
    """
    table: dict[str, Any] = {"sets": {}, "forest": {}, "robustness": {}, "patterns": []}
    results = []
    for part in parts:
        picture = part.description.picture
        if not one.takes(picture):
            say(f"{part.key}: left out, {one.name} takes no {'pictures' if picture else 'reflectance'}")
            continue
        look, members = looks.at(part), chips(part)
        pictures = look.pictures and one.takes(picture=True)
        scored = score(one.answers, part, members, one.legend, look.surrounded, pictures, one.unsmoothed)
        results.append(scored)
        table["sets"][part.key] = scored.table()
        say(line(part.key, scored.total))
        if scored.unsmoothed is not None:
            say(line("  without smoothing", scored.unsmoothed.total))
        _score_patterns(one, part, members, table["patterns"], say)
        if look.robust and not picture:
            conditions = robustness.matrices(one.answers, members, one.bands, one.takes(picture=True), scored.total)
            table["robustness"][part.key] = {name: counts.tolist() for name, counts in conditions.items()}
            for name, counts in conditions.items():
                say(line(f"  {name}", counts))
        theirs = None if look.forests is None else look.forests.matrices(part)
        if theirs is not None:
            table["forest"][part.key] = against(scored, theirs)
            difference, low, high = table["forest"][part.key]["difference"]
            sure = "too few places for an interval" if low is None else f"95 % interval {low:+.3f} to {high:+.3f}"
            say(line("  forest", total_counts(theirs)))
            say(f"  network minus forest: mIoU {difference:+.3f}, {sure}")
        write(table)
    return table, results


def _score_patterns(
    one: Subject, part: Part, chips: Sequence[Chip], table: list[dict[str, Any]], say: Callable[[str], None]
) -> None:
    """Score a network with optional bands as layers of each pattern show a split: `bands` and `sets` of each."""
    if one.recipe is None or not one.recipe.inputs.optional or not isinstance(one.answers, Mapper):
        return
    inputs = one.recipe.inputs
    table += [{"bands": list(p), "sets": {}} for p in inputs.patterns[len(table) :]]
    can = inputs.patterns_of(inputs.bands_of(chips[0].present))
    for entry in table:
        pattern = tuple(entry["bands"])
        if pattern in can:
            bare = replace(one.unsmoothed, shown=pattern) if isinstance(one.unsmoothed, Mapper) else None
            scored = score(replace(one.answers, shown=pattern), part, chips, one.legend, unsmoothed=bare)
            entry["sets"][part.key] = scored.table()
            say(line(f"  {'+'.join(pattern)}", scored.total))
            if scored.unsmoothed is not None:
                say(line("    without smoothing", scored.unsmoothed.total))


def against(scored: Scored, theirs: dict[str, Counts]) -> dict[str, Any]:
    """A baseline's matrices by place, and the network's margin in mean IoU with its interval."""
    entry: dict[str, Any] = {
        "places": plain(theirs), "difference": list(miou_interval(scored.places, theirs)),
    }  # fmt: skip
    if scored.surrounded is not None:
        entry["difference_surrounded"] = list(miou_interval(scored.surrounded, theirs))
    return entry


def release_scores(
    one: Subject,
    recipe: Recipe,
    root: Path,
    cache: Path,
    rehearsal: bool = False,
    with_forest: bool = True,
    say: Callable[[str], None] = print,
) -> tuple[dict[str, Any], list[Scored]]:
    """Score a network on validation and test splits of its recipe's sets and on what nobody trains on.

    A rehearsal takes validation places wherever a release takes test places, and leaves evaluation-only sets alone.

    Args:
        one: the network, for chips with the recipe's bands.
        recipe: what it was trained by.
        root: folder of the data sets.
        cache: folder of teachers' answers.
        rehearsal: nothing is released yet.
        with_forest: train the random forests, too.
        say: hears a line a set.

    Returns:
        the content of `scores.json`, to which calibration and comparisons may be added, and the results with maps.

    Raises:
        LulcError: a set or a teacher is missing.
    """
    chips = loader(one.bands, one.legend, recipe, root, cache)
    looks = Looks(
        surrounded=True, pictures=True, robust=True, forests=Baselines(recipe, chips) if with_forest else None,
        splits=("val",) if rehearsal else ("test",),
    )  # fmt: skip
    table, results = scores(one, release_parts(recipe, root, rehearsal), chips, looks, say)
    return {**headed(one.name, table, rehearsal, None), "smoothing": smoothing_table(recipe)}, results


def smoothing_table(recipe: Recipe) -> dict[str, Any] | None:
    """How the maps that were scored follow the edges of their image, for `scores.json`; None where they do not."""
    return None if recipe.smoothing is None else json.loads(json.dumps(asdict(recipe.smoothing)))


def require_smoothing(scores: Mapping[str, Any], recipe: Recipe) -> None:
    """Nothing, if kept scores are of maps that follow the edges of their image as the recipe says.

    Raises:
        LulcError: they are of other maps.
    """
    if scores.get("smoothing") != smoothing_table(recipe):
        shown = [s and f"radius {s['radius']}, eps {s['eps']:g}, weight {s['weight']:g}" for s in
                 (scores.get("smoothing"), smoothing_table(recipe))]  # fmt: skip
        raise LulcError(
            f"{scores['network']} was scored with the smoothing {shown[0] or 'none'}; the recipe says"
            f" {shown[1] or 'none'}.",
            "A test split is opened once, with what validation places chose. Write that into the recipe.",
        )


def release_parts(recipe: Recipe, root: Path, rehearsal: bool) -> list[Part]:
    """The splits a released network is scored on.

    Raises:
        LulcError: a set is missing, or the recipe trained on a place that is to be tested.
    """
    if rehearsal:
        return of_recipe(recipe, root, ("val",))
    own = of_recipe(recipe, root, ("val", "test"))
    require_unseen(own, recipe)
    return own + evaluation_only(root, recipe.inputs.needed, recipe.legend)


def headed(name: str, table: Mapping[str, Any], rehearsal: bool, calibration: Calibration | None) -> dict[str, Any]:
    """The whole of `scores.json` around the tables of `scores`."""
    return {
        "network": name,
        "rehearsal": rehearsal,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **table,
        "calibration": None if calibration is None else calibration.table(),
        "compared": {},
    }


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """`SET/SPLIT` → difference in mean IoU, ours minus theirs, with its interval, where both counted the same."""
    differences = {}
    for key, entry in ours["sets"].items():
        other = theirs["sets"].get(key)
        if other is None or other["names"] != entry["names"] or set(other["places"]) != set(entry["places"]):
            continue
        differences[key] = list(miou_interval(matrices_of(entry["places"]), matrices_of(other["places"])))
    return differences
