# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user writes about a network, as text or a table: its bands, its classes, and how its numbers are scaled.

All of it is untrusted and has limits; nothing is evaluated.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FileNotRead, LulcError
from ...legend import LegendClass, default_colour
from ...options import option
from ...raster import Step, Steps, band_names, steps_from_json
from ..mlm import json_values
from ..spec import UNITS, InputForm, ModelBand

# ---------------------------------------------------------------- bands

_MOST_BANDS = 512
#: common name → centre and width in micrometres: Sentinel-2A, and where it has none PlanetScope, WorldView, Landsat 8
_WAVELENGTHS: dict[str, tuple[float, float]] = {
    "coastal": (0.4427, 0.021),
    "blue": (0.4924, 0.066),
    "green05": (0.531, 0.036),
    "green": (0.5598, 0.036),
    "yellow": (0.605, 0.040),
    "red": (0.6646, 0.031),
    "rededge": (0.725, 0.040),
    "rededge071": (0.7041, 0.015),
    "rededge075": (0.7405, 0.015),
    "rededge078": (0.7828, 0.020),
    "nir": (0.8328, 0.106),
    "nir08": (0.8647, 0.021),
    "nir09": (0.9451, 0.020),
    "cirrus": (1.3735, 0.031),
    "swir16": (1.6137, 0.091),
    "swir22": (2.2024, 0.175),
    "lwir": (11.45, 2.1),
    "lwir11": (10.895, 0.59),
    "lwir12": (12.005, 1.01),
}
_OLI = {
    "coastal": (0.440, 0.020), "blue": (0.480, 0.060), "green": (0.560, 0.060), "red": (0.655, 0.030),
    "nir08": (0.865, 0.030), "swir16": (1.610, 0.080), "swir22": (2.200, 0.180), "cirrus": (1.373, 0.020),
}  # fmt: skip
#: where a sensor differs from the table above
_OF_SENSOR: dict[str, dict[str, tuple[float, float]]] = {
    "landsat-oli": _OLI,
    "hls-l30": _OLI,
    "landsat-tm": {
        "blue": (0.485, 0.070), "green": (0.560, 0.080), "red": (0.660, 0.060), "nir": (0.830, 0.140),
        "swir16": (1.650, 0.200), "swir22": (2.215, 0.270),
    },
    "worldview": {
        "coastal": (0.425, 0.050), "blue": (0.480, 0.060), "green": (0.545, 0.070), "red": (0.660, 0.060),
        "nir": (0.8325, 0.125),
    },
    "planetscope": {
        "coastal": (0.4415, 0.021), "blue": (0.490, 0.050), "green": (0.565, 0.036), "yellow": (0.610, 0.020),
        "red": (0.665, 0.030), "rededge071": (0.705, 0.016), "nir08": (0.865, 0.040),
    },
    "modis": {
        "red": (0.645, 0.050), "nir08": (0.8585, 0.035), "blue": (0.469, 0.020), "green": (0.555, 0.020),
        "swir16": (1.640, 0.024), "swir22": (2.130, 0.050),
    },
}  # fmt: skip
#: single letters mean colours where all names are single letters
_LETTERS = {"r": "red", "g": "green", "b": "blue", "n": "nir"}
_BANDS_REMEDY = (
    "Write the bands in the network's channel order, like red,green,blue,nir, or sentinel-2: B04,B03,B02,B08."
    " Known names are " + ", ".join(_WAVELENGTHS) + "."
)


def bands_of(text: str) -> tuple[ModelBand, ...]:
    """The bands that `text` lists, separated by commas, semicolons or blanks, with their wavelengths.

    A bare B5 is red edge on Sentinel-2 and near infrared on Landsat 8: a sensor's own names count only where all
    sensors that have them mean the same, or where the text begins with the sensor (`landsat-8: B5,B4,B3`).

    Names that are neither common nor a sensor's are kept as they are, without a wavelength: a layer's band has to have
    the same name.

    Raises:
        LulcError: no name, a name twice, or a sensor's name that means different things.
    """
    prefix, colon, rest = text.rpartition(":")
    sensor = band_names.sensor_in(prefix)
    if colon and not sensor:
        raise LulcError(
            f"The sensor {prefix.strip()[:50]!r} is not known.", f"Known are {', '.join(band_names.SENSORS)}."
        )
    separator = r"[,;\n]" if re.search(r"[,;\n]", rest) else r"\s"
    names = [name.strip() for name in re.split(separator, rest) if name.strip()]
    if len(names) > 1 and all(name.lower() in _LETTERS for name in names):
        names = [_LETTERS[name.lower()] for name in names]
    if not names:
        raise LulcError("The names of the network's bands are missing.", _BANDS_REMEDY)
    if len(names) > _MOST_BANDS or any(len(name) > 100 for name in names):
        raise LulcError(
            f"{len(names)} band names are given; at most {_MOST_BANDS} of at most 100 characters can be.", _BANDS_REMEDY
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise LulcError(f"The band {twice!r} is named twice.", _BANDS_REMEDY)
    if all(name.isdigit() for name in names):
        raise LulcError(
            f"{', '.join(names)[:100]} are numbers of bands of some layer; the network's bands need names.",
            _BANDS_REMEDY,
        )
    codes = [name for name in names if band_names.is_code(name)]
    if codes and not sensor:
        sensor = band_names.sensor_by_spelling(tuple(names)) or _sensor_that_fits(codes)
    return tuple(_band(name, sensor) for name in names)


def _band(name: str, sensor: str) -> ModelBand:
    common = band_names.of_sensor(name, sensor) if band_names.is_code(name) else band_names.common_name(name)
    if common is None and band_names.is_code(name):
        raise LulcError(
            f"{sensor} has no band {name!r}; it has {', '.join(band_names.SENSORS[sensor]).upper()}.", _BANDS_REMEDY
        )
    if common is None:
        return ModelBand(name)
    known = _OF_SENSOR.get(sensor, {}).get(common) or _WAVELENGTHS.get(common)
    return ModelBand(name, common) if known is None else ModelBand(name, common, *known)


def _sensor_that_fits(codes: Sequence[str]) -> str:
    """The sensor that has all bands called so; any of several that mean the same by them.

    Raises:
        LulcError: none has them, or they mean different things.
    """
    # Landsat does not pad its numbers (B2), Sentinel-2 and the harmonised HLS do (B02)
    if any(re.fullmatch(r"b0\d", name.strip().lower()) for name in codes):
        possible = ["sentinel-2", "hls-l30"]
    elif any(name.strip().lower().startswith("sr") for name in codes):
        possible = ["landsat-oli", "landsat-tm"]
    else:
        possible = ["sentinel-2", "landsat-oli", "landsat-tm"]
    fitting = [s for s in possible if all(band_names.of_sensor(name, s) for name in codes)]
    if not fitting:
        raise LulcError(f"No sensor known here has all of the bands {', '.join(codes)[:200]}.", _BANDS_REMEDY)
    for name in codes:
        meanings = sorted({str(band_names.of_sensor(name, s)) for s in fitting})
        if len(meanings) > 1:
            raise LulcError(
                f"The band {name!r} could be {' or '.join(meanings)}: sensors differ.",
                "Begin with the sensor, like sentinel-2: B04,B03,B02,B05 or landsat-8: B4,B3,B2,B5, or use common names"
                " like red,green,blue,nir.",
            )
    return fitting[0]


# ---------------------------------------------------------------- classes

_MOST_CLASSES = 4096
_LARGEST_TABLE = 4_000_000
_CLASSES_REMEDY = (
    "Each row is a class in the network's channel order: value,name or value,name,colour, like 1,Water or"
    " 1,Water,#0064C8."
)
_COLOURS = ("colour", "color", "color_hint")


def classes_of_cells(cells: Sequence[Any], columns: int = 3) -> tuple[LegendClass, ...]:
    """Classes from the cells of a table, row after row (values may come as 1.0 or "1").

    Raises:
        LulcError: no full rows, or a row that is not a class.
    """
    cells = list(cells)
    if len(cells) % columns:
        raise LulcError(f"The class table has {len(cells)} cells, which is not {columns} in each row.", _CLASSES_REMEDY)
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return classes_of_rows(rows, "The class table")


def classes_of_file(path: Path) -> tuple[LegendClass, ...]:
    """Classes from a CSV file (comma, semicolon or tab; UTF-8), with or without a first line value,name,colour.

    Raises:
        LulcError: the file cannot be read, or a row is not a class.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_TABLE:
            raise LulcError(f"{path} has {size:,} bytes; that is not a class table.", _CLASSES_REMEDY)
        with path.open(encoding="utf-8-sig") as stream:
            lines = stream.read(_LARGEST_TABLE).splitlines()  # a device has a size of 0, and no end
    except (OSError, UnicodeDecodeError) as error:
        raise FileNotRead(f"The class table {path} cannot be read: {error}.", "Save it as CSV in UTF-8.") from error
    first = lines[0] if lines else ""
    delimiter = next((d for d in (";", "\t") if d in first), ",")
    try:
        rows: list[list[str]] = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise LulcError(f"The class table {path} is not a CSV file: {error}.", _CLASSES_REMEDY) from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if {"value", "name"} <= set(header):
        columns = [header.index("value"), header.index("name")]
        columns += [header.index(c) for c in _COLOURS if c in header][:1]
        rows = [[row[i] if i < len(row) else "" for i in columns] for row in rows[1:]]
    return classes_of_rows(rows, f"The class table {path}")


def classes_of_rows(rows: Sequence[Sequence[Any]], what: str) -> tuple[LegendClass, ...]:
    """Classes from rows of value, name and perhaps colour; empty rows are left out.

    Raises:
        LulcError: no class, a row that is none, or a value twice.
    """
    rows = [row for row in rows if any(_cell_text(cell) for cell in row)]
    if not rows:
        raise LulcError(f"{what} is empty; the network's classes are missing.", _CLASSES_REMEDY)
    if len(rows) > _MOST_CLASSES:
        raise LulcError(
            f"{what} has {len(rows):,} rows; at most {_MOST_CLASSES:,} classes can be mapped.", _CLASSES_REMEDY
        )
    classes: list[LegendClass] = []
    for number, row in enumerate(rows, 1):
        value = _whole(row[0])
        if value is None:
            raise LulcError(
                f"{what}: the value {str(row[0])[:50]!r} in row {number} is not a whole number.", _CLASSES_REMEDY
            )
        name = _cell_text(row[1]) if len(row) > 1 else ""
        if not name:
            raise LulcError(f"{what}: row {number} (value {value}) has no name.", _CLASSES_REMEDY)
        colour_text = _cell_text(row[2]) if len(row) > 2 else ""
        if colour_text and not re.fullmatch(r"#?[0-9A-Fa-f]{6}", colour_text):
            raise LulcError(
                f"{what}: the colour {colour_text[:50]!r} in row {number} is not of the form #RRGGBB.",
                "Write #0064C8 for a blue, or leave it empty.",
            )
        colour = f"#{colour_text.lstrip('#').upper()}" if colour_text else default_colour(len(classes), name)
        if any(c.value == value for c in classes):
            raise LulcError(f"{what}: the value {value} stands in two rows.", "Give every class a value of its own.")
        classes.append(LegendClass(value, name, colour))
    return tuple(classes)


def _cell_text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _whole(cell: Any) -> int | None:
    try:
        number = float(_cell_text(cell))
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None


# ---------------------------------------------------------------- scaling

SCALING_REMEDY = (
    "Write one of: none (stored numbers as they are), 0-1 (reflectance, or pictures divided by 255), 255, 10000,"
    " scale 3000, z-score M1,M2,…/S1,S2,… (means / standard deviations of the channels), imagenet, or a JSON list of"
    ' steps like [{"op": "scale", "value": 3000}, {"op": "clip", "minimum": 0, "maximum": 1}].'
)
NOT_GIVEN = (
    f"{option('scaling')} was not given: the network gets the numbers as they are stored; a wrong scaling gives a wrong"
    " map without an error"
)
#: stored numbers of satellites that are divided by so much are reflectance × 10,000
_SMALLEST_DN_DIVISOR = 1000.0
_DN_SCALE = 0.0001
_LONGEST_SCALING = 100_000
_IMAGENET = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


@dataclass(frozen=True)
class Scaling:
    """Ways in, steps of each channel, and what turns a stored number into reflectance (None where unknown)."""

    forms: tuple[InputForm, ...]
    channel_steps: tuple[Steps, ...]
    dn_scale: float | None = None


def read_scaling(text: str, count: int) -> Scaling:
    """Understand how the network wants the numbers of its `count` channels, from a few words of a closed set.

    Raises:
        LulcError: other words, or another number of channels.
    """
    text = text.strip()
    if len(text) > _LONGEST_SCALING:
        raise LulcError(
            f"The scaling is a text of {len(text):,} characters; {_LONGEST_SCALING:,} are enough for anyone.",
            SCALING_REMEDY,
        )
    words = re.sub(r"\s+", " ", text.lower())
    if words in ("", "none"):
        return _plain("dn", "stored numbers", (), count)
    if text[:1] in "[{":
        return _of_json(text, count)
    if words in ("0-1", "0–1", "0..1", "0 to 1", "reflectance"):
        by_255 = ((Step.of("scale", value=255),),) * count
        forms = (
            InputForm("reflectance", "reflectance", ((),) * count, "0 to 1"),
            InputForm("picture", "byte", by_255, "8-bit numbers divided by 255"),
        )
        return Scaling(forms, ((),) * count)
    if words == "imagenet":
        if count != 3:
            raise LulcError(
                f"The ImageNet scaling is for 3 channels (red, green, blue), not for {count}.", SCALING_REMEDY
            )
        steps = tuple(
            (Step.of("scale", value=255), Step.of("z-score", mean=mean, stddev=stddev)) for mean, stddev in _IMAGENET
        )
        return Scaling(_forms("byte", "divided by 255, ImageNet's mean and standard deviation", count), steps)
    match = re.fullmatch(rf"(?:scale |/ ?)?({_NUMBER})", words)
    if match:
        return _divided(float(match.group(1)), count)
    match = re.fullmatch(r"z-?score:? (.*)/(.*)", words)
    if match:
        return _standardised(match.group(1), match.group(2), count)
    raise LulcError(f"The scaling {text[:80]!r} is not understood.", SCALING_REMEDY)


def _plain(unit: str, name: str, steps: Steps, count: int, dn_scale: float | None = None) -> Scaling:
    return Scaling(_forms(unit, name, count), (steps,) * count, dn_scale)


def _forms(unit: str, name: str, count: int) -> tuple[InputForm, ...]:
    return (InputForm(name, unit, ((),) * count),)


def _divided(divisor: float, count: int) -> Scaling:
    if not 0 < divisor < 1e12:
        raise LulcError(f"Numbers cannot be divided by {divisor:g}.", SCALING_REMEDY)
    steps = () if divisor == 1 else (Step.of("scale", value=divisor),)
    if divisor == 255:
        return _plain("byte", "divided by 255", steps, count)
    scale = _DN_SCALE if divisor >= _SMALLEST_DN_DIVISOR else None
    return _plain("dn", f"divided by {divisor:g}", steps, count, scale)


def _standardised(means: str, spreads: str, count: int) -> Scaling:
    numbers = [_numbers(means, count, "mean"), _numbers(spreads, count, "standard deviation")]
    if min(numbers[1]) <= 0:
        raise LulcError(f"A standard deviation is {min(numbers[1]):g}; it must be above 0.", SCALING_REMEDY)
    steps = tuple((Step.of("z-score", mean=m, stddev=s),) for m, s in zip(*numbers))
    name = "z-score of the channels' mean and standard deviation"
    # means tell the unit: reflectance lies below 1, pictures below 255, stored numbers of satellites above
    largest = max(map(abs, numbers[0]))
    if largest <= 1.5 and max(numbers[1]) <= 1.5:
        by_255 = ((Step.of("scale", value=255),),) * count
        forms = (
            InputForm(name, "reflectance", ((),) * count, "0 to 1"),
            InputForm("picture", "byte", by_255, "8-bit numbers divided by 255"),
        )
        return Scaling(forms, steps)
    if largest <= 255:
        return Scaling(_forms("byte", name, count), steps)
    return Scaling(_forms("dn", name, count), steps, _DN_SCALE)


def _numbers(text: str, count: int, what: str) -> tuple[float, ...]:
    parts = [part for part in re.split(r"[,; ]+", text.strip()) if part]
    if not all(re.fullmatch(_NUMBER, part) for part in parts) or len(parts) not in (1, count):
        raise LulcError(
            f"The scaling gives {len(parts)} times a {what} ({text.strip()[:60]}) for {count} channels.", SCALING_REMEDY
        )
    numbers = tuple(float(part) for part in parts)
    return numbers * count if len(numbers) == 1 else numbers


def _of_json(text: str, count: int) -> Scaling:
    """A list of steps for all channels, a list of such lists, or an object with `unit` and `steps`."""
    try:
        data: Any = json_values.load(text)
    except ValueError as error:
        raise LulcError(f"The scaling is not JSON: {error}.", SCALING_REMEDY) from error
    unit = "dn"
    if isinstance(data, Mapping) and "op" not in data:
        unit = str(data.get("unit") or unit)
        if unit not in UNITS:
            raise LulcError(f"The unit {unit[:50]!r} is none of {', '.join(UNITS)}.", SCALING_REMEDY)
        data = data.get("steps")
    if isinstance(data, list) and data and all(isinstance(entry, list) for entry in data):
        if len(data) != count:
            raise LulcError(
                f"The scaling has steps for {len(data)} channels; the network takes {count}.", SCALING_REMEDY
            )
        return Scaling(_forms(unit, "as described", count), tuple(steps_from_json(entry) for entry in data))
    return _plain(unit, "as described", steps_from_json(data if data is not None else []), count)
