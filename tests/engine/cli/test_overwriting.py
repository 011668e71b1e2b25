# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a command writes, it never writes over a file that it reads."""

import numpy as np
import pytest
import rasterio.shutil

from lulc_plugin import cli


@pytest.fixture
def files(raster, scene, tmp_path, network):
    """Layers, each a VRT over a tile; a class table; and their bytes before."""
    values = (np.arange(400).reshape(1, 20, 20) % 2 + 1).astype(np.uint8)
    for name in ("map", "map2", "reference", "strata"):
        raster(f"{name}_tile.tif", values, names=None, nodata=0)
        rasterio.shutil.copy(str(tmp_path / f"{name}_tile.tif"), str(tmp_path / f"{name}.vrt"), driver="VRT")
    raster("image_tile.tif", scene(40, 40))
    rasterio.shutil.copy(str(tmp_path / "image_tile.tif"), str(tmp_path / "image.vrt"), driver="VRT")
    (tmp_path / "table.csv").write_text("map,reference\n1,1\n2,2\n")
    (tmp_path / "points.csv").write_text("x,y,ref_class\n500015,9119985,1\n500045,9119985,2\n")
    return tmp_path, network("pixel").path


ASSESS = "assess map.vrt reference.vrt --design census"
COMPARE = "compare map.vrt map2.vrt reference.vrt --design census"
COMMANDS = [
    *(("classify image.vrt {target} --model {model}", name) for name in ("image_tile.tif",)),
    ("classify map.vrt {target} --model {model} --statistics-from image.vrt", "image_tile.tif"),
    *(("check image.vrt --model {model} --html {target}", name) for name in ("image.vrt", "image_tile.tif")),
    *(
        (f"{ASSESS} --{option} {{target}}", name)
        for option in ("html", "csv", "json")
        for name in ("map.vrt", "map_tile.tif", "reference_tile.tif")
    ),
    *((f"{ASSESS} --disagreement {{target}}", name) for name in ("map_tile.tif", "reference_tile.tif")),
    (f"{ASSESS} --strata strata.vrt --html {{target}}", "strata_tile.tif"),
    (f"{ASSESS} --class-table table.csv --csv {{target}}", "table.csv"),
    ("assess map.vrt points.csv --crs EPSG:32725 --csv {target}", "points.csv"),
    *((f"{COMPARE} --json {{target}}", name) for name in ("map_tile.tif", "map2_tile.tif", "reference_tile.tif")),
]


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(("command", "name"), COMMANDS)
def test_a_file_that_is_read_is_not_written(files, monkeypatch, capsys, command, name, linked):
    folder, model = files
    monkeypatch.chdir(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    target = name
    if linked:
        target = f"link{name[name.rindex('.') :]}"
        (folder / target).symlink_to(folder / name)
    assert cli.main(command.format(target=target, model=model).split()) == 1
    assert "reads" in capsys.readouterr().err
    for other, content in before.items():
        assert (folder / other).read_bytes() == content


def test_a_coordinate_system_that_is_an_address_is_refused(files, monkeypatch, capsys):
    folder, _ = files
    monkeypatch.chdir(folder)
    assert cli.main("assess map.vrt points.csv --crs http://127.0.0.1:9/crs".split()) == 1
    assert "no connection is opened" in capsys.readouterr().err


# ---------------------------------------------------------------- the same to the end


@pytest.mark.parametrize("name", ["map_tile.tif", "reference_tile.tif"])
@pytest.mark.parametrize("when", ["assessed", "written"])
def test_nothing_is_written_about_layers_that_changed(files, monkeypatch, capsys, name, when):
    from lulc_plugin.assess import disagreement
    from lulc_plugin.report.accuracy import files as reports

    folder, _ = files
    monkeypatch.chdir(folder)
    module, function = (reports, "assess") if when == "assessed" else (disagreement, "legend_of")
    original = getattr(module, function)

    def changing(*values):
        result = original(*values)
        (folder / name).write_bytes(bytes((folder / name).stat().st_size))
        return result

    monkeypatch.setattr(module, function, changing)
    before = {path.name for path in folder.iterdir()}
    assert cli.main(f"{ASSESS} --html out.html --csv out.csv --disagreement out.tif".split()) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == before


def test_a_report_that_fails_names_those_that_are_written(files, monkeypatch, capsys):
    from lulc_plugin import atomic_write

    folder, _ = files
    monkeypatch.chdir(folder)
    write_whole = atomic_write.write_whole

    def failing(path, data):
        if str(path).endswith(".csv"):
            raise OSError(28, "No space left on device")
        write_whole(path, data)

    monkeypatch.setattr(atomic_write, "write_whole", failing)
    assert cli.main(f"{ASSESS} --html out.html --csv out.csv".split()) == 1
    assert "Written before that: out.html." in capsys.readouterr().err
    assert (folder / "out.html").is_file()
