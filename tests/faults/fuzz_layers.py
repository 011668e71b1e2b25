# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds mutated reference files and rasters to the reports and the check of layers; see `fuzzing`."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import fuzzing
import numpy as np
import pyogrio
import rasterio
import shapely
from fuzzing import mutated, torn
from rasterio.transform import from_origin

from lulc_plugin.assess import AssessJob, RasterInput, assess, is_raster, is_table, read_features, read_points
from lulc_plugin.classify import ClassifyJob, check_layer
from lulc_plugin.progress import Progress

WEST, NORTH, SIDE = 500_000, 5_000_000, 20
_CRS = "EPSG:32633"
#: numbers that coordinates become
NUMBERS = (0.0, -1.0, 1e9, 1e30, 1e308, -1e308, 1e-320, float("nan"), float("inf"), 2.0**53)


def _class_map(folder: Path) -> str:
    path = folder / "map.tif"
    if not path.exists():
        profile = {"driver": "GTiff", "count": 1, "height": SIDE, "width": SIDE, "dtype": "uint8", "nodata": 0}
        grid = from_origin(WEST, NORTH, 10, 10)
        with rasterio.open(path, "w", crs=_CRS, transform=grid, **profile) as made:
            made.write((np.arange(SIDE * SIDE).reshape(1, SIDE, SIDE) % 3 + 1).astype(np.uint8))
    return str(path)


def _features(polygons: bool, chance: random.Random | None = None) -> tuple[list[Any], dict[str, list[Any]]]:
    """Twelve points or squares within the map and their columns; with `chance` one coordinate is another number."""
    shapes = []
    for i in range(12):
        x, y = WEST + 15 + 15 * i, NORTH - 15 - 12 * i
        shapes.append(shapely.box(x, y, x + 25, y + 25) if polygons else shapely.Point(x, y))
    if chance is not None and chance.random() < 0.5:
        at = chance.randrange(len(shapes))
        places = shapely.get_coordinates(shapes[at])
        places[chance.randrange(len(places)), chance.randrange(2)] = chance.choice(NUMBERS)
        with suppress(shapely.errors.GEOSException):  # a ring that is not closed
            shapes[at] = shapely.set_coordinates(shapes[at], places)
    columns = {
        "id": [f"u{i}" for i in range(12)],
        "ref_class": [i % 3 + 1 for i in range(12)],
        "stratum": [i % 3 + 1 for i in range(12)],
        "stratum_px": [133.0] * 12,
    }
    return shapes, columns


def _write(path: Path, driver: str, chance: random.Random) -> None:
    for old in path.parent.glob(f"{path.stem}.*"):
        old.unlink()
    shapes, columns = _features(chance.random() < 0.5, chance)
    with suppress(pyogrio.errors.FeatureError):  # a shapefile takes no infinite coordinate; it then has fewer features
        _write_features(path, driver, shapes, columns)


def _write_features(path: Path, driver: str, shapes: list[Any], columns: dict[str, list[Any]]) -> None:
    pyogrio.raw.write(
        str(path),
        geometry=shapely.to_wkb(shapes),
        field_data=[np.array(values, object if isinstance(values[0], str) else None) for values in columns.values()],
        fields=list(columns),
        geometry_type=shapes[0].geom_type,
        crs=_CRS,
        driver=driver,
    )


def _report(path: Path, folder: Path, crs: str = "") -> None:
    """What `assess` does with a reference file."""
    of_map = RasterInput(_class_map(folder))
    if is_table(str(path)):
        features = read_points(str(path), of_map, crs=crs)
    elif is_raster(str(path)):
        assess(AssessJob((of_map,), RasterInput(str(path)), None), Progress())
        return
    else:
        features = read_features(str(path), of_map)
    assess(AssessJob((of_map,), None, features), Progress())


def _geojson(chance: random.Random, folder: Path) -> None:
    shapes, columns = _features(chance.random() < 0.5)
    tree: dict[str, Any] = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}},
        "features": [
            {
                "type": "Feature",
                "properties": {name: values[i] for name, values in columns.items()},
                "geometry": json.loads(shapely.to_geojson(shape)),
            }
            for i, shape in enumerate(shapes)
        ],
    }
    path = folder / "reference.geojson"
    if chance.random() < 0.7:
        path.write_bytes(json.dumps(mutated(tree, chance)).encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(torn(json.dumps(tree).encode(), chance))
    _report(path, folder)


def _geopackage(chance: random.Random, folder: Path) -> None:
    path = folder / "reference.gpkg"
    _write(path, "GPKG", chance)
    if chance.random() < 0.5:
        path.write_bytes(torn(path.read_bytes(), chance))
    else:
        _change_table(path, chance)
    _report(path, folder)


def _change_table(path: Path, chance: random.Random) -> None:
    """Another value in a table of a GeoPackage, its own or those about it."""
    with sqlite3.connect(path) as base, suppress(sqlite3.Error):
        tables = [name for (name,) in base.execute("select name from sqlite_master where type = 'table'")]
        table = chance.choice([name for name in tables if not name.startswith(("sqlite_", "rtree_"))])
        columns = [row[1] for row in base.execute(f'pragma table_info("{table}")')]
        column = chance.choice(columns)
        value: Any = chance.choice(
            (None, "", "x", -1, 0, 1 << 62, 1e308, b"GP\0\1", b"\xff" * 40, "9" * 5000, "\u202ea")
        )
        if column == "geom":
            (old,) = base.execute(f'select geom from "{table}" limit 1').fetchone()
            value = torn(old, chance)
        base.execute("drop trigger if exists rtree_reference_geom_update6")
        base.execute(f'update "{table}" set "{column}" = ? where rowid = 1 or ?', (value, chance.random() < 0.3))
    base.close()


def _shapefile(chance: random.Random, folder: Path) -> None:
    path = folder / "reference.shp"
    _write(path, "ESRI Shapefile", chance)
    part = chance.choice([".shp", ".shp", ".shx", ".dbf", ".dbf", ".prj", ".cpg"])
    file = path.with_suffix(part)
    if chance.random() < 0.9:
        file.write_bytes(torn(file.read_bytes(), chance))
    else:
        file.unlink()
    _report(path, folder)


def _csv(chance: random.Random, folder: Path) -> None:
    shapes, columns = _features(False)
    degrees = chance.random() < 0.5
    rows = [["lon", "lat", *columns] if degrees else ["x", "y", *columns]]
    for i, shape in enumerate(shapes):
        place = (15 + i / 10_000, 45.15) if degrees else (shape.x, shape.y)
        rows.append([*map(str, place), *(str(values[i]) for values in columns.values())])
    if chance.random() < 0.5:
        value = chance.choice([v for v in fuzzing.VALUES if isinstance(v, (str, int, float))])
        rows[chance.randrange(len(rows))][chance.randrange(len(rows[0]))] = (
            str(value) if _is_written_out(value) else "1e400"
        )
    separator = chance.choice((",", ";"))
    text = "\n".join(separator.join(row) for row in rows).encode("utf-8", "surrogatepass")
    path = folder / "reference.csv"
    path.write_bytes(torn(text, chance) if chance.random() < 0.5 else text)
    _report(path, folder, "" if degrees else _CRS)


def _is_written_out(value: Any) -> bool:
    """Whether Python writes a number out (it refuses those of more than 4300 digits, but not 400)."""
    return not isinstance(value, int) or abs(value) < 10**401


@lru_cache(maxsize=1)
def _scene_bytes(folder: Path) -> bytes:
    path = folder / "seed.tif"
    profile = {"driver": "GTiff", "count": 4, "height": 64, "width": 64, "dtype": "uint16", "compress": "deflate"}
    with rasterio.open(path, "w", crs="EPSG:32723", transform=from_origin(5e5, 74e5, 10, 10), **profile) as made:
        made.write(np.random.default_rng(1).integers(100, 4000, (4, 64, 64)).astype(np.uint16))
        made.descriptions = ("red", "green", "blue", "nir")
        made.update_tags(1, wavelength="665")
    return path.read_bytes()


_SIDE_FILE = """<PAMDataset><SRS>EPSG:32723</SRS><GeoTransform>500000, 10, 0, 7400000, 0, -10</GeoTransform>
<Metadata domain="IMAGERY"><MDI key="ACQUISITIONDATETIME">2020-01-01 00:00:00</MDI></Metadata>
<PAMRasterBand band="1"><Description>red</Description><NoDataValue>0</NoDataValue><Offset>-1000</Offset>
<Scale>0.0001</Scale><CategoryNames><Category>a</Category><Category>water</Category></CategoryNames>
<Metadata><MDI key="wavelength">665</MDI><MDI key="STATISTICS_MAXIMUM">4000</MDI></Metadata></PAMRasterBand>
</PAMDataset>"""
_VIRTUAL = """<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32723</SRS>
<GeoTransform>500000, 10, 0, 7400000, 0, -10</GeoTransform>{bands}</VRTDataset>"""
_BAND = """<VRTRasterBand dataType="UInt16" band="{n}"><Description>b{n}</Description><SimpleSource>
<SourceFilename relativeToVRT="1">scene.tif</SourceFilename><SourceBand>{n}</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="64" ySize="64"/><DstRect xOff="0" yOff="0" xSize="64" ySize="64"/>
</SimpleSource></VRTRasterBand>"""


def _rasters(chance: random.Random, folder: Path) -> None:
    """A GeoTIFF, its side file or a virtual raster of it, torn; checked, and assessed as a map."""
    for old in folder.glob("scene.*"):
        old.unlink()
    path, kind = folder / "scene.tif", chance.randrange(3)
    data = _scene_bytes(folder)
    path.write_bytes(torn(data, chance) if kind == 0 else data)
    if kind == 1:
        (folder / "scene.tif.aux.xml").write_bytes(_bent_xml(_SIDE_FILE, chance))
    if kind == 2:
        path = folder / "scene.vrt"
        path.write_bytes(_bent_xml(_VIRTUAL.format(bands="".join(_BAND.format(n=n + 1) for n in range(4))), chance))
    if chance.random() < 0.5:
        check_layer(ClassifyJob(layer=RasterInput(str(path))))
    else:
        assess(AssessJob((RasterInput(str(path)),), RasterInput(str(path), 2), None), Progress())


def _bent_xml(text: str, chance: random.Random) -> bytes:
    """XML with another number or word in it, or torn."""
    if chance.random() < 0.4:
        return torn(text.encode(), chance)
    words = text.replace("<", "\0<").replace(">", ">\0").replace('"', '\0"\0').split("\0")
    places = [i for i, word in enumerate(words) if word.strip() and word[0] not in '<"']
    for _ in range(chance.choice((1, 1, 2))):
        value = chance.choice(
            ("", "0", "-1", "1e308", "nan", "9" * 5000, "x" * 100_000, "4294967296", "64.5", "&#1;", "\u202ea")
        )
        words[chance.choice(places)] = value
    return "".join(words).encode()


KINDS: fuzzing.Kinds = {
    "csv": _csv,
    "geojson": _geojson,
    "geopackage": _geopackage,
    "shapefile": _shapefile,
    "rasters": _rasters,
}

if __name__ == "__main__":
    fuzzing.main(KINDS)
