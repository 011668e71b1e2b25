# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of classes from a QGIS style and from a colour table in text."""

import time

import pytest

from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.raster.layer_style import colour_table_names, style_names

RAMP = (
    '<rasterrenderer band="{band}" type="singlebandpseudocolor"><rastershader>'
    '<colorrampshader colorRampType="{kind}" clip="0">'
    '<item alpha="255" value="1" color="#0000ff" label="Water"/><item value="2.0" label="A &amp; B" color="#00ff00"/>'
    '<item value="3" label="3" color="#00ff00"/></colorrampshader></rastershader></rasterrenderer>'
)


def test_a_style_of_this_program(tmp_path):
    legend = Legend.of((LegendClass(1, 'A & "B"', "#000000"), LegendClass(30, "Ü", "#000000")))
    (tmp_path / "map.qml").write_text(legend.qml(), encoding="utf-8")
    assert style_names(str(tmp_path / "map.tif"), 1) == {1: 'A & "B"', 30: "Ü"}
    assert style_names(str(tmp_path / "map.tif"), 2) == {}
    assert style_names(str(tmp_path / "other.tif"), 1) == {}


@pytest.mark.parametrize(
    ("band", "kind", "names"), [(1, "EXACT", {1: "Water", 2: "A & B"}), (1, "INTERPOLATED", {}), (2, "EXACT", {})]
)
def test_a_ramp_of_exact_values(tmp_path, band, kind, names):
    (tmp_path / "map.qml").write_text(RAMP.format(band=band, kind=kind), encoding="utf-8")
    assert style_names(str(tmp_path / "map.tif"), 1) == names


@pytest.mark.parametrize(
    "text",
    [
        "1 0 0 255 Water\n2 0 255 0 Wet land\n3 1 2 3\n",
        "# QGIS Generated Color Map Export File\nINTERPOLATION:EXACT\n1,0,0,255,255,Water\n2,0,255,0,255,Wet land\n",
        '1\t0\t0\t255\t255\t"Water"\n2\t0\t255\t0\t255\tWet land\n',
    ],
)
def test_a_colour_table(tmp_path, text):
    (tmp_path / "map.clr").write_text(text, encoding="utf-8")
    assert colour_table_names(str(tmp_path / "map.tif")) == {1: "Water", 2: "Wet land"}


@pytest.mark.parametrize(
    "mark",
    ["<rasterrenderer ", '<item value="', "<paletteEntry " + "x" * 1000, 'value="1" '],
    ids=["renderers", "items", "long entries", "values"],
)
def test_a_large_hostile_style_takes_no_long_time(tmp_path, mark):
    (tmp_path / "map.qml").write_text('<rasterrenderer band="1">' + mark * (7_900_000 // len(mark)))
    began = time.perf_counter()
    style_names(str(tmp_path / "map.tif"), 1)
    assert time.perf_counter() - began < 5
