# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoint → exported file with everything that was measured on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lulc_plugin import provenance
from lulc_plugin.errors import LulcError
from lulc_plugin.model import mlm

from ..evaluate import calibration
from ..maps import Mapper
from ..networks.measurement import parameter_count, reach
from ..recipe import Recipe
from ..sets.chips import Chip
from ..sets.description import describe
from ..train.training_data import TrainingData, load_training_data
from ..train.validation import mapper as torch_mapper
from . import (
    data_summary,
    deepness,
    margin,
    onnx_graph,
    onnx_session,
    parity,
    sidecar,
    variants,
)
from .facts import Facts
from .onnx_graph import export, has_features
from .source import Source

FloatArray = npt.NDArray[np.float32]
Say = Callable[[str], None]
Item = TypeVar("Item")
_MOST_PARITY = 24
_MOST_TRAINING = 100
#: Held-out chips of a set whose inputs are looked at; their windows are held in memory.
_MOST_LOOKED = 1000


@dataclass(frozen=True)
class ExportOptions:
    """How a checkpoint is to be exported.

    Attributes:
        temperature: None fits it on the validation sets that count.
        precision: of the larger filters in the file.
        features: the second output; None: where it is small enough.
        variants: further files.
    """

    temperature: float | None = None
    precision: str = "half"
    features: bool | None = None
    variants: tuple[str, ...] = ()


def export_checkpoint(
    source: Source, target: Path, options: ExportOptions, say: Say = print
) -> tuple[Facts, TrainingData]:
    """Write the bare network to `target` and measure it; the description is not inside yet.

    Raises:
        LulcError: the file is not the network, a set is missing, or nothing can be measured.
    """
    network, recipe, fill = source.network, source.recipe, tuple(source.state["fill"])
    channels = len(recipe.inputs.channels)
    data = load_training_data(recipe, source.root, source.cache)
    if data.fingerprint != source.state.get("data"):
        say("The data are not those of the training: other files, labels, or teachers' answers.")
    calibrated = _calibration(source, options.temperature)
    temperature = float(calibrated["temperature"])
    errors = ", ".join(f"{k} {v:.3f} → {calibrated['after'][k]:.3f}" for k, v in calibrated["before"].items())
    say(f"temperature {temperature:g}{f'; expected calibration error {errors}' if errors else ''}")

    features = has_features(network) if options.features is None else options.features
    target.parent.mkdir(parents=True, exist_ok=True)
    by_pattern = _temperatures(recipe, calibrated)
    export(network, temperature, channels, target, options.precision, features, by_pattern)
    if not data.checks:
        say("The recipe has no [[check]]: everything is measured on training images.")
    real = real_inputs(recipe, data, fill, network.multiple)
    same = _parity(target, parity.by_torch(network, temperature, features, by_pattern), real, network.multiple)
    say(f"parity on noise: {same['noise']}")
    say(f"parity on {'validation' if data.checks else 'training'} images: {same['real']}")
    sizes = onnx_session.check_sizes(target, channels, network.multiple)
    others, fast = onnx_session.busy(), onnx_session.speed(target, channels)
    say(f"{target.stat().st_size / 1e6:.2f} MB, {fast:.2f} Mpx/s with two threads; sizes tried: {'; '.join(sizes)}")
    if others:
        say(f"{others[0].upper()}{others[1:]}.")
    border = _margin(target, recipe, data, fill, network.multiple, say)
    field = reach(network)
    facts = Facts(
        name=target.stem,
        created=f"{date.today().isoformat()}T00:00:00Z",
        checkpoint=provenance.file_digest(source.path),
        precision=options.precision,
        parameters=parameter_count(network),
        multiple=network.multiple,
        features=network.feature_count if features else 0,
        receptive_field=0 if field is None else 2 * field + 1,
        fill=fill,
        calibration=calibrated,
        parity={name: asdict(agreement) for name, agreement in same.items()},
        sizes=tuple(sizes),
        speed=fast,
        margin=asdict(border),
        sets=tuple(_counts(recipe, data)),
        band_statistics=tuple(_band_statistics(recipe, data)),
        confidence={},
        places=tuple(_places(recipe, source.root)),
        run=_training_run(source),
    )
    facts = replace(facts, patterns=_patterns(facts, recipe, data, target))
    return replace(facts, confidence=_confidence(facts, recipe, data, target, say)), data


def _temperatures(recipe: Recipe, calibrated: Mapping[str, Any]) -> dict[tuple[bool, ...], float]:
    """Presence of each optional band → temperature; empty without optional bands."""
    entries = calibrated.get("by_pattern", ())
    return {tuple(name in e["bands"] for name in recipe.inputs.optional): float(e["temperature"]) for e in entries}


def _margin(
    target: Path, recipe: Recipe, data: TrainingData, fill: Sequence[float], multiple: int, say: Say
) -> margin.Margin:
    """The margin on held-out images; of a network with optional bands the largest of those of its patterns.

    A composite shows one pattern: the network finds absent bands in a corner.
    """
    predict, found = onnx_session.predictor(target), []
    for pattern in recipe.inputs.patterns or (recipe.inputs.names,):
        images = real_inputs(recipe, data, fill, multiple, pattern)
        found.append(margin.measure(predict, margin.composites(images)))
    border = max(found, key=lambda one: (not one.reached, one.pixels, one.worst))
    say(
        f"margin {border.pixels} pixels: at most {100 * border.worst:.2f} % of labels change beyond it"
        f"{'' if border.reached else '; more than wanted, no margin is enough'}"
    )
    return border


def _patterns(facts: Facts, recipe: Recipe, data: TrainingData, target: Path) -> tuple[dict[str, Any], ...]:
    """`bands` and `confidence` of each pattern, on the held-out places whose sets have its bands."""
    found = []
    for pattern in recipe.inputs.patterns:
        sets = {name: chips for name, chips in held_out(recipe, data).items() if _shows(recipe, chips[0], pattern)}
        maps = replace(mapper(facts, recipe, target), shown=pattern)
        sure = data_summary.confidence_summary(data_summary.place_confidence(maps, sets))
        found.append({"bands": list(pattern), "confidence": sure})
    return tuple(found)


def _shows(recipe: Recipe, chip: Chip, pattern: Sequence[str]) -> bool:
    """Whether a chip has all bands of a pattern."""
    return set(pattern) <= set(recipe.inputs.bands_of(chip.present))


def _parity(target: Path, original: Any, real: Sequence[FloatArray], multiple: int) -> dict[str, parity.Parity]:
    """How closely the file reproduces the network, on `noise` and on `real` inputs.

    Raises:
        LulcError: it does not.
    """
    exported = parity.by_session(onnx_session.session(target))
    noise = parity.noise(real[0].shape[0], multiple)
    on_real = parity.require_same(parity.measure_parity(original, exported, _few(real, _MOST_PARITY)))
    return {"noise": parity.measure_parity(original, exported, noise), "real": on_real}


def _training_run(source: Source) -> dict[str, Any]:
    """What the sidecar tells of the training."""
    state = source.state
    return {
        "seed": source.recipe.run.seed,
        "steps": source.recipe.run.steps,
        "step": int(state["step"]),
        "score": _plain(state.get("score")),
        "seconds": round(float(state.get("seconds", 0.0))),
        "data": state.get("data", ""),
        "revision": state.get("revision", "unknown"),
    }


def _confidence(facts: Facts, recipe: Recipe, data: TrainingData, target: Path, say: Say) -> dict[str, Any]:
    """How sure the exported file is on held-out places; empty where these are too few."""
    places = data_summary.place_confidence(mapper(facts, recipe, target), held_out(recipe, data))
    sure = data_summary.confidence_summary(places)
    if sure:
        say(f"confidence {sure['mean']:.3f} on {sure['places']} held-out places, 5 % quantile {sure['q05']:.3f}")
    return sure


def mapper(facts: Facts, recipe: Recipe, target: Path) -> Mapper:
    """The exported file, mapping chips as the engine does with the measured margin and the recipe's smoothing."""
    predict, fill = onnx_session.predictor(target), tuple(facts.fill)
    return Mapper(predict, recipe.inputs, fill, sidecar.window(facts), recipe.smoothing)


def describe_inside(
    facts: Facts, recipe: Recipe, root: Path, target: Path, scores: Mapping[str, Any] | None = None
) -> Facts:
    """Put the descriptions into the file and beside it; the facts with its size and digest.

    Raises:
        LulcError: the description cannot be written, or the engine would not run it.
    """
    spec = sidecar.spec(replace(facts, file_size=0, digest=""), recipe, root, scores)
    onnx_graph.embed(target, mlm.to_item(spec), deepness.keys(spec, recipe.inputs, scaled_inside=False))
    facts = replace(facts, file_size=target.stat().st_size, digest=provenance.file_digest(target))
    sidecar.write(sidecar.spec(facts, recipe, root, scores), target)
    return facts


def make_variants(
    source: Source, facts: Facts, target: Path, names: Sequence[str], data: TrainingData, say: Say = print
) -> dict[str, dict[str, Any]]:
    """Further files beside `target`, with what was measured on each; the engine's own session ran them.

    Raises:
        LulcError: a variant cannot be made of this network.
    """
    network, recipe, temperature = source.network, source.recipe, float(facts.calibration["temperature"])
    original = parity.by_torch(network, temperature, bool(facts.features))
    real = _few(real_inputs(recipe, data, facts.fill, network.multiple), _MOST_PARITY)
    written: dict[str, dict[str, Any]] = {}
    for name in names:
        path = variants.variant_path(target, name)
        windows = _training_windows(recipe, data, facts.fill) if name == "int8" else []
        variants.write(name, network, temperature, recipe.inputs, path, bool(facts.features), windows)
        if name == "deepness":
            spec = sidecar.spec(facts, recipe, source.root)
            onnx_graph.embed(path, None, deepness.keys(spec, recipe.inputs, scaled_inside=True))
            say(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB. {deepness.limits(recipe.inputs)}")
            written[name] = {"file": path.name, "megabytes": round(path.stat().st_size / 1e6, 3)}
            continue
        same = parity.measure_parity(original, parity.by_session(onnx_session.session(path)), real)
        fast = onnx_session.speed(path, len(recipe.inputs.channels))
        own = replace(facts, name=path.stem, speed=fast)
        describe_inside(own, recipe, source.root, path)
        megabytes = path.stat().st_size / 1e6
        warning = "" if same.same >= 0.98 else ". Score it with training.evaluate before you use it"
        say(f"{path.name}: {megabytes:.2f} MB, {fast:.2f} Mpx/s; {same}{warning}")
        written[name] = {"file": path.name, "megabytes": round(megabytes, 3), "speed": fast, **asdict(same)}
    return written


def _calibration(source: Source, temperature: float | None) -> dict[str, Any]:
    if temperature is not None:
        return {"temperature": temperature, "before": {}, "after": {}}
    answers = torch_mapper(source.recipe, source.network, source.state["fill"])
    # smoothing is linear in the logarithms, so a temperature found after it may stand before it, inside the file
    answers = replace(answers, smoothing=source.recipe.smoothing)
    if source.recipe.inputs.optional:
        return calibration.of_patterns(answers, source.recipe, source.root, source.cache).table()
    return calibration.of_checks(answers, source.recipe, source.root, source.cache).table()


def held_out(recipe: Recipe, data: TrainingData) -> dict[str, Sequence[Chip]]:
    """Chips of the checks that count and have labels of their own."""
    checks = zip(data.checks.items(), recipe.checks, strict=True)
    return {name: chips for (name, chips), check in checks if check.counts and not check.teacher}


def real_inputs(
    recipe: Recipe, data: TrainingData, fill: Sequence[float], multiple: int, pattern: Sequence[str] = ()
) -> list[FloatArray]:
    """Network inputs of all held-out chips, cut to sizes that the network takes, sets in turn.

    A recipe without checks has none; a few of its training chips stand in for them. With a `pattern` those that have
    its bands, showing no others.

    Raises:
        LulcError: all chips are smaller than the network takes.
    """
    looked = [_few(chips, _MOST_LOOKED) for chips in data.checks.values()]
    looked = looked or [_few(chips, _MOST_TRAINING) for chips in data.training]
    shown = pattern or recipe.inputs.names
    looked = [[chip for chip in chips if not pattern or _shows(recipe, chip, pattern)] for chips in looked]
    sets = [[recipe.inputs.show(input_of(recipe, chip, fill), shown) for chip in chips] for chips in looked]
    cut = [
        [i[:, : i.shape[1] // multiple * multiple, : i.shape[2] // multiple * multiple] for i in images]
        for images in sets
    ]
    turns = [images[k] for k in range(max(map(len, cut), default=0)) for images in cut if k < len(images)]
    usable = [image for image in turns if image.size]
    if not usable:
        raise LulcError(
            f"No image is {multiple} pixels wide and high, so there is nothing to measure the exported file on.",
            "Give the recipe a [[check]] with larger images.",
        )
    return usable


def input_of(recipe: Recipe, chip: Chip, fill: Sequence[float]) -> FloatArray:
    """The network's input for a chip as the engine makes it."""
    return recipe.inputs.of(chip.values, chip.band_valid, chip.picture, fill, chip.whole)


def _few(images: Sequence[Item], most: int) -> list[Item]:
    at = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).round().astype(int))
    return [images[i] for i in at]


def _training_windows(recipe: Recipe, data: TrainingData, fill: Sequence[float]) -> list[FloatArray]:
    chips = [chip for k in range(variants.CALIBRATION_WINDOWS) for chips in data.training for chip in chips[k : k + 1]]
    return [input_of(recipe, chip, fill) for chip in chips[: variants.CALIBRATION_WINDOWS]]


def _counts(recipe: Recipe, data: TrainingData) -> list[dict[str, Any]]:
    by_set: dict[str, dict[str, Any]] = {}
    for part, chips in zip(recipe.data, data.training, strict=True):
        entry = by_set.setdefault(part.set, {"set": part.set, "images": 0, "pixels": 0, "teacher": []})
        entry["images"] += len(chips)
        entry["pixels"] += sum(int(np.count_nonzero(c.labels)) for c in chips)
        entry["teacher"] += [name for name in part.teacher if name not in entry["teacher"]]
    return list(by_set.values())


def _band_statistics(recipe: Recipe, data: TrainingData) -> list[dict[str, Any]]:
    picture = recipe.inputs.forms[0].unit == "dn"
    return data_summary.band_statistics(data_summary.chips_to_measure(data.training, picture), recipe.inputs.names)


def _places(recipe: Recipe, root: Path) -> list[dict[str, Any]]:
    splits: dict[str, set[str]] = {}
    for part in recipe.data:
        splits.setdefault(part.set, set()).update(part.splits)
    return [data_summary.training_places(describe(root, name), used) for name, used in splits.items()]


def _plain(score: Any) -> float | None:
    return None if score is None or not np.isfinite(score) else round(float(score), 4)
