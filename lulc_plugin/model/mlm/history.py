# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a network comes from and how good it was found: training, scores, statistics, in an MLM description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ...errors import LulcError
from ..spec import BandStatistics, ClassScore, Confidence, ModelBand, Scores, Training, TrainingSet
from . import json_values
from .json_values import number

#: what an entry of `lulc:accuracy` has by itself; everything else in it is carried along as `Scores.extra`
_SCORES = frozenset(f.name for f in fields(Scores)) - {"extra"} | {"axes"}


def training(properties: Mapping[str, Any]) -> Training:
    """Training data and settings."""
    return Training(
        sets=tuple(
            _training_set(s) for s in json_values.entries(properties, "lulc:training_data", 100, required=False)
        ),
        hyperparameters=json_values.mapping(properties.get("mlm:hyperparameters"), "mlm:hyperparameters"),
        pretrained_source=json_values.optional_text(properties.get("mlm:pretrained_source"), "mlm:pretrained_source"),
    )


def scores(properties: Mapping[str, Any]) -> tuple[Scores, ...]:
    """`lulc:accuracy`: one entry a data set and split."""
    return tuple(_scores(s) for s in json_values.entries(properties, "lulc:accuracy", 100, required=False))


def band_statistics(properties: Mapping[str, Any], bands: tuple[ModelBand, ...]) -> tuple[BandStatistics, ...]:
    """`lulc:band_statistics` in the order of `bands`; empty when there are none.

    Raises:
        LulcError: a band is missing, or its numbers are impossible.
    """
    data = json_values.entries(properties, "lulc:band_statistics", 512, required=False)
    if not data:
        return ()
    named = {str(entry.get("name")): entry for entry in data}
    found = []
    for band in bands:
        if band.name not in named:
            raise LulcError(f"'lulc:band_statistics' has nothing on band {band.name!r}.")
        numbers = [number(named[band.name].get(f), f"{f} of a band") for f in ("mean", "stddev", "low", "high")]
        mean, stddev, low, high = (0.0 if n is None else n for n in numbers)
        if None in numbers or stddev < 0 or low > high:
            raise LulcError(f"'lulc:band_statistics' of band {band.name!r} is no mean, stddev ≥ 0 and low ≤ high.")
        found.append(BandStatistics(mean, stddev, low, high))
    return tuple(found)


def confidence(properties: Mapping[str, Any]) -> Confidence | None:
    """`lulc:confidence`, None when it is not given.

    Raises:
        LulcError: no numbers from 0 to 1.
    """
    data = properties.get("lulc:confidence")
    if data is None:
        return None
    data = json_values.mapping(data, "lulc:confidence")
    mean, low = number(data.get("mean"), "mean confidence"), number(data.get("q05"), "5 % quantile of confidence")
    if mean is None or low is None or not (0 <= low <= 1 and 0 <= mean <= 1):
        raise LulcError("'lulc:confidence' has no mean and q05 from 0 to 1.")
    return Confidence(mean, low, int(number(data.get("places"), "places") or 0))


def _training_set(data: Mapping[str, Any]) -> TrainingSet:
    return TrainingSet(
        name=str(data.get("name") or ""),
        license=str(data.get("license") or ""),
        citation=str(data.get("citation") or ""),
        url=str(data.get("url") or ""),
        images=int(number(data.get("images"), "images") or 0),
        pixels=int(number(data.get("pixels"), "pixels") or 0),
    )


def _scores(data: Mapping[str, Any]) -> Scores:
    return Scores(
        dataset=str(data.get("dataset") or ""),
        split=str(data.get("split") or ""),
        pixels=int(number(data.get("pixels"), "pixels") or 0),
        overall_accuracy=number(data.get("overall_accuracy"), "overall_accuracy") or 0.0,
        kappa=number(data.get("kappa"), "kappa"),
        macro_f1=number(data.get("macro_f1"), "macro_f1"),
        miou=number(data.get("miou"), "miou"),
        classes=tuple(
            ClassScore(
                value=int(number(c.get("value"), "value") or 0),
                precision=number(c.get("precision"), "precision"),
                recall=number(c.get("recall"), "recall"),
                f1=number(c.get("f1"), "f1"),
                iou=number(c.get("iou"), "iou"),
                pixels=int(number(c.get("pixels"), "pixels") or 0),
            )
            for c in json_values.entries(data, "classes", 4096, required=False)
        ),
        confusion=tuple(tuple(int(v) for v in row) for row in data.get("confusion") or ()),
        extra={key: value for key, value in data.items() if key not in _SCORES},
    )
