# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenes to prepare: image files, their masks, and what their numbers are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PICTURE, LayerFacts, Source, apply_steps, common_name, interpret_values, probe_layer

ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".vrt", ".jp2", ".img")


@dataclass(frozen=True)
class Scene:
    """One image; `bands` are those that are taken (from 1; never an alpha band), `stem` is what chips are named by."""

    path: Path
    facts: LayerFacts
    bands: tuple[int, ...]
    nodata: float | None
    stem: str


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


@dataclass(frozen=True)
class Patterns:
    """Which files are images and which are their masks, where not all files of folders of their own are.

    `*` stands for any text without a slash, in the name of a mask for the same as in that of its image:
    `*_sat.jpg` and `*_mask.png`, `*/images/*.png` and `*/masks/*.png`.
    """

    image: str = ""
    mask: str = ""

    def __post_init__(self) -> None:
        if self.mask and not self.image:
            raise LulcError("A pattern of masks is given, but none of images.", "Give --image, too.")
        for pattern in (self.image, self.mask):
            if pattern and ("*" not in pattern or "**" in pattern or pattern.startswith("/") or ".." in pattern):
                raise LulcError(
                    f"The pattern {pattern!r} is not understood.", "Write one like '*_sat.jpg' or '*/images/*.png'."
                )
        if self.mask and self.image.count("*") != self.mask.count("*"):
            raise LulcError(
                f"The patterns {self.image!r} and {self.mask!r} have {self.image.count('*')} and"
                f" {self.mask.count('*')} stars.",
                "Each star of one stands for the same as that of the other.",
            )


def paired_files(
    sources: Sequence[Path], patterns: Patterns, mask_sources: Sequence[Path] = ()
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Stem → image, and stem → mask where there is one, below the folders `sources` by `patterns`.

    Masks are sought in `mask_sources` where given, else beside the images. The stem is what the stars stand for.

    Raises:
        LulcError: a source is no folder, no image fits, two have one stem, or none of them has a mask.
    """
    images: dict[str, Path] = {}
    found: dict[str, Path] = {}
    fitting = re.compile("([^/]*)".join(map(re.escape, patterns.image.split("*"))))
    for source in sources:
        if not source.is_dir():
            raise LulcError(f"{source} is not a folder.", "A pattern of images is sought in folders.")
        for path in sorted(source.glob(patterns.image)):
            match = fitting.fullmatch(path.relative_to(source).as_posix())
            if match is None or not path.is_file():
                continue
            stem = _stem(match.groups())
            if stem in images:
                raise LulcError(f"{images[stem]} and {path} have one name, {stem}.", "Prepare them as two sets.")
            images[stem] = path
            if patterns.mask:
                name = "".join(a + b for a, b in zip(patterns.mask.split("*"), (*match.groups(), ""), strict=True))
                own = next((m for m in (s / name for s in mask_sources or (source,)) if m.is_file()), None)
                found |= {} if own is None else {stem: own}
    if not images:
        raise LulcError(f"No image fits {patterns.image!r} in {', '.join(map(str, sources))}.", "Look at the names.")
    if patterns.mask and not found:
        raise LulcError(
            f"None of {len(images)} images has a mask that fits {patterns.mask!r}, like {next(iter(images.values()))}.",
            "Correct the patterns.",
        )
    return images, found


def _stem(texts: Sequence[str]) -> str:
    """Texts joined; one that only repeats how the next begins is left out: aachen, aachen_1."""
    kept = [a for a, b in zip(texts, (*texts[1:], "")) if not (b and b.startswith(a))]
    return "_".join(text for text in kept if text)


def open_scenes(files: Mapping[str, Path]) -> list[Scene]:
    """Scenes of image files, by their stems.

    Raises:
        LulcError: one cannot be opened, or they differ in bands or number types.
    """
    scenes = []
    for stem, path in files.items():
        with Source(str(path)) as source:
            bands = tuple(b.number for b in source.facts.bands if not b.is_alpha)
            scenes.append(Scene(path, source.facts, bands, source.nodata(bands[0]) if bands else None, stem))
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


def masks_of(images: Mapping[str, Path], sources: Sequence[Path]) -> dict[str, Path]:
    """Stem of each image → its mask, the file of that name in `sources`.

    Raises:
        LulcError: an image has none, or is its own.
    """
    masks = {path.stem: path for path in files_in(sources, "mask")}
    missing = [stem for stem in images if stem not in masks]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise LulcError(
            f"{len(missing)} of {len(images)} images have no mask of the same name: {shown}.",
            "Say how the names differ, as in --image '*_sat.jpg' --mask '*_mask.png', or rename the masks. Images"
            " without masks are a set of their own.",
        )
    for stem, path in images.items():
        if masks[stem].samefile(path):
            raise LulcError(
                f"{path} would be its own mask.",
                "Say which files are which, as in --image '*_sat.jpg' --mask '*_mask.png', or name a --preset.",
            )
    return {stem: masks[stem] for stem in images}


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
