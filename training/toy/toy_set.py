# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes, masks and a data set of made-up land, as files: what `training.prepare chips` makes of anybody's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress

from ..prepare import data_set
from ..prepare.chip_writer import ChipOptions, Tiling
from ..prepare.preview import require_drawing
from ..prepare.set_files import Credits
from . import land

#: The scenes lie in the sea at 0° N, 3° E, so that nobody takes them for a place.
_CRS, _WEST, _NORTH, _PIXEL = 32631, 500_000, 0, 10
_CHIP = 64


@dataclass(frozen=True)
class Toy:
    """The files.

    Attributes:
        folder: of all; to be named as the folder of the data sets.
        data: the data set `toy` in it.
        scene, reference: a scene that is not in the set, and the truth about it.
    """

    folder: Path
    data: Path
    scene: Path
    reference: Path


def make_toy(folder: Path, seed: int, scenes: int, size: int, progress: Progress) -> Toy:
    """Write the toy data.

    Args:
        folder: must not exist yet, or be empty.
        seed: of everything random; the same seed gives the same pixels.
        scenes: how many go into the set; each is a place of its own.
        size: rows and columns of a scene.
        progress: receives what is done.

    Raises:
        LulcError: the folder is in use or cannot be written, or the numbers are too small.
    """
    if scenes < 4 or size < 2 * _CHIP:
        raise LulcError(
            f"{scenes} scenes of {size} pixels are too few to be split by place.",
            f"Make at least 4 scenes of {2 * _CHIP} pixels.",
        )
    if seed < 0:
        raise LulcError(f"The seed is {seed}.", "Give a whole number from 0 on.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LulcError(f"{folder} exists already.", "Name another folder, or remove it.")
    require_drawing()
    toy = Toy(folder, folder / "toy", folder / "new-scene.tif", folder / "new-reference.tif")
    try:
        for part in ("scenes", "masks"):
            (folder / part).mkdir(parents=True)
        classes = [{"value": v, "name": n, "colour": land.COLOURS[v]} for v, n in land.NAMES.items()]
        write_whole(folder / "classes.json", json.dumps({"classes": classes}, indent=1).encode())
        for number in range(scenes + 1):
            progress.check()
            rng = np.random.default_rng([seed, number])
            drawn = land.draw_land(rng, size)
            image, mask = folder / "scenes" / f"toy-{number}.tif", folder / "masks" / f"toy-{number}.tif"
            if number == 0:  # this one is kept apart
                image, mask = toy.scene, toy.reference
            _write(image, land.reflectance(rng, drawn), number, size, land.BANDS, 1 / land.SCALE)
            _write(mask, drawn.classes[None], number, size, ("class",), None)
    except OSError as error:
        raise LulcError(f"{folder} cannot be written: {error}.") from error
    data_set.prepare(_job(toy, seed), progress)
    return toy


def _job(toy: Toy, seed: int) -> data_set.PrepareJob:
    """The same as `training.prepare chips scenes --masks masks --legend classes.json …`."""
    return data_set.PrepareJob(
        images=(toy.folder / "scenes",),
        out=toy.data,
        labels=data_set.LabelOptions(toy.folder / "classes.json", (toy.folder / "masks",)),
        chips=ChipOptions(Tiling(_CHIP * 2, 0, "shift")),
        places=data_set.PlaceOptions(shares="train=0.6,val=0.2,test=0.2", seed=seed),
        numbers=data_set.NumberOptions(),
        credits=Credits("toy", "Made-up land", "made by training.toy, shows no place", "CC0-1.0"),
    )


def _write(
    path: Path,
    values: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
    number: int,
    size: int,
    names: tuple[str, ...],
    scale: float | None,
) -> None:
    """A GeoTIFF at the place of scene `number`; side by side, with a gap of one scene between two."""
    where = from_origin(_WEST + 2 * number * size * _PIXEL, _NORTH, _PIXEL, _PIXEL)
    profile = {"count": len(values), "height": size, "width": size, "dtype": values.dtype, "nodata": 0}
    with rasterio.open(
        path, "w", driver="GTiff", crs=CRS.from_epsg(_CRS), transform=where, compress="deflate", **profile
    ) as target:
        target.write(values)
        target.descriptions = names
        if scale is None:
            target.write_colormap(1, {v: _rgba(colour) for v, colour in land.COLOURS.items()})
        else:
            target.scales = (scale,) * len(values)


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue, 255
