# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:classifylandcover`: classifies a raster layer with a network, and shows the land-cover map with its legend."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
)

from ..lulc_plugin.classify import AUTO, DEVICES, NODATA_POLICIES, RESAMPLE, VALUES, ClassifyJob
from ..lulc_plugin.provenance import plugin_version
from ..lulc_plugin.raster import RasterInput
from .bridge import definitions, layers, loadedlayers, parameters, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL, MODEL_FILE
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText

if TYPE_CHECKING:
    from ..lulc_plugin.classify import ClassifyResult

_HECTARE = 10_000.0


class ClassifyLandCover(LulcAlgorithm):
    """Adapter of `lulc_plugin.classify`."""

    NAME = "classifylandcover"
    TITLE = "Classify land cover"
    GROUP = "classification"
    TAGS = "land cover,land use,lulc,classify,segmentation,deep learning,network,onnx,sentinel,landsat,satellite"
    SUMMARY = "Turns a satellite or aerial image into a land-cover map with a neural network."

    INPUT = "INPUT"
    BANDS = "BANDS"
    EXTENT = "EXTENT"
    OUTPUT = "OUTPUT"
    OVERLAP = "OVERLAP"
    WINDOW = "WINDOW"
    BATCH_SIZE = "BATCH_SIZE"
    NODATA_POLICY = "NODATA_POLICY"
    STATISTICS_FROM = "STATISTICS_FROM"
    VALUES = "VALUES"
    RESAMPLE = "RESAMPLE"
    SMOOTHING = "SMOOTHING"
    DEVICE = "DEVICE"
    PROVIDER = "PROVIDER"
    CLASSES = "CLASSES"
    DEVICE_USED = "DEVICE_USED"
    PIXELS = "PIXELS"

    RESULTS = (
        (QgsProcessingOutputString, CLASSES, "Classes as JSON: value, name, pixels, hectares"),
        (QgsProcessingOutputString, DEVICE_USED, "Device on which the network ran"),
        (QgsProcessingOutputNumber, PIXELS, "Pixels that got a class"),
    )

    def inputs(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.raster(
                self.INPUT, "Image to classify", "A raster layer with the bands that the model wants, in any order."
            ),
            definitions.model(),
            definitions.bands(self.BANDS, self.INPUT),
            definitions.extent(
                self.EXTENT, "Grows outwards to whole pixels of the image; may be in another coordinate system."
            ),
            definitions.map_to_write(
                self.OUTPUT, "Land cover", "A GeoTIFF, name ending in .tif, in a folder that exists."
            ),
            *definitions.advanced(
                definitions.model_file(), *self._about_values(), *self._about_windows(), *self._about_devices()
            ),
        )

    def _about_values(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.choice(
                self.VALUES,
                "Values: what the numbers are",
                VALUES,
                definitions.VALUES_WORDS,
                "Surface reflectance is 0 to 1 or times 10,000. Pictures (8 bits) and raw sensor counts are stretched"
                " by the statistics of the whole layer. Automatic decides from the layer; the log says how.",
            ),
            definitions.choice(
                self.NODATA_POLICY,
                "A pixel has no data when",
                NODATA_POLICIES,
                definitions.NODATA_WORDS,
                "Pixels without data stay without a class.",
            ),
            definitions.raster(
                self.STATISTICS_FROM,
                "Statistics from another layer",
                "Only for pictures: give all tiles of a mosaic the same layer (the mosaic, or one typical tile), and"
                " their maps fit together. It must have the same bands in the same order.",
                optional=True,
            ),
        )

    def _about_windows(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.whole(
                self.OVERLAP,
                "Overlap of windows in pixels",
                "Empty: the model's. More overlap costs time; less may show seams.",
                (0, 4096),
            ),
            definitions.whole(
                self.WINDOW,
                "Window size in pixels",
                "Empty: the model's. Smaller windows need less memory.",
                (1, 16384),
            ),
            definitions.whole(
                self.BATCH_SIZE,
                "Windows at a time (0: automatic)",
                "More windows at a time need more memory.",
                (0, 256),
                default=0,
            ),
            definitions.choice(
                self.RESAMPLE,
                "Pixels of another size than the model's",
                RESAMPLE,
                definitions.RESAMPLE_WORDS,
                "Resampled, the network sees the image in pixels of its own size, and the map keeps the pixels of the"
                " image. Taken as they are, the map may be poorer.",
            ),
            definitions.text(
                self.SMOOTHING,
                "Smoothing: auto, none, or pixels",
                "Along edges. auto: as the description of the model says. A larger radius (at most 64) gives calmer"
                " fields, and small places may vanish; borders that the image shows stay where they are.",
                default=AUTO,
            ),
        )

    def _about_devices(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.choice(
                self.DEVICE,
                "Device: where the network runs",
                DEVICES,
                definitions.DEVICE_WORDS,
                "Automatic: a graphics card (CUDA) or OpenVINO where the installed onnxruntime offers it and it works,"
                " else the processor. CUDA needs the package onnxruntime-gpu, OpenVINO onnxruntime-openvino, each in"
                " place"
                " of onnxruntime; where one of them is asked for and missing, nothing is run.",
            ),
            definitions.text(
                self.PROVIDER,
                "Provider (instead of Device)",
                "Untested: the name of any execution provider that the installed onnxruntime has, with options: dml, or"
                " openvino;device_type=GPU. Device must then be auto.",
            ),
        )

    def parse(self, values: Parameters, context: QgsProcessingContext) -> ClassifyJob:
        layer = parameters.raster_layer(self, values, self.INPUT, context)
        statistics = parameters.raster_layer(self, values, self.STATISTICS_FROM, context)
        return ClassifyJob(
            layer=RasterInput("")
            if layer is None
            else layers.image_input(layer, parameters.band_numbers(self, values, self.BANDS, context, layer)),
            model=self.parameterAsEnumString(values, MODEL, context) or AUTO,
            model_file=parameters.text(self, values, MODEL_FILE, context),
            extent=None if layer is None else parameters.extent(self, values, self.EXTENT, context, layer),
            overlap=parameters.whole_number(self, values, self.OVERLAP, context),
            window=parameters.whole_number(self, values, self.WINDOW, context),
            batch_size=parameters.whole_number(self, values, self.BATCH_SIZE, context) or 0,
            nodata_policy=self.parameterAsEnumString(values, self.NODATA_POLICY, context) or NODATA_POLICIES[0],
            statistics_from=None if statistics is None else layers.image_input(statistics),
            values=self.parameterAsEnumString(values, self.VALUES, context) or AUTO,
            threads=max(0, QgsApplication.maxThreads()),
            models_folder=str(settings.models_folder()),
            resample=self.parameterAsEnumString(values, self.RESAMPLE, context) or AUTO,
            device=self.parameterAsEnumString(values, self.DEVICE, context) or AUTO,
            provider=parameters.text(self, values, self.PROVIDER, context) or "",
            smoothing=parameters.text(self, values, self.SMOOTHING, context) or AUTO,
        )

    def run_job(
        self, job: ClassifyJob, values: Parameters, context: QgsProcessingContext, progress: FeedbackProgress
    ) -> Parameters:
        from ..lulc_plugin.classify import classify

        # not asked for in parse: QGIS would load the map although nothing was written
        output = self.parameterAsOutputLayer(values, self.OUTPUT, context)
        name = layers.name_of(job.layer)
        with progress.details_after():
            result = classify(job, output, progress)
            self._tell(name, result, progress)
        title = self.tr("Land cover – {layer}").format(layer=name)
        classes = loadedlayers.classes(result.legend)
        loadedlayers.appear_as(context, output, self.label(self.OUTPUT), title, classes, self._metadata(name, result))
        return {
            self.OUTPUT: output,
            self.CLASSES: json.dumps(result.classes_json(), ensure_ascii=False),
            self.DEVICE_USED: result.device,
            self.PIXELS: result.valid_pixels,
        }

    def _tell(self, name: str, result: ClassifyResult, progress: FeedbackProgress) -> None:
        """What came out: a verdict, and a table of the classes."""
        areas = [c.area for c in result.classes if c.area is not None]
        most = max(result.classes, key=lambda c: c.pixels)
        share = 100 / max(1, result.valid_pixels)
        if len(areas) == len(result.classes):
            size = self.tr("{hectares:,.0f} ha").format(hectares=sum(areas) / _HECTARE)
        else:
            size = self.tr("{pixels:,} pixels").format(pixels=result.valid_pixels)
        verdict = self.tr("Land cover of {layer}: {size}, most of it {name} ({percent:.0f} %).").format(
            layer=name, size=size, name=most.name, percent=share * most.pixels
        )
        if result.warnings:
            verdict += " " + self.tr("Read the {count} warning(s).").format(count=len(result.warnings))
        progress.headline(verdict)
        rows = [
            (c.name, "" if c.area is None else f"{c.area / _HECTARE:,.1f}", f"{share * c.pixels:.1f}")
            for c in result.classes
            if c.pixels
        ]
        progress.table((self.tr("class"), self.tr("hectares"), self.tr("percent")), rows)
        if layers.is_temporary(result.output):
            progress.headline(
                self.tr(
                    "This map is a temporary file: to keep it with its names and colours, run again with a file name as"
                    " {output}; an export from the layer's menu keeps them only as rendered image or with its style."
                ).format(output=self.label(self.OUTPUT))
            )

    def _metadata(self, name: str, result: ClassifyResult) -> loadedlayers.Metadata:
        return loadedlayers.Metadata(
            abstract=self.tr("Land cover of {layer}, made by the network {model} with Land Cover Classifier.").format(
                layer=name, model=result.model
            ),
            keywords=(self.tr("land cover"), result.model, *(c.name for c in result.classes)),
            history=(
                self.tr("Classified on {day} with {model} of Land Cover Classifier {version}, on {device}.").format(
                    day=datetime.now().strftime("%Y-%m-%d"),
                    model=result.model,
                    version=plugin_version(),
                    device=result.device,
                ),
                *result.warnings,
            ),
            licences=()
            if result.license in ("", "other")
            else (self.tr("Network: {license}").format(license=result.license),),
            date=result.image_date,
        )

    HELP = HelpText(
        does=(
            (
                "Gives every pixel of an image one land-cover class, with a neural network that runs on this"
                " computer. Choose the image and press Run."
            ),
        ),
        needs=(
            (
                "Model",
                "Automatic takes the best network that fits bands and pixel size; the log says which and why.",
            ),
            (
                "Bands",
                (
                    "empty when they have names (red, B04, …) or wavelengths. Otherwise tick them and drag them into"
                    " the model's order; at a shell 'BANDS=3;2;1;4'."
                ),
            ),
            "The rest is explained by tooltips and the guide (Help).",
        ),
        returns=(
            (
                "Land cover",
                (
                    "a GeoTIFF on the pixels of the image. The files beside it (.qml, .tif.aux.xml) hold names and"
                    " colours: keep them together."
                ),
            ),
        ),
        example=(
            "A Landsat 7 scene:",
            "qgis_process run lulc:classifylandcover -- INPUT=scene.tif 'BANDS=3;2;1;4' OUTPUT=map.tif",
        ),
        limits=(
            (
                "A network knows only what it was trained on: read its card (Model information), and check the map"
                " where you know the ground. Clouds are not a class."
            ),
        ),
    )
