# SPDX-License-Identifier: GPL-3.0-or-later
"""The section of a card on classes of one's own: samples, validation, and the network that they build on.

The description is untrusted: what is of a wrong kind is left out, and texts are cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...model import OWN_CLASSES, ModelSpec
from .. import number_format
from ..document import Column, Row, Table, plain_text
from .pages import CardSection, Part

_MOST_BASES, _MOST_CLASSES, _LONGEST = 20, 256, 300


def own_classes(spec: ModelSpec) -> CardSection | None:
    """What the description says of own classes; None for a network without."""
    own = spec.extra.get(OWN_CLASSES)
    if not isinstance(own, Mapping):
        return None
    validation = _mapping(own, "validation")
    sentences = [
        "A user of this program trained these classes from samples of one image.",
        *_said("Chosen way", own, "method"),
        *_said("Trained on", own, "date", number_format.moment),
        *_said("Coordinate system of the samples", own, "crs"),
        *_validated(validation),
    ]
    tables = (_classes(spec, _mapping(own, "samples"), _mapping(validation, "f1")), _bases(own))
    parts: tuple[Part, ...] = tuple(table for table in tables if table is not None)
    return CardSection("own_classes", "Own classes", tuple(sentences), parts)


def _validated(validation: Mapping[str, Any]) -> list[str]:
    """Sentences on the figures of validation, which say nothing of the map's accuracy."""
    accuracy, f1 = (_share(validation.get(key)) for key in ("overall_accuracy", "macro_f1"))
    if accuracy is None or f1 is None:
        return ["Nothing could be validated: the samples of each class lie at one place."]
    folds = validation.get("folds")
    parts = f", in {folds} parts" if isinstance(folds, int) and 1 < folds < 1000 else ""
    return [
        f"Each sample predicted from those of other blocks{parts}: overall accuracy {number_format.percent(accuracy)},"
        f" mean F1 {number_format.percent(f1)}, all classes alike.",
        "These figures are of the samples. The accuracy of a map needs a reference sample.",
    ]


def _classes(spec: ModelSpec, samples: Mapping[str, Any], f1: Mapping[str, Any]) -> Table | None:
    rows = tuple(
        Row(plain_text(c.name), (_count(samples.get(c.name)), _share(f1.get(c.name))), c.colour)
        for c in spec.legend.classes[:_MOST_CLASSES]
        if _count(samples.get(c.name)) is not None
    )
    columns = (Column("samples", "Sample pixels", "count"), Column("f1", "F1", "percent", optional=True))
    table = Table("own_samples", "Samples of each class", "", "Class", columns, rows)
    return table.without_empty_columns() if rows else None


def _bases(own: Mapping[str, Any]) -> Table | None:
    given = own.get("base")
    bases = [b for b in given[:_MOST_BASES] if isinstance(b, Mapping)] if isinstance(given, list) else []
    rows = tuple(Row(_text(base, "id"), (_text(base, "license"), _text(base, "sha256"))) for base in bases)
    columns = (Column("license", "Licence", "text"), Column("sha256", "SHA-256", "text"))
    return Table("own_base", "Networks that they build on", "", "Network", columns, rows) if rows else None


def _said(what: str, own: Mapping[str, Any], key: str, shown: Any = str) -> list[str]:
    text = _text(own, key)
    return [f"{what}: {shown(text)}."] if text else []


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return plain_text(value[:_LONGEST]) if isinstance(value, str) else ""


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= 1 else None  # false for NaN, too


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None
