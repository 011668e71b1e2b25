# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a map: the `.tif`, the names of its classes for GDAL (`.tif.aux.xml`) and its style for QGIS (`.qml`).

They change in an order in which no raster ever lies beside the names or the style of another one: the new texts are
written under temporary names, the old ones go aside, the `.tif` is renamed, the new ones come. Where the rename fails
the old ones come back.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from ..errors import FileNotWritten, LulcError
from ..legend import Legend, xml_text
from ..unfinished import note_written, placing
from .temporary_files import TemporaryFiles

#: What lies beside a raster and is read with it, after its whole name.
_READ_WITH = (".aux.xml", ".ovr", ".msk")
_MARK = "<!-- style of the Land Cover Classifier for "
_LARGEST_STYLE = 1_000_000
#: Endings of layers that QGIS would show in a style of the same stem.
_LAYERS = (
    ".tif", ".tiff", ".vrt", ".img", ".jp2", ".png", ".jpg", ".jpeg", ".asc", ".nc", ".ecw", ".sid", ".bil", ".dat",
    ".hdf", ".gpkg", ".shp", ".geojson", ".json", ".gml", ".kml", ".fgb", ".csv", ".tab",
)  # fmt: skip


def side_files(path: Path) -> tuple[Path, ...]:
    """What is read together with a raster at `path`: side files of GDAL, and QGIS's style."""
    return (*(path.with_name(path.name + ending) for ending in _READ_WITH), path.with_suffix(".qml"))


def check_side_files(path: Path) -> None:
    """Refuse a name for a map that would take away another layer's style.

    Raises:
        LulcError: one of the files beside the map is a folder, or its style is that of another file.
    """
    for file in side_files(path):
        if os.path.isdir(file):
            raise LulcError(f"{file} is a folder, and the map needs that name for a file.", "Choose another name.")
    style = path.with_suffix(".qml")
    owner = _owner(style)
    if os.path.lexists(style) and owner != path.name:
        others = _layers_of_stem(path)
        # a style of ours whose map has gone, or was renamed, belongs to nobody
        other = owner if owner in others else next(iter(others), None) if owner is None else None
        if other is not None:
            raise LulcError(
                f"{style} is the style of {other}, which lies in the same folder; the map would need that name for its"
                " own.",
                "Choose another name, or another folder.",
            )


def set_style_aside(path: Path) -> str:
    """Keep the style of an older layer of this name under another one, unless it is that of another layer, too.

    Returns:
        what the user should hear; may be empty.

    Raises:
        OSError: it cannot be renamed.
    """
    style = path.with_suffix(".qml")
    if not os.path.lexists(style) or _layers_of_stem(path):
        return ""
    place = _free_name(style)
    os.replace(style, place)
    return f"{style.name} was there already; it is kept as {place.name}."


def _layers_of_stem(path: Path) -> list[str]:
    """Names of other layers in the folder that QGIS would show in the style of `path`."""
    stem = path.stem
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    return sorted(
        n for n in names if n != path.name and os.path.splitext(n)[0] == stem and n.lower().endswith(_LAYERS)
    )  # fmt: skip


def _owner(style: Path) -> str | None:
    """Name of the map for which this program wrote a style; None when it did not write it."""
    try:
        if style.stat().st_size > _LARGEST_STYLE:
            return None
        text = style.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
    _, mark, rest = text.partition(_MARK)
    return os.fsdecode(unquote_to_bytes(rest.partition(" ")[0])) if mark else None


def _style(path: Path, legend: Legend) -> str:
    """The style with the name of its map, by which it is known again; `-` is escaped, which ends a comment."""
    first, line_end, rest = legend.qml().partition("\n")
    name = quote(os.fsencode(path.name), safe="").replace("-", "%2D")
    return f"{first}{line_end}{_MARK}{name} -->\n{rest}"


#: Columns of the attribute table: name, type (0 whole number, 2 text) and usage, as GDAL's `GDALRATFieldUsage` has it.
_COLUMNS = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))


def category_names(legend: Legend) -> str:
    """GDAL's side file (PAM) with the name of each class value; rasterio has no call for it.

    Twice: as category names, which older programs read, and as a raster attribute table with the colours. By the table
    QGIS from 3.30 on tells the class of a pixel (Identify).
    """
    names = {c.value: c.name for c in legend.classes}
    lines = "".join(f"      <Category>{xml_text(names.get(v, ''))}</Category>\n" for v in range(max(names) + 1))
    return (
        '<PAMDataset>\n  <PAMRasterBand band="1">\n    <CategoryNames>\n'
        f"{lines}"
        "    </CategoryNames>\n"
        f"{_attribute_table(legend)}"
        "  </PAMRasterBand>\n</PAMDataset>\n"
    )


def _attribute_table(legend: Legend) -> str:
    columns = "".join(
        f'      <FieldDefn index="{i}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>\n'
        for i, (name, kind, usage) in enumerate(_COLUMNS)
    )
    rows = ""
    for i, c in enumerate(legend.classes):
        cells = "".join(f"<F>{xml_text(str(cell))}</F>" for cell in (c.value, c.name, *c.rgb))
        rows += f'      <Row index="{i}">{cells}</Row>\n'
    return f'    <GDALRasterAttributeTable tableType="thematic">\n{columns}{rows}    </GDALRasterAttributeTable>\n'


def put_in_place(whole: Path, path: Path, legend: Legend, temporaries: TemporaryFiles) -> str:
    """Rename a finished map to its name, with names and style beside it; signals do not stop it half way.

    Args:
        whole: the finished raster, in the folder of `path`.
        path: its name.
        legend: names and colours.
        temporaries: gives temporary names in that folder.

    Returns:
        what the user should hear; may be empty.

    Raises:
        FileNotWritten: the map could not be renamed, and all is as before; or it is there, and a text beside it not.
    """
    with placing():
        return _uninterrupted(lambda: _put_in_place(whole, path, legend, temporaries))


def _put_in_place(whole: Path, path: Path, legend: Legend, temporaries: TemporaryFiles) -> str:
    side, style = path.with_name(path.name + ".aux.xml"), path.with_suffix(".qml")
    texts = (("aux.xml", side, category_names(legend)), ("qml", style, _style(path, legend)))
    try:
        for ending, _, text in texts:
            temporaries.file(ending).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileNotWritten(
            f"The names and the style of {path} cannot be written: {error}.", "Is the disk full?"
        ) from error
    note = _replace(whole, path, temporaries)
    note_written(path)
    problem: OSError | None = None
    for ending, target, _ in texts:
        try:
            os.replace(temporaries.file(ending), target)
        except OSError as error:
            problem, failed = error, target.name
    if problem is not None:
        raise FileNotWritten(f"The map is there, but {failed} beside it cannot be written: {problem}.") from problem
    return note


def _replace(whole: Path, path: Path, temporaries: TemporaryFiles) -> str:
    """Move what belongs to an older map aside and rename the new one."""
    style, note = path.with_suffix(".qml"), ""
    aside: list[tuple[Path, Path]] = []
    try:
        for index, old in enumerate(side_files(path)):
            if os.path.lexists(old):
                place = temporaries.file(f"before{index}")
                if old == style and _owner(style) is None:
                    place = _free_name(style)
                    note = (
                        f"{style.name} was not written by this program; it is kept as {place.name}, because the map's"
                        " own style needs its name."
                    )
                aside.append((old, place))
                os.replace(old, place)
        os.replace(whole, path)
    except BaseException as error:
        if os.path.exists(whole):  # else the new map is there, and must not meet the old names
            for old, place in reversed(aside):
                with suppress(OSError):
                    if not os.path.lexists(old):
                        os.replace(place, old)
        if not isinstance(error, OSError):
            raise
        raise FileNotWritten(
            f"{path} cannot be replaced: {error}.",
            "If a layer or another program has it open, remove or close that first, or choose another name.",
        ) from error
    return note


def _free_name(path: Path) -> Path:
    """A name beside `path` that nobody has and QGIS does not look for."""
    number = 1
    while True:
        place = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        if not os.path.lexists(place):
            return place
        number += 1


def _uninterrupted(work: Callable[[], str]) -> str:
    """What `work` returns, done in a thread: Ctrl-C and the signals of a batch system reach only the main one.

    Raises:
        BaseException: what `work` raised; KeyboardInterrupt once it has ended.
    """
    results: list[str] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # handed to the waiting thread, which raises it
            errors.append(error)

    thread = threading.Thread(target=run, name="lulc-place")
    thread.start()
    try:
        thread.join()
    except BaseException:
        thread.join()
        raise
    if errors:
        raise errors[0]
    return results[0]
