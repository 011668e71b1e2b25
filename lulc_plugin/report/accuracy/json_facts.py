# SPDX-License-Identifier: GPL-3.0-or-later
"""A result as plain, ordered JSON values in full precision: the one source of the HTML, the CSV and the JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from ...assess import (
    AREA_UNITS,
    Accuracy,
    AssessedClass,
    Assessment,
    ClassAccuracy,
    ClassArea,
    Comparison,
    Context,
    Difference,
    Estimate,
    Estimates,
    LayerSummary,
    Stratum,
)
from ...options import PYTHON, render_all
from ..document import number, plain, plain_text
from .facts import (
    AreaFacts,
    AssessmentFacts,
    ClassFacts,
    ClassName,
    ClassValuesFacts,
    ComparedMapFacts,
    ComparisonFacts,
    DesignFacts,
    DifferenceFacts,
    DisagreementFacts,
    EstimateFacts,
    LayerFacts,
    MapAreaFacts,
    MapFacts,
    MeansFacts,
    Measure,
    SampleFacts,
    StratumFacts,
    UnitsFacts,
)
from .sample_sentences import (
    alignment_sentence,
    correction_sentence,
    design_sentence,
    mcnemar_note,
    notes_of,
    reason_of_difference,
    reason_of_estimate,
    warnings_of,
)

SCHEMA = {"name": "lulc-accuracy-report", "version": 1}
AXES = {"rows": "map", "columns": "reference"}
#: Means over the classes: key here, attribute of `Means`.
_MEANS: tuple[tuple[Measure, str], ...] = (
    ("users_accuracy", "users"),
    ("producers_accuracy", "producers"),
    ("f1", "f1"),
    ("iou", "iou"),
    ("kappa", "kappa"),
)


def json_object(result: Assessment | Comparison, door: str = PYTHON) -> AssessmentFacts | ComparisonFacts:
    """Everything `result` holds, ready for `json.dumps(…, allow_nan=False)`; options are named as at `door`."""
    facts = _assessment(result) if isinstance(result, Assessment) else _comparison(result)
    return cast("AssessmentFacts | ComparisonFacts", render_all(facts, door))


def _assessment(result: Assessment) -> AssessmentFacts:
    context = result.context
    own = result.estimates.design in ("census", "simple")
    sampled = not own or result.estimates.post_stratified
    facts: AssessmentFacts = {
        "schema": SCHEMA,
        "kind": "assessment",
        "title": f"Accuracy of {plain_text(result.map.name)}",
        "date": context.date,
        "axes": AXES,
        "inputs": {
            "map": _layer(result.map),
            "reference": _layer(context.reference),
            "alignment": [plain_text(alignment_sentence(layer)) for layer in context.alignment],
        },
        "design": _design(result, result.estimates),
        "units": _units(context),
        "class_values": _class_values(result),
        "warnings": plain(warnings_of(result)),
        **_figures(result.classes, result.estimates),
        "areas": _areas(result),
        "sample_statistics": _sample(result) if sampled else None,
        "parameters": plain(context.parameters),
        "versions": plain(context.versions),
    }
    for entry, area in zip(facts["classes"], result.areas):
        entry["area"] = _area(area, AREA_UNITS[context.area_unit])
    return facts


def _comparison(result: Comparison) -> ComparisonFacts:
    context = result.context
    maps: dict[str, ComparedMapFacts] = {
        key: {"layer": _layer(layer), **_figures(result.classes, estimates)}
        for key, layer, estimates in (("a", result.map_a, result.a), ("b", result.map_b, result.b))
    }
    # the two Kappas are not tested against each other, see sentences.NO_KAPPA_TEST
    kappa: DifferenceFacts = {**_difference(result.kappa), "z": None, "p": None, "p_holm": None}
    return {
        "schema": SCHEMA,
        "kind": "comparison",
        "title": f"Comparison of {plain_text(result.map_a.name)} and {plain_text(result.map_b.name)}",
        "date": context.date,
        "axes": AXES,
        "inputs": {
            "map_a": _layer(result.map_a),
            "map_b": _layer(result.map_b),
            "reference": _layer(context.reference),
            "alignment": [plain_text(alignment_sentence(layer)) for layer in context.alignment],
        },
        "design": _design(result, result.a, result.b),
        "units": _units(context),
        "class_values": _class_values(result),
        "warnings": plain(warnings_of(result)),
        "maps": maps,
        "differences": {
            "direction": "map A minus map B",
            "overall_accuracy": _difference(result.overall),
            "kappa": kappa,
            "classes": [
                {
                    **_class(item),
                    "users_accuracy": _difference(result.users[k]),
                    "producers_accuracy": _difference(result.producers[k]),
                }
                for k, item in enumerate(result.classes)
            ],
        },
        "units_right": {
            "both": int(result.both),
            "only_a": int(result.only_a),
            "only_b": int(result.only_b),
            "neither": int(result.neither),
        },
        "mcnemar": plain(vars(result.mcnemar)) if result.mcnemar is not None else None,
        "mcnemar_note": mcnemar_note(result),
        "parameters": plain(context.parameters),
        "versions": plain(context.versions),
    }


def _figures(classes: Sequence[AssessedClass], estimates: Estimates) -> MapFacts:
    """Overall and per-class figures of one map."""
    point = estimates.point
    counts = estimates.counts
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    entries: list[ClassFacts] = []
    for k, item in enumerate(classes):
        one = point.classes[k]
        users, producers = _estimate(estimates.users[k]), _estimate(estimates.producers[k])
        called = _class(item)
        entry: ClassFacts = {
            "value": called["value"],
            "name": called["name"],
            "label": called["label"],
            "colour": called["colour"],
            "in_legend": called["in_legend"],
            "units_map": int(rows[k]),
            "units_reference": int(columns[k]),
            "map_share": number(one.map_share),
            "reference_share": _estimate(estimates.area_shares[k]),
            "users_accuracy": users,
            "producers_accuracy": producers,
            "f1": _estimate(estimates.f1[k]),
            "iou": _estimate(estimates.iou[k]),
            "kappa": _estimate(estimates.kappas[k]),
            "commission_error": _rest(users["value"]),
            "omission_error": _rest(producers["value"]),
            "kappa_users": number(one.kappa_users),
            "kappa_producers": number(one.kappa_producers),
            "disagreement": _disagreement(one),
        }
        entries.append(entry)
    return {
        "overall_accuracy": _estimate(estimates.overall),
        "kappa": _estimate(estimates.kappa),
        "expected_agreement": number(point.expected),
        "mcc": number(point.mcc),
        "balanced_accuracy": number(point.balanced),
        "means": _means(point),
        "disagreement": _disagreement(point),
        "classes": entries,
        "counts": [[int(n) for n in row] for row in counts],
        "counts_total": int(counts.sum()),
        "area_shares": [[_always(v) for v in row] for row in estimates.shares],
    }


def _disagreement(of: Accuracy | ClassAccuracy) -> DisagreementFacts:
    return {
        "quantity": _always(of.quantity),
        "allocation": _always(of.allocation),
        "exchange": _always(of.exchange),
        "shift": _always(of.shift),
        "total": _always(of.quantity + of.allocation),
    }


def _always(value: float) -> float:
    """A number that every result has."""
    return cast(float, number(value))


def _means(point: Accuracy) -> MeansFacts:
    """Macro means with the number of classes in each; means weighted by the reference shares."""
    means: MeansFacts = {"macro": {}, "weighted": {}}
    for key, name in _MEANS:
        entered = int(getattr(point.macro, f"{name}_classes"))
        means["macro"][key] = {"value": number(getattr(point.macro, name)), "classes": entered}
        means["weighted"][key] = number(getattr(point.weighted, name))
    return means


def _sample(result: Assessment) -> SampleFacts:
    """Figures of the bare counts; no estimates for the map."""
    sample = result.sample
    return {
        "note": "Figures of the bare sample counts; they are not estimates for the map.",
        "overall_accuracy": number(sample.overall),
        "kappa": number(sample.kappa),
        "mcc": number(sample.mcc),
        "macro_f1": number(sample.macro_f1),
        "mean_iou": number(sample.miou),
        "classes": [
            {
                **_class(item),
                "users_accuracy": number(one.users),
                "producers_accuracy": number(one.producers),
                "f1": number(one.f1),
                "iou": number(one.iou),
                "kappa": number(one.kappa),
            }
            for item, one in zip(result.classes, sample.classes)
        ],
    }


def _areas(result: Assessment) -> MapAreaFacts:
    unit, measured = result.context.area_unit, result.context.area_measurement
    size = AREA_UNITS[unit]
    total = number(result.map_area)
    return {
        "unit": unit,
        "square_metres_per_unit": size,
        "map_pixels": int(result.map_pixels),
        "map_area": None if total is None else total / size,
        "note": "" if measured is None else measured.sentence,
    }


def _area(area: ClassArea, size: float) -> AreaFacts:
    """Area of one class in units of `size` m²; bias is adjusted − mapped, half-width relative to the adjusted area."""
    mapped = number(area.mapped)
    adjusted = _estimate(area.adjusted)
    ends: tuple[Literal["value", "se", "low", "high"], ...] = ("value", "se", "low", "high")
    for key in ends:
        figure = adjusted[key]
        adjusted[key] = None if figure is None else figure / size
    mapped = None if mapped is None else mapped / size
    value, low, high = adjusted["value"], adjusted["low"], adjusted["high"]
    half = None
    if value and low is not None and high is not None:
        half = (high - low) / 2 / value
    return {
        "pixels": int(area.pixels),
        "mapped": mapped,
        "mapped_share": number(area.mapped_share),
        "adjusted": adjusted,
        "relative_half_width": half,
        "bias": None if value is None or mapped is None else value - mapped,
    }


def _design(result: Assessment | Comparison, *estimates: Estimates) -> DesignFacts:
    context, first = result.context, estimates[0]
    return {
        "name": first.design,
        "sentence": plain_text(design_sentence(result)),
        "level": _always(context.level),
        "interval": context.interval,
        "fpc": bool(first.fpc),
        "fpc_sentence": correction_sentence(first.correction),
        "post_stratified": bool(first.post_stratified),
        "design_effect": number(first.design_effect),
        "notes": plain(notes_of(*estimates)),
        "strata": [_stratum(s) for s in context.strata],
    }


def _stratum(stratum: Stratum) -> StratumFacts:
    return {
        "name": plain_text(stratum.name),
        "size": number(stratum.size),
        "unit": stratum.unit,
        "share": number(stratum.share),
        "units": int(stratum.units),
    }


def _units(context: Context) -> UnitsFacts:
    return {
        "counted": context.units,
        "compared": int(context.compared),
        "unlabelled": int(context.unlabelled),
        "excluded": [{"reason": plain_text(reason), "units": int(n)} for reason, n in context.excluded],
        "unknown": [{"value": plain(value), "units": int(n)} for value, n in context.unknown],
        "overall_accuracy_without_unknown": [number(value) for value in context.without_unknown],
    }


def _class_values(result: Assessment | Comparison) -> list[ClassValuesFacts]:
    return [
        {
            "label": plain_text(item.label),
            "map": list(values.map),
            "map_b": list(values.second),
            "reference": [plain(label) for label in values.reference],
        }
        for item, values in zip(result.classes, result.context.class_values)
    ]


def _class(item: AssessedClass) -> ClassName:
    return {
        "value": None if item.value is None else int(item.value),
        "name": plain_text(item.name),
        "label": plain_text(item.label),
        "colour": plain(item.colour),
        "in_legend": bool(item.known),
    }


def _layer(layer: LayerSummary) -> LayerFacts:
    return cast(LayerFacts, plain(vars(layer)))


def _estimate(estimate: Estimate) -> EstimateFacts:
    return {
        "value": number(estimate.value),
        "se": number(estimate.se),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "method": estimate.method,
        "note": plain_text(reason_of_estimate(estimate.reason)),
    }


def _difference(difference: Difference) -> DifferenceFacts:
    numbers = {name: number(value) for name, value in vars(difference).items() if name != "reason"}
    return cast(DifferenceFacts, {**numbers, "note": plain_text(reason_of_difference(difference.reason))})


def _rest(share: float | None) -> float | None:
    return None if share is None else 1.0 - share
