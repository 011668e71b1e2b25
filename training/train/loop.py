# SPDX-License-Identifier: GPL-3.0-or-later
"""The training run: batches, one loss, an averaged copy of the weights, the best of the checks, all of it resumable."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from lulc_plugin.errors import LulcError

from ..augment.samples import Sample
from ..losses.terms import soft
from ..losses.total import total_loss
from ..networks.network import Network
from ..networks.network_settings import NetworkSettings, build
from ..networks.pretrained import load_pretrained
from ..progress_line import ProgressLine
from ..recipe import Recipe, Run
from . import checkpoint, optimisation, plots
from .batches import Batches, Targets, channel_means, fitting, images_of
from .consistent import consistent_loss
from .event_log import CHIPS, LOOKS, EventLog
from .precision import chosen_precision
from .training_data import TrainingData
from .validation import Fit, fit, spread_chips, validate

_KEEP_LINES = 50
#: A GPU is done with a batch before one thread has made the next.
_WORKERS_OF_A_GPU = 4


@dataclass
class State:
    """What a run keeps from step to step, beside weights and optimiser."""

    step: int = 0
    best: float = -math.inf
    best_step: int = 0
    since_best: int = 0
    waited: int = 0
    plateau: float = 1.0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    worst: tuple[int, ...] = ()
    rows: list[dict[str, float]] = field(default_factory=list)
    points: list[dict[str, float]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {**vars(self), "worst": list(self.worst)}


def run(
    recipe: Recipe,
    data: TrainingData,
    folder: Path,
    device: str = "auto",
    stop_at: int | None = None,
    quiet: bool = False,
) -> Path:
    """Train, or go on where `folder` says a run was stopped.

    Args:
        recipe: the run.
        data: its chips.
        folder: of checkpoints, log and curves.
        device: `cpu`, `cuda` or `auto`.
        stop_at: stop after this step as if interrupted (the schedule stays that of the recipe).
        quiet: no progress bar.

    Returns:
        The best checkpoint; without checks that count, the last one; what --resume goes on from where none was made.

    Raises:
        LulcError: `folder` holds another run, or the device is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(recipe, data, folder, chosen_device(device))
    trainer.resume()
    with open(folder / "log.txt", "a", encoding="utf-8") as log:

        def say(text: str) -> None:
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()
            print(text, file=log, flush=True)

        say(trainer.title)
        last = recipe.run.steps if stop_at is None else min(recipe.run.steps, stop_at)
        with EventLog(folder, trainer.state.points) as events:
            _steps(trainer, last, say, events, quiet)
    return next(p for p in (folder / "best.pt", folder / "last.pt", folder / "resume.pt") if p.is_file())


def _steps(trainer: Trainer, last: int, say: Callable[[str], None], events: EventLog, quiet: bool) -> None:
    """The steps that are left up to `last`, with the checks between them; the next batch is made meanwhile."""
    run, state = trainer.recipe.run, trainer.state
    if trainer.out_of_patience:
        say(f"the run had stopped at step {state.step} for want of a better score")
        return
    began = time.monotonic() - state.seconds
    look_every = max(1, run.check_every // LOOKS)
    bar = ProgressLine(run.steps, "step", state.step, quiet)
    workers = _WORKERS_OF_A_GPU if trainer.device.type == "cuda" else 1
    with ThreadPoolExecutor(workers) as ahead, bar:
        coming = deque(ahead.submit(trainer.prepared, state.step + i) for i in range(workers))
        while state.step < last:
            batch, images = coming.popleft().result()
            coming.append(ahead.submit(trainer.prepared, state.step + workers))
            trainer.step(batch, images)
            bar.advance(f"loss {state.losses[-1]:.3f}")
            if state.step % look_every == 0 or state.step == run.steps:
                events.point(trainer.look(time.monotonic() - began, look_every))
            if state.step % _KEEP_LINES == 0:
                spent = time.monotonic() - began
                say(f"{state.step} loss {np.mean(state.losses[-_KEEP_LINES:]):.4f}; {spent / state.step:.2f} s a step")
            if state.step % run.check_every == 0 or state.step == run.steps:
                trainer.check(began, say)
                events.check(state.rows[-1])
                if trainer.out_of_patience:
                    say(f"no better score in {state.since_best} checks: stopped at step {state.step}")
                    break
            elif state.step == last:
                state.seconds = time.monotonic() - began
                trainer.keep()


class Trainer:
    """A network in training: its weights, their average, the optimiser, and the state that goes from step to step.

    Args:
        recipe: the run.
        data: its chips.
        folder: of checkpoints and curves.
        device: where it trains.

    Raises:
        LulcError: sizes that the network cannot take, or pretrained weights that do not fit.
    """

    def __init__(self, recipe: Recipe, data: TrainingData, folder: Path, device: torch.device) -> None:
        torch.manual_seed(recipe.run.seed)
        self.recipe, self.state = recipe, State()
        self._data, self._folder, self.device = data, folder, device
        fill = channel_means(recipe, data.training)
        settings = NetworkSettings.from_table(recipe.network)
        network = build(settings, len(recipe.inputs.channels), len(recipe.legend.classes))
        if recipe.second is not None:
            network.second = nn.Conv2d(network.feature_count, len(recipe.second.classes), 1)
        fitting(recipe, network.multiple)
        weights = _pretrained(network, recipe) if recipe.pretrained else "fresh weights"
        self._network = network.channels_last(device)
        self._average = deepcopy(self._network).eval()
        self._optimiser = optimisation.optimiser(self._network, recipe)
        self._precision = chosen_precision(device, recipe.run.half)
        # gradients below the smallest number of float16 would be lost
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._precision.dtype == torch.float16)
        self._facts: dict[str, Any] = {
            "recipe": dict(recipe.table),
            "folder": str(recipe.folder),
            "fill": fill,
            "data": data.fingerprint,
            "revision": checkpoint.revision(Path(__file__).parent),
            "torch": str(torch.__version__),
        }
        self.title = (
            f"{recipe.name}, seed {recipe.run.seed}, {self._facts['revision']}, {device}, {self._precision};"
            f" {weights}; fill {fill}"
        )
        self.batches = Batches(recipe, data.training, fill)
        self._targets = Targets(data.training, device)
        self._seen = spread_chips(data.training[0])
        counting = [chips for chips, check in zip(data.checks.values(), recipe.checks, strict=True) if check.counts]
        self._few = spread_chips(counting[0], CHIPS) if counting else []

    @property
    def out_of_patience(self) -> bool:
        """Whether as many checks as the recipe allows have brought no better score."""
        return 0 < self.recipe.run.patience <= self.state.since_best

    def prepared(self, number: int) -> tuple[list[list[Sample]], Tensor]:
        """A batch and its images, in pinned memory where a GPU fetches them."""
        batch = self.batches(number)
        images = images_of(batch)
        return batch, images.pin_memory() if self.device.type == "cuda" else images

    def step(self, batch: list[list[Sample]], images: Tensor | None = None) -> None:
        """One step on one batch; `images` are those of the batch, where they are made already.

        Raises:
            LulcError: the gradient is not a number.
        """
        run, state, network = self.recipe.run, self.state, self._network
        network.train()
        if self.recipe.pretrained:
            optimisation.freeze(network, state.step < run.freeze_steps)
        if run.fixed_norm_pretrained:
            optimisation.fix_norm(network.encoder_module())
        if run.fixed_norm and state.step >= run.fixed_norm_from:
            optimisation.fix_norm(network)
        optimisation.set_rate(self._optimiser, optimisation.share_of_rate(state.step, self.recipe, state.plateau))
        with torch.autocast(self.device.type, self._precision.dtype, enabled=self._precision.half):
            seen = (images_of(batch) if images is None else images).to(self.device, non_blocking=True)
            features = network.features(seen.contiguous(memory_format=torch.channels_last))
            scores = network.head(features)
            beside = None if network.second is None else network.second(features)
        loss = batch_loss(self.recipe, scores.float(), batch, self._targets, state.worst)
        if beside is not None and self.recipe.second is not None:
            loss = loss + self.recipe.second.weight * second_loss(self.recipe, beside.float(), batch, self._targets)
        loss = loss + self._beside_networks(scores, batch)
        self._optimiser.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self._optimiser)
        norm = nn.utils.clip_grad_norm_(network.parameters(), run.clip or math.inf)
        # the scaler leaves a step out whose scaled gradients were too large
        if not torch.isfinite(loss.detach() if self._scaler.is_enabled() else norm):
            raise LulcError(
                f"The loss of step {state.step} is {float(loss.detach())}, its gradient {float(norm)}: the run stops"
                " here.",
                "Look for values that are not numbers in the images, or lower the learning rate; --resume goes on from"
                " the last check.",
            )
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if run.average:
            optimisation.follow(self._average, network, state.step, run.average)
        state.losses.append(float(loss.detach()))
        state.step += 1

    def look(self, seconds: float, steps: int) -> dict[str, float]:
        """How it goes: mean loss of the last `steps` batches, and how well a few held-out chips are met."""
        state, few = self.state, self._few
        judged = self._average if self.recipe.run.average else self._network
        met = fit(self.recipe, judged, self._facts["fill"], few, self.device) if few else Fit(*[math.nan] * 3)
        share = optimisation.share_of_rate(state.step - 1, self.recipe, state.plateau)
        row = {"step": state.step, "seconds": round(seconds, 1), "rate": self.recipe.optimiser.rate * share}
        return {**row, "batch_loss": float(np.mean(state.losses[-steps:])), "val_loss": met.nll, "val_miou": met.miou}

    def _beside_networks(self, scores: Tensor, batch: list[list[Sample]]) -> Tensor | float:
        """The loss against what the networks of [consistent] say of the samples."""
        table = self.recipe.consistent
        if table is None:
            return 0.0
        samples = [one for part in batch for one in part]
        return table.weight * consistent_loss(scores.float(), samples, self.batches.asked_bands, table.beyond)

    def check(self, began: float, say: Callable[[str], None]) -> None:
        """Look at the held-out chips, keep what is best, and all that a stopped run goes on from."""
        state = self.state
        judged = self._average if self.recipe.run.average else self._network
        validation = validate(self.recipe, judged, self._facts["fill"], self._data.checks, self._seen, self.device)
        state.seconds = time.monotonic() - began
        _judge(self.recipe, state, validation, float(np.mean(state.losses)))
        state.losses = []
        say(f"step {state.step} score {validation.score:.4f} after {state.seconds:.0f} s")
        say("\n".join(f"  {text}" for text in validation.lines))
        weights = {key: value for key, value in judged.state_dict().items() if not key.startswith("second.")}
        saved = {**self._facts, "weights": weights, "step": state.step, "score": validation.score}
        saved["seconds"] = state.seconds
        if state.best_step == state.step:
            checkpoint.save(saved, self._folder / "best.pt")
        checkpoint.save(saved, self._folder / "last.pt")
        self.keep()
        plots.write_curves(state.rows, state.points, self._folder)

    def keep(self) -> None:
        """Write `resume.pt`: everything that the next steps depend on."""
        kept = {
            **self._facts,
            "network": self._network.state_dict(),
            "average": self._average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "state": self.state.plain(),
            "chance": torch.get_rng_state(),
        }
        if torch.cuda.is_available():
            kept["chance_cuda"] = torch.cuda.get_rng_state_all()
        checkpoint.save(kept, self._folder / "resume.pt")

    def resume(self) -> None:
        """Go on from `resume.pt`; from the beginning where there is none.

        Raises:
            LulcError: it is of another recipe or other data.
        """
        path = self._folder / "resume.pt"
        if not path.exists():
            return
        kept = checkpoint.read(path)
        then, now = kept["recipe"], self._facts["recipe"]
        longer = _steps_of(now) - _steps_of(then)
        if longer > 0:
            self.title += f"; lengthened by {longer} steps"
            now = {**now, "run": {**now.get("run", {}), "steps": _steps_of(then)}}
            then = {**then, "run": {**then.get("run", {}), "steps": _steps_of(then)}}
        for theirs, ours, what in (
            (then, now, "another recipe"), (kept["data"], self._facts["data"], "other data"),
            (kept["fill"], self._facts["fill"], "other data"),
        ):  # fmt: skip
            if theirs != ours:
                raise LulcError(f"{self._folder} holds a run of {what}.", "Give another --run, or remove the folder.")
        self._network.load_state_dict(kept["network"])
        self._average.load_state_dict(kept["average"])
        self._optimiser.load_state_dict(kept["optimiser"])
        self._scaler.load_state_dict(kept.get("scaler") or self._scaler.state_dict())
        torch.set_rng_state(kept["chance"])
        if "chance_cuda" in kept and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(kept["chance_cuda"])
        self.state = State(**kept["state"])
        self.state.worst = tuple(self.state.worst)


def _steps_of(table: Mapping[str, Any]) -> int:
    """Length of the run that the table of a recipe describes."""
    return int(table.get("run", {}).get("steps", Run.steps))


def _pretrained(network: Network, recipe: Recipe) -> str:
    names = recipe.inputs.names
    photograph = [names.index(b) for b in ("red", "green", "blue")] if {"red", "green", "blue"} <= set(names) else None
    channels = [channel.name for channel in recipe.inputs.channels]
    return str(load_pretrained(network, recipe.pretrained, photograph or (0, 1, 2), channels))


def batch_loss(
    recipe: Recipe, scores: Tensor, batch: list[list[Sample]], targets: Targets, worst: tuple[int, ...]
) -> Tensor:
    """The weighted sum over the data sets of a batch; `scores` are of all their samples, in order."""
    loss = scores.sum() * 0
    parts = scores.split([len(samples) for samples in batch])
    for i, (part, samples, own) in enumerate(zip(recipe.data, batch, parts, strict=True)):
        loss = loss + part.weight * total_loss(own, targets.of(i, samples, worst[:2]), part.loss)
    return loss


def second_loss(recipe: Recipe, scores: Tensor, batch: list[list[Sample]], targets: Targets) -> Tensor:
    """The loss of the second head, weighted as the sets are; `scores` are its own, of all samples in order."""
    loss = scores.sum() * 0
    parts = scores.split([len(samples) for samples in batch])
    for i, (part, samples, own) in enumerate(zip(recipe.data, batch, parts, strict=True)):
        target = targets.second(i, samples) if part.second else None
        if target is not None:
            loss = loss + part.weight * soft(own, target, power=0.4)
    return loss


def _judge(recipe: Recipe, state: State, validation: Any, loss: float) -> None:
    """Note what a check found: best so far, patience, plateau, the classes that are hardest."""
    state.worst = validation.worst
    better = validation.score > state.best or not recipe.checks
    if better:
        state.best, state.best_step, state.since_best, state.waited = validation.score, state.step, 0, 0
    else:
        state.since_best += 1
        state.waited += 1
        if recipe.optimiser.schedule == "plateau" and state.waited >= recipe.optimiser.wait:
            state.plateau *= recipe.optimiser.factor
            state.waited = 0
    state.rows.append(
        {
            "step": state.step,
            "seconds": round(state.seconds, 1),
            "rate": recipe.optimiser.rate * optimisation.share_of_rate(state.step - 1, recipe, state.plateau),
            "batch_loss": loss,
            "train_loss": validation.seen.nll,
            "val_loss": validation.held_out.nll,
            "train_miou": validation.seen.miou,
            "val_miou": validation.held_out.miou,
            "train_dice": validation.seen.dice,
            "val_dice": validation.held_out.dice,
            "score": validation.score,
        }
    )


def chosen_device(name: str) -> torch.device:
    """`auto` is the first CUDA device if there is one.

    Raises:
        LulcError: CUDA is asked for and absent.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name != "cpu" and not name.startswith("cuda"):
        raise LulcError(f"The device {name!r} is unknown.", "Give cpu, cuda, cuda:1 or auto.")
    if name != "cpu" and not torch.cuda.is_available():
        raise LulcError("There is no CUDA device here.", "Use --device cpu, or a PyTorch build for your GPU.")
    return torch.device(name)
