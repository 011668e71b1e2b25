# SPDX-License-Identifier: GPL-3.0-or-later
"""Where windows may begin for a network whose description does not say."""

from __future__ import annotations

import math

_USUAL = 32
#: windows overlap by up to twice the multiple on either side, and something has to be left of them
_LEAST_PARTS = 4


def usual_multiple(size: int | None) -> int:
    """Of what window origins should be multiples: 32, or what suits a network that takes only one `size`.

    That is the largest power of two up to 32 that divides the size and is at most a quarter of it.
    """
    if size is None:
        return _USUAL
    multiple = math.gcd(size, _USUAL)
    while multiple > 1 and multiple * _LEAST_PARTS > size:
        multiple //= 2
    return multiple
