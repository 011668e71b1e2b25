# SPDX-License-Identifier: GPL-3.0-or-later
"""Results made by hand for the tests of the report (and for its pictures); no test of its own.

Point figures come from `assess.statistics`; intervals of the Olofsson example are the printed ones of accuracy.md 6.1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lulc_plugin.assess import (
    Alignment,
    AssessedClass,
    Assessment,
    Cause,
    ClassArea,
    Comparison,
    Context,
    Correction,
    Design,
    Difference,
    Estimate,
    Estimates,
    LayerSummary,
    Reason,
    Stratum,
    accuracy,
)
from lulc_plugin.assess.result import McNemar
from lulc_plugin.raster import AreaMeasurement

MAP = LayerSummary(
    "landcover_2023.tif", "/data/landcover_2023.tif", "raster", "EPSG:32632", 1, 6000, 1650, "30 × 30 m", "uint8", "0"
)
REFERENCE = LayerSummary(
    "labelled sample", "/data/sample.gpkg|layername=sample", "points", "EPSG:4326", detail="field ref_class, 640 points"
)


def context(**changes) -> Context:
    values = dict(
        reference=REFERENCE,
        design=Design("stratified", compared=640, sizes_from="map classes"),
        alignment=(Alignment("points"),),
        units="points",
        compared=640,
        excluded=(),
        unlabelled=0,
        unknown=(),
        warnings=(),
        area_unit="ha",
        level=0.95,
        interval="standard",
        area_measurement=AreaMeasurement("planar", 900.0, 0.0004, 0, 1.0, None),
        parameters={"DESIGN": "auto", "FPC": "auto", "CLASS_TABLE": []},
        versions={"landcover_classifier": "0.2.0", "numpy": "1.24.2", "rasterio": "1.3.5"},
        date="2025-03-14T09:26:53Z",
    )
    return Context(**{**values, **changes})


def estimates(
    counts, shares=None, design="census", cause=Cause.CENSUS, spread=None, method="normal", notes=()
) -> Estimates:
    """`spread` is a standard error for every figure; None: no intervals, with the reason."""
    counts = np.array(counts, np.int64)
    shares = counts / counts.sum() if shares is None else np.array(shares, float)
    point = accuracy(shares)

    def one(value):
        if value is None:
            return Estimate(None, reason=Reason(Cause.ABSENT))
        if spread is None:
            return Estimate(value, reason=Reason(cause))
        return Estimate(value, spread, max(0.0, value - 1.96 * spread), min(1.0, value + 1.96 * spread), method)

    kappa = one(point.kappa) if point.kappa is not None else Estimate(None, reason=Reason(Cause.NO_KAPPA))
    return Estimates(
        design=design, counts=counts, shares=shares, point=point, overall=one(point.overall), kappa=kappa,
        users=tuple(one(c.users) for c in point.classes), producers=tuple(one(c.producers) for c in point.classes),
        f1=tuple(one(c.f1) for c in point.classes), iou=tuple(one(c.iou) for c in point.classes),
        kappas=tuple(one(c.kappa) for c in point.classes),
        area_shares=tuple(one(float(s)) for s in shares.sum(axis=0)), notes=notes,
    )  # fmt: skip


def assessment(
    counts, names=None, colours=None, shares=None, map_area=None, known=None, values=None, estimate=None, **changes
) -> Assessment:
    """A census of `counts`, unless `estimate` says otherwise; adjusted areas follow the shares."""
    found = estimate or estimates(counts, shares)
    counts = found.counts
    q = len(counts)
    names = names or [f"class {k}" for k in range(1, q + 1)]
    values = values or list(range(1, q + 1))
    classes = tuple(
        AssessedClass(values[k], names[k], colours[k] if colours else None, known[k] if known else True)
        for k in range(q)
    )
    total = int(counts.sum())
    map_area = map_area if map_area is not None else total * 100.0
    areas = tuple(
        ClassArea(int(n), n / total * map_area, n / total, _area(found.area_shares[k], map_area))
        for k, n in enumerate(counts.sum(axis=1))
    )
    census = context(
        design=Design("census", True, "raster", coverage=1.0, compared=total), units="pixels",
        compared=total, reference=replace(REFERENCE, name="truth.tif", kind="raster", detail=""),
    )  # fmt: skip
    return Assessment(classes, MAP, total, map_area, found, accuracy(counts), areas, changes.pop("context", census))


def _area(share: Estimate, area: float) -> Estimate:
    def scaled(value):
        return None if value is None else value * area

    return replace(
        share, value=scaled(share.value), se=scaled(share.se), low=scaled(share.low), high=scaled(share.high)
    )


def olofsson(**changes) -> Assessment:
    """Olofsson et al. 2014, accuracy.md 6.1."""
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    pixels = np.array([200_000, 150_000, 3_200_000, 6_450_000])
    weights = pixels / pixels.sum()
    shares = weights[:, None] * counts / counts.sum(axis=1, keepdims=True)
    point = accuracy(shares)

    def normal(value, se):
        return Estimate(
            value, se, max(0.0, value - 1.959963984540054 * se), min(1.0, value + 1.959963984540054 * se), "normal"
        )

    se = {
        "users": (0.03777601, 0.05140664, 0.02027825, 0.01047628),
        "producers": (0.10883156, 0.12980018, 0.01751246, 0.00936813),
        "f1": (0.06666001, 0.06501529, 0.01390920, 0.00717395),
        "iou": (0.09399340, 0.08824960, 0.02433753, 0.01332539),
        "kappa": (0.0682, 0.0661, 0.0204, 0.0208),
    }
    per_class = {
        key: tuple(normal(getattr(c, key), s) for c, s in zip(point.classes, errors)) for key, errors in se.items()
    }
    area = tuple(
        normal(float(b), s) for b, s in zip(shares.sum(axis=0), (0.00349072, 0.00212915, 0.00879242, 0.00922996))
    )
    found = Estimates(
        "stratified", counts, shares, point, normal(point.overall, 0.009430417), normal(point.kappa, 0.019467290),
        per_class["users"], per_class["producers"], per_class["f1"], per_class["iou"], per_class["kappa"], area,
        correction=Correction(False, fraction=0.0005),
    )  # fmt: skip
    total = 9e9
    names = ("Deforestation", "Forest gain", "Stable forest", "Stable non-forest")
    strata = tuple(Stratum(n, float(p), p / 1e7, int(c)) for n, p, c in zip(names, pixels, counts.sum(axis=1)))
    return Assessment(
        classes=tuple(
            AssessedClass(k + 1, name, colour)
            for k, (name, colour) in enumerate(zip(names, ("#d7301f", "#a6d96a", "#1a7b3c", "#e8dcb5")))
        ),
        map=MAP,
        map_pixels=10_000_000,
        map_area=total,
        estimates=found,
        sample=accuracy(counts),
        areas=tuple(ClassArea(int(p), p * 900.0, p / 1e7, _area(a, total)) for p, a in zip(pixels, area)),
        context=context(strata=strata, **changes),
    )


def perfect_stratum() -> Assessment:
    """A stratified sample with a Wilson interval for a class without errors (†), and notes."""
    result = olofsson()
    found = result.estimates
    wilson = Estimate(1.0, 0.0, 0.838875, 1.0, "wilson")
    unknown = Estimate(0.85, reason=Reason(Cause.STRATA_OF_ONE_UNIT, names=("class 2",)))
    found = replace(found, users=(wilson, unknown, *found.users[2:]), notes=(unknown.reason,))
    warnings = ("12 % of the points have no reference class: the rest may differ from them.",)
    return replace(result, estimates=found, context=replace(result.context, warnings=warnings))


def nasty() -> Assessment:
    """User texts that try something, a class absent on both sides, one only in the reference, one that is a text."""
    counts = np.array([[40, 3, 0, 0, 2], [5, 30, 0, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    names = ["<script>alert(1)</script>", "=1+1", 'A, "B"', "Ünïcode ελληνικά 森林", "@stranger\ud800\x07"]
    made = assessment(
        counts, names, ['#112233;background:url("http://x")', "#00ff00", None, "#123456", None],
        known=[True, True, True, True, False], values=[1, 2, 3, 4, None],
        estimate=estimates(counts, design="descriptive", cause=Cause.DESCRIPTIVE),
    )  # fmt: skip
    changed = replace(
        made.context,
        warnings=("Points are hand-picked <b>here</b>.", '=HYPERLINK("http://x")'),
        unknown=(("=cmd|' /C calc'!A0", 3), (9, 2), (None, 1), (3.5, 4)),
        excluded=(("outside the map", 120), ("on nodata", 94)),
        unlabelled=37,
        parameters={"FIELD": "</td><script>", "none": None, "flag": True, "nested": {"a": [1, 2]}},
        design=Design("descriptive", compared=81),
        units="points",
    )
    return replace(made, context=changed, map=replace(MAP, name="<i>map</i>.tif", path="/x/</style><script>.tif"))


def many(q: int, seed: int = 1) -> Assessment:
    random = np.random.default_rng(seed)
    counts = random.poisson(3, (q, q)) + np.diag(random.integers(50, 20_000, q))
    return assessment(counts, [f"Class number {k} of many" for k in range(1, q + 1)])


def huge() -> Assessment:
    counts = np.array([[200_000_000_000_000_000, 3_000_000_000_001], [7_000_000_000, 134_000_000_000_000_007]])
    return assessment(counts, map_area=5.1e14)


def only_one() -> Assessment:
    """Kappa, MCC and the rest are not applicable."""
    return assessment([[25, 0], [0, 0]])


def comparison(test: bool = True, intervals: bool = True) -> Comparison:
    """Two maps, numbers of accuracy.md 6.14 where they matter (stratified) or McNemar of 121 and 59."""
    first = estimates(
        [[30, 5, 1], [4, 40, 3], [2, 1, 14]], design="simple", spread=0.04 if intervals else None, method="wilson"
    )
    second = estimates(
        [[25, 9, 2], [8, 36, 3], [3, 1, 13]], design="simple", spread=0.05 if intervals else None, method="wilson"
    )

    def difference(a, b, se=0.03, holm=None):
        if not intervals:
            return Difference(a, b, a - b, None, None, None, None, None, None, reason=Reason(Cause.CENSUS))
        d = a - b
        return Difference(a, b, d, se, d / se, 0.0123, d - 1.96 * se, d + 1.96 * se, holm)

    def family(key):
        pairs = zip(first.point.classes, second.point.classes)
        rows = [difference(getattr(x, key), getattr(y, key), holm=0.4567) for x, y in pairs]
        if intervals:
            rows[1] = Difference(0.7, 0.7, 0.0, 0.0, None, None, 0.0, 0.0, reason=Reason(Cause.NO_DIFFERENCE))
        return tuple(rows)

    design = "simple" if test else "stratified" if intervals else "census"
    mcnemar = McNemar(16, 6, 2.132, 4.545, 0.0330, 3.682, 0.0550, 0.0525, 0.0347, "exact") if test else None
    return Comparison(
        classes=tuple(AssessedClass(k, n) for k, n in enumerate(("Water", "Forest", "=Town"), 1)),
        map_a=MAP, map_b=replace(MAP, name="landcover <2024>.tif", path="/data/b.tif"), a=first, b=second,
        both=70, only_a=16, only_b=6, neither=8, overall=difference(first.point.overall, second.point.overall),
        kappa=difference(first.point.kappa, second.point.kappa), users=family("users"), producers=family("producers"),
        mcnemar=mcnemar,
        context=context(compared=100, interval="standard",
                        design=Design(design, kind="points" if intervals else "raster", coverage=1.0, compared=100)),
    )  # fmt: skip


EXAMPLES = {
    "olofsson": olofsson,
    "perfect_stratum": perfect_stratum,
    "asymmetric_census": lambda: assessment([[10, 2, 0], [1, 20, 0], [3, 4, 0]], ["Water", "Forest", "Town"]),
    "nasty": nasty,
    "sixty": lambda: many(60),
    "three_hundred": lambda: many(300),
    "huge": huge,
    "only_one": only_one,
    "comparison": comparison,
    "comparison_without_test": lambda: comparison(test=False),
    "comparison_census": lambda: comparison(test=False, intervals=False),
}
