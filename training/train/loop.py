# SPDX-License-Identifier: GPL-3.0-or-later
"""The training run: batches, one loss, an averaged copy of the weights, the best of the checks, all of it resumable."""

from __future__ import annotations

import math
import sys
import time
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
from ..losses.total import total
from ..networks.network import Network
from ..networks.network_settings import NetworkSettings, build
from ..networks.pretrained import load_pretrained
from ..recipe import Recipe
from . import checkpoint, optimisation, plots
from .batches import Batches, Targets, channel_means, fitting, images_of
from .training_data import Material
from .validation import few, look

_KEEP_LINES = 50


@dataclass
class State:
    """What a run carries from step to step, beside weights and optimiser."""

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

    def plain(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {**vars(self), "worst": list(self.worst)}


def run(
    recipe: Recipe,
    material: Material,
    folder: Path,
    device: str = "auto",
    stop_at: int | None = None,
    quiet: bool = False,
) -> Path:
    """Train, or go on where `folder` says a run was stopped.

    Args:
        recipe: the run.
        material: its chips.
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
    place = chosen_device(device)
    torch.manual_seed(recipe.run.seed)
    fill = channel_means(recipe, material.training)
    network = build(NetworkSettings.from_table(recipe.network), len(recipe.inputs.channels), len(recipe.legend.classes))
    fitting(recipe, network.multiple)
    said = _pretrained(network, recipe) if recipe.pretrained else "fresh weights"
    network = network.channels_last(place)
    average = deepcopy(network).eval()
    steps = optimisation.optimiser(network, recipe)
    facts = {
        "recipe": dict(recipe.table),
        "folder": str(recipe.folder),
        "fill": fill,
        "data": material.fingerprint,
        "revision": checkpoint.revision(Path(__file__).parent),
        "torch": str(torch.__version__),
    }
    state = _resumed(folder, facts, network, average, steps)
    batches, targets = Batches(recipe, material.training, fill), Targets(material.training, place)
    seen = few(material.training[0])
    with open(folder / "log.txt", "a", encoding="utf-8") as log, ThreadPoolExecutor(1) as ahead:

        def say(text: str) -> None:
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()
            print(text, file=log, flush=True)

        say(f"{recipe.name}, seed {recipe.run.seed}, {facts['revision']}, {place}; {said}; fill {fill}")
        last = recipe.run.steps if stop_at is None else min(recipe.run.steps, stop_at)
        if _out_of_patience(recipe, state):
            say(f"the run had stopped at step {state.step} for want of a better score")
            last = state.step
        began = time.monotonic() - state.seconds
        coming = ahead.submit(batches, state.step)
        bar = tqdm(total=recipe.run.steps, initial=state.step, unit="step", disable=quiet or not sys.stderr.isatty())
        while state.step < last:
            batch, coming = coming.result(), ahead.submit(batches, state.step + 1)
            state.losses.append(_step(recipe, network, average, steps, batch, targets, state, place))
            state.step += 1
            bar.update()
            if state.step % _KEEP_LINES == 0:
                spent = time.monotonic() - began
                say(f"{state.step} loss {np.mean(state.losses[-_KEEP_LINES:]):.4f}; {spent / state.step:.2f} s a step")
            if state.step % recipe.run.check_every == 0 or state.step == recipe.run.steps:
                judged = average if recipe.run.average else network
                looked = look(recipe, judged, fill, material.checks, seen, place)
                state.seconds = time.monotonic() - began
                _judge(recipe, state, looked, float(np.mean(state.losses)))
                state.losses = []
                say(f"step {state.step} score {looked.score:.4f} after {state.seconds:.0f} s")
                say("\n".join(f"  {text}" for text in looked.lines))
                saved = {**facts, "weights": judged.state_dict(), "step": state.step, "score": looked.score}
                saved["seconds"] = state.seconds
                if state.best_step == state.step:
                    checkpoint.save(saved, folder / "best.pt")
                checkpoint.save(saved, folder / "last.pt")
                _keep(folder, facts, network, average, steps, state)
                plots.write_curves(state.rows, folder)
                if _out_of_patience(recipe, state):
                    say(f"no better score in {state.since_best} checks: stopped at step {state.step}")
                    break
            elif state.step == last:
                state.seconds = time.monotonic() - began
                _keep(folder, facts, network, average, steps, state)
        bar.close()
    return next(p for p in (folder / "best.pt", folder / "last.pt", folder / "resume.pt") if p.is_file())


def _out_of_patience(recipe: Recipe, state: State) -> bool:
    return 0 < recipe.run.patience <= state.since_best


def _pretrained(network: Network, recipe: Recipe) -> str:
    names = recipe.inputs.names
    photograph = [names.index(b) for b in ("red", "green", "blue")] if {"red", "green", "blue"} <= set(names) else None
    return str(load_pretrained(network, recipe.pretrained, photograph or (0, 1, 2)))


def _step(
    recipe: Recipe,
    network: Network,
    average: nn.Module,
    steps: torch.optim.Optimizer,
    batch: list[list[Sample]],
    targets: Targets,
    state: State,
    place: torch.device,
) -> float:
    """One step; the loss."""
    network.train()
    if recipe.pretrained:
        optimisation.freeze(network, state.step < recipe.run.freeze_steps)
    if recipe.run.fixed_norm and state.step >= recipe.run.fixed_norm_from:
        optimisation.fix_norm(network)
    optimisation.set_rate(steps, optimisation.share_of_rate(state.step, recipe, state.plateau))
    half = recipe.run.half and (place.type == "cpu" or torch.cuda.is_bf16_supported())
    with torch.autocast(place.type, torch.bfloat16, enabled=half):
        scores = network(images_of(batch).to(place, memory_format=torch.channels_last))
    loss = batch_loss(recipe, scores.float(), batch, targets, state.worst)
    steps.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(network.parameters(), recipe.run.clip or math.inf)
    if not torch.isfinite(norm):
        raise LulcError(
            f"The loss of step {state.step} is {float(loss.detach())}, its gradient {float(norm)}: the run stops here.",
            "Look for values that are no numbers in the images, or lower the learning rate; --resume goes on from the"
            " last check.",
        )
    steps.step()
    if recipe.run.average:
        optimisation.follow(average, network, state.step, recipe.run.average)
    return float(loss.detach())


def batch_loss(
    recipe: Recipe, scores: Tensor, batch: list[list[Sample]], targets: Targets, worst: tuple[int, ...]
) -> Tensor:
    """The weighted sum over the data sets of a batch; `scores` are of all their samples, in order."""
    loss = scores.sum() * 0
    parts = scores.split([len(samples) for samples in batch])
    for i, (part, samples, own) in enumerate(zip(recipe.data, batch, parts, strict=True)):
        loss = loss + part.weight * total(own, targets.of(i, samples, worst[:2]), part.loss)
    return loss


def _judge(recipe: Recipe, state: State, looked: Any, loss: float) -> None:
    """Note what a check found: best so far, patience, plateau, the classes that are hardest."""
    state.worst = looked.worst
    better = looked.score > state.best or not recipe.checks
    if better:
        state.best, state.best_step, state.since_best, state.waited = looked.score, state.step, 0, 0
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
            "train_loss": looked.seen.nll,
            "val_loss": looked.held_out.nll,
            "train_miou": looked.seen.miou,
            "val_miou": looked.held_out.miou,
            "train_dice": looked.seen.dice,
            "val_dice": looked.held_out.dice,
            "score": looked.score,
        }
    )


def _keep(
    folder: Path,
    facts: dict[str, Any],
    network: nn.Module,
    average: nn.Module,
    steps: torch.optim.Optimizer,
    state: State,
) -> None:
    kept = {**facts, "network": network.state_dict(), "average": average.state_dict(), "optimiser": steps.state_dict()}
    kept.update(state=state.plain(), chance=torch.get_rng_state())
    if torch.cuda.is_available():
        kept["chance_cuda"] = torch.cuda.get_rng_state_all()
    checkpoint.save(kept, folder / "resume.pt")


def _resumed(
    folder: Path, facts: dict[str, Any], network: nn.Module, average: nn.Module, steps: torch.optim.Optimizer
) -> State:
    """The state in `folder`, put into the network, its average and the optimiser; a new one where there is none."""
    path = folder / "resume.pt"
    if not path.exists():
        return State()
    kept = checkpoint.read(path)
    for key, what in (("recipe", "another recipe"), ("data", "other data"), ("fill", "other data")):
        if kept[key] != facts[key]:
            raise LulcError(f"{folder} holds a run of {what}.", "Give another --run, or remove the folder.")
    network.load_state_dict(kept["network"])
    average.load_state_dict(kept["average"])
    steps.load_state_dict(kept["optimiser"])
    torch.set_rng_state(kept["chance"])
    if "chance_cuda" in kept and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(kept["chance_cuda"])
    state = State(**kept["state"])
    state.worst = tuple(state.worst)
    return state


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
