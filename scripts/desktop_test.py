# SPDX-License-Identifier: GPL-3.0-or-later
"""What a newcomer does in the QGIS desktop, done and checked; scripts/desktop_test.sh starts QGIS with this as --code.

Installs the zip with QGIS's own plugin manager, opens every dialog at the size that QGIS gives it, loads the sample,
runs Classify from its dialog, as a batch, and as a step of a model made in the model designer, looks at the layers, and
labels points of a reference sample with the keyboard. Pictures go to the folder LULC_PICTURES, the checks, one a line,
to the file LULC_READY: its last line is "ok", or says what went wrong.
"""

import json
import os
import shutil
import sys
import time
import traceback
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsProject,
)
from qgis.gui import QgsAttributeForm
from qgis.PyQt.QtCore import QObject, QPointF, Qt, QTimer, QUrl, pyqtSlot
from qgis.PyQt.QtGui import QDesktopServices, QGuiApplication
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QMessageBox,
    QScrollArea,
    QTabWidget,
)
from qgis.utils import active_plugins, iface, unloadPlugin

NAME = "landcover_classifier"
CLASSIFY, SAMPLE = "lulc:classifylandcover", "lulc:loadsample"
SAMPLE_LAYER = "Sample: Sentinel-2, Brazil"
PICTURES = Path(os.environ["LULC_PICTURES"])
WORK = Path(os.environ["LULC_WORK"])
READY = Path(os.environ["LULC_READY"])
LONGEST = 90  # seconds for one step
done: list[str] = []
boxes: list[str] = []


class Failure(Exception):
    """A check that did not hold."""


def check(what, fine, found=""):
    """Note that `what` holds, or stop."""
    if not fine:
        raise Failure(f"{what}: no. {found}")
    done.append(what)
    READY.with_suffix(".steps").write_text("\n".join(done), encoding="utf-8")


def wait(what, ready, seconds=LONGEST):
    """Let QGIS work until `ready()`."""
    end = time.monotonic() + seconds
    while not ready():
        if boxes:
            raise Failure(f"{what}: QGIS asks: {boxes[0]}")
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds} s")
        QApplication.processEvents()
        time.sleep(0.01)


def pause(seconds):
    """Let QGIS draw."""
    end = time.monotonic() + seconds
    wait("drawing", lambda: time.monotonic() > end)


def picture(name, widget=None):
    """Save what a window, or the whole screen, shows."""
    pause(0.7)
    path = PICTURES / f"{name}.png"
    shown = QGuiApplication.primaryScreen().grabWindow(0) if widget is None else widget.grab()
    check(f"picture {path.name}", shown.save(str(path)))


def watch_boxes():
    """A message box would wait for a person for ever: note its text and close it."""
    box = QApplication.activeModalWidget()
    if isinstance(box, QMessageBox):
        boxes.append(f"{box.windowTitle()}: {box.text()}")
        box.grab().save(str(PICTURES / "asked.png"))
        box.reject()


def layer_named(name):
    """The one layer of this name."""
    found = QgsProject.instance().mapLayersByName(name)
    check(f'one layer "{name}"', len(found) == 1, [x.name() for x in QgsProject.instance().mapLayers().values()])
    return found[0]


def check_map(layer, where):
    """Classes, colours and names of a map as the legend file says them, in the style and in the layer tree."""
    folder = Path(sys.modules[NAME].__file__).parent
    legend = json.loads((folder / "resources" / "legends" / "landcover6.json").read_text(encoding="utf-8"))
    wanted = [(c["value"], c["name"], c["colour"].lower()) for c in legend["classes"]]
    renderer = layer.renderer()
    found = [(c.value, c.label, c.color.name()) for c in renderer.classes()] if renderer.type() == "paletted" else []
    check(f"{where}: six classes with names and colours", found == wanted, found)
    node = QgsProject.instance().layerTreeRoot().findLayer(layer)
    check(f"{where}: visible in the layer tree", node is not None and node.isVisible())
    entries = iface.layerTreeView().layerTreeModel().layerLegendNodes(node)
    shown = [entry.data(Qt.ItemDataRole.DisplayRole) for entry in entries]
    check(f"{where}: the classes stand in the Layers panel", [w[1] for w in wanted] == shown[-6:], shown)
    check(f"{where}: its legend is open", node.isExpanded())
    order = [n.name() for n in QgsProject.instance().layerTreeRoot().findLayers()]
    image = [i for i, name in enumerate(order) if name == SAMPLE_LAYER]
    check(f"{where}: the map lies over the image", order.index(layer.name()) < image[0], order)
    check(f"{where}: the file exists", Path(layer.source()).is_file(), layer.source())


def algorithm(identity):
    """A fresh instance, as the toolbox makes it."""
    found = QgsApplication.processingRegistry().createAlgorithmById(identity)
    check(f"{identity} is there", found is not None)
    return found


def show_on_map(layer):
    """The canvas at the layer's extent, drawn."""
    iface.mapCanvas().setExtent(layer.extent())
    iface.mapCanvas().refresh()
    iface.layerTreeView().expandAll()
    wait("the canvas", lambda: not iface.mapCanvas().isDrawing())


# ---- the steps


def install():
    """What Plugins, Manage and Install Plugins, Install from ZIP does."""
    import pyplugin_installer

    check("the plugin is not there yet", NAME not in active_plugins and NAME not in sys.modules)
    pyplugin_installer.instance().installFromZipFile(os.environ["LULC_ZIP"])
    pause(1)
    check("QGIS asks nothing while installing", not boxes, boxes)
    check("the plugin is active", NAME in active_plugins, active_plugins)
    where = Path(sys.modules[NAME].__file__).resolve()
    profile = Path(QgsApplication.qgisSettingsDirPath()).resolve()
    check("it lies in the profile", profile in where.parents, where)
    check("the provider is registered", QgsApplication.processingRegistry().providerById("lulc") is not None)


def arrange():
    """Layers at the left, the toolbox with our algorithms at the right."""
    window = iface.mainWindow()
    window.showMaximized()
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() == "ProcessingToolbox":
            dock.show()
            for search in dock.findChildren(QLineEdit):
                search.setText("land cover")
        elif dock.objectName() == "Layers":
            window.resizeDocks([dock], [340], Qt.Orientation.Horizontal)
        else:
            dock.hide()
    picture("1-installed")


def open_dialog(identity):
    """The dialog of an algorithm, as a double click in the toolbox opens it."""
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    window = AlgorithmDialog(algorithm(identity), parent=iface.mainWindow())
    window.show()
    return window


def run(window, what):
    """Press Run, wait for the end, and return the results."""
    window.runButton().click()
    wait(what, window.wasExecuted)
    return window.results()


def load_sample():
    """From its dialog, with nothing set."""
    window = open_dialog(SAMPLE)
    results = run(window, "loading the sample")
    picture("2-load-sample", window)
    window.close()
    layer = layer_named(SAMPLE_LAYER)
    check("the sample is shown in true colour", layer.renderer().type() == "multibandcolor")
    profile = Path(QgsApplication.qgisSettingsDirPath()).resolve()
    check("the sample is a copy", profile not in Path(results["OUTPUT"]).resolve().parents, results)
    show_on_map(layer)


class Browser(QObject):
    """Stands in for the web browser."""

    def __init__(self):
        super().__init__()
        self.opened = []

    @pyqtSlot(QUrl)
    def open(self, url):
        """What QGIS wanted to show."""
        self.opened.append(url)


def classify():
    """The dialog: the image is chosen already, Help leads to the guide, Run makes the map."""
    window = open_dialog(CLASSIFY)
    chosen = window.mainWidget().wrappers["INPUT"].parameterValue()
    layer = QgsProject.instance().mapLayer(chosen) if chosen in QgsProject.instance().mapLayers() else chosen
    check("the image is chosen already", getattr(layer, "name", lambda: layer)() == SAMPLE_LAYER, chosen)
    picture("3-classify-dialog", window)
    browser = Browser()
    QDesktopServices.setUrlHandler("file", browser, "open")
    window.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Help).click()
    pause(0.3)
    QDesktopServices.unsetUrlHandler("file")
    pages = [Path(url.toLocalFile()) for url in browser.opened]
    check("Help opens a page of the guide", len(pages) == 1 and pages[0].is_file(), browser.opened)
    view = iface.layerTreeView()  # a band of the image in the Layers panel is selected while it runs
    entry = view.layerTreeModel().layerLegendNodes(QgsProject.instance().layerTreeRoot().findLayer(layer))[-1]
    index = view.layerTreeModel().legendNode2index(entry)
    view.setCurrentIndex(view.model().mapFromSource(index) if hasattr(view.model(), "mapFromSource") else index)
    results = run(window, "classifying")
    picture("4-classify-log", window)
    window.close()
    check("40,960 pixels got a class", results["PIXELS"] == 256 * 160, results)
    found = layer_named(f"Land cover – {SAMPLE_LAYER}")
    check_map(found, "dialog")
    order = [node.name() for node in QgsProject.instance().layerTreeRoot().children()]
    check("dialog: the map is in front of everything", order[0] == found.name(), order)
    check("its metadata name the network", "optical" in found.metadata().abstract(), found.metadata().abstract())
    show_on_map(found)
    picture("5-map")


def dialogs():
    """Every dialog as QGIS opens it: nothing lies off screen at the right."""
    for found in QgsApplication.processingRegistry().providerById("lulc").algorithms():
        window = open_dialog(found.id())
        pause(0.2)
        area = window.mainWidget().findChild(QScrollArea)
        check(f"{found.name()}: opens at QGIS's own size", window.width() <= 700, window.width())
        check(f"{found.name()}: fits its dialog", area.horizontalScrollBar().maximum() == 0)
        picture(f"dialog-{found.name()}", window)
        window.close()


def label():
    """A reference sample of the map, labelled with keys: each is one key, saved at once, and the zoom stays."""
    window = open_dialog("lulc:samplepoints")
    found = layer_named(f"Land cover – {SAMPLE_LAYER}")
    window.mainWidget().setParameters({"MAP": found.id(), "SIZE": 30, "SEED": 1, "OUTPUT": str(WORK / "points.gpkg")})
    run(window, "drawing the sample")
    picture("7-sample-log", window)
    window.close()
    points = layer_named(f"Sample points – {found.name()}")
    node = QgsProject.instance().layerTreeRoot().findLayer(found)
    check("the map is switched off while its sample is labelled", not node.isVisible())
    check("as many points as asked for", points.featureCount() == 30, points.featureCount())
    iface.setActiveLayer(points)
    canvas = iface.mapCanvas()
    canvas.zoomScale(2000)
    pause(0.5)
    iface.mainWindow().activateWindow()
    wait("the window has the keyboard", lambda: iface.mainWindow().isActiveWindow())
    begin = time.monotonic()
    QTest.keyClick(iface.mainWindow(), Qt.Key.Key_N)
    for key in "1234561234":
        QTest.keyClick(iface.mainWindow(), key)
        wait("the canvas", lambda: not canvas.isDrawing())
    seconds = time.monotonic() - begin
    done = {f["id"]: f for f in points.getFeatures() if f["ref_class"] in range(1, 7)}
    check(f"ten points take eleven keys ({seconds:.1f} s without looking)", sorted(done) == list(range(1, 11)), done)
    check("who and when is filled in", all(f["label_date"] and f["interpreter"] for f in done.values()))
    check("the scale stays", abs(canvas.scale() - 2000) < 1, canvas.scale())
    picture("7-labelling")
    iface.showAttributeTable(points)
    pause(1)
    picture("7-attribute-table")
    for other in QApplication.topLevelWidgets():
        if other.objectName() == "QgsAttributeTableDialog":
            other.close()
    form = QgsAttributeForm(points, next(points.getFeatures()))
    form.show()
    pause(0.7)
    words = [w.text() for w in form.findChildren(QLabel) if w.isVisible()]
    check("the form says nothing of the map", not [w for w in words if w.startswith(("map_", "stratum"))], words)
    picture("7-form", form)
    form.close()


def batch():
    """Two images at a time."""
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    window = BatchAlgorithmDialog(algorithm(CLASSIFY), parent=iface.mainWindow())
    window.show()
    panel = window.mainWidget()
    while panel.tblParameters.rowCount() < 3:  # row 0 is "Autofill"
        panel.addRow()
    source = layer_named(SAMPLE_LAYER).source()
    for row, name in enumerate(("first", "second")):
        image = WORK / f"{name}.tif"
        shutil.copy(source, image)
        panel.wrappers[row][panel.parameter_to_column["INPUT"]].setWidgetValue(str(image), QgsProcessingContext())
        cell = panel.tblParameters.cellWidget(row + 1, panel.parameter_to_column["OUTPUT"])
        cell.setValue(str(WORK / f"{name}-map.tif"))
    panel.checkLoadLayersOnCompletion.setChecked(True)
    picture("6-batch-dialog", window)
    window.runAlgorithm()
    maps = {}

    def loaded():
        layers = QgsProject.instance().mapLayers().values()
        maps.update({n: x for n in ("first", "second") for x in layers if x.name() == f"Land cover – {n}"})
        return len(maps) == 2

    wait("the batch", loaded)
    picture("7-batch-log", window)
    window.close()
    for name, layer in maps.items():
        check_map(layer, f"batch {name}")


def model():
    """The model designer with Classify as a step, made with the dialog of a step, then run."""
    from processing.modeler.ModelerDialog import ModelerDialog
    from processing.modeler.ModelerParametersDialog import ModelerParametersDialog

    made = QgsProcessingModelAlgorithm("Sample to map", "Desktop test")
    place = QgsProcessingModelParameter("IMAGE")
    place.setPosition(QPointF(160, 100))
    made.addModelParameter(QgsProcessingParameterRasterLayer("IMAGE", "Image"), place)
    step = ModelerParametersDialog(algorithm(CLASSIFY), made)
    step.resize(900, 760)
    step.show()
    picture("8-step-of-a-model", step)
    child = step.createAlgorithm()
    step.close()
    check("the step's dialog gives a step", child is not None and child.algorithmId() == CLASSIFY)
    child.addParameterSources("INPUT", [QgsProcessingModelChildParameterSource.fromModelParameter("IMAGE")])
    child.setPosition(QPointF(480, 220))
    output = QgsProcessingModelOutput("Map", "Map")
    output.setChildOutputName("OUTPUT")
    output.setPosition(QPointF(760, 330))
    identity = made.addChildAlgorithm(child)
    output.setChildId(identity)
    made.childAlgorithm(identity).setModelOutputs({"Map": output})
    made.updateDestinationParameters()
    designer = ModelerDialog.create(made)
    designer.resize(1300, 800)
    designer.show()
    picture("9-model-designer", designer)
    valid, problems = made.validate()
    check("the model is valid", valid, problems)
    designer.setDirty(False)
    designer.close()
    # saved among the user's models, and run from the toolbox
    folder = Path(QgsApplication.qgisSettingsDirPath()) / "processing" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    check("the model can be saved", made.toFile(str(folder / "sample_to_map.model3")))
    models = QgsApplication.processingRegistry().providerById("model")
    models.refreshAlgorithms()
    (saved,) = [found for found in models.algorithms() if found.displayName() == "Sample to map"]
    before = set(QgsProject.instance().mapLayers())
    window = open_dialog(saved.id())
    window.mainWidget().setParameters({"IMAGE": layer_named(SAMPLE_LAYER).id()})
    run(window, "the model")
    window.showLog()
    picture("10-model-log", window)
    window.close()
    new = [QgsProject.instance().mapLayer(i) for i in set(QgsProject.instance().mapLayers()) - before]
    check("the model loads one map", len(new) == 1, [x.name() for x in new])
    check("the layer has the name that the model gives it", new[0].name() == "Map", new[0].name())
    check_map(new[0], "model")


def messages():
    """The tab of the log panel."""
    for dock in iface.mainWindow().findChildren(QDockWidget):
        if dock.objectName() == "MessageLog":
            dock.show()
            dock.raise_()
            tabs = dock.findChild(QTabWidget)
            names = [tabs.tabText(i) for i in range(tabs.count())]
            check("the log has our tab", "Land Cover Classifier" in names, names)
            tabs.setCurrentIndex(names.index("Land Cover Classifier"))
            iface.layerTreeView().expandAll()
            picture("11-all")
            return
    raise Failure("there is no log panel")


def leave():
    """Switching the plugin off leaves the maps and takes the algorithms away."""
    count = len(QgsProject.instance().mapLayers())
    check("the plugin can be unloaded", unloadPlugin(NAME))
    check("its provider is gone", QgsApplication.processingRegistry().providerById("lulc") is None)
    check("the maps stay", len(QgsProject.instance().mapLayers()) == count and count == 6, count)


def go():
    """All of it; called once QGIS has started."""
    watcher = QTimer()
    watcher.timeout.connect(watch_boxes)
    watcher.start(500)
    verdict = "ok"
    try:
        for step in (install, arrange, dialogs, load_sample, classify, label, batch, model, messages, leave):
            step()
    except Failure as failure:
        verdict = str(failure)
    except Exception:
        verdict = traceback.format_exc()
    if verdict != "ok":
        QGuiApplication.primaryScreen().grabWindow(0).save(str(PICTURES / "failed.png"))
    whole = READY.with_suffix(".part")
    whole.write_text("\n".join([*done, verdict, ""]), encoding="utf-8")
    whole.rename(READY)


QTimer.singleShot(3000, go)
