# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes and a teacher become a labelled data set with a sheet to look at; then a student may be trained on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomllib

from lulc_plugin import bundled
from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend
from lulc_plugin.model import ModelSpec
from lulc_plugin.progress import Progress
from lulc_plugin.report.csv_lines import csv_line

from ..teachers import teacher_settings
from ..teachers.panel import Panel
from . import scene_pieces, set_folder
from .set_folder import SetFolder, class_shares

LEGEND = "landcover6"
#: As the engine compares pixel sizes.
_TOLERANCE = 0.05


@dataclass(frozen=True)
class LabelJob:
    """What the user asks for.

    Attributes:
        teachers: network files; several are averaged.
        scenes: rasters, folders of them, data sets.
        out: folder of the new data set.
        table: TOML file with a legend and `[teachers.NAME]`; None: the bundled legend, classes of equal name.
        chip: largest side of an image, pixels.
        validation: share of the images that validate, where the data have no splits.
        together: scenes nearer than so many kilometres are one place.
        values: what the numbers of loose rasters are.
        level: processing level of loose rasters.
        threads: CPU threads, 0 for all cores.
        device: where the teachers run.
    """

    teachers: tuple[Path, ...]
    scenes: tuple[Path, ...]
    out: Path
    table: Path | None = None
    chip: int = 256
    validation: float = 0.2
    together: float = 100.0
    values: str = "auto"
    level: str = ""
    threads: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class Labelled:
    """What came out.

    Attributes:
        images: number of images.
        splits: split → images.
        counts: pixels of each class of the legend, those without a label first.
        legend: the classes.
        sheet: the contact sheet.
    """

    images: int
    splits: Mapping[str, int]
    counts: tuple[int, ...]
    legend: Legend
    sheet: Path


def label(job: LabelJob, progress: Progress | None = None) -> Labelled:
    """Label scenes and write them as a data set.

    Raises:
        LulcError: what is wrong and what to do.
    """
    progress = progress or Progress()
    legend, table = read_table(job.table)
    if not 32 <= job.chip <= 4096:
        raise LulcError(f"Images of {job.chip} pixels a side are asked for; it must be from 32 to 4096.")
    if not 0 <= job.validation < 1:
        raise LulcError(f"The share that validates is {job.validation}; it must be from 0 to below 1.")
    panel = Panel(
        [teacher_settings.parse({**table, "file": str(p.resolve())}, Path())[0] for p in job.teachers],
        legend.names, job.threads, job.device,
    )  # fmt: skip
    fingerprint = panel.fingerprint
    specs = [t.spec for t in panel.teachers]
    groups = scene_pieces.find_scenes(job.scenes, specs, job.values, job.level)
    for note in dict.fromkeys(note for g in groups for note in g.notes):
        progress.log(note)
    for warning in dict.fromkeys(w for g in groups for w in (*g.warnings, *_odd_sizes(g, specs))):
        progress.warn(warning)
    bands = _shared_bands(groups)
    grain = math.lcm(2, *(s.window.multiple for s in specs))
    size = max(grain, job.chip // grain * grain)
    context = max(math.ceil(s.window.margin / grain) * grain for s in specs)
    target = SetFolder(job.out, bands, groups[0].kind, legend)
    expected = sum(g.expected(size, grain) for g in groups)
    for group in groups:
        for piece in group.pieces(bands, size, context, grain):
            progress.check()
            shares, known = panel.answer(piece.bands, piece.valid, group.kind, piece.level, piece.layer)
            target.add(piece, shares[(slice(None), *piece.core)], known[piece.core])
            progress.report(95 * len(target.rows) / expected)
    if not target.rows:
        raise LulcError("None of the scenes has a valid pixel.", "There is nothing to label.")
    for warning in panel.warnings:
        progress.warn(warning)
    files = [row.file for row in target.rows]
    splits = target.finish(_facts(groups, panel), _told(panel, fingerprint), job.together, job.validation)
    counts = class_shares(job.out, files, legend)
    write_whole(job.out / "statistics.csv", _statistics(counts, legend).encode())
    title = f"{', '.join(s.title for s in specs)}: {len(files)} images"
    set_folder.draw_sheet(job.out, files, bands, legend, job.out / "sheet.png", title)
    progress.report(100)
    return Labelled(len(files), splits, tuple(int(n) for n in counts), legend, job.out / "sheet.png")


def read_table(path: Path | None) -> tuple[Legend, dict[str, Any]]:
    """Legend and settings of a table, without its `file`.

    `legend = "landcover6"` names a bundled legend or a JSON file beside the table; there is one `[teachers.NAME]`.

    Raises:
        LulcError: no such file, no TOML, or not exactly one teacher.
    """
    if path is None:
        return _legend(LEGEND, Path()), {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LulcError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LulcError(f"{path} is not TOML: {error}.") from None
    named = content.get("teachers", {})
    if not isinstance(named, dict) or len(named) != 1 or not isinstance(next(iter(named.values())), dict):
        names = ", ".join(named) if isinstance(named, dict) and named else "none"
        raise LulcError(f"{path} must have exactly one table [teachers.NAME]; it has {names}.")
    table = {k: v for k, v in next(iter(named.values())).items() if k != "file"}
    return _legend(str(content.get("legend", LEGEND)), path.parent), table


def _legend(name: str, folder: Path) -> Legend:
    path = folder / name if name.endswith(".json") else bundled.folder("legends") / f"{name}.json"
    if not path.is_file():
        raise LulcError(f"There is no legend {path}.", f"Write legend = {LEGEND!r}, or the name of a .json file.")
    return Legend.from_file(path)


def _shared_bands(groups: Sequence[scene_pieces.Scenes]) -> tuple[str, ...]:
    """Bands that all scenes have, in the order of the first."""
    kinds = {g.kind for g in groups}
    if len(kinds) > 1:
        odd = next(g for g in groups if g.kind != groups[0].kind)
        raise LulcError(
            f"{groups[0].title} is {groups[0].kind}, {odd.title} is {odd.kind}; a data set holds one of them.",
            "Label them apart, or say what the numbers are with --values.",
        )
    return tuple(b for b in groups[0].bands if all(b in g.bands for g in groups))


def _odd_sizes(group: scene_pieces.Scenes, specs: Sequence[ModelSpec]) -> list[str]:
    """Warnings of pixels of another size than a teacher was made for."""
    return [
        f"{group.title} has pixels of {group.gsd:g} m; {spec.name} was made for {spec.gsd_range[0]:g} to"
        f" {spec.gsd_range[1]:g} m. They are not resampled."
        for spec in specs
        if spec.gsd_range
        and group.gsd
        and not spec.gsd_range[0] * (1 - _TOLERANCE) <= group.gsd <= spec.gsd_range[1] * (1 + _TOLERANCE)
    ]


def _facts(groups: Sequence[scene_pieces.Scenes], panel: Panel) -> dict[str, Any]:
    """Entries of `set.toml` that the scenes and the teachers know."""
    gsds, levels = {round(g.gsd, 2) for g in groups}, {g.level for g in groups}
    networks = [f"{t.spec.title} ({t.spec.license})" for t in panel.teachers]
    titles = list(dict.fromkeys(g.title for g in groups))
    more = f" and {len(titles) - 3} more" if len(titles) > 3 else ""
    return {
        "title": f"{', '.join(titles[:3])}{more}, labelled by {' and '.join(networks)}",
        "credit": "; ".join(dict.fromkeys([*filter(None, (g.credit for g in groups)), *networks])),
        "licence": "; ".join(dict.fromkeys(filter(None, (g.licence for g in groups)))),
        "gsd": gsds.pop() if len(gsds) == 1 else 0.0,
        "level": levels.pop() if len(levels) == 1 else "",
    }


def _told(panel: Panel, fingerprint: str) -> dict[str, str]:
    return {"teacher": ", ".join(t.spec.name for t in panel.teachers), "fingerprint": fingerprint}


def _statistics(counts: np.ndarray, legend: Legend) -> str:
    labelled = max(1, int(counts[1:].sum()))
    lines = [
        csv_line(["label", "class", "pixels", "share_of_labelled"]),
        csv_line([0, "unknown", int(counts[0]), None]),
    ]
    for i, entry in enumerate(legend.classes):
        lines.append(csv_line([i + 1, entry.name, int(counts[i + 1]), f"{counts[i + 1] / labelled:.4f}"]))
    return "".join(lines)


def check_recipe(config: Path, folder: Path) -> None:
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


def train_student(config: Path, folder: Path, run: Path | None = None) -> Path:
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

    arguments = [str(config), "--data", str(folder.resolve().parent)]
    return training.train(training.parser().parse_args([*arguments, *(["--run", str(run)] if run else [])]))
