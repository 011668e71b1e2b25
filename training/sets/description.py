# SPDX-License-Identifier: GPL-3.0-or-later
"""`set.toml`: bands, units, labels, licence and use of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

import tomllib

from lulc_plugin.errors import LulcError

from ..toml_tables import Count, Number, Table, Words, convert, read, refuse_unknown

#: Descriptions of sets whose own folder cannot hold one.
KNOWN = Path(__file__).parent
#: Fields of a description that tables of `set.toml` fill.
_MADE = {"folder", "label_band", "classes", "soft", "leave_out"}


@dataclass(frozen=True)
class SetDescription:
    """A data set.

    Attributes:
        folder: holds `images/`, `split.csv` and perhaps `labels/`, `soft/`.
        name: what recipes and credits call it.
        title, credit, licence, url: for cards.
        use: `train`, or `evaluation` for sets that nothing that trains or chooses may open.
        gsd: metres, 0 where unknown.
        level: of Sentinel-2's processing (`L1C`, `L2A`), empty where that says nothing.
        place: column of `split.csv` whose values never cross splits; the file itself where empty.
        bands: common names in the order of the files.
        values: `reflectance` or `picture`.
        scale, offset: stored number · scale + offset = reflectance; of pictures 1 and 0.
        offset_column: column of `split.csv`; where it says `yes`, 1000 stored units are taken off first.
        nodata: a pixel whose bands are all this is invalid.
        label_band: band of the label files, 0 without labels.
        classes: stored label → names of the classes that it may be; one name is a sure label, several a coarse one.
        one_layer: the images of a place are parts of one picture: percentiles are those of all of them.
        scene_statistics: file of the percentiles of the scenes that column `scene` of `split.csv` names, or empty.
        soft: folder of soft labels, or empty.
        leave_out: column of `split.csv` → texts; a row that has one of them in that column is not used.
    """

    folder: Path
    name: str
    title: str
    credit: str
    licence: str
    bands: Words
    values: Literal["reflectance", "picture"]
    url: str = ""
    use: Literal["train", "evaluation"] = "train"
    gsd: Number = 0.0
    level: str = ""
    place: str = ""
    scale: Number = 1.0
    offset: Number = 0.0
    offset_column: str = ""
    nodata: float | None = None
    label_band: int = 0
    classes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    one_layer: bool = False
    scene_statistics: str = ""
    soft: str = ""
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def picture(self) -> bool:
        """Stored numbers are a picture's, not reflectance."""
        return self.values == "picture"


def describe(root: Path, name: str) -> SetDescription:
    """The description of set `name` below the folder `root`: its own `set.toml`, or the one that comes with the bench.

    Raises:
        LulcError: no such folder, no description, or one that does not say what is needed.
    """
    folder = root / plain_name(name, "The data set")
    if not folder.is_dir():
        raise LulcError(f"There is no data set {name} in {root}.", "Name the folder of the data sets with --data.")
    own, known = folder / "set.toml", KNOWN / f"{name}.toml"
    path = own if own.is_file() else known
    if not path.is_file():
        raise LulcError(f"{folder} has no set.toml.", "Make the set with python -m training.prepare, or describe it.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LulcError(f"{path} cannot be read: {error}.") from None
    return parse(content, folder, str(path))


def plain_name(name: str, where: str) -> str:
    """The name of a folder or file that lies where it is sought, and nowhere else.

    Raises:
        LulcError: it is empty, leads elsewhere or into a folder.
    """
    # what leads elsewhere on any system: Windows knows both separators, and drives
    if name in ("", "..") or "\0" in name or PureWindowsPath(name).name != name:
        raise LulcError(f"{where} is named {name!r}.", "Give a name without folders.")
    return name


def parse(content: Mapping[str, Any], folder: Path, where: str) -> SetDescription:
    """A description from the table of a `set.toml`; `where` is the file's name for messages.

    Raises:
        LulcError: something is missing, misspelt, impossible or of the wrong kind.
    """
    plain = {"title": "", "credit": "", "licence": "", **content}
    labels = read(_Labels, plain.pop("labels", {}), f"{where}: labels")
    # what else [soft] says is about its teacher
    soft = convert(plain.pop("soft", {}), Table, f"{where}: soft").get("folder", "")
    soft = convert(soft, str, f"{where}: soft folder")
    left_out = convert(plain.pop("leave_out", {}), Table, f"{where}: leave_out")
    refuse_unknown(plain, set(SetDescription.__dataclass_fields__) - _MADE, f"{where}:")
    nodata = plain.pop("nodata", None)
    description = read(
        SetDescription,
        plain,
        f"{where}:",
        folder=folder,
        # a file of floating-point numbers may say nan; such pixels are invalid anyway
        nodata=nodata if nodata is None or nodata != nodata else convert(nodata, Number, f"{where}: nodata"),
        label_band=labels.band if "labels" in content else 0,
        classes=_classes(labels.classes, where),
        soft=plain_name(soft, f"{where}: the folder of soft labels") if soft else "",
        leave_out={k: convert(v, Words, f"{where}: leave_out.{k}") for k, v in left_out.items()},
    )
    plain_name(description.name, f"{where}: the set")
    if description.scene_statistics:
        plain_name(description.scene_statistics, f"{where}: the file of scene statistics")
    return description


@dataclass(frozen=True)
class _Labels:
    band: Count = 1
    classes: Table = field(default_factory=dict)


def _classes(labels: Table, where: str) -> dict[int, tuple[str, ...]]:
    classes = {}
    for key, value in labels.items():
        if not (key.isascii() and key.isdigit() and 0 < int(key) <= 255):
            raise LulcError(f"{where}: a label value is {key!r}; they run from 1 to 255, 0 is unknown.")
        classes[int(key)] = convert(value, Words, f"{where}: label {key}")
        if not classes[int(key)]:
            raise LulcError(f"{where}: label {key} names no class.", "Leave it out where it is unknown.")
    return classes
