# SPDX-License-Identifier: GPL-3.0-or-later
"""Which splits of which sets are looked at, and their chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend
from lulc_plugin.model import ModelBand

from ..inputs import Inputs
from ..maps import Groups
from ..recipe import Check, DataPart, Recipe
from ..sets.chips import Chip, load, rows_of
from ..sets.description import KNOWN, SetDescription, describe

#: What stands for the splits of an evaluation-only set, which belong together: nobody chose by any of them.
ALL = "all"
_NO_LABELS = "unlabelled"


@dataclass(frozen=True)
class Part:
    """One split of one set.

    Attributes:
        description: of the set.
        split: `train`, `val`, `test` …, or `all` of an evaluation-only set.
        splits: rows of `split.csv` that belong to it.
        teachers: names of the recipe's teachers that label it; empty where it has labels of its own.
    """

    description: SetDescription
    split: str
    splits: tuple[str, ...]
    teachers: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`SET/SPLIT`."""
        return f"{self.description.name}/{self.split}"


def of_recipe(recipe: Recipe, root: Path, splits: Sequence[str]) -> list[Part]:
    """The splits that there are of the sets that a recipe trains on or is checked by, in its order.

    Raises:
        LulcError: a set is missing.
    """
    teachers: dict[str, tuple[str, ...]] = {}
    for entry in _entries(recipe):
        teachers[entry.set] = teachers.get(entry.set) or entry.teacher
    return [part for name, own in teachers.items() for part in _parts(describe(root, name), splits, own)]


def _entries(recipe: Recipe) -> list[DataPart | Check]:
    """What a recipe trains on and is checked by."""
    return [*recipe.data, *recipe.checks]


def named(
    requests: Sequence[str], root: Path, splits: Sequence[str], recipe: Recipe | None, released: bool
) -> list[Part]:
    """Splits of requests, each `SET` or `SET:SPLIT+SPLIT`.

    Raises:
        LulcError: no such set or split, or an evaluation-only set although nothing is released.
    """
    chosen: list[Part] = []
    for request in requests:
        name, _, own = request.partition(":")
        description = describe(root, name)
        if description.use == "evaluation" and not released:
            raise LulcError(
                f"{name} is kept for the evaluation of released networks; whoever looks at it earlier, chooses by it.",
                "Add --release once the network is final.",
            )
        if description.use == "evaluation" and not own and description.label_band:
            chosen.append(_whole(description))
            continue
        entries = [] if recipe is None else _entries(recipe)
        teachers = next((e.teacher for e in entries if e.set == name and e.teacher), ())
        wanted = tuple(own.split("+")) if own else tuple(splits)
        parts = _parts(description, wanted, teachers)
        missing = [s for s in wanted if s not in {p.split for p in parts}]
        if not parts or (own and missing):
            raise LulcError(
                f"{name} has no labelled image of the split {' or '.join(missing)}.",
                f"It has {', '.join(sorted({row['split'] for row in rows_of(description)}))}.",
            )
        chosen += parts
    return chosen


def evaluation_only(root: Path, bands: Sequence[str], legend: Legend) -> list[Part]:
    """The sets below `root` that nothing may choose by, and whose bands and labels fit the network."""
    names = sorted({p.stem for p in KNOWN.glob("*.toml")} | {p.parent.name for p in root.glob("*/set.toml")})
    parts = []
    for name in names:
        if not (root / name / "split.csv").is_file():
            continue
        description = describe(root, name)
        classes = {member for members in description.classes.values() for member in members}
        if (
            description.use != "evaluation"
            or not classes <= set(legend.names)
            or not set(bands) <= set(description.bands)
        ):
            continue
        if description.label_band:
            parts.append(_whole(description))
    return parts


def require_unseen(parts: Sequence[Part], recipe: Recipe) -> None:
    """Nothing, if no place that is to be tested is one that a recipe trained on or chose by.

    Raises:
        LulcError: one is; `train` and `val` are known to be looked at.
    """
    for part in parts:
        if part.split in ("train", "val"):
            continue
        name, place = part.description.folder.name, part.description.place or "file"
        used = {s for entry in _entries(recipe) if entry.set == name for s in entry.splits}
        rows = rows_of(part.description)
        both = {r[place] for r in rows if r["split"] in used} & {r[place] for r in rows if r["split"] in part.splits}
        if both:
            raise LulcError(
                f"{recipe.name} trained or chose on {len(both)} places of {part.key}, {min(both)} among them; scores"
                " there say nothing.",
                "Split by place, and train and check on other splits.",
            )


def _whole(description: SetDescription) -> Part:
    """All labelled rows of a set that nobody chose by."""
    splits = {row["split"] for row in rows_of(description)} - {_NO_LABELS}
    return Part(description, ALL, tuple(sorted(splits)))


def _parts(description: SetDescription, splits: Sequence[str], teachers: tuple[str, ...]) -> list[Part]:
    if not description.label_band and not teachers:
        return []
    there = {row["split"] for row in rows_of(description)}
    own = () if description.label_band else teachers
    return [Part(description, s, (s,), own) for s in splits if s in there]


def chips_of(
    part: Part, bands: Sequence[str], legend: Legend, recipe: Recipe | None, root: Path, cache: Path
) -> Sequence[Chip]:
    """The chips of a part with labels, bands in the order given.

    Raises:
        LulcError: files are missing, a label is of no class, or a teacher cannot be asked.
    """
    if not part.teachers or recipe is None:
        return load(part.description, part.splits, bands, legend.names)
    # the teacher's answers need PyTorch's side of the bench, which a set with labels does not
    from ..train.training_data import labelled

    fed = Inputs(tuple(ModelBand(b, b) for b in bands), (), ())
    return labelled(
        replace(recipe, inputs=fed, legend=legend), part.description, part.splits, part.teachers, root, cache
    )


def loader(
    bands: Sequence[str], legend: Legend, recipe: Recipe | None, root: Path, cache: Path
) -> Callable[[Part], Sequence[Chip]]:
    """`chips_of` that keeps what it has loaded."""
    kept: dict[str, Sequence[Chip]] = {}

    def chips(part: Part) -> Sequence[Chip]:
        if part.key not in kept:
            kept[part.key] = chips_of(part, bands, legend, recipe, root, cache)
        return kept[part.key]

    return chips


def names_of(groups: Groups, chips: Sequence[Chip], legend: Legend) -> tuple[str, ...]:
    """What people call the counted values: a coarse label has the names of the classes that it may be."""
    allowed = chips[0].allowed
    names = []
    for value in groups.values:
        members = () if value >= len(allowed) else tuple(legend.names[i] for i in allowed[value].nonzero()[0])
        names.append(" / ".join(members) if members else "Other classes")
    return tuple(names)


def colours_of(groups: Groups, chips: Sequence[Chip], legend: Legend) -> Mapping[int, str]:
    """Counted value → #RRGGBB: of the class; of a coarse label that of its classes' middle; grey for the rest."""
    allowed, colours = chips[0].allowed, {}
    for value in groups.values:
        members = [] if value >= len(allowed) else [legend.classes[i].rgb for i in allowed[value].nonzero()[0]]
        mean = [round(sum(c[k] for c in members) / len(members)) for k in range(3)] if members else [128] * 3
        colours[value] = "#{:02X}{:02X}{:02X}".format(*mean)
    return colours
