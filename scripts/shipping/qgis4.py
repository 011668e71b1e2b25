# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the code run in QGIS 4 (Qt 6, PyQt6) and in QGIS 3.22 (Qt 5) alike? Rules on the syntax tree.

What they rest on: PyQt6 knows enum members only through their enum (`Qt.ItemDataRole.UserRole`), and PyQt5 from 5.11 on
understands that as well. QGIS 3.22 has its own enums both ways; QGIS 4 keeps the long way through the old class even
where an enum moved to `Qgis` (`QgsWkbTypes.GeometryType.PointGeometry` is `Qgis.GeometryType.Point` there; its own
algorithms say `QgsProcessingParameterDefinition.Flag.FlagAdvanced`), while `Qgis.GeometryType` is not in 3.22. QVariant
is the exception: its type names stay as they are in QGIS 4 (`QVariant.Int`), and `QVariant.Type` is gone.
`tests/qgis/test_enums.py` looks every chain up in the QGIS at hand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .names import Origins, dotted, full_name, imported, within

OTHER_BINDINGS = "PyQt4 PyQt5 PyQt6 PySide PySide2 PySide6 sip qtpy".split()
#: Modules of qgis.PyQt that are not in QGIS 4.
GONE_MODULES = "Qt QtWebKit QtWebKitWidgets QtXmlPatterns QtScript".split()
GONE = {
    "QRegExp": "use QRegularExpression",
    "QRegExpValidator": "use QRegularExpressionValidator",
    "QDesktopWidget": "use QGuiApplication.primaryScreen()",
    "QMatrix": "use QTransform",
    "QTextCodec": "use Python's codecs",
    "QStringRef": "use str",
    "QDirModel": "use QFileSystemModel of the version at hand",
    "QGLWidget": "use QOpenGLWidget",
    "qApp": "use QApplication.instance()",
    "Q_ENUMS": "use Q_ENUM",
    "Q_FLAGS": "use Q_FLAG",
    "QMetaType": "fields of QGIS 3.22 take QVariant.Int and alike, and QGIS 4 keeps these names",
}
#: Qt 5 and Qt 6 have these in different modules, and qgis.PyQt does not even it out.
MOVED = (
    "QActionGroup QFileSystemModel QUndoCommand QUndoGroup QUndoStack QSvgWidget QGraphicsSvgItem QOpenGLWidget"
).split()
#: Only in QtWidgets in 3.22; qgis.PyQt.QtWidgets of QGIS 4 has them too.
FROM_WIDGETS = ("QAction", "QShortcut")
RENAMED_MEMBERS = {
    "Qt.MouseButton.MidButton": "Qt.MouseButton.MiddleButton",
    "Qt.ItemDataRole.TextColorRole": "Qt.ItemDataRole.ForegroundRole",
    "Qt.ItemDataRole.BackgroundColorRole": "Qt.ItemDataRole.BackgroundRole",
    "QPainter.RenderHint.HighQualityAntialiasing": "QPainter.RenderHint.Antialiasing",
}
_QGIS = ("qgis.core", "qgis.gui", "qgis.analysis", "qgis.PyQt")
_CLASS = re.compile(r"Q[A-Za-z0-9]+\Z")
_INHERITED = re.compile(r"Flag[A-Z][a-z]|Type(Vector|Raster|MapLayer)")


def objections(tree: ast.AST, known: Origins) -> Iterator[tuple[int, str]]:
    """(line, what one of the two would stumble over)."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imported(node):
                for text in _objections_to_import(name):
                    yield node.lineno, text
        elif isinstance(node, ast.Attribute):
            text = _objection_to_attribute(node)
            if text:
                yield node.lineno, text
        elif isinstance(node, ast.Call) and full_name(node.func, known).endswith("QtCore.QVariant"):
            yield node.lineno, "QVariant(…) is no NULL in QGIS 4: use NULL of qgis.core"
    types = _used_as_types(tree)
    for node, chain in _chains(tree, known):
        text = _objection_to_chain(chain, node in types)
        if text:
            yield node.lineno, text


def enums(tree: ast.AST, known: Origins) -> set[str]:
    """Every `module.Class.Enum.Member` (also `QVariant.Int`) that a file uses, with full names."""
    found = set()
    for _node, chain in _chains(tree, known):
        module, _, rest = _split(chain)
        if rest and rest[0][:1].isupper() and module:
            found.add(chain)
    return found


def _objections_to_import(name: str) -> Iterator[str]:
    if any(within(name, binding) for binding in OTHER_BINDINGS):
        yield f"imports {name}: take it from qgis.PyQt, which is the binding of the QGIS at hand"
        return
    last = name.rpartition(".")[2]
    if last.startswith("resources_rc"):
        yield "compiled resources are gone in Qt 6: load files by their path"
    if last == "*" and within(name, "qgis"):
        yield "a star import hides what is used: name it"
    for module in GONE_MODULES:
        if within(name, f"qgis.PyQt.{module}"):
            yield f"qgis.PyQt.{module} is not in QGIS 4"
            return
    if within(name, "qgis.PyQt"):
        if last in GONE:
            yield f"{last} is not in both: {GONE[last]}"
        elif last in MOVED:
            yield f"{last} lies in another module in Qt 6"
        elif last in FROM_WIDGETS and name.split(".")[-2] != "QtWidgets":
            yield f"{last}: import it from qgis.PyQt.QtWidgets, where QGIS 3.22 and QGIS 4 both have it"


def _objection_to_attribute(node: ast.Attribute) -> str:
    if node.attr in ("exec_", "print_"):
        return f"{node.attr}() is gone in PyQt6: {node.attr[:-1]}()"
    if node.attr == "width" and isinstance(node.value, ast.Call):
        if dotted(node.value.func).rpartition(".")[2] in ("fontMetrics", "QFontMetrics", "QFontMetricsF"):
            return "QFontMetrics.width() is gone in Qt 6: horizontalAdvance()"
    if dotted(node.value) in ("self", "cls") and _INHERITED.match(node.attr):
        return f"{dotted(node)}: name the class and the enum, Class.Enum.{node.attr}"
    return ""


def _chains(tree: ast.AST, known: Origins) -> Iterator[tuple[ast.Attribute, str]]:
    """Every longest `a.b.c` that begins in QGIS or Qt, with its full name."""
    inner = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in inner:
            # a().b.c has no name; what lies below its call is a chain of its own
            name = full_name(node, known)
            if name and any(within(name, module) for module in _QGIS):
                yield node, name


def _split(chain: str) -> tuple[str, str, list[str]]:
    """Module, class and the rest of a full name; the class is empty where there is none."""
    parts = chain.split(".")
    for place, part in enumerate(parts):
        # qgis.PyQt.Qt is a module, QtCore and alike are too; the class Qt comes after one of them
        if place >= 2 and _CLASS.match(part) and (parts[1] != "PyQt" or place >= 3):
            return ".".join(parts[:place]), part, parts[place + 1 :]
    return chain, "", []


def _objection_to_chain(chain: str, as_type: bool) -> str:
    _module, name, rest = _split(chain)
    if not rest or not rest[0][:1].isupper():
        return ""
    short = ".".join([name, *rest])
    if name == "QVariant":
        return f"{short}: QVariant.Type is gone in QGIS 4, QVariant.{rest[-1]} stays" if rest[0] == "Type" else ""
    if short in RENAMED_MEMBERS:
        return f"{short} is gone in Qt 6: {RENAMED_MEMBERS[short]}"
    if len(rest) == 1 and not as_type:
        return f"{short}: PyQt6 wants the enum between, {name}.Enum.{rest[0]}"
    return ""


def _used_as_types(tree: ast.AST) -> set[ast.AST]:
    """Nodes that are called, annotate, or stand in isinstance: classes and enums, not members of enums."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.add(node.func)
            if dotted(node.func) in ("isinstance", "issubclass"):
                found.update(ast.walk(node.args[-1]))
        elif isinstance(node, ast.ClassDef):
            found.update(node.bases)
        for name in ("annotation", "returns"):
            annotation = getattr(node, name, None)
            if isinstance(annotation, ast.AST):
                found.update(ast.walk(annotation))
    return found
