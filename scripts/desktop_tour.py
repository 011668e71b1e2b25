# SPDX-License-Identifier: GPL-3.0-or-later
"""What QGIS does for `scripts/screenshot.sh`: open the scene, run Classify land cover, show the result and the toolbox.

QGIS runs this file with `--code`. It writes "ok", or what went wrong, to the file named by LULC_READY.
"""

import os
import traceback
from pathlib import Path

import processing
from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsMultiBandColorRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
)
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QDockWidget, QLineEdit
from qgis.utils import iface


def open_scene(path):
    """Add the scene in true colour."""
    layer = QgsRasterLayer(path, Path(path).stem)
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 3, 2, 1))
    layer.setContrastEnhancement(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
        QgsRasterMinMaxOrigin.Limits.CumulativeCut,
    )
    QgsProject.instance().addMapLayer(layer)
    return layer


def arrange():
    """Legends open at the left, the Processing Toolbox with our algorithms at the right, nothing else."""
    window = iface.mainWindow()
    for dock in window.findChildren(QDockWidget):
        if dock.objectName() == "ProcessingToolbox":
            dock.show()
            dock.raise_()
            for search in dock.findChildren(QLineEdit):
                search.setText("land cover")
        elif dock.objectName() == "Layers":
            window.resizeDocks([dock], [340], Qt.Orientation.Horizontal)
        else:
            dock.hide()
    iface.layerTreeView().expandAll()


def go():
    """The tour; called once QGIS has started."""
    try:
        iface.mainWindow().showMaximized()
        scene = open_scene(os.environ["LULC_SCENE"])
        if QgsApplication.processingRegistry().algorithmById("lulc:classifylandcover") is None:
            raise RuntimeError("the plugin's algorithms are not in the toolbox")
        parameters = {"INPUT": scene, "BANDS": [3, 2, 1, 4], "OUTPUT": os.environ["LULC_MAP"]}
        processing.runAndLoadResults("lulc:classifylandcover", parameters)
        arrange()
        canvas = iface.mapCanvas()
        canvas.setExtent(scene.extent())
        canvas.refresh()
        QTimer.singleShot(3000, lambda: Path(os.environ["LULC_READY"]).write_text("ok"))
    except Exception:
        Path(os.environ["LULC_READY"]).write_text(traceback.format_exc())


QTimer.singleShot(3000, go)
