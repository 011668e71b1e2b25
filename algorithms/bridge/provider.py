# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider "Land Cover Classifier" of the Processing Toolbox: the list of its algorithms."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ...lulc_plugin.provenance import plugin_version
from ..accuracyreport import AccuracyReport
from ..checkinstallation import CheckInstallation
from ..checklayer import CheckLayer
from ..classifylandcover import ClassifyLandCover
from ..comparemaps import CompareMaps
from ..describemodel import DescribeModel
from ..importmodel import ImportModel
from ..installdependencies import InstallDependencies
from ..loadsample import LoadSample
from ..modelinformation import ModelInformation
from ..samplepoints import SamplePoints
from ..stacklayers import StackLayers
from ..suggestsamples import SuggestSamples
from ..trainfrompoints import TrainFromPoints
from .translation import tr

ICON = Path(__file__).resolve().parents[2] / "resources" / "icons" / "landcover.svg"
#: Every algorithm, in the order of the guide; a new one is added here.
ALGORITHMS = (
    ClassifyLandCover,
    CheckLayer,
    StackLayers,
    TrainFromPoints,
    SuggestSamples,
    AccuracyReport,
    SamplePoints,
    CompareMaps,
    DescribeModel,
    ImportModel,
    ModelInformation,
    LoadSample,
    InstallDependencies,
    CheckInstallation,
)


class LulcProvider(QgsProcessingProvider):
    """Registers every algorithm, also those that cannot run yet: they say what is missing."""

    def loadAlgorithms(self) -> None:
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())

    def id(self) -> str:
        return "lulc"

    def name(self) -> str:
        return tr("Land Cover Classifier")

    def longName(self) -> str:
        return f"{self.name()} {plugin_version()}"

    def versionInfo(self) -> str:
        return plugin_version()

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def svgIconPath(self) -> str:
        return str(ICON)

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        return ["tif", "vrt"]

    def defaultRasterFileExtension(self) -> str:
        return "tif"
