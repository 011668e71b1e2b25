# SPDX-License-Identifier: GPL-3.0-or-later
"""The model card: what an analyst should know before trusting the map. Every number comes from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lulc_plugin.model import ModelSpec

from ..export import cardtable, deepness
from ..export.facts import Facts
from ..export.margin import Margin
from ..export.sidecar import window
from ..maps import SURROUNDED
from ..recipe import Recipe
from . import limits, markdown, scoretables
from .markdown import bullets, joined, number


def text(spec: ModelSpec, facts: Facts, recipe: Recipe, scores: Mapping[str, Any], picture: str = "") -> str:
    """The card in Markdown.

    Args:
        spec: the network's description.
        facts: what was measured on the file.
        recipe: what it was trained by, with the words of [card].
        scores: content of `scores.json`.
        picture: address of the contact sheet, relative to the card; empty without.

    Raises:
        LulcError: [card] asks for a number that does not exist.
    """
    parts = [
        _head(spec, facts, scores),
        _needs(spec, facts, recipe),
        _goodness(spec, scores),
        *(_of_set(scores, key) for key in scoretables.main_sets(scores)),
        _forest(scores),
        _others(scores),
        *(_outside(scores, key) for key in scoretables.outside_sets(scores)),
        _radiometry(scores),
        _calibration(facts),
        _border(facts),
        _limits(recipe, scores, picture),
        _making(facts, recipe, spec),
        _programs(spec, facts, recipe),
        _credits(spec),
        f"sha256 {facts.digest}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(spec: ModelSpec, facts: Facts, scores: Mapping[str, Any]) -> str:
    names = ", ".join(c.name.lower() for c in spec.legend.classes)
    bands = ", ".join(b.description.lower() for b in spec.bands)
    size = f" with pixels of {_sizes(spec)}" if _sizes(spec) else ""
    said = f"# {spec.name}\n"
    if scores["rehearsal"]:
        said += "\n**A rehearsal on validation places, not a release: the network was chosen by them.**\n"
    return (
        f"{said}\nMaps **{names}** from {_how_many(len(spec.bands))} ({bands}) of one image{size}."
        f" {spec.architecture}, {facts.parameters / 1e6:.2f} million parameters, {facts.file_size / 1e6:.1f} MB,"
        f" {facts.speed:.1f} Mpx/s on two CPU threads, licence {spec.license}."
    )


def _how_many(bands: int) -> str:
    words = {1: "one band", 2: "two bands", 3: "three bands", 4: "four bands", 5: "five bands", 6: "six bands"}
    return words.get(bands, f"{bands} bands")


def _sizes(spec: ModelSpec) -> str:
    if spec.gsd_range:
        low, high = spec.gsd_range
        return f"{low:g} m" if low == high else f"{low:g} to {high:g} m"
    return f"about {spec.gsd:g} m" if spec.gsd else ""


def _needs(spec: ModelSpec, facts: Facts, recipe: Recipe) -> str:
    card = cardtable.of(recipe)
    bands = joined([b.description.lower() for b in spec.bands])
    items = [f"Bands {bands}.{f' Pixels of {_sizes(spec)}.' if _sizes(spec) else ''}"]
    items += [f"Made for {card.imagery}."] if card.imagery else []
    ways = {
        "reflectance": "**reflectance** (surface or top of atmosphere, 0..1 after scale and offset)",
        "dn": "**pictures** of 8 bits and raw numbers: each band is stretched between its 2nd and 98th percentile over"
        " the whole layer",
    }
    said = joined([ways[form.unit] for form in spec.forms if form.unit in ways], "or")
    items.append(f"{said[:2]}{said[2:3].upper()}{said[3:]}.")
    items += card.needs
    indices = [c.name for c in spec.channels if c.expression is not None]
    computed = f" Indices ({', '.join(indices)}) are computed by the program." if indices else ""
    items.append(f"An image without clouds.{computed}")
    found = window(facts)
    items.append(
        f"Windows of {found.size} pixels or fewer, a multiple of {found.multiple}, of which {found.margin} pixels a"
        " side are context."
    )
    return f"## What it needs\n{bullets(items)}"


def _goodness(spec: ModelSpec, scores: Mapping[str, Any]) -> str:
    kept = (
        "This is a rehearsal: the tables below are of validation places, by which the network was chosen."
        if scores["rehearsal"]
        else "Rows marked test are held-out places; the network was chosen without them, and they were scored once."
        " Validation places chose the network and flatter it."
    )
    return f"""## How good it is
{kept} Rows of every matrix are the map, columns the reference; mean IoU and mean Dice are over the classes that the
reference has. Accuracies count pixels of the chips; they are no estimate for a country. A chip is mapped as the engine
maps a layer that small: one window with {spec.window.rim} pixels reflected at its rim. Inside a large layer a pixel
sees no border; the lines “reflected around” imitate that (nobody labelled anything larger), and the true score there
lies somewhere between the two.

{scoretables.headline(scores)}"""


def _of_set(scores: Mapping[str, Any], key: str) -> str:
    entry = scores["sets"][key]
    title = f"{entry['title']}, {scoretables.split_of(key)}"
    coarse = [name for name in entry["names"] if " / " in name]
    note = ""
    if coarse:
        said = joined([f"“{name}”" for name in coarse])
        note = f"\n\nLabels of this set are coarser than the map: {said} is right if the map says any class of it."
    return f"""### {title}: classes
{scoretables.classes(scores, key)}

{scoretables.confusion(scores, key)}{note}

### {title}: places
{scoretables.places(scores, key)}"""


def _forest(scores: Mapping[str, Any]) -> str:
    if not scores["forest"]:
        return ""
    return f"""### Against a random forest
100 trees on the same channels plus 3x3 mean and standard deviation of the bands, same places, classes balanced.
Intervals by drawing places with replacement (4000 draws): they hold for more places like these.

{bullets(scoretables.differences(scores))}"""


def _others(scores: Mapping[str, Any]) -> str:
    found = scoretables.compared(scores)
    return f"### Against other networks of this plugin\n{bullets(found)}" if found else ""


def _outside(scores: Mapping[str, Any], key: str) -> str:
    entry = scores["sets"][key]
    places = len(entry["places"])
    few = " One place says little about others." if places == 1 else ""
    return f"""### {entry["title"]}: never trained on, never chosen by
{entry["credit"]}. The set's classes are translated as `training/sets/{key.partition("/")[0]}.toml` says.{few}

{scoretables.classes(scores, key)}

{scoretables.confusion(scores, key)}"""


def _radiometry(scores: Mapping[str, Any]) -> str:
    table = scoretables.robustness(scores)
    if not table:
        return ""
    return f"""### Other light
The same places with other numbers, overall accuracy / mean IoU: brighter and darker by a fifth, haze (0.03 in
reflectance, more in blue), Sentinel-2's offset of +1000 not taken off, another processing level, 8-bit pictures.

{table}"""


def _calibration(facts: Facts) -> str:
    found = facts.calibration
    rows = [[k, number(v), number(found["after"].get(k))] for k, v in found["before"].items()]
    table = f"\n\n{markdown.table(['validation set', 'before', 'after'], rows)}" if rows else ""
    said = (
        "fitted on validation places; it is inside the file. Expected calibration error (15 bins):"
        if rows
        else "given by hand; it is inside the file."
    )
    sure = ""
    if facts.confidence:
        sure = (
            f"\n\nOn {facts.confidence['places']} validation places the mean confidence is"
            f" {facts.confidence['mean']:.2f}, and below {facts.confidence['q05']:.2f} on the least sure one in twenty:"
            " the program warns when a map stays below that."
        )
    return f"""## Calibration
One temperature, {found["temperature"]:.2f}, {said}{table}{sure}

Elsewhere, and for land unlike the training places, confidence is worth less."""


def _border(facts: Facts) -> str:
    found = Margin(**facts.margin)
    rows = [[row, *(f"{100 * v:.2f}" for v in shares)] for row, shares in found.table.items()]
    reached = (
        f"Margin {found.pixels} pixels (at most {100 * found.worst:.2f} % change beyond it)."
        if found.reached
        else f"**No margin is enough**: {100 * found.worst:.2f} % change beyond {found.pixels} pixels, the largest."
    )
    field = (
        f"By the architecture a pixel can be influenced from a square {facts.receptive_field} pixels wide."
        if facts.receptive_field
        else "By the architecture a pixel can be influenced from anywhere in its window."
    )
    return f"""## Window border
Percent of labels that change with what lies beyond the window, farther than so many pixels from its border
({found.images} images of 512 x 512 put into other surroundings):

{markdown.table(["pixels from the border", *map(str, found.distances)], rows)}

{reached} {field}"""


def _limits(recipe: Recipe, scores: Mapping[str, Any], picture: str) -> str:
    items = [limits.filled(sentence, scores) for sentence in cardtable.of(recipe).limits]
    items += limits.found(scores)
    if any(entry.get("surrounded") for entry in scores["sets"].values()):
        items.append(
            "What lies around a place matters to this network: a small layer is mapped a little differently from the"
            f" same ground inside a larger one (see the lines “{SURROUNDED} pixels reflected around” above)."
        )
    items.append("One seed was released; differences of 0.03 between networks of this size are noise.")
    seen = (
        f"\n\n![Held-out chips: image, reference and map]({picture})\n\nOf each set the worst held-out chip, one of the"
        " middle and the best, by overall accuracy. A label that may be several classes has the mean of their colours."
        if picture
        else ""
    )
    return f"## What it cannot do\n{bullets(items)}{seen}"


def _making(facts: Facts, recipe: Recipe, spec: ModelSpec) -> str:
    run, made = recipe.run, facts.run
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
    source = spec.training.pretrained_source
    begun = f"Training began with {source}." if source else "All weights began random."
    notes = "".join(f" {note}" for note in cardtable.of(recipe).notes)
    parity = facts.parity["real"]
    return f"""## How it was made
Trained to step {made["step"]} of {made["steps"]} in {made["seconds"] / 60:.0f} minutes; each batch: {parts}; windows of
{run.size} pixels{large}. {recipe.optimiser.name}, {recipe.optimiser.schedule} schedule, seed {made["seed"]}. Losses:
{losses}.
Kept are {averaged} with the best score on validation places ({score}: {what} on {counting or "none"}). {begun}{notes}
`training/README.md` has the command. Code {made["revision"]}, data {str(made["data"])[:17]}….

File against the trained network ({markdown.count(parity["pixels"])} validation pixels): same class
{100 * parity["same"]:.3f} %, largest difference of a probability {parity["probability"]:.4f}. Larger filters are stored
in {"half" if facts.precision == "half" else "single"} precision."""


def _term(term: Any) -> str:
    said = ", ".join(f"{k} {v}" for k, v in term.options.items())
    weight = "" if term.weight == 1 else f"{term.weight:g}·"
    return f"{weight}{term.name}{f' ({said})' if said else ''}"


def _programs(spec: ModelSpec, facts: Facts, recipe: Recipe) -> str:
    features = (
        f" A second output, `{spec.output.features}`, has {facts.features} numbers a pixel for classes of your own."
        if facts.features
        else ""
    )
    return f"""## In other programs
The description is inside the file, too (STAC MLM, metadata key `mlm`): input `{spec.input_name}`
(batch, {", ".join(c.name for c in spec.channels)}, scaled as described; height, width), output `{spec.output.name}`,
probabilities in the order of the classes above.{features} {deepness.limits(spec, recipe.inputs)}"""


def _credits(spec: ModelSpec) -> str:
    rows = [
        [s.name, s.license, " ".join(t for t in (s.citation, s.url) if t),
         markdown.count(s.images) if s.images else "–", markdown.count(s.pixels) if s.pixels else "–"]
        for s in spec.training.sets
    ]  # fmt: skip
    source = spec.training.pretrained_source
    begun = f"\n\n{source}: starting weights." if source else ""
    return f"""## Training data and credits
{markdown.texts(["data", "licence", "credit", "images", "labelled pixels"], rows)}{begun}"""
