# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of numbers as a person writes them at a shell."""

from __future__ import annotations

import argparse


def integers(text: str) -> tuple[int, ...]:
    """`3,2,1,4` or `3;2;1;4`."""
    try:
        return tuple(int(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers such as 3,2,1,4") from None


def four_numbers(text: str) -> tuple[float, ...]:
    """`xmin,ymin,xmax,ymax`."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(f"{text!r} is not four numbers xmin,ymin,xmax,ymax")
    return numbers
