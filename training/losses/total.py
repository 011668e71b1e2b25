# SPDX-License-Identifier: GPL-3.0-or-later
"""A weighted sum of terms, as `loss` of a data set in a recipe says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, get_type_hints

from torch import Tensor

from lulc_plugin.errors import LulcError

from ..toml_tables import NotNegative, Words, convert, refuse_unknown
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
    return tuple(_term(dict(entry), legend_names, where) for entry in entries)


def _term(options: dict[str, Any], legend_names: Sequence[str], where: str) -> Term:
    name, weight = (
        options.pop("term", ""),
        convert(options.pop("weight", 1.0), NotNegative, f"{where} weight of a term"),
    )
    if not isinstance(name, str) or name not in TERMS:
        raise LulcError(f"{where}: the loss term {name!r} is unknown.", f"Known are {', '.join(TERMS)}.")
    if "classes" in options and name == "hardest_classes":
        named = convert(options.pop("classes"), Words, f"{where} classes")
        options["indices"] = tuple(_index(c, legend_names, where) for c in named)
    if "indices" in options and name == "hardest_classes":
        _refuse_no_class(convert(options["indices"], tuple[int, ...], f"{where} indices"), legend_names, where)
    refuse_unknown(options, list(inspect.signature(TERMS[name]).parameters)[2:], f"{where}: {name}")
    hints = get_type_hints(TERMS[name], include_extras=True)
    return Term(name, weight, {key: convert(v, hints[key], f"{where}: {name} {key}") for key, v in options.items()})


def _refuse_no_class(indices: Sequence[int], legend_names: Sequence[str], where: str) -> None:
    for index in indices:
        if not 0 <= index < len(legend_names):
            raise LulcError(
                f"{where}: hardest_classes has the index {index}; the {len(legend_names)} classes count from 0.",
                f"Name classes instead: classes = [{', '.join(repr(n) for n in legend_names[:2])}].",
            )


def _index(name: str, legend_names: Sequence[str], where: str) -> int:
    if name not in legend_names:
        raise LulcError(f"{where}: {name!r} is not a class of the legend ({', '.join(legend_names)}).")
    return list(legend_names).index(name)


def total_loss(scores: Tensor, target: Target, terms: Sequence[Term]) -> Tensor:
    """The weighted sum of the terms."""
    return reduce(add, (t.weight * TERMS[t.name](scores, target, **t.options) for t in terms))
