# SPDX-License-Identifier: GPL-3.0-or-later
"""How numbers are printed for people.

Table cells hold plain numbers without separators, so that they paste into a spreadsheet (the thousands are set apart by
style sheet); sentences hold numbers with separators.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

#: Narrow and ordinary spaces that never break a line.
_THIN, _FIXED = "\u202f", "\u00a0"
NOT_APPLICABLE = "n/a"
_MOST_DECIMALS = 6
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d):\d\d(?:\.\d+)?(?:Z|\+00:00)\Z")
UNIT_NAMES = {"ha": "ha", "km2": "km²", "m2": "m²", "acre": "acres"}


def cell(value: float | str | None, kind: str) -> str:
    """A table cell.

    Kinds: `text`; `count` (whole); `share` and `stat` (3 decimals); `signed` (3 decimals with its sign); `percent` (a
    share times 100, 1 decimal, a true zero as 0); `areaN` (N decimals); `signed-areaN`; `p` (3 decimals, small ones as
    power of ten); `size` (whole when it is).
    """
    if value is None:
        return NOT_APPLICABLE
    if isinstance(value, str):
        return value
    if kind == "count" or isinstance(value, int):
        return str(int(value))
    if kind == "size":
        return str(int(value)) if float(value).is_integer() else f"{value:.2f}"
    if kind == "percent":
        return "0" if value == 0 else f"{100 * value:.1f}"
    if kind == "p":
        return f"{value:.3f}" if value >= 0.001 or value == 0 else f"{value:.1e}"
    if kind.startswith("area"):
        return f"{value:.{int(kind[4:])}f}"
    sign = "+" if kind.startswith("signed") else ""
    decimals = int(kind[len("signed-area") :]) if kind.startswith("signed-area") else 3
    text = f"{value:{sign}.{decimals}f}"
    # a number that rounds to 0 has no sign
    return text.replace("+", "").replace("-", "") if float(text) == 0 else text


def count(value: float) -> str:
    """12 345 with narrow spaces, for sentences."""
    return f"{int(value):,}".replace(",", _THIN)


def percent(share: float) -> str:
    """94.7 % for sentences; more decimals where 100.0 or 0.0 would claim more than is true."""
    for decimals in range(1, _MOST_DECIMALS + 1):
        text = f"{100 * share:.{decimals}f}"
        if (float(text) != 100 or share == 1) and (float(text) != 0 or share == 0):
            break
    return f"{text}{_FIXED}%"


def percent_range(low: float, high: float) -> str:
    """92.8 to 96.5 % for sentences."""
    first, last = percent(low), percent(high)
    return f"{first[: -len(_FIXED) - 1]} to {last}"


def share(value: float) -> str:
    """0.889 for sentences."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−")


def area(value: float, decimals: int, unit: str) -> str:
    """21 158 ha for sentences."""
    return f"{value:,.{decimals}f}".replace(",", _THIN).replace("-", "−") + _FIXED + UNIT_NAMES[unit]


def area_decimals(values: Iterable[float | None]) -> int:
    """Decimals that leave the smallest of the areas three figures, as far as the largest does not make that absurd."""
    known = [abs(v) for v in values if v]
    if not known:
        return 0
    wanted = max(0, 2 - math.floor(math.log10(min(known))))
    return min(wanted, 4 if max(known) < 100 else 2)


def level(value: float) -> str:
    """95 % for a confidence level of 0.95; 99.9 % for 0.999."""
    return f"{100 * value:.6g}{_FIXED}%"


def moment(date: str) -> str:
    """2025-03-14 09:26 UTC of an ISO 8601 time in UTC; anything else as it is."""
    match = _MOMENT.match(date)
    return f"{match.group(1)} {match.group(2)} UTC" if match else date


def one_line(value: object) -> str:
    """Any parameter on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(one_line(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {one_line(item)}" for key, item in value.items())
    return str(value)
