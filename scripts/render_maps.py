# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw an image and several class maps of it in rows of panels, as QGIS shows them, with their legends.

    python scripts/render_maps.py IMAGE.tif OUT.png MAP.tif=CAPTION … [--bands 3,2,1] [--title TEXT] [--footer TEXT]

Maps with the same classes share one legend. Needs QGIS's Python and QT_QPA_PLATFORM=offscreen (or a display).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from qgis.core import QgsApplication, QgsPalettedRasterRenderer, QgsRasterLayer
from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen
from render_map import (
    INK,
    MARGIN,
    MUTED,
    PAPER,
    draw_layer,
    draw_panel,
    draw_scale_bar,
    font,
    layer_width_m,
    load,
    true_colour,
)

WIDTH, GAP, TOP, CAPTION, LINE = 1600, 20, 110, 44, 42
Entries = tuple[tuple[str, str], ...]


def entries(layer: QgsRasterLayer) -> Entries:
    """Name and colour of each class.

    Raises:
        SystemExit: the layer has no style with classes.
    """
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer):
        sys.exit(f"{layer.source()} is not shown as classes: is its .qml beside it?")
    return tuple((one.label, QColor(one.color).name()) for one in renderer.classes())


def legend_lines(legend: Entries) -> list[list[tuple[float, str, str]]]:
    """Left edge, name and colour of the entries of each line."""
    lines: list[list[tuple[float, str, str]]] = [[]]
    left = 0.0
    for name, colour in legend:
        length = 62 + QFontMetricsF(font(20)).horizontalAdvance(name)
        if left + length > WIDTH - 2 * MARGIN - 330:
            lines.append([])
            left = 0.0
        lines[-1].append((left, name, colour))
        left += length
    return lines


def compose(
    image: QgsRasterLayer,
    bands: Sequence[int],
    maps: Sequence[tuple[str, QgsRasterLayer]],
    title: str,
    footer: str,
    columns: int,
) -> QImage:
    """The whole picture."""
    true_colour(image, bands)
    panels = [("Image", image), *maps]
    legends: dict[Entries, list[str]] = {}
    for caption, layer in maps:
        legends.setdefault(entries(layer), []).append(caption)
    lines = [(captions, legend_lines(legend)) for legend, captions in legends.items()]
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns
    tall = width * image.height() / image.width()
    rows = -(-len(panels) // columns)
    bottom = TOP + rows * (tall + CAPTION + GAP)
    height = bottom + 30 + sum(len(one) * LINE + 10 for _, one in lines) + 40
    picture = QImage(WIDTH, round(height), QImage.Format.Format_RGB32)
    picture.fill(PAPER)
    painter = QPainter(picture)
    hints = QPainter.RenderHint
    painter.setRenderHints(hints.Antialiasing | hints.TextAntialiasing)
    painter.setPen(INK)
    painter.setFont(font(36, bold=True))
    painter.drawText(QPointF(MARGIN, 66), title)
    for place, (caption, layer) in enumerate(panels):
        row, column = divmod(place, columns)
        box = QRectF(MARGIN + column * (width + GAP), TOP + row * (tall + CAPTION + GAP) + CAPTION, width, tall)
        draw_panel(painter, draw_layer(layer, round(width), round(tall)), box, caption, "")
        if not place:
            draw_scale_bar(painter, box, layer_width_m(layer))
    top = bottom + 30
    for captions, rows_of in lines:
        painter.setPen(MUTED)
        painter.setFont(font(17))
        words = QFontMetricsF(painter.font()).elidedText(", ".join(captions), Qt.TextElideMode.ElideRight, 310)
        painter.drawText(QPointF(MARGIN, top + 18), words)
        for line in rows_of:
            for left, name, colour in line:
                painter.setPen(QPen(QColor(colour).darker(125), 1))
                painter.setBrush(QColor(colour))
                painter.drawRoundedRect(QRectF(MARGIN + 330 + left, top, 26, 26), 5, 5)
                painter.setPen(INK)
                painter.setFont(font(20))
                painter.drawText(QPointF(MARGIN + 330 + left + 34, top + 20), name)
            top += LINE
        top += 10
    painter.setPen(MUTED)
    painter.setFont(font(16))
    painter.drawText(QPointF(MARGIN, height - 22), footer)
    painter.end()
    return picture


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("maps", nargs="+", metavar="MAP=CAPTION")
    parser.add_argument("--bands", default="1,2,3", help="red, green, blue of the image, default %(default)s")
    parser.add_argument("--columns", type=int, default=2, help="panels beside each other, default %(default)s")
    parser.add_argument("--title", default="Land cover")
    parser.add_argument("--footer", default="")
    options = parser.parse_args(arguments)
    application = QgsApplication([], False)
    application.initQgis()
    image = load(options.image)
    maps = [(caption, load(Path(path))) for path, _, caption in (one.partition("=") for one in options.maps)]
    bands = [int(b) for b in options.bands.split(",")]
    picture = compose(image, bands, maps, options.title, options.footer, options.columns)
    if not picture.save(str(options.out)):
        sys.exit(f"{options.out} cannot be written.")
    del image, maps
    application.exitQgis()


if __name__ == "__main__":
    main()
