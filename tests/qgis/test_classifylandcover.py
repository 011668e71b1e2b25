# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:classifylandcover` as a script runs it: what goes in, what comes out, what is refused."""

import json
import shlex
from pathlib import Path

import numpy as np
import processing
import pytest
import rasterio
from affine import Affine
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRasterRange,
    QgsRectangle,
)
from qgis.PyQt.QtCore import NULL


class Listener(QgsProcessingFeedback):
    """Keeps what it is told; `stop_at` presses Cancel at that percentage."""

    def __init__(self, stop_at=None):
        super().__init__(False)
        self.percents = []
        self.stop_at = stop_at
        self.progressChanged.connect(self._changed)

    def _changed(self, percent):
        self.percents.append(percent)
        if self.stop_at is not None and percent >= self.stop_at:
            self.cancel()


@pytest.fixture
def refusal(classify, tmp_path):
    """`refusal(INPUT=…, …)` → what the user is told; and there is no map."""

    def refused(**values):
        with pytest.raises(QgsProcessingException) as error:
            classify(**values)
        assert "Traceback" not in str(error.value)
        assert not (tmp_path / "map.tif").exists()
        return str(error.value)

    return refused


# ---------------------------------------------------------------- the map


def test_input_and_output_are_enough(classify, image, read, expected):
    result = classify(INPUT=image)
    assert np.array_equal(read(result["OUTPUT"]), expected(read(image, None)))


def test_outputs(classify, image, read):
    result = classify(INPUT=image)
    classes = json.loads(result["CLASSES"])
    pixels = read(result["OUTPUT"])
    assert [(c["value"], c["name"]) for c in classes] == [
        (10, "Water"),
        (20, 'Trees & "shrubs" <tall>'),
        (40, "Boden, nackt – ärmlich"),
    ]
    assert [c["pixels"] for c in classes] == [int(np.sum(pixels == v)) for v in (10, 20, 40)]
    assert sum(c["pixels"] for c in classes) == result["PIXELS"] == pixels.size
    assert sum(c["hectares"] for c in classes) == pytest.approx(pixels.size * 100 / 1e4, rel=1e-3)
    assert "CPU" in result["DEVICE_USED"].upper()


def test_nodata_stays_nodata(classify, make_raster, image, read):
    values = read(image, None)
    values[:, 10:20, 30:50] = 0
    values[3, 60:70, 100:110] = 0
    path = make_raster("holes.tif", values, nodata=0)
    result = classify(INPUT=path)
    assert np.array_equal(read(result["OUTPUT"]) == 0, (values == 0).any(axis=0))
    assert result["PIXELS"] == np.sum((values > 0).all(axis=0))
    result = classify(INPUT=path, NODATA_POLICY="all")
    assert np.array_equal(read(result["OUTPUT"]) == 0, (values == 0).all(axis=0))


def test_geographic_coordinates(classify, make_raster, read):
    path = make_raster("degrees.tif", crs=4326)
    result = classify(INPUT=path)
    hectares = sum(c["hectares"] for c in json.loads(result["CLASSES"]))
    # 1e-4 degrees at 23° south: 11.08 m × 10.25 m
    assert hectares == pytest.approx(result["PIXELS"] * 11.08 * 10.25 / 1e4, rel=0.01)
    with rasterio.open(path) as source, rasterio.open(result["OUTPUT"]) as target:
        assert (source.crs, source.transform, source.shape) == (target.crs, target.transform, target.shape)


def test_a_picture(classify, picture, read, expected):
    result = classify(INPUT=picture, VALUES="picture")
    assert np.array_equal(read(result["OUTPUT"]), expected(read(picture, None)))


def test_a_project_layer(classify, image, read, expected):
    layer = QgsRasterLayer(image, "my scene")
    QgsProject.instance().addMapLayer(layer)
    for value in (layer, layer.id(), "my scene"):
        result = classify(INPUT=value)
        assert np.array_equal(read(result["OUTPUT"]), expected(read(image, None)))
    QgsProject.instance().removeMapLayer(layer.id())


@pytest.mark.parametrize("nothing", [None, "", NULL])
def test_nothing_given_in_every_way(classify, image, nothing):
    names = "BANDS EXTENT STATISTICS_FROM OVERLAP WINDOW BATCH_SIZE NODATA_POLICY VALUES".split()
    assert classify(INPUT=image, **dict.fromkeys(names, nothing))["PIXELS"] == 150 * 120


def test_numbers_as_text(classify, image, read, expected):
    result = classify(INPUT=image, OVERLAP="8", WINDOW="48", BATCH_SIZE="2.0", BANDS="1;2;3;4", VALUES="auto")
    assert np.array_equal(read(result["OUTPUT"]), expected(read(image, None)))


def test_temporary_output(classify, image, read):
    result = classify(INPUT=image, OUTPUT="TEMPORARY_OUTPUT")
    assert result["OUTPUT"].endswith(".tif") and (read(result["OUTPUT"]) > 0).all()


@pytest.mark.parametrize("radius", ["3", 3, 3.0])
def test_smoothing_by_a_radius(classify, image, radius):
    with rasterio.open(classify(INPUT=image, SMOOTHING=radius)["OUTPUT"]) as made:
        tags = made.tags()
    assert json.loads(tags["LULC_SMOOTHING"])["radius"] == 3
    assert "SMOOTHING=3" in tags["LULC_REPEAT_IN_QGIS"]


@pytest.mark.parametrize("without", ["none", "auto", "0", "", NULL])
def test_without_smoothing(classify, image, read, expected, without):
    """The network asks for none."""
    result = classify(INPUT=image, SMOOTHING=without)
    assert np.array_equal(read(result["OUTPUT"]), expected(read(image, None)))
    with rasterio.open(result["OUTPUT"]) as made:
        assert made.tags()["LULC_SMOOTHING"] == "none"


def test_statistics_of_another_layer(classify, picture, make_raster, read):
    other = make_raster("other.tif", read(picture, None))
    feedback = Listener()
    classify(feedback, INPUT=picture, STATISTICS_FROM=other, VALUES="picture")
    assert "Statistics come from other.tif" in feedback.textLog()


# ---------------------------------------------------------------- bands


@pytest.mark.parametrize("bands", [[3, 2, 1, 4], ["3", "2", "1", "4"], "3;2;1;4"])
def test_bands_in_the_models_order(classify, unnamed_image, read, expected, bands):
    result = classify(INPUT=unnamed_image, BANDS=bands)
    assert np.array_equal(read(result["OUTPUT"]), expected(read(unnamed_image, [3, 2, 1, 4])))


@pytest.mark.parametrize("bands, wrong", [([0], 0), ([3, 2, 1, 9], 9), ("3,1", 0), ([-1, 2, 3, 4], -1)])
def test_bands_that_do_not_exist(refusal, unnamed_image, bands, wrong):
    message = refusal(INPUT=unnamed_image, BANDS=bands)
    assert f"band {wrong} does not exist" in message and "bands 1 to 6" in message
    assert "'BANDS=3;2;1;4'" in message


def test_too_few_bands(refusal, unnamed_image):
    assert "wants 4" in refusal(INPUT=unnamed_image, BANDS=[3, 1])


def test_unnamed_bands(refusal, unnamed_image):
    message = refusal(INPUT=unnamed_image)
    assert all(f"{number} (unnamed)" in message for number in range(1, 7))
    assert "BANDS=3;2;1;4" in message


# ---------------------------------------------------------------- extent


def test_extent_is_a_crop(classify, image, read, tmp_path):
    whole = read(classify(INPUT=image)["OUTPUT"])
    # 12.3 … 31.7 pixels from the left, 20.5 … 60 from the top
    extent = f"500123,500317,{7400000 - 600},{7400000 - 205} [EPSG:32723]"
    part = classify(INPUT=image, EXTENT=extent, OUTPUT=str(tmp_path / "part.tif"))
    assert np.array_equal(read(part["OUTPUT"]), whole[20:60, 12:32])
    with rasterio.open(part["OUTPUT"]) as source:
        assert source.bounds == (500120, 7399400, 500320, 7399800)


def test_extent_in_another_crs(classify, image, read, tmp_path):
    whole = read(classify(INPUT=image)["OUTPUT"])
    utm = QgsCoordinateReferenceSystem("EPSG:32723")
    degrees = QgsCoordinateReferenceSystem("EPSG:4326")
    transform = QgsCoordinateTransform(utm, degrees, QgsProject.instance())
    box = transform.transformBoundingBox(QgsRectangle(500205, 7399505, 500395, 7399795))
    extent = f"{box.xMinimum()},{box.xMaximum()},{box.yMinimum()},{box.yMaximum()} [EPSG:4326]"
    part = read(classify(INPUT=image, EXTENT=extent, OUTPUT=str(tmp_path / "part.tif"))["OUTPUT"])
    assert 29 <= part.shape[0] <= 31 and 20 <= part.shape[1] <= 22
    assert np.array_equal(part, whole[20 : 20 + part.shape[0], 20 : 20 + part.shape[1]])


def test_extent_of_a_picture_without_georeference(classify, make_raster, read, tmp_path):
    """QGIS counts y of such a picture from -height up to 0, its file from 0 down."""
    path = make_raster("plain.tif", crs=None)
    layer = QgsRasterLayer(path, "plain")
    assert layer.extent() == QgsRectangle(0, -120, 150, 0)
    whole = read(classify(INPUT=path)["OUTPUT"])
    part = classify(INPUT=path, EXTENT="40,100,-50,-10", OUTPUT=str(tmp_path / "part.tif"))
    assert np.array_equal(read(part["OUTPUT"]), whole[10:50, 40:100])


def test_extent_of_a_layer_stored_from_south_to_north(classify, make_raster, image, read, tmp_path):
    """QGIS warps such a layer before it shows it; the engine reads the file."""
    path = make_raster("south-up.tif", read(image, None), transform=Affine(10, 0, 500000, 0, 10, 7398800))
    whole = read(classify(INPUT=path)["OUTPUT"])
    extent = "500200,500300,7398900,7399000 [EPSG:32723]"
    part = classify(INPUT=path, EXTENT=extent, OUTPUT=str(tmp_path / "part.tif"))
    assert np.array_equal(read(part["OUTPUT"]), whole[10:20, 20:30])


def test_extent_elsewhere(refusal, image):
    assert "does not meet the layer" in refusal(INPUT=image, EXTENT="0,100,0,100 [EPSG:32723]")


# ---------------------------------------------------------------- refused


def test_a_layer_of_another_provider(refusal):
    layer = QgsRasterLayer("type=xyz&url=http://localhost/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=1", "web map", "wms")
    assert layer.isValid()
    message = refusal(INPUT=layer)
    assert '"web map"' in message and '"wms"' in message and "GeoTIFF" in message


def test_a_missing_input(refusal):
    assert "INPUT" in refusal(INPUT="/nowhere/scene.tif")


def test_not_a_tif(refusal, image, tmp_path):
    message = refusal(INPUT=image, OUTPUT=str(tmp_path / "map.png"))
    assert "png" in message
    assert not (tmp_path / "map.png").exists()


def test_a_missing_folder(refusal, image, tmp_path):
    message = refusal(INPUT=image, OUTPUT=str(tmp_path / "missing" / "map.tif"))
    assert str(tmp_path / "missing") in message
    assert not (tmp_path / "missing").exists()


def test_the_input_as_output(refusal, image):
    refusal(INPUT=image, OUTPUT=image)
    with rasterio.open(image) as source:
        assert source.count == 4


def test_a_model_file_that_is_none(refusal, image, tmp_path):
    assert "does not exist" in refusal(INPUT=image, MODEL_FILE=str(tmp_path / "no.onnx"))
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    refusal(INPUT=image, MODEL_FILE=str(tmp_path / "bad.onnx"))


@pytest.mark.parametrize(
    "name, value, words",
    [
        ("OVERLAP", "much", "not a whole number"),
        ("WINDOW", 64.5, "not a whole number"),
        ("OVERLAP", -1, "OVERLAP"),
        ("BATCH_SIZE", 1000, "BATCH_SIZE"),
        ("MODEL", "no-such-model", "MODEL"),
        ("VALUES", "colours", "VALUES"),
        ("EXTENT", "here", "EXTENT"),
        ("SMOOTHING", "much", "'much' is neither auto nor none nor a radius of 0 to 64 pixels"),
        ("SMOOTHING", 65, "'65' is neither"),
    ],
)
def test_wrong_values(refusal, image, name, value, words):
    assert words in refusal(INPUT=image, **{name: value})


def test_a_step_of_a_model_is_refused_alike(algorithm, image, network, tmp_path):
    """Inside a model QGIS does not ask checkParameterValues()."""
    values = {"INPUT": image, "MODEL_FILE": network, "BANDS": [1, 2, 3, 9], "OUTPUT": str(tmp_path / "map.tif")}
    feedback = Listener()
    _, ok = algorithm.run(values, QgsProcessingContext(), feedback)
    assert not ok
    assert "band 9 does not exist" in feedback.textLog() and "Traceback" not in feedback.textLog()


# ---------------------------------------------------------------- the bundled network


def test_auto(classify, image, plugin):
    if not plugin("lulc_plugin.bundled").model_names():
        pytest.skip("models/ is empty: no network has been trained yet")
    feedback = Listener()
    result = classify(feedback, INPUT=image, MODEL="auto")
    assert result["PIXELS"] == 150 * 120
    said = feedback.textLog()
    assert "Model: " in said
    best, *others = (e.spec.name for e in plugin("lulc_plugin.model.catalogue").entries())
    assert f"Model: {best} " in said
    reasons = {name: said.split(f"Passed over {name}: ")[1].splitlines()[0] for name in others}
    for name, reason in reasons.items():
        expected = "it fits too" if name.startswith("optical") else "it was made for pixels of 1 to 4 m"
        assert reason.startswith(expected) and len(reason) < 200, reason


# ---------------------------------------------------------------- progress, cancel


def test_progress_never_goes_back(classify, image):
    feedback = Listener()
    classify(feedback, INPUT=image)
    assert feedback.percents == sorted(feedback.percents)
    assert feedback.percents[-1] == 100 and len(feedback.percents) > 5
    log = feedback.textLog()
    for words in ("Model: tiny-v1", "red = 1 (red)", "Device:", "Windows:", "Mpx/s", "nodata"):
        assert words in log


def test_cancel_leaves_nothing(classify, image, tmp_path):
    before = set(tmp_path.iterdir())
    with pytest.raises(QgsProcessingException, match="(?i)cancel"):
        classify(Listener(stop_at=10), INPUT=image)
    assert set(tmp_path.iterdir()) == before


def test_cancelled_run_reports_failure(algorithm, image, network, tmp_path):
    """What dialogs and tasks look at."""
    values = {"INPUT": image, "MODEL_FILE": network, "OUTPUT": str(tmp_path / "map.tif")}
    _, ok = algorithm.run(values, QgsProcessingContext(), Listener(stop_at=1))
    assert not ok and not Path(values["OUTPUT"]).exists()


# ---------------------------------------------------------------- making it again


def as_parameters(line):
    """The parameters in a line for `qgis_process`, as texts."""
    program, _, words = line.partition(" -- ")
    assert program == "qgis_process run lulc:classifylandcover"
    return dict(word.split("=", 1) for word in shlex.split(words))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"BANDS": [3, 2, 1, 4], "OVERLAP": 24, "NODATA_POLICY": "all"},
        {"EXTENT": "500120,500700,7399100,7399650", "VALUES": "reflectance", "SMOOTHING": "2"},
    ],
)
def test_the_log_says_how_to_make_it_again(classify, image, read, tmp_path, options):
    feedback = Listener()
    first = read(classify(feedback, INPUT=image, OUTPUT=str(tmp_path / "first.tif"), **options)["OUTPUT"])
    mark = "To make it again: "
    line = next(line for line in feedback.textLog().splitlines() if mark in line).partition(mark)[2]
    again = as_parameters(line)
    assert again["INPUT"] == image
    again["OUTPUT"] = str(tmp_path / "again.tif")
    assert np.array_equal(read(processing.run("lulc:classifylandcover", again)["OUTPUT"]), first)


def test_a_picture_without_coordinates_is_made_again(classify, make_raster, picture, read, tmp_path):
    """There QGIS counts y upwards from below, and the engine rows downwards."""
    feedback = Listener()
    picture, extent = make_raster("photo.tif", read(picture, None), crs=None), "10,130,-90,-15"
    first = read(classify(feedback, INPUT=picture, OUTPUT=str(tmp_path / "first.tif"), EXTENT=extent)["OUTPUT"])
    line = next(line for line in feedback.textLog().splitlines() if "To make it again: " in line).partition(": ")[2]
    again = {**as_parameters(line), "OUTPUT": str(tmp_path / "again.tif")}
    assert np.array_equal(read(processing.run("lulc:classifylandcover", again)["OUTPUT"]), first)


def test_the_engine_repeats_what_was_set_for_the_layer(plugin, classify, image, read, tmp_path):
    """A map of QGIS is repeated from its metadata alone, with what the user set in the layer's properties."""
    layer = QgsRasterLayer(image, "scene")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(0, 900)])
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32724"))
    first = classify(INPUT=layer, OUTPUT=str(tmp_path / "first.tif"))["OUTPUT"]
    assert (read(first) == 0).any()
    repetition = plugin("lulc_plugin.classify").repeat(first, tmp_path / "again.tif")
    assert repetition.different == 0 and repetition.changed == ()
    assert np.array_equal(read(first), read(tmp_path / "again.tif"))


# ---------------------------------------------------------------- whatever bands there are


@pytest.fixture
def any_bands(plugin, network, tmp_path):
    """Path of a network that calls everything bare soil (40) where it finds near infrared absent."""
    from dataclasses import replace

    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((3, 4, 1, 1), dtype=np.float32)
    weights[0, 2] = weights[1, 3] = 1.0
    constants = {"w": weights, "absent": np.float32([[[[0]], [[0]], [[0]], [[-2]]]]), "last": np.int64([3])}
    constants.update(much=np.float32([[[[0]], [[0]], [[1000]]]]), nothing=np.zeros((1, 3, 1, 1), np.float32))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["scores"]),
            helper.make_node("Equal", ["x", "absent"], ["equal"]),
            helper.make_node("Gather", ["equal", "last"], ["lacking"], axis=1),
            helper.make_node("Where", ["lacking", "much", "nothing"], ["more"]),
            helper.make_node("Add", ["scores", "more"], ["sum"]),
            helper.make_node("Softmax", ["sum"], ["y"], axis=1),
        ],
        "any",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    path = tmp_path / "any.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    patterns, step = plugin("lulc_plugin.model.band_patterns"), plugin("lulc_plugin.raster.scaling").Step
    spec = plugin("lulc_plugin.model.catalogue").load(Path(network)).spec
    choices = (
        patterns.BandPattern(("red", "green", "blue"), {"chips": patterns.PatternScore(0.7, 0.5)}),
        patterns.BandPattern(spec.band_names, {"chips": patterns.PatternScore(0.8, 0.6)}),
    )
    limits = (step.of("clip", minimum=0, maximum=1),)
    spec = replace(
        spec,
        name="any-v1",
        channels=tuple(replace(channel, steps=limits) for channel in spec.channels),
        band_patterns=patterns.BandPatterns(-2.0, choices),
    )
    plugin("lulc_plugin.model.mlm").write(spec, path.with_suffix(".json"))
    return str(path)


class Log(QgsProcessingFeedback):
    """Keeps the lines of a run."""

    def __init__(self):
        super().__init__(False)
        self.lines = []

    def pushInfo(self, text):
        self.lines.append(text)


def test_whatever_bands_there_are(classify, make_raster, image, any_bands, read):
    three = make_raster("three.tif", read(image, None)[:3], names=("red", "green", "blue"))
    for values, lacking in (
        ({"INPUT": three}, True),
        ({"INPUT": image, "BANDS": [1, 2, 3]}, True),
        ({"INPUT": image}, False),
        ({"INPUT": image, "BANDS": "1;2;3;4"}, False),
    ):
        log = Log()
        result = classify(**values, MODEL_FILE=any_bands, feedback=log)
        assert np.all(read(result["OUTPUT"]) == 40) == lacking
        told = [line for line in log.lines if "works here without near infrared (nir)" in line]
        assert len(told) == lacking
        assert all("0.50 on chips, 0.60 with near infrared" in line for line in told)


def test_as_many_bands_as_no_choice_has(refusal, image, any_bands):
    message = refusal(INPUT=image, BANDS=[1, 2], MODEL_FILE=any_bands)
    assert "2 bands given (1, 2)" in message and "3 (red, green, blue) or 4 (red, green, blue, nir)" in message
    assert "Set Bands to the numbers of one of these" in message
