# SPDX-License-Identifier: GPL-3.0-or-later
"""What the weights were trained on, under which terms, and the credit each source asks for."""

from __future__ import annotations

from collections.abc import Mapping

from lulc_plugin.model.spec import TrainingSet

from .data import FOREST, HLS, INDIA, L2A, OSCD

_COPERNICUS = "contains modified Copernicus Sentinel data"

#: Set → name, licence, credit, address.
_SETS: dict[str, tuple[str, str, str, str]] = {
    HLS: (
        "HLS surface reflectance (30 m) with ESA WorldCover labels",
        "HLS: no restriction on use; WorldCover: CC-BY-4.0; carrier repository: none stated",
        f"HLS, NASA; © ESA WorldCover project, {_COPERNICUS}. The repackaging into chips is undocumented.",
        "https://github.com/bassantsherif123/ComputerVision_Satellite_Image_Water_Segmentation",
    ),
    INDIA: (
        "Sentinel-2 pictures of India (10 m) with polygons of built-up, vegetation and water",
        "MIT",
        f"Sahil Borkar, 2024; imagery {_COPERNICUS}.",
        "https://github.com/sahilsb8/U-Net-Multispectral-Satellite-Image-Segmentation",
    ),
    OSCD: (
        "Sentinel-2 L1C images of the Onera Satellite Change Detection data set (images only), labelled by the teacher",
        "Copernicus Sentinel data, free use with notice",
        f"Images: {_COPERNICUS} 2015-2018. R. Caye Daudt, B. Le Saux, A. Boulch, Y. Gousseau, Urban Change Detection"
        " for Multispectral Earth Observation Using Convolutional Neural Networks, IGARSS 2018.",
        "https://github.com/ChenHongruixuan/ChangeDetectionRepository",
    ),
    L2A: (
        "Sentinel-2 L2A chips of S2-100K (satclip) and BigEarthNet, labelled by the teacher",
        "MIT (satclip); CDLA-Permissive-1.0 (BigEarthNet)",
        f"microsoft/satclip (MIT); BigEarthNet (CDLA-Permissive-1.0), by way of kai-tub/bigearthnet_gdf_builder"
        f" (Apache-2.0); {_COPERNICUS}.",
        "https://github.com/microsoft/satclip",
    ),
    FOREST: (
        "Sentinel-2 L2A chips of Czech forest (images only), labelled by the teacher",
        "Copernicus Sentinel data, free use with notice; carrier repository: none stated",
        f"{_COPERNICUS[0].upper()}{_COPERNICUS[1:]} 2019, 2020. The repackaging into chips is undocumented.",
        "https://github.com/CrickCrock28/bark-bettle-damage-mapping-sentinel2",
    ),
}

TEACHER = TrainingSet(
    "Dynamic World network (teacher of the sets without labels; not part of this file)",
    "Apache-2.0",
    "This code is produced for the Dynamic World Project by Google in partnership with National Geographic and the"
    " World Resources Institute. Brown et al., Dynamic World, Near real-time global 10 m land use land cover mapping,"
    " Scientific Data 9, 251 (2022), doi 10.1038/s41597-022-01307-4.",
    "https://github.com/google/dynamicworld",
)

ENCODER = "MobileNetV2 1.0, ImageNet, Apache-2.0 (google-coral/test_data tf2_mobilenet_v2_1.0_224_ptq, dequantised)"


def names_of_sets() -> dict[str, str]:
    """Set → its name in the sidecar."""
    return {source: name for source, (name, *_) in _SETS.items()}


def training_sets(counts: Mapping[str, tuple[int, int]]) -> tuple[TrainingSet, ...]:
    """Entries of the sidecar; `counts` gives images and labelled pixels of each set."""
    sets = [
        TrainingSet(name, licence, credit, url, *counts[source])
        for source, (name, licence, credit, url) in _SETS.items()
    ]
    return (*sets, TEACHER)
