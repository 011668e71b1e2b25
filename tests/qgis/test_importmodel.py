# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of the user's own joins the list of models; the folder is a setting of QGIS."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsApplication, QgsProcessingException, QgsProcessingFeedback, QgsSettings
from qgis.PyQt.QtWidgets import QToolBar

IMPORT = "lulc:importmodel"
KEY = "landcover_classifier/models_folder"


@pytest.fixture
def folder(tmp_path, qgis_processing):
    """An empty model folder, set as a user sets it."""
    QgsSettings().setValue(KEY, str(tmp_path / "own models"))
    yield tmp_path / "own models"
    QgsSettings().remove(KEY)


@pytest.fixture
def mine(network, tmp_path):
    """The tests' network and its description under a name of their own."""
    path = tmp_path / "from elsewhere" / "strongest-v1.onnx"
    path.parent.mkdir()
    for suffix in (".onnx", ".json"):
        shutil.copyfile(Path(network).with_suffix(suffix), path.with_suffix(suffix))
    return path


@pytest.fixture
def run(provider):
    import processing

    def start(**values):
        feedback = values.pop("feedback", None) or QgsProcessingFeedback()
        return processing.run(IMPORT, values, feedback=feedback)

    return start


def model_options(algorithm="lulc:classifylandcover"):
    fresh = QgsApplication.processingRegistry().createAlgorithmById(algorithm)
    return fresh.parameterDefinition("MODEL").options()


def test_from_import_to_map(run, classify, folder, mine, image, read, expected):
    before = model_options()
    result = run(MODEL_FILE=str(mine))
    assert result == {"MODEL_NAME": "strongest-v1", "MODEL_PATH": str(folder / "strongest-v1.onnx")}
    assert sorted(p.name for p in folder.iterdir()) == ["strongest-v1.json", "strongest-v1.onnx"]
    assert model_options() == [*before, "strongest-v1"]
    assert "strongest-v1" in model_options("lulc:modelinformation")
    made = classify(INPUT=image, MODEL="strongest-v1")
    assert np.array_equal(read(made["OUTPUT"]), expected(read(image, [1, 2, 3, 4])))


def test_the_list_is_read_anew_each_time(run, folder, mine):
    run(MODEL_FILE=str(mine))
    assert "strongest-v1" in model_options()
    for path in folder.iterdir():
        path.unlink()
    assert "strongest-v1" not in model_options()


def test_other_weights_under_a_taken_name(run, folder, mine):
    run(MODEL_FILE=str(mine))
    kept = (folder / "strongest-v1.onnx").read_bytes()
    import onnx

    model = onnx.load(str(mine))
    model.doc_string = "changed"
    onnx.save(model, str(mine))
    with pytest.raises(QgsProcessingException, match="strongest-v2"):
        run(MODEL_FILE=str(mine))
    assert (folder / "strongest-v1.onnx").read_bytes() == kept


@pytest.mark.parametrize(
    "name, words",
    [
        ("net.pt", ["PyTorch", "Describe model"]),
        ("net.emd", ["Esri", "Describe model"]),
        ("net.h5", ["Keras", "Describe model"]),
    ],
)
def test_other_formats_are_named(run, folder, tmp_path, name, words):
    (tmp_path / name).write_bytes(b"x" * 100)
    with pytest.raises(QgsProcessingException) as error:
        run(MODEL_FILE=str(tmp_path / name))
    assert all(word in str(error.value) for word in words), error.value
    assert not folder.exists()


def test_classify_names_other_formats_too(classify, image, tmp_path):
    (tmp_path / "net.pt").write_bytes(b"x" * 100)
    with pytest.raises(QgsProcessingException, match="PyTorch.*Describe model"):
        classify(INPUT=image, MODEL_FILE=str(tmp_path / "net.pt"))


def test_at_a_shell(qgis_process, mine, image, tmp_path, monkeypatch, read, expected):
    """Without a setting the folder may come from the environment, as at a shell without QGIS."""
    monkeypatch.setenv("LULC_MODELS", str(tmp_path / "shelf"))
    done = qgis_process("run", IMPORT, "--", f"MODEL_FILE={mine}")
    assert done.returncode == 0, done.stderr
    assert "MODEL_NAME:\tstrongest-v1" in done.stdout
    output = tmp_path / "map.tif"
    values = (f"INPUT={image}", "MODEL=strongest-v1", f"OUTPUT={output}")
    done = qgis_process("run", "lulc:classifylandcover", "--", *values)
    assert done.returncode == 0, done.stderr + done.stdout
    assert np.array_equal(read(output), expected(read(image, [1, 2, 3, 4])))
    done = qgis_process("run", IMPORT, "--", f"MODEL_FILE={tmp_path / 'none.onnx'}")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "does not exist" in said and "Traceback" not in said


def test_default_folder_lies_in_the_profile(qgis_processing, plugin, monkeypatch):
    monkeypatch.delenv("LULC_MODELS", raising=False)
    settings = plugin("algorithms.bridge.settings")
    assert settings.models_folder() == settings.default_models_folder()
    profile = Path(QgsApplication.qgisSettingsDirPath())
    assert settings.models_folder() == profile / "landcover_classifier" / "models"


class TestOptions:
    """Settings, Options, Processing, Providers, Land Cover Classifier."""

    @pytest.fixture
    def desktop(self, qgis_processing, qgis_iface):
        import landcover_classifier

        loaded = landcover_classifier.classFactory(qgis_iface)
        loaded.initGui()
        yield loaded
        loaded.unload()

    @pytest.fixture
    def dialog(self, desktop, qgis_iface, monkeypatch):
        toolbar = QToolBar()  # since 3.24 a button is put into it, which pytest-qgis's mock cannot take
        monkeypatch.setattr(qgis_iface, "selectionToolBar", lambda: toolbar, raising=False)
        from processing.gui.ConfigDialog import ConfigDialog

        return ConfigDialog()

    def item_of(self, dialog):
        (item,) = [item for setting, item in dialog.items.items() if setting.name == KEY]
        return item

    def test_is_shown_and_kept(self, dialog, tmp_path, plugin):
        item = self.item_of(dialog)
        assert dialog.model.itemFromIndex(item.index().parent()).text() == "Land Cover Classifier"
        item.setText(str(tmp_path / "new"))  # need not exist
        dialog.accept()
        try:
            assert QgsSettings().value(KEY) == str(tmp_path / "new")
            assert plugin("algorithms.bridge.settings").models_folder() == tmp_path / "new"
        finally:
            QgsSettings().remove(KEY)

    def test_empty_means_the_default(self, dialog, plugin, monkeypatch):
        monkeypatch.delenv("LULC_MODELS", raising=False)
        dialog.accept()
        settings = plugin("algorithms.bridge.settings")
        assert settings.models_folder() == settings.default_models_folder()

    def test_a_file_is_refused(self, dialog, tmp_path, monkeypatch):
        from qgis.PyQt.QtWidgets import QMessageBox

        said = []
        monkeypatch.setattr(QMessageBox, "warning", lambda *texts: said.append(texts[-1]))
        (tmp_path / "file").write_text("x")
        self.item_of(dialog).setText(str(tmp_path / "file"))
        dialog.accept()
        assert said and "is not a folder" in said[0]
        assert not QgsSettings().value(KEY)

    def test_goes_with_the_plugin(self, desktop):
        from processing.core.ProcessingConfig import ProcessingConfig

        assert KEY in ProcessingConfig.settings
        desktop.unload()
        assert KEY not in ProcessingConfig.settings

    def test_no_window_no_options(self, provider):
        from processing.core.ProcessingConfig import ProcessingConfig

        assert KEY not in ProcessingConfig.settings
