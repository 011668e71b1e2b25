# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that cannot be opened or read are named for what they are, with what to do."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from lulc_plugin.classify import ClassifyJob, check_layer
from lulc_plugin.errors import FileNotRead, LulcError
from lulc_plugin.raster import PixelRegion, RasterInput, ReprojectedBand, Source, read_categories, virtual_files

SOURCE = (
    '<SimpleSource><SourceFilename relativeToVRT="{relative}">{name}</SourceFilename><SourceBand>{band}</SourceBand>'
    '<SrcRect xOff="0" yOff="0" xSize="20" ySize="20"/><DstRect xOff="{x}" yOff="0" xSize="20" ySize="20"/>'
    "</SimpleSource>"
)


def mosaic(path, names, relative=1, bands=1, more=""):
    """A virtual raster of tiles of 20 × 20 pixels side by side."""
    text = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{b}">{more}'
        + "".join(SOURCE.format(relative=relative, name=name, band=b, x=20 * i) for i, name in enumerate(names))
        + "</VRTRasterBand>"
        for b in range(1, bands + 1)
    )
    size = 20 * len(names)
    place = "<SRS>EPSG:32725</SRS><GeoTransform>500000, 10, 0, 9000000, 0, -10</GeoTransform>"
    path.write_text(f'<VRTDataset rasterXSize="{size}" rasterYSize="20">{place}{text}</VRTDataset>')
    return str(path)


def tile(raster, name, bands=1):
    return raster(name, np.full((bands, 20, 20), 7, np.uint16), names=None)


# ---------------------------------------------------------------- formats

KINDS = [
    (b"\x0e\x03\x13\x01" + b"\x00" * 99, "a.hdf", "no driver HDF4Image for the format HDF4"),
    (b"msid" + b"\x00" * 99, "a.sid", "no driver MrSID for the format MrSID"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n" + b"\x00" * 99, "a.jxl", "no driver JPEGXL for the format JPEG XL"),
    (b"anything", "a.ecw", "no driver ECW for the format ECW"),
]


@pytest.mark.parametrize(("content", "name", "words"), KINDS)
def test_a_format_that_only_the_gdal_of_qgis_knows(tmp_path, content, name, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileNotRead, match=words) as caught:
        Source(str(tmp_path / name))
    assert f"GDAL {rasterio.__gdal_version__}" in caught.value.problem
    assert "export it as a GeoTIFF" in caught.value.remedy
    with pytest.raises(FileNotRead, match=words):
        read_categories(str(tmp_path / name))


OTHERS = [
    (b"", "empty .0 bytes.", "Copy it again"),
    (b"\n<!DOCTYPE html><html>", "a web page", "log in"),
    (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull"),
    (b"PK\x03\x04" + b"\x00" * 50, "zip archive", "Unpack"),
    (b"\x1f\x8b\x08" + b"\x00" * 50, "gzip archive", "Unpack"),
    (b"<!DOCTYPE qgis PUBLIC 'x'>", "project or style of QGIS", "the raster itself"),
    (b"II*\x00\xff\xff\x00\x00", "TIFF", "copy it again"),
    (b"no raster", "cannot be opened", "GeoTIFF"),
]


@pytest.mark.parametrize(("content", "words", "remedy"), OTHERS)
def test_what_is_no_raster_is_named(tmp_path, content, words, remedy):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(FileNotRead, match=words) as caught:
        Source(str(tmp_path / "a.tif"))
    assert remedy in caught.value.remedy
    assert ".." not in str(caught.value) and str(caught.value).count("a.tif") <= 2


@pytest.mark.parametrize("name", ["none.tif", "no folder/a.tif", "."])
def test_files_that_are_not_there(tmp_path, name):
    with pytest.raises(FileNotRead, match="a folder" if name == "." else "no such file"):
        Source(str(tmp_path / name))


@pytest.mark.parametrize("name", ["NETCDF:nothing.nc:v", "/vsizip/none.zip/a.tif"])
def test_names_that_only_gdal_understands(name):
    with pytest.raises(FileNotRead, match="cannot be opened") as caught:
        Source(name)
    assert caught.value.remedy


# ---------------------------------------------------------------- mosaics with a tile missing


@pytest.mark.parametrize("relative", [0, 1])
def test_a_missing_tile_is_named_before_work_starts(raster, tmp_path, relative):
    tile(raster, "t0.tif", 4)
    names = ["t0.tif", "t1.tif"] if relative else [str(tmp_path / "t0.tif"), str(tmp_path / "t1.tif")]
    path = mosaic(tmp_path / "a.vrt", names, relative, bands=4)
    with pytest.raises(FileNotRead, match="a file that it is made of is missing: .*t1.tif") as caught:
        check_layer(ClassifyJob(RasterInput(path)))
    assert "gdalbuildvrt" in caught.value.remedy


def test_a_missing_tile_of_a_mosaic_of_mosaics(raster, tmp_path, classify):
    (tmp_path / "tiles").mkdir()
    (tmp_path / "outer").mkdir()
    raster("tiles/t0.tif", np.full((4, 20, 20), 7, np.uint16))
    mosaic(tmp_path / "tiles" / "inner.vrt", ["t0.tif", "t1.tif", "t2.tif", "t3.tif", "t4.tif"], bands=4)
    path = mosaic(tmp_path / "outer" / "a.vrt", ["../tiles/inner.vrt"], bands=4)
    with pytest.raises(LulcError, match="4 files that it is made of are missing") as caught:
        classify(path)
    assert str(tmp_path / "tiles" / "t1.tif") in str(caught.value) and "and 1 more" in str(caught.value)


def test_a_missing_tile_of_a_reference_is_named_when_it_is_read(raster, tmp_path):
    tile(raster, "t0.tif")
    path = mosaic(tmp_path / "a.vrt", ["t0.tif", "t1.tif"])
    with Source(path) as source, pytest.raises(FileNotRead, match="missing: .*t1.tif"):
        source.read([1], source.facts.region)
    with Source(path) as source:  # the rest of it can be used
        assert (source.read([1], PixelRegion(0, 20, 0, 20))[0] == 7).all()


def test_whole_mosaics_are_quiet(raster, tmp_path):
    for name in ("t0.tif", "t1 & b.tif"):
        tile(raster, name)
    overview = "<Overview><SourceFilename>none.ovr</SourceFilename><SourceBand>1</SourceBand></Overview>"
    path = mosaic(tmp_path / "a.vrt", ["t0.tif", "t1 &amp; b.tif"], more=overview)
    assert virtual_files.missing_files(path) == ()
    assert virtual_files.missing_files(str(tmp_path / "t0.tif")) == ()
    # what is more than a path is GDAL's business
    for odd in ("NETCDF:none.nc:v", "/vsizip/none.zip/a.tif", "vrt://none.tif", "MEM:::x"):
        assert virtual_files.missing_files(mosaic(tmp_path / "b.vrt", [odd])) == ()


def test_damage_is_told_with_what_gdal_says(raster, tmp_path):
    path = raster("a.tif", np.random.default_rng(1).integers(0, 9000, (1, 300, 300)).astype(np.uint16), names=None)
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(whole[: len(whole) // 2])
    with Source(path) as source, pytest.raises(FileNotRead, match="Rows 0 to 300 of a.tif cannot be read") as caught:
        source.read([1], source.facts.region)
    assert "See previous exception" not in str(caught.value) and ".." not in str(caught.value)


# ---------------------------------------------------------------- coordinate systems that meet nowhere

LOCAL = 'LOCAL_CS["{}",UNIT["metre",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]'


@pytest.mark.parametrize("name", ["RGF93 v1 / Lambert-93", "site grid", "Unknown"])
@pytest.mark.parametrize("map_is_local", [False, True])
def test_a_local_coordinate_system_is_named_with_the_remedy(raster, name, map_is_local):
    ground = Affine(10, 0, 650_000, 0, -10, 6_860_000)
    values = np.ones((1, 20, 20), np.uint8)
    real = raster("real.tif", values, crs="EPSG:2154", transform=ground)
    local = raster("local.tif", values, crs=LOCAL.format(name), transform=ground)
    on, layer = (local, real) if map_is_local else (real, local)
    with Source(on) as source, pytest.raises(LulcError, match="local one of unknown place") as caught:
        ReprojectedBand(RasterInput(layer), source.facts)
    assert "gdal_edit.py -a_srs EPSG:2154" in caught.value.remedy
    assert name in caught.value.problem and len(str(caught.value)) < 450


def test_a_local_coordinate_system_is_told_by_a_check(raster, scene):
    path = raster("a.tif", scene(70, 70), crs=LOCAL.format("site grid"))
    finding = next(f for f in check_layer(ClassifyJob(RasterInput(path))).findings if f.id == "layer.crs")
    assert "local coordinate system of unknown place (site grid)" in finding.text
    assert "gdal_edit.py -a_srs" in finding.remedy
