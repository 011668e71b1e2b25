# SPDX-License-Identifier: GPL-3.0-or-later
"""Every dialog at the size that QGIS gives it: nothing off screen, and only what most runs need in front."""

import os
import re
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProcessingParameterDefinition, QgsProcessingParameterEnum
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt import sip
from qgis.PyQt.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QScrollArea, QWidget

ADVANCED = QgsProcessingParameterDefinition.Flag.FlagAdvanced
OPTIONAL = " [optional]"
LONGEST_LABEL = 45
MOST_IN_FRONT = {"comparemaps": 6}
MOST_WORDS = 150
ALL = (
    "classifylandcover checklayer stacklayers trainfrompoints suggestsamples accuracyreport samplepoints comparemaps"
    " describemodel importmodel modelinformation loadsample installdependencies checkinstallation"
).split()


@pytest.fixture
def open_dialog(desktop, provider):
    """`open_dialog(name)` → the dialog of an algorithm as QGIS opens it; nothing is resized, nothing expanded."""
    from processing.gui.AlgorithmDialog import AlgorithmDialog

    opened = []

    def start(name):
        window = AlgorithmDialog(QgsApplication.processingRegistry().createAlgorithmById(f"lulc:{name}"))
        window.show()
        QApplication.processEvents()
        opened.append(window)
        return window

    yield start
    for window in opened:
        window.close()
        window.deleteLater()


def photograph(window, name):
    """Keep a picture where LULC_PICTURES names a folder."""
    if os.environ.get("LULC_PICTURES"):
        window.grab().save(str(Path(os.environ["LULC_PICTURES"]) / f"{name}.png"))


def test_all_are_looked_at(provider):
    assert sorted(ALL) == sorted(algorithm.name() for algorithm in provider.algorithms())


@pytest.mark.parametrize("name", ALL)
def test_nothing_lies_off_screen(open_dialog, name):
    window = open_dialog(name)
    photograph(window, name)
    assert window.width() <= 700, "not the size at which QGIS opens it"
    area = window.mainWidget().findChild(QScrollArea)
    bar = area.verticalScrollBar().sizeHint().width()
    assert area.horizontalScrollBar().maximum() == 0
    group = window.mainWidget().findChild(QWidget, "grpAdvanced")
    box = sip.cast(group, QgsCollapsibleGroupBox)
    box.setSaveCollapsedState(False)  # QGIS remembers it for the next dialog
    box.setCollapsed(False)
    QApplication.processEvents()
    photograph(window, f"{name}-advanced")
    room = area.width() - bar - 2 * area.frameWidth()
    assert area.widget().minimumSizeHint().width() <= room, "a vertical bar leaves too little room"


@pytest.mark.parametrize("name", ALL)
def test_labels_and_help_are_short(provider, name):
    algorithm = QgsApplication.processingRegistry().algorithmById(f"lulc:{name}")
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    for definition in algorithm.parameterDefinitions():
        marked = definition.flags() & optional and "widget_wrapper" not in definition.metadata()
        label = definition.description() + (OPTIONAL if marked else "")
        assert len(label) <= LONGEST_LABEL, label
    words = re.sub(r"<[^>]*>", " ", algorithm.shortHelpString()).split()
    assert len(words) <= MOST_WORDS


@pytest.mark.parametrize("name", ALL)
def test_few_parameters_stand_in_front(open_dialog, name):
    algorithm = QgsApplication.processingRegistry().algorithmById(f"lulc:{name}")
    front = [d for d in algorithm.parameterDefinitions() if not d.flags() & ADVANCED and not d.isDestination()]
    assert len(front) <= MOST_IN_FRONT.get(name, 5), [d.name() for d in front]
    order = [bool(d.flags() & ADVANCED) for d in algorithm.parameterDefinitions() if not d.isDestination()]
    assert order == sorted(order), "the advanced ones come last"


def test_what_is_needed_is_not_called_optional(open_dialog):
    labels = [label.text() for label in open_dialog("accuracyreport").mainWidget().findChildren(QLabel)]
    assert {"Reference points or polygons", "Or: a reference raster", "How the reference was chosen"} <= set(labels)
    assert "Field with the class" + OPTIONAL in labels


def test_rare_outputs_stand_below_advanced(open_dialog):
    for name, outputs in {"accuracyreport": ("OUTPUT_CSV", "OUTPUT_JSON"), "describemodel": ("OUTPUT",)}.items():
        window = open_dialog(name)
        group = window.mainWidget().findChild(QWidget, "grpAdvanced")
        for output in outputs:
            wrapper = window.mainWidget().wrappers[output]
            assert group.isAncestorOf(wrapper.wrappedWidget()) and group.isAncestorOf(wrapper.wrappedLabel())
        front = [w for w in window.mainWidget().findChildren(QLineEdit) if not group.isAncestorOf(w)]
        if name == "describemodel":
            assert not [w for w in front if "Skip" in w.placeholderText()], "it writes a file"


def test_choices_read_as_words_and_give_ids(open_dialog):
    """Also when a script's value, its number, or a setting of before is put into the dialog."""
    from qgis.core import QgsProcessingContext

    wrapper = open_dialog("accuracyreport").mainWidget().wrappers["DESIGN"]
    box = wrapper.wrappedWidget()
    assert isinstance(box, QComboBox) and box.itemText(0) == "Automatic"
    assert wrapper.parameterValue() == "auto"
    for value, wanted in (("stratified", "stratified"), (2, "simple"), ("nonsense", "auto"), (None, "auto")):
        wrapper.setParameterValue(value, QgsProcessingContext())
        assert wrapper.parameterValue() == wanted
    box.setCurrentIndex(box.findText("Polygons at random"))
    assert wrapper.parameterValue() == "polygons"


def test_every_choice_has_words(provider):
    """But networks of the user's own, which have only their name."""
    for algorithm in provider.algorithms():
        for definition in algorithm.parameterDefinitions():
            if isinstance(definition, QgsProcessingParameterEnum):
                words = definition.metadata()["widget_wrapper"]["words"]
                assert set(words) == set(definition.options())
                assert not [w for name, w in words.items() if w == name], (algorithm.name(), words)
                assert max(map(len, words.values())) <= 50


def test_a_batch_shows_the_words(desktop, provider):
    from processing.gui.BatchAlgorithmDialog import BatchAlgorithmDialog

    window = BatchAlgorithmDialog(QgsApplication.processingRegistry().createAlgorithmById("lulc:classifylandcover"))
    window.show()
    panel = window.mainWidget()
    try:
        wrapper = panel.wrappers[0][panel.parameter_to_column["VALUES"]]
        assert wrapper.wrappedWidget().currentText() == "Automatic" and wrapper.parameterValue() == "auto"
    finally:
        window.close()
        window.deleteLater()


def test_a_step_of_a_model_keeps_the_widgets_of_qgis(desktop, provider):
    """They can take values from other steps."""
    from processing.modeler.ModelerParametersDialog import ModelerParametersDialog
    from qgis.core import QgsProcessingModelAlgorithm
    from qgis.gui import QgsProcessingModelerParameterWidget

    algorithm = QgsApplication.processingRegistry().createAlgorithmById("lulc:classifylandcover")
    step = ModelerParametersDialog(algorithm, QgsProcessingModelAlgorithm("m", "g"))
    try:
        for name in ("MODEL", "VALUES", "SMOOTHING"):
            assert isinstance(step.widget.widget.wrappers[name], QgsProcessingModelerParameterWidget)
        assert step.createAlgorithm().parameterSources()["MODEL"][0].staticValue() == "auto"
    finally:
        step.close()
        step.deleteLater()
