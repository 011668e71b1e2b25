# SPDX-License-Identifier: GPL-3.0-or-later
"""Install dependencies in the real qgis_process, with a fresh profile and without network: wheels come from a folder.

The wheel of onnxruntime is the one of the tests' own environment, packed again, so that a network really runs.
"""

import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsApplication, QgsProcessingException, QgsProcessingFeedback, QgsSettings

ALGORITHM = "lulc:installdependencies"
CLASSIFY = "lulc:classifylandcover"
NO_NETWORK = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}


def results_of(done):
    return dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)


def pack_again(folder, name):
    """A wheel of an installed distribution, without its programs."""
    distribution = importlib.metadata.distribution(name)
    plain = distribution.metadata["Name"].replace("-", "_")
    tags = [line.split()[1] for line in distribution.read_text("WHEEL").splitlines() if line.startswith("Tag:")]
    path = folder / f"{plain}-{distribution.version}-{tags[0]}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in distribution.files:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                archive.write(distribution.locate_file(file), str(file))


def tiny_wheel(folder, requirement):
    """A wheel with an empty package."""
    plain = requirement.name.replace("-", "_")
    info = f"{plain}-{requirement.version}.dist-info"
    files = {
        f"{requirement.module.replace('.', '/')}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {requirement.name}\nVersion: {requirement.version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / f"{plain}-{requirement.version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


@pytest.fixture
def wheels(plugin, tmp_path):
    """A folder of wheels: onnxruntime in earnest, what it only declares in name."""
    lacking = plugin("lulc_plugin.environment.install.missing")
    pins = plugin("lulc_plugin.environment.install.pins")
    computer = pins.Computer.here(np.__version__)
    if pins.pinned("onnxruntime", computer) != importlib.metadata.version("onnxruntime"):
        pytest.skip("the tests' environment has another onnxruntime than the plugin would install here")
    folder = tmp_path / "wheels"
    folder.mkdir()
    pack_again(folder, "onnxruntime")
    for name in lacking.ROOTS["onnxruntime"]:
        tiny_wheel(folder, lacking.Requirement(name, pins.pinned(name, computer)))
    return folder


def test_from_a_fresh_profile_to_a_map(fresh_qgis, wheels, network, image, tmp_path, read, expected):
    """The system's own Python, where Debian and Ubuntu refuse an ordinary pip install (PEP 668)."""
    classify = ["run", CLASSIFY, "--", f"INPUT={image}", f"MODEL_FILE={network}", f"OUTPUT={tmp_path / 'map.tif'}"]
    before = fresh_qgis(*classify)
    said = before.stdout + before.stderr
    if before.returncode == 0:
        pytest.skip("the system's Python has onnxruntime")
    assert "onnxruntime cannot be found" in said and "run Install dependencies" in said

    done = fresh_qgis("run", ALGORITHM, "--", f"WHEELS={wheels}", **NO_NETWORK)
    assert done.returncode == 0, done.stdout + done.stderr
    results = results_of(done)
    version = importlib.metadata.version("onnxruntime")
    assert f"onnxruntime=={version}" in results["INSTALLED"] and results["RESTART"] == "false"
    folder = Path(results["FOLDER"])
    assert folder.parent == fresh_qgis.profile / "python" / "landcover_classifier_packages"
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert "numpy" not in os.listdir(folder)
    assert "rasterio" in done.stdout and "is there" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr

    after = fresh_qgis(*classify)
    assert after.returncode == 0, after.stderr
    assert np.array_equal(read(tmp_path / "map.tif"), expected(read(image, None)))

    again = fresh_qgis("run", ALGORITHM, **NO_NETWORK)
    assert again.returncode == 0 and "Nothing has to be installed" in again.stdout
    check = fresh_qgis("run", "lulc:checkinstallation")
    assert f"OK    Packages of this plugin: {folder}, searched after all others" in check.stdout, check.stdout


def test_the_plugin_attaches_the_folder_and_takes_it_away(qgis_processing, plugin, monkeypatch, tmp_path):
    privatefolder = plugin("lulc_plugin.environment.install.private_folder")
    monkeypatch.setenv("LULC_PACKAGES", str(tmp_path / "own"))
    folder = privatefolder.folder_in(tmp_path / "own")
    (folder / "only_here").mkdir(parents=True)
    (folder / "only_here" / "__init__.py").write_text("")
    import landcover_classifier

    loaded = landcover_classifier.classFactory(None)
    assert str(folder) not in sys.path
    loaded.initProcessing()
    assert sys.path[-1] == str(folder) and importlib.util.find_spec("only_here") is not None
    loaded.unload()
    assert str(folder) not in sys.path


@pytest.mark.parametrize(
    "said",
    [
        "~nosuchuser-of-lulc/x",
        # from 3.14 on Python says of such a name that no folder is there, and that is no trouble
        pytest.param("a" * 300, id="long", marks=pytest.mark.skipif(sys.version_info >= (3, 14), reason="no error")),
    ],
)
def test_the_plugin_starts_with_a_folder_that_nobody_can_look_at(qgis_processing, plugin, monkeypatch, said):
    messagelog = plugin("algorithms.bridge.messagelog")
    told = []
    monkeypatch.setattr(messagelog, "point_at", told.append)
    monkeypatch.setenv("LULC_PACKAGES", said)
    import landcover_classifier

    loaded = landcover_classifier.classFactory(None)
    loaded.initProcessing()
    try:
        assert QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM) is not None
        assert len(told) == 1 and said in told[0] and "LULC_PACKAGES" in told[0]
    finally:
        loaded.unload()


def test_without_network(fresh_qgis):
    done = fresh_qgis("run", ALGORITHM, **NO_NETWORK)
    said = done.stdout + done.stderr
    if "Nothing has to be installed" in said:
        pytest.skip("the system's Python has onnxruntime")
    assert done.returncode == 1 and "Traceback" not in said, said
    assert "cannot reach its package index" in said and "pip download" in said and "Folder with wheels" in said
    assert list((fresh_qgis.profile / "python" / "landcover_classifier_packages").iterdir()) == []


def test_a_profile_that_cannot_be_written(fresh_qgis, wheels):
    place = fresh_qgis.profile / "python"
    place.mkdir(exist_ok=True)
    (place / "landcover_classifier_packages").write_text("a file where the folder should be: it stops root as well")
    done = fresh_qgis("run", ALGORITHM, "--", f"WHEELS={wheels}")
    said = done.stdout + done.stderr
    if "Nothing has to be installed" in said:
        pytest.skip("the system's Python has onnxruntime")
    assert done.returncode == 1 and "Traceback" not in said, said
    assert str(place / "landcover_classifier_packages") in said and "cannot be written" in said


def test_dry_run(provider, monkeypatch, tmp_path):
    import processing

    monkeypatch.setenv("LULC_PACKAGES", str(tmp_path / "own"))
    feedback = QgsProcessingFeedback()
    result = processing.run(ALGORITHM, {"DRY_RUN": True}, feedback=feedback)
    assert result["INSTALLED"] == "" and result["RESTART"] is False
    assert result["FOLDER"].startswith(str(tmp_path / "own"))
    assert not (tmp_path / "own").exists()
    assert "numpy" in feedback.textLog() and "is there" in feedback.textLog()


def test_wheels_that_are_no_folder(provider, plugin, monkeypatch, tmp_path):
    import processing

    dependencies = plugin("lulc_plugin.environment.packages")
    look_up = dependencies.look_up
    gone = dependencies.Package("onnxruntime", None, None)
    monkeypatch.setattr(dependencies, "look_up", lambda name: gone if name == "onnxruntime" else look_up(name))
    monkeypatch.setenv("LULC_PACKAGES", str(tmp_path / "own"))
    with pytest.raises(QgsProcessingException) as error:
        processing.run(ALGORITHM, {"WHEELS": str(tmp_path / "none")}, feedback=QgsProcessingFeedback())
    assert str(tmp_path / "none") in str(error.value) and "Traceback" not in str(error.value)


def test_names_are_public(provider):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)
    assert [d.name() for d in algorithm.parameterDefinitions()] == ["WHEELS", "DRY_RUN"]
    assert {d.name() for d in algorithm.outputDefinitions()} == {"INSTALLED", "FOLDER", "RESTART"}
    assert all(d.help() for d in algorithm.parameterDefinitions())
    assert algorithm.canExecute() == (True, "")
    assert "numpy" in algorithm.shortHelpString()


@pytest.mark.parametrize(
    "values, address",
    [
        ({}, ""),
        ({"Enabled": True, "Host": "proxy.example", "Port": "3128", "Type": "HttpProxy"}, "http://proxy.example:3128"),
        (
            {"Enabled": True, "Host": "proxy.example", "Type": "HttpProxy", "User": "a@b", "Password": "c:d"},
            "http://a%40b:c%3Ad@proxy.example",
        ),
        ({"Enabled": False, "Host": "proxy.example", "Type": "HttpProxy"}, ""),
        ({"Enabled": True, "Host": "proxy.example", "Type": "Socks5Proxy"}, ""),
    ],
)
def test_the_proxy_of_qgis(plugin, values, address):
    settings = QgsSettings()
    keys = {
        name: f"proxy/proxy{name}" if name != "Enabled" else "proxy/proxyEnabled"
        for name in ("Enabled", "Host", "Port", "Type", "User", "Password")
    }
    try:
        for name, value in values.items():
            settings.setValue(keys[name], value)
        assert plugin("algorithms.bridge.privatepackages").proxy() == address
    finally:
        for key in keys.values():
            settings.remove(key)


# ---------------------------------------------------------------- rasterio from a wheel


FOREIGN = {"PROJ_DATA": "/usr/share/proj", "PROJ_LIB": "/usr/share/proj", "GDAL_DATA": "/usr/share/gdal"}
#: Finds rasterio nowhere but in the private folder, and onnxruntime nowhere but in the tests' environment.
ONLY_PRIVATE = """
import sys
from importlib.machinery import PathFinder
class OnlyPrivate:
    def find_spec(self, name, path=None, target=None):
        if name != "rasterio":
            return None
        found = PathFinder.find_spec(name, [p for p in sys.path if "landcover_classifier_packages" in p])
        if found is None:
            raise ModuleNotFoundError(name, name=name)
        return found
sys.meta_path.insert(0, OnlyPrivate())
"""
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rasterio_wheel():
    """`site-packages` of the engine's environment, where rasterio is a wheel for this very Python."""
    version = sysconfig.get_python_version()
    site = CHECKOUT / ".venv-engine" / "lib" / f"python{version}" / "site-packages"
    if not (site / "rasterio" / "proj_data" / "proj.db").is_file():
        pytest.skip("there is no rasterio wheel for this Python at hand")
    return site


def lend(site, target, *names):
    """Links to what the distributions `names` have in `site`, and only to that: numpy stays the system's."""
    target.mkdir(parents=True, exist_ok=True)
    for distribution in importlib.metadata.distributions(path=[str(site)]):
        if distribution.metadata["Name"].lower() in names:
            for top in {Path(str(file)).parts[0] for file in distribution.files} - {"..", "__pycache__"}:
                if not (target / top).exists():
                    (target / top).symlink_to(site / top)


@pytest.mark.parametrize("place", ["private folder", "environment"])
@pytest.mark.parametrize("foreign", [False, True], ids=["", "foreign PROJ_DATA"])
def test_rasterio_as_a_wheel_inside_qgis(
    fresh_qgis, plugin, rasterio_wheel, network, make_raster, tmp_path, read, expected, place, foreign
):
    """Its own GDAL and PROJ beside those of QGIS, in one process; QGIS for Windows exports `PROJ_DATA` for its own."""
    import rasterio

    names = ("rasterio", "affine", "attrs", "certifi", "click", "click-plugins", "cligj", "pyparsing")
    first, packages = tmp_path / "first", tmp_path / "landcover_classifier_packages"
    lend(Path(importlib.metadata.distribution("onnxruntime").locate_file("")), first, "onnxruntime")
    if place == "environment":
        lend(rasterio_wheel, first, *names)
    else:
        folder_in = plugin("lulc_plugin.environment.install.private_folder").folder_in
        lend(rasterio_wheel, folder_in(packages), *names)
        (first / "sitecustomize.py").write_text(ONLY_PRIVATE)
    image, output = make_raster(crs=31983), tmp_path / "map.tif"
    variables = {"LULC_PACKAGES": str(packages), **(FOREIGN if foreign else {})}
    done = fresh_qgis(
        "run", CLASSIFY, "--", f"INPUT={image}", f"MODEL_FILE={network}", f"OUTPUT={output}",
        python_path=[first], **variables,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert np.array_equal(read(output), expected(read(image, None)))
    with rasterio.open(output) as made:
        assert made.crs.to_epsg() == 31983
    check = fresh_qgis("run", "lulc:checkinstallation", python_path=[first], **variables)
    assert "rasterio's own (a wheel)" in check.stdout, check.stdout
    assert results_of(check)["FAILED"] == "0", check.stdout
    # Debian's is there, too: worth a word where the wheel goes before it, not where it lies in the plugin's own folder
    assert ("rasterio twice" in check.stdout) == (place == "environment")
    assert ("another program's database" in check.stdout) == foreign
