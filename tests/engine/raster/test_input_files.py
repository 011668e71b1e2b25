# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run reads is never written over, under whatever name, and does not change meanwhile without a word."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from lulc_plugin.errors import FileNotRead, LulcError
from lulc_plugin.raster import InputFiles, Source, check_target, refuse_overwriting
from lulc_plugin.raster.input_files import files_behind

VRT = """<VRTDataset rasterXSize="20" rasterYSize="20"><VRTRasterBand dataType="UInt16" band="1">
<SimpleSource><SourceFilename relativeToVRT="{relative}">{name}</SourceFilename><SourceBand>1</SourceBand>
<SrcRect xOff="0" yOff="0" xSize="20" ySize="20"/><DstRect xOff="0" yOff="0" xSize="20" ySize="20"/></SimpleSource>
</VRTRasterBand></VRTDataset>"""


def virtual(path, name, relative=1):
    path.write_text(VRT.format(name=name, relative=relative))
    return str(path)


@pytest.fixture
def tile(raster, scene):
    return Path(raster("tile.tif", scene(20, 20)))


def test_a_source_of_a_virtual_raster_is_refused(tile, tmp_path):
    layer = virtual(tmp_path / "layer.vrt", "tile.tif")
    before = tile.read_bytes()
    with pytest.raises(LulcError, match=r"tile\.tif is a layer or table that this run reads"):
        check_target(tile, (layer,))
    assert tile.read_bytes() == before


def test_a_source_two_levels_down_is_refused(tile, tmp_path):
    virtual(tmp_path / "inner.vrt", str(tile), relative=0)
    outer = virtual(tmp_path / "outer.vrt", "inner.vrt")
    with pytest.raises(LulcError, match="this run reads"):
        check_target(tile, (outer,))


def test_a_map_is_not_made_over_a_tile_of_its_image(raster, network, classify, scene, tmp_path):
    tile = Path(raster("tile.tif", scene(20, 20)))
    layer = str(tmp_path / "layer.vrt")
    rasterio.shutil.copy(str(tile), layer, driver="VRT")
    before = tile.read_bytes()
    with pytest.raises(LulcError, match="this run reads"):
        classify(layer, network("pixel"), output=str(tile))
    other = raster("other.tif", scene(20, 20))
    with pytest.raises(LulcError, match="this run reads"):
        classify(other, network("pixel"), output=str(tile), statistics_from=layer)
    assert tile.read_bytes() == before


@pytest.mark.parametrize("spelling", ["symbolic link", "hard link", "dots", "linked folder", "relative"])
def test_other_spellings_of_a_source(tile, tmp_path, monkeypatch, spelling):
    layer = virtual(tmp_path / "layer.vrt", "tile.tif")
    target = tmp_path / "other.tif"
    if spelling == "symbolic link":
        target.symlink_to(tile)
    elif spelling == "hard link":
        os.link(tile, target)
    elif spelling == "dots":
        (tmp_path / "sub").mkdir()
        target = tmp_path / "sub" / ".." / "tile.tif"
    elif spelling == "linked folder":
        (tmp_path / "folder").symlink_to(tmp_path)
        target = tmp_path / "folder" / "tile.tif"
    else:
        monkeypatch.chdir(tmp_path)
        target = Path("tile.tif")
    with pytest.raises(LulcError, match="this run reads"):
        check_target(target, (layer,))


def test_a_name_in_other_letters_is_the_same_where_the_disk_says_so(tile, tmp_path, monkeypatch):
    layer = virtual(tmp_path / "layer.vrt", "tile.tif")
    other = tmp_path / "TILE.TIF"
    if not other.exists():
        os.link(tile, other)  # as a disk that does not tell cases apart would have it
    with pytest.raises(LulcError, match="this run reads"):
        check_target(other, (layer,))


@pytest.mark.parametrize("ending", [".ovr", ".msk", ".aux.xml"])
def test_side_files_of_a_source_are_refused(tile, tmp_path, ending):
    layer = virtual(tmp_path / "layer.vrt", "tile.tif")
    side = tmp_path / f"tile.tif{ending}"
    side.write_text("beside")
    with pytest.raises(LulcError, match="this run reads"):
        refuse_overwriting((side,), (layer,))


def test_the_side_files_of_the_map_are_looked_at_too(raster, scene, tmp_path):
    """A raster that is called as the map's style would be."""
    layer = Path(raster("map.qml", scene(20, 20)))
    with pytest.raises(LulcError):
        check_target(tmp_path / "map.tif", (str(layer),))


@pytest.mark.parametrize(
    "form", ["vrt://{}?bands=1", "{}", "GTIFF_DIR:1:{}", "<VRTDataset><SourceFilename>{}</SourceFilename>"]
)
def test_names_that_gdal_takes(tile, form):
    assert tile in files_behind(form.format(tile))


def test_an_archive_is_a_file_that_is_read(tile, tmp_path):
    import zipfile

    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.write(tile, "in/tile.tif")
    assert archive in files_behind(f"/vsizip/{archive}/in/tile.tif")
    assert archive in files_behind(virtual(tmp_path / "layer.vrt", f"/vsizip/{archive}/in/tile.tif", 0))


def test_the_parts_of_a_shapefile(tmp_path):
    for ending in ("shp", "dbf", "shx"):
        (tmp_path / f"points.{ending}").write_text("x")
    with pytest.raises(LulcError, match="this run reads"):
        refuse_overwriting((tmp_path / "points.dbf",), (str(tmp_path / "points.shp"),))
    refuse_overwriting((tmp_path / "points.csv",), (str(tmp_path / "points.shp"),))


def test_other_files_may_be_replaced(tile, tmp_path):
    layer = virtual(tmp_path / "layer.vrt", "tile.tif")
    (tmp_path / "old.tif").write_text("an older map")
    check_target(tmp_path / "old.tif", (layer, "", "https://example.org/a.tif", "/vsicurl/https://example.org/a.tif"))


# ---------------------------------------------------------------- changes


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def replace(path):
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(status.st_size))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, path)


CHANGES = {
    "zeroed": zero,
    "replaced by one of the same size and time": replace,
    "removed": Path.unlink,
    "cut": lambda path: os.truncate(path, 100),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_source_is_told(tile, tmp_path, change):
    layer = virtual(tmp_path / "layer.vrt", "tile.tif")
    state = InputFiles((layer,))
    state.check()
    time.sleep(0.02)
    CHANGES[change](tile)
    with pytest.raises(LulcError, match=r"tile\.tif was (changed|removed)"):
        state.check()


def test_what_readers_write_beside_a_layer_is_no_change(tile, tmp_path):
    (tmp_path / "tile.tif.aux.xml").write_text("statistics")
    state = InputFiles((str(tile), "", "nowhere.tif"))
    (tmp_path / "tile.tif.aux.xml").write_text("more statistics")
    (tmp_path / "tile.tif.ovr").write_text("overviews")
    state.check()


def test_no_map_is_made_of_an_image_that_changed(raster, network, classify, scene, monkeypatch, tmp_path):
    from lulc_plugin.classify import pipeline

    layer = Path(raster("a.tif", scene(60, 60)))
    most_probable_class = pipeline.most_probable_class

    def zeroing(probabilities):
        zero(layer)
        return most_probable_class(probabilities)

    monkeypatch.setattr(pipeline, "most_probable_class", zeroing)
    (tmp_path / "made").mkdir()
    with pytest.raises(LulcError, match="was changed while it was read"):
        classify(str(layer), network("pixel"), output=str(tmp_path / "made" / "map.tif"))
    assert list((tmp_path / "made").iterdir()) == []


def test_a_change_while_statistics_are_read_counts_too(raster, network, classify, scene, monkeypatch):
    from lulc_plugin.classify import pipeline

    layer = Path(raster("a.tif", scene(60, 60)))
    make_plan = pipeline.make_plan

    def changing(job, progress):
        plan = make_plan(job, progress)
        with rasterio.open(layer, "r+") as dataset:
            dataset.write(np.full((4, 60, 60), 77, np.uint16))
        return plan

    monkeypatch.setattr(pipeline, "make_plan", changing)
    with pytest.raises(LulcError, match="was changed while it was read"):
        classify(str(layer), network("pixel"))


FLAT = """<VRTDataset rasterXSize="4" rasterYSize="4"><SRS>{crs}</SRS><GeoTransform>{place}</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"/></VRTDataset>"""


@pytest.mark.parametrize(
    "place", ["0, 0, 0, 0, 0, -10", "0, 10, 0, 0, 0, 0", "0, 10, 10, 0, 10, 10", "0, nan, 0, 0, 0, -10"]
)
def test_pixels_without_an_area_are_refused(tmp_path, place):
    path = tmp_path / "flat.vrt"
    path.write_text(FLAT.format(crs="EPSG:32723", place=place))
    with pytest.raises(LulcError, match="no area"):
        Source(str(path))


def test_any_error_of_rasterio_while_a_file_is_looked_at_is_told(tile, monkeypatch):
    """Where PROJ does not know a number in the file, rasterio raises what has no public base."""

    def fail(*_):
        raise ZeroDivisionError("PROJ: crs not found: EPSG:3")

    monkeypatch.setattr(Source, "_facts", fail)
    with pytest.raises(FileNotRead, match="EPSG:3"):
        Source(str(tile))
