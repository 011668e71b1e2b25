# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider and the plugin object: registered always, light at start, public names fixed."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
)

PUBLIC = (
    "INPUT MODEL BANDS EXTENT OUTPUT MODEL_FILE VALUES NODATA_POLICY STATISTICS_FROM OVERLAP WINDOW BATCH_SIZE"
    " RESAMPLE SMOOTHING DEVICE PROVIDER".split()
)


def test_provider(provider):
    assert provider.id() == "lulc"
    assert provider.name() == "Land Cover Classifier"
    assert Path(provider.svgIconPath()).is_file() and not provider.icon().isNull()
    assert provider.defaultRasterFileExtension() == "tif"
    assert provider.supportedOutputRasterLayerExtensions() == ["tif", "vrt"]


def test_names_are_public(algorithm):
    assert [d.name() for d in algorithm.parameterDefinitions()] == PUBLIC
    assert {d.name() for d in algorithm.outputDefinitions()} == {"OUTPUT", "CLASSES", "DEVICE_USED", "PIXELS"}
    model = algorithm.parameterDefinition("MODEL")
    assert model.usesStaticStrings() and model.options()[0] == "auto" == model.defaultValue()


def test_only_the_input_has_to_be_given(algorithm):
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    advanced = QgsProcessingParameterDefinition.Flag.FlagAdvanced
    asked = [
        d.name() for d in algorithm.parameterDefinitions() if not d.flags() & optional and d.defaultValue() is None
    ]
    assert asked == ["INPUT", "OUTPUT"]
    assert [d.name() for d in algorithm.parameterDefinitions() if d.flags() & advanced] == PUBLIC[5:]


def test_every_parameter_is_explained(algorithm):
    assert [d.name() for d in algorithm.parameterDefinitions() if not d.help()] == []
    page = algorithm.shortHelpString()
    assert "BANDS=3;2;1;4" in page and "drag" in page and "Limits" in page
    assert algorithm.shortDescription()


def test_bundled_models_are_offered(algorithm, plugin):
    names = [e.spec.name for e in plugin("lulc_plugin.model.catalogue").entries()]
    assert algorithm.parameterDefinition("MODEL").options() == ["auto", *names], "best first"


def test_plugin_object(qgis_processing):
    import landcover_classifier

    registry = QgsApplication.processingRegistry()
    loaded = landcover_classifier.classFactory(None)
    loaded.initGui()
    loaded.initProcessing()  # QGIS may call both
    assert registry.algorithmById("lulc:classifylandcover") is not None
    loaded.unload()
    assert registry.providerById("lulc") is None
    loaded.unload()


def test_the_checkout_is_not_on_the_path():
    checkout = Path(__file__).resolve().parents[2]
    assert not [p for p in sys.path if p and Path(p).resolve() == checkout and Path(p).name != "landcover_classifier"]


def test_start_imports_nothing_heavy():
    """QGIS starts the plugin at every start; only running an algorithm may cost anything."""
    import landcover_classifier

    folder = Path(landcover_classifier.__file__).parent.parent
    script = f"""
        import sys
        sys.path.insert(0, {str(folder)!r})
        from qgis.core import QgsApplication
        before = set(sys.modules)
        import landcover_classifier.algorithms.bridge.provider as module
        provider = module.LulcProvider()
        provider.refreshAlgorithms()
        provider.algorithms()[0].shortHelpString()
        heavy = {{"numpy", "rasterio", "onnxruntime", "scipy", "osgeo"}} & (set(sys.modules) - before)
        print("heavy", sorted(heavy))
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60
    )
    assert "heavy []" in done.stdout, done.stdout + done.stderr


def test_what_messages_name_is_there(provider, plugin):
    """Parameters, the beginnings of their labels, and titles of algorithms, as the engine's messages call them."""
    options = plugin("lulc_plugin.options")
    labels = {}
    for algorithm in provider.algorithms():
        for definition in algorithm.parameterDefinitions():
            labels.setdefault(definition.name(), []).append(definition.description())
    titles = {algorithm.name(): algorithm.displayName() for algorithm in provider.algorithms()}
    for option in (o for o in options.OPTIONS.values() if o.parameter):
        assert any(label.startswith(option.label) for label in labels[option.parameter]), option
    assert {name: words[options.QGIS] for name, words in options.COMMANDS.items()}.items() <= titles.items()


class TestWithoutOnnxruntime:
    """The algorithm is there and says what to install."""

    @pytest.fixture(autouse=True)
    def missing(self, monkeypatch, plugin):
        dependencies = plugin("lulc_plugin.environment.packages")
        look_up = dependencies.look_up
        gone = dependencies.Package("onnxruntime", None, None)
        monkeypatch.setattr(dependencies, "look_up", lambda name: gone if name == "onnxruntime" else look_up(name))

    def test_registers(self, plugin):
        fresh = plugin("algorithms.bridge.provider").LulcProvider()
        fresh.refreshAlgorithms()
        assert "classifylandcover" in [a.name() for a in fresh.algorithms()]

    def test_toolbox_says_it(self, algorithm):
        ready, message = algorithm.canExecute()
        assert not ready
        assert "onnxruntime cannot be found" in message and "pip install" in message

    def test_running_says_the_same(self, algorithm, classify, image):
        _, message = algorithm.canExecute()
        with pytest.raises(QgsProcessingException) as error:
            classify(INPUT=image)
        assert message in str(error.value)
        assert "Traceback" not in str(error.value)

    def test_a_model_says_the_same(self, algorithm, image, tmp_path):
        """A step of a model is run without its parameters being checked."""
        _, message = algorithm.canExecute()
        feedback = QgsProcessingFeedback()
        values = {"INPUT": image, "OUTPUT": str(tmp_path / "map.tif")}
        _, ok = algorithm.run(values, QgsProcessingContext(), feedback)
        assert not ok
        assert message in feedback.textLog() and "Traceback" not in feedback.textLog()
