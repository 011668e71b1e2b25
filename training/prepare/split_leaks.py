# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground that is in two splits, of a data set in the making or of one that exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lulc_plugin.progress import Progress

from ..sets.chips import file_of, rows_of
from ..sets.description import SetDescription
from .overlap import Picture, SharedGround, picture, shared_ground
from .place_splits import Area, meet
from .scenes import Scene

VISIBLE = ("red", "green", "blue")


@dataclass(frozen=True)
class Leak:
    """Two areas of different splits with common ground."""

    first: str
    second: str
    pixels: int


def visible(names: Sequence[str]) -> tuple[int, ...]:
    """Numbers (from 1) of the bands of visible light."""
    return tuple(names.index(name) + 1 for name in VISIBLE if name in names)


def scene_pictures(scenes: Sequence[Scene], areas: Sequence[Area], names: Sequence[str]) -> list[Picture]:
    """Scenes as the search wants them: those that are one place as a whole are not compared."""
    place_of = {area.scene: area.place for area in areas if sum(a.scene == area.scene for a in areas) == 1}
    numbers = visible(names)
    out = []
    for i, scene in enumerate(scenes):
        bands = tuple(scene.bands[n - 1] for n in numbers)
        out.append(picture(scene.path, scene.path.name, place_of.get(i, scene.stem), "", bands))
    return out


def leaks_between(areas: Sequence[Area], grounds: Sequence[SharedGround]) -> list[Leak]:
    """Areas of different splits whose scenes share ground just there."""
    out = []
    for ground in grounds:
        for one in (a for a in areas if a.scene == ground.first):
            for other in (a for a in areas if a.scene == ground.second):
                if one.split != other.split:
                    pixels = meet(one, other, ground)
                    if pixels:
                        out.append(Leak(f"{one.place} ({one.split})", f"{other.place} ({other.split})", pixels))
    return out


@dataclass(frozen=True)
class Checked:
    """What the search found in a data set.

    Attributes:
        images: its chips.
        names: of them, with place and split.
        grounds: common ground of different places.
        within: chips of one scene that lie on each other in different splits.
    """

    images: list[Picture]
    names: list[str]
    grounds: list[SharedGround]
    within: list[Leak]

    @property
    def leaks(self) -> list[SharedGround]:
        """Common ground across splits."""
        return [g for g in self.grounds if self.images[g.first].split != self.images[g.second].split]


def check_set(description: SetDescription, progress: Progress) -> Checked:
    """Search a data set for ground that is in two places.

    Chips that were cut from one scene (columns scene, row, col of `split.csv`) are compared by where they lie in it,
    all others by georeference or content.

    Raises:
        LulcError: a file is missing or damaged.
    """
    numbers = visible(description.bands)
    images, names, rows = [], [], rows_of(description)
    cut = bool(rows) and {"scene", "row", "col"} <= set(rows[0])
    component = _components([(row.get(description.place, ""), row["scene"]) for row in rows]) if cut else {}
    for row in rows:
        place = row[description.place] if description.place else Path(row["file"]).stem
        known = component[("scene", row["scene"])] if cut else place
        path = file_of(description.folder / "images", row["file"])
        images.append(picture(path, row["file"], known, row["split"], numbers))
        names.append(f"{row['file']} ({place}, {row['split']})")
    within = _within_scenes(rows, images) if cut else []
    return Checked(images, names, shared_ground(images, progress), within)


def _components(pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Places and scenes that hang together → one name: what need not be compared by content."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(key: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(key, key)
        while parent[key] != key:
            key = parent[key]
        return key

    for place, scene in pairs:
        parent[root(("place", place))] = root(("scene", scene))
    return {key: "/".join(root(key)) for key in list(parent)}


def _within_scenes(rows: Sequence[dict[str, str]], images: Sequence[Picture]) -> list[Leak]:
    by_scene: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        by_scene.setdefault(row["scene"], []).append(i)
    out = []
    for members in by_scene.values():
        top = np.array([int(rows[i]["row"]) for i in members])
        left = np.array([int(rows[i]["col"]) for i in members])
        bottom = top + [images[i].height for i in members]
        right = left + [images[i].width for i in members]
        split = np.array([rows[i]["split"] for i in members])
        for k, i in enumerate(members):
            height = np.minimum(bottom[k], bottom) - np.maximum(top[k], top)
            width = np.minimum(right[k], right) - np.maximum(left[k], left)
            for j in np.flatnonzero((height > 0) & (width > 0) & (split != split[k])):
                if j > k:
                    other = members[j]
                    names = [f"{rows[n]['file']} ({rows[n]['split']})" for n in (i, other)]
                    out.append(Leak(names[0], names[1], int(height[j] * width[j])))
    return out
