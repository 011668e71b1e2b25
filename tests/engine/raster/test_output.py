# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that comes out, what lies beside it, and what does not."""

import json
import os
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from lulc_plugin.classify import ClassifyJob
from lulc_plugin.errors import CancelledError, FileNotWritten, LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import Network
from lulc_plugin.progress import Progress
from lulc_plugin.raster import MapWriter, RasterInput, check_target, output

UTM = Affine(30, 0, 500_000, 0, -30, 9_120_000)
BESIDE = {"map.tif", "map.tif.aux.xml", "map.qml"}


def listing(folder):
    return {p.name for p in folder.iterdir()}


def test_a_small_map(raster, network, classify, scene):
    made = classify(raster("a.tif", scene(120, 100)), network("pixel"))
    with rasterio.open(made.path) as out:
        assert out.driver == "GTiff"
        assert out.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert out.tags(ns="IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
        assert out.count == 1
        assert out.dtypes == ("uint8",)
        assert out.nodata == 0
        assert out.shape == (120, 100)
        assert out.transform == UTM
        assert out.crs == CRS.from_epsg(32725)
        assert out.crs.to_epsg() == 32725
        assert out.descriptions == ("Land cover (pixel-v1)",)
        colours = out.colormap(1)
        for entry in made.result.legend.classes:
            assert colours[entry.value] == (*entry.rgb, 255)
    assert listing(made.path.parent) == BESIDE


def test_overviews_are_internal_and_hold_classes_only(raster, network, classify, scene):
    image = scene(1100, 700)
    image[:, 200:500, 100:300] = 0
    # an average of black and white would be the grey of a third class
    colours = {10: "#000000", 40: "#FFFFFF", 90: "#808080", 200: "#404040"}
    legend = Legend.of([LegendClass(v, f"class {v}", c) for v, c in colours.items()])
    made = classify(raster("a.tif", image, nodata=0), network("pixel", legend=legend), window=256)
    with rasterio.open(made.path) as out:
        assert out.profile["tiled"]
        assert out.block_shapes == [(512, 512)]
        overviews = out.overviews(1)
        assert overviews[0] == 2
        assert 700 / overviews[-1] <= 512
        full = set(np.unique(out.read(1)))
    assert full == {0, 10, 40, 90, 200}
    for level, factor in enumerate(overviews):
        with rasterio.open(made.path, overview_level=level) as small:
            values = small.read(1)
            assert set(np.unique(values)) <= full
            # mode: a hole stays a hole
            assert (values[250 // factor : 450 // factor, 150 // factor : 250 // factor] == 0).all()
        if factor == 2:
            four = made.values.reshape(550, 2, 350, 2).transpose(0, 2, 1, 3).reshape(550, 350, 4)
            votes = (four[..., None] == four[..., None, :]).sum(axis=-1)
            most = np.take_along_axis(four, votes.argmax(axis=-1)[..., None], axis=-1)[..., 0]
            clear = (votes.max(axis=-1) > 2) & (four > 0).all(axis=-1)
            assert clear.sum() > 50_000
            np.testing.assert_array_equal(values[clear], most[clear])
            assert (values[..., None] == four).any(axis=-1).all()
    assert listing(made.path.parent) == BESIDE


def test_run_metadata(raster, network, classify, scene):
    net = network("context")
    made = classify(raster("a.tif", scene(64, 60)), net, nodata_policy="all", window=64)
    with rasterio.open(made.path) as out:
        tags = {k: v for k, v in out.tags().items() if k.startswith("LULC_")}
    assert tags["LULC_MODEL"] == "context-v1"
    assert len(tags["LULC_MODEL_SHA256"].split("-")) == 8
    assert tags["LULC_INPUT"] == "a.tif"
    assert json.loads(tags["LULC_BANDS"]) == [1, 2, 3, 4]
    assert tags["LULC_WAY_IN"] == "reflectance"
    assert set(json.loads(tags["LULC_SCALING"])) == {"red", "green", "blue", "nir"}
    parameters = json.loads(tags["LULC_PARAMETERS"])
    assert parameters["nodata_policy"] == "all"
    assert parameters["overlap"] == 16
    assert "CPU" in tags["LULC_DEVICE"]
    versions = json.loads(tags["LULC_VERSIONS"])
    assert versions["rasterio"] == rasterio.__version__
    assert {"numpy", "onnxruntime", "landcover_classifier"} <= set(versions)
    assert json.loads(tags["LULC_CLASSES"]) == {"1": "class 1", "2": "class 2", "3": "class 3", "4": "class 4"}


@pytest.mark.parametrize(
    ("values", "dtype", "nodata"),
    [((1, 2, 3, 4), "uint8", 0), ((0, 1, 2, 254), "uint8", 255), ((1, 2, 3, 255), "uint16", 0),
     ((0, 2, 255, 300), "uint16", 65535), ((10, 1000, 20_000, 65_535), "uint16", 0),
     ((0, 255, 65_535, 7), "uint16", 65_534)],
)  # fmt: skip
def test_class_values_decide_the_type(raster, network, classify, scene, values, dtype, nodata):
    image = scene(70, 600)
    image[:, :5, :5] = 0
    net = network("pixel", values=values, classes=4)
    made = classify(raster("a.tif", image, nodata=0), net, window=256)
    with rasterio.open(made.path) as out:
        assert out.dtypes == (dtype,)
        assert out.nodata == nodata
        if max(values) <= 255:
            for entry in made.result.legend.classes:
                assert out.colormap(1)[entry.value] == (*entry.rgb, 255)
    assert set(np.unique(made.values)) == {*values, nodata}
    assert (made.values[:5, :5] == nodata).all()
    assert listing(made.path.parent) == BESIDE


LAEA = (
    'PROJCS["My own equal area",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Azimuthal_Equal_Area"],'
    'PARAMETER["latitude_of_center",-8.5],PARAMETER["longitude_of_center",-35.25],PARAMETER["false_easting",1000],'
    'PARAMETER["false_northing",2000],UNIT["metre",1]]'
)
SYSTEMS = {
    "utm": "EPSG:32725",
    "geographic": "EPSG:4326",
    "mercator": "EPSG:3857",
    "own": LAEA,
    "feet": "EPSG:2263",
    "sinusoidal": "+proj=sinu +R=6371007.181 +units=m +no_defs",
    "albers": "+proj=aea +lat_1=-2 +lat_2=-22 +lat_0=-12 +lon_0=-54 +x_0=5000000 +y_0=10000000 +ellps=aust_SA +units=m",
    "mollweide": "ESRI:54009",
    "polar": "EPSG:3031",
    "compound": "EPSG:32725+5773",
    "rotated pole": "+proj=omerc +lat_0=4 +lonc=102.25 +alpha=323.025796 +gamma=323.130102 +k=0.99984 +x_0=804671.3 +y_0=0 +ellps=evrst30 +units=m",  # noqa: E501
    "local": 'LOCAL_CS["quarry",UNIT["metre",1]]',
    "none": None,
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("kind", ["GTiff", "VRT", "ENVI", "HFA"])
def test_coordinate_systems_pass_through(tmp_path, raster, network, classify, scene, name, kind):
    import rasterio.shutil

    system = SYSTEMS[name]
    transform = Affine(0.0003, 0, -35, 0, -0.0003, -8) if name == "geographic" else UTM
    layer = raster("a.tif", scene(40, 50), crs=system, transform=transform)
    if kind != "GTiff":
        target = str(tmp_path / f"a.{dict(VRT='vrt', ENVI='dat', HFA='img')[kind]}")
        rasterio.shutil.copy(layer, target, driver=kind)
        layer = target
    with rasterio.open(layer) as source:
        crs, transform = source.crs, source.transform
    made = classify(layer, network("pixel"), bands=(1, 2, 3, 4))
    with rasterio.open(made.path) as out:
        assert (out.crs or None) == (crs or None)
        assert out.transform.almost_equals(transform, precision=1e-9)


def test_names_and_style_beside_the_map(raster, network, classify, scene):
    names = ["<b>water</b>", 'trees & "shrubs"', "it's \x07 bare\x00", "\u6c34\U0001f30a ]]> \t end"]
    legend = Legend.of([LegendClass(v, n, "#AbCd0" + str(v)) for v, n in zip((2, 3, 5, 7), names)])
    made = classify(raster("a.tif", scene(40, 50)), network("pixel", legend=legend))
    clean = [n.replace("\x07", "\ufffd").replace("\x00", "\ufffd") for n in names]

    aux = ET.parse(made.path.with_name("map.tif.aux.xml")).getroot()
    categories = [c.text or "" for c in aux.iter("Category")]
    assert aux.tag == "PAMDataset"
    assert len(categories) == 8
    assert [categories[v] for v in (2, 3, 5, 7)] == clean
    assert all(categories[v] == "" for v in (0, 1, 4, 6))
    table = [[cell.text for cell in row.iter("F")] for row in aux.iter("Row")]
    assert [row[:2] for row in table] == [[str(v), n] for v, n in zip((2, 3, 5, 7), clean)]
    assert [list(map(int, row[2:])) for row in table] == [[0xAB, 0xCD, v] for v in (2, 3, 5, 7)]
    assert [field.findtext("Usage") for field in aux.iter("FieldDefn")] == ["5", "2", "6", "7", "8"]

    style = ET.parse(made.path.with_suffix(".qml")).getroot()
    entries = list(style.iter("paletteEntry"))
    assert [e.get("label") for e in entries] == [n.replace("\t", " ") for n in clean]
    assert [e.get("value") for e in entries] == ["2", "3", "5", "7"]
    assert [e.get("color") for e in entries] == ["#abcd02", "#abcd03", "#abcd05", "#abcd07"]
    assert next(style.iter("rasterrenderer")).get("type") == "paletted"
    with rasterio.open(made.path) as out:
        assert out.tags()["LULC_MODEL"] == "pixel-v1"
        assert set(json.loads(out.tags()["LULC_CLASSES"])) == {"2", "3", "5", "7"}


def test_a_hostile_model_name_does_not_break_the_metadata(raster, network, classify, scene, spec, tmp_path):
    net = network("pixel")
    from lulc_plugin.model import mlm

    hostile = 'a<b>&"\ufffd/../../x'  # controls and turned directions are refused
    item = mlm.to_item(net.spec)
    item["properties"]["mlm:name"] = hostile
    (tmp_path / "networks" / "pixel-v1.json").write_text(json.dumps(item))
    made = classify(raster("a.tif", scene(40, 50)), net)
    assert listing(made.path.parent) == BESIDE
    with rasterio.open(made.path) as out:
        assert 'a<b>&"' in out.tags()["LULC_MODEL"]
        assert out.tags()["LULC_BANDS"] == "[1,2,3,4]"


# ---------------------------------------------------------------- nothing else is left


@pytest.fixture
def job(raster, network, scene, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    layer = raster("a.tif", scene(200, 210))

    def make(**options):
        return ClassifyJob(RasterInput(layer), model_file=network("pixel").path, threads=1, **options)

    return make, folder


@pytest.mark.parametrize("window", [0, 1, 3, 11])
def test_an_error_in_the_middle_leaves_nothing(job, monkeypatch, window):
    from lulc_plugin.classify import classify

    make, folder = job
    probabilities = Network.probabilities
    calls = []

    def failing(self, batch):
        if len(calls) == window:
            raise LulcError("The network failed on purpose.")
        calls.append(1)
        return probabilities(self, batch)

    monkeypatch.setattr(Network, "probabilities", failing)
    with pytest.raises(LulcError, match="on purpose"):
        classify(make(), folder / "map.tif")
    assert listing(folder) == set()


@pytest.mark.parametrize("where", ["write", "finish", "_check"])
def test_a_bug_in_the_writer_leaves_nothing_and_is_not_hidden(job, monkeypatch, where):
    from lulc_plugin.classify import classify

    make, folder = job

    def failing(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(MapWriter, where, failing)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        classify(make(), folder / "map.tif")
    assert listing(folder) == set()


def test_a_map_that_lost_its_coordinate_system_is_not_put_in_place(job, monkeypatch):
    from lulc_plugin.classify import classify

    make, folder = job
    run = output._CopyThread.run

    def losing(self):
        run(self)
        with rasterio.open(self._target, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as out:
            out.crs = CRS.from_epsg(32724)

    monkeypatch.setattr(output._CopyThread, "run", losing)
    (folder / "map.tif").write_bytes(b"the old map")
    with pytest.raises(LulcError, match="coordinate system"):
        classify(make(), folder / "map.tif")
    assert listing(folder) == {"map.tif"}
    assert (folder / "map.tif").read_bytes() == b"the old map"


def test_a_copy_that_fails_is_told_and_leaves_nothing(job, monkeypatch):
    from lulc_plugin.classify import classify

    make, folder = job

    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(output.rasterio.shutil, "copy", full)
    with pytest.raises(LulcError, match="No space left"):
        classify(make(), folder / "map.tif")
    assert listing(folder) == set()


def test_a_copy_that_is_cut_off_without_a_word_is_told(job, monkeypatch):
    """A disk that was full for a moment: GDAL says nothing, and the file cannot be opened."""
    from lulc_plugin.classify import classify

    make, folder = job
    copy = output.rasterio.shutil.copy

    def cut(source, target, **options):
        copy(source, target, **options)
        os.truncate(target, 100)

    monkeypatch.setattr(output.rasterio.shutil, "copy", cut)
    with pytest.raises(FileNotWritten, match="whole.tif"):
        classify(make(), folder / "map.tif")
    assert listing(folder) == set()


@pytest.mark.parametrize("stop_at", [0.0, 10.0, 50.0, 93.9, 94.0])
def test_a_cancel_leaves_nothing(job, recorder, stop_at):
    from lulc_plugin.classify import classify

    make, folder = job
    with pytest.raises(CancelledError):
        classify(make(), folder / "map.tif", recorder(stop_at))
    assert listing(folder) == set()


def test_an_older_map_is_replaced_with_all_that_lay_beside_it(job):
    from lulc_plugin.classify import classify

    make, folder = job
    for name in ("map.tif", "map.tif.ovr", "map.tif.msk", "map.tif.aux.xml", "map.qml"):
        (folder / name).write_text("old")
    (folder / "map2.tif").write_text("somebody else's")
    classify(make(), folder / "map.tif")
    assert listing(folder) == BESIDE | {"map2.tif", "map.qml.bak"}  # a style that is not ours may be the user's
    for name in BESIDE - {"map.tif"}:
        assert "old" not in (folder / name).read_text()


# ---------------------------------------------------------------- places that are refused


def test_the_input_itself_is_refused(raster, network, classify, scene, tmp_path):
    layer = raster("a.tif", scene(20, 20))
    before = open(layer, "rb").read()
    with pytest.raises(LulcError, match="that this run reads"):
        classify(layer, network("pixel"), output=layer)
    (tmp_path / "link.tif").symlink_to(layer)
    with pytest.raises(LulcError, match="that this run reads"):
        classify(layer, network("pixel"), output=str(tmp_path / "link.tif"))
    assert open(layer, "rb").read() == before


def test_the_layer_that_gives_the_statistics_is_not_overwritten(raster, network, classify, scene):
    layer = raster("a.tif", scene(20, 20, dtype="uint8"))
    other = raster("b.tif", scene(20, 20, dtype="uint8"))
    with pytest.raises(LulcError, match="that this run reads"):
        classify(layer, network("pixel"), statistics_from=other, output=other)


def test_a_missing_folder_is_refused(raster, network, classify, scene, tmp_path):
    with pytest.raises(LulcError, match="nowhere does not exist"):
        classify(raster("a.tif", scene(20, 20)), network("pixel"), output=str(tmp_path / "nowhere" / "map.tif"))


def test_a_folder_of_that_name_is_refused(tmp_path):
    (tmp_path / "map.tif").mkdir()
    with pytest.raises(LulcError, match="is a folder"):
        check_target(tmp_path / "map.tif")


@pytest.mark.parametrize("name", ["map.png", "map", "map.tif.gz", "/vsimem/x.jp2", ""])
def test_other_formats_are_refused(name):
    from lulc_plugin.classify import classify

    with pytest.raises(LulcError, match=r"\.tif"):
        classify(ClassifyJob(RasterInput("a.tif")), name)


@pytest.mark.parametrize("name", ["map.TIF", "map.tiff", "k\u00e4rtchen \u6c34 & co.tif", ".hidden.tif", "a.b.c.tif"])
def test_names_that_are_fine(raster, network, classify, scene, tmp_path, name):
    folder = tmp_path / "named"
    folder.mkdir()
    made = classify(raster("a.tif", scene(20, 20)), network("pixel"), output=str(folder / name))
    assert listing(folder) == {name, name + ".aux.xml", made.path.with_suffix(".qml").name}


def test_a_name_that_is_too_long_is_told(raster, network, classify, scene, tmp_path):
    folder = tmp_path / "named"
    folder.mkdir()
    with pytest.raises(LulcError):
        classify(raster("a.tif", scene(20, 20)), network("pixel"), output=str(folder / ("x" * 250 + ".tif")))
    assert listing(folder) == set()


def test_rows_must_arrive_in_a_whole_file(tmp_path):
    """A writer that is left without `finish` leaves nothing."""
    legend = Legend.of([LegendClass(1, "one", "#000000")])
    with MapWriter(tmp_path / "map.tif", (20, 30), UTM, None, legend, "x") as writer:
        writer.write(0, np.ones((10, 30), np.uint8))
    assert listing(tmp_path) == set()


def test_writer_cleans_up_when_it_cannot_even_start(tmp_path, monkeypatch):
    legend = Legend.of([LegendClass(1, "one", "#000000")])
    with pytest.raises((LulcError, UnicodeError)):
        MapWriter(tmp_path / "map.tif", (20, 30), UTM, "no such system", legend, "x").__enter__()
    assert listing(tmp_path) == set()


def test_gridded_facts_of_a_finished_map(tmp_path):
    legend = replace(Legend.of([LegendClass(1, "one", "#000000")]), nodata=9)
    with MapWriter(tmp_path / "map.tif", (20, 30), UTM, CRS.from_epsg(32725), legend, "x") as writer:
        writer.write(0, np.ones((20, 30), np.uint8))
        writer.finish({"LULC_X": "y"}, Progress())
    with rasterio.open(tmp_path / "map.tif") as out:
        assert out.nodata == 9
        assert out.tags()["LULC_X"] == "y"
        assert (out.read(1) == 1).all()
    assert listing(tmp_path) == BESIDE
