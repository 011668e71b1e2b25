# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what an analyst should know before trusting the map. Every number comes from the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lulc_plugin.assess.statistics import accuracy

from .credits import ENCODER, training_sets
from .data import INDIA_NAMES
from .evaluate import SURROUNDED, WINDOW, reference_miou
from .margin import DISTANCES
from .release import AMID, legend, matrices_of


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _names(key: str) -> list[str]:
    return list(INDIA_NAMES.values()) if key.startswith("India") else list(legend().names)


def _classes(results: Mapping[str, Any], key: str) -> str:
    ours = accuracy(sum(matrices_of(results["network"][key]).values()))
    theirs = None
    if key in results["forest"]:
        theirs = accuracy(sum(matrices_of(results["forest"][key]).values()))
    rows = []
    for i, (name, c) in enumerate(zip(_names(key), ours.classes, strict=True)):
        row = [name, f"{c.reference:.0f}", _number(c.users), _number(c.producers), _number(c.f1), _number(c.iou)]
        rows.append(row + ([_number(theirs.classes[i].iou)] if theirs else []))
    header = ["class", "reference pixels", "user's accuracy", "producer's accuracy", "F1", "IoU"]
    return _table(header + (["IoU of the forest"] if theirs else []), rows)


def _confusion(results: Mapping[str, Any], key: str) -> str:
    counts = sum(matrices_of(results["network"][key]).values())
    names = _names(key)
    rows = [[f"**{name}**", *(str(v) for v in row)] for name, row in zip(names, counts.tolist(), strict=True)]
    return _table(["map ↓ reference →", *names], rows)


def _places(results: Mapping[str, Any], key: str) -> str:
    rows = []
    forest = matrices_of(results["forest"][key])
    for place, counts in sorted(matrices_of(results["network"][key]).items()):
        ours, theirs = accuracy(counts), accuracy(forest[place])
        shares = counts.sum(axis=0) / counts.sum()
        main = ", ".join(f"{_names(key)[i]} {shares[i]:.0%}" for i in np.argsort(-shares)[:2] if shares[i] > 0)
        rows.append([place, f"{ours.total:.0f}", main, f"{ours.overall:.3f}", f"{theirs.overall:.3f}"])
    return _table(["place", "pixels", "mostly", "overall accuracy", "of the forest"], rows)


def _headline(results: Mapping[str, Any]) -> str:
    rows = []
    for key, what in (
        ("HLS", "HLS, 30 m, reflectance, six classes"),
        (f"HLS, {AMID}", f"the same, {SURROUNDED} pixels reflected around each chip"),
        ("HLS as pictures", "the same, shown as stretched pictures (a place is the layer)"),
        ("India", "India, 10 m, 8-bit pictures, three groups"),
        (f"India, {AMID}", f"the same, {SURROUNDED} pixels reflected around each chip"),
        ("Europe", "Europe, 10 m, reflectance, never trained on (five classes occur)"),
        ("OSCD (teacher)", "towns, 10 m, L1C; against the teacher, not against truth"),
    ):
        if key in results["network"]:
            counts = sum(matrices_of(results["network"][key]).values())
            a = accuracy(counts)
            rows.append([what, f"{len(results['network'][key])}", f"{a.overall:.3f}", _number(a.kappa),
                         f"{reference_miou(counts):.3f}", f"{a.total:.0f}"])
    return _table(["test data", "places", "overall accuracy", "kappa", "mean IoU", "pixels"], rows)


def _difference(results: Mapping[str, Any], key: str) -> str:
    difference, low, high = results["difference"][key]
    if low > 0:
        verdict = "the network beats the forest: the interval lies above 0"
    elif high < 0:
        verdict = "the forest beats the network"
    else:
        verdict = "not told apart from the forest: the interval includes 0"
    places = matrices_of(results["forest"][key.removesuffix(f", {AMID}")])
    forest = sum(places.values())
    return (
        f"{key}: forest OA {accuracy(forest).overall:.3f}, mean IoU {reference_miou(forest):.3f};"
        f" network minus forest {difference:+.3f} mean IoU, 95 % interval {low:+.3f} to {high:+.3f}"
        f" over {len(places)} places; {verdict}."
    )


def _differences(results: Mapping[str, Any]) -> str:
    return "\n".join(f"- {_difference(results, key)}" for key in results["difference"])


def _limits(results: Mapping[str, Any]) -> str:
    def iou(key: str, index: int) -> str:
        found = accuracy(sum(matrices_of(results["network"][key]).values())).classes[index].iou
        return _number(found)

    lines = [
        f"- **Shrub and grass against cropland and bare** (IoU {iou('HLS', 2)}, {iou('HLS', 3)},"
        f" {iou('HLS', 5)} on HLS): dry grass, fallow fields and bare ground look alike in one image of four bands.",
        f"- **Water** (IoU {iou('HLS', 0)} on HLS, {iou('India', 2)} in India): narrow rivers and small lakes"
        " are lost or too wide; turbid, shallow or reef water may be called something else.",
        f"- **Built-up** (IoU {iou('HLS', 4)} on HLS at 30 m, {iou('India', 0)} in India at 10 m): single houses and"
        " roads are lost or merge into one area; villages in dry land are often missed, bright bare ground is taken"
        " for built-up and the reverse.",
    ]
    if "Europe" in results["network"]:
        lines.append(
            f"- **Lush meadows** (IoU of shrub and grass in Europe {iou('Europe', 2)}): green summer grass is called"
            " cropland or trees."
        )
    lines += [
        "- No class for wetland, mangrove, snow or ice, and none for cloud or shadow: mask those first.",
        "- Pictures: percentiles are those of the whole layer. A layer of one land cover only (all sea, all forest)"
        " has no contrast to stretch, and its map is not to be trusted. Reflectance, where there is any, is the better"
        " way in.",
        "- The labels are themselves maps (WorldCover, thinned from 10 m to 30 m) or coarse polygons; part of the"
        " disagreement counted above is theirs. Test places are few: the intervals are wide.",
        "- What lies around a place matters to this network: a small layer is mapped a little differently from the same"
        " ground inside a larger one (see the lines \"reflected around\" above).",
        "- One seed was trained; differences of 0.03 between networks of this size are noise.",
    ]
    return "\n".join(lines)


def text(results: Mapping[str, Any], name: str) -> str:
    """The card in Markdown."""
    recipe, parity = results["recipe"], results["parity"]
    errors = [
        [k, f"{results['error_before'][k]:.3f}", f"{results['error_after'][k]:.3f}"] for k in results["error_before"]
    ]
    margins = [[row, *(f"{100 * v:.2f}" for v in shares)] for row, shares in results["margin_table"].items()]
    worst = max(row[DISTANCES.index(results["margin"])] for row in results["margin_table"].values())
    sets = training_sets({k: tuple(v) for k, v in results["training_counts"].items()})
    credits = [
        [s.name, s.license, s.citation, f"{s.images or '–'}", f"{s.pixels or '–'}"] for s in sets
    ]
    rehearsal = "" if results["split"] == "test" else "\n**A rehearsal on validation places, not a release.**\n"
    return f"""# {name}
{rehearsal}
Maps **water, trees, shrub and grass, cropland, built-up, bare** from four bands (red, green, blue, near infrared) of
one image with pixels of 10 to 30 m. {results['parameters'] / 1e6:.2f} million parameters,
{results['file_size'] / 1e6:.1f} MB, licence CC-BY-4.0.

## What it needs
- Bands red, green, blue, near infrared, of Sentinel-2, Landsat, HLS or a sensor like them. Pixels of 10 to 30 m.
- **Reflectance** (surface or top of atmosphere, 0..1 after scale and offset), or **pictures** of 8 bits and raw
  numbers: then each band is stretched between its 2nd and 98th percentile over the whole layer.
- An image without clouds. Indices (NDVI, NDWI, SAVI) are computed by the program.
- Windows of {WINDOW.size} pixels or fewer, a multiple of 32, of which {results['margin']} pixels a side are context.

## How good it is
Held-out places; the network was chosen without them. (They were scored again, with the same weights, each time the
engine's treatment of a layer's rim changed; that choice too was made on validation places.) Rows of every matrix are
the map, columns the reference; mean IoU is over the classes that the reference has. A chip is mapped as the engine maps
a layer that small: one window with {WINDOW.rim} pixels reflected at its rim. Inside a large layer a pixel sees no
border; the lines "reflected around" imitate that (nobody labelled anything larger), and the true score there lies
somewhere between the two.

{_headline(results)}

### HLS, 30 m, per class
{_classes(results, 'HLS')}

{_confusion(results, 'HLS')}

### HLS, per place
{_places(results, 'HLS')}

### India, 10 m, per group
{_classes(results, 'India')}

{_confusion(results, 'India')}

A map of six classes is compared in groups: trees, shrub and grass, cropland and bare count as vegetation.

### India, per place
{_places(results, 'India')}

### Against a random forest
100 trees on the same channels plus 3x3 mean and standard deviation of the bands, same places, classes balanced.
Intervals by drawing test places with replacement (4000 draws).

{_differences(results)}
{_europe(results)}
## Calibration
One temperature, {results['temperature']:.2f}, fitted on validation places; it is inside the file. Expected
calibration error (15 bins):

{_table(['validation set', 'before', 'after'], errors)}

Elsewhere, and for land unlike the training places, confidence is worth less.

## Window border
Percent of labels that change with what lies beyond the window, farther than so many pixels from its border
({results['margin_chips']} images of 512 x 512 put into other surroundings):

{_table(['pixels from the border', *(str(d) for d in DISTANCES)], margins)}

Margin {results['margin']} pixels (at most {100 * worst:.2f} % change beyond it). By the architecture a pixel can be
influenced from a square {results['receptive_field']} pixels wide.

## What it cannot do
{_limits(results)}

## How it was made
{_stages(results)} AdamW, class weights share^-{recipe['power']}, Dice, label smoothing {recipe['smoothing']}, seed
{recipe['seed']}; the averaged weights with the best validation score ({results['validation_score']:.3f}: mean of OA and
mean IoU on HLS and India, chips alone in their windows). Encoder: {ENCODER}.
Images without labels were labelled by the Dynamic World network. `training/README.md` has the command.

File against the trained network ({parity['pixels']} validation pixels): same class {100 * parity['same']:.3f} %,
largest difference of a probability {parity['probability']:.4f}.

## Training data and credits
{_table(['data', 'licence', 'credit', 'images', 'labelled pixels'], credits)}

{ENCODER}: starting weights of the encoder.

sha256 {results['digest']}
"""


def _stage(recipe: Mapping[str, Any], step: int, seconds: float) -> str:
    batch = f"{recipe['hls']} HLS, {recipe['india']} India, {recipe['sentinel']} Sentinel-2"
    every = recipe["large_every"]
    windows = (
        "all as a quarter as many windows of 256 pixels"
        if every == 1
        else f"windows of 128 pixels, in every {every}th step a quarter as many of 256"
    )
    return f"step {step} of {recipe['steps']} ({batch}: {windows}; {seconds / 60:.0f} minutes on two processor cores)"


def _stages(results: Mapping[str, Any]) -> str:
    last = _stage(results["recipe"], results["step"], results["seconds"])
    if not results["before"]:
        return f"Trained to {last}."
    first = _stage(*(results["before"][key] for key in ("recipe", "step", "seconds")))
    return f"First stage: {first}. Second stage, at a lower rate and with every window larger than a chip: {last}."


def _europe(results: Mapping[str, Any]) -> str:
    if "Europe" not in results["network"]:
        return ""
    return f"""
### Europe, never trained on
One region of about 78 x 20 km, Sentinel-2 L2A with the S2GLC map, classes translated (broadleaf and coniferous to
trees, herbaceous to shrub and grass, cultivated to cropland, artificial to built-up). One region says little about
others.

{_classes(results, 'Europe')}

{_confusion(results, 'Europe')}
"""
