# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:installdependencies`: installs missing packages into a folder of the plugin, when the user asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputFolder,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
)

from .bridge import definitions, parameters, privatepackages
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText


@dataclass(frozen=True)
class _Request:
    """What the user set, and what only QGIS knows."""

    folder: Path
    wheels: Path | None
    only_show: bool
    proxy: str


class InstallDependencies(LulcAlgorithm):
    """Adapter of `lulc_plugin.environment.install`."""

    NAME = "installdependencies"
    TITLE = "Install dependencies"
    GROUP = "setup"
    TAGS = "install,setup,dependencies,packages,missing,onnxruntime,rasterio,pip,wheel,offline,python"
    SUMMARY = "Gets the Python packages that are missing, into a folder of the plugin's own."

    #: It is there for when something is missing.
    REQUIRES = ()

    WHEELS = "WHEELS"
    DRY_RUN = "DRY_RUN"
    INSTALLED = "INSTALLED"
    FOLDER = "FOLDER"
    RESTART = "RESTART"

    RESULTS = (
        (QgsProcessingOutputString, INSTALLED, "Packages that were installed"),
        (QgsProcessingOutputFolder, FOLDER, "Folder of the packages"),
        (QgsProcessingOutputBoolean, RESTART, "QGIS has to be restarted"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        folder = QgsProcessingParameterFile.Behavior.Folder
        label = self.tr("Folder with wheels (.whl)")
        return (
            definitions.explained(
                QgsProcessingParameterFile(self.WHEELS, label, folder, optional=True),
                "For a computer without network: take the packages from this folder and ask nobody. The log of a dry"
                " run says how to fill it.",
            ),
            definitions.explained(
                QgsProcessingParameterBoolean(self.DRY_RUN, self.tr("Only show what would be done"), False),
                "Changes nothing and asks nobody; the log shows the packages and the ways to do it by hand.",
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> _Request:
        wheels = parameters.text(self, values, self.WHEELS, context)
        return _Request(
            privatepackages.parent(),
            Path(wheels) if wheels else None,
            self.parameterAsBool(values, self.DRY_RUN, context),
            privatepackages.proxy(),
        )

    def run_job(
        self, request: _Request, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.environment import install_missing

        result = install_missing(request.folder, progress, request.wheels, request.only_show, request.proxy)
        return {
            self.INSTALLED: ", ".join(result.installed),
            self.FOLDER: str(result.folder),
            self.RESTART: result.restart,
        }

    HELP = HelpText(
        does=(
            (
                "Looks which Python packages are missing (rasterio, onnxruntime, perhaps scipy and Jinja2), installs"
                " those with pip into a folder of the plugin's own in your QGIS profile, and tries them. Nothing that"
                " QGIS or you have installed is touched, above all not numpy. When something fails, everything is as"
                " it was."
            ),
        ),
        needs=(
            (
                "About 70 MB of downloads and 300 MB of disk. This is the only algorithm that uses the network, and"
                " only now."
            ),
            (
                "Folder with wheels",
                "for a computer without network: 'Only show what would be done' tells how to fill one.",
            ),
        ),
        returns=(
            (
                "Packages and folder",
                "what was installed, and where. Deleting the folder undoes it.",
            ),
        ),
        example=(
            "From the network:",
            "qgis_process run lulc:installdependencies",
        ),
        limits=("A broken package elsewhere goes before any copy from here; the message says how to remove it.",),
    )
