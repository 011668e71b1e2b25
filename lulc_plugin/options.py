# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of options within messages: the engine names an option by its id, each door shows its own name for it.

A door is where a message is read: QGIS (the dialog and `qgis_process`), a shell (`python -m lulc_plugin`), or Python.
A message holds marks such as `⟦bands=3,2,1,4⟧`, made by `option`, `command` and `RESTART`; `render` replaces them.
Every text that a door shows goes through `render`: `Progress` does it for lines, `LulcError` for `str(error)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: The doors.
QGIS, SHELL, PYTHON = "qgis", "shell", "python"


@dataclass(frozen=True)
class Option:
    """What an option is called at each door; in Python it has its id as name.

    Attributes:
        parameter: in QGIS.
        shell: with its dashes, or an argument in capitals; empty where no command has it.
        label: what its label in the dialog begins with, where this reads better than the parameter's name.
        is_list: whether it takes several numbers.
    """

    parameter: str
    shell: str
    label: str = ""
    is_list: bool = False


#: id → names; the id is the name in Python, a field of a job or an argument.
OPTIONS = {
    # classify, check
    "model": Option("MODEL", "--model"),
    "model_file": Option("MODEL_FILE", "--model", "Model file"),
    "bands": Option("BANDS", "--bands", "Bands", is_list=True),
    "extent": Option("EXTENT", "--extent", "Extent"),
    "values": Option("VALUES", "--values", "Values"),
    "resample": Option("RESAMPLE", "--resample", "Pixels of another size"),
    "smoothing": Option("SMOOTHING", "--smoothing", "Smoothing"),
    "statistics_from": Option("STATISTICS_FROM", "--statistics-from", "Statistics from another layer"),
    "overlap": Option("OVERLAP", "--overlap", "Overlap of windows"),
    "window": Option("WINDOW", "--window", "Window size"),
    "batch_size": Option("BATCH_SIZE", "--batch-size", "Windows at a time"),
    "nodata_policy": Option("NODATA_POLICY", "--nodata-policy", "A pixel has no data when"),
    "device": Option("DEVICE", "--device", "Device"),
    "provider": Option("PROVIDER", "--provider", "Provider"),
    # repeat
    "layer": Option("INPUT", "--input"),
    "anyway": Option("", "--anyway"),
    # assess, compare
    "reference": Option("REFERENCE", "REFERENCE"),
    "features": Option("REFERENCE_FEATURES", "REFERENCE", "Reference points or polygons"),
    "field": Option("FIELD", "--field", "Field with the class"),
    "stratum_field": Option("STRATUM_FIELD", "--stratum-field", "Field with the stratum"),
    "class_table": Option("CLASS_TABLE", "--class-table", "Class table"),
    "class_table_b": Option("CLASS_TABLE_B", "the column map_b of --class-table", "Class table of map B"),
    "strata": Option("STRATA", "--strata", "Strata"),
    "design": Option("DESIGN", "--design", "How the reference was chosen"),
    "fpc": Option("FPC", "--fpc", "Finite population correction"),
    "interval": Option("INTERVAL", "--interval", "Intervals of random samples"),
    "poststratify": Option("POSTSTRATIFY", "--poststratify", "Post-stratify"),
    "unknown": Option("UNKNOWN", "--unknown", "Classes the map does not have"),
    "missing_strata": Option("MISSING_STRATA", "--missing-strata", "Strata without a reference unit"),
    "area_unit": Option("AREA_UNIT", "--area-unit", "Unit of areas"),
    "level": Option("CONFIDENCE_LEVEL", "--level", "Confidence level"),
    "html": Option("OUTPUT_HTML", "--html"),
    "csv": Option("OUTPUT_CSV", "--csv"),
    "json": Option("OUTPUT_JSON", "--json"),
    "disagreement": Option("DISAGREEMENT", "--disagreement"),
    # adapt
    "most_pixels": Option("MAX_PIXELS_PER_CLASS", "--max-pixels-per-class", "Sample pixels of a class at most"),
    # suggest
    "map": Option("MAP", "IN"),
    "confidence": Option("CONFIDENCE", "--confidence"),
    # stack
    "layers": Option("LAYERS", "LAYER"),
    "grid": Option("GRID", "--grid"),
    "resampling": Option("RESAMPLING", "--resampling"),
    # what only QGIS and Python have: drawing a sample, describing a network, installing
    "size": Option("SIZE", "", "Number of points"),
    "min_per_class": Option("MIN_PER_CLASS", "", "Points of each rare class"),
    "min_distance": Option("MIN_DISTANCE", "", "Least distance"),
    "scaling": Option("SCALING", "", "Scaling"),
    "activation": Option("ACTIVATION", "", "What turns its numbers into scores"),
    "wheels": Option("WHEELS", "", "Folder with wheels"),
}

#: Algorithm of QGIS → what a message calls it at each door.
COMMANDS = {
    "describemodel": {QGIS: "Describe model", SHELL: "lulc:describemodel of QGIS", PYTHON: "describe_network"},
    "importmodel": {QGIS: "Import model", SHELL: "lulc:importmodel of QGIS", PYTHON: "import_model"},
    "installdependencies": {
        QGIS: "Install dependencies",
        SHELL: "lulc:installdependencies of QGIS",
        PYTHON: "lulc:installdependencies of QGIS",
    },
    "trainfrompoints": {QGIS: "Train classes from points", SHELL: "lulc_plugin adapt", PYTHON: "lulc_plugin.adapt"},
}

#: What has to be done so that a change of the installation counts; begins with a verb.
RESTART = "⟦restart!⟧"
_RESTARTS = {QGIS: "restart QGIS", SHELL: "run the command again", PYTHON: "start Python again"}

_MARK = re.compile(r"⟦([a-z_]+)(!|=[^⟦⟧]*)?⟧")
_BRACKETS = str.maketrans({"⟦": "[", "⟧": "]"})


def option(name: str, value: str | Sequence[int] = "") -> str:
    """The option `name` within a message, perhaps with a value; a list of numbers as such, or with commas.

    >>> render(f"Choose {option('design', 'simple')}.", SHELL)
    'Choose --design simple.'
    >>> render(f"Set {option('bands')}, for example {option('bands', [3, 2, 1])}.", QGIS)
    "Set Bands, for example 'BANDS=3;2;1'."
    >>> render(option("bands", "3,2,1"), PYTHON)
    'bands=(3, 2, 1)'

    Raises:
        KeyError: no such option; a fault of the engine.
    """
    OPTIONS[name]
    text = value if isinstance(value, str) else ",".join(map(str, value))
    return f"⟦{name}={text.translate(_BRACKETS)}⟧" if text else f"⟦{name}⟧"


def command(name: str) -> str:
    """The algorithm `name` (without `lulc:`) within a message.

    >>> render(f"{command('describemodel')} writes one.", QGIS)
    'Describe model writes one.'

    Raises:
        KeyError: no such algorithm; a fault of the engine.
    """
    COMMANDS[name]
    return f"⟦{name}!⟧"


def render(text: str, door: str) -> str:
    """`text` with every option and command as `door` calls it; marks that name none of them stay as they are.

    >>> render("⟦nothing⟧ of ⟦bands=1,x⟧", SHELL)
    '⟦nothing⟧ of --bands 1,x'
    """
    if "⟦" not in text:
        return text
    return _MARK.sub(lambda mark: _words(mark, door), text)


def render_all(value: Any, door: str) -> Any:
    """`value` (of dicts, lists and tuples, such as the facts of a report) with all its texts rendered; keys stay."""
    if isinstance(value, str):
        return render(value, door)
    if isinstance(value, dict):
        return {key: render_all(item, door) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(render_all(item, door) for item in value)
    return value


def _words(mark: re.Match[str], door: str) -> str:
    name, rest = mark[1], mark[2] or ""
    if rest == "!":
        return (_RESTARTS if name == "restart" else COMMANDS.get(name, {})).get(door, mark[0])
    known = OPTIONS.get(name)
    if known is None:
        return mark[0]
    return _assigned(name, known, rest[1:], door) if rest else _alone(name, known, door)


def _alone(name: str, known: Option, door: str) -> str:
    if door == QGIS:
        return known.label or known.parameter
    return known.shell if door == SHELL and known.shell else name


def _assigned(name: str, known: Option, value: str, door: str) -> str:
    if door == QGIS:
        # qgis_process reads a list with commas as 0, and a shell ends a command at a semicolon
        return f"'{known.parameter}={value.replace(',', ';')}'" if known.is_list else f"{known.parameter}={value}"
    if door == SHELL and known.shell:
        return f"{known.shell} {value}"
    return f"{name}=({value.replace(',', ', ')})" if known.is_list else f"{name}={value}"
