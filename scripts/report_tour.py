# SPDX-License-Identifier: GPL-3.0-or-later
"""What QGIS does for `scripts/screenshot.sh report`: classify the scene, assess the map, show the results viewer.

QGIS runs this file with `--code`. It writes "ok", or what went wrong, to the file named by LULC_READY.
"""

import os
import time
import traceback
from pathlib import Path

import processing
from qgis.core import (
    QgsApplication,
    QgsMarkerSymbol,
    QgsProject,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QLineEdit
from qgis.utils import iface

CHECKOUT = Path(os.environ["LULC_CHECKOUT"])


def add_map():
    """Classify the scene and load the map."""
    values = {"INPUT": os.environ["LULC_SCENE"], "BANDS": [3, 2, 1, 4], "OUTPUT": os.environ["LULC_MAP"]}
    processing.runAndLoadResults("lulc:classifylandcover", values)
    (layer,) = QgsProject.instance().mapLayers().values()
    return layer


def add_points():
    """The points that were read by eye, except the unclear ones, as a filtered text table."""
    table = CHECKOUT / "tests" / "data" / "olinda_points.csv"
    uri = f"file://{table}?xField=x&yField=y&crs=EPSG:31985&detectTypes=yes"
    layer = QgsVectorLayer(uri, "points read by eye", "delimitedtext")
    layer.setSubsetString("\"confidence\" <> 'unclear'")
    symbol = QgsMarkerSymbol.createSimple(
        {"name": "circle", "color": "#ffffff", "outline_color": "#222222", "size": "2"}
    )
    layer.setRenderer(QgsSingleSymbolRenderer(symbol))
    QgsProject.instance().addMapLayer(layer)
    return layer


def report(map_layer, points):
    """What a person does in the dialog: choose the layers, press Run, close."""
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:accuracyreport")
    window = AlgorithmDialog(algorithm, parent=iface.mainWindow())
    window.resize(1150, 900)
    window.show()
    values = {"MAP": map_layer.id(), "REFERENCE_FEATURES": points.id(), "DESIGN": "simple"}
    window.mainWidget().setParameters(values)
    QApplication.processEvents()
    window.grab().save(os.environ["LULC_DIALOG"])
    window.runButton().click()
    end = time.monotonic() + 60
    while not window.wasExecuted():
        if time.monotonic() > end:
            raise RuntimeError("the report is not done after a minute")
        QApplication.processEvents()
    results = window.results()
    window.close()
    return results


def arrange():
    """Legends at the left; the toolbox and the results viewer at the right."""
    window = iface.mainWindow()
    kept = {}
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() in ("ProcessingToolbox", "ResultsViewer", "Layers"):
            kept[dock.objectName()] = dock
            dock.show()
        else:
            dock.hide()
    for search in kept["ProcessingToolbox"].findChildren(QLineEdit):
        search.setText("accuracy")
    window.resizeDocks([kept["Layers"]], [340], Qt.Orientation.Horizontal)
    right = [kept["ProcessingToolbox"], kept["ResultsViewer"]]
    for dock in right:
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    window.resizeDocks(right, [380, 380], Qt.Orientation.Horizontal)
    iface.layerTreeView().expandAll()


def go():
    """The tour; called once QGIS has started."""
    try:
        iface.mainWindow().showMaximized()
        map_layer = add_map()
        points = add_points()
        results = report(map_layer, points)
        if not Path(results["OUTPUT_HTML"]).is_file():
            raise RuntimeError(f"there is no report: {results}")
        arrange()
        canvas = iface.mapCanvas()
        canvas.setExtent(map_layer.extent())
        canvas.refresh()
        QTimer.singleShot(3000, lambda: Path(os.environ["LULC_READY"]).write_text("ok"))
    except Exception:
        Path(os.environ["LULC_READY"]).write_text(traceback.format_exc())


QTimer.singleShot(3000, go)
