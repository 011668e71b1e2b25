# SPDX-License-Identifier: GPL-3.0-or-later
"""A rasterio wheel beside another program's PROJ (every QGIS for Windows exports `PROJ_DATA` for its own), and GDAL's
cache, which stays small while layers stream by and is as before afterwards (in QGIS it is QGIS's, too).
"""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio._env import get_gdal_config, set_gdal_config, set_proj_data_search_path

from lulc_plugin.assess import RasterInput, RasterOnMap, cross
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import gdal

FOREIGN = Path("/usr/share/proj")
ENVIRONMENT = {"PROJ_DATA": str(FOREIGN), "PROJ_LIB": str(FOREIGN), "GDAL_DATA": "/usr/share/gdal"}

CLASSIFY = """
import json, sys
from lulc_plugin.classify.job import ClassifyJob
from lulc_plugin.classify.pipeline import classify
from lulc_plugin.raster import RasterInput
layer, output, model, extra = sys.argv[1:]
options = json.loads(extra)
if "statistics_from" in options:
    options["statistics_from"] = RasterInput(options["statistics_from"])
result = classify(ClassifyJob(RasterInput(layer), model_file=model, threads=1, **options), output)
print(json.dumps([c["hectares"] for c in result.classes_json()]))
"""

COPY_BY_PATH = """
import sys
import rasterio, rasterio.shutil
rasterio.shutil.copy(sys.argv[1], sys.argv[2], driver="COG")
"""

COMPARE = """
import json, sys
import rasterio
with rasterio.open(sys.argv[1]) as a, rasterio.open(sys.argv[2]) as b:
    print(json.dumps({"same": (a.crs or None) == (b.crs or None), "wkt": b.crs.to_wkt(), "epsg": b.crs.to_epsg()}))
"""


def layout(folder):
    """PROJ's database layout (major, minor), None where there is no database."""
    database = Path(folder) / "proj.db"
    if not database.is_file():
        return None
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = dict(connection.execute("select key, value from metadata where key like 'DATABASE.LAYOUT.VERSION.%'"))
    return int(rows["DATABASE.LAYOUT.VERSION.MAJOR"]), int(rows["DATABASE.LAYOUT.VERSION.MINOR"])


def needs_foreign_database():
    own, other = layout(Path(rasterio.__file__).parent / "proj_data"), layout(FOREIGN)
    if own is None or other is None:
        pytest.skip("needs rasterio as a wheel and a PROJ database of the system")
    if other >= own:
        pytest.skip(f"the system's PROJ database (layout {other}) suits rasterio's PROJ ({own})")


def compared(python, layer, made):
    found = python("-c", COMPARE, layer, made)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize("system", ["EPSG:32725", "EPSG:4326", "EPSG:3857", "EPSG:31985", "ESRI:54009"])
def test_the_map_keeps_its_coordinate_system(raster, network, scene, python, tmp_path, system):
    from affine import Affine

    options = {"transform": Affine(0.0003, 0, -35, 0, -0.0003, -8)} if system == "EPSG:4326" else {}
    layer = raster("a.tif", scene(80, 90), crs=system, **options)
    made = str(tmp_path / "map.tif")
    clean = str(tmp_path / "clean.tif")
    model = network("pixel").path
    run = python("-c", CLASSIFY, layer, made, model, "{}", env=ENVIRONMENT)
    assert run.returncode == 0, run.stderr
    found = compared(python, layer, made)
    assert found["same"], found["wkt"]
    assert found["epsg"] == compared(python, layer, layer)["epsg"]
    reference = python("-c", CLASSIFY, layer, clean, model, "{}")
    assert json.loads(run.stdout) == json.loads(reference.stdout)


def test_statistics_of_another_layer_and_an_extent_there_too(raster, network, scene, python, tmp_path):
    layer = raster("a.tif", scene(80, 90, dtype="uint8"))
    made = str(tmp_path / "map.tif")
    extra = {"statistics_from": layer, "extent": [500_300, 9_118_500, 501_500, 9_119_700]}
    run = python("-c", CLASSIFY, layer, made, network("pixel").path, json.dumps(extra), env=ENVIRONMENT)
    assert run.returncode == 0, run.stderr
    assert compared(python, layer, made)["same"]


def test_the_command_line_keeps_it_too(raster, network, scene, python, tmp_path):
    layer = raster("a.tif", scene(80, 90))
    made = str(tmp_path / "map.tif")
    run = python("-m", "lulc_plugin", "classify", layer, made, "--model", network("pixel").path, env=ENVIRONMENT)
    assert run.returncode == 0, run.stderr
    assert compared(python, layer, made)["same"]


def test_without_the_guard_a_copy_by_path_loses_it(raster, scene, python, tmp_path):
    """The tests above could fail: this is what happens to a program that does not look."""
    needs_foreign_database()
    layer = raster("a.tif", scene(80, 90), crs="EPSG:31985")
    made = str(tmp_path / "copy.tif")
    run = python("-c", COPY_BY_PATH, layer, made, env=ENVIRONMENT)
    if run.returncode == 0:
        found = compared(python, layer, made)
        assert not found["same"]
        assert found["epsg"] is None
    else:
        assert "PROJ" in run.stderr or "proj.db" in run.stderr


@pytest.mark.parametrize("refused, taken", [((), "own"), (("own",), "variable"), (("own", "variable"), "own")])
def test_a_database_that_proj_cannot_read_is_passed_over(monkeypatch, tmp_path, refused, taken):
    """On Linux the calls of a wheel may reach QGIS's own, newer PROJ, which refuses the wheel's database."""
    for name in ("own", "variable"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "proj.db").touch()
    monkeypatch.setenv("PROJ_DATA", str(tmp_path / "variable"))
    monkeypatch.delenv("PROJ_LIB", raising=False)
    monkeypatch.setattr(gdal, "readable", lambda folder: folder.name in {"own", "variable"} - set(refused))
    assert gdal.database_for(tmp_path / "own") == tmp_path / taken


def test_readable_asks_proj(tmp_path):
    """A database of another layout is refused, also after codes were found in the right one."""
    own = Path(rasterio.__file__).parent / "proj_data"
    if layout(own) is None:
        pytest.skip("needs rasterio as a wheel")
    shutil.copy(own / "proj.db", tmp_path)
    connection = sqlite3.connect(tmp_path / "proj.db")
    connection.execute("update metadata set value = '0' where key = 'DATABASE.LAYOUT.VERSION.MINOR'")
    connection.commit()
    connection.close()
    with gdal.environment():
        try:
            assert gdal.readable(own)
            assert not gdal.readable(tmp_path)
        finally:
            set_proj_data_search_path(str(own))


# ---------------------------------------------------------------- GDAL's cache of blocks

MEGABYTE = 1 << 20


@pytest.fixture
def limit():
    """The limit in megabytes, 500 at first."""
    before = get_gdal_config("GDAL_CACHEMAX")
    set_gdal_config("GDAL_CACHEMAX", 500 * MEGABYTE)
    yield lambda: get_gdal_config("GDAL_CACHEMAX") / MEGABYTE
    set_gdal_config("GDAL_CACHEMAX", before)


def test_lowered_and_put_back(limit):
    with gdal.limited_cache(100 * MEGABYTE):
        assert limit() == 100
    assert limit() == 500


def test_put_back_after_an_error(limit):
    with pytest.raises(LulcError), gdal.limited_cache(100 * MEGABYTE):
        raise LulcError("no")
    assert limit() == 500


def test_never_raised(limit):
    set_gdal_config("GDAL_CACHEMAX", 20 * MEGABYTE)
    with gdal.limited_cache(100 * MEGABYTE):
        assert limit() == 20
    assert limit() == 20


def test_two_at_a_time(limit):
    """The second must not take the first one's limit for the usual one."""
    first, second = gdal.limited_cache(100 * MEGABYTE), gdal.limited_cache(80 * MEGABYTE)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert limit() < 500, "the second still counts"
    second.__exit__(None, None, None)
    assert limit() == 500


def test_while_counting(limit, raster):
    """Without it a report on a large map takes 5 % of the machine's memory."""
    seen = []

    class Watch(Progress):
        @property
        def cancelled(self):
            seen.append(limit())
            return False

    path = raster("m.tif", np.ones((1, 300, 300), "uint8"))
    with RasterOnMap(RasterInput(path)) as layer:
        cross([layer], layer.facts, None, Watch())
    assert seen and max(seen) <= 64
    assert limit() == 500
