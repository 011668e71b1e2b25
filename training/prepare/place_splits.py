# SPDX-License-Identifier: GPL-3.0-or-later
"""Places and splits: parts of scenes that stay together, so that no pixel is in two splits."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lulc_plugin.errors import LulcError

from .overlap import Rectangle, SharedGround
from .scenes import Scene


@dataclass(frozen=True)
class Area:
    """A rectangle of a scene (its position in the list) that belongs to a place, and the split of that place."""

    scene: int
    rectangle: Rectangle
    place: str
    split: str = ""


def by_scene(scenes: Sequence[Scene]) -> list[Area]:
    """Every scene is a place."""
    return [Area(i, _whole(scene), scene.stem) for i, scene in enumerate(scenes)]


def by_name(scenes: Sequence[Scene], pattern: str) -> list[Area]:
    """Scenes are of one place where `pattern`, a regular expression, finds the same in their names.

    Raises:
        LulcError: it is none, or finds nothing in a name.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise LulcError(
            f"The pattern {pattern!r} is not a regular expression: {error}.", "Try something like tile[0-9]+."
        ) from None
    out = []
    for i, scene in enumerate(scenes):
        match = compiled.search(scene.stem)
        if match is None:
            raise LulcError(
                f"The pattern {pattern!r} finds nothing in {scene.stem}.", "It has to fit every image's name."
            )
        out.append(Area(i, _whole(scene), match.group(1) if match.groups() else match.group(0)))
    return out


def by_file(scenes: Sequence[Scene], path: Path) -> list[Area]:
    """Places from a CSV table with the columns file, group and perhaps split.

    Raises:
        LulcError: it cannot be read, lacks a scene, or puts a place into two splits.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LulcError(f"The groups {path} cannot be read: {error}.", "Save them as a CSV table in UTF-8.") from None
    if not rows or not {"file", "group"} <= set(rows[0]):
        raise LulcError(
            f"The groups {path} lack a column file or group.", "Its first line is: file,group or file,group,split."
        )
    # names may come without their endings, and with dots inside
    of = {name: row for row in rows for name in (row["file"], Path(row["file"]).stem)}
    out: list[Area] = []
    splits: dict[str, str] = {}
    for i, scene in enumerate(scenes):
        row = of.get(scene.path.name) or of.get(scene.stem)
        if row is None:
            raise LulcError(f"The groups {path} have no row for {scene.path.name}.", "Every image needs a group.")
        split = (row.get("split") or "").strip()
        if splits.setdefault(row["group"], split) != split:
            raise LulcError(
                f"The groups {path} put {row['group']} into two splits, {splits[row['group']]!r} and {split!r}.",
                "A place is in one split.",
            )
        out.append(Area(i, _whole(scene), row["group"], split))
    return out


def by_blocks(scenes: Sequence[Scene], side: int) -> list[Area]:
    """Every scene is cut into blocks of about `side` pixels (never less, unless the scene is smaller), each a place.

    Chips are laid inside blocks, so none crosses a border. Blocks that touch are neighbours on the ground: where land
    is alike over such distances, scores are too good; large blocks help, places far apart are better.
    """
    out = []
    for i, scene in enumerate(scenes):
        rows, cols = _borders(scene.facts.height, side), _borders(scene.facts.width, side)
        for r in range(len(rows) - 1):
            for c in range(len(cols) - 1):
                rectangle = Rectangle(rows[r], rows[r + 1], cols[c], cols[c + 1])
                out.append(Area(i, rectangle, f"{scene.stem}_b{r:02d}_{c:02d}"))
    return out


def _borders(length: int, side: int) -> list[int]:
    return [round(v) for v in np.linspace(0, length, max(1, length // side) + 1)]


def _whole(scene: Scene) -> Rectangle:
    return Rectangle(0, scene.facts.height, 0, scene.facts.width)


def meet(one: Area, other: Area, ground: SharedGround) -> int:
    """Common pixels of two areas on the ground that their scenes share; `one` is of the first scene."""
    if ground.shift is None:
        return ground.pixels
    return one.rectangle.common(other.rectangle.moved(*ground.shift)).pixels


def joined(areas: Sequence[Area], grounds: Sequence[SharedGround]) -> tuple[list[Area], list[tuple[str, str]]]:
    """Areas of which those that share ground are one place, and the pairs of places that were joined.

    Raises:
        LulcError: two of them have splits that differ.
    """
    parent = {area.place: area.place for area in areas}

    def root(place: str) -> str:
        while parent[place] != place:
            place = parent[place]
        return place

    pairs = []
    for ground in grounds:
        for one in (a for a in areas if a.scene == ground.first):
            for other in (a for a in areas if a.scene == ground.second):
                if root(one.place) != root(other.place) and meet(one, other, ground):
                    pairs.append((one.place, other.place))
                    first, second = sorted((root(one.place), root(other.place)))
                    parent[second] = first
    fixed: dict[str, str] = {}
    for area in areas:
        if area.split and fixed.setdefault(root(area.place), area.split) != area.split:
            raise LulcError(
                f"{area.place} is in {area.split!r} and shares ground with a place in {fixed[root(area.place)]!r}.",
                "Put both into one split in the file of groups.",
            )
    return [replace(a, place=root(a.place), split=fixed.get(root(a.place), "")) for a in areas], pairs


def parse_shares(text: str) -> dict[str, float]:
    """`train=0.7,val=0.15,test=0.15` as a table; shares are brought to a sum of 1.

    Raises:
        LulcError: another form.
    """
    shares = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not re.fullmatch(r"[A-Za-z_]+", name.strip()) or not 0 < share < float("inf"):
            raise LulcError(f"The share {part!r} is not understood.", "Write shares like train=0.7,val=0.15,test=0.15.")
        shares[name.strip()] = share
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def assigned(
    areas: Sequence[Area], shares: Mapping[str, float], seed: int, classes: Sequence[npt.NDArray[np.int64]] = ()
) -> list[Area]:
    """Areas with a split: places in an order of chance, each to the split that lacks most of its share of the pixels.

    With `classes`, pixels of each class in each area, places of the class that the fewest have go first, each to the
    split that lacks most of that class, so that all splits have it where enough places do (iterative stratification:
    Sechidis et al. 2011). Splits that areas already have stay. Every split gets at least one place.

    Raises:
        LulcError: there are fewer places than splits.
    """
    sizes: dict[str, int] = {}
    for area in areas:
        sizes[area.place] = sizes.get(area.place, 0) + area.rectangle.pixels
    of = {area.place: area.split for area in areas if area.split}
    free = sorted(place for place in sizes if place not in of)
    bare = [split for split in shares if split not in of.values()]
    if free and len(free) < len(bare):
        raise LulcError(
            f"There are {len(free)} places for the {len(shares)} splits {', '.join(shares)}.",
            "Cut scenes into blocks with --block, give more scenes, or fewer --shares.",
        )
    chance = np.random.default_rng(seed)
    order = [free[i] for i in chance.permutation(len(free))]
    if len(classes):
        best, tried = _stratified(areas, shares, of, order, classes), 1
        while best[1] and tried < _TRIES:
            again = _stratified(areas, shares, of, [free[i] for i in chance.permutation(len(free))], classes)
            best, tried = min(best, again, key=lambda one: one[1]), tried + 1
        of = best[0]
    order = [place for place in order if place not in of]
    taken = {split: sum(sizes[p] for p, s in of.items() if s == split) for split in shares}
    for i, place in enumerate(order):
        empty = [split for split in shares if not taken[split]]
        among = empty if len(order) - i <= len(empty) else list(shares)
        of[place] = max(among, key=lambda s: shares[s] * sum(sizes.values()) - taken[s])
        taken[of[place]] += sizes[place]
    return [replace(area, split=of[area.place]) for area in areas]


#: Orders of chance that are tried until every split has every class.
_TRIES = 20


def _stratified(
    areas: Sequence[Area],
    shares: Mapping[str, float],
    of: Mapping[str, str],
    order: Sequence[str],
    classes: Sequence[npt.NDArray[np.int64]],
) -> tuple[dict[str, str], int]:
    """Place → split: those of `of`, and those of `order` that have a labelled pixel by their classes (see `assigned`).

    Also how often a split lacks a class.
    """
    content: dict[str, npt.NDArray[np.int64]] = {}
    for area, counts in zip(areas, classes, strict=True):
        content[area.place] = content.get(area.place, 0) + counts
    out, left = dict(of), [place for place in order if content[place].any()]
    lack = {s: share * np.asarray(sum(content.values()), np.float64) for s, share in shares.items()}
    seen = {s: np.zeros(len(counts), bool) for s in shares}

    def take(place: str, split: str) -> None:
        out[place] = split
        if split in shares:
            lack[split] = lack[split] - content[place]
            seen[split] |= content[place] > 0

    for place, split in of.items():
        take(place, split)
    while left:
        having = np.sum([content[place] > 0 for place in left], axis=0)
        rarest = int(np.where(having > 0, having, len(left) + 1).argmin())
        place = next(p for p in left if content[p][rarest])
        bare = [s for s in shares if s not in out.values()]
        without = [s for s in shares if not seen[s][rarest]]
        among = bare if len(left) <= len(bare) else without if having[rarest] <= len(without) else list(shares)
        take(place, max(among, key=lambda s: (lack[s][rarest], lack[s].sum())))
        left.remove(place)
    there = np.sum(list(content.values()), axis=0) > 0
    return out, sum(int((there & ~own).sum()) for own in seen.values())
