# SPDX-License-Identifier: GPL-3.0-or-later
"""QGIS with the plugin's provider, small rasters, and a network that can be checked by hand.

The plugin is imported as in QGIS, as `landcover_classifier`: a link to the checkout in a folder of its own. The
checkout itself is never on `sys.path`. `QT_QPA_PLATFORM` has to be in the environment before pytest starts.
"""

import atexit
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

CHECKOUT = Path(__file__).resolve().parents[2]
_link = Path(tempfile.mkdtemp(prefix="lulc-plugins-")) / "landcover_classifier"
_link.symlink_to(CHECKOUT)
sys.path.insert(0, str(_link.parent))
atexit.register(shutil.rmtree, _link.parent)  # removes the link, not what it leads to

ALGORITHM = "lulc:classifylandcover"
RGBN = ("red", "green", "blue", "nir")
UTM = 32723
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")


@pytest.fixture(scope="session")
def plugin():
    """`plugin("lulc_plugin.legend")` → that module of the plugin, as QGIS imports it."""
    return lambda name: importlib.import_module(f"landcover_classifier.{name}")


@pytest.fixture
def provider(qgis_processing):
    """The plugin's provider, registered as `qgis_process` does it: without a window."""
    import landcover_classifier

    loaded = landcover_classifier.classFactory(None)
    loaded.initProcessing()
    yield loaded.provider
    loaded.unload()


@pytest.fixture
def algorithm(provider):
    from qgis.core import QgsApplication

    return QgsApplication.processingRegistry().createAlgorithmById(ALGORITHM)


@pytest.fixture(scope="session", autouse=True)
def layer_tree(qgis_app, qgis_iface):
    """QGIS's tree of layers, where pytest-qgis has a mock: 3.44 loads results only beside a real one."""
    from qgis.core import QgsLayerTreeModel, QgsProject
    from qgis.gui import QgsLayerTreeView

    tree = QgsLayerTreeView()
    tree.setModel(QgsLayerTreeModel(QgsProject.instance().layerTreeRoot(), tree))
    qgis_iface.layerTreeView = lambda: tree
    yield tree
    QgsProject.instance().clear()  # the layers go before the view of them
    del qgis_iface.layerTreeView


@pytest.fixture
def desktop(qgis_iface, qgis_new_project, provider, monkeypatch):
    """QGIS's interface, complete enough for the dialogs of algorithms."""
    from qgis.gui import QgsBrowserGuiModel

    browser = QgsBrowserGuiModel()
    monkeypatch.setattr(qgis_iface, "browserModel", lambda: browser, raising=False)
    return qgis_iface


# ---------------------------------------------------------------- rasters


def scene(height, width):
    """Surface reflectance × 10,000 `(red, green, blue, nir)`: water in the west, trees, and bare soil in the east."""
    spectra = np.array([[400, 600, 900, 200], [300, 500, 200, 4000], [2500, 2000, 1500, 2200]], dtype=np.float32)
    columns = np.minimum(np.arange(width) * 3 // width, 2)
    pixels = np.broadcast_to(spectra[columns].T[:, None, :], (4, height, width))
    noise = np.random.default_rng(7).normal(0, 40, (4, height, width))
    return np.clip(pixels + noise, 1, None).astype(np.uint16)


def classes_of(values):
    """What the test's network makes of `(red, green, blue, nir)`: the class of the strongest of blue, nir, red."""
    return np.array([10, 20, 40], dtype=np.uint8)[np.argmax(values[[2, 3, 0]], axis=0)]


@pytest.fixture
def make_raster(tmp_path):
    """A function that writes a GeoTIFF and returns its path."""

    def make(
        name="scene.tif",
        values=None,
        names=RGBN,
        crs=UTM,
        transform=None,
        nodata=None,
        folder=tmp_path,
    ):
        values = scene(120, 150) if values is None else values
        if transform is None:
            transform = from_origin(-46.0, -23.0, 1e-4, 1e-4) if crs == 4326 else from_origin(500000, 7400000, 10, 10)
        profile = {"count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype}
        if crs is not None:
            profile.update(crs=CRS.from_epsg(crs), transform=transform)
        path = folder / name
        with rasterio.open(path, "w", driver="GTiff", nodata=nodata, **profile) as target:
            target.write(values)
            target.descriptions = names or (None,) * len(values)
        return str(path)

    return make


@pytest.fixture
def image(make_raster):
    """Path of a scene whose bands have names."""
    return make_raster()


@pytest.fixture
def unnamed_image(make_raster):
    """Path of a scene of six unnamed bands: blue, green, red, nir and two that nobody asked for."""
    red, green, blue, nir = scene(120, 150)
    return make_raster("six.tif", np.stack([blue, green, red, nir, red, red]), names=None)


@pytest.fixture
def picture(make_raster):
    """Path of an 8-bit picture."""
    return make_raster("picture.tif", (scene(120, 150) / 20).clip(1, 255).astype(np.uint8))


# ---------------------------------------------------------------- the network


@pytest.fixture(scope="session")
def network(plugin, tmp_path_factory):
    """Path of a network of one 1 × 1 convolution: blue is water (10), near infrared trees (20), red bare soil (40)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((3, 4, 1, 1), dtype=np.float32)
    for index, band in enumerate((2, 3, 0)):
        weights[index, band] = 100.0
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["scores"]), helper.make_node("Softmax", ["scores"], ["y"], axis=1)],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("network") / "tiny.onnx"
    onnx.save(model, str(path))
    plugin("lulc_plugin.model.mlm").write(_spec(plugin), path.with_suffix(".json"))
    return str(path)


def _spec(plugin):
    spec, legend = plugin("lulc_plugin.model.spec"), plugin("lulc_plugin.legend")
    step = plugin("lulc_plugin.raster.scaling").Step
    wavelengths = {"red": 0.665, "green": 0.56, "blue": 0.49, "nir": 0.842}
    return spec.ModelSpec(
        name="tiny-v1",
        title="The strongest of blue, near infrared and red",
        architecture="one convolution",
        bands=tuple(spec.ModelBand(name, name, wavelengths[name], 0.05) for name in RGBN),
        channels=tuple(spec.band_channel(name, index) for index, name in enumerate(RGBN)),
        forms=(
            spec.InputForm("reflectance", "reflectance", ((),) * 4),
            spec.InputForm("picture", "dn", ((step.of("scale", value=500),),) * 4),
        ),
        fill=(0.0,) * 4,
        input_name="x",
        output=spec.Output("y", ("argmax",)),
        legend=legend.Legend.of(
            (
                legend.LegendClass(10, "Water", "#419BDF"),
                legend.LegendClass(20, 'Trees & "shrubs" <tall>', "#397D49"),
                legend.LegendClass(40, "Boden, nackt – ärmlich", "#B9A88F"),
            )
        ),
        window=spec.Window(size=64, multiple=8, minimum=16, receptive_field=1, margin=8),
        gsd=10.0,
        gsd_range=(5.0, 30.0),
    )


# ---------------------------------------------------------------- running


@pytest.fixture
def classify(provider, network, tmp_path):
    """`classify(INPUT=…, …)` runs the algorithm as a script would; the network above unless MODEL is given."""
    import processing
    from qgis.core import QgsProcessingFeedback

    def run(feedback=None, **values):
        values.setdefault("OUTPUT", str(tmp_path / "map.tif"))
        if "MODEL" not in values:
            values.setdefault("MODEL_FILE", network)
        return processing.run(ALGORITHM, values, feedback=feedback or QgsProcessingFeedback())

    return run


@pytest.fixture
def qgis_process():
    """`qgis_process("run", ALGORITHM, "--", "INPUT=…")` is the real program, as a person at a shell has it."""

    def start(*words, shadow=None):
        # without what pytest-qgis put into the environment
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("QGIS_", "PYTEST_", "PYTHON"))}
        program = [str(CHECKOUT / "scripts" / "qgis_process")]
        if shadow is not None:
            # packages in the folder `shadow` go before those that the script finds
            line = f'. "{CHECKOUT}/scripts/environment.sh"; PYTHONPATH="{shadow}:$PYTHONPATH" exec {QGIS_PROCESS} "$@"'
            program = ["bash", "-c", line, "bash"]
        return subprocess.run([*program, *words], env=environment, capture_output=True, text=True, timeout=120)

    return start


@pytest.fixture
def fresh_qgis(tmp_path):
    """`fresh_qgis("run", …)` is qgis_process with a profile of its own and nothing of the tests' environment.

    What was installed there by one call is there for the next. `python_path` and `variables` add to its environment.
    """
    home = tmp_path / "fresh"
    settings = home / "profile" / "profiles" / "default" / "QGIS" / "QGIS3.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text("[PythonPlugins]\nlandcover_classifier=true\n")
    (home / "run").mkdir(mode=0o700)

    def start(*words, python_path=(), **variables):
        ours = ("QGIS_", "PYTEST_", "PYTHON", "PIP_", "LULC_")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        environment = {
            **clean,
            "QGIS_CUSTOM_CONFIG_PATH": str(home / "profile"),
            "QGIS_PLUGINPATH": str(_link.parent),
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_RUNTIME_DIR": str(home / "run"),
            "PYTHONWARNINGS": "ignore",
            **({"PYTHONPATH": os.pathsep.join(map(str, python_path))} if python_path else {}),
            **variables,
        }
        return subprocess.run([QGIS_PROCESS, *words], env=environment, capture_output=True, text=True, timeout=240)

    start.profile = home / "profile" / "profiles" / "default"
    return start


@pytest.fixture
def read():
    """`read(path)` → the first band of a raster; `read(path, None)` → all of them."""

    def read_bands(path, band=1):
        with rasterio.open(path) as source:
            return source.read(band)

    return read_bands


@pytest.fixture
def expected():
    """`expected(values)` → the map of `(red, green, blue, nir)`, computed without network, windows and files."""
    return classes_of


@pytest.fixture(scope="session")
def write_points():
    """`write_points(path, raster, [("class", 0.5, 0.25), …])`: points at shares of a raster's width and height."""

    def write(path, raster, entries, field="ref_class"):
        with rasterio.open(raster) as source:
            left, bottom, right, top = source.bounds
            code = source.crs.to_epsg()
        features = [
            {
                "type": "Feature",
                "properties": {field: name},
                "geometry": {"type": "Point", "coordinates": [left + x * (right - left), top + y * (bottom - top)]},
            }
            for name, x, y in entries
        ]
        crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{code}"}}
        Path(path).write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
        return path

    return write
