# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: plain values and tensors, read without pickle's powers, written whole or not at all."""

from __future__ import annotations

import pickle
import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError

from ..networks.network import Network
from ..networks.network_settings import NetworkSettings, build
from ..recipe import Recipe, parse


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint. A stopped machine leaves no half file under the name a run resumes from.

    Raises:
        OSError: it cannot be written, for want of room or permission.
    """
    stream = BytesIO()
    torch.save(dict(state), stream)
    write_whole(path, stream.getvalue())


def read(path: Path) -> dict[str, Any]:
    """A checkpoint as it was saved.

    Raises:
        LulcError: there is none, or the file is something else.
    """
    if not path.is_file():
        raise LulcError(f"There is no checkpoint {path}.")
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        reason = str(error).splitlines()[0] if "WeightsUnpickler" not in str(error) else "it holds more than numbers"
        raise LulcError(f"{path} is not a checkpoint of this bench: {reason}.") from None


def load(path: Path) -> tuple[Network, Recipe, dict[str, Any]]:
    """The network of a checkpoint ready to predict, its recipe, and the checkpoint itself.

    Raises:
        LulcError: the file is not a checkpoint of `training.train`.
    """
    state = read(path)
    for key in ("weights", "fill", "recipe", "step"):
        if key not in state:
            raise LulcError(f"{path} is not a checkpoint of training.train: it has no {key!r}.")
    recipe = parse(state["recipe"], Path(state.get("folder", ".")), path.name, trained=True)
    network = build(NetworkSettings.from_table(recipe.network), len(state["fill"]), len(recipe.legend.classes))
    network.load_state_dict(state["weights"])
    return network.eval().channels_last(), recipe, state


def revision(folder: Path) -> str:
    """Git revision of the checkout in `folder`, with `+changes` where files differ from it; `unknown` without git."""
    try:
        described = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty=+changes", "--abbrev=12"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
