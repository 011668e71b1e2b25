# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of classes from GDAL's side file, which may be anybody's."""

import time

import numpy as np
import pytest

from lulc_plugin.raster import read_categories


@pytest.fixture
def named(raster, tmp_path):
    """`named(text, band)`: names that a side file with this text gives to a band."""

    def read(text, band=1):
        layer = raster("a.tif", np.ones((2, 5, 5), np.uint8), names=None)
        (tmp_path / "a.tif.aux.xml").write_text(text, encoding="utf-8")
        return {c.value: c.name for c in read_categories(layer, band)}

    return read


def band(number, body):
    return f"<PAMRasterBand {number}><CategoryNames>{body}</CategoryNames></PAMRasterBand>"


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("<Category>water</Category><Category>a &lt; b</Category>", {0: "water", 1: "a < b"}),
        ("<Category/>\n  <Category />\n <Category>rock</Category>", {2: "rock"}),
        ("<Category></Category><Category>rock</Category>", {1: "rock"}),
        ("", {}),
    ],
)
def test_names(named, body, names):
    assert named("<PAMDataset>" + band('band="1"', body) + "</PAMDataset>") == names


def test_the_names_of_the_band_that_is_asked_for(named):
    text = band('band="1"', "<Category>one</Category>") + band('name="x" band="2" ', "<Category>two</Category>")
    assert named(text, 1) == {0: "one"}
    assert named(text, 2) == {0: "two"}


HOSTILE = {
    "bands without end": '<PAMRasterBand band="1">',
    "bands without a number": "<PAMRasterBand ",
    "numbers of many digits": '<PAMRasterBand band="' + "9" * 5000 + '"></PAMRasterBand>',
    "names without end": "<CategoryNames>",
    "classes without end": "<Category>",
    "blanks": " " * 1000,
    "classes with blanks": "<Category" + " " * 1000,
    "ampersands": "&" * 1000,
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_large_hostile_side_file_takes_no_long_time(monkeypatch, kind, inside, tmp_path):
    """GDAL is left out: it is the engine's own reading that is measured."""
    from lulc_plugin.raster import categories

    text = HOSTILE[kind] * (7_900_000 // len(HOSTILE[kind]))
    start = '<PAMRasterBand band="1"><CategoryNames>' if inside else ""
    (tmp_path / "a.tif.aux.xml").write_text(start + text + ("</CategoryNames></PAMRasterBand>" if inside else ""))
    began = time.perf_counter()
    categories._side_file_names(str(tmp_path / "a.tif"), 1)
    assert time.perf_counter() - began < 5
