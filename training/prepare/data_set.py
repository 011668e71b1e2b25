# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a data set: scenes with their labels in, a folder of chips out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import PixelRegion, Source, statistics as layer_statistics

from ..sets.description import describe
from ..sets.scene_statistics import percentiles_of, write_scene_statistics
from . import masks, place_splits, statistics
from .chip_writer import ChipOptions, ChipRow, ChipWriter, LeftOut, ReadLabels, nodata_for
from .class_table import UNKNOWN, ClassTable, Labels, read_classes
from .drawn_labels import drawn
from .label_content import LabelContent, require_known, require_learnable
from .overlap import SharedGround, shared_ground
from .place_splits import Area
from .preview import contact_sheet, require_drawing
from .scenes import (
    Numbers,
    Patterns,
    Scene,
    band_names,
    files_in,
    masks_of,
    numbers_of,
    open_scenes,
    paired_files,
)
from .set_files import Credits, write_description, write_split
from .set_recipe import write_recipe
from .split_leaks import Leak, leaks_between, scene_pictures

OVERLAPS = ("check", "join", "skip")
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class LabelOptions:
    """Where labels come from: at most one of masks (`mask_files`, `patterns`), `polygons` or `points` (see `drawn`).

    A larger share of the pixels than `most_lost` that would be of no class, or of none that can be learned, is refused.
    """

    legend: Path | None = None
    mask_files: tuple[Path, ...] = ()
    mask_options: masks.MaskOptions = field(default_factory=masks.MaskOptions)
    drawings: Path | None = None
    class_field: str = "class"
    patterns: Patterns = Patterns()
    most_lost: float = 0.05

    @property
    def masked(self) -> bool:
        """Whether they are masks."""
        return bool(self.mask_files or self.patterns.mask)

    def __post_init__(self) -> None:
        if self.masked and self.drawings:
            raise LulcError(
                "Masks and drawn labels are both given.", "Give --masks, --polygons or --points, one of them."
            )
        if (self.masked or self.drawings) and self.legend is None:
            raise LulcError("The classes of the labels are not known.", "Name a file of classes with --legend.")
        if not 0 <= self.most_lost <= 1:
            raise LulcError(f"The largest lost share is {self.most_lost:g}.", "Give --max-lost a share from 0 to 1.")


@dataclass(frozen=True)
class PlaceOptions:
    """What a place is (at most one of `block` > 0, `groups`, `pattern`; else each scene) and how splits share them.

    All places in a folder that `splits` names are of that split.
    """

    block: int = 0
    groups: Path | None = None
    pattern: str = ""
    shares: str = ""
    seed: int = 0
    overlap: str = "check"
    splits: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if sum((self.block > 0, self.groups is not None, bool(self.pattern))) > 1:
            raise LulcError("Places are defined in two ways.", "Give one of --block, --groups and --place-pattern.")
        if self.block < 0:
            raise LulcError(f"Blocks of {self.block} pixels cannot be made.", "Give --block a number of pixels.")
        if self.overlap not in OVERLAPS:
            raise LulcError(f"The overlap is {self.overlap!r}.", f"It is one of {', '.join(OVERLAPS)}.")


@dataclass(frozen=True)
class NumberOptions:
    """What the bands and their numbers are, where the files do not tell: see `band_names` and `numbers_of`."""

    bands: tuple[str, ...] = ()
    values: str = "auto"
    scale: float | None = None
    offset: float = 0.0
    gsd: float | None = None


@dataclass(frozen=True)
class PrepareJob:
    """All that a person says."""

    images: tuple[Path, ...]
    out: Path
    labels: LabelOptions
    chips: ChipOptions
    places: PlaceOptions
    numbers: NumberOptions
    credits: Credits
    previews: int = 12


@dataclass(frozen=True)
class Prepared:
    """A finished data set: where it is, its statistics, ground in two places, and leaks between splits."""

    folder: Path
    statistics: dict[str, Any]
    grounds: list[SharedGround]
    leaks: list[Leak]


@dataclass(frozen=True)
class _Plan:
    """What is known before the first chip."""

    scenes: list[Scene]
    names: tuple[str, ...]
    numbers: Numbers
    gsd: float
    table: ClassTable | None
    mask_files: dict[str, masks.MaskFile]
    areas: list[Area]
    grounds: list[SharedGround]
    content: LabelContent


def prepare(job: PrepareJob, progress: Progress) -> Prepared:
    """Make a data set. It is written under a temporary name and renamed when it is whole.

    Raises:
        LulcError: inputs that do not fit together, or an output that is already there.
    """
    if job.out.exists() and (not job.out.is_dir() or any(job.out.iterdir())):
        raise LulcError(f"{job.out} exists already.", "Give another --out, or remove it.")
    if job.previews:
        require_drawing()
    plan = _plan(job, progress)
    leaks = leaks_between(plan.areas, plan.grounds)
    building = job.out.with_name(f".{job.out.name}.part")
    if building.exists():
        raise LulcError(f"{building} is there from a run that was killed, or another run is at work.", "Remove it.")
    try:
        (building / "images").mkdir(parents=True)
        if plan.table is not None:
            (building / "labels").mkdir()
        measured = _write(job, plan, leaks, building, progress)
        if job.out.exists():
            job.out.rmdir()
        building.rename(job.out)
    except OSError as error:
        raise LulcError(f"{job.out} cannot be written: {error}.", "Is the disk full?") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Prepared(job.out, measured, plan.grounds, leaks)


def _plan(job: PrepareJob, progress: Progress) -> _Plan:
    images, paths = _files(job, progress)
    scenes = open_scenes(images)
    names = band_names(scenes[0], job.numbers.bands)
    progress.log(
        f"{len(scenes)} scenes, {sum(s.facts.height * s.facts.width for s in scenes):,} pixels, {', '.join(names)}"
    )
    numbers = _numbers(job, scenes, progress)
    progress.log(f"numbers: {numbers.values}, scale {numbers.scale:g}, offset {numbers.offset:g} ({numbers.because})")
    labelled = bool(paths or job.labels.drawings)
    table = read_classes(job.labels.legend) if job.labels.legend and labelled else None
    if table is not None and table.shift:
        progress.log("the legend has a class of value 0, which means unknown in a data set: all values are one higher")
    mask_files = {}
    if table is not None and paths:
        options = job.labels.mask_options
        mask_files = {s.stem: masks.MaskFile(paths[s.stem], table, options, s.facts) for s in scenes}
    areas, grounds = _with_shared_ground(job, scenes, _areas(job, scenes), names, progress)
    if not labelled and not job.places.shares:
        areas = [replace(area, split=area.split or UNLABELLED) for area in areas]
    shares = place_splits.parse_shares(job.places.shares or "train=0.7,val=0.15,test=0.15")
    content = _content(job, scenes, areas, table, mask_files, progress)
    areas = place_splits.assigned(areas, shares, job.places.seed, content.classes)
    if table is not None:
        require_learnable(content, areas, table, job.labels.most_lost, progress)
    return _Plan(scenes, names, numbers, _gsd(job, scenes, progress), table, mask_files, areas, grounds, content)


def _with_shared_ground(
    job: PrepareJob, scenes: Sequence[Scene], areas: list[Area], names: Sequence[str], progress: Progress
) -> tuple[list[Area], list[SharedGround]]:
    """The areas, those that share ground joined where that is asked for, and the ground that places share."""
    grounds: list[SharedGround] = []
    if job.places.overlap == "skip":
        progress.warn("overlap between places was not searched for")
    elif len(scenes) > 1:
        progress.log("searching for ground that two places share")
        pictures = scene_pictures(scenes, areas, names)
        grounds = shared_ground(pictures, Progress())
        for ground in grounds:
            progress.log(f"  {describe_ground(ground, [p.name for p in pictures])}")
        if not grounds:
            progress.log("  none found")
    if job.places.overlap == "join":
        areas, pairs = place_splits.joined(areas, grounds)
        for one, other in pairs:
            progress.log(f"  {one} and {other} are one place now")
    return areas, grounds


def _content(
    job: PrepareJob, scenes: Sequence[Scene], areas: Sequence[Area], table: ClassTable | None,
    mask_files: Mapping[str, masks.MaskFile], progress: Progress,
) -> LabelContent:  # fmt: skip
    """The labels counted; nothing where there are none.

    Raises:
        LulcError: too many are of no class.
    """
    content = LabelContent()
    if table is None:
        return content
    for area in areas:
        progress.check()
        scene = scenes[area.scene]
        content.add(area, scene.stem, mask_files.get(scene.stem), _labels_of(job, table, mask_files, scene)[0])
    require_known(content, job.labels.most_lost, any(m.kind == "colours" for m in mask_files.values()), progress)
    return content


def _files(job: PrepareJob, progress: Progress) -> tuple[dict[str, Path], dict[str, Path]]:
    """Stem → image, and stem → mask where there are masks."""
    labels = job.labels
    if not labels.patterns.image:
        images = {path.stem: path for path in files_in(job.images, "image")}
        return images, masks_of(images, labels.mask_files) if labels.mask_files else {}
    images, paths = paired_files(job.images, labels.patterns, labels.mask_files)
    bare = [stem for stem in images if stem not in paths]
    if paths and bare:
        progress.warn(f"{len(bare):,} of {len(images):,} images have no mask and are left out: {', '.join(bare[:3])}…")
    elif labels.mask_files and not labels.patterns.mask:
        paths = masks_of(images, labels.mask_files)
    return {stem: path for stem, path in images.items() if stem in paths or not paths}, paths


def _numbers(job: PrepareJob, scenes: Sequence[Scene], progress: Progress) -> Numbers:
    if job.numbers.scale is not None:
        if job.numbers.values == "picture" or job.numbers.scale <= 0:
            raise LulcError(
                f"A scale of {job.numbers.scale:g} does not go with --values {job.numbers.values}.",
                "Scales above 0 turn stored numbers into reflectance; pictures have none.",
            )
        return Numbers("reflectance", job.numbers.scale, job.numbers.offset, "as you set")
    return numbers_of(scenes, job.numbers.values, progress)


def _areas(job: PrepareJob, scenes: Sequence[Scene]) -> list[Area]:
    places = job.places
    if places.block:
        if places.block < job.chips.tiling.size:
            raise LulcError(
                f"Blocks of {places.block} pixels are smaller than chips of {job.chips.tiling.size}.",
                "Give a larger --block, some four chips wide, or a smaller --size.",
            )
        return place_splits.by_blocks(scenes, places.block)
    if places.groups is not None:
        return place_splits.by_file(scenes, places.groups)
    areas = place_splits.by_name(scenes, places.pattern) if places.pattern else place_splits.by_scene(scenes)
    folders = [{parent.name for parent in scene.path.absolute().parents} for scene in scenes]
    return [
        replace(area, split=next((s for name, s in places.splits.items() if name in folders[area.scene]), ""))
        for area in areas
    ]


def _gsd(job: PrepareJob, scenes: Sequence[Scene], progress: Progress) -> float:
    if job.numbers.gsd is not None:
        return job.numbers.gsd
    known = [s.facts.gsd for s in scenes if s.facts.gsd]
    if not known:
        progress.warn("the pixel size is not known; say it with --gsd METRES if you know it")
        return 0.0
    if max(known) > 1.05 * min(known):
        progress.warn(f"pixel sizes run from {min(known):.4g} to {max(known):.4g} m; set.toml gets the middle one")
    return sorted(known)[len(known) // 2]


def describe_ground(ground: SharedGround, names: Sequence[str]) -> str:
    """One line about common ground, for people."""
    text = f"{names[ground.first]} and {names[ground.second]} share {ground.pixels / 1e6:.3g} Mpx"
    text += f" ({ground.share_first:.0%} and {ground.share_second:.0%} of them)"
    if ground.shift is not None:
        row, col = ground.shift
        text += f"; pixel (r, c) of the first is pixel (r{-row:+d}, c{-col:+d}) of the second"
    return text + (f"; likeness {ground.likeness:.2f}" if ground.how == "content" else "; by their georeference")


def _write(job: PrepareJob, plan: _Plan, leaks: list[Leak], folder: Path, progress: Progress) -> dict[str, Any]:
    nodata = nodata_for(plan.scenes)
    writer = ChipWriter(folder, plan.names, nodata, plan.table, job.chips)
    rows: list[ChipRow] = []
    left = LeftOut()
    about: dict[str, str] = {}
    measured_scenes: dict[str, npt.NDArray[np.float32]] = {}
    for i, scene in enumerate(plan.scenes):
        read, done = _labels_of(job, plan.table, plan.mask_files, scene)
        mine, out = writer.write(scene, [a for a in plan.areas if a.scene == i], read, progress)
        rows += mine
        left.add(out)
        if mine:
            with Source(str(scene.path)) as source:
                measured_scenes[scene.stem] = percentiles_of(
                    layer_statistics.sample_layer(source, scene.bands, progress)
                )
        text = done()
        if scene.stem in plan.content.decodings:
            text = masks.describe_decoding(plan.content.decodings[scene.stem], plan.mask_files[scene.stem].kind)
        if text:
            about[scene.path.name] = text
            progress.log(f"{scene.path.name}: {len(mine)} chips; {text}")
        progress.report(90 * (i + 1) / len(plan.scenes))
    if not rows:
        raise LulcError("No chip has enough labelled pixels.", "Lower --min-labelled, or look at the masks.")
    _say_left_out(left, job.chips, progress)
    write_split(folder, rows)
    write_scene_statistics(measured_scenes, folder)
    write_description(folder, job.credits, plan.names, plan.numbers, plan.gsd, nodata, plan.table)
    description = describe(folder.resolve().parent, folder.resolve().name)
    if plan.table is not None:
        sparse = bool(job.chips.sparse) or job.labels.drawings is not None
        write_recipe(replace(description, name=job.out.name), [r.split for r in rows], job.chips.tiling.size, sparse)
    measured = statistics.set_statistics(description, Progress())
    statistics.write_statistics(measured, folder / "stats.json")
    if job.previews:
        contact_sheet(description, folder / "preview.png", job.previews, job.places.seed)
    write_whole(folder / "prepare.json", json.dumps(_protocol(job, plan, left, about, leaks), indent=1).encode())
    progress.report(100)
    return measured


def _labels_of(
    job: PrepareJob, table: ClassTable | None, mask_files: Mapping[str, masks.MaskFile], scene: Scene
) -> tuple[ReadLabels | None, Callable[[], str]]:
    """How to read the labels of a scene, and what to say about those that were drawn afterwards."""
    if table is None:
        return None, lambda: ""
    if mask_files:
        return lambda region: mask_files[scene.stem].read(region)[0], lambda: ""
    layer = drawn(Path(job.labels.drawings or ""), scene.path, scene.facts, table, job.labels.class_field)
    if layer is None:
        return _nothing_known, lambda: "nothing drawn"
    return layer.read, layer.summary_line


def _nothing_known(region: PixelRegion) -> Labels:
    return np.full((region.height, region.width), UNKNOWN, np.uint8)


def _say_left_out(left: LeftOut, options: ChipOptions, progress: Progress) -> None:
    if left.empty:
        progress.log(f"{left.empty:,} chips without a valid pixel left out")
    if left.unlabelled:
        progress.warn(
            f"{left.unlabelled:,} chips with less than {options.least_labelled:.1%} labelled pixels left out;"
            f" {left.lost_labels:,} labelled pixels were in them"
        )
    if left.hidden:
        progress.log(
            f"{left.hidden:,} labelled pixels hidden (--sparse {options.sparse}) in {', '.join(options.sparse_splits)}"
        )


def _protocol(job: PrepareJob, plan: _Plan, left: LeftOut, about: dict[str, str], leaks: list[Leak]) -> dict[str, Any]:
    """What was done, to do it again."""
    return {
        "tiling": vars(job.chips.tiling),
        "least_labelled": job.chips.least_labelled,
        "sparse": job.chips.sparse,
        "seed": job.places.seed,
        "shares": job.places.shares,
        "block": job.places.block,
        "overlap": job.places.overlap,
        "scenes": [s.path.name for s in plan.scenes],
        "labels": about,
        "left_out": vars(left),
        "shared_ground": [describe_ground(g, [s.path.name for s in plan.scenes]) for g in plan.grounds],
        "leaks": [vars(leak) for leak in leaks],
    }
