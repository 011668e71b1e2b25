# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays readable after the dialog is closed: warnings, errors and the end of each run, in a tab of QGIS's log."""

import re
import threading

import pytest
from qgis.core import (
    Qgis,
    QgsApplication,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsSettings,
)
from qgis.gui import QgsMessageLogViewer
from qgis.PyQt.QtCore import Qt, QThread
from qgis.PyQt.QtWidgets import QApplication, QPlainTextEdit

TAB = "Land Cover Classifier"
INFO, WARNING, CRITICAL = Qgis.MessageLevel.Info, Qgis.MessageLevel.Warning, Qgis.MessageLevel.Critical


@pytest.fixture
def log(qgis_processing):
    """The tab's lines since the test began: `(level, text)`; each is noted with the thread that received it."""
    lines = []

    def receive(text, tab, level):
        if tab == TAB:
            assert QThread.currentThread() is QgsApplication.instance().thread()
            lines.append((level, text))

    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(receive)
    yield lines
    QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].disconnect(receive)


def test_a_run_that_goes_well(classify, image, log):
    output = classify(INPUT=image)["OUTPUT"]
    assert log == [(INFO, f"Classify land cover: done. {output}")]


def test_a_warning(classify, make_raster, log):
    feedback = QgsProcessingFeedback()
    classify(feedback, INPUT=make_raster(names=None))
    (warning, end) = log
    assert warning[0] == WARNING and warning[1].startswith("Classify land cover, scene: ")
    assert warning[1].partition(": ")[2] in feedback.textLog()
    assert end[0] == INFO and end[1].startswith("Classify land cover: done.")


def test_a_mistake(provider, image, network, tmp_path, log):
    """Refused when the run begins, as inside a model; and once only, however often the dialog asks before."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:classifylandcover")
    values = {"INPUT": image, "MODEL_FILE": network, "BANDS": [9], "OUTPUT": str(tmp_path / "map.tif")}
    context = QgsProcessingContext()
    for _ in range(3):
        assert not algorithm.checkParameterValues(values, context)[0]
    assert log == []
    _, ok = algorithm.run(values, context, QgsProcessingFeedback())
    assert not ok
    ((level, text),) = log
    assert level == CRITICAL and "band 9 does not exist" in text and "Traceback" not in text


def test_an_error_in_the_middle(classify, image, tmp_path, log):
    with pytest.raises(QgsProcessingException):
        classify(INPUT=image, OUTPUT=str(tmp_path / "no" / "such" / "map.tif"))
    ((level, text),) = log
    assert level == CRITICAL and text.startswith("Classify land cover: ") and "does not exist" in text


def test_a_bug_keeps_its_traceback(classify, image, plugin, monkeypatch, log):
    def broken(*_):
        raise ZeroDivisionError("that should not happen")

    monkeypatch.setattr(plugin("lulc_plugin.classify.pipeline"), "classify", broken)
    with pytest.raises(QgsProcessingException):
        classify(INPUT=image)
    ((level, text),) = log
    assert level == CRITICAL and "Traceback" in text and "that should not happen" in text


def test_what_qgis_itself_refuses(classify, image, plugin, monkeypatch, log):
    def refused(*_):
        raise QgsProcessingException("Could not create destination layer")

    monkeypatch.setattr(plugin("lulc_plugin.classify.pipeline"), "classify", refused)
    with pytest.raises(QgsProcessingException):
        classify(INPUT=image)
    assert log == [(CRITICAL, "Classify land cover: Could not create destination layer")]


def test_a_cancel_is_no_error(provider, image, network, tmp_path, log):
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:classifylandcover")
    feedback = QgsProcessingFeedback()
    feedback.cancel()
    values = {"INPUT": image, "MODEL_FILE": network, "OUTPUT": str(tmp_path / "map.tif")}
    algorithm.run(values, QgsProcessingContext(), feedback)
    assert [level for level, _ in log] == [INFO] and "Cancelled" in log[0][1]


def test_the_same_warning_once_a_run(plugin, log):
    feedback = QgsProcessingFeedback()
    progress = plugin("algorithms.bridge.feedback").FeedbackProgress(feedback, "Check layer")
    for text in ("odd", "odd", "other"):
        progress.warn(text)
    assert feedback.textLog().count("odd") == 2
    assert log == [(WARNING, "Check layer: odd"), (WARNING, "Check layer: other")]


def test_from_many_threads(plugin, log):
    """The engine's threads warn, too; QGIS brings every line to its main thread."""
    progress = plugin("algorithms.bridge.feedback").FeedbackProgress(QgsProcessingFeedback(), "Run")
    workers = [threading.Thread(target=lambda k=k: [progress.warn(f"{k}-{i}") for i in range(20)]) for k in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for _ in range(20):
        QApplication.processEvents()
    assert sorted(text for _, text in log) == sorted(f"Run: {k}-{i}" for k in range(5) for i in range(20))


def test_from_a_task(provider, make_raster, network, tmp_path, log):
    """As the dialog runs it: in a thread of QGIS's task manager."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:classifylandcover")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    values = {"INPUT": make_raster(names=None), "MODEL_FILE": network, "OUTPUT": str(tmp_path / "map.tif")}
    task = QgsProcessingAlgRunnerTask(algorithm, values, context, feedback)
    ended = []
    task.executed.connect(lambda ok, results: ended.append(ok))
    QgsApplication.taskManager().addTask(task)
    while not ended:
        QApplication.processEvents()
    for _ in range(20):
        QApplication.processEvents()
    assert ended == [True]
    assert [level for level, _ in log] == [WARNING, INFO]


class TestStart:
    """What QGIS points at when it has started the plugin."""

    @pytest.fixture
    def start(self, qgis_processing):
        import landcover_classifier

        loaded = landcover_classifier.classFactory(None)
        yield loaded.initGui
        loaded.unload()

    def test_nothing_to_say(self, start, log):
        start()
        assert log == []

    def test_a_missing_package(self, start, log, plugin, monkeypatch):
        dependencies = plugin("lulc_plugin.environment.packages")
        look_up = dependencies.look_up
        gone = dependencies.Package("onnxruntime", None, None)
        monkeypatch.setattr(dependencies, "look_up", lambda name: gone if name == "onnxruntime" else look_up(name))
        start()
        ((level, text),) = log
        assert level == WARNING and "onnxruntime cannot be found" in text and "Land Cover Classifier 0." in text

    def test_a_folder_that_is_gone(self, start, log, tmp_path):
        QgsSettings().setValue("landcover_classifier/models_folder", str(tmp_path / "drive"))
        try:
            start()
        finally:
            QgsSettings().remove("landcover_classifier/models_folder")
        ((level, text),) = log
        assert level == WARNING and str(tmp_path / "drive") in text


# ---------------------------------------------------------------- texts of strangers


HOSTILE = 'a <img src="file:///etc/passwd"> b < IMG src=x> c <!-- d --> e </font> <?x f &lt;img src=y&gt;\n<a href="http://x">g</a>'


@pytest.fixture
def panel(qgis_processing):
    """QGIS's log panel: what it shows of a tab, as the document that Qt made of it."""
    viewer = QgsMessageLogViewer()

    def document():
        QApplication.processEvents()
        return next(iter(viewer.findChildren(QPlainTextEdit))).document()

    yield document
    viewer.deleteLater()


def test_no_text_becomes_markup_in_the_log_panel(panel, plugin):
    """QGIS shows what is logged as HTML: an image there would be read from any place, at each look at the panel."""
    messagelog = plugin("algorithms.bridge.messagelog")
    messagelog.warn(f"Classify: {HOSTILE}")
    messagelog.fail(HOSTILE)
    messagelog.tell(HOSTILE)
    messagelog.point_at(HOSTILE)
    made = panel()
    found = re.findall(r"<(img|a|font)\b[^>]*", made.toHtml().split("<body")[1])
    assert found == []
    assert "img src" in made.toPlainText() and "\ufffc" not in made.toPlainText()


def test_nothing_is_lost_of_ordinary_texts(panel, plugin):
    """QGIS would take what stands between < and > for a tag, and show none of it."""
    messagelog = plugin("algorithms.bridge.messagelog")
    texts = ("Trees & shrubs", "2 < 3 and 4 > 3", "a <= b", "1 <2", "AT&T; 5 > 4")
    for text in texts:
        messagelog.tell(text)
    shown = panel().toPlainText()
    for text in texts:
        assert text.replace("<", "‹").replace(">", "›") in shown


def test_no_text_becomes_markup_in_the_dialogs(plugin, classify, make_raster, network, tmp_path):
    """The log of a dialog, and what is refused before a run, which QGIS shows in a message box."""
    feedback = QgsProcessingFeedback(False)
    shown = plugin("algorithms.bridge.feedback").FeedbackProgress(feedback, "Classify")
    shown.log(HOSTILE)
    shown.warn(HOSTILE)
    feedback.reportError(HOSTILE)
    assert not re.search(r"<(img|a|font)\b", feedback.htmlLog())
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:classifylandcover")
    values = {
        "INPUT": make_raster(),
        "MODEL_FILE": network,
        "PROVIDER": "<img src=x>",
        "OUTPUT": str(tmp_path / "m.tif"),
    }
    ready, text = algorithm.checkParameterValues(values, QgsProcessingContext())
    assert not ready and "img src" in text
    assert not Qt.mightBeRichText(text)
