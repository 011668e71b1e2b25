# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of own classes says how many samples its figures are of."""

import pytest

from lulc_plugin.adapt import AdaptResult
from lulc_plugin.adapt.job import CandidateFigures, ClassFigures
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.options import SHELL
from lulc_plugin.report import html_page, own_classes


def result(matrix, samples):
    legend = Legend.of((LegendClass(1, "<b>wet</b>", "#0072B2"), LegendClass(2, "dry", "#E69F00")))
    classes = tuple(ClassFigures(c.name, c.colour, c.value, samples, 5, 3, 0.9, 0.8, 0.85) for c in legend.classes)
    ways = (CandidateFigures("pixels", "Pixel features", 8, 0.85, 0.02, 0.85, True),)
    return AdaptResult(
        "own.onnx", "own", legend, "Pixel features", 0.85, 0.85, matrix, classes, ways, (), None, (), 0.1, 5, 40,
        (), 31, (), (), 1.0, (),
    )  # fmt: skip


@pytest.mark.parametrize(("samples", "words"), [(10, "Number of samples. Rows"), (500, "20 of 1,000, on which")])
def test_the_matrix_says_how_many_samples_it_has(samples, words):
    page = html_page.page(own_classes.document(result(((9, 1), (1, 9)), samples), SHELL))
    assert words in page and "<b>wet" not in page
