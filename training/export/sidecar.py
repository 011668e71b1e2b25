# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured facts of a network as a `ModelSpec`, for the engine's own writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lulc_plugin.assess import accuracy
from lulc_plugin.legend import Legend
from lulc_plugin.model import (
    BandPattern,
    BandPatterns,
    BandStatistics,
    ClassScore,
    Confidence,
    ModelSpec,
    Output,
    PatternScore,
    Scores,
    Training,
    Window,
    mlm,
)

from ..inputs import ABSENT
from ..maps import reference_miou
from ..recipe import Recipe
from ..sets.description import describe
from . import card_fields, card_table, credits
from .facts import Facts
from .onnx_graph import FEATURES, INPUT, OUTPUT
from .score_details import details, pooled, short

LARGEST_WINDOW = 1024
TEACHERS_WORD = "the labels are the teacher's, not truth"


def window(facts: Facts) -> Window:
    """What the sidecar tells the engine about windows."""
    return Window(
        LARGEST_WINDOW, facts.multiple, 2 * facts.multiple, facts.receptive_field, int(facts.margin["pixels"])
    )


def spec(
    facts: Facts, recipe: Recipe, root: Path, scores: Mapping[str, Any] | None = None, picture: str = ""
) -> ModelSpec:
    """The description of an exported network.

    Args:
        facts: what was measured.
        recipe: what it was trained by; its [card] has the words.
        root: folder of the data sets, for their credits.
        scores: content of `scores.json`; None before it was evaluated.
        picture: address of the contact sheet, relative to the sidecar; empty without.

    Raises:
        LulcError: [card] is wrong, or a licence is missing.
    """
    card = card_table.of(recipe)
    rehearsal = f"{card_fields.REHEARSAL} " if scores and scores["rehearsal"] else ""
    return ModelSpec(
        name=facts.name,
        title=card.title,
        architecture=card.architecture,
        bands=recipe.inputs.bands,
        channels=recipe.inputs.channels,
        forms=recipe.inputs.forms,
        fill=tuple(facts.fill),
        input_name=INPUT,
        output=Output(OUTPUT, ("argmax",), FEATURES if facts.features else None, facts.features),
        legend=recipe.legend,
        window=window(facts),
        gsd=card.gsd or None,
        gsd_range=(card.gsd_range[0], card.gsd_range[1]) if card.gsd_range else None,
        constellation=card.constellation or None,
        instruments=card.sensors,
        license=card.license,
        description=f"{rehearsal}{card.description or card.title}",
        providers=({"name": "Land Cover Classifier", "roles": ["producer", "licensor", "processor"]},),
        training=Training(
            credits.training_sets(recipe, root, facts.sets), _hyperparameters(recipe, facts), credits.encoder(recipe)
        ),
        scores=score_entries(scores, recipe.legend, root) if scores else (),
        parameters=facts.parameters,
        speed=facts.speed,
        created=facts.created,
        file_name=f"{facts.name}.onnx",
        file_size=facts.file_size,
        sha256=facts.digest,
        band_statistics=_band_statistics(facts),
        confidence=Confidence(**facts.confidence) if facts.confidence else None,
        smoothing=recipe.smoothing,
        unasked=card.auto,
        band_patterns=band_patterns(facts, recipe, root, scores),
        extra={
            "lulc:calibration": card_fields.calibration(facts),
            "lulc:imagery": card.imagery,
            "lulc:training_places": [dict(entry) for entry in facts.places],
            "lulc:training_run": dict(facts.run),
            **card_fields.fields(facts, recipe, scores, window(facts).rim, picture),
        },
    )


def band_patterns(facts: Facts, recipe: Recipe, root: Path, scores: Mapping[str, Any] | None) -> BandPatterns | None:
    """What the description says of the patterns of bands; None of a network that needs all of its bands.

    Scores are those of test places; of a rehearsal, or of sets without test places, those of validation places.
    """
    if not recipe.inputs.optional:
        return None
    scored = {tuple(entry["bands"]): entry["sets"] for entry in (scores or {}).get("patterns", ())}
    patterns = []
    for entry in facts.patterns:
        bands = tuple(entry["bands"])
        sure = Confidence(**entry["confidence"]) if entry["confidence"] else None
        patterns.append(BandPattern(bands, _pattern_scores(scored.get(bands, {}), recipe.legend, root), sure))
    return BandPatterns(ABSENT, tuple(patterns))


def _pattern_scores(sets: Mapping[str, Any], legend: Legend, root: Path) -> dict[str, PatternScore]:
    """Words of a data set → overall accuracy and mean IoU there, of the split that says most."""
    best: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for key, entry in sets.items():
        name, _, split = key.partition("/")
        if entry["places"] and (name not in best or split != "val"):
            best[name] = (split, entry)
    found = {}
    for name, (_, entry) in best.items():
        counts = pooled(entry["places"])
        words = dataset_words(name, entry, legend_values(entry, legend), legend, root)
        found[words] = PatternScore(round(accuracy(counts).overall, 4), short(reference_miou(counts), 4))
    return found


def _band_statistics(facts: Facts) -> tuple[BandStatistics, ...]:
    return tuple(BandStatistics(b["mean"], b["stddev"], b["low"], b["high"]) for b in facts.band_statistics)


def _hyperparameters(recipe: Recipe, facts: Facts) -> dict[str, Any]:
    run, optimiser = recipe.run, recipe.optimiser
    terms = dict.fromkeys(term.name for part in recipe.data for term in part.loss)
    return {
        "steps": facts.run["step"],
        "seed": run.seed,
        "batch": sum(part.samples for part in recipe.data),
        "size": run.size,
        "optimizer": optimiser.name,
        "learning_rate": optimiser.rate,
        "learning_rate_pretrained": optimiser.pretrained_rate,
        "weight_decay": optimiser.decay,
        "schedule": optimiser.schedule,
        "weight_average": run.average,
        "loss": " + ".join(terms),
    }


def score_entries(scores: Mapping[str, Any], legend: Legend, root: Path) -> tuple[Scores, ...]:
    """One entry a data set and split of `scores.json`."""
    entries = []
    for key, entry in scores["sets"].items():
        if not entry["places"]:
            continue
        name, _, split = key.partition("/")
        counts = pooled(entry["places"])
        result = accuracy(counts)
        values = legend_values(entry, legend)
        entries.append(
            Scores(
                dataset=dataset_words(name, entry, values, legend, root),
                # a teacher's answer is not the truth, and what was never trained on says less of the training's land
                split="evaluation" if entry["teacher"] or entry["evaluation_only"] else split,
                pixels=int(result.total),
                overall_accuracy=round(result.overall, 4),
                kappa=short(result.kappa, 4),
                macro_f1=short(result.macro_f1, 4),
                # over the classes of the reference, as the card says
                miou=short(reference_miou(counts), 4),
                classes=tuple(
                    ClassScore(
                        v, short(c.users, 4), short(c.producers, 4), short(c.f1, 4), short(c.iou, 4), int(c.reference)
                    )
                    for v, c in zip(values, result.classes, strict=True)
                ),
                confusion=tuple(tuple(int(n) for n in row) for row in counts),
                extra=details(scores, key),
            )
        )
    return tuple(entries)


def legend_values(entry: Mapping[str, Any], legend: Legend) -> tuple[int, ...]:
    """Legend value that stands for each counted value of an entry.

    Counted values are classes where the names are the legend's. A coarse label (`Trees / Bare`) is represented by its
    first class that no other one has taken, and by a number beyond the legend where all are.
    """
    by_name = {c.name: c.value for c in legend.classes}
    taken = {by_name[n] for n in entry["names"] if n in by_name}
    chosen = []
    for name in entry["names"]:
        if name in by_name:
            chosen.append(by_name[name])
            continue
        free = [by_name[n] for n in name.split(" / ") if n in by_name and by_name[n] not in taken]
        value = free[0] if free else max([*by_name.values(), *taken]) + 1
        taken.add(value)
        chosen.append(value)
    return tuple(chosen)


def dataset_words(name: str, entry: Mapping[str, Any], values: tuple[int, ...], legend: Legend, root: Path) -> str:
    """The data set in words, with what coarse values stand for and what its labels are."""
    title = str(entry["title"]) or describe(root, name).title or name
    names = {c.value: c.name for c in legend.classes}
    coarse = [
        f"value {value} stands for {meaning}"
        for value, meaning in zip(values, entry["names"], strict=True)
        if names.get(value) != meaning
    ]
    notes = [TEACHERS_WORD] if entry["teacher"] else []
    notes += ["not trained on"] if entry["evaluation_only"] else []
    return "; ".join([title, *notes, *coarse])


def write(description: ModelSpec, target: Path) -> None:
    """Write the sidecar beside the network `target`."""
    mlm.write(description, target.with_suffix(".json"))
