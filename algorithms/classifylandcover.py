# SPDX-License-Identifier: GPL-3.0-or-later
"""`lulc:classifylandcover`: classifies a raster layer with a network, and shows the land-cover map with its legend."""

from __future__ import annotations

import json
from collections.abc import Iterable

from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterDefinition,
)

from ..lulc_plugin.classify import AUTO, DEVICES, NODATA_POLICIES, RESAMPLE, VALUES, ClassifyJob
from ..lulc_plugin.raster import RasterInput
from .bridge import definitions, layers, parameters, settings
from .bridge.base import LulcAlgorithm, Parameters
from .bridge.definitions import MODEL, MODEL_FILE
from .bridge.feedback import FeedbackProgress
from .bridge.helptext import HelpText


class ClassifyLandCover(LulcAlgorithm):
    """Adapter of `lulc_plugin.classify`."""

    NAME = "classifylandcover"
    TITLE = "Classify land cover"
    GROUP = "classification"
    TAGS = "land cover,land use,lulc,classify,segmentation,deep learning,network,onnx,sentinel,landsat,satellite"
    SUMMARY = "Turns a satellite or aerial image into a land-cover map with a neural network."
    GUIDE = "classify-land-cover"

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
            definitions.model_file(),
            definitions.bands(self.BANDS, self.INPUT),
            definitions.extent(
                self.EXTENT, "Grows outwards to whole pixels of the image; may be in another coordinate system."
            ),
            definitions.map_to_write(
                self.OUTPUT, "Land cover", "A GeoTIFF, name ending in .tif, in a folder that exists."
            ),
            *definitions.advanced(*self._about_values(), *self._about_windows(), *self._about_devices()),
        )

    def _about_values(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.choice(
                self.VALUES,
                "Values: what the stored numbers are",
                VALUES,
                "reflectance: surface reflectance, 0 to 1 or times 10,000. picture: anything else (8-bit pictures, raw"
                " sensor counts), stretched by the statistics of the whole layer. auto: decided from the layer.",
            ),
            definitions.choice(
                self.NODATA_POLICY,
                "A pixel has no data when … of its bands have none",
                NODATA_POLICIES,
                "Pixels without data stay without a class.",
            ),
            definitions.raster(
                self.STATISTICS_FROM,
                "Take the statistics from another layer",
                "Only for pictures: give all tiles of a mosaic the same layer (the mosaic, or one typical tile), and"
                " their maps fit together. It must have the same bands in the same order.",
                optional=True,
            ),
        )

    def _about_windows(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.whole(
                self.OVERLAP,
                "Overlap of neighbouring windows in pixels (not set: the model's)",
                "More overlap costs time; less may show seams.",
                (0, 4096),
            ),
            definitions.whole(
                self.WINDOW,
                "Window size in pixels (not set: the model's)",
                "Smaller windows need less memory.",
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
                "Pixels of another size than the model was made for",
                RESAMPLE,
                "auto: the network sees the image in pixels of its own size; the map keeps the pixels of the image."
                " never: it sees them as they are, and the map may be poorer.",
            ),
            definitions.text(
                self.SMOOTHING,
                "Smoothing along edges: auto, none, or a radius in pixels",
                "auto: as the description of the model says. A larger radius (at most 64) gives calmer fields, and"
                " small places may vanish; borders that the image shows stay where they are.",
                default=AUTO,
            ),
        )

    def _about_devices(self) -> Iterable[QgsProcessingParameterDefinition]:
        return (
            definitions.choice(
                self.DEVICE,
                "Device: where the network runs",
                DEVICES,
                "auto: a graphics card (CUDA) or OpenVINO where the installed onnxruntime offers it and it works, else"
                " the processor. cuda needs the package onnxruntime-gpu, openvino onnxruntime-openvino, each in place"
                " of onnxruntime; where one of them is asked for and missing, nothing is run.",
            ),
            definitions.text(
                self.PROVIDER,
                "Provider of onnxruntime, instead of a device",
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
        result = classify(job, output, progress)
        name = self.tr("Land cover of {layer} ({model})").format(layer=job.layer.name, model=result.model)
        layers.show_as(context, output, name, result.legend)
        return {
            self.OUTPUT: output,
            self.CLASSES: json.dumps(result.classes_json(), ensure_ascii=False),
            self.DEVICE_USED: result.device,
            self.PIXELS: result.valid_pixels,
        }

    HELP = HelpText(
        does=(
            (
                "Gives every pixel of an image one land-cover class, with a neural network that runs on this"
                " computer. Pick a raster layer and press Run; the map appears with its classes' names and colours."
            ),
        ),
        needs=(
            (
                "Model",
                (
                    "auto takes the best bundled network that fits the bands and the pixel size of the layer; the"
                    " log says which one, and why others were passed over. Choose a name to take exactly that"
                    " network, or give a model file of your own (.onnx with its .json beside it): then Model is"
                    " not looked at."
                ),
            ),
            (
                "Bands",
                (
                    "leave it empty when the bands of the layer have names (red, B04, …) or wavelengths: they are"
                    " found by them. Unnamed bands are taken in the order of the file only if there are exactly as"
                    " many as the model wants, with a warning."
                ),
            ),
            (
                "Otherwise say which band is which: press … beside Bands, tick the bands, drag them with the mouse"
                " into the model's order from top to bottom, and press OK. Example: the model wants red, green,"
                " blue, near infrared, and the layer has blue, green, red, near infrared. Tick bands 1 to 4, drag"
                " band 3 to the top and band 2 below it, so that the list reads 3, 2, 1, 4. (The dialog then says"
                ' "4 bands selected"; press … again to see the order.) On the command line the same is'
                " 'BANDS=3;2;1;4', with semicolons and quotes; in Python it is [3, 2, 1, 4]."
            ),
            (
                "Extent",
                (
                    "only this part is classified. It grows outwards to whole pixels of the image, and the result"
                    " is the same as if the whole map had been made and cut."
                ),
            ),
            (
                "Values",
                (
                    "networks know surface reflectance, 0 to 1 or times 10,000. Anything else (8-bit pictures, raw"
                    " sensor counts) is first stretched to the usual range by the statistics of the whole layer."
                    " auto decides by the numbers and says so in the log; where it is wrong, choose reflectance or"
                    " picture."
                ),
            ),
            (
                "Smoothing",
                (
                    "before a pixel gets its class, what the network says of it is averaged with its surroundings, but"
                    " only where the image is alike: specks go, rivers, roads and borders of fields stay (a guided"
                    " filter). auto does what was best for the model on held-out places, none leaves it out, a number"
                    " sets how far it looks, in pixels that the network sees. The log says what was done."
                ),
            ),
            (
                "Device",
                (
                    "auto takes the fastest that works; the log names what really runs, and says why where it is"
                    " not the one that was asked for. Maps made on a graphics card may differ from those of the"
                    " processor in single pixels where two classes are equally likely."
                ),
            ),
            (
                "Pixels without data",
                (
                    "what the file marks as empty (no-data value, mask, alpha band, NaN) gets no class. With any, a"
                    " pixel is empty when one of the bands used is; with all, only when all are. A black rim that"
                    " the file does not mark is classified like dark ground: set its no-data value first."
                ),
            ),
        ),
        returns=(
            (
                "Land cover",
                (
                    "a GeoTIFF on the pixels of the image, with overviews. The names and colours of the classes are"
                    " also in the files beside it (.qml, .tif.aux.xml): keep them together."
                ),
            ),
            ("Classes", "value, name, pixels and hectares of every class, as JSON."),
            ("Device and pixels", "where the network ran, and how many pixels got a class."),
        ),
        example=(
            "A Landsat 7 scene whose first bands are blue, green, red, near infrared:",
            "qgis_process run lulc:classifylandcover -- INPUT=scene.tif 'BANDS=3;2;1;4' OUTPUT=landcover.tif",
        ),
        limits=(
            (
                "A network knows only what it was trained on; the card beside each network (folder models) names"
                " its classes, pixel sizes, and its accuracy in places it had never seen. Check the map where you"
                " know the ground before you use it. Clouds and their shadows are not classes."
            ),
            (
                "Layers that are not read from a file or address by GDAL (web maps, virtual rasters of the raster"
                " calculator) must be saved as a GeoTIFF first. Settings of the layer in QGIS, like additional"
                " no-data values, are not used."
            ),
        ),
    )
