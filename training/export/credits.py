# SPDX-License-Identifier: GPL-3.0-or-later
"""What weights come from, under which terms, and the credit that each source asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin.errors import LulcError
from lulc_plugin.model import TrainingSet, catalogue

from ..networks import published
from ..recipe import Recipe
from ..sets.description import describe

_FILE = Path(__file__).with_name("credits.toml")


def _known() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def require_known(recipe: Recipe, root: Path) -> None:
    """Nothing, if the terms of everything that the weights come from are known.

    Raises:
        LulcError: as `training_sets` and `encoder`.
    """
    training_sets(recipe, root, [{"set": d.set, "images": 0, "pixels": 0, "teacher": d.teacher} for d in recipe.data])
    encoder(recipe)


def training_sets(recipe: Recipe, root: Path, counts: Sequence[Mapping[str, Any]]) -> tuple[TrainingSet, ...]:
    """Entries of the sidecar: the data sets with what each asks for, then the teachers.

    Args:
        recipe: the run.
        root: folder of the data sets.
        counts: `set`, `images`, `pixels`, `teacher` of each set, as in `Facts.sets`.

    Raises:
        LulcError: a set has no description or no licence, or nobody knows a teacher's licence.
    """
    sets = []
    for count in counts:
        about = describe(root, count["set"])
        if not about.licence:
            raise LulcError(
                f"The data set {about.name} does not say its licence.",
                "Write `licence` and `credit` into its set.toml; say so where none is stated.",
            )
        sets.append(
            TrainingSet(
                about.title or about.name, about.licence, about.credit, about.url, count["images"], count["pixels"]
            )
        )
    used = dict.fromkeys(name for count in counts for name in count["teacher"])
    return (*sets, *dict.fromkeys(credit for name in used for credit in _teachers(recipe, name)))


def _teachers(recipe: Recipe, name: str) -> list[TrainingSet]:
    named = recipe.teachers[name]
    tables = [named] if isinstance(named, Mapping) else list(named)
    return [_teacher(str(table["file"]), recipe) for table in tables]


def _teacher(file: str, recipe: Recipe) -> TrainingSet:
    known = _known()["teachers"].get(Path(file).name)
    if known is not None:
        return TrainingSet(known["name"], known["licence"], known["credit"], known["url"])
    from ..recipe import located

    path = Path(located(file, recipe.folder))
    sidecar = catalogue.sidecar_of(path)
    spec = catalogue.load(path).spec if sidecar is not None else None
    if spec is None or spec.license in ("", "other"):
        raise LulcError(
            f"Nobody knows under which terms the teacher {Path(file).name} comes.", f"Write its credit into {_FILE}."
        )
    return TrainingSet(f"{spec.title} (teacher; not part of this file)", spec.license, spec.description[:500])


def encoder(recipe: Recipe) -> str | None:
    """Credit of the weights that the training began with; None where it began with none.

    Raises:
        LulcError: nobody knows where they come from.
    """
    weights = str(recipe.table["network"].get("pretrained", ""))
    if not weights:
        return None
    encoders = _known()["encoders"]
    known = encoders.get(Path(weights).name) or encoders.get(f"{weights}.onnx")
    if known is not None:
        return str(known)
    if weights in published():
        return f"{published()[weights].credit}, {published()[weights].licence}"
    if weights == "imagenet":
        name = recipe.network.get("encoder", "")
        return f"{name}, ImageNet, published weights of segmentation_models_pytorch or timm"
    raise LulcError(f"Nobody knows where the weights {weights} come from.", f"Write their credit into {_FILE}.")
