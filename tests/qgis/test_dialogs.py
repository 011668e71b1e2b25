# SPDX-License-Identifier: GPL-3.0-or-later
"""The algorithm's dialogs as a user works with them: bands by hand, one run, a batch of three."""

import time

import numpy as np
import pytest
from qgis.core import QgsApplication, QgsProcessingContext, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QModelIndex, Qt
from qgis.PyQt.QtWidgets import QAbstractItemView, QApplication, QDialogButtonBox, QLineEdit, QListView, QToolButton


@pytest.fixture
def dialog(desktop, algorithm):
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    window = AlgorithmDialog(algorithm)
    window.show()
    yield window
    window.close()
    window.deleteLater()


def wait_for(done, seconds=30):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "still not done"
        QApplication.processEvents()


def move(view, row, to):
    """What dragging a row of a list to another place does to its model (no mouse on the offscreen platform)."""
    assert view.dragDropMode() == QAbstractItemView.DragDropMode.InternalMove and view.dragEnabled()
    model = view.model()
    assert model.flags(model.index(row, 0)) & Qt.ItemFlag.ItemIsDragEnabled
    data = model.mimeData([model.index(row, 0)])
    assert model.dropMimeData(data, Qt.DropAction.MoveAction, to, 0, QModelIndex())
    model.removeRow(row if row < to else row + 1)


def test_bands_by_hand(dialog, unnamed_image, network, tmp_path, read, expected):
    """Tick four bands, drag them into the model's order 3, 2, 1, 4, and run."""
    layer = QgsRasterLayer(unnamed_image, "six bands")
    QgsProject.instance().addMapLayer(layer)
    output = str(tmp_path / "map.tif")
    dialog.mainWidget().setParameters({"INPUT": layer.id(), "MODEL_FILE": network, "OUTPUT": output})

    wrapper = dialog.mainWidget().wrappers["BANDS"]
    field = wrapper.wrappedWidget()
    field.findChild(QToolButton).click()
    (view,) = (v for v in dialog.findChildren(QListView) if v.objectName() == "mSelectionList")
    panel, items = view.parent(), view.model()
    for row in range(4):
        items.item(row).setCheckState(Qt.CheckState.Checked)
    move(view, 2, 0)  # 3 1 2 4 5 6
    move(view, 2, 1)  # 3 2 1 4 5 6
    assert [items.item(row).text()[:6] for row in range(4)] == ["Band 3", "Band 2", "Band 1", "Band 4"]
    panel.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click()
    assert field.findChild(QLineEdit).text() in ("4 bands selected", "4 band(s) selected")  # 3.22, later ones
    assert wrapper.parameterValue() == [3, 2, 1, 4]

    dialog.runButton().click()
    wait_for(dialog.wasExecuted)
    assert np.array_equal(read(output), expected(read(unnamed_image, [3, 2, 1, 4])))


def test_dialog_loads_the_map(dialog, image, network, tmp_path):
    layer = QgsRasterLayer(image, "my scene")
    QgsProject.instance().addMapLayer(layer)
    output = str(tmp_path / "map.tif")
    dialog.mainWidget().setParameters({"INPUT": layer.id(), "MODEL_FILE": network, "OUTPUT": output})
    dialog.runButton().click()
    wait_for(dialog.wasExecuted)
    (loaded,) = QgsProject.instance().mapLayersByName("Land cover – my scene")
    assert loaded.renderer().type() == "paletted"
    assert [c.label for c in loaded.renderer().classes()][0] == "Water"
    assert dialog.results()["PIXELS"] == 150 * 120


def test_batch_of_three(desktop, algorithm, make_raster, network, tmp_path):
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    window = BatchAlgorithmDialog(algorithm)
    window.show()  # since 3.24 a batch whose window is not shown deletes the window before the last row is done
    panel = window.mainWidget()
    column = panel.parameter_to_column
    outputs = []
    for row, name in enumerate(("first", "second", "third")):
        if row:
            panel.addRow()
        panel.wrappers[row][column["INPUT"]].setWidgetValue(make_raster(f"{name}.tif"), QgsProcessingContext())
        panel.wrappers[row][column["MODEL_FILE"]].setWidgetValue(network, QgsProcessingContext())
        outputs.append(tmp_path / f"{name}-map.tif")
        # row 0 of the table is "Autofill"
        panel.tblParameters.cellWidget(row + 1, column["OUTPUT"]).setValue(str(outputs[-1]))
    panel.checkLoadLayersOnCompletion.setChecked(True)
    window.runAlgorithm()
    wait_for(window.runButton().isEnabled)  # since 3.24 the rows run in the background

    assert all(path.exists() for path in outputs)
    layers = QgsProject.instance().mapLayers().values()
    assert sorted(layer.name() for layer in layers) == [f"Land cover – {name}" for name in ("first", "second", "third")]
    assert all(len(layer.renderer().classes()) == 3 for layer in layers)
    window.close()
    window.deleteLater()


def test_a_band_that_is_not_set_is_the_one_that_is_shown(desktop, make_raster):
    """The dialog leaves the band open; the report then takes what the layer shows."""
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    report = QgsApplication.processingRegistry().createAlgorithmById("lulc:accuracyreport")
    path = make_raster("stack.tif", np.ones((2, 9, 9), np.uint8), names=None)
    layer = QgsRasterLayer(path, "stack")
    QgsProject.instance().addMapLayer(layer)
    window = AlgorithmDialog(report)
    try:
        window.mainWidget().setParameters({"MAP": layer.id()})
        assert window.mainWidget().wrappers["BAND"].parameterValue() is None
    finally:
        window.close()
        window.deleteLater()
