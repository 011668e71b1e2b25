# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: intervals of INTERVAL conservative hold the true value in at least 93 % of samples, from 2 points a class on.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/interval_coverage.py [--quick] [--seed 1]

Draws samples from populations whose figures are known: 2 to 20 strata of equal and of very different size, 2 to 100
points in each, accuracies from .3 to .999, errors that fall on all classes, on the largest or on the smallest. For
each population: in which share of the samples the 95 % interval holds the true figure, and how wide it is. The
populations with the worst coverage are simulated again with many more samples and another seed, so that the lowest
coverage is not the worst luck. Prints two tables as markdown: ways to make an interval of overall accuracy, and the
published intervals beside the conservative ones for every figure. Figures that a sample does not have (no unit of the
class) are left out. `--quick` takes seconds; all of it 10 to 15 minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lulc_plugin.assess import MapEvents, Part, StrataSizes, Units, clopper_pearson_share, pairing, weighted_sum

LEVEL = 0.95
WANTED = 0.93
Z = 1.959963984540054
#: Samples of the first look at a population, and of the second at the worst ones.
FIRST, SECOND, WORST = 400, 6000, 6
SIZES = ("2", "3", "5", "10", "20", "50", "50 and 2", "2 and 50", "100 and 10")


# ---------------------------------------------------------------- populations


def weights_of(strata: int, ratio: float, one: bool) -> np.ndarray:
    """Shares of the strata: in equal steps from the largest to the smallest, or one large and the rest alike."""
    sizes = np.geomspace(ratio, 1, strata)
    if one:
        sizes = np.r_[ratio, np.ones(strata - 1)]
    return sizes / sizes.sum()


def points_of(name: str, strata: int) -> np.ndarray:
    """Points of each stratum; "50 and 2": 50 in the largest, 2 in each other."""
    first, rest = (int(v) for v in (name if " and " in name else f"{name} and {name}").split(" and "))
    return np.array([first, *[rest] * (strata - 1)])


def designs(most: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Points per class in words, weights, points."""
    for strata in (s for s in (2, 3, 5, 8, 12, 20) if s <= most):
        for ratio in (1, 4, 20, 100):
            for one in (False, True) if strata > 2 and ratio > 1 else (False,):
                for name in SIZES:
                    yield name, weights_of(strata, ratio, one), points_of(name, strata)


def shares_correct(strata: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Share of each stratum with a property: accuracies, and shares of a class whose area is to be known."""
    for share in (0.5, 0.7, 0.85, 0.95, 0.98, 0.995, 0.999):
        yield np.full(strata, share)
    pairs = ((0.95, 0.6), (0.99, 0.5), (0.999, 0.8), (0.7, 0.99), (0.5, 0.999), (0.3, 0.97), (0.02, 0.98), (0.97, 0.1))
    for first, rest in pairs:
        yield np.r_[first, np.full(strata - 1, rest)]
        yield np.where(np.arange(strata) < (strata + 1) // 2, first, rest)
    for rare in (0.01, 0.04, 0.1):
        yield np.r_[np.full(strata - 1, rare), 0.9]
        yield np.r_[rare, np.full(strata - 2, 0.001), 0.95]
    yield np.linspace(0.55, 0.99, strata)
    yield np.linspace(0.99, 0.55, strata)
    yield random.uniform(0.3, 1, strata)


def confusions(q: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """`(q, q)` shares of the reference classes in each stratum, a map class; the first is the largest."""
    for accuracies in (
        *(np.full(q, a) for a in (0.5, 0.85, 0.95, 0.99)),
        np.r_[0.999, np.full(q - 1, 0.9)],
        np.r_[0.7, np.full(q - 1, 0.9)],
        random.uniform(0.3, 1, q),
    ):
        for most in (None, 0, q - 1):
            errors = np.full((q, q), 1.0 if most is None else 0.02)
            if most is not None:
                errors[:, most] = 1
            np.fill_diagonal(errors, 0)
            out = (1 - accuracies)[:, None] * errors / errors.sum(axis=1, keepdims=True)
            np.fill_diagonal(out, accuracies)
            yield out


def second_map(confusion: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """`(q, q, q)` shares of (class on map B, reference class) in each stratum of map A."""
    q = len(confusion)
    itself, truth, chance = np.eye(q)[:, None, :], np.eye(q)[None, :, :], np.full((q, q, q), 1 / q)
    kinds = (
        0.999 * itself + 0.001 * chance,
        0.9 * itself + 0.08 * truth + 0.02 * chance,
        0.85 * truth + 0.15 * chance,
        0.99 * truth + 0.01 * chance,
        0.7 * itself + 0.3 * np.roll(np.eye(q), 1, axis=1)[:, None, :],
    )
    of_b = kinds[random.integers(len(kinds))] + np.zeros((q, q, q))
    return (confusion[:, :, None] * of_b).transpose(0, 2, 1)


# ---------------------------------------------------------------- what is simulated


@dataclass(frozen=True)
class Result:
    """Coverage and median width of one interval in one population."""

    coverage: float
    width: float
    points: str


#: Draws so many samples of a population and says of each (name of the interval) how it did.
Population = Callable[[int, np.random.Generator], dict[str, tuple[float, float]]]


def judged(truth, low, high, exists=True) -> tuple[float, float]:
    """Coverage and median width; NaN where too few samples have the figure."""
    there = np.broadcast_to(np.asarray(exists), np.shape(low)) & ~np.isnan(low)
    if there.mean() < 0.2:
        return np.nan, np.nan
    held = (low <= truth + 1e-9) & (truth <= high + 1e-9)
    return float(held[there].mean()), float(np.median((high - low)[there]))


def ways(x: np.ndarray, n: np.ndarray, w: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Intervals of Σ W p, each made in another way."""
    share = x / n
    value = share @ w
    smooth = (x + 1) / (n + 2)
    variance = (w**2 * share * (1 - share) / (n - 1)).sum(axis=1)
    smoothed = (w**2 * smooth * (1 - smooth) / n).sum(axis=1)
    units = n.astype(float)
    exact = clopper_pearson_share(share, np.broadcast_to(units, share.shape), LEVEL)
    score = wilson(share, units)
    centre = smooth @ w
    effective = centre * (1 - centre) / smoothed
    half, wide = Z * np.sqrt(variance), Z * np.sqrt(smoothed)
    bounds = weighted_sum(Part(share, w), units, LEVEL)
    return {
        "estimate ± z · SE (standard)": published(value, half, n.sum()),
        "the same, variance of (x + 1)/(n + 2)": (value - wide, value + wide),
        "Wilson, effective sample size (wilson)": published(
            value, half, n.sum(), wilson(value, value * (1 - value) / np.maximum(variance, 1e-30))
        ),
        "Wilson, effective size from (x + 1)/(n + 2)": wilson(value, effective),
        "MOVER of Wilson's limits": mover(value, share, w, score),
        "MOVER of exact limits": mover(value, share, w, exact),
        "Korn & Graubard": clopper_pearson_share(value, effective, LEVEL),
        "the wider of the last two (conservative)": (bounds.low, bounds.high),
    }


def mover(value, share, w, limits) -> tuple[np.ndarray, np.ndarray]:
    low, high = limits
    below, above = (np.sqrt((w**2 * d**2).sum(axis=1)) for d in (share - low, high - share))
    return value - below, value + above


def wilson(p, m) -> tuple[np.ndarray, np.ndarray]:
    m = np.maximum(m, 1e-9)
    centre = (p + Z**2 / (2 * m)) / (1 + Z**2 / m)
    half = Z / (1 + Z**2 / m) * np.sqrt(p * (1 - p) / m + Z**2 / (4 * m**2))
    return centre - half, centre + half


def published(value, half, m, other=None) -> tuple[np.ndarray, np.ndarray]:
    """value ± half, or other bounds; the score interval of `m` units where a figure of 0 or 1 has no error."""
    low, high = (value - half, value + half) if other is None else other
    flat = half <= 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        score = wilson(np.where(flat & ((value < 1e-9) | (value > 1 - 1e-9)), np.round(value), np.nan), m)
    return np.where(flat, score[0], low).clip(-1, 1), np.where(flat, score[1], high).clip(-1, 1)


def of_sum(shares: np.ndarray, w: np.ndarray, n: np.ndarray) -> Population:
    """Overall accuracy, or the area of a class."""

    def run(samples: int, random: np.random.Generator) -> dict[str, tuple[float, float]]:
        x = random.binomial(n, shares, (samples, len(n))).astype(float)
        return {name: judged(shares @ w, *bounds) for name, bounds in ways(x, n, w).items()}

    return run


def true_figures(p: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of the area matrix `(..., q, q)`."""
    a, b, d = p.sum(-1), p.sum(-2), np.diagonal(p, axis1=-2, axis2=-1)
    chance = (a * b).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "users": d / a, "producers": d / b, "f1": 2 * d / (a + b), "iou": d / (a + b - d), "areas": b,
            "kappas": 1 - (a + b - 2 * d) / (a * (1 - b) + b * (1 - a)),
            "overall": d.sum(-1), "kappa": 1 - (1 - d.sum(-1)) / (1 - chance),
        }  # fmt: skip


def standard_errors(x: np.ndarray, w: np.ndarray, n: np.ndarray, p: np.ndarray, found) -> dict[str, np.ndarray]:
    """Standard errors of the published formulas, from counts `(samples, H, q, q)`; `found`: the figures."""
    q = p.shape[-1]
    a, b, eye = p.sum(-1), p.sum(-2), np.eye(q)

    def error(number: np.ndarray) -> np.ndarray:
        share = x / n[:, None, None]
        first, second = (share * number).sum((-1, -2)), (share * number**2).sum((-1, -2))
        return np.sqrt(np.maximum((w**2 / (n - 1) * (second - first**2)).sum(-1), 0))

    out = {"overall": error(eye)}
    with np.errstate(divide="ignore", invalid="ignore"):
        c, e = 1 - found["overall"], 1 - (a * b).sum(-1)
        slope = eye / e[:, None, None] - (c / e**2)[:, None, None] * (b[:, :, None] + a[:, None, :])
        out["kappa"] = error(slope[:, None])
        for name in ("users", "producers", "f1", "iou", "areas"):
            columns = []
            for k in range(q):
                row, column = eye[k][:, None] + np.zeros((q, q)), eye[k][None, :] + np.zeros((q, q))
                hit = row * column
                part = {"users": row, "producers": column, "f1": (row + column) / 2, "iou": row + column - hit}
                if name == "areas":
                    columns.append(error(column))
                    continue
                whole = (p * part[name]).sum((-1, -2))
                ratio = found[name][:, k]
                columns.append(error(((hit - ratio[:, None, None] * part[name]) / whole[:, None, None])[:, None]))
            out[name] = np.stack(columns, axis=-1)
    return out


def of_map(confusion: np.ndarray, w: np.ndarray, n: np.ndarray, simple: bool) -> Population:
    """Every figure of a map whose classes are the strata, or of a simple random sample of it."""
    q = len(w)
    area = w[:, None] * confusion
    truth = true_figures(area)
    shown = sorted({0, q // 2, q - 1})

    def run(samples: int, random: np.random.Generator) -> dict[str, tuple[float, float]]:
        if simple:
            drawn = random.multinomial(int(n.sum()), area.ravel() / area.sum(), samples)
            x, weights, points = drawn.reshape(samples, 1, q, q), np.ones(1), np.array([int(n.sum())])
        else:
            x = np.zeros((samples, q, q, q))
            for h in range(q):
                x[:, h, h] = random.multinomial(n[h], confusion[h], samples)
            weights, points = w, n
        p = (weights[:, None, None] * x / points[:, None, None]).sum(axis=1)
        share = x / points[:, None, None]
        a, b = p.sum(-1), p.sum(-2)
        both = np.diagonal(share, axis1=-2, axis2=-1).transpose(0, 2, 1)
        events = MapEvents(
            weights, points.astype(float), share.sum(-1).transpose(0, 2, 1) - both,
            share.sum(-2).transpose(0, 2, 1) - both, both, a, b,
            np.einsum("shij,si,sj->sh", share, b, a), None if simple else np.eye(q, dtype=bool), LEVEL,
        )  # fmt: skip
        found, bounds = true_figures(p), events.bounds()
        errors = standard_errors(x, weights, points, p, found)
        out = {}
        for name, value in found.items():
            given = bounds[name]
            for k in shown if value.ndim == 2 else (None,):
                at = (slice(None), k) if k is not None else slice(None)
                label = f"{name} {k}" if k is not None else name
                exists = ~np.isnan(value[at])
                target = truth[name][k] if k is not None else truth[name]
                out[f"{label}|conservative"] = judged(target, given.low[at], given.high[at], exists)
                if name in errors:
                    m = behind(name, x, k)
                    usual = (
                        wilson(value[at], m) if simple and name != "kappa"
                        else published(value[at], Z * errors[name][at], m)
                    )  # fmt: skip
                    out[f"{label}|standard"] = judged(target, *usual, exists)
        return out

    return run


def behind(name: str, x: np.ndarray, k: int | None) -> np.ndarray:
    """Units behind a figure, as the published intervals count them."""
    counts = x.sum(axis=1)
    total, hits = counts.sum((-1, -2)), 0 if k is None else counts[:, k, k]
    if name == "users":
        return counts[:, k].sum(-1)
    if name == "producers":
        return counts[:, :, k].sum(-1)
    if name in ("iou", "f1"):
        return counts[:, k].sum(-1) + counts[:, :, k].sum(-1) - hits
    return total


def of_pairs(joint: np.ndarray, w: np.ndarray, n: np.ndarray) -> Population:
    """Differences of two maps on the same units, by the engine itself: `joint` `(q, B, reference)`."""
    q = len(w)
    area = w[:, None, None] * joint
    first, second = true_figures(area.sum(axis=1)), true_figures(area.sum(axis=0))
    truth = {name: first[name] - second[name] for name in ("overall", "kappa", "users", "producers")}
    sizes = StrataSizes(tuple(map(str, range(q))), w, False, tuple(range(q)))
    stratum, of_b, reference = (v.ravel() for v in np.indices((q, q, q)))
    makers = {"standard": pairing.differences, "conservative": pairing.conservative_differences}

    def run(samples: int, random: np.random.Generator) -> dict[str, tuple[float, float]]:
        bounds: dict[str, list[tuple[float, float]]] = {}
        for _ in range(max(samples // 4, 2)):
            count = np.concatenate([random.multinomial(n[h], joint[h].ravel()) for h in range(q)])
            kept = count > 0
            units = Units(stratum[kept], stratum[kept], reference[kept], count[kept])
            for how, make in makers.items():
                found = make(units, of_b[kept], q, sizes)
                for name in truth:
                    of_name = getattr(found, name)
                    for k in (0, q - 1) if isinstance(of_name, tuple) else (None,):
                        one = of_name if k is None else of_name[k]
                        label = f"difference of {name}|{how}" if k is None else f"difference of {name} {k}|{how}"
                        # no interval and no difference: a claim that there is none
                        low, high = (0.0, 0.0) if one.low is None else (one.low, one.high)
                        pair = (low, high) if one.difference is not None else (np.nan, np.nan)
                        bounds.setdefault(label, []).append(pair)
        out = {}
        for label, pairs in bounds.items():
            name, *k = label.split("|")[0].removeprefix("difference of ").split()
            target = truth[name][int(k[0])] if k else truth[name]
            out[label] = judged(target, *np.array(pairs).T)
        return out

    return run


# ---------------------------------------------------------------- tables


def simulate(populations: list[tuple[str, Population]], seed: int, first: int, second: int) -> dict[str, list[Result]]:
    """All populations, then those again where some interval did worst; results by the name of the interval."""
    found: dict[str, list[tuple[float, float, int]]] = {}
    for i, (_, run) in enumerate(populations):
        for label, (coverage, width) in run(first, np.random.default_rng((seed, i))).items():
            if not np.isnan(coverage):
                found.setdefault(label, []).append((coverage, width, i))
    # the published intervals are far from their level: luck does not matter there
    doubtful = [values for label, values in found.items() if not label.endswith("|standard")]
    again = {i for values in doubtful for _, _, i in sorted(values)[:WORST]} if second else set()
    for i in again:
        repeated = populations[i][1](second, np.random.default_rng((seed + 1, i)))
        for label, values in found.items():
            if label in repeated:
                found[label] = [(*repeated[label], i) if v[2] == i else v for v in values]
    out: dict[str, list[Result]] = {}
    for label, values in found.items():
        figure, bar, how = label.partition("|")
        name = " ".join(word for word in figure.split() if not word.isdigit()) + bar + how if bar else label
        out.setdefault(name, []).extend(Result(c, w, populations[i][0]) for c, w, i in values if not np.isnan(c))
    return out


def few(points: str) -> bool:
    """Whether some class has fewer than ten points."""
    return min(int(v) for v in points.split(" and ")) < 10


def line(title: str, results: list[Result]) -> str:
    """A row of the table."""
    coverage = np.array([r.coverage for r in results])
    small = [r for r in results if few(r.points)]
    large = [r for r in results if not few(r.points)]
    lowest = " | ".join(f"{min((r.coverage for r in part), default=np.nan):.3f}" for part in (small, large))
    width = " | ".join(f"{np.median([r.width for r in part]):.3f}" if part else "" for part in (small, large))
    return f"| {title} | {len(results)} | {lowest} | {100 * np.mean(coverage < WANTED):.1f} % | {width} |"


HEAD = (
    "| interval | populations | lowest coverage, fewer than 10 points in some class | 10 or more in each"
    " | populations below .93 | median width, fewer | more |\n|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few populations and samples only")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    first, second = (60, 0) if options.quick else (FIRST, SECOND)

    def some(everything: list, most: int) -> list:
        most = min(len(everything), 12 if options.quick else most)
        return [everything[i] for i in random.permutation(len(everything))[:most]]

    sums = [(name, of_sum(s, w, n)) for name, w, n in designs(20) for s in shares_correct(len(w), random)]
    print("Overall accuracy, or the area of a class: weighted sums over strata\n\n" + HEAD)
    for title, results in simulate(some(sums, 2500), options.seed, first, second).items():
        print(line(title, results), flush=True)
    cases = [(name, w, n, c) for name, w, n in designs(8) for c in confusions(len(w), random)]
    for title, simple in (("Stratified by map class", False), ("Simple random", True)):
        maps = [(name, of_map(c, w, n, simple)) for name, w, n, c in some(cases, 700)]
        print(f"\n{title}\n\n" + HEAD)
        for label, results in simulate(maps, options.seed, first, second).items():
            print(line(label.replace("|", ", "), results), flush=True)
    pairs = [(name, of_pairs(second_map(c, random), w, n)) for name, w, n, c in some(cases, 150) if len(w) < 6]
    print("\nDifferences of two maps, strata of map A\n\n" + HEAD)
    for label, results in simulate(pairs, options.seed, first, second // 5).items():
        print(line(label.replace("|", ", "), results), flush=True)


if __name__ == "__main__":
    main()
