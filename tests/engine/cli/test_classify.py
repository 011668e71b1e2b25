# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin classify IN OUT`."""

import io
import json

import numpy as np
import pytest
import rasterio

from lulc_plugin import cli
from lulc_plugin.cli import classify, layer_options
from lulc_plugin.progress import ConsoleProgress


@pytest.fixture
def shell(python):
    def run(*arguments):
        result = python("-m", "lulc_plugin", *arguments)
        assert "Traceback" not in result.stderr, result.stderr
        return result

    return run


def test_a_map_from_the_shell(shell, raster, network, classify, scene, tmp_path):
    image = scene(90, 80, bands=6)
    layer = raster("in.tif", image, names=None)
    net = network("context")
    out = tmp_path / "out.tif"
    result = shell("classify", layer, str(out), "--model", net.path, "--bands", "3,2,1,4", "--threads", "1")
    assert result.returncode == 0, result.stderr
    expected = classify(layer, net, bands=(3, 2, 1, 4))
    with rasterio.open(out) as made:
        np.testing.assert_array_equal(made.read(1), expected.values)
    for entry in expected.result.classes:
        assert entry.name in result.stdout
        assert f"{entry.pixels:,d} px" in result.stdout
    assert " ha" in result.stdout
    assert "100 %" in result.stderr
    assert "Device: CPU" in result.stderr


def test_options_reach_the_job(shell, raster, network, classify, scene, tmp_path):
    image = scene(90, 80, dtype="uint8")
    image[0, 10:20, 10:20] = 0
    layer = raster("in.tif", image, nodata=0)
    other = raster("other.tif", scene(90, 80, seed=5, dtype="uint8"))
    net = network("context")
    out = tmp_path / "out.tif"
    result = shell(
        "classify", layer, str(out), "--model", net.path, "--extent", "500300,9117600,502100,9119700",
        "--overlap", "24", "--window", "48", "--batch-size", "2", "--nodata-policy", "all",
        "--statistics-from", other, "--values", "picture", "--threads", "1", "--smoothing", "3",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    expected = classify(
        layer, net, extent=(500300, 9117600, 502100, 9119700), overlap=24, window=48, batch_size=2, nodata_policy="all",
        statistics_from=other, values="picture", smoothing="3",
    )  # fmt: skip
    with rasterio.open(out) as made:
        np.testing.assert_array_equal(made.read(1), expected.values)
        ours = json.loads(made.tags()["LULC_PARAMETERS"])
    with rasterio.open(expected.path) as made:
        assert json.loads(made.tags()["LULC_PARAMETERS"]) == ours


def test_an_extent_west_of_greenwich(shell, raster, network, scene, tmp_path):
    """A value that begins with a minus sign is no option."""
    from affine import Affine

    degrees = Affine(0.0003, 0, -35, 0, -0.0003, -8)
    layer = raster("in.tif", scene(60, 50), crs="EPSG:4326", transform=degrees)
    out = tmp_path / "out.tif"
    result = shell("classify", layer, str(out), "--model", network().path, "--extent", "-34.997,-8.006,-34.994,-8.003")
    assert result.returncode == 0, result.stderr
    with rasterio.open(out) as made:
        assert made.shape == (10, 10)


def test_a_users_mistake_is_one_line_and_status_1(shell, raster, network, scene, tmp_path):
    layer = raster("in.tif", scene(20, 20, bands=6), names=None)
    result = shell("classify", layer, str(tmp_path / "out.tif"), "--model", network().path)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "1 (unnamed)" in line and "6 (unnamed)" in line
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["in.tif", "out.tif", "--model", "nosuch"], "nosuch|No network|cannot be opened"),
        (["in.tif", "out.tif", "--model", "nosuch.onnx"], "does not exist|cannot be opened"),
        (["in.tif", "out.png"], r"\.tif"),
        (["", "out.tif"], "No input"),
        (["in.tif", "out.tif", "--overlap", "-5"], "overlap is -5"),
        (["in.tif", "out.tif", "--window", "0"], "window is 0"),
    ],
)
def test_mistakes(shell, arguments, words):
    import re

    result = shell("classify", *arguments)
    assert result.returncode == 1
    assert re.search(words, result.stderr)


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("--extent", "1,2,3", "not four numbers"),
        ("--extent", "a,b,c,d", "not four numbers"),
        ("--extent", "", "not four numbers"),
        ("--extent", "1;2;3;4", "not four numbers"),
        ("--bands", "3,2,x", "not a list of whole numbers"),
        ("--bands", "3.5", "not a list of whole numbers"),
        ("--window", "big", "invalid int"),
        ("--nodata-policy", "some", "invalid choice"),
        ("--values", "radiance", "invalid choice"),
    ],
)
def test_options_that_cannot_be_read(option, text, words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["classify", "a.tif", "b.tif", option, text])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_bands_may_be_separated_like_in_qgis():
    assert (
        layer_options.integers("3;2;1;4")
        == layer_options.integers("3,2,1,4")
        == layer_options.integers(" 3, 2,1 ,4")
        == (3, 2, 1, 4)
    )  # noqa: E501


def test_help(capsys):
    for arguments in (["--help"], ["classify", "--help"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(arguments)
        assert caught.value.code == 0
        assert "classify" in capsys.readouterr().out


def test_no_command(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_ctrl_c(monkeypatch, capsys):
    def stopped(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(classify, "_classify", stopped)
    assert cli.main(["classify", "a.tif", "b.tif"]) == 130
    assert "no result was written" in capsys.readouterr().err


# ---------------------------------------------------------------- the bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_on_a_terminal():
    stream = Terminal()
    progress = ConsoleProgress(stream)
    for percent in (0.4, 10, 10.2, 50, 30, 100):
        progress.report(percent)
        progress.log("a line")
    progress.warn("careful")
    text = stream.getvalue()
    assert " 50 %" in text and "100 %\n" in text and " 30 %" not in text
    assert "Warning: careful\n" in text
    for line in text.replace("\r", "\n").split("\n"):
        assert "a line" not in line or line == "a line"


def test_steps_of_ten_in_a_file():
    stream = io.StringIO()
    progress = ConsoleProgress(stream)
    for percent in np.linspace(0, 100, 331):
        progress.report(percent)
    assert stream.getvalue().split("\n") == [f"{p} %" for p in range(0, 101, 10)] + [""]


def test_progress_never_goes_back_and_stays_within_its_limits(recorder):
    progress = recorder()
    for percent in (-5, 3, 2, 3, 150, 99):
        progress.report(percent)
    assert progress.percents == [3, 100]
    assert progress.percent == 100


def test_a_model_file_of_another_kind_is_named(tmp_path, capsys):
    path, image = tmp_path / "m.pt", tmp_path / "in.tif"
    path.write_bytes(b"PK")
    with rasterio.open(image, "w", driver="GTiff", height=8, width=8, count=4, dtype="uint8") as made:
        made.write(np.ones((4, 8, 8), np.uint8))
    assert cli.main(["classify", str(image), str(tmp_path / "out.tif"), "--model", str(path)]) == 1
    error = capsys.readouterr().err
    assert "m.pt" in error and "PyTorch" in error and "describemodel" in error
