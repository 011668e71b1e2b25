# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that comes with the plugin: what it declares, whom it credits, and that a map of it needs no setting."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "resources" / "sample"
SAMPLE = FOLDER / "sentinel2-brazil.tif"
CREDIT = ("Contains modified Copernicus Sentinel data 2021-2023", "microsoft/satclip", "MIT License")


class Listener(Progress):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.warnings = []

    def _show_warning(self, text):
        self.warnings.append(text)


def test_it_is_small():
    assert SAMPLE.stat().st_size < 1_000_000
    assert {path.name for path in FOLDER.iterdir()} == {"sentinel2-brazil.tif", "README.md"}


def test_what_the_file_says():
    with rasterio.open(SAMPLE) as sample:
        assert sample.descriptions == ("blue", "green", "red", "nir", "swir16")
        assert [sample.tags(b)["wavelength"] for b in sample.indexes] == ["492", "560", "665", "833", "1614"]
        assert [c.name for c in sample.colorinterp[:3]] == ["blue", "green", "red"]
        assert set(sample.scales) == {0.0001} and set(sample.offsets) == {-0.1}
        assert sample.crs.to_epsg() == 32722 and sample.res == (10.0, 10.0)
        assert sample.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and sample.compression.name == "deflate"
        assert sample.nodata == 0 and np.all(sample.read() > 1000)
        reflectance = sample.read() * 0.0001 - 0.1
    assert reflectance.min() >= 0 and np.quantile(reflectance, 0.999) < 0.7


def test_it_names_its_source():
    with rasterio.open(SAMPLE) as sample:
        tag = sample.tags()["TIFFTAG_COPYRIGHT"]
    for words in CREDIT:
        assert words in tag
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "patch_57755.tif" in readme and "modified Copernicus Sentinel data" in readme and "MIT License" in readme
    notice = (CHECKOUT / "NOTICE").read_text(encoding="utf-8")
    assert SAMPLE.name in notice and "Copyright (c) Microsoft Corporation" in notice


def test_a_map_of_it_needs_no_setting(tmp_path):
    """Water, trees and fields where the eye sees them, and no warning on a first run."""
    progress = Listener()
    result = classify(ClassifyJob(RasterInput(str(SAMPLE))), tmp_path / "map.tif", progress)
    assert progress.warnings == []
    values = {c.name: c.value for c in result.legend.classes}
    with rasterio.open(tmp_path / "map.tif") as map_file:
        found = map_file.read(1)

    def share(name, rows, columns):
        return float(np.mean(found[rows, columns] == values[name]))

    # looked at in the image: the reservoir, the woods along the stream, a field
    assert share("Water", slice(0, 20), slice(118, 160)) > 0.9
    assert share("Trees", slice(58, 80), slice(130, 150)) > 0.9
    assert share("Cropland", slice(85, 115), slice(10, 60)) > 0.9


@pytest.mark.parametrize("way", ["reflectance", "auto"])
def test_its_numbers_are_understood(tmp_path, way):
    from lulc_plugin.raster import Source, value_kind

    with Source(str(SAMPLE)) as source:
        bands = source.facts.bands
        probe = [source.read_stored(b.number, source.facts.region).ravel() for b in bands]
        reading = value_kind.interpret_values(way, source.facts.dtypes, bands, probe)
    assert reading.kind == "reflectance" and reading.warnings == ()
