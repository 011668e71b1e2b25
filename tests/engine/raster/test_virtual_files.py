# SPDX-License-Identifier: GPL-3.0-or-later
"""No file makes this program open a connection."""

import html
import socket
import threading

import pytest

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
