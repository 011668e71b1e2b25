# SPDX-License-Identifier: GPL-3.0-or-later
"""The training run: batches of three kinds, one loss, an averaged copy of the weights, the best of the checks."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import data, losses, teacher
from .augment import Sample, Strength, mosaic, sample, surrounded
from .channels import CHANNELS
from .data import HLS, INDIA_GROUPS, Chip
from .evaluate import Predictor, as_pictures, line, place_matrices, pooled
from .network import MobileUNet, load_encoder

CLASSES = 6
#: Channel indices of the classes each group label allows.
GROUPS = {group: tuple(v - 1 for v in members) for group, members in INDIA_GROUPS.items()}
_SIZE, _LARGE = 128, 256


@dataclass(frozen=True)
class Recipe:
    """The numbers of a run."""

    steps: int = 2500
    seed: int = 0
    decoder_rate: float = 2e-3
    encoder_rate: float = 6e-4
    decay: float = 0.02
    warm_up: int = 60
    clip: float = 2.0
    average: float = 0.995
    power: float = 0.6
    most_weight: float = 12.0
    smoothing: float = 0.08
    hls: int = 8
    india: int = 4
    sentinel: int = 4
    india_loss: float = 0.6
    sentinel_loss: float = 0.6
    large_every: int = 4
    surrounded: float = 0.0
    check_every: int = 250
    pictures: float = 0.3
    scenes: float = 0.0
    bf16: bool = True


@dataclass
class Bench:
    """The chips of a run: what trains, what chooses."""

    hls: list[Chip]
    india: list[Chip]
    sentinel: list[Chip]
    checks: dict[str, list[Chip]]


def bench(root: Path, teacher_path: Path, cache: Path) -> Bench:
    """All training and validation chips. Test splits and the European set are not opened."""
    sentinel: list[Chip] = []
    for source, splits in teacher.SPLITS.items():
        sentinel += teacher.labelled(root, source, splits, teacher_path, cache)
    return Bench(
        data.hls(root, ("train",)),
        data.india(root, ("train",)),
        sentinel,
        {
            "HLS val": data.hls(root, ("val",)),
            "India val": data.india(root, ("val",)),
            "OSCD val (teacher)": teacher.labelled(root, data.OSCD, ("val",), teacher_path, cache),
        },
    )


def channel_means(chips: Sequence[Chip]) -> list[float]:
    """Mean of each channel in network units over chips of reflectance: the fill of invalid pixels."""
    zeros = [0.0] * len(CHANNELS)
    means = [c.network_input(zeros).mean(axis=(1, 2)) for c in chips if not c.picture]
    return [round(float(v), 3) for v in np.mean(means, axis=0)]


def class_shares(chips: Sequence[Chip], count: int) -> list[float]:
    """Share of each class value 1..count among labelled pixels."""
    counts = sum(np.bincount(c.labels.ravel(), minlength=count + 1)[1 : count + 1] for c in chips)
    return [float(v) for v in counts / counts.sum()]


def rarity(chips: Sequence[Chip], weights: Sequence[float], factors: Sequence[float] | None = None) -> np.ndarray:
    """Probability of drawing each chip: the mean weight of its labelled pixels times its factor."""
    chances = []
    for i, chip in enumerate(chips):
        counts = np.bincount(chip.labels.ravel(), minlength=len(weights) + 1)[1 : len(weights) + 1].astype(float)
        mean = float((counts * weights).sum() / max(counts.sum(), 1)) if counts.sum() > 500 else 0.05
        chances.append(mean * (factors[i] if factors else 1.0))
    return np.array(chances) / np.sum(chances)


class Batches:
    """Batch number k is a function of seed and k alone, so that a stopped run goes on as if it had not stopped."""

    def __init__(self, chips: Bench, recipe: Recipe, fill: Sequence[float]) -> None:
        self._chips, self._recipe, self._fill = chips, recipe, fill
        self._strength = Strength(pictures=recipe.pictures)
        self.weights = losses.class_weights(class_shares(chips.hls, CLASSES), recipe.power, recipe.most_weight)
        group_weights = losses.class_weights(class_shares(chips.india, 3), 0.5, 4.0)
        sentinel_shares = class_shares(chips.sentinel, CLASSES)
        self.sentinel_weights = losses.class_weights(sentinel_shares, 0.4, 6.0)
        self._hls = rarity(chips.hls, self.weights.tolist())
        self._india = rarity(chips.india, group_weights.tolist())
        factors = [{data.OSCD: 1.0, data.L2A: 1.0, data.FOREST: 0.5}[c.source] for c in chips.sentinel]
        self._sentinel = rarity(chips.sentinel, self.sentinel_weights.tolist(), factors)

    def __call__(self, number: int) -> tuple[list[Sample], list[Sample], list[Sample]]:
        """Samples of the three kinds for step `number`."""
        recipe, rng = self._recipe, np.random.default_rng((self._recipe.seed, number))

        def drawn(chips: list[Chip], chances: np.ndarray, count: int) -> list[Chip]:
            return [chips[i] for i in rng.choice(len(chips), count, p=chances)]

        if recipe.large_every and number % recipe.large_every == recipe.large_every - 1:
            # as many pixels as a usual batch, in windows in which a pixel sees no border
            size = _LARGE
            hls = [self._large(drawn, rng) for _ in range(max(1, recipe.hls // 4))]
            india = drawn(self._chips.india, self._india, max(1, recipe.india // 4))
            sentinel = drawn(self._chips.sentinel, self._sentinel, max(1, recipe.sentinel // 4))
        else:
            size = _SIZE
            hls = drawn(self._chips.hls, self._hls, recipe.hls)
            india = drawn(self._chips.india, self._india, recipe.india)
            sentinel = drawn(self._chips.sentinel, self._sentinel, recipe.sentinel)
        return tuple(
            [sample(c, size, self._fill, self._strength, rng, self._scene(c, rng)) for c in chips]
            for chips in (hls, india, sentinel)
        )

    def _scene(self, chip: Chip, rng: np.random.Generator) -> np.ndarray | None:
        """Pixels of a made-up layer around a chip of reflectance: a few chips of its set; None for its own place."""
        if chip.picture or not self._recipe.scenes or rng.random() >= self._recipe.scenes:
            return None
        others = [c for c in [*self._chips.hls, *self._chips.sentinel] if c.source == chip.source]
        picked = rng.choice(len(others), min(len(others), int(rng.integers(2, 7))), replace=False)
        return np.concatenate([chip.layer, *(others[i].layer for i in picked)], axis=1)[:, ::4]

    def _large(self, drawn, rng: np.random.Generator) -> Chip:
        """A window larger than a chip: four chips, or one amid its own reflection."""
        if self._recipe.surrounded and rng.random() < self._recipe.surrounded:
            return surrounded(drawn(self._chips.hls, self._hls, 1)[0], _LARGE)
        return self._mosaic(drawn, rng)

    def _mosaic(self, drawn, rng: np.random.Generator) -> Chip:
        """Four chips, in half of the cases of one place where it has that many."""
        first = drawn(self._chips.hls, self._hls, 1)[0]
        near = [c for c in self._chips.hls if c.place == first.place and c is not first]
        if rng.random() < 0.5 and len(near) >= 3:
            return mosaic([first, *(near[i] for i in rng.choice(len(near), 3, replace=False))], rng)
        return mosaic([first, *drawn(self._chips.hls, self._hls, 3)], rng)


def batch_loss(
    network: nn.Module, batch: tuple[list[Sample], list[Sample], list[Sample]], batches: Batches, recipe: Recipe
) -> tuple[Tensor, list[float]]:
    """The loss of one step and its three parts."""
    hls, india, sentinel = batch
    images = torch.from_numpy(np.stack([s.image for s in hls + india + sentinel]))
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
        scores = network(images)
    parts = scores.float().split([len(hls), len(india), len(sentinel)])
    hard_labels = torch.from_numpy(np.stack([s.labels for s in hls])) - 1
    group_labels = torch.from_numpy(np.stack([s.labels for s in india]))
    shares = torch.from_numpy(np.stack([s.soft for s in sentinel]))
    known = torch.from_numpy(np.stack([s.known for s in sentinel]))
    each = [
        losses.hard(parts[0], hard_labels, batches.weights, recipe.smoothing),
        losses.partial(parts[1], group_labels, GROUPS),
        losses.soft(parts[2], shares, known, batches.sentinel_weights),
    ]
    total = each[0] + recipe.india_loss * each[1] + recipe.sentinel_loss * each[2]
    return total, [float(e.detach()) for e in each]


def optimiser(network: MobileUNet, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; no decay on normalisation and biases; the pretrained encoder learns more slowly."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "base": recipe.encoder_rate if pretrained else recipe.decoder_rate,
                "weight_decay": recipe.decay if decays else 0.0,
            }
            for (pretrained, decays), parameters in groups.items()
        ],
        lr=recipe.decoder_rate,
    )


def _rate(step: int, recipe: Recipe) -> float:
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)))


def _follow(average: nn.Module, network: nn.Module, step: int, recipe: Recipe) -> None:
    # a young average must not remember the start
    keep = min(recipe.average, (1 + step) / (10 + step))
    with torch.no_grad():
        for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.mul_(keep).add_(new, alpha=1 - keep)
            else:
                old.copy_(new)


def predictor(network: nn.Module) -> Predictor:
    """Probabilities by PyTorch in float32."""

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
            return network(tensor).softmax(dim=1).numpy()

    return predict


def check(network: nn.Module, chips: Bench, fill: Sequence[float]) -> tuple[float, list[str]]:
    """Score on the validation splits (mean of OA and mIoU over HLS and India) and lines for the log."""
    network.eval()
    score, lines = [], []
    for name, members in chips.checks.items():
        result = pooled(place_matrices(predictor(network), members, fill))
        lines.append(line(name, result))
        if "teacher" not in name:
            score += [result.overall, result.miou]
    pictures = as_pictures(predictor(network), chips.checks["HLS val"], fill, one_layer=True)
    lines.append(line("HLS val as pictures of one layer", pooled(pictures)))
    return float(np.mean(score)), lines


def run(chips: Bench, encoder: Path | None, folder: Path, recipe: Recipe, start_from: Path | None = None) -> Path:
    """Train, or go on where `folder` says a run was stopped. Returns the best checkpoint.

    `start_from` is a checkpoint of an earlier run whose averaged weights this one begins with.

    A checkpoint is a dictionary of plain values and tensors: `weights` (averaged), `fill`, `recipe`, `step`, `score`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    fill = channel_means(chips.hls + chips.sentinel)
    network = MobileUNet(len(CHANNELS), CLASSES)
    if encoder is not None:
        load_encoder(network, encoder)
    before: dict = {}
    if start_from is not None:
        earlier = torch.load(start_from, weights_only=True)
        network.load_state_dict(earlier["weights"])
        before = {key: earlier[key] for key in ("recipe", "step", "seconds")}
    network = network.to(memory_format=torch.channels_last)
    average = deepcopy(network).eval()
    steps = optimiser(network, recipe)
    start, best, spent = 0, -1.0, 0.0
    resume = folder / "last.pt"
    if resume.exists():
        state = torch.load(resume, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        steps.load_state_dict(state["optimiser"])
        start, best, spent = state["step"], state["best"], state["seconds"]
    (folder / "recipe.json").write_text(json.dumps({**asdict(recipe), "fill": fill}, indent=1), encoding="utf-8")
    batches = Batches(chips, recipe, fill)
    log = open(folder / "log.txt", "a", encoding="utf-8")

    def say(text: str) -> None:
        print(text, flush=True)
        print(text, file=log, flush=True)

    say(f"fill {fill}; class weights {[round(w, 2) for w in batches.weights.tolist()]}")
    began, parts = time.monotonic(), []
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(batches, start)
        for step in range(start, recipe.steps):
            batch, coming = coming.result(), ahead.submit(batches, step + 1)
            network.train()
            for group in steps.param_groups:
                group["lr"] = group["base"] * _rate(step, recipe)
            loss, each = batch_loss(network, batch, batches, recipe)
            steps.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            if torch.isfinite(norm):
                steps.step()
                _follow(average, network, step, recipe)
            parts.append(each)
            done = step + 1
            if done % 50 == 0:
                mean = np.mean(parts[-50:], axis=0)
                pace = (time.monotonic() - began) / (done - start)
                say(f"{done} hls {mean[0]:.3f} india {mean[1]:.3f} sentinel {mean[2]:.3f}; {pace:.2f} s a step")
            if done % recipe.check_every == 0 or done == recipe.steps:
                score, lines = check(average, chips, fill)
                seconds = spent + time.monotonic() - began
                say(f"step {done} score {score:.4f} after {seconds:.0f} s\n  " + "\n  ".join(lines))
                saved = {"weights": average.state_dict(), "fill": fill, "recipe": asdict(recipe)}
                saved.update(step=done, score=score, seconds=seconds, before=before)
                if score > best:
                    best = score
                    _save(saved, folder / "best.pt")
                _save(saved, folder / f"step{done}.pt")
                state = {"network": network.state_dict(), "average": average.state_dict()}
                state.update(optimiser=steps.state_dict(), step=done, best=best, seconds=seconds)
                _save(state, resume)
    log.close()
    return folder / "best.pt"


def _save(state: dict, path: Path) -> None:
    # a stopped machine must not leave half a file under the name a run resumes from
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def load(path: Path) -> tuple[MobileUNet, dict]:
    """The averaged network of a checkpoint, ready to predict, and the checkpoint itself."""
    state = torch.load(path, weights_only=True)
    network = MobileUNet(len(state["fill"]), CLASSES)
    network.load_state_dict(state["weights"])
    return network.eval().to(memory_format=torch.channels_last), state


__all__ = ["HLS", "Bench", "Recipe", "bench", "check", "load", "predictor", "run"]
