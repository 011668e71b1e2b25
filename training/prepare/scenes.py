# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenes to prepare: image files, their masks, and what their numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PICTURE, LayerFacts, Source, apply_steps, common_name, interpret_values, probe_layer

ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".vrt", ".jp2", ".img")


@dataclass(frozen=True)
class Scene:
    """One image; `bands` are those that are taken (from 1; never an alpha band)."""

    path: Path
    facts: LayerFacts
    bands: tuple[int, ...]
    nodata: float | None

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


@dataclass(frozen=True)
class Numbers:
    """What the stored numbers of all scenes are: stored · scale + offset = reflectance, or those of a picture."""

    values: str
    scale: float
    offset: float
    because: str


def files_in(sources: Sequence[Path], what: str) -> list[Path]:
    """Raster files of folders and single files, by name.

    Raises:
        LulcError: there is none, or two have one stem.
    """
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            files += sorted(p for p in source.iterdir() if p.suffix.lower() in ENDINGS and p.is_file())
        elif source.is_file():
            files.append(source)
        else:
            raise LulcError(f"There is no {what} {source}.", "Give folders or files that exist.")
    if not files:
        raise LulcError(f"There is no {what} in {', '.join(map(str, sources))}.", f"Files end in {', '.join(ENDINGS)}.")
    stems: dict[str, Path] = {}
    for path in files:
        if path.stem in stems:
            raise LulcError(
                f"{stems[path.stem]} and {path} have one name.", "Chips are named by it: rename one of them."
            )
        stems[path.stem] = path
    return files


def open_scenes(paths: Sequence[Path]) -> list[Scene]:
    """Scenes of image files.

    Raises:
        LulcError: one cannot be opened, or they differ in bands or number types.
    """
    scenes = []
    for path in paths:
        with Source(str(path)) as source:
            bands = tuple(b.number for b in source.facts.bands if not b.is_alpha)
            scenes.append(Scene(path, source.facts, bands, source.nodata(bands[0]) if bands else None))
    first = scenes[0]
    for scene in scenes:
        types = {scene.facts.dtypes[b - 1] for b in scene.bands}
        if len(scene.bands) != len(first.bands) or types != {first.facts.dtypes[first.bands[0] - 1]}:
            raise LulcError(
                f"{scene.path} has {len(scene.bands)} bands of {', '.join(sorted(types))}, {first.path}"
                f" {len(first.bands)} of {first.facts.dtypes[0]}.",
                "Scenes of one data set have the same bands and number type; make one set of each kind.",
            )
    return scenes


def masks_of(scenes: Sequence[Scene], sources: Sequence[Path]) -> dict[str, Path]:
    """Stem of each scene → its mask.

    Raises:
        LulcError: a scene has none.
    """
    masks = {path.stem: path for path in files_in(sources, "mask")}
    missing = [scene.stem for scene in scenes if scene.stem not in masks]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise LulcError(
            f"{len(missing)} of {len(scenes)} images have no mask of the same name: {shown}.",
            "Rename the masks, or prepare those images without masks as a set of their own.",
        )
    return {scene.stem: masks[scene.stem] for scene in scenes}


def band_names(scene: Scene, given: Sequence[str]) -> tuple[str, ...]:
    """Common names of the bands: as given, or as the file names and colours them.

    Raises:
        LulcError: their number is wrong, or the file does not tell.
    """
    if given:
        if len(given) != len(scene.bands):
            raise LulcError(
                f"{len(given)} bands are named ({', '.join(given)}), {scene.path.name} has {len(scene.bands)}.",
                "Name every band in the order of the file.",
            )
        if len(set(given)) != len(given):
            raise LulcError(f"A band name is given twice: {', '.join(given)}.", "Give each band its own.")
        return tuple(common_name(name) or name for name in given)
    names = []
    for number in scene.bands:
        band = scene.facts.bands[number - 1]
        names.append(common_name(band.name) or (band.colour if band.colour in ("red", "green", "blue") else None))
    if len(names) == 3 and not any(names):
        names = ["red", "green", "blue"]
    if None in names or len(set(names)) != len(names):
        raise LulcError(
            f"{scene.path.name} does not say what its {len(names)} bands are.",
            "Name them in order, as in --bands blue,green,red,nir.",
        )
    return tuple(str(name) for name in names)


def numbers_of(scenes: Sequence[Scene], values: str, progress: Progress) -> Numbers:
    """What the stored numbers are, as the engine sees it when it classifies such a layer.

    Args:
        scenes: all of them; they have to agree.
        values: `auto`, `reflectance` or `picture`.
        progress: asked whether to stop.

    Raises:
        LulcError: scenes or bands differ in kind or scale.
    """
    kinds: dict[tuple[str, float, float], str] = {}
    because = ""
    for scene in scenes:
        with Source(str(scene.path)) as source:
            probe = probe_layer(source, scene.bands, progress)
        bands = [scene.facts.bands[b - 1] for b in scene.bands]
        reading = interpret_values(values, [scene.facts.dtypes[b - 1] for b in scene.bands], bands, probe)
        because = because or reading.because
        for text in reading.warnings:
            progress.warn(f"{scene.path.name}: {text}")
        for band, steps in zip(bands, reading.band_steps):
            scale, offset = (1.0, 0.0)
            if reading.kind != PICTURE:
                at = apply_steps(np.array([0.0, 10_000.0]), steps).astype(np.float64)
                scale, offset = float(f"{(at[1] - at[0]) / 10_000:.6g}"), float(f"{at[0]:.6g}")
            kinds.setdefault((reading.kind, scale, offset), f"{scene.path.name}, band {band.number}")
    if len(kinds) > 1:
        shown = "; ".join(f"{where}: {kind} · {scale:g} + {offset:g}" for (kind, scale, offset), where in kinds.items())
        raise LulcError(
            f"The scenes' numbers differ ({shown}).",
            "Say what they are with --values, or with --scale and --offset, or make one set of each kind.",
        )
    (kind, scale, offset), _ = kinds.popitem()
    return Numbers(kind, scale, offset, because)
