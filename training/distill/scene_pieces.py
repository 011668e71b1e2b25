# SPDX-License-Identifier: GPL-3.0-or-later
"""Unlabelled scenes: loose rasters of any size, read as the engine reads them, and data sets with their description."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.crs import CRS

from lulc_plugin.classify import ClassifyJob, input_scaling
from lulc_plugin.errors import LulcError
from lulc_plugin.model import ModelSpec
from lulc_plugin.progress import Progress
from lulc_plugin.raster import (
    LAYER_OPS,
    LayerFacts,
    PixelRegion,
    RasterInput,
    Source,
    Steps,
    apply_steps,
    band_names,
    bands,
    open_dataset,
    statistics,
    transform_coordinates,
    usable,
    value_kind,
)

from ..sets.chips import file_of, images, rows_of, scene_layers
from ..sets.description import KNOWN, SetDescription, describe

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
_RASTERS = (".tif", ".tiff", ".vrt", ".jp2", ".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Piece:
    """A part of a scene that becomes one image, with the surroundings that a teacher likes to see.

    Attributes:
        name: file name without ending.
        scene: the file it comes from.
        place: as the data set says; empty where unknown.
        split: as the data set says; empty where unknown.
        bands: common name → `(rows, cols)` with surroundings: reflectance 0..1, or a picture's stored numbers.
        valid: `(rows, cols)` with surroundings.
        core: rows and columns of the part itself.
        level: processing level, empty where unknown.
        crs, transform: of the part; None without.
        centre: longitude and latitude of the scene's centre; None without.
        layer: common name → `(pixels,)`, a sample of the whole scene; None where that is not known or of no matter.
    """

    name: str
    scene: str
    place: str
    split: str
    bands: Mapping[str, FloatArray]
    valid: BoolArray
    core: tuple[slice, slice]
    level: str = ""
    crs: Any = None
    transform: Any = None
    centre: tuple[float, float] | None = None
    layer: Mapping[str, FloatArray] | None = None


@dataclass(frozen=True)
class Scenes:
    """Scenes that are read alike.

    Attributes:
        title: for the log.
        bands: common names that there are.
        kind: `reflectance` or `picture`.
        gsd: metres, 0 where unknown.
        level: processing level, empty where unknown.
        credit, licence: of the imagery, empty where unknown.
        notes: what was decided, for the log.
        warnings: what the user should not overlook.
        source: what reads them.
    """

    title: str
    bands: tuple[str, ...]
    kind: str
    gsd: float
    level: str
    source: _SetFiles | _Raster = field(repr=False)
    credit: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def pieces(self, names: Sequence[str], size: int, context: int, grain: int) -> Iterator[Piece]:
        """Parts of all scenes, none of them larger than `size` pixels a side.

        Args:
            names: common names of the bands wanted.
            size: a multiple of `grain`.
            context: surrounding pixels, a multiple of `grain`.
            grain: parts begin at multiples of it.
        """
        return self.source.pieces(names, size, context, grain)

    def expected(self, size: int, grain: int) -> int:
        """About how many parts there will be, for a progress bar."""
        return self.source.expected(size, grain)


def find_scenes(
    paths: Sequence[Path], specs: Sequence[ModelSpec], values: str = "auto", level: str = ""
) -> list[Scenes]:
    """What lies at these paths: folders of data sets, images of such, folders of rasters, rasters.

    Args:
        paths: files and folders.
        specs: the teachers, which say what bands are called where a raster does not.
        values: what the numbers of loose rasters are: `auto`, `reflectance` or `picture`.
        level: processing level of loose rasters.

    Raises:
        LulcError: nothing there, an evaluation set, or a raster that lacks the teachers' bands.
    """
    out: list[Scenes] = []
    some: dict[Path, set[str]] = {}
    for path in paths:
        if path.is_dir() and _described(path):
            out.append(_set(path, None))
            continue
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in _RASTERS) if path.is_dir() else [path]
        if not files or not files[0].is_file():
            raise LulcError(f"There is no scene at {path}.", f"Name rasters ({', '.join(_RASTERS)}) or their folder.")
        for file in files:
            home = file.resolve().parent.parent
            if file.resolve().parent.name == "images" and _described(home):
                # its description knows what the file does not say: offsets, places, what may train
                some.setdefault(home, set()).add(file.stem)
            else:
                out.append(_loose(file, specs, values, level))
    return out + [_set(folder, names) for folder, names in some.items()]


def cuts(length: int, size: int, grain: int) -> list[tuple[int, int]]:
    """First and last + 1 pixel of as few even parts as possible, each at most `size` long, beginning at `grain`s."""
    count = math.ceil(length / size)
    each = math.ceil(length / count / grain) * grain
    return [(at, min(length, at + each)) for at in range(0, length, each)]


@dataclass(frozen=True)
class _Part:
    """A part of a scene: its pixels, those with surroundings, and where the first lie in the second."""

    own: PixelRegion
    around: PixelRegion
    only: bool

    @property
    def core(self) -> tuple[slice, slice]:
        row, col = self.own.row0 - self.around.row0, self.own.col0 - self.around.col0
        return slice(row, row + self.own.height), slice(col, col + self.own.width)

    def name(self, stem: str) -> str:
        return stem if self.only else f"{stem}_{self.own.row0:05d}_{self.own.col0:05d}"


def _parts(height: int, width: int, size: int, context: int, grain: int) -> list[_Part]:
    down, across = cuts(height, size, grain), cuts(width, size, grain)
    return [
        _Part(
            PixelRegion(top, bottom, left, right),
            PixelRegion(
                max(0, top - context),
                min(height, bottom + context),
                max(0, left - context),
                min(width, right + context),
            ),
            len(down) * len(across) == 1,
        )
        for top, bottom in down
        for left, right in across
    ]


def _centre(crs: Any, transform: Any, height: int, width: int) -> tuple[float, float] | None:
    if crs is None:
        return None
    # not GeoGrid: it adds in another order, which changes the last bit where an image is rotated; in _moved, too
    x = transform.c + transform.a * width / 2 + transform.b * height / 2
    y = transform.f + transform.d * width / 2 + transform.e * height / 2
    lon, lat = transform_coordinates(crs, CRS.from_epsg(4326), [x], [y])
    return (float(lon[0]), float(lat[0])) if np.isfinite(lon[0] + lat[0]) else None


# ---------------------------------------------------------------- data sets


@dataclass(frozen=True)
class _SetFiles:
    description: SetDescription
    only: frozenset[str] | None

    def pieces(self, names: Sequence[str], size: int, context: int, grain: int) -> Iterator[Piece]:
        d = self.description
        layers = scene_layers(d, names)
        for row, numbers, valid in images(d, {r["split"] for r in rows_of(d)}, names):
            stem = Path(row["file"]).stem
            if self.only is not None and stem not in self.only:
                continue
            with open_dataset(file_of(d.folder / "images", row["file"])) as dataset:
                crs, transform = dataset.crs, dataset.transform
            rows, cols = valid.shape
            layer = layers(row)
            for part in _parts(rows, cols, size, context, grain):
                around = np.s_[part.around.row0 : part.around.row1, part.around.col0 : part.around.col1]
                yield Piece(
                    name=part.name(stem),
                    scene=row["file"] if layer is None else row["scene"],
                    place=row.get(d.place, "") if d.place else "",
                    split=row["split"],
                    bands={n: v[around] for n, v in zip(names, numbers)},
                    valid=valid[around],
                    core=part.core,
                    level=d.level,
                    crs=crs,
                    transform=_moved(transform, part.own.row0, part.own.col0),
                    centre=_centre(crs, transform, rows, cols),
                    layer=None if layer is None else dict(zip(names, layer)),
                )

    def expected(self, size: int, grain: int) -> int:
        return len(rows_of(self.description)) if self.only is None else len(self.only)


def _moved(transform: Any, row: int, col: int) -> Any:
    t = transform
    return type(t)(
        t.a, t.b, t.c + t.a * col + t.b * row, t.d, t.e, t.f + t.d * col + t.e * row
    )  # fmt: skip


def _described(folder: Path) -> bool:
    has = (folder / "set.toml").is_file() or (KNOWN / f"{folder.resolve().name}.toml").is_file()
    return has and (folder / "split.csv").is_file()


def _set(folder: Path, only: set[str] | None) -> Scenes:
    folder = folder.resolve()
    d = describe(folder.resolve().parent, folder.resolve().name)
    if d.use != "train":
        raise LulcError(f"{d.name} is for evaluation only; nothing may be trained on it.", "Name another set.")
    kind = value_kind.PICTURE if d.picture else value_kind.REFLECTANCE
    count = len(rows_of(d))
    known = {Path(r["file"]).stem for r in rows_of(d)}
    if only is not None and only - known:
        raise LulcError(f"{sorted(only - known)[0]} is not an image of {d.name}, or one that it leaves out.")
    note = f"{d.name}: {count if only is None else len(only)} images, {kind}"
    chosen = None if only is None else frozenset(only)
    return Scenes(d.name, d.bands, kind, d.gsd, d.level, _SetFiles(d, chosen), d.credit, d.licence, (note,))


# ---------------------------------------------------------------- loose rasters


@dataclass(frozen=True)
class _Raster:
    path: Path
    facts: LayerFacts
    numbers: Mapping[str, int]
    steps: Mapping[str, Steps]
    level: str
    whole_layer: bool

    def pieces(self, names: Sequence[str], size: int, context: int, grain: int) -> Iterator[Piece]:
        facts = self.facts
        numbers = [self.numbers[n] for n in names]
        parts = _parts(facts.height, facts.width, size, context, grain)
        with Source(str(self.path)) as source:
            layer = None
            if self.whole_layer:
                sample = statistics.sample_layer(source, numbers, Progress())
                layer = {n: apply_steps(s, self.steps[n]) for n, s in zip(names, sample)}
            for part in parts:
                stored, band_valid = source.read(numbers, part.around)
                # black margins are often not marked; nothing that was measured is 0 in every band
                valid = usable(band_valid, "any") & (stored != 0).any(axis=0)
                if not valid[part.core].any():
                    continue
                clean = np.where(valid, stored, stored.dtype.type(0))
                yield Piece(
                    name=part.name(self.path.stem),
                    scene=self.path.name,
                    place="",
                    split="",
                    bands={n: apply_steps(s, self.steps[n]) for n, s in zip(names, clean)},
                    valid=valid,
                    core=part.core,
                    level=self.level,
                    crs=facts.crs,
                    transform=facts.transform_of(part.own),
                    centre=_centre(facts.crs, facts.transform, facts.height, facts.width),
                    layer=layer,
                )

    def expected(self, size: int, grain: int) -> int:
        return len(_parts(self.facts.height, self.facts.width, size, 0, grain))


def _loose(path: Path, specs: Sequence[ModelSpec], values: str, level: str) -> Scenes:
    with Source(str(path)) as source:
        facts = source.facts
        job = ClassifyJob(RasterInput(str(path)), values=values)
        numbers: dict[str, int] = {}
        warnings: list[str] = []
        for spec in specs:
            match = input_scaling.match_bands(job, facts, spec)
            warnings += match.warnings
            sensor = band_names.sensor_in(" ".join(filter(None, (spec.constellation, *spec.instruments))))
            for band, number in zip(spec.bands, match.numbers):
                numbers[band.common_name or band_names.of_sensor(band.name, sensor) or band.name] = number
        own = bands.sensor_of(facts.name, facts.tags, facts.bands)
        for layer_band in facts.bands:
            name = band_names.common_name(layer_band.name) or band_names.of_sensor(layer_band.name, own)
            if name and name not in numbers and layer_band.number not in numbers.values():
                numbers[name] = layer_band.number
        chosen = list(numbers.values())
        reading = value_kind.interpret_values(
            values,
            [facts.dtypes[n - 1] for n in chosen],
            [facts.bands[n - 1] for n in chosen],
            statistics.probe_layer(source, chosen, Progress()),
        )
    note = f"{facts.name}: {reading.kind} ({reading.because})"
    warned = (*warnings, *(f"{facts.name}: {text}" for text in reading.warnings))
    steps = dict(zip(numbers, reading.band_steps))
    measured = reading.kind == value_kind.PICTURE or any(_measures_layers(s) for s in specs)
    raster = _Raster(path, facts, numbers, steps, level, measured)
    gsd = facts.gsd or 0.0
    return Scenes(facts.name, tuple(numbers), reading.kind, gsd, level, raster, notes=(note,), warnings=warned)


def _measures_layers(spec: ModelSpec) -> bool:
    every = [*(s for f in spec.forms for s in f.band_steps), *(c.steps for c in spec.channels)]
    return any(step.op in LAYER_OPS for steps in every for step in steps)
