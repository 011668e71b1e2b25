# SPDX-License-Identifier: GPL-3.0-or-later
"""The student: trained by `training.train` with a recipe that names the labelled set."""

from __future__ import annotations

from pathlib import Path

from lulc_plugin.errors import LulcError


def check(config: Path, folder: Path) -> None:
    """See, before a long labelling, that a recipe trains on the set that is to be written.

    Raises:
        LulcError: the recipe cannot be read, or none of its `[[data]]` names the set.
    """
    from .. import recipe

    sets = [part.set for part in recipe.read(config).data]
    if folder.resolve().name not in sets:
        raise LulcError(
            f"The recipe {config} trains on {', '.join(sets)}, not on {folder.resolve().name}.",
            f'Write set = "{folder.resolve().name}" in one of its [[data]], or choose another name with --out.',
        )


def teach(config: Path, folder: Path, run: Path | None = None) -> Path:
    """Train the network of a recipe on the labelled set; sets are sought beside it.

    Args:
        config: the recipe.
        folder: the labelled set.
        run: folder of checkpoints; None: as the recipe is called.

    Returns:
        the best checkpoint.

    Raises:
        LulcError: see `training.train`.
    """
    # PyTorch is only needed here: labelling works without it
    from ..train import __main__ as training

    said = [str(config), "--data", str(folder.resolve().parent)]
    return training.train(training.parser().parse_args([*said, *(["--run", str(run)] if run else [])]))
