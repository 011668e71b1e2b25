# SPDX-License-Identifier: GPL-3.0-or-later
"""A weighted sum of terms, as `loss` of a data set in a recipe says."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from lulc_plugin.errors import LulcError

from ..toml_tables import positive, words
from .target import Target
from .terms import TERMS


@dataclass(frozen=True)
class Term:
    """One term: its name, its weight in the sum, its options."""

    name: str
    weight: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)


def terms_of(entries: Sequence[Mapping[str, Any]], legend_names: Sequence[str], where: str) -> tuple[Term, ...]:
    """Terms of a recipe's list `[{term = "dice", weight = 0.3}, …]`.

    `hardest_classes` may name its `classes`; their channel indices are put in.

    Raises:
        LulcError: no term, an unknown one, an unknown option, a class that the legend has not.
    """
    if not entries:
        raise LulcError(f"{where} has no loss.", f"Known terms are {', '.join(TERMS)}.")
    terms = []
    for entry in entries:
        options = dict(entry)
        name, weight = options.pop("term", ""), positive(1.0, options.pop("weight", 1.0), f"{where}: weight of a term")
        if not isinstance(name, str) or name not in TERMS:
            raise LulcError(f"{where}: the loss term {name!r} is unknown; known are {', '.join(TERMS)}.")
        if "classes" in options and name == "hardest_classes":
            named = words(options.pop("classes"), f"{where}: classes")
            options["indices"] = tuple(_index(c, legend_names, where) for c in named)
        known = dict(list(inspect.signature(TERMS[name]).parameters.items())[2:])
        for option, value in options.items():
            if option not in known:
                raise LulcError(f"{where}: {name} has no option {option!r}; it has {', '.join(known) or 'none'}.")
            if option != "indices":
                most = 1 if option == "smoothing" else math.inf
                options[option] = positive(known[option].default, value, f"{where}: {name} {option}", most)
        terms.append(Term(name, weight, options))
    return tuple(terms)


def _index(name: str, legend_names: Sequence[str], where: str) -> int:
    if name not in legend_names:
        raise LulcError(f"{where}: {name!r} is no class of the legend ({', '.join(legend_names)}).")
    return list(legend_names).index(name)


def total(scores: Tensor, target: Target, terms: Sequence[Term]) -> Tensor:
    """The weighted sum of the terms."""
    return sum(t.weight * TERMS[t.name](scores, target, **t.options) for t in terms)
