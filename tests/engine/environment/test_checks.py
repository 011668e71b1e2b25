# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of an installation: each thing that can be wrong is made wrong once."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import sys
import types
from pathlib import Path

import pytest

from lulc_plugin import bundled
from lulc_plugin.environment import (
    HEADINGS,
    check_gdal,
    check_installation,
    check_networks,
    checks,
    installation_json,
    packages as dependencies,
    private_folder,
    verdict,
)
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.findings import ERROR, INSTALLATION_WORDS, PASS, WARNING, Finding
from lulc_plugin.options import PYTHON, QGIS, RESTART, render
from lulc_plugin.progress import Progress

CHECKOUT = Path(__file__).resolve().parents[3]


def by_title(found):
    return {finding.title: finding for finding in found}


def lines(found):
    return [render(finding.line(INSTALLATION_WORDS), PYTHON) for finding in found]


def only(found):
    (finding,) = found
    return finding


# ---------------------------------------------------------------- all of it


class Told(Progress):
    def __init__(self):
        super().__init__()
        self.logged, self.warned = [], []

    def _show_log(self, text):
        self.logged.append(text)

    def _show_warning(self, text):
        self.warned.append(text)


def test_here_everything_is_in_order(tmp_path):
    progress = Told()
    found = check_installation(tmp_path / "own", (("QGIS", "3.22"),), progress)
    assert [f.line(INSTALLATION_WORDS) for f in found if f.level != PASS] == []
    titles = by_title(found)
    for title in ("QGIS", "Python", "numpy", "rasterio", "onnxruntime", "GDAL", "PROJ", "Coordinate systems",
                  "Cloud Optimized GeoTIFF", "A run on cpu", "Temporary files", *bundled.model_names()):  # fmt: skip
        assert titles[title].level == PASS
    assert progress.logged == lines(found) and not progress.warned and progress.percent == 100
    assert verdict(found) == "Everything is in order."


def test_every_trouble_comes_with_a_remedy(monkeypatch, tmp_path):
    """Nothing is installed, nothing can be written."""
    monkeypatch.setattr(dependencies, "look_up", lambda name: dependencies.Package(name, None, None))
    (tmp_path / "file").write_text("")
    progress = Told()
    found = check_installation(tmp_path / "file", (), progress)
    trouble = [f for f in found if f.level != PASS]
    assert len(trouble) == 5 + 3 + 1
    assert all(f.remedy for f in trouble)
    assert progress.warned == lines(trouble)
    assert verdict(found) == "5 checks failed and 4 give a warning; each line says what to do."


def test_a_check_that_breaks_does_not_end_the_others(monkeypatch):
    def breaks():
        yield Finding("packages.first", PASS, "first", "fine")
        raise RuntimeError("no idea")

    monkeypatch.setattr(checks, "check_packages", breaks)
    found = check_installation()
    assert found[0].title == "first"
    assert found[1].level == ERROR and "RuntimeError: no idea" in found[1].text and found[1].remedy
    assert by_title(found)["Temporary files"].level == PASS


def test_cancelled():
    class Stopped(Progress):
        cancelled = True

    with pytest.raises(CancelledError):
        check_installation(progress=Stopped())


def test_json():
    found = (Finding("gdal.b", PASS, "b", "c"), Finding("gdal.d", WARNING, "d", "é\ud800", "f"))
    text = installation_json(found)
    text.encode("utf-8")
    assert found[1].line(INSTALLATION_WORDS) == "WARN  d: é? f"
    report = json.loads(text)
    assert report["count"] == {"OK": 1, "WARN": 1, "FAIL": 0}
    assert report["findings"][1]["remedy"] == "f"
    assert report["verdict"] == "1 gives a warning; each line says what to do."


# ---------------------------------------------------------------- packages


def test_oldest_versions_are_those_of_the_wheel():
    text = (CHECKOUT / "pyproject.toml").read_text()
    declared = re.search(r"\ndependencies = \[(.*?)\]", text, re.DOTALL).group(1)
    assert dict(re.findall(r'"([\w-]+)>=([\d.]+)"', declared)) == {n: v for n, (v, _) in checks.PACKAGES.items()}


def test_an_old_package(monkeypatch):
    module = types.ModuleType("scipy")
    module.__version__ = "1.4.1"
    monkeypatch.setitem(sys.modules, "scipy", module)
    monkeypatch.setattr(dependencies, "look_up", lambda name: dependencies.Package(name, "1.4.1", "x"))
    finding = checks.check_package("scipy")
    assert finding.level == WARNING and "1.4.1 is older than 1.7" in finding.text
    assert "pip install" in finding.remedy


@pytest.mark.parametrize(
    "platform, error, words",
    [
        ("win32", ImportError("DLL load failed while importing onnxruntime_pybind11_state"), "Visual C++"),
        ("linux", ImportError("numpy.core.multiarray failed to import"), "built for another numpy"),
        ("linux", ValueError("numpy.dtype size changed, binary incompatibility"), "built for another numpy"),
        ("linux", OSError("libgomp.so.1: cannot open shared object file"), "Install it again"),
        ("linux", RuntimeError(""), "Install it again"),
    ],
)
def test_a_package_that_does_not_load(monkeypatch, platform, error, words):
    def fails(name):
        raise error

    monkeypatch.setattr(dependencies.importlib, "import_module", fails)
    monkeypatch.setattr(dependencies.sys, "platform", platform)
    finding = checks.check_package("onnxruntime")
    assert finding.level == ERROR and words in finding.remedy
    assert type(error).__name__ in finding.text


def copies(monkeypatch, **versions):
    """Pretend that these distributions are installed, each as often as it has versions."""

    class Copy:
        def __init__(self, version, folder):
            self.version, self._folder = version, folder

        def locate_file(self, _):
            return self._folder

    def distributions(*, name):
        return [Copy(v, f"/site{i}") for i, v in enumerate(versions.get(name.replace("-", "_"), ()))]

    monkeypatch.setattr(importlib.metadata, "distributions", distributions)
    return list(checks._installed_twice())


def test_two_numpys(monkeypatch):
    finding = only(copies(monkeypatch, numpy=("2.4.0", "1.24.2"), rasterio=("1.4",), onnxruntime=("1.20",)))
    assert finding.level == WARNING and "2.4.0 (/site0), 1.24.2 (/site1)" in finding.text
    assert "pip uninstall numpy" in finding.remedy


def test_two_onnxruntimes_in_one_folder(monkeypatch):
    finding = only(copies(monkeypatch, numpy=("2.0",), onnxruntime=("1.20",), onnxruntime_gpu=("1.19",)))
    assert finding.level == WARNING and "overwrite each other" in finding.text
    assert "pip uninstall onnxruntime onnxruntime-gpu" in finding.remedy


# ---------------------------------------------------------------- GDAL and PROJ


def test_another_programs_proj_database_is_told(monkeypatch, tmp_path):
    import rasterio

    own = Path(rasterio.__file__).parent / "proj_data"
    if not (own / "proj.db").is_file():
        pytest.skip("needs rasterio as a wheel")
    monkeypatch.setenv("PROJ_DATA", str(tmp_path))
    shutil.copyfile(own / "proj.db", tmp_path / "proj.db")
    finding = by_title(check_gdal.check_gdal())["PROJ"]
    assert finding.level == PASS and f"PROJ_DATA={tmp_path}" in finding.text and "another program's" in finding.text


def test_coordinates_that_fail(monkeypatch):
    import rasterio.warp

    def fails(*_):
        raise RuntimeError("proj.db: no such table")

    monkeypatch.setattr(rasterio.warp, "transform", fails)
    monkeypatch.setenv("PROJ_LIB", "/nowhere")
    finding = by_title(check_gdal.check_gdal())["Coordinate systems"]
    assert finding.level == ERROR and "no such table" in finding.text and "PROJ_LIB" in finding.remedy


def test_coordinates_that_are_wrong(monkeypatch):
    import rasterio.warp

    monkeypatch.setattr(rasterio.warp, "transform", lambda *_: ([500_111.0], [10_000_000.0]))
    finding = by_title(check_gdal.check_gdal())["Coordinate systems"]
    assert finding.level == ERROR and "111.00 m" in finding.text and finding.remedy


def test_a_gdal_that_cannot_write_a_cog(monkeypatch):
    import rasterio.shutil

    def fails(*_, **__):
        raise ValueError("invalid driver: 'COG'")

    monkeypatch.setattr(rasterio.shutil, "copy", fails)
    finding = by_title(check_gdal.check_gdal())["Cloud Optimized GeoTIFF"]
    assert finding.level == ERROR and "COG" in finding.text and "GDAL 3.1" in finding.remedy


# ---------------------------------------------------------------- devices and models


def test_a_device_that_is_offered_and_does_not_start(monkeypatch):
    import onnxruntime

    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    found = by_title(check_networks.check_devices())
    assert found["A run on cpu"].level == PASS
    assert found["A run on cuda"].level == WARNING and found["A run on cuda"].remedy
    assert "A run on openvino" not in found


@pytest.fixture
def own(tmp_path, network):
    """A folder with a usable network, a bare one, one that is none, and one whose bytes were changed."""
    folder = tmp_path / "own"
    folder.mkdir()
    made = Path(network("pixel").path)
    for name in ("good", "changed"):
        shutil.copyfile(made, folder / f"{name}.onnx")
        item = json.loads(made.with_suffix(".json").read_text())
        item["properties"]["lulc:sha256"] = "-".join(["00000000"] * 8) if name == "changed" else ""
        (folder / f"{name}.json").write_text(json.dumps(item))
    shutil.copyfile(made, folder / "bare.onnx")
    (folder / "garbage.onnx").write_bytes(b"garbage")
    (folder / ".hidden.onnx").write_bytes(b"garbage")
    return folder


def test_own_networks(own):
    found = by_title(check_networks.check_models(own))
    assert {n: found[n].level for n in ("good", "bare", "garbage", "changed")} == {
        "good": PASS, "bare": WARNING, "garbage": WARNING, "changed": WARNING
    }  # fmt: skip
    assert ".hidden" not in found
    assert "describemodel" in found["bare"].remedy
    assert "not the file" in found["changed"].text
    assert all(found[name].level == PASS for name in bundled.model_names())


def test_a_bundled_network_that_was_damaged(monkeypatch, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(bundled.folder("models"), folder)
    name = bundled.model_names()[0]
    path = folder / f"{name}.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    monkeypatch.setattr(bundled, "folder", lambda _: folder)
    finding = by_title(check_networks.check_models(None))[name]
    assert finding.level == ERROR and "SHA-256" in finding.text and finding.remedy == "Install the plugin again."


def test_an_incomplete_installation(monkeypatch):
    def fails(_):
        raise LulcError("The folder 'models' of this program is missing.", "Install the plugin again.")

    monkeypatch.setattr(bundled, "folder", fails)
    found = check_installation()
    assert [f.level for f in found if f.topic in ("devices", "networks")] == [PASS, PASS, ERROR, ERROR]
    assert not [f for f in found if "the check itself" in f.text]


# ---------------------------------------------------------------- folders


def test_the_folder_of_packages(monkeypatch, tmp_path):
    title = "Packages of this plugin"
    assert "not there" in by_title(checks.check_folders(None, tmp_path))[title].text
    folder = private_folder.folder_in(tmp_path)
    info = folder / "rasterio-1.4.4.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rasterio\nVersion: 1.4.4\n")
    finding = by_title(checks.check_folders(None, tmp_path))[title]
    assert finding.level == WARNING and "not searched: rasterio 1.4.4" in finding.text and RESTART in finding.remedy
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    finding = by_title(checks.check_folders(None, tmp_path))[title]
    assert finding.level == PASS and f"{folder}, searched after all others: rasterio 1.4.4" in finding.text


def test_a_place_for_packages_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(dependencies, "missing", lambda: ("onnxruntime",))
    finding = by_title(checks.check_folders(None, tmp_path / "file" / "packages"))["Packages of this plugin"]
    assert finding.level == WARNING and str(tmp_path / "file") in finding.text and "LULC_PACKAGES" in finding.remedy


def test_a_copy_in_the_plugins_own_folder_is_in_nobodys_way(monkeypatch, tmp_path):
    place = str(private_folder.folder_in(tmp_path))

    class Copy:
        def __init__(self, version, folder):
            self.version, self._folder = version, folder

        def locate_file(self, _):
            return self._folder

    def distributions(*, name):
        return [Copy("1.3.5", "/usr/lib"), Copy("1.4.4", place)] if name == "rasterio" else []

    monkeypatch.setattr(importlib.metadata, "distributions", distributions)
    assert list(checks._installed_twice()) == []


def test_folders_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "there").mkdir()
    assert by_title(checks.check_folders(tmp_path / "there"))["Folder of your networks"].level == PASS
    assert list((tmp_path / "there").iterdir()) == []
    for place in (tmp_path / "file", tmp_path / "file" / "deeper" / "still"):
        finding = by_title(checks.check_folders(place))["Folder of your networks"]
        assert finding.level == WARNING and "not a folder" in finding.text and finding.remedy

    def refused(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checks.tempfile, "TemporaryFile", refused)
    found = by_title(checks.check_folders(tmp_path / "there"))
    assert found["Temporary files"].level == ERROR and "Permission denied" in found["Temporary files"].text
    assert found["Folder of your networks"].level == WARNING


def test_little_room(monkeypatch):
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1e9))
    finding = only(checks.check_folders(None))
    assert finding.level == WARNING and "1.0 GB" in finding.text and finding.remedy


# ---------------------------------------------------------------- as JSON


def test_options_are_named_as_where_it_is_read(tmp_path):
    findings = tuple(checks.check_folders(tmp_path / "own"))
    detail = {f["title"]: f["detail"] for f in json.loads(installation_json(findings, QGIS))["findings"]}
    assert detail["Folder of your networks"].endswith("; Import model makes it")


def test_every_finding_stands_under_a_heading(tmp_path):
    assert {finding.topic for finding in check_installation(tmp_path, (("QGIS", "3"),))} == set(HEADINGS)
