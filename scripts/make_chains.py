# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the example chains of the graphical modeler (resources/chains/*.model3), with QGIS's own classes.

    QT_QPA_PLATFORM=offscreen .venv/bin/python -P scripts/make_chains.py [FOLDER]

Run it with QGIS's Python after a parameter of a chained algorithm has changed; a test compares what it writes with what
is in resources/chains.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

os.environ["QT_HASH_SEED"] = "0"  # read when Qt starts; without it the attributes stand in another order each time

from qgis.core import (
    QgsApplication,
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterBand,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterRasterLayer,
)
from qgis.PyQt.QtCore import QPointF, QSizeF

CHECKOUT = Path(__file__).resolve().parents[1]
DESIGNS = ["auto", "census", "simple", "stratified", "polygons", "descriptive"]
HELP = {
    "ALG_DESC": (
        "Classifies an image with the bundled network that fits it, and compares the map with a reference. The report"
        " opens from the results viewer. Open this model in the graphical modeler to change a step."
    ),
    "ALG_CREATOR": "Land Cover Classifier contributors",
    "INPUT": "A raster layer with the bands that the network wants.",
    "BANDS": "Only when the bands have no names: tick them in the order red, green, blue, near infrared.",
    "REFERENCE": "Either this raster or the reference points or polygons, not both.",
    "REFERENCE_FEATURES": "Either these points or polygons or the reference raster, not both.",
    "FIELD": "Holds values or names of classes; empty takes ref_class.",
    "CLASS_TABLE_FILE": "A CSV file with the columns map,reference when the legends differ.",
    "DESIGN": "How the reference was chosen; the help of Accuracy report explains each.",
}


def classify_and_assess() -> QgsProcessingModelAlgorithm:
    """Classify land cover → Accuracy report."""
    points_or_polygons = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
    any_field = QgsProcessingParameterField.DataType.Any
    model = QgsProcessingModelAlgorithm("Classify and assess", "Land cover")
    model.setHelpContent(HELP)
    _add_parameters(
        model,
        (
            QgsProcessingParameterRasterLayer("INPUT", "Image to classify"),
            QgsProcessingParameterBand("BANDS", "Bands, in the network's order", None, "INPUT", True, True),
            QgsProcessingParameterRasterLayer("REFERENCE", "Reference: a raster", None, True),
            QgsProcessingParameterFeatureSource(
                "REFERENCE_FEATURES", "Reference: points or polygons", points_or_polygons, None, True
            ),
            QgsProcessingParameterField("FIELD", "Field", None, "REFERENCE_FEATURES", any_field, False, True),
            QgsProcessingParameterFile("CLASS_TABLE_FILE", "Class table", extension="csv", optional=True),
            QgsProcessingParameterEnum(
                "DESIGN", "How the reference was chosen", DESIGNS, False, DESIGNS[0], True, True
            ),
        ),
    )
    model.addChildAlgorithm(
        _step(
            "lulc:classifylandcover",
            "classify",
            "Classify land cover",
            QPointF(440, 120),
            {
                **{name: _parameter(name) for name in ("INPUT", "BANDS")},
                "MODEL": QgsProcessingModelChildParameterSource.fromStaticValue("auto"),
            },
            {"OUTPUT": "Land cover"},
        )
    )
    names = ("REFERENCE", "REFERENCE_FEATURES", "FIELD", "CLASS_TABLE_FILE", "DESIGN")
    model.addChildAlgorithm(
        _step(
            "lulc:accuracyreport",
            "assess",
            "Accuracy report",
            QPointF(740, 320),
            {
                "MAP": QgsProcessingModelChildParameterSource.fromChildOutput("classify", "OUTPUT"),
                **{name: _parameter(name) for name in names},
                "CONFIDENCE_LEVEL": QgsProcessingModelChildParameterSource.fromStaticValue(0.95),
            },
            {"OUTPUT_HTML": "Report"},
        )
    )
    return model


OWN_HELP = {
    "ALG_DESC": (
        "Trains classes of your own from points or polygons, maps them, and suggests where more samples would help."
        " Label the suggestions, add them to the samples, and run it again."
    ),
    "ALG_CREATOR": "Land Cover Classifier contributors",
    "INPUT": "Any raster with any number of bands; put several into one with Stack layers.",
    "SAMPLES": "Points or polygons with a class, ten or more of each class.",
    "FIELD": "Holds values or names of classes; empty takes ref_class.",
}


def own_classes() -> QgsProcessingModelAlgorithm:
    """Train classes from points → Classify land cover → Suggest samples."""
    points_or_polygons = [QgsProcessing.SourceType.TypeVectorPoint, QgsProcessing.SourceType.TypeVectorPolygon]
    any_field = QgsProcessingParameterField.DataType.Any
    model = QgsProcessingModelAlgorithm("Own classes", "Land cover")
    model.setHelpContent(OWN_HELP)
    _add_parameters(
        model,
        (
            QgsProcessingParameterRasterLayer("INPUT", "Image"),
            QgsProcessingParameterFeatureSource("SAMPLES", "Samples: points or polygons", points_or_polygons),
            QgsProcessingParameterField("FIELD", "Field with the class", None, "SAMPLES", any_field, False, True),
        ),
    )
    value = QgsProcessingModelChildParameterSource.fromStaticValue
    network = QgsProcessingModelChildParameterSource.fromChildOutput("train", "OUTPUT_MODEL")
    train = {name: _parameter(name) for name in ("INPUT", "SAMPLES", "FIELD")}
    model.addChildAlgorithm(
        _step(
            "lulc:trainfrompoints",
            "train",
            "Train classes from points",
            QPointF(440, 120),
            {**train, "NETWORK": value("auto"), "SMOOTHING": value("auto"), "MAX_PIXELS_PER_CLASS": value(500)},
            {"OUTPUT_MODEL": "Network", "OUTPUT_HTML": "Report"},
        )
    )
    model.addChildAlgorithm(
        _step(
            "lulc:classifylandcover",
            "classify",
            "Classify land cover",
            QPointF(740, 280),
            {"INPUT": _parameter("INPUT"), "MODEL": value("auto"), "MODEL_FILE": network},
            {"OUTPUT": "Land cover"},
        )
    )
    model.addChildAlgorithm(
        _step(
            "lulc:suggestsamples",
            "suggest",
            "Suggest samples",
            QPointF(740, 480),
            {**train, "MODEL": value("auto"), "MODEL_FILE": network, "N": value(20)},
            {"OUTPUT": "Suggested samples"},
        )
    )
    return model


CHAINS = {"classify_and_assess": classify_and_assess, "own_classes": own_classes}


def _add_parameters(model: QgsProcessingModelAlgorithm, parameters: Iterable[QgsProcessingParameterDefinition]) -> None:
    for row, parameter in enumerate(parameters):
        component = QgsProcessingModelParameter(parameter.name())
        component.setPosition(QPointF(140, 80 + 80 * row))
        model.addModelParameter(parameter, component)


def _parameter(name: str) -> QgsProcessingModelChildParameterSource:
    return QgsProcessingModelChildParameterSource.fromModelParameter(name)


def _step(
    algorithm: str,
    name: str,
    title: str,
    place: QPointF,
    sources: dict[str, QgsProcessingModelChildParameterSource],
    results: dict[str, str],
) -> QgsProcessingModelChildAlgorithm:
    child = QgsProcessingModelChildAlgorithm(algorithm)
    if child.algorithm() is None:
        raise SystemExit(f"{algorithm} is not registered.")
    child.setChildId(name)
    child.setDescription(title)
    child.setPosition(place)
    child.setSize(QSizeF(200, 60))
    for parameter, source in sources.items():
        child.addParameterSources(parameter, [source])
    outputs = {}
    for row, (output, label) in enumerate(results.items()):
        final = QgsProcessingModelOutput(label, label)
        final.setChildId(name)
        final.setChildOutputName(output)
        final.setPosition(place + QPointF(240, 90 + 60 * row))
        outputs[label] = final
    child.setModelOutputs(outputs)
    return child


def main(folder: Path) -> None:
    """Register the plugin's algorithms as QGIS does, write the chains."""
    application = QgsApplication([], False)
    application.initQgis()
    with tempfile.TemporaryDirectory() as plugins:
        (Path(plugins) / "landcover_classifier").symlink_to(CHECKOUT)
        sys.path.insert(0, plugins)
        import landcover_classifier

        plugin = landcover_classifier.classFactory(None)
        plugin.initProcessing()
        for name, chain in CHAINS.items():
            path = folder / f"{name}.model3"
            if not chain().toFile(str(path)):
                raise SystemExit(f"{path} cannot be written.")
            print(path)
        plugin.unload()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT / "resources" / "chains")
