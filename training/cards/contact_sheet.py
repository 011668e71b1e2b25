# SPDX-License-Identifier: GPL-3.0-or-later
"""A contact sheet for a card: held-out chips with their reference and the map, bad ones included, as a small JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend

from ..sets.chips import Chip

Picture = npt.NDArray[np.uint8]
LARGEST = 250_000
#: Sets whose licence does not let a picture of theirs be shown.
NEVER = ("deepglobe",)
_PANEL = 200
_GAP = 6
_TEXT = 15
_UNKNOWN = (235, 235, 235)
_INVALID = (0, 0, 0)
_LEAST_LABELLED = 0.2


@dataclass(frozen=True)
class Shown:
    """One chip of the sheet.

    Attributes:
        words: above it: set, place, overall accuracy.
        image, reference, classes: `(rows, cols, 3)` 8-bit pictures.
        overall: share of labelled pixels that are right.
    """

    words: str
    image: Picture
    reference: Picture
    classes: Picture
    overall: float


def shown(
    chips: Sequence[Chip], maps: Sequence[npt.NDArray[np.uint8]], bands: Sequence[str], legend: Legend, title: str
) -> list[Shown]:
    """Of one set: the worst chip, one of the middle and the best, by overall accuracy; none of sets in `NEVER`.

    Args:
        chips: held-out chips.
        maps: channel index of the class of each pixel, one array a chip.
        bands: common names of the chips' bands.
        legend: classes in channel order.
        title: short name of the set.
    """
    if chips and chips[0].source.startswith(NEVER):
        return []
    judged = []
    for chip, classes in zip(chips, maps, strict=True):
        known = (chip.labels > 0) & chip.valid
        if known.mean() >= _LEAST_LABELLED:
            right = chip.allowed[chip.labels[known], classes[known]].mean()
            judged.append((float(right), chip, classes))
    judged.sort(key=lambda one: one[0])
    picked = dict.fromkeys(k for k in (0, len(judged) // 2, len(judged) - 1) if 0 <= k < len(judged))
    return [_shown(*judged[k], bands, legend, title) for k in picked]


def _shown(
    overall: float, chip: Chip, classes: npt.NDArray[np.uint8], bands: Sequence[str], legend: Legend, title: str
) -> Shown:
    colours = np.array([c.rgb for c in legend.classes], np.uint8)
    mapped = colours[classes]
    mapped[~chip.valid] = _INVALID
    words = f"{title}, {chip.place}: {overall:.0%} right"
    return Shown(words, true_colour(chip, bands), reference(chip, colours), mapped, overall)


def true_colour(chip: Chip, bands: Sequence[str]) -> Picture:
    """Red, green, blue of a chip; reflectance is stretched between its 2nd and 98th percentile."""
    wanted = enumerate(("red", "green", "blue"))
    at = [list(bands).index(b) if b in bands else min(i, len(bands) - 1) for i, b in wanted]
    values = chip.values[at].astype(np.float32)
    if chip.valid.any():
        low, high = np.percentile(values[:, chip.valid], [2, 98])
        values = (values - low) / max(high - low, 1e-6) * 255
    picture = np.clip(values, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    picture[~chip.valid] = _INVALID
    return picture


def reference(chip: Chip, colours: Picture) -> Picture:
    """Colours of the labels; a coarse label has the mean colour of the classes it may be, unknown is light grey."""
    table = np.full((256, 3), _UNKNOWN, np.uint8)
    for code, allowed in enumerate(chip.allowed):
        if code and allowed.any():
            table[code] = colours[allowed].mean(axis=0).round()
    picture = table[chip.labels]
    picture[~chip.valid] = _INVALID
    return picture


def draw(rows: Sequence[Shown], legend: Legend, path: Path, largest: int = LARGEST) -> None:
    """Write the sheet, two chips a line: image, reference, map; the legend below.

    Raises:
        LulcError: nothing to draw, or no quality that fits into `largest` bytes.
    """
    if not rows:
        raise LulcError("There is no held-out chip that may be shown.")
    block, line = 3 * _PANEL + 4 * _GAP, _PANEL + _TEXT + 2 * _GAP
    across = min(2, len(rows))
    lines = -(-len(rows) // across)
    entries = [(c.name, c.rgb) for c in legend.classes] + [("no label", _UNKNOWN)]
    bottom = (-(-len(entries) // 6)) * (_TEXT + _GAP) + 2 * _GAP
    sheet = Image.new("RGB", (across * block, lines * line + _TEXT + bottom), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for i in range(across):
        for k, word in enumerate(("image", "reference", "map")):
            pen.text((i * block + _GAP + k * (_PANEL + _GAP), 2), word, "black", font)
    for i, row in enumerate(rows):
        left, top = i % across * block + _GAP, i // across * line + _TEXT + _GAP
        pen.text((left, top), row.words, "black", font)
        for k, picture in enumerate((row.image, row.reference, row.classes)):
            smooth = Image.Resampling.LANCZOS if k == 0 else Image.Resampling.NEAREST
            sheet.paste(_square(picture, smooth), (left + k * (_PANEL + _GAP), top + _TEXT + 3))
    _legend(pen, font, entries, lines * line + _TEXT + _GAP, across * block)
    for quality in (88, 80, 70, 60, 50, 40, 30):
        stream = io.BytesIO()
        sheet.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= largest:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, stream.getvalue())
            return
    raise LulcError(f"The contact sheet of {len(rows)} chips does not fit into {largest:,} bytes.", "Show fewer chips.")


def _square(picture: Picture, how: Image.Resampling) -> Image.Image:
    """The middle square of a picture at the size of a panel."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return Image.fromarray(picture[top : top + side, left : left + side]).resize((_PANEL, _PANEL), how)


def _legend(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    entries: Sequence[tuple[str, tuple[int, int, int]]],
    top: int,
    width: int,
) -> None:
    step = width // 6
    for i, (name, colour) in enumerate(entries):
        left, down = i % 6 * step + _GAP, top + i // 6 * (_TEXT + _GAP)
        pen.rectangle((left, down, left + 14, down + 14), colour, "grey")
        pen.text((left + 20, down), name, "black", font)
