# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bands a network works with, and what it scores with each choice of them: a section of the card."""

from __future__ import annotations

from ...model import BandPattern, ModelSpec
from ..document import Column, Row, Table, plain_text
from .expectations import join_names, number
from .pages import CardSection

#: Test sets that have columns of their own.
_MOST_SETS = 4


def patterns(spec: ModelSpec) -> CardSection | None:
    """The section on bands that may be absent; None for a network that needs all of its bands."""
    if spec.band_patterns is None:
        return None
    labels = {band.name: plain_text(band.label) for band in spec.bands}
    needed = [labels[name] for name in spec.band_patterns.required]
    optional = [labels[band.name] for band in spec.bands if band.name not in spec.band_patterns.required]
    sentences = (
        f"It needs {join_names(needed)}. It also uses {join_names(optional)} where a layer has them: of the choices"
        " below the largest that the layer has is taken.",
        "Give the numbers of the bands of one of these choices, in its order, or none: then bands are found by name or"
        f" wavelength. The channel of an absent band holds {number(spec.band_patterns.fill)}, which tells the network.",
    )
    return CardSection("patterns", "With which bands it works", sentences, (_table(spec, labels),))


def counts(spec: ModelSpec) -> tuple[str, str]:
    """How many bands a network takes, and which, for the top of its card."""
    bands = [band.label for band in spec.bands]
    if spec.band_patterns is None:
        return str(len(bands)), join_names(bands)
    needed = [band.label for band in spec.bands if band.name in spec.band_patterns.required]
    more = [label for label in bands if label not in needed]
    fewest = min(len(pattern.bands) for pattern in spec.band_patterns.patterns)
    return f"{fewest} to {len(bands)}", f"{join_names(needed)}; {join_names(more)} if there"


def _table(spec: ModelSpec, labels: dict[str, str]) -> Table:
    """A row for each pattern, the largest first."""
    ordered = spec.band_patterns.by_size if spec.band_patterns else ()
    sets = list(dict.fromkeys(name for pattern in ordered for name in pattern.scores))[:_MOST_SETS]
    columns = [
        column
        for i, name in enumerate(sets)
        for column in (
            Column(f"oa{i}", f"Overall accuracy, {plain_text(name)}", "share", optional=True),
            Column(f"miou{i}", f"Mean IoU, {plain_text(name)}", "share", optional=True),
        )
    ]
    columns += [
        Column("confidence", "Confidence on held-out places", "share", optional=True),
        Column("warning", "Warned of below", "share", optional=True),
    ]
    rows = tuple(Row(", ".join(labels[name] for name in pattern.bands), _cells(pattern, sets)) for pattern in ordered)
    caption = "Scores on the same held-out places with the other bands taken away."
    table = Table("pattern_scores", "Choices of bands", caption, "Bands", tuple(columns), rows)
    return table.without_empty_columns()


def _cells(pattern: BandPattern, sets: list[str]) -> tuple[float | None, ...]:
    scores = [pattern.scores.get(name) for name in sets]
    measured = [number for score in scores for number in ((score.oa, score.miou) if score else (None, None))]
    sure = pattern.confidence
    return (*measured, sure.mean if sure else None, sure.q05 if sure else None)
