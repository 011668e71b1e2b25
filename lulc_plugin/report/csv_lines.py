# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of CSV files that people open in a spreadsheet: no text becomes a formula, whatever it is split at.

A program may be told to split at commas, semicolons or tabs, and then takes a quoted text for one that only begins
within a cell. So a text is neutralised wherever one of these readings lets a cell begin, and not only at its start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Where a cell may begin, before what a spreadsheet takes for the start of a formula, also in its wide forms (OWASP:
#: CSV injection). A comma in a text begins no cell: the text is quoted, and only a reading at commas splits there.
_FORMULA = re.compile(r"""(^|[;\t\r\n])(?=[\s"]{0,100}[=+\-@＝＋－＠])|^(?=[\t\r\n])""")
_QUOTED = re.compile(r"""[,;\t\r\n"]|^\s|\s$""")


def csv_line(cells: Iterable[str | float | None]) -> str:
    """One line with its end; numbers as they are, None as an empty cell, texts neutralised with an apostrophe.

    >>> csv_line(["=1+1", -0.5, None, "a;=2", 3])
    "'=1+1,-0.5,,\\"a;'=2\\",3\\r\\n"
    """
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    text = _FORMULA.sub(r"\1'", value)
    if _QUOTED.search(text):
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text
