# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of an installation: each thing that can be wrong is made wrong once."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import sys
import types
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lulc_plugin import bundled
from lulc_plugin.environment import (
    check_findings,
    check_folders,
    check_gdal,
    check_html,
    check_networks,
    check_packages,
    checks,
    packages as dependencies,
    private_folder,
)
from lulc_plugin.environment.check_findings import FAIL, OK, WARN, Finding
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.progress import Progress

CHECKOUT = Path(__file__).resolve().parents[3]


def by_title(found):
    return {finding.title: finding for finding in found}


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
    found = checks.check_installation(tmp_path / "own", (("QGIS", "3.22"),), progress)
    assert [f.line for f in found if f.level != OK] == []
    titles = by_title(found)
    for title in ("QGIS", "Python", "numpy", "rasterio", "onnxruntime", "GDAL", "PROJ", "Coordinate systems",
                  "Cloud Optimized GeoTIFF", "A run on cpu", "Temporary files", *bundled.model_names()):  # fmt: skip
        assert titles[title].level == OK
    assert progress.logged == [f.line for f in found] and not progress.warned and progress.percent == 100
    assert check_findings.verdict(found) == "Everything is in order."


def test_every_trouble_comes_with_a_remedy(monkeypatch, tmp_path):
    """Nothing is installed, nothing can be written."""
    monkeypatch.setattr(dependencies, "look_up", lambda name: dependencies.Package(name, None, None))
    (tmp_path / "file").write_text("")
    progress = Told()
    found = checks.check_installation(tmp_path / "file", (), progress)
    trouble = [f for f in found if f.level != OK]
    assert len(trouble) == 5 + 3 + 1
    assert all(f.remedy for f in trouble)
    assert progress.warned == [f.line for f in trouble]
    assert check_findings.verdict(found) == "5 checks failed and 4 give a warning; each line says what to do."


def test_a_check_that_breaks_does_not_end_the_others(monkeypatch):
    def breaks():
        yield Finding("x", "first", OK, "fine")
        raise RuntimeError("no idea")

    monkeypatch.setattr(check_packages, "check", breaks)
    found = checks.check_installation()
    assert found[0].title == "first"
    assert found[1].level == FAIL and "RuntimeError: no idea" in found[1].detail and found[1].remedy
    assert by_title(found)["Temporary files"].level == OK


def test_cancelled():
    class Stopped(Progress):
        cancelled = True

    with pytest.raises(CancelledError):
        checks.check_installation(progress=Stopped())


def test_json():
    found = (Finding("a", "b", OK, "c"), Finding("a", "d", WARN, "é\ud800", "f"))
    text = check_findings.json_text(found)
    text.encode("utf-8")
    assert found[1].line == "WARN  d: é? f"
    report = json.loads(text)
    assert report["count"] == {"OK": 1, "WARN": 1, "FAIL": 0}
    assert report["findings"][1]["remedy"] == "f"
    assert report["verdict"] == "1 gives a warning; each line says what to do."


# ---------------------------------------------------------------- packages


def test_oldest_versions_are_those_of_the_wheel():
    text = (CHECKOUT / "pyproject.toml").read_text()
    declared = re.search(r"\ndependencies = \[(.*?)\]", text, re.DOTALL).group(1)
    assert dict(re.findall(r'"([\w-]+)>=([\d.]+)"', declared)) == {
        n: v for n, (v, _) in check_packages.PACKAGES.items()
    }


def test_an_old_package(monkeypatch):
    module = types.ModuleType("scipy")
    module.__version__ = "1.4.1"
    monkeypatch.setitem(sys.modules, "scipy", module)
    monkeypatch.setattr(dependencies, "look_up", lambda name: dependencies.Package(name, "1.4.1", "x"))
    finding = check_packages.package("scipy")
    assert finding.level == WARN and "1.4.1 is older than 1.7" in finding.detail
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
    finding = check_packages.package("onnxruntime")
    assert finding.level == FAIL and words in finding.remedy
    assert type(error).__name__ in finding.detail


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
    return list(check_packages._several())


def test_two_numpys(monkeypatch):
    finding = only(copies(monkeypatch, numpy=("2.4.0", "1.24.2"), rasterio=("1.4",), onnxruntime=("1.20",)))
    assert finding.level == WARN and "2.4.0 (/site0), 1.24.2 (/site1)" in finding.detail
    assert "pip uninstall numpy" in finding.remedy


def test_two_onnxruntimes_in_one_folder(monkeypatch):
    finding = only(copies(monkeypatch, numpy=("2.0",), onnxruntime=("1.20",), onnxruntime_gpu=("1.19",)))
    assert finding.level == WARN and "overwrite each other" in finding.detail
    assert "pip uninstall onnxruntime onnxruntime-gpu" in finding.remedy


# ---------------------------------------------------------------- GDAL and PROJ


def test_another_programs_proj_database_is_told(monkeypatch, tmp_path):
    import rasterio

    own = Path(rasterio.__file__).parent / "proj_data"
    if not (own / "proj.db").is_file():
        pytest.skip("needs rasterio as a wheel")
    monkeypatch.setenv("PROJ_DATA", str(tmp_path))
    shutil.copyfile(own / "proj.db", tmp_path / "proj.db")
    finding = by_title(check_gdal.check())["PROJ"]
    assert finding.level == OK and f"PROJ_DATA={tmp_path}" in finding.detail and "another program's" in finding.detail


def test_coordinates_that_fail(monkeypatch):
    import rasterio.warp

    def fails(*_):
        raise RuntimeError("proj.db: no such table")

    monkeypatch.setattr(rasterio.warp, "transform", fails)
    monkeypatch.setenv("PROJ_LIB", "/nowhere")
    finding = by_title(check_gdal.check())["Coordinate systems"]
    assert finding.level == FAIL and "no such table" in finding.detail and "PROJ_LIB" in finding.remedy


def test_coordinates_that_are_wrong(monkeypatch):
    import rasterio.warp

    monkeypatch.setattr(rasterio.warp, "transform", lambda *_: ([500_111.0], [10_000_000.0]))
    finding = by_title(check_gdal.check())["Coordinate systems"]
    assert finding.level == FAIL and "111.00 m" in finding.detail and finding.remedy


def test_a_gdal_that_cannot_write_a_cog(monkeypatch):
    import rasterio.shutil

    def fails(*_, **__):
        raise ValueError("invalid driver: 'COG'")

    monkeypatch.setattr(rasterio.shutil, "copy", fails)
    finding = by_title(check_gdal.check())["Cloud Optimized GeoTIFF"]
    assert finding.level == FAIL and "COG" in finding.detail and "GDAL 3.1" in finding.remedy


# ---------------------------------------------------------------- devices and models


def test_a_device_that_is_offered_and_does_not_start(monkeypatch):
    import onnxruntime

    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    found = by_title(check_networks.check_devices())
    assert found["A run on cpu"].level == OK
    assert found["A run on cuda"].level == WARN and found["A run on cuda"].remedy
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
        "good": OK, "bare": WARN, "garbage": WARN, "changed": WARN
    }  # fmt: skip
    assert ".hidden" not in found
    assert "describemodel" in found["bare"].remedy
    assert "not the file" in found["changed"].detail
    assert all(found[name].level == OK for name in bundled.model_names())


def test_a_bundled_network_that_was_damaged(monkeypatch, tmp_path):
    folder = tmp_path / "models"
    shutil.copytree(bundled.folder("models"), folder)
    name = bundled.model_names()[0]
    path = folder / f"{name}.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    monkeypatch.setattr(bundled, "folder", lambda _: folder)
    finding = by_title(check_networks.check_models(None))[name]
    assert finding.level == FAIL and "SHA-256" in finding.detail and finding.remedy == "Install the plugin again."


def test_an_incomplete_installation(monkeypatch):
    def fails(_):
        raise LulcError("The folder 'models' of this program is missing.", "Install the plugin again.")

    monkeypatch.setattr(bundled, "folder", fails)
    found = checks.check_installation()
    assert [f.level for f in found if f.group in (check_networks.DEVICES, check_networks.MODELS)] == [OK, FAIL, FAIL]
    assert not [f for f in found if "the check itself" in f.detail]


# ---------------------------------------------------------------- folders


def test_the_folder_of_packages(monkeypatch, tmp_path):
    title = "Packages of this plugin"
    assert "not there" in by_title(check_folders.check(None, tmp_path))[title].detail
    folder = private_folder.folder_in(tmp_path)
    info = folder / "rasterio-1.4.4.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rasterio\nVersion: 1.4.4\n")
    finding = by_title(check_folders.check(None, tmp_path))[title]
    assert finding.level == WARN and "not searched: rasterio 1.4.4" in finding.detail and "Restart" in finding.remedy
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    finding = by_title(check_folders.check(None, tmp_path))[title]
    assert finding.level == OK and f"{folder}, searched after all others: rasterio 1.4.4" in finding.detail


def test_a_place_for_packages_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(dependencies, "missing", lambda: ("onnxruntime",))
    finding = by_title(check_folders.check(None, tmp_path / "file" / "packages"))["Packages of this plugin"]
    assert finding.level == WARN and str(tmp_path / "file") in finding.detail and "LULC_PACKAGES" in finding.remedy


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
    assert list(check_packages._several()) == []


def test_folders_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "there").mkdir()
    assert by_title(check_folders.check(tmp_path / "there"))["Folder of your networks"].level == OK
    assert list((tmp_path / "there").iterdir()) == []
    for place in (tmp_path / "file", tmp_path / "file" / "deeper" / "still"):
        finding = by_title(check_folders.check(place))["Folder of your networks"]
        assert finding.level == WARN and "not a folder" in finding.detail and finding.remedy

    def refused(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(check_folders.tempfile, "TemporaryFile", refused)
    found = by_title(check_folders.check(tmp_path / "there"))
    assert found["Temporary files"].level == FAIL and "Permission denied" in found["Temporary files"].detail
    assert found["Folder of your networks"].level == WARN


def test_little_room(monkeypatch):
    monkeypatch.setattr(check_folders.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1e9))
    finding = only(check_folders.check(None))
    assert finding.level == WARN and "1.0 GB" in finding.detail and finding.remedy


# ---------------------------------------------------------------- the page


def test_page_is_safe_and_whole(tmp_path):
    nasty = Finding("<b>", "</table><script>", FAIL, "a & b \ud800\x07", "<i>do</i>")
    text = check_html.page((Finding("g", "t", OK, "d"), nasty), "today")
    assert "<script" not in text and "<b>" not in text and "&lt;i&gt;do&lt;/i&gt;" in text
    assert "default-src 'none'" in text and "url(" not in text and "http" not in text.split("</style>")[1]
    open_tags = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(text)
    assert open_tags == []
    check_html.write_page(tmp_path / "a.html", (nasty,), "today")
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]
    with pytest.raises(LulcError, match="cannot be written"):
        check_html.write_page(tmp_path / "none" / "a.html", (nasty,), "today")


@pytest.mark.parametrize("dark", [False, True])
def test_levels_can_be_read(dark):
    from lulc_plugin.report.heat_colours import contrast

    style = check_html.page((), "x").split("<style>")[1].split("@media print")[0]
    light, _, rest = style.partition("@media (prefers-color-scheme: dark) {")
    colours = re.findall(r"\.(?:ok|warn|fail) \{ color: (#\w{6}); \}", rest if dark else light)
    assert len(colours) == 3
    assert all(contrast(colour, "#14181b" if dark else "#ffffff") >= 4.5 for colour in colours)
