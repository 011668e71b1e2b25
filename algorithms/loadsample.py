# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:loadsample`: opens a copy of the sample image that comes with the plugin."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition

from ..lulc_plugin.errors import LulcError
from .bridge import definitions, loadedlayers
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

SAMPLE = Path(__file__).resolve().parents[1] / "resources" / "sample" / "sentinel2-brazil.tif"
#: Bands of the sample that the eye sees: red, green, blue.
VISIBLE = (3, 2, 1)
#: The plugin's folder, and what an update replaces in it; in a checkout more lies there, such as build/.
PLUGIN = SAMPLE.parents[2]
UPDATED = ("algorithms", "docs", "lulc_plugin", "models", "resources")
#: Endings of files in which GDAL keeps statistics, a mask and overviews of the raster beside them.
BESIDE = (".aux.xml", ".msk", ".ovr")


def _in_plugin(target: Path) -> bool:
    return target.parent == PLUGIN or any(PLUGIN / name in target.parents for name in UPDATED)


class LoadSample(LulcAlgorithm):
    """Copies the sample image out of the plugin folder and loads the copy."""

    NAME = "loadsample"
    TITLE = "Load sample image"
    GROUP = "setup"
    TAGS = "sample,example,demo,test data,image,sentinel,first,start,tutorial,try"
    SUMMARY = "Opens a small satellite image that comes with the plugin, to try the other algorithms on."

    #: It is a newcomer's first step, also where packages are missing.
    REQUIRES = ()

    OUTPUT = "OUTPUT"

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        hint = "Where the copy goes: a name ending in .tif. A temporary file is gone when QGIS is closed."
        return (definitions.map_to_write(self.OUTPUT, "Sample image", hint),)

    def parse(self, values: Parameters, context: QgsProcessingContext) -> None:
        if not os.path.isfile(SAMPLE):
            raise LulcError(
                self.tr("The plugin's sample image {path} is missing.").format(path=SAMPLE),
                self.tr("Install the plugin again."),
            )

    def run_job(
        self, job: None, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        output = self.parameterAsOutputLayer(values, self.OUTPUT, context)
        self._copy(Path(output))
        name = self.tr("Sample: Sentinel-2, Brazil")
        loadedlayers.appear_as(context, output, self.label(self.OUTPUT), name, loadedlayers.true_colour(*VISIBLE))
        progress.report(100)
        progress.log(self.tr("The image is {path}.").format(path=output))
        progress.log(
            self.tr(
                "A reservoir's shore, woods and fields at the border of São Paulo and Paraná, Brazil; Sentinel-2, 10 m,"
                " bands blue, green, red, nir, swir16. Contains modified Copernicus Sentinel data 2021-2023; from"
                " microsoft/satclip, MIT License."
            )
        )
        progress.log(
            self.tr(
                'Next: open Classify land cover, choose the layer "{layer}" as image, and press Run. Nothing else has'
                " to be set."
            ).format(layer=name)
        )
        return {self.OUTPUT: output}

    def _copy(self, target: Path) -> None:
        """The sample as `target`, whole or not at all.

        Raises:
            LulcError: `target` cannot be written, or would not stay what it is.
        """
        if target.suffix.lower() not in (".tif", ".tiff"):
            raise LulcError(
                self.tr("OUTPUT is {path}, but the sample is a GeoTIFF.").format(path=target),
                self.tr("Give a name ending in .tif."),
            )
        if _in_plugin(target.resolve()):
            raise LulcError(
                self.tr("{path} lies in the plugin's own folder, which every update empties.").format(path=target),
                self.tr("Choose another place."),
            )
        if not os.path.isdir(target.parent):
            raise LulcError(
                self.tr("The folder {folder} does not exist.").format(folder=target.parent),
                self.tr("Create it, or choose another place."),
            )
        from ..lulc_plugin.atomic_write import write_whole

        sample = SAMPLE.read_bytes()
        if os.path.isfile(target) and target.stat().st_size == len(sample) and target.read_bytes() == sample:
            return  # it is there already, perhaps as a layer that is open
        for beside in (*(target.with_name(target.name + ending) for ending in BESIDE), target.with_suffix(".qml")):
            if os.path.lexists(beside):
                raise LulcError(
                    self.tr("{path} belongs to another raster, and QGIS would read it as part of the sample.").format(
                        path=beside
                    ),
                    self.tr("Choose another name, or remove that file."),
                )
        try:
            write_whole(target, sample)
        except OSError as error:
            raise LulcError(
                self.tr("{path} cannot be written: {reason}.").format(path=target, reason=error.strerror or error),
                self.tr("Choose another place; if a layer of this name is open, remove it first."),
            ) from error

    HELP = HelpText(
        does=(
            (
                "Copies a small Sentinel-2 image that comes with the plugin to a place of yours and opens it in true"
                " colour."
            ),
            "Next: open Classify land cover, choose this layer, and press Run. Nothing else has to be set.",
        ),
        needs=("Nothing: no network connection, and no packages besides QGIS.",),
        returns=(
            (
                "Sample image",
                (
                    "a GeoTIFF of 256 × 160 pixels of 10 m with the bands blue, green, red, nir and swir16 as surface"
                    " reflectance."
                ),
            ),
        ),
        example=(
            "The image, and a map of it:",
            (
                "qgis_process run lulc:loadsample -- OUTPUT=sample.tif; qgis_process run lulc:classifylandcover --"
                " INPUT=sample.tif OUTPUT=map.tif"
            ),
        ),
        limits=(
            "It shows how things work, not how well: the bundled networks have seen this image in training.",
            (
                "Contains modified Copernicus Sentinel data 2021-2023; from microsoft/satclip, Copyright (c)"
                " Microsoft Corporation, MIT License."
            ),
        ),
    )
