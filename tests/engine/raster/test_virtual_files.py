# SPDX-License-Identifier: GPL-3.0-or-later
"""No file makes this program open a connection."""

import gzip
import html
import io
import socket
import tarfile
import threading
import zipfile

import pytest
import rasterio

from lulc_plugin.errors import LulcError
from lulc_plugin.raster import Source, names_network, refuse_network, virtual_files

BAND = (
    '<VRTDataset rasterXSize="20" rasterYSize="20">{}<VRTRasterBand dataType="UInt16" band="1">{}</VRTRasterBand>'
    "</VRTDataset>"
)
SOURCE = "<SimpleSource><SourceFilename>{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"


@pytest.fixture
def server():
    """`(port, visits)` of a server that only counts."""
    visits, listening = [], socket.create_server(("127.0.0.1", 0))

    def listen():
        while True:
            try:
                connection, address = listening.accept()
            except OSError:
                return
            visits.append(address)
            connection.close()

    threading.Thread(target=listen, daemon=True).start()
    yield listening.getsockname()[1], visits
    listening.close()


WMS = '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:{port}/${{z}}</ServerUrl></Service></GDAL_WMS>'
HIDDEN = {
    "curl": "/vsicurl/http://127.0.0.1:{port}/a.tif",
    "curl with options": "/vsicurl?url=http%3A%2F%2F127.0.0.1:{port}%2Fa.tif",
    "in an archive": "/vsizip//vsicurl/http://127.0.0.1:{port}/a.zip/a.tif",
    "plain": "http://127.0.0.1:{port}/a.tif",
    "upper case": "/VSICURL/HTTP://127.0.0.1:{port}/a.tif",
    "in quotes": "NETCDF:&quot;/vsicurl/http://127.0.0.1:{port}/a.nc&quot;:v",
    "escaped": "&#x2F;vsicurl&#47;http:&#x2f;/127.0.0.1:{port}/a.tif",
    "a bucket": "/vsis3/bucket/a.tif",
    "a service": "WMS:http://127.0.0.1:{port}/?",
    "a service as text": html.escape(WMS),
    "a raster as text": html.escape(BAND.format("", SOURCE.format("/vsicurl/http://127.0.0.1:{port}/a.tif"))),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_virtual_raster_with_a_place_in_the_network_is_refused(tmp_path, server, kind):
    port, visits = server
    name = HIDDEN[kind].replace("{{", "{").replace("}}", "}").replace("{port}", str(port))
    (tmp_path / "a.vrt").write_text(BAND.format("", SOURCE.format(name)))
    with pytest.raises(LulcError, match="network"):
        Source(str(tmp_path / "a.vrt"))
    (tmp_path / "outer.vrt").write_text(BAND.format("", SOURCE.format("a.vrt")))
    with pytest.raises(LulcError, match=r"a\.vrt reads from the network"):
        Source(str(tmp_path / "outer.vrt"))
    assert visits == []


@pytest.mark.parametrize("name", ["a.xml", "a.tif", "a.vrt"])
def test_a_file_that_stands_for_a_service_is_refused(tmp_path, server, name):
    port, visits = server
    (tmp_path / name).write_text(WMS.format(port=port))
    with pytest.raises(LulcError, match="stands for a service"):
        Source(str(tmp_path / name))
    assert visits == []


def test_a_coordinate_system_that_is_an_address_is_refused(tmp_path, server):
    port, visits = server
    (tmp_path / "a.vrt").write_text(BAND.format(f"<SRS>http://127.0.0.1:{port}/crs</SRS>", ""))
    with pytest.raises(LulcError, match="network"):
        Source(str(tmp_path / "a.vrt"))
    assert visits == []


def test_overviews_in_the_network_are_refused(raster, scene, tmp_path):
    layer = raster("a.tif", scene(20, 20))
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/vsicurl/http://x/a.ovr</MDI></Metadata>'
        "</PAMDataset>"
    )
    with pytest.raises(LulcError, match="network"):
        Source(layer)


@pytest.mark.parametrize(
    "text",
    [
        '<Metadata><MDI key="licence">https://creativecommons.org/licenses/by/4.0/</MDI></Metadata>',
        '<SRS>PROJCS["x",REMARK["see https://epsg.io"]]</SRS>',
        "<Description>from WMS: the old one</Description>",
    ],
)
def test_addresses_that_are_only_shown_are_fine(raster, scene, tmp_path, text):
    raster("b.tif", scene(20, 20))
    (tmp_path / "a.vrt").write_text(
        BAND.replace("<VRTDataset ", '<VRTDataset xmlns:x="http://www.w3.org/x" ').format(text, SOURCE.format("b.tif"))
    )
    refuse_network(str(tmp_path / "a.vrt"))


def test_what_the_user_types_is_the_users_choice():
    refuse_network("/vsicurl/http://127.0.0.1:9/a.tif")
    refuse_network("WMS:http://127.0.0.1:9/")


def test_files_that_name_each_other_end(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.vrt").write_text(BAND.format("", SOURCE.format(f"{other}.vrt")))
    refuse_network(str(tmp_path / "a.vrt"))


def test_a_virtual_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(virtual_files, "LARGEST", 1000)
    (tmp_path / "a.vrt").write_text(BAND.format("", SOURCE.format("b.tif")) + " " * 1000)
    with pytest.raises(LulcError, match="1,000"):
        Source(str(tmp_path / "a.vrt"))


@pytest.mark.parametrize("body", ["<", "<a", "&lt;", "&amp;" * 3, "<![CDATA[", "<SourceFilename>", '"', "/vsizip/"])
def test_a_large_hostile_text_takes_no_long_time(tmp_path, body):
    (tmp_path / "a.vrt").write_text("<VRTDataset>" + body * (4_000_000 // len(body)))
    import time

    began = time.perf_counter()
    try:
        refuse_network(str(tmp_path / "a.vrt"))
    except LulcError:
        pass
    assert time.perf_counter() - began < 20


@pytest.mark.parametrize("text", ["http://x/crs", "https://x", "/vsicurl/http://x", "HTTP://x"])
def test_definitions_that_are_addresses(text):
    assert names_network(text)


@pytest.mark.parametrize(
    "text", ["EPSG:4326", "ESRI:54009", "OGC:CRS84", "urn:ogc:def:crs:EPSG::4326", "+proj=utm +zone=3"]
)
def test_definitions_that_are_none(text):
    assert not names_network(text)


# ---------------------------------------------------------------- archives


def zipped(folder, name, data):
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("readme.txt", "x")
        out.writestr(name, data)
    return f"/vsizip/{folder}/a.zip/{name}"


def tarred(folder, name, data, mode="w"):
    with tarfile.open(folder / "a.tar", mode) as out:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        out.addfile(entry, io.BytesIO(data))
    return f"/vsitar/{folder}/a.tar/{name}"


def gzipped(folder, name, data):
    (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    return f"/vsigzip/{folder}/{name}.gz"


def twice(folder, name, data):
    zipped(folder, name, data)
    with zipfile.ZipFile(folder / "b.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.write(folder / "a.zip", "a.zip")
    return f"/vsizip//vsizip/{folder}/b.zip/a.zip/{name}"


def in_braces(folder, name, data):
    zipped(folder, name, data)
    return f"/vsizip/{{{folder}/a.zip}}/{name}"


PACKERS = [zipped, tarred, lambda f, n, d: tarred(f, n, d, "w:gz"), gzipped, twice, in_braces]


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("name", ["evil.vrt", "scene.tif"])
def test_no_archive_hides_an_address(pack, name, tmp_path, server):
    """Whatever the file inside is called: GDAL knows it by its first bytes."""
    port, visits = server
    inside = BAND.format("", SOURCE.format(f"/vsicurl/http://127.0.0.1:{port}/a.tif")).encode()
    path = pack(tmp_path, name, inside)
    (tmp_path / "outer.vrt").write_text(BAND.format("", SOURCE.format(path)))
    for layer in (path, str(tmp_path / "outer.vrt")):
        with pytest.raises(LulcError, match="Unpack it") as caught:
            with Source(layer) as source:
                source.read_stored(1, source.facts.region)
        assert "inside" in str(caught.value)
    assert visits == []


@pytest.mark.parametrize("pack", [zipped, tarred, gzipped, in_braces])
def test_a_raster_in_an_archive_is_read(pack, raster, scene, tmp_path):
    image = scene(20, 20)
    path = raster("in.tif", image)
    packed = pack(tmp_path, "scene.tif", open(path, "rb").read())
    with Source(packed) as source:
        assert (source.read_stored(1, source.facts.region) == image[0]).all()


def test_an_archive_that_cannot_be_looked_into(tmp_path):
    for name, data in (
        ("a.7z", b"7z\xbc\xaf\x27\x1cxxxx"),
        ("b.zip", b"PK\x03\x04damaged"),
        ("c.gz", b"\x1f\x8bdamaged"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(LulcError, match="Unpack it"):
            refuse_network(f"/vsizip/{tmp_path / name}/x.tif")


@pytest.mark.parametrize("name", ["tiles.gti.gpkg", "tiles.GTI.FGB", "tiles.gti.parquet"])
def test_a_tile_index_is_refused_by_its_name(name, tmp_path):
    """GDAL takes such a table for a raster, and each of its rows names a file or an address."""
    (tmp_path / name).write_bytes(b"SQLite format 3\0")
    (tmp_path / "outer.vrt").write_text(BAND.format("", SOURCE.format(tmp_path / name)))
    for layer in (tmp_path / name, tmp_path / "outer.vrt"):
        with pytest.raises(LulcError, match="table of places"):
            Source(str(layer))


def test_metadata_inside_a_geotiff_open_nothing(raster, scene, tmp_path, server):
    port, visits = server
    image = scene(20, 20)
    path = raster("in.tif", image)
    address = f"/vsicurl/http://127.0.0.1:{port}/x.tif"
    with rasterio.open(path, "r+") as out:
        out.update_tags(OVERVIEW_FILE=address, BIG="x" * 1_000_000)
        out.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=address)
        out.update_tags(ns="GEOLOCATION", X_DATASET=address, Y_DATASET=address, X_BAND="1", Y_BAND="1")
        out.update_tags(1, OVERVIEW_FILE=address, BIG="<img>" * 100_000)
    with Source(path) as source:
        assert (source.read_stored(1, source.facts.region) == image[0]).all()
    assert visits == []
