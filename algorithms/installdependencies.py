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
    GUIDE = "installation"

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
        label = self.tr("Folder with wheels (.whl), for a computer without network")
        return (
            definitions.explained(
                QgsProcessingParameterFile(self.WHEELS, label, folder, optional=True),
                "Take the packages from this folder and ask nobody. The log of a dry run says how to fill it.",
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
                "Looks which Python packages are missing (rasterio, onnxruntime, and where QGIS does not bring them"
                " scipy and Jinja2), installs those with pip into a folder of the plugin's own in your QGIS"
                " profile, and tries them. After a first installation everything works at once."
            ),
            (
                "Nothing that QGIS or you have installed is touched, above all not numpy: versions are chosen that"
                " suit the numpy that is there, and the folder is the last in which Python looks. When something"
                " fails, everything is as it was. Running it again mends or renews the folder; deleting the"
                " folder undoes it."
            ),
        ),
        needs=(
            (
                "A network, about 70 MB of downloads and 300 MB of disk; the proxy is the one of QGIS's settings"
                " or of pip's. This is the only algorithm that uses the network, and only now."
            ),
            (
                "Folder with wheels",
                (
                    "for a computer without network. Run this once with 'Only show what would be done': the log has"
                    " the command that fills such a folder on any other computer."
                ),
            ),
        ),
        returns=(
            ("Packages that were installed", "with their versions; empty when none was missing."),
            ("Folder of the packages", "one for each version of Python."),
            (
                "QGIS has to be restarted",
                "true when QGIS has loaded packages already that were replaced.",
            ),
        ),
        example=(
            "From the network; with WHEELS=folder from files:",
            "qgis_process run lulc:installdependencies",
        ),
        limits=(
            (
                "A package that is installed elsewhere and broken goes before any copy from here: it has to be"
                " removed first, and the message says how. For a graphics card, install onnxruntime-gpu yourself"
                " before you run this; it is then left alone."
            ),
            (
                "Where a numpy of your own goes before that of QGIS, nothing is installed: it would be chosen for"
                " the wrong numpy. The message names the copy to remove. A numpy that is missing or broken is"
                " repaired together with QGIS, not from here."
            ),
            (
                "With a folder of wheels, none of your own settings of pip counts. Without one, those of the index,"
                " the proxy and certificates do, and those of where to install do not."
            ),
        ),
    )
