# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine says in QGIS's words, in those of a shell: `--bands 3,2,1,4` for `BANDS=3;2;1;4`."""

from __future__ import annotations

import re

from ..options import SHELL, render
from ..progress import ConsoleProgress

#: Parameter in QGIS → option. Parameters that no command has are left as they are.
OPTIONS = {
    "BANDS": "--bands",
    "EXTENT": "--extent",
    "VALUES": "--values",
    "RESAMPLE": "--resample",
    "MODEL": "--model",
    "MODEL_FILE": "--model",
    "DEVICE": "--device",
    "PROVIDER": "--provider",
    "NODATA_POLICY": "--nodata-policy",
    "STATISTICS_FROM": "--statistics-from",
    "OVERLAP": "--overlap",
    "DESIGN": "--design",
    "FPC": "--fpc",
    "INTERVAL": "--interval",
    "POSTSTRATIFY": "--poststratify",
    "UNKNOWN": "--unknown",
    "MISSING_STRATA": "--missing-strata",
    "STRATA": "--strata",
    "CLASS_TABLE": "--class-table",
    "AREA_UNIT": "--area-unit",
    "DISAGREEMENT": "--disagreement",
    "OUTPUT_HTML": "--html",
    "OUTPUT_CSV": "--csv",
    "OUTPUT_JSON": "--json",
}
#: What a parameter is called in the dialog → option; only after a word that asks for it.
_LABELS = {"Bands": "--bands", "Values": "--values", "Device": "--device", "Provider": "--provider"}

_NAMES = "|".join(sorted(OPTIONS, key=len, reverse=True))
# not within a path, a longer word or quotes: there it is something of the user's own
_BESIDE = r"[\w./\\\-'\"]"
_ASSIGNED = re.compile(rf"(?<!{_BESIDE})({_NAMES})=(?=\w)")
_ALONE = re.compile(rf"(?<!{_BESIDE})({_NAMES})(?![\w/\\\-'\"=]|\.\w)")
_LABEL = re.compile(rf"\b([Ss]et|[Ll]eave|[Cc]hoose|or) ({'|'.join(_LABELS)})\b")
_LIST = re.compile(r"'?\bBANDS=(\d+(?:;\d+)*)'?")
_SEPARATED = re.compile(r"; at a shell [^;'.]*'(?=BANDS=)")
_COMMAS = re.compile(r" \(with commas QGIS reads 0\)")


def at_a_shell(text: str) -> str:
    """A message of the engine as a person at a shell has to take it.

    >>> at_a_shell("Choose DESIGN=simple; set Bands, for example 'BANDS=3;2;1;4'.")
    'Choose --design simple; set --bands, for example --bands 3,2,1,4.'
    """
    text = render(text, SHELL)
    text = _COMMAS.sub("", _SEPARATED.sub(", for example '", text))
    text = _LIST.sub(lambda found: f"--bands {found[1].replace(';', ',')}", text)
    text = _ASSIGNED.sub(lambda found: f"{OPTIONS[found[1]]} ", text)
    text = _ALONE.sub(lambda found: OPTIONS[found[1]], text)
    return _LABEL.sub(lambda found: f"{found[1]} {_LABELS[found[2]]}", text)


class ShellProgress(ConsoleProgress):
    """The bar and the lines of a run, in a shell's words; the result itself is printed by the command."""

    door = SHELL

    def conclude(self, text: str) -> None:
        """Nothing: the command prints it."""

    def _show_log(self, text: str) -> None:
        super()._show_log(at_a_shell(text))

    def _show_warning(self, text: str) -> None:
        super()._show_warning(at_a_shell(text))
