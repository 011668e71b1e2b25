# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for code that runs in QGIS 3.22 (Qt 5) and in QGIS 4 (Qt 6)."""

import ast
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))

from shipping import qgis4
from shipping.names import origins


def objections(source: str) -> list[str]:
    tree = ast.parse(source)
    return [text for _line, text in qgis4.objections(tree, origins(tree))]


def enums(source: str) -> set[str]:
    tree = ast.parse(source)
    return qgis4.enums(tree, origins(tree))


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("from PyQt5.QtCore import Qt", "qgis.PyQt"),
        ("from PyQt6 import QtCore", "qgis.PyQt"),
        ("import PySide6.QtWidgets", "qgis.PyQt"),
        ("def f():\n    import PyQt5", "qgis.PyQt"),
        ("import sip", "qgis.PyQt"),
        ("from qgis.PyQt.Qt import Qt", "not in QGIS 4"),
        ("from qgis.PyQt import QtWebKitWidgets", "not in QGIS 4"),
        ("from qgis.PyQt.QtWebKit import QWebSettings", "not in QGIS 4"),
        ("from qgis.core import *", "star"),
        ("from . import resources_rc", None),
        ("import resources_rc", "compiled resources"),
        ("from qgis.PyQt.QtCore import QRegExp", "QRegularExpression"),
        ("from qgis.PyQt.QtWidgets import qApp", "instance()"),
        ("from qgis.PyQt.QtCore import QMetaType", "QVariant.Int"),
        ("from qgis.PyQt.QtGui import QAction", "qgis.PyQt.QtWidgets"),
        ("from qgis.PyQt.QtWidgets import QUndoStack", "another module"),
        ("dialog.exec_()", "exec()"),
        ("self.menu().exec_(point)", "exec()"),
        ("w = self.fontMetrics().width(text)", "horizontalAdvance"),
        ("from qgis.PyQt.QtCore import Qt\nx = Qt.UserRole", "Qt.Enum.UserRole"),
        ("from qgis.PyQt.QtCore import Qt as Q\nx = a | Q.AlignLeft", "Qt.Enum.AlignLeft"),
        ("from qgis.PyQt import QtCore\nx = QtCore.Qt.AlignLeft", "Qt.Enum.AlignLeft"),
        ("import qgis.PyQt.QtCore\nx = qgis.PyQt.QtCore.Qt.AlignLeft", "Qt.Enum.AlignLeft"),
        ("from qgis.PyQt.QtWidgets import QMessageBox\nf(QMessageBox.Yes)", "QMessageBox.Enum.Yes"),
        ("from qgis.core import QgsProcessing\nx = [QgsProcessing.TypeRaster]", "QgsProcessing.Enum.TypeRaster"),
        ("from qgis.core import Qgis\nlog(Qgis.Warning)", "Qgis.Enum.Warning"),
        ("from qgis import core\nx = core.QgsWkbTypes.Point", "QgsWkbTypes.Enum.Point"),
        ("import qgis.core as c\nx = c.QgsWkbTypes.Point", "QgsWkbTypes.Enum.Point"),
        ("class A(B):\n    def f(self):\n        return self.FlagNoThreading", "Class.Enum.FlagNoThreading"),
        ("from qgis.PyQt.QtCore import QVariant\nx = QVariant.Type.Int", "QVariant.Int stays"),
        ("from qgis.PyQt.QtCore import QVariant\nx = QVariant()", "NULL"),
        ("from qgis.PyQt.QtCore import QVariant\nx = QVariant(QVariant.Int)", "NULL"),
        ("from qgis.PyQt.QtCore import Qt\nx = Qt.MouseButton.MidButton", "MiddleButton"),
    ],
)
def test_refused(source: str, word: str | None) -> None:
    found = objections(source)
    if word is None:  # a module of our own with that name imports nothing of Qt
        assert found == []
    else:
        assert len(found) == 1 and word in found[0], found


@pytest.mark.parametrize(
    "source",
    [
        "from qgis.PyQt.QtCore import Qt\nx = Qt.ItemDataRole.UserRole | Qt.AlignmentFlag.AlignLeft",
        "from qgis.PyQt.QtWidgets import QAction\nQAction('x')",
        "from qgis.PyQt import sip\nsip.isdeleted(x)",
        "from qgis.PyQt.QtCore import QVariant\nfields = [QVariant.Int, QVariant.String]",
        "from qgis.core import QgsProcessing\nx = QgsProcessing.SourceType.TypeVectorPoint",
        "from qgis.core import QgsPalettedRasterRenderer\nQgsPalettedRasterRenderer.Class(1, c, 'x')",
        "from qgis.core import QgsWkbTypes\ndef f(a: QgsWkbTypes.Type) -> list[QgsWkbTypes.GeometryType]:\n    pass",
        "from qgis.core import QgsApplication\nQgsApplication.processingRegistry().addProvider(p)",
        "from qgis.core import QgsProject\nQgsProject.instance().writeEntry('a', 'b', 'C')",
        "dialog.exec()",
        "self.FIELD, self.TypeError",
        "class Qt:\n    UserRole = 1\nQt.UserRole",
        "from .mine import Qgs\nQgs.Member",
    ],
)
def test_accepted(source: str) -> None:
    assert objections(source) == []


def test_the_enums_of_a_file() -> None:
    source = (
        "from qgis.PyQt import QtCore\nfrom qgis.core import Qgis, QgsProject\nimport os\n"
        "a = QtCore.Qt.ItemDataRole.UserRole, Qgis.MessageLevel.Info, QtCore.QVariant.Int\n"
        "b = QgsProject.instance(), os.Path.Kind\n"
    )
    assert enums(source) == {
        "qgis.PyQt.QtCore.Qt.ItemDataRole.UserRole",
        "qgis.core.Qgis.MessageLevel.Info",
        "qgis.PyQt.QtCore.QVariant.Int",
    }


def test_the_adapters_use_enums_that_are_found() -> None:
    """Else the test in QGIS that looks each of them up would prove nothing."""
    found = set()
    for path in (CHECKOUT / "algorithms").rglob("*.py"):
        found |= enums(path.read_text(encoding="utf-8"))
    assert "qgis.core.QgsProcessing.SourceType.TypeVectorPoint" in found and len(found) > 10
