# SPDX-License-Identifier: GPL-3.0-or-later
"""Photograph the accuracy report of a published example: docs/accuracy-report-{light,dark,print}.png.

    PYTHONPATH=. .venv-engine/bin/python scripts/report_pictures.py [FOLDER]

The example is that of Olofsson et al. 2014 (Remote Sensing of Environment 148:42), estimated by the engine. Needs
Chromium, ImageMagick and pdftoppm (poppler-utils).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from lulc_plugin.assess import (
    Alignment,
    AssessedClass,
    Assessment,
    ClassArea,
    Context,
    Design,
    Estimate,
    LayerSummary,
    StrataSizes,
    Stratum,
    Units,
    accuracy,
    estimation,
)
from lulc_plugin.provenance import versions
from lulc_plugin.raster import AreaMeasurement
from lulc_plugin.report.accuracy import html_text

COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = (200_000, 150_000, 3_200_000, 6_450_000)
PIXEL = 900.0  # m²
CLASSES = (
    AssessedClass(1, "Deforestation", "#D7301F"),
    AssessedClass(2, "Forest gain", "#A1D76A"),
    AssessedClass(3, "Stable forest", "#1B7837"),
    AssessedClass(4, "Stable non-forest", "#E8DDB5"),
)
WIDTH, HEIGHT = 1200, 2850


def example() -> Assessment:
    """The example as an assessment."""
    rows, columns = np.nonzero(COUNTS)
    names = tuple(c.label for c in CLASSES)
    estimates = estimation.stratified(
        Units(rows, rows, columns, COUNTS[rows, columns]),
        StrataSizes(names, np.array(PIXELS, float), True, (0, 1, 2, 3)),
        4,
    )
    total = float(sum(PIXELS))

    def area(share: Estimate) -> Estimate:
        numbers = [None if v is None else v * total * PIXEL for v in (share.value, share.se, share.low, share.high)]
        return Estimate(*numbers, share.method, share.reason)

    layer = LayerSummary("change_map.tif", "change_map.tif", "raster", "an equal-area projection", 1, 2500, 4000,
                         "30 × 30 m", "uint8", "0")  # fmt: skip
    points = LayerSummary("labelled sample", "sample.gpkg", "points", "the same", detail="640 points, field ref_class")
    context = Context(
        reference=points,
        design=Design("stratified", True, compared=int(COUNTS.sum()), stratum_source="sample"),
        alignment=(Alignment("points"),),
        units="points",
        compared=int(COUNTS.sum()),
        excluded=(),
        unlabelled=0,
        unknown=(),
        warnings=(),
        area_unit="ha",
        level=0.95,
        interval="standard",
        area_measurement=AreaMeasurement("planar", 900.0, None, 0, 1.0, None),
        strata=tuple(
            Stratum(c.label, float(n), n / total, int(u)) for c, n, u in zip(CLASSES, PIXELS, COUNTS.sum(axis=1))
        ),
        versions=versions(),
        date="2026-11-21T12:00:00+00:00",
    )
    areas = tuple(ClassArea(n, n * PIXEL, n / total, area(share)) for n, share in zip(PIXELS, estimates.area_shares))
    return Assessment(CLASSES, layer, sum(PIXELS), total * PIXEL, estimates, accuracy(COUNTS), areas, context)


def photograph(page: Path, folder: Path) -> None:
    """Light and dark as on a screen, and the first pages on paper."""
    chromium = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars"]
    for scheme, number in (("light", 1), ("dark", 0)):
        picture = folder / f"accuracy-report-{scheme}.png"
        run([*chromium, f"--blink-settings=preferredColorScheme={number}", f"--screenshot={picture}",
             f"--window-size={WIDTH},{HEIGHT}", page.as_uri()])  # fmt: skip
        run(["convert", picture, "-colors", "128", "-strip", picture])
    paper = page.with_suffix(".pdf")
    run([*chromium, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri()])
    run(["pdftoppm", "-r", "80", "-l", "3", "-png", paper, page.with_suffix("")])
    sheets = sorted(page.parent.glob(f"{page.stem}-*.png"))
    printed = folder / "accuracy-report-print.png"
    run(["montage", *sheets, "-tile", "3x1", "-geometry", "+10+10", "-background", "#8a9494", printed])
    run(["convert", printed, "-colors", "64", "-strip", printed])


def run(command: list) -> None:
    """A program that must succeed."""
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work:
        report = Path(work) / "report.html"
        report.write_text(html_text(example()), encoding="utf-8")
        photograph(report, Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
