# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:checkinstallation`: checks packages, devices, networks and folders, and says how to repair what fails."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
)

from ..lulc_plugin.options import QGIS
from .bridge import definitions, privatepackages, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText


class CheckInstallation(LulcAlgorithm):
    """Adapter of `lulc_plugin.environment`."""

    NAME = "checkinstallation"
    TITLE = "Check installation"
    GROUP = "setup"
    TAGS = "installation,setup,check,diagnose,problem,missing,onnxruntime,rasterio,numpy,gpu,cuda,openvino,device"
    SUMMARY = "Looks whether everything is there that the other algorithms need, and says how to get the rest."

    #: It has to run above all where something is missing.
    REQUIRES = ()

    OUTPUT_HTML = "OUTPUT_HTML"
    REPORT = "REPORT"
    FAILED = "FAILED"
    WARNINGS = "WARNINGS"

    RESULTS = (
        (QgsProcessingOutputString, REPORT, "Report as JSON"),
        (QgsProcessingOutputNumber, FAILED, "Checks that failed"),
        (QgsProcessingOutputNumber, WARNINGS, "Checks with a warning"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        hint = "The same lines as in the log, as a page."
        return (definitions.file_to_write(self.OUTPUT_HTML, "Report", "HTML files (*.html)", hint),)

    def parse(self, values: Parameters, context: QgsProcessingContext) -> Path:
        return settings.models_folder()

    def run_job(
        self, folder: Path, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.environment import HEADINGS, check_installation, installation_json, verdict
        from ..lulc_plugin.findings import ERROR, WARNING, count
        from ..lulc_plugin.report import check_page

        output = self.parameterAsFileOutput(values, self.OUTPUT_HTML, context)
        findings = check_installation(folder, _host(), progress, privatepackages.parent())
        failed, warned = count(findings, ERROR), count(findings, WARNING)
        (progress.warn if failed or warned else progress.log)(verdict(findings))
        results: Parameters = {
            self.REPORT: installation_json(findings, QGIS),
            self.FAILED: failed,
            self.WARNINGS: warned,
        }
        if output:
            date = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
            check_page.write_installation_page(Path(output), findings, HEADINGS, verdict(findings), date, QGIS)
            results[self.OUTPUT_HTML] = output
        return results

    HELP = HelpText(
        does=(
            (
                "Goes through everything that the other algorithms rely on: Python and its packages, GDAL and PROJ,"
                " devices, networks and folders. Things are not only looked up but tried: a point is transformed, a"
                " map is written and read back, a network is run."
            ),
            "Each line says OK, WARN (works, with a drawback) or FAIL, and what to do.",
        ),
        needs=("Nothing. It also runs where packages are missing or broken.",),
        returns=(
            (
                "Report",
                "the lines as a page; attach it when you report a problem.",
            ),
            (
                "Report as JSON",
                "the same for scripts.",
            ),
        ),
        example=(
            "Everything, as text:",
            "qgis_process run lulc:checkinstallation",
        ),
        limits=(
            (
                "It looks at this computer only and asks nobody on the network. A failed check does not make the"
                " algorithm fail."
            ),
        ),
    )


def _host() -> tuple[tuple[str, str], ...]:
    """QGIS, and the GDAL and PROJ that it brings: rasterio may have others."""
    versions = [("QGIS", Qgis.version())]
    for title, name in (("GDAL of QGIS", "gdalVersion"), ("PROJ of QGIS", "projVersion")):
        version = getattr(Qgis, name, None)
        if version is not None:
            versions.append((title, str(version())))
    if len(versions) == 1:
        from osgeo import gdal  # part of every QGIS

        versions.append(("GDAL of QGIS", str(gdal.VersionInfo("RELEASE_NAME"))))
    return tuple(versions)
