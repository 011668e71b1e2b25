# SPDX-License-Identifier: GPL-3.0-or-later
"""QGIS without onnxruntime or rasterio, or with broken ones: nothing vanishes, what can run runs, the rest says why."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Hide())
"""
#: Algorithm → what it needs besides QGIS. Public: a new need would take something away from somebody.
NEEDS = {
    "classifylandcover": {"numpy", "rasterio", "onnxruntime"},
    "checklayer": {"numpy", "rasterio", "onnxruntime"},
    "stacklayers": {"numpy", "rasterio"},
    "trainfrompoints": {"numpy", "rasterio", "onnxruntime", "jinja2"},
    "suggestsamples": {"numpy", "rasterio", "onnxruntime"},
    "accuracyreport": {"numpy", "rasterio", "scipy", "jinja2"},
    "comparemaps": {"numpy", "rasterio", "scipy", "jinja2"},
    "samplepoints": {"numpy", "rasterio"},
    "describemodel": {"numpy", "onnxruntime"},
    "importmodel": {"numpy", "onnxruntime"},
    "modelinformation": {"numpy", "jinja2"},
    "loadsample": set(),
    "checkinstallation": set(),
    "installdependencies": set(),
}
ALL = ("numpy", "rasterio", "onnxruntime", "scipy", "jinja2")


@pytest.fixture
def hiding(qgis_process, tmp_path):
    """`hiding("onnxruntime")("run", …)`: qgis_process in which these packages cannot be found."""

    def make(*names):
        folder = tmp_path / f"hide-{'-'.join(names)}"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HIDE.format(names=names))
        return lambda *words: qgis_process(*words, shadow=folder)

    return make


@pytest.fixture
def arguments(make_raster, network, write_points, tmp_path):
    """Arguments with which each algorithm runs."""
    image = make_raster()
    stripes = np.repeat(np.array([10, 20, 40], dtype=np.uint8), 40)
    classes = make_raster("classes.tif", np.broadcast_to(stripes, (1, 60, 120)), names=None, nodata=0)
    other = make_raster("other.tif", np.full((1, 60, 120), 20, dtype=np.uint8), names=None, nodata=0)
    table = f"CLASS_TABLE_FILE={tmp_path / 'classes.csv'}"
    (tmp_path / "classes.csv").write_text("10,Water\n20,Trees\n40,Bare soil\n")
    samples = str(tmp_path / "samples.geojson")
    write_points(samples, image, [("a", 0.2, 0.3), ("a", 0.8, 0.7), ("b", 0.3, 0.8), ("b", 0.7, 0.2)])
    bare = tmp_path / "bare.onnx"
    bare.write_bytes(Path(network).read_bytes())

    def out(name):
        return str(tmp_path / name)

    return {
        "classifylandcover": [f"INPUT={image}", f"MODEL_FILE={network}", f"OUTPUT={out('map.tif')}"],
        "checklayer": [f"INPUT={image}", f"MODEL_FILE={network}", f"OUTPUT_HTML={out('check.html')}"],
        "stacklayers": [f"LAYERS={image}", f"LAYERS={other}", f"OUTPUT={out('stack.vrt')}"],
        "trainfrompoints": [
            f"INPUT={image}",
            f"SAMPLES={samples}",
            "NETWORK=none",
            "SMOOTHING=none",
            f"OUTPUT_MODEL={out('own.onnx')}",
        ],
        "suggestsamples": [
            f"INPUT={image}",
            "MODEL=auto",
            f"MODEL_FILE={network}",
            "N=3",
            f"OUTPUT={out('more.gpkg')}",
        ],
        "accuracyreport": [f"MAP={classes}", f"REFERENCE={other}", f"OUTPUT_HTML={out('report.html')}"],
        "comparemaps": [f"MAP_A={classes}", f"MAP_B={other}", f"REFERENCE={classes}", f"OUTPUT_HTML={out('c.html')}"],
        "samplepoints": [f"MAP={classes}", "SIZE=30", f"OUTPUT={out('points.gpkg')}"],
        "describemodel": [f"MODEL_FILE={bare}", "BAND_NAMES=red,green,blue,nir", "SCALING=10000", "GSD=10", table],
        "importmodel": [f"MODEL_FILE={network}"],
        "modelinformation": [f"MODEL_FILE={network}", f"OUTPUT_HTML={out('card.html')}"],
        "loadsample": [f"OUTPUT={out('sample.tif')}"],
        "checkinstallation": [f"OUTPUT_HTML={out('installation.html')}"],
        "installdependencies": ["DRY_RUN=true"],
    }


def test_the_table_is_complete(provider):
    assert {a.name() for a in provider.algorithms()} == set(NEEDS)


def test_needs_are_declared(provider):
    assert {a.name(): set(a.REQUIRES) for a in provider.algorithms()} == NEEDS


@pytest.mark.parametrize("names", [("onnxruntime",), ("rasterio",), ("rasterio", "onnxruntime")], ids="-".join)
def test_everything_is_listed(hiding, names):
    done = hiding(*names)("list")
    assert done.returncode == 0, done.stderr
    assert {line.split()[0] for line in done.stdout.splitlines() if line.strip().startswith("lulc:")} == {
        f"lulc:{name}" for name in NEEDS
    }
    assert "landcover_classifier" not in done.stderr


@pytest.mark.parametrize("name", [name for name, needs in NEEDS.items() if needs])
def test_what_needs_a_missing_package_says_what_to_do(hiding, arguments, name):
    gone = sorted(NEEDS[name] - {"numpy"})  # without numpy QGIS itself is broken
    done = hiding(*gone)("run", f"lulc:{name}", "--", *arguments[name])
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said, said
    for package in gone:
        assert f"{package} not installed" in said
    assert "cannot be found" in said and "run Install dependencies" in said
    assert "-m pip install" in said and "numpy==" in said and "Found here: Python 3." in said


@pytest.mark.parametrize("name", [name for name, needs in NEEDS.items() if set(ALL) - {"numpy"} - needs])
def test_what_is_not_needed_is_not_missed(hiding, arguments, name, monkeypatch, tmp_path):
    """Each algorithm runs with nothing but what it declares."""
    monkeypatch.setenv("LULC_MODELS", str(tmp_path / "models"))
    gone = sorted(set(ALL) - {"numpy"} - NEEDS[name])
    done = hiding(*gone)("run", f"lulc:{name}", "--", *arguments[name])
    assert done.returncode == 0, done.stdout + done.stderr
    made = [word.split("=", 1)[1] for word in arguments[name] if word.startswith("OUTPUT")]
    assert all((tmp_path / path).exists() for path in made)


@pytest.mark.parametrize(
    "package, code, words",
    [
        ("onnxruntime", "raise ImportError('DLL load failed while importing onnxruntime')", "DLL load failed"),
        ("rasterio", "raise ValueError('numpy.dtype size changed, binary incompatibility')", "another numpy"),
        ("onnxruntime", "raise AttributeError('_ARRAY_API not found')", "another numpy"),
        ("onnxruntime", "raise OSError('libgomp.so.1: cannot open shared object file')", "Install it again"),
    ],
)
def test_a_package_that_does_not_load_is_no_traceback(qgis_process, arguments, tmp_path, package, code, words):
    folder = tmp_path / "broken" / package
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(code)
    done = qgis_process("run", "lulc:classifylandcover", "--", *arguments["classifylandcover"], shadow=folder.parent)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said, said
    assert f"package {package}" in said and "is installed, but cannot be loaded" in said and words in said
    assert str(folder) in said and "run Install dependencies" in said


@pytest.mark.parametrize("name", [name for name, needs in NEEDS.items() if "numpy" in needs])
def test_without_numpy_the_installation_of_qgis_is_to_be_repaired(hiding, arguments, name):
    done = hiding("numpy")("run", f"lulc:{name}", "--", *arguments[name])
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "numpy cannot be found" in said, said
    assert "lulc_plugin" not in said and "landcover_classifier/" not in said, "a traceback of ours"
    assert "apt install --reinstall python3-numpy" in said
    assert "pip install" not in said and "run Install dependencies" not in said


def test_without_numpy_install_dependencies_says_the_same(hiding):
    done = hiding("numpy")("run", "lulc:installdependencies")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "numpy is not installed" in said, said
    assert "apt install --reinstall python3-numpy" in said and "run Install dependencies" not in said


def test_a_second_numpy_is_the_one_to_remove(qgis_process, arguments, tmp_path):
    """numpy 2 in front of QGIS's numpy 1 (or the other way round), and a rasterio that is compiled for QGIS's."""
    other = "1.26.4" if int(np.__version__.split(".")[0]) > 1 else "2.1.3"
    mine = tmp_path / "mine"
    for name, code in (
        ("numpy", f"__version__ = {other!r}\nclass ndarray: pass\n"),
        ("rasterio", "raise ValueError('numpy.dtype size changed, may indicate binary incompatibility')\n"),
    ):
        (mine / name).mkdir(parents=True)
        (mine / name / "__init__.py").write_text(code)
    (mine / f"numpy-{other}.dist-info").mkdir()
    (mine / f"numpy-{other}.dist-info" / "METADATA").write_text(f"Name: numpy\nVersion: {other}\n")
    for words in (["lulc:classifylandcover", "--", *arguments["classifylandcover"]], ["lulc:installdependencies"]):
        done = qgis_process("run", *words, shadow=mine)
        said = done.stdout + done.stderr
        if "Couldn't load SIP module" in said:
            pytest.skip("this QGIS imports numpy itself and does not start with a made-up one")
        assert done.returncode == 1 and f"Remove the one in {mine}: " in said, said
        assert "uninstall" in said and "uninstall rasterio" not in said and f"numpy=={other}" not in said


@pytest.mark.parametrize(
    "said",
    [
        "~nosuchuser-of-lulc/x",
        # from 3.14 on Python says of such a name that no folder is there, and that is no trouble
        pytest.param("a" * 300, id="long", marks=pytest.mark.skipif(sys.version_info >= (3, 14), reason="no error")),
    ],
)
def test_a_folder_of_packages_that_nobody_can_look_at_takes_nothing_away(qgis_process, monkeypatch, said):
    monkeypatch.setenv("LULC_PACKAGES", said)
    listed = qgis_process("list")
    assert listed.returncode == 0 and listed.stdout.count("lulc:") >= len(NEEDS), listed.stderr
    assert "Traceback" not in listed.stderr
    check = qgis_process("run", "lulc:checkinstallation")
    results = dict(line.split(":\t", 1) for line in check.stdout.splitlines() if ":\t" in line)
    found = {f["title"]: f for f in json.loads(results["REPORT"])["findings"]}["Packages of this plugin"]
    assert found["level"] == "WARN" and "LULC_PACKAGES" in found["remedy"]


def test_a_network_without_description_needs_onnxruntime_and_says_so(hiding, network, tmp_path):
    """Model information itself does without; only a network whose description is inside it has to be opened."""
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(Path(network).read_bytes())
    words = [f"MODEL_FILE={alone}", f"OUTPUT_HTML={tmp_path}/a.html"]
    done = hiding("onnxruntime")("run", "lulc:modelinformation", "--", *words)
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in said
    assert "onnxruntime cannot be found" in said and "run Install dependencies" in said


def test_the_report_of_the_installation_names_the_folder(hiding):
    done = hiding("onnxruntime")("run", "lulc:checkinstallation")
    results = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    found = {f["title"]: f for f in json.loads(results["REPORT"])["findings"]}
    assert "landcover_classifier_packages" in found["Packages of this plugin"]["detail"]
    assert "run Install dependencies" in found["onnxruntime"]["remedy"]
