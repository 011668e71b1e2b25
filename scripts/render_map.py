# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw an image and its class map side by side, as QGIS shows them, with legend, shares and a scale bar.

    python scripts/render_map.py IMAGE.tif MAP.tif OUT.png [--bands 3,2,1] [--title TEXT] [--footer TEXT] [--width 1600]

The image is stretched to its 2nd and 98th percentile; the map has the layer's own style, as QGIS loads it from the file
beside it. Needs QGIS's Python and QT_QPA_PLATFORM=offscreen (or a display).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsDistanceArea,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsMultiBandColorRenderer,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRasterMinMaxOrigin,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

MARGIN, GAP = 48, 28
INK, MUTED, PAPER, LINE = QColor("#1F2A33"), QColor("#64727D"), QColor("#FFFFFF"), QColor("#D5DBE0")
FONTS = ["Open Sans", "Noto Sans", "DejaVu Sans"]


@dataclass(frozen=True)
class ClassShare:
    """One entry of the legend; `share` of the valid pixels, 0..1."""

    name: str
    colour: QColor
    share: float


def font(pixels: float, bold: bool = False) -> QFont:
    """The picture's typeface at a height in pixels."""
    result = QFont()
    result.setFamilies(FONTS)
    result.setPixelSize(round(pixels))
    result.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return result


def load(path: Path) -> QgsRasterLayer:
    """A raster layer in the style QGIS gives it.

    Raises:
        SystemExit: QGIS cannot read it.
    """
    layer = QgsRasterLayer(str(path), path.stem)
    if not layer.isValid():
        sys.exit(f"QGIS cannot read {path}: {layer.error().summary()}")
    return layer


def true_colour(layer: QgsRasterLayer, bands: Sequence[int]) -> None:
    """Show three bands as red, green, blue, each stretched to its 2nd and 98th percentile."""
    provider = layer.dataProvider()
    layer.setRenderer(QgsMultiBandColorRenderer(provider, *bands))
    layer.setContrastEnhancement(
        QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum,
        QgsRasterMinMaxOrigin.Limits.CumulativeCut,
    )


def class_shares(layer: QgsRasterLayer) -> list[ClassShare]:
    """The legend of a class map as QGIS loaded it, with the share of each class.

    Raises:
        SystemExit: the layer has no style with classes.
    """
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer):
        sys.exit(f"{layer.source()} is not shown as classes: is its .qml beside it?")
    provider, rows, cols = layer.dataProvider(), layer.height(), layer.width()
    dtype = np.dtype("u1") if provider.dataTypeSize(1) == 1 else np.dtype("u2")
    counts = np.zeros(65536, np.int64)
    extent, strip = layer.extent(), 512
    for top in range(0, rows, strip):
        height = min(strip, rows - top)
        step = extent.height() / rows
        north = extent.yMaximum() - top * step
        part = QgsRectangle(extent.xMinimum(), north - height * step, extent.xMaximum(), north)
        block = provider.block(1, part, cols, height)
        counts += np.bincount(np.frombuffer(bytes(block.data()), dtype), minlength=65536)
    classes = renderer.classes()
    total = max(1, sum(int(counts[int(c.value)]) for c in classes))
    return [ClassShare(c.label, QColor(c.color), int(counts[int(c.value)]) / total) for c in classes]


def draw_layer(layer: QgsRasterLayer, width: int, height: int) -> QImage:
    """The whole layer in an image of this size."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent())
    settings.setOutputSize(QSize(width, height))
    settings.setBackgroundColor(QColor("#F2F4F5"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def layer_width_m(layer: QgsRasterLayer) -> float:
    """Width of a layer on the ground, in metres, at its middle; 0 without a coordinate system."""
    if not layer.crs().isValid():
        return 0.0
    measure = QgsDistanceArea()
    measure.setSourceCrs(layer.crs(), QgsProject.instance().transformContext())
    measure.setEllipsoid("WGS84")
    extent = layer.extent()
    middle = extent.center().y()
    return measure.measureLine(QgsPointXY(extent.xMinimum(), middle), QgsPointXY(extent.xMaximum(), middle))


def round_length(metres: float) -> tuple[float, str]:
    """The largest 1, 2 or 5 times a power of ten not above `metres`, and its label."""
    power = 10 ** np.floor(np.log10(metres))
    length = float(max(m * power for m in (1, 2, 5) if m * power <= metres * 1.0001))
    return length, f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"


def draw_panel(painter: QPainter, image: QImage, place: QRectF, caption: str, detail: str) -> None:
    """One picture with rounded corners and two lines above it."""
    painter.setFont(font(22, bold=True))
    painter.setPen(INK)
    painter.drawText(QPointF(place.left(), place.top() - 18), caption)
    begin = place.left() + QFontMetricsF(painter.font()).horizontalAdvance(caption) + 14
    painter.setFont(font(17))
    painter.setPen(MUTED)
    detail = QFontMetricsF(painter.font()).elidedText(detail, Qt.TextElideMode.ElideRight, place.right() - begin)
    painter.drawText(QPointF(begin, place.top() - 18), detail)
    outline = QPainterPath()
    outline.addRoundedRect(place, 10, 10)
    painter.save()
    painter.setClipPath(outline)
    painter.drawImage(place, image)
    painter.restore()
    painter.setPen(QPen(LINE, 1.5))
    painter.drawPath(outline)


def draw_scale_bar(painter: QPainter, place: QRectF, width_m: float) -> None:
    """A white-haloed bar in the lower left corner of a panel."""
    if not np.isfinite(width_m) or width_m <= 0:
        return
    length, label = round_length(width_m / 4)
    pixels = place.width() * length / width_m
    painter.setFont(font(18, bold=True))
    metrics = QFontMetricsF(painter.font())
    box = QRectF(place.left() + 16, place.bottom() - 66, max(pixels, metrics.horizontalAdvance(label)) + 32, 50)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 225))
    painter.drawRoundedRect(box, 8, 8)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(INK, 2.5))
    left, base = box.center().x() - pixels / 2, box.bottom() - 12
    painter.drawPolyline(
        QPointF(left, base - 8), QPointF(left, base), QPointF(left + pixels, base), QPointF(left + pixels, base - 8)
    )
    painter.drawText(QRectF(box.left(), box.top() + 4, box.width(), 24), Qt.AlignmentFlag.AlignCenter, label)


def percent(share: float) -> str:
    """A share as people read it."""
    return "0 %" if share == 0 else "< 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"


def legend_rows(shares: Sequence[object]) -> int:
    """How many rows the legend needs with at most six entries in each."""
    return -(-len(shares) // 6)


def legend_columns(names: Sequence[str], width: float) -> list[tuple[float, float]]:
    """Left edge and room for the name of each column; one row of names is spaced by their lengths."""
    columns = -(-len(names) // legend_rows(names))
    even = [(i * width / columns, width / columns - 64) for i in range(columns)]
    metrics = QFontMetricsF(font(20, bold=True))
    lengths = [54 + metrics.horizontalAdvance(name) for name in names]
    space = (width - sum(lengths)) / max(1, len(names) - 1)
    if len(names) > columns or space < 20:
        return even
    space = min(space, 90)
    return [(sum(lengths[:i]) + i * space, lengths[i]) for i in range(columns)]


def draw_legend(painter: QPainter, place: QRectF, shares: Sequence[ClassShare]) -> None:
    """A bar of the shares and, below it, colour, name and percentage of each class."""
    bar = QRectF(place.left(), place.top(), place.width(), 30)
    outline = QPainterPath()
    outline.addRoundedRect(bar, 8, 8)
    painter.save()
    painter.setClipPath(outline)
    left = bar.left()
    for entry in shares:
        width = bar.width() * entry.share
        painter.fillRect(QRectF(left, bar.top(), width + 0.6, bar.height()), QBrush(entry.colour))
        left += width
    painter.restore()

    lefts = legend_columns([entry.name for entry in shares], place.width())
    for index, entry in enumerate(shares):
        left, room = lefts[index % len(lefts)]
        x, y = place.left() + left, bar.bottom() + 24 + (index // len(lefts)) * 66
        present = entry.share > 0
        painter.setPen(QPen(entry.colour.darker(125), 1))
        painter.setBrush(entry.colour)
        painter.drawRoundedRect(QRectF(x, y, 40, 40), 8, 8)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(INK if present else MUTED)
        painter.setFont(font(20, bold=present))
        name = QFontMetricsF(painter.font()).elidedText(entry.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(x + 54, y + 17), name)
        painter.setPen(MUTED)
        painter.setFont(font(18))
        painter.drawText(QPointF(x + 54, y + 39), percent(entry.share))


def compose(
    image: QgsRasterLayer, bands: Sequence[int], class_map: QgsRasterLayer, title: str, footer: str, width: int
) -> QImage:
    """The whole picture."""
    shares = class_shares(class_map)
    extent = class_map.extent()
    panel_width = (1600 - 2 * MARGIN - GAP) / 2
    panel_height = min(1100.0, max(300.0, panel_width * extent.height() / extent.width()))
    panels_top, legend_top = 164.0, 164.0 + panel_height + 36
    height = legend_top + 30 + 24 + 66 * legend_rows(shares) + (54 if footer else 24)
    zoom = width / 1600

    picture = QImage(width, round(height * zoom), QImage.Format.Format_RGB32)
    picture.fill(PAPER)
    painter = QPainter(picture)
    hints = QPainter.RenderHint
    painter.setRenderHints(hints.Antialiasing | hints.TextAntialiasing | hints.SmoothPixmapTransform)
    painter.scale(zoom, zoom)
    painter.setPen(INK)
    painter.setFont(font(40, bold=True))
    painter.drawText(QPointF(MARGIN, 78), title)

    left = QRectF(MARGIN, panels_top, panel_width, panel_height)
    right = left.translated(panel_width + GAP, 0)
    size = round(panel_width * zoom), round(panel_height * zoom)
    true_colour(image, bands)
    channels = ", ".join(str(b) for b in bands)
    draw_panel(painter, draw_layer(image, *size), left, "Image", f"bands {channels} as red, green, blue")
    draw_panel(painter, draw_layer(class_map, *size), right, "Land cover", class_map.name())
    draw_scale_bar(painter, left, layer_width_m(class_map))
    draw_legend(painter, QRectF(MARGIN, legend_top, 1600 - 2 * MARGIN, 0), shares)
    painter.setPen(MUTED)
    painter.setFont(font(16))
    painter.drawText(QPointF(MARGIN, height - 24), footer)
    painter.end()
    return picture


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("map", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bands", default="1,2,3", help="red, green, blue of the image, default %(default)s")
    parser.add_argument("--title", default="Land cover")
    parser.add_argument("--footer", default="")
    parser.add_argument("--width", type=int, default=1600, help="of the picture in pixels, default %(default)s")
    options = parser.parse_args(arguments)
    bands = [int(b) for b in options.bands.split(",")]
    if len(bands) != 3:
        parser.error("--bands needs three band numbers, such as 3,2,1")

    application = QgsApplication([], False)
    application.initQgis()
    image, class_map = load(options.image), load(options.map)
    picture = compose(image, bands, class_map, options.title, options.footer, options.width)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if not picture.save(str(options.out)):
        sys.exit(f"{options.out} cannot be written.")
    del image, class_map
    application.exitQgis()


if __name__ == "__main__":
    main()
