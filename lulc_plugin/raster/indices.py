# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic on band names: spectral indices and the channels that a model derives from bands.

The text of an expression comes with a model, so it is untrusted: it is parsed here, with limits, and never handed
to Python. Grammar: numbers, band names, `+ - * / ( )` and unary minus.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import LulcError

FloatArray = npt.NDArray[np.float32]

#: The built-in indices, over common band names. EVI, SAVI and BSI have additive constants or sums of bands and
#: are meant for reflectance (0..1). Sources: Rouse 1974 (NDVI), McFeeters 1996 (NDWI), Xu 2006 (MNDWI), Zha 2003
#: (NDBI), Huete 2002 (EVI), Huete 1988 (SAVI, L = 0.5), Rikimaru 2002 (BSI).
INDICES: dict[str, str] = {
    "NDVI": "(nir - red) / (nir + red)",
    "NDWI": "(green - nir) / (green + nir)",
    "MNDWI": "(green - swir16) / (green + swir16)",
    "NDBI": "(swir16 - nir) / (swir16 + nir)",
    "EVI": "2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)",
    "SAVI": "1.5 * (nir - red) / (nir + red + 0.5)",
    "BSI": "((swir16 + red) - (nir + blue)) / ((swir16 + red) + (nir + blue))",
}

_LONGEST = 500
_DEEPEST = 32
_LARGEST = 1e30
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/()]))"
)


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its `text`, the band `names` it uses and a `program` in postfix order."""

    text: str
    names: tuple[str, ...]
    program: tuple[tuple[str, str | float], ...]

    def evaluate(self, bands: Mapping[str, FloatArray]) -> FloatArray:
        """Value of the expression at every pixel.

        Args:
            bands: name → array, all of one shape.

        Returns:
            float32 array of that shape. Division by zero gives 0.
        """
        shape = next(iter(bands.values())).shape
        stack: list[FloatArray | np.float32] = []
        for kind, item in self.program:
            if kind == "number":
                stack.append(np.float32(item))
            elif kind == "name":
                stack.append(bands[str(item)])
            elif kind == "negate":
                stack.append(-stack.pop())
            else:
                right = stack.pop()
                left = stack.pop()
                if kind == "+":
                    stack.append(left + right)
                elif kind == "-":
                    stack.append(left - right)
                elif kind == "*":
                    stack.append(left * right)
                else:
                    zero = np.zeros(np.broadcast(left, right).shape, np.float32)
                    stack.append(np.divide(left, right, out=zero, where=np.not_equal(right, 0)))
        return np.broadcast_to(np.asarray(stack.pop(), np.float32), shape)


def parse(text: str, names: tuple[str, ...]) -> Expression:
    """Parse `text` over the band names `names`.

    Raises:
        LulcError: unknown name, bad syntax, longer than 500 characters or nested deeper than 32.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise LulcError(f"A band expression is a text of at most {_LONGEST} characters.")
    parser = _Parser(text, frozenset(names))
    parser.sum(0)
    if parser.kind != "end":
        raise parser.error(f"unexpected {parser.item!r}")
    used = tuple(n for n in names if ("name", n) in parser.program)
    return Expression(text, used, tuple(parser.program))


class _Parser:
    """Recursive descent with a depth limit; writes postfix."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self.position = 0
        self.program: list[tuple[str, str | float]] = []
        self.kind = ""
        self.item: str = ""
        self.advance()

    def error(self, what: str) -> LulcError:
        return LulcError(f"The band expression {self.text!r} cannot be used: {what}.")

    def advance(self) -> None:
        if not self.text[self.position :].strip():
            self.kind, self.item = "end", "end"
            return
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise self.error(f"unexpected {self.text[self.position :].strip()[:20]!r}")
        self.position = match.end()
        self.kind = str(match.lastgroup)
        self.item = match.group(self.kind)

    def sum(self, depth: int) -> None:
        self.product(depth)
        while self.kind == "sign" and self.item in "+-":
            sign = self.item
            self.advance()
            self.product(depth)
            self.program.append((sign, sign))

    def product(self, depth: int) -> None:
        self.factor(depth)
        while self.kind == "sign" and self.item in "*/":
            sign = self.item
            self.advance()
            self.factor(depth)
            self.program.append((sign, sign))

    def factor(self, depth: int) -> None:
        if depth > _DEEPEST:
            raise self.error(f"it is nested deeper than {_DEEPEST}")
        if self.kind == "number":
            number = float(self.item)
            if number > _LARGEST:
                raise self.error(f"{self.item[:20]} is too large a number")
            self.program.append(("number", number))
        elif self.kind == "name":
            if self.item not in self.names:
                raise self.error(f"{self.item!r} is none of the bands {', '.join(sorted(self.names))}")
            self.program.append(("name", self.item))
        elif self.kind == "sign" and self.item == "-":
            self.advance()
            self.factor(depth + 1)
            self.program.append(("negate", "negate"))
            return
        elif self.kind == "sign" and self.item == "(":
            self.advance()
            self.sum(depth + 1)
            if self.item != ")":
                raise self.error("a closing parenthesis is missing")
        else:
            raise self.error(f"unexpected {self.item!r}")
        self.advance()
