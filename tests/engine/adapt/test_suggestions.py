# SPDX-License-Identifier: GPL-3.0-or-later
"""Suggestions: where the margin of the surroundings is small, apart from each other, and written over nothing."""

import numpy as np

from lulc_plugin.adapt import SuggestJob, suggest
from lulc_plugin.cli import main
from lulc_plugin.raster import RasterInput


def test_nodata_and_another_band_do_not_decide_the_unit_of_a_confidence(raster):
    classes = np.where(np.arange(128) < 64, 1, 2)[None, None].repeat(64, axis=1).astype(np.uint8)
    other, sure = np.full((64, 128), 250, np.uint8), np.full((64, 128), 95, np.uint8)
    sure[40:60, 70:100] = 20
    sure[:4] = 255
    of_map = raster("map.tif", classes, names=None, nodata=0)
    confidence = raster("confidence.tif", np.stack([other, sure]), names=None, nodata=255)
    job = SuggestJob(map=RasterInput(of_map), confidence=RasterInput(confidence, 2), count=1)
    ((place,), _) = suggest(job)
    assert abs(place.margin - 0.2) < 0.01


def test_the_samples_are_not_written_over(raster, tmp_path, capsys):
    table = tmp_path / "points.csv"
    table.write_text("x,y,ref_class\n500015,9119985,1\n")
    image = raster("image.tif", np.ones((4, 20, 20), np.uint16))
    assert main(["suggest", image, str(table), "--samples", str(table)]) == 1
    assert "points.csv" in capsys.readouterr().err and table.read_text().startswith("x,y,ref_class")
