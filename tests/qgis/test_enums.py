# SPDX-License-Identifier: GPL-3.0-or-later
"""Every enum that the adapters name exists in the QGIS at hand; the rules for QGIS 4 are tests/engine's."""

import ast
import importlib
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rules(monkeypatch):
    """The rules of packaging; `scripts` is on the path only while they are imported."""
    monkeypatch.syspath_prepend(str(CHECKOUT / "scripts"))
    yield importlib.import_module("shipping.qgis4"), importlib.import_module("shipping.names")
    for name in [name for name in sys.modules if name.partition(".")[0] == "shipping"]:
        del sys.modules[name]


def look_up(chain):
    """What `qgis.core.Qgis.MessageLevel.Info` is, or the first part that does not exist."""
    parts = chain.split(".")
    place = 3 if parts[1] == "PyQt" else 2
    found = importlib.import_module(".".join(parts[:place]))
    for part in parts[place:]:
        if not hasattr(found, part):
            return None, part
        found = getattr(found, part)
    return found, ""


def test_they_are_all_there(rules):
    qgis4, names = rules
    chains = set()
    for path in (CHECKOUT / "algorithms").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        chains |= qgis4.enums(tree, names.origins(tree))
    assert "qgis.core.QgsProcessing.SourceType.TypeVectorPoint" in chains
    assert {chain: lost for chain in sorted(chains) for _, lost in [look_up(chain)] if lost} == {}


def test_what_is_not_there_is_noticed():
    assert look_up("qgis.core.QgsProcessing.SourceType.TypeTeapot") == (None, "TypeTeapot")
    assert look_up("qgis.PyQt.QtCore.Qt.Teapot.Hot") == (None, "Teapot")
    from qgis.PyQt.QtCore import Qt

    assert look_up("qgis.PyQt.QtCore.Qt.ItemDataRole.UserRole") == (Qt.ItemDataRole.UserRole, "")
