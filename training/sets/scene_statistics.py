# SPDX-License-Identifier: GPL-3.0-or-later
"""Percentiles of the whole scenes that chips were cut from: what the engine measures of a layer before it maps it.

A network that takes pictures sees them stretched between two percentiles of their layer. A chip has others than its
scene, and a network that learned or was scored by those of chips would not be the one that makes the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError

from .description import SetDescription

FloatArray = npt.NDArray[np.float32]
#: File of a data set that `prepare` makes.
FILE = "scenes.npz"
#: Every half percent: as samples, these numbers have the same percentiles as all pixels of the scene.
PERCENTILES = np.linspace(0, 100, 201)


def percentiles_of(sample: npt.NDArray[Any]) -> FloatArray:
    """`(bands, 201)` percentiles of `(bands, pixels)`, in the numbers that the engine measures a layer in."""
    return np.percentile(sample.astype(np.float32), PERCENTILES, axis=1).T.astype(np.float32)


def write_scene_statistics(scenes: Mapping[str, FloatArray], folder: Path) -> None:
    """Write scene → `(bands, 201)` percentiles in stored numbers, bands in the order of the files."""
    stream = BytesIO()
    np.savez_compressed(stream, scenes=np.array(list(scenes)), percentiles=np.stack(list(scenes.values())))
    write_whole(folder / FILE, stream.getvalue())


def scene_statistics(description: SetDescription) -> dict[str, FloatArray]:
    """Scene → `(bands, 201)` percentiles in stored numbers; empty where the set does not know its scenes.

    Raises:
        LulcError: the file that the description names is missing, damaged, or of other bands.
    """
    if not description.scene_statistics:
        return {}
    path = description.folder / description.scene_statistics
    try:
        with np.load(path, allow_pickle=False) as content:
            names, percentiles = content["scenes"], content["percentiles"]
        fits = percentiles.shape == (len(names), len(description.bands), len(PERCENTILES))
    except (OSError, ValueError, KeyError) as error:
        raise LulcError(f"{path} cannot be read: {error}.", "Prepare the set again.") from None
    if not fits:
        raise LulcError(
            f"{path} has percentiles of {percentiles.shape}; {len(description.bands)} bands are described.",
            "Prepare the set again.",
        )
    return {str(name): values for name, values in zip(names, percentiles, strict=True)}
