# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:stacklayers`: puts all bands of several raster layers into one image on one grid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterMultipleLayers,
)

from ..lulc_plugin.errors import LulcError
from ..lulc_plugin.scenes import RESAMPLING
from .bridge import definitions, layers, parameters
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

if TYPE_CHECKING:
    from ..lulc_plugin.scenes import StackJob


RESAMPLING_WORDS = {
    "auto": "Automatic",
    "nearest": "Nearest pixel",
    "bilinear": "Bilinear",
    "mean": "Mean of the pixels",
}


class StackLayers(LulcAlgorithm):
    """Adapter of `lulc_plugin.scenes`."""

    NAME = "stacklayers"
    TITLE = "Stack layers"
    GROUP = "ownclasses"
    TAGS = "stack,merge,bands,composite,layer stack,vrt,multi-temporal,resample,align"
    SUMMARY = "Puts all bands of several rasters into one image, with their names, on one grid."
    REQUIRES = ("numpy", "rasterio")

    LAYERS = "LAYERS"
    GRID = "GRID"
    RESAMPLING = "RESAMPLING"
    OUTPUT = "OUTPUT"
    BANDS = "BANDS"

    RESULTS = ((QgsProcessingOutputNumber, BANDS, "Number of bands"),)

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.explained(
                QgsProcessingParameterMultipleLayers(
                    self.LAYERS, self.tr("Layers, in the order of the stack"), QgsProcessing.SourceType.TypeRaster
                ),
                "Any rasters with all their bands: a second date, elevation, radar, an embedding.",
            ),
            definitions.raster(
                self.GRID,
                "Layer whose pixels count",
                "The stack has its pixels. Empty: the first one. The others are warped to it where they lie on"
                " another grid.",
                optional=True,
            ),
            definitions.choice(
                self.RESAMPLING,
                "Resampling",
                RESAMPLING,
                RESAMPLING_WORDS,
                "Automatic: mean where pixels are finer than the grid's, bilinear where they are coarser, nearest"
                " for class"
                " maps.",
            ),
            definitions.map_to_write(
                self.OUTPUT, "Stack", "A .vrt refers to the layers and takes no room; a .tif holds their pixels."
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> StackJob:
        from ..lulc_plugin.scenes import StackJob

        chosen = self.parameterAsLayerList(values, self.LAYERS, context)
        if not chosen:
            raise LulcError(self.tr("LAYERS is empty."), self.tr("Tick one or more raster layers."))
        grid = parameters.raster_layer(self, values, self.GRID, context)
        return StackJob(
            tuple(layers.image_input(layer) for layer in chosen),
            None if grid is None else layers.image_input(grid),
            self.parameterAsEnumString(values, self.RESAMPLING, context) or RESAMPLING[0],
        )

    def run_job(
        self, job: StackJob, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.scenes import stack_layers

        output = self.parameterAsOutputLayer(values, self.OUTPUT, context)
        result = stack_layers(job, output, progress)
        for number, band in enumerate(result.bands, 1):
            progress.log(
                self.tr("{number}: {name}, band {band} of {layer}").format(
                    number=number, name=band.name, band=band.band, layer=band.layer
                )
            )
        return {self.OUTPUT: output, self.BANDS: len(result.bands)}

    HELP = HelpText(
        does=(
            (
                "Puts all bands of several raster layers into one image, for Train classes from points or any other"
                " tool. Names, wavelengths, scale, offset and nodata values are kept; a name that occurs twice gets"
                " that of its layer."
            ),
        ),
        needs=(
            (
                "Layers",
                "any number of rasters of any grid and coordinate system that overlap.",
            ),
            (
                "Layer whose pixels count",
                "decides pixel size, extent and coordinate system; choose the sharpest optical image.",
            ),
        ),
        returns=(
            (
                "Stack",
                (
                    "a .vrt refers to the layers: it is made at once, and moves only together with them. A .tif holds"
                    " the pixels, in one number type and with one nodata value."
                ),
            ),
        ),
        example=(
            "Two dates and elevation:",
            (
                "qgis_process run lulc:stacklayers -- LAYERS=june.tif LAYERS=september.tif LAYERS=dem.tif"
                " OUTPUT=stack.vrt"
            ),
        ),
        limits=("A stack has at most 1,024 bands.",),
    )
