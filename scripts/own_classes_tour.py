# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of own classes in the QGIS desktop, clicked through and timed; `scripts/screenshot.sh own` starts this.

Ten points of each of six classes are digitised in a scratch layer by clicks into the canvas and the form; then Train,
Classify, Suggest, the suggestions are labelled and pasted to the samples, and both runs again. Pictures, and a table of
clicks and seconds (steps.csv), go to the folder LULC_PICTURES. It writes "ok", or what went wrong, to LULC_READY.

What the suggested points are was read by eye from this very picture; with another version of QGIS, another order of
points or another network they lie elsewhere, and the tour says that it cannot label them.
"""

import csv
import os
import time
import traceback
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsFeatureRequest,
    QgsMultiBandColorRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt, QTimer
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDialogButtonBox, QDockWidget, QLineEdit
from qgis.utils import iface

CHECKOUT = Path(os.environ["LULC_CHECKOUT"])
PICTURES = Path(os.environ["LULC_PICTURES"])
READY = Path(os.environ["LULC_READY"])
FIELD = "ref_class"
WANTED = ("sea", "beach", "dense built-up", "forest", "mangrove", "shrubland")
EACH = 10
SUGGESTED = 12
TRAIN, CLASSIFY, SUGGEST = "lulc:trainfrompoints", "lulc:classifylandcover", "lulc:suggestsamples"
LONGEST = 150
#: row and column of a suggested point → its class, read by eye
LABELS = CHECKOUT / "tests" / "data" / "olinda_suggested.csv"


class Steps:
    """What was done, how many clicks and typed words it took, and how many seconds."""

    def __init__(self):
        self.rows = []
        self._clicks = self._words = 0
        self._started = time.perf_counter()

    def click(self, times=1):
        """A click of the mouse, or Enter."""
        self._clicks += times

    def word(self):
        """A word that is typed."""
        self._words += 1

    def done(self, what, note=""):
        """End a step."""
        seconds = time.perf_counter() - self._started
        self.rows.append((what, self._clicks, self._words, f"{seconds:.1f}", note))
        self._clicks = self._words = 0
        self._started = time.perf_counter()


def wait(ready, what):
    """Let QGIS work until `ready()`."""
    end = time.monotonic() + LONGEST
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {LONGEST} s")
        QApplication.processEvents()
        time.sleep(0.01)


def pause(seconds):
    """Let QGIS draw."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end, "drawing")


def picture(name, widget=None):
    """Save what a window, or the whole of QGIS, shows."""
    pause(1)
    shown = QGuiApplication.primaryScreen().grabWindow(0) if widget is None else widget.grab()
    shown.save(str(PICTURES / f"{name}.png"))


def open_scene():
    """The scene in true colour; all of it in the canvas."""
    layer = QgsRasterLayer(os.environ["LULC_SCENE"], "Olinda")
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 3, 2, 1))
    layer.setContrastEnhancement(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
        QgsRasterMinMaxOrigin.Limits.CumulativeCut,
    )
    QgsProject.instance().addMapLayer(layer)
    QgsProject.instance().setCrs(layer.crs())
    window = iface.mainWindow()
    window.showMaximized()
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() == "Layers":
            window.resizeDocks([dock], [340], Qt.Orientation.Horizontal)
        else:
            dock.hide()
    pause(1)
    iface.mapCanvas().setExtent(layer.extent())
    iface.mapCanvas().refresh()
    pause(1)
    return layer


def digitise(samples, places, steps):
    """Click into the canvas, say the class in the form, press OK."""
    iface.setActiveLayer(samples)
    samples.startEditing()
    iface.actionAddFeature().trigger()
    steps.click(2)
    canvas = iface.mapCanvas()
    last = ""
    for name, x, y in places:
        at = canvas.getCoordinateTransform().transform(QgsPointXY(x, y))
        QTimer.singleShot(0, lambda at=at: QTest.mouseClick(
            canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), round(at.y()))
        ))  # fmt: skip
        wait(lambda: form() is not None, "the form")
        window = form()
        (line,) = [edit for edit in window.findChildren(QLineEdit) if edit.isVisible()]
        if line.text() != name:
            line.clear()
            QTest.keyClicks(line, name)
            if name != last:
                steps.word()
        last = name
        if name == WANTED[0] and not any(row[0].startswith("2") for row in steps.rows) and "form" not in seen:
            seen.add("form")
            picture("1-form")
        window.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click()
        wait(lambda: form() is None, "closing the form")
        steps.click(2)
    samples.commitChanges()
    steps.click(2)


seen: set[str] = set()


def form():
    """The attribute form that is open."""
    found = [
        w
        for w in QApplication.topLevelWidgets()
        if w.metaObject().className() == "QgsAttributeDialog" and w.isVisible()
    ]
    return found[0] if found else None


def run(identity, values, steps, name, clicks):
    """A dialog of the toolbox: set what has to be set, Run, Close."""
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    algorithm = QgsApplication.processingRegistry().createAlgorithmById(identity)
    window = AlgorithmDialog(algorithm, parent=iface.mainWindow())
    window.resize(1000, 760)
    window.show()
    window.mainWidget().setParameters(values)
    # double click in the toolbox, what is chosen in the dialog, Run, Close
    steps.click(2 + clicks + 2)
    pause(0.5)
    if name:
        window.grab().save(str(PICTURES / f"{name}.png"))
    window.runButton().click()
    wait(window.wasExecuted, identity)
    results = window.results()
    if not results:
        raise RuntimeError(f"{identity} gave nothing")
    pause(0.5)
    window.close()
    return results


def labelled(layer, scene):
    """Class of each suggested point, as read by eye; a list of those that nobody has looked at."""
    known = {}
    if LABELS.exists():
        with LABELS.open(encoding="utf-8", newline="") as stream:
            known = {(int(row["row"]), int(row["col"])): row["class"] for row in csv.DictReader(stream)}
    extent, size = scene.extent(), scene.rasterUnitsPerPixelX()
    found, unknown = {}, []
    for feature in layer.getFeatures():
        point = feature.geometry().asPoint()
        place = int((extent.yMaximum() - point.y()) / size), int((point.x() - extent.xMinimum()) / size)
        if place in known:
            found[feature.id()] = known[place]
        else:
            unknown.append(place)
    return found, unknown


def show(scene, name):
    """The whole scene in the canvas, photographed."""
    iface.layerTreeView().expandAll()
    iface.mapCanvas().setExtent(scene.extent())
    iface.mapCanvas().refresh()
    wait(lambda: not iface.mapCanvas().isDrawing(), "the canvas")
    picture(name)


def add_suggestions(suggested, samples, scene, steps):
    """Label the suggestions in their form, select them all, copy, and paste them to the samples."""
    found, unknown = labelled(suggested, scene)
    (PICTURES / "suggested.txt").write_text(repr({"labelled": len(found), "unknown": unknown}), encoding="utf-8")
    if not found:
        raise RuntimeError(f"no suggested point has been looked at: {unknown}")
    iface.setActiveLayer(suggested)
    suggested.startEditing()
    place = suggested.fields().indexOf(FIELD)
    for identity, name in found.items():
        # identify, open the list, choose
        suggested.changeAttributeValue(identity, place, name)
        steps.click(3)
    suggested.commitChanges()
    suggested.selectByIds(list(found))
    iface.actionCopyFeatures().trigger()
    iface.setActiveLayer(samples)
    samples.startEditing()
    before = samples.featureCount()
    iface.actionPasteFeatures().trigger()
    samples.commitChanges()
    steps.click(8)
    names = {
        f[FIELD] for f in samples.getFeatures(QgsFeatureRequest().setSubsetOfAttributes([FIELD], samples.fields()))
    }
    if samples.featureCount() != before + len(found) or names != set(WANTED):
        raise RuntimeError(f"{samples.featureCount()} samples after pasting {len(found)} to {before}: {names}")
    return len(found)


def loop():
    """All of it."""
    steps = Steps()
    scene = open_scene()
    samples = QgsVectorLayer(f"Point?crs=EPSG:31985&field={FIELD}:string(40)", "My samples", "memory")
    QgsProject.instance().addMapLayer(samples)
    steps.click(6)
    steps.word()
    steps.done("1 New scratch layer with the field ref_class")
    with (CHECKOUT / "tests" / "data" / "olinda_samples.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    places = [
        (name, float(row["x"]), float(row["y"]))
        for name in WANTED
        for row in [row for row in rows if row["class"] == name][:EACH]
    ]
    digitise(samples, places, steps)
    counts = {name: sum(f[FIELD] == name for f in samples.getFeatures()) for name in WANTED}
    if set(counts.values()) != {EACH}:
        raise RuntimeError(f"digitised: {counts}")
    show(scene, "2-digitised")
    steps.done(
        f"2 Digitise {EACH} points of {len(WANTED)} classes", "seconds of the machine; a person takes about 3 a point"
    )
    work = PICTURES / "files"
    work.mkdir(exist_ok=True)
    first = 0.0
    for turn in (1, 2):
        model = str(work / f"own{turn}.onnx")
        values = {"INPUT": scene.id(), "SAMPLES": samples.id(), "FIELD": FIELD, "BANDS": [3, 2, 1, 4]}
        results = run(TRAIN, {**values, "OUTPUT_MODEL": model}, steps, f"{turn}-train", 3)
        note = f"mean F1 {results['MACRO_F1']:.3f}, {results['N']} samples: {results['METHOD']}"
        steps.done(f"{3 if turn == 1 else 7} Train classes from points", note)
        first = first or results["MACRO_F1"]
        values = {"INPUT": scene.id(), "MODEL_FILE": model, "OUTPUT": str(work / f"map{turn}.tif")}
        run(CLASSIFY, values, steps, "", 2)
        if turn == 2:
            # QGIS puts the new map above the samples, below the first one
            tree = QgsProject.instance().layerTreeRoot()
            for node in tree.findLayers():
                if node.name().endswith("(own1)") or "Samples to label" in node.name():
                    node.setItemVisibilityChecked(False)
            steps.click(2)
        show(scene, f"{turn}-map")
        steps.done(f"{4 if turn == 1 else 8} Classify land cover")
        if turn == 1:
            values = {"INPUT": scene.id(), "MODEL_FILE": model, "N": SUGGESTED, "SAMPLES": samples.id(), "FIELD": FIELD}
            run(SUGGEST, {**values, "OUTPUT": str(work / "more.gpkg")}, steps, "", 4)
            (suggested,) = [x for x in QgsProject.instance().mapLayers().values() if "Samples to label" in x.name()]
            show(scene, "3-suggested")
            steps.done("5 Suggest samples", f"{suggested.featureCount()} points")
            count = add_suggestions(suggested, samples, scene, steps)
            steps.done(
                "6 Label them, and paste them to the samples", f"{count} points; a person takes about 5 s a point"
            )
    with (PICTURES / "steps.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("step", "clicks", "words", "seconds", "note"), *steps.rows])


def go():
    """Called once QGIS has started."""
    verdict = "ok"
    try:
        loop()
    except Exception:
        verdict = traceback.format_exc()
        QGuiApplication.primaryScreen().grabWindow(0).save(str(PICTURES / "failed.png"))
    READY.write_text(verdict, encoding="utf-8")


QTimer.singleShot(3000, go)
