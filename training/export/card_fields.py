# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of the sidecar that people read: what a network needs, how it was scored and made, what it cannot do.

`lulc_plugin.report.card` shows them as HTML and Markdown. Every number comes from what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..maps import SURROUNDED
from ..recipe import Recipe
from . import card_table, credits, deepness, limits
from .facts import Facts
from .margin import SIDE, Margin
from .score_details import short

REHEARSAL = "A rehearsal on validation places, not a release: the network was chosen by them."
_KEPT = (
    "Rows marked test are held-out places; the network was chosen without them, and they were scored once. Validation"
    " places chose the network and flatter it."
)
_MATRICES = (
    "Rows of every matrix are the map, columns the reference; mean IoU and mean Dice are over the classes that the"
    " reference has. Accuracies count pixels of the chips; they are no estimate for a country."
)
_SMOOTHED = (
    "Maps follow the edges of their image, as those of users do; the rows “without smoothing” are the same network"
    " without that. How far they do was chosen on validation places."
)
_FOREST = (
    "100 trees on the same channels plus 3x3 mean and standard deviation of the bands, same places, classes balanced.",
    "Intervals by drawing places with replacement (4000 draws): they hold for more places like these.",
)
_LIGHT = (
    "The same places with other numbers: brighter and darker by a fifth, haze (0.03 in reflectance, more in blue),"
    " Sentinel-2's offset of +1000 not taken off, another processing level, 8-bit pictures."
)
_INSIDE = "The description is inside the file, too (STAC MLM, metadata key “mlm”)."
_PICTURE = (
    "Of each set the worst held-out chip, one of the middle and the best, by overall accuracy: image, reference and"
    " map. A label that may be several classes has the mean of their colours."
)


def fields(facts: Facts, recipe: Recipe, scores: Mapping[str, Any] | None, rim: int, picture: str) -> dict[str, Any]:
    """The properties of the sidecar, by name; empty ones are left out.

    Args:
        facts: what was measured on the file.
        recipe: what it was trained by, with the words of [card].
        scores: content of `scores.json`; None before it was evaluated.
        rim: pixels that are reflected around a small layer.
        picture: address of the contact sheet, relative to the sidecar; empty without.

    Raises:
        LulcError: [card] asks for a number that does not exist.
    """
    card = card_table.of(recipe)
    properties = {
        "lulc:needs": [*card.needs, "An image without clouds."],
        **(scored_fields(recipe, scores, rim) if scores else {}),
        "lulc:window_border": _border(facts),
        "lulc:making": _making(facts, recipe),
        "lulc:parity": _parity(facts),
        "lulc:weight_precision": facts.precision,
        "lulc:other_programs": [_INSIDE, deepness.limits(recipe.inputs)],
        "lulc:picture": {"path": picture, "caption": [_PICTURE]} if picture else {},
    }
    return {name: value for name, value in properties.items() if value}


def scored_fields(recipe: Recipe, scores: Mapping[str, Any], rim: int) -> dict[str, Any]:
    """The properties that scores decide; arguments as those of `fields`.

    Raises:
        LulcError: [card] asks for a number that does not exist.
    """
    return {
        "lulc:limits": _limits(recipe, scores),
        "lulc:evaluation": _evaluation(scores, rim, recipe.smoothing is not None),
    }


def calibration(facts: Facts) -> dict[str, Any]:
    """`lulc:calibration`."""
    before, after = facts.calibration["before"], facts.calibration["after"]
    origin = "fitted on validation places" if before else "given by hand"
    bins = " Calibration errors are over 15 bins." if before else ""
    patterns = facts.calibration.get("by_pattern", ())
    return {
        "temperature": facts.calibration["temperature"],
        **({"by_pattern": [dict(entry) for entry in patterns]} if patterns else {}),
        "expected_error_before": {k: round(v, 4) for k, v in before.items()},
        "expected_error_after": {k: round(v, 4) for k, v in after.items()},
        "method": [f"The temperature was {origin} and is inside the file.{bins}"],
    }


def smoothed_calibration(before: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """`lulc:calibration` of a network whose maps were smoothed after its temperature was fitted.

    Args:
        before: the same before that.
        found: `calibration` of its scores, with `smoothed`, `further_temperature` and `further`.
    """
    errors = {key: [round(found[kind][key], 4) for kind in ("smoothed", "further")] for key in found["smoothed"]}
    text = ", ".join(f"{key} {after:.3f}, with it {more:.3f}" for key, (after, more) in errors.items())
    return {
        **before,
        "expected_error_after": {key: after for key, (after, _) in errors.items()},
        "method": [
            *before["method"][:1],
            "Errors after are those of smoothed probabilities, not those it was fitted to. A further one of"
            f" {found['further_temperature']:g} would fit them best and changes little ({text}), so there is none.",
        ],
    }


def _limits(recipe: Recipe, scores: Mapping[str, Any]) -> list[str]:
    items = [limits.filled(sentence, scores) for sentence in card_table.of(recipe).limits]
    items += limits.from_scores(scores)
    if any(entry.get("surrounded") for entry in scores["sets"].values()):
        items.append(
            "What lies around a place matters to this network: a small layer is mapped a little differently from the"
            f" same ground inside a larger one (see the rows “{SURROUNDED} pixels reflected around each chip”)."
        )
    return [*items, "One seed was released; differences of 0.03 between networks of this size are noise."]


def _evaluation(scores: Mapping[str, Any], rim: int, smoothed: bool) -> dict[str, list[str]]:
    """How was scored, in sentences."""
    chips = (
        f"A chip is mapped as the engine maps a layer that small: one window with {rim} pixels reflected at its rim."
        " Inside a large layer a pixel sees no border; the rows “reflected around” imitate that (nobody labelled"
        " anything larger), and the true score there lies somewhere between the two."
    )
    texts = {
        "method": [
            REHEARSAL if scores["rehearsal"] else _KEPT,
            _MATRICES,
            chips,
            *([_SMOOTHED] if smoothed else []),
        ],
        "baseline": list(_FOREST) if scores["forest"] else [],
        "radiometry": [_LIGHT] if scores["robustness"] else [],
    }
    return {name: value for name, value in texts.items() if value}


def _border(facts: Facts) -> dict[str, Any]:
    if not facts.margin.get("table"):
        return {}
    margin = Margin(**facts.margin)
    return {
        "images": margin.images,
        "side": SIDE,
        "distances": list(margin.distances),
        "changed": {name: [short(share) for share in shares] for name, shares in margin.table.items()},
        "reached": margin.reached,
        "worst": short(margin.worst),
    }


def _parity(facts: Facts) -> dict[str, Any]:
    real = facts.parity.get("real")
    if not real:
        return {}
    return {"pixels": int(real["pixels"]), "same": short(real["same"]), "probability": short(real["probability"])}


def _making(facts: Facts, recipe: Recipe) -> list[str]:
    """How it was made, in sentences."""
    run, made = recipe.run, facts.run
    if not made:
        return []
    parts = ", ".join(f"{p.samples} {p.set}" for p in recipe.data)
    losses = "; ".join(
        f"{p.set}: {' + '.join(_term(t) for t in p.loss)}{f' (weight {p.weight:g})' if p.weight != 1 else ''}"
        for p in recipe.data
    )
    large = f", in every {run.large_every}th step a quarter as many of {run.large}" if run.large_every else ""
    score = "–" if made["score"] is None else f"{made['score']:.3f}"
    counting = joined([c.set for c in recipe.checks if c.counts])
    what = "the mean of overall accuracy and mean IoU" if run.score == "miou_oa" else "mean IoU"
    averaged = f"the averaged weights (EMA {run.average:g})" if run.average else "the weights"
    return [
        f"Trained to step {made['step']} of {made['steps']} in {made['seconds'] / 60:.0f} minutes; each batch: {parts};"
        f" windows of {run.size} pixels{large}. {recipe.optimiser.name}, {recipe.optimiser.schedule} schedule, seed"
        f" {made['seed']}.",
        f"Losses: {losses}.",
        f"Kept are {averaged} with the best score on validation places ({score}: {what} on {counting or 'none'}).",
        *([] if credits.encoder(recipe) else ["All weights began random."]),
        *card_table.of(recipe).notes,
        f"training/README.md has the command. Code {made['revision']}, data {str(made['data'])[:17]}….",
    ]


def _term(term: Any) -> str:
    options = ", ".join(f"{k} {v}" for k, v in term.options.items())
    weight = "" if term.weight == 1 else f"{term.weight:g}·"
    return f"{weight}{term.name}{f' ({options})' if options else ''}"


def joined(names: Sequence[str]) -> str:
    """red, green and blue."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
