# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint and the folders that its recipe draws on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin.errors import LulcError

from ..networks.network import Network
from ..recipe import Recipe, data_folder, smoothing_of
from ..toml_tables import Table, convert
from ..train import checkpoint
from . import card_table, credits


@dataclass(frozen=True)
class Source:
    """A checkpoint, opened, and the folders that its recipe draws on."""

    path: Path
    network: Network
    recipe: Recipe
    state: Mapping[str, Any]
    root: Path
    cache: Path


def open_source(path: Path, root: Path | None, cache: Path, card: Path | None = None) -> Source:
    """Open a checkpoint.

    Args:
        path: the checkpoint.
        root: folder of the data sets.
        cache: folder of teachers' answers.
        card: a recipe whose [card] and [smoothing] are used instead of the checkpoint's: words may be mended, and a
            smoothing is chosen, after the training.

    Raises:
        LulcError: a file is missing or wrong, or the terms of what the weights come from are not known.
    """
    network, recipe, state = checkpoint.load(path)
    root = data_folder(root, recipe.folder)
    recipe = recipe if card is None else with_card(recipe, card)
    # words that are wrong or missing should not be found after minutes of measuring
    card_table.of(recipe)
    credits.require_known(recipe, root)
    return Source(path, network, recipe, state, root, cache)


def with_card(recipe: Recipe, path: Path) -> Recipe:
    """The recipe with the words of another file's [card], and with its [smoothing] where it has one.

    Raises:
        LulcError: the file cannot be read or has none.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LulcError(f"{path} cannot be read: {error}.") from None
    if "card" not in table:
        raise LulcError(f"{path} has no table [card].")
    smoothing = smoothing_of(convert(table.get("smoothing", {}), Table, f"{path}: [smoothing]"), recipe.inputs)
    return replace(recipe, card=table["card"], smoothing=smoothing or recipe.smoothing)
