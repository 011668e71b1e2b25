# SPDX-License-Identifier: GPL-3.0-or-later
"""CONFIG.toml → a recipe: everything that decides a training run, checked before it starts."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend

from .augment.strength import Strength
from .augment.strength import from_table as strength_of
from .inputs import Inputs
from .inputs import from_table as inputs_of
from .losses.total import Term, terms_of

LEGENDS = Path(__file__).parent.parent / "resources" / "legends"
_DEEPEST = 5
SCORES = ("miou", "miou_oa")
SCHEDULES = ("cosine", "plateau", "constant")


@dataclass(frozen=True)
class Run:
    """Length and pace.

    Attributes:
        steps: batches in all.
        seed: of weights, samples and everything random.
        size: pixels a side of a sample.
        large, large_every: every so many steps the samples are `large` wide, four chips side by side (0 = never).
        check_every: steps between checks.
        patience: checks without a better score after which the run ends (0 = never).
        average: how much the averaged weights keep at a step (EMA); 0 = no average.
        clip: largest norm of the gradient.
        half: bfloat16 where the device has it.
        freeze_steps: steps in which the pretrained part stays as it is.
        score: what chooses the best checkpoint, mean over the sets of [[check]] that count: mean IoU, or the mean of
            mean IoU and overall accuracy.
    """

    steps: int = 2000
    seed: int = 0
    size: int = 128
    large: int = 256
    large_every: int = 0
    check_every: int = 250
    patience: int = 0
    average: float = 0.995
    clip: float = 2.0
    half: bool = True
    freeze_steps: int = 0
    score: str = "miou"


@dataclass(frozen=True)
class Optimiser:
    """`adamw` or `sgd`, learning rates of the new and of the pretrained part, and their schedule.

    `warm_up` steps lead to the full rate; then `cosine` falls to 0 at the last step, `plateau` multiplies the rate by
    `factor` after `wait` checks without a better score, `constant` stays.
    """

    name: str = "adamw"
    rate: float = 2e-3
    pretrained_rate: float = 6e-4
    decay: float = 0.02
    momentum: float = 0.9
    warm_up: int = 60
    schedule: str = "cosine"
    factor: float = 0.5
    wait: int = 2


@dataclass(frozen=True)
class DataPart:
    """A data set of the run: what it brings to each batch and what is asked of it.

    Attributes:
        set: name of the folder.
        splits: of which rows.
        samples: in each batch.
        weight: of its loss.
        loss: terms.
        teacher: names of the teachers whose soft labels are used; none for none.
        rarity: chips with rare labels are drawn more often: power of the class weights, 0 = all alike.
        missing: what happens to bands that the set lacks: `refuse`, or `fill` them as invalid.
        sparse: so many labelled pixels an image are kept (0 = all), drawn with the run's seed.
        augment: strength of its changes.
    """

    set: str
    splits: tuple[str, ...]
    samples: int
    weight: float
    loss: tuple[Term, ...]
    teacher: tuple[str, ...]
    rarity: float
    missing: str
    sparse: int
    augment: Strength


@dataclass(frozen=True)
class Check:
    """A held-out split looked at now and then; `counts` says whether it chooses."""

    set: str
    splits: tuple[str, ...]
    teacher: tuple[str, ...]
    counts: bool


@dataclass(frozen=True)
class Recipe:
    """A whole run. `table` is what was parsed, for the checkpoint."""

    name: str
    legend: Legend
    inputs: Inputs
    network: Mapping[str, Any]
    pretrained: str
    run: Run
    optimiser: Optimiser
    data: tuple[DataPart, ...]
    checks: tuple[Check, ...]
    teachers: Mapping[str, Mapping[str, Any]]
    card: Mapping[str, Any]
    table: Mapping[str, Any]
    folder: Path


def read(path: Path, changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of a file; `changes` are dotted keys → values that replace what it says (`run.steps` → 100).

    Raises:
        LulcError: the file cannot be read, or says something unknown or impossible.
    """
    table = _with_base(path, 0)
    for key, value in (changes or {}).items():
        _put(table, key, value)
    return parse(table, path.parent, path.name)


def _with_base(path: Path, depth: int) -> dict[str, Any]:
    """The table of a file laid over that of the recipe beside it that its `base` names, tables key by key."""
    if depth > _DEEPEST:
        raise LulcError(f"{path}: more than {_DEEPEST} recipes lie under this one.", "Does one name itself as base?")
    if not path.is_file():
        raise LulcError(f"There is no recipe {path}.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LulcError(f"{path} cannot be read: {error}.") from None
    base = table.pop("base", "")
    return _over(_with_base(path.parent / base, depth + 1), table) if base else table


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        below[key] = _over(below[key], value) if both else value
    return below


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *rooms, last = key.split(".")
    for room in rooms:
        table = table.setdefault(room, {})
        if not isinstance(table, dict):
            raise LulcError(f"{key!r} is no key of a recipe.")
    table[last] = value


def parse(table: Mapping[str, Any], folder: Path, where: str = "recipe") -> Recipe:
    """A recipe from a table, as `read` does; `folder` is what relative paths in it start from.

    Raises:
        LulcError: it says something unknown or impossible, or lacks something.
    """
    known = ("name", "legend", "input", "network", "run", "optimiser", "augment", "data", "check", "teachers", "card")
    _no_others(table, known, where)
    for key in ("name", "legend", "input", "network", "data"):
        if key not in table:
            raise LulcError(f"{where} does not say {key!r}.")
    legend = _legend(table["legend"], folder)
    network = dict(table["network"])
    pretrained = located(network.pop("pretrained", ""), folder)
    run, optimiser = _filled(Run, table.get("run", {}), "[run]"), _filled(
        Optimiser, table.get("optimiser", {}), "[optimiser]"
    )
    _choice(run.score, SCORES, "[run] score")
    _choice(optimiser.schedule, SCHEDULES, "[optimiser] schedule")
    _choice(optimiser.name, ("adamw", "sgd"), "[optimiser] name")
    if run.steps < 1 or run.size < 32 or run.check_every < 1:
        raise LulcError(f"[run] steps {run.steps}, size {run.size}, check_every {run.check_every}: too small.")
    general = strength_of(table.get("augment", {}))
    teachers = table.get("teachers", {})
    data = tuple(_data(entry, general, legend.names, teachers) for entry in table["data"])
    checks = tuple(_check(entry, teachers) for entry in table.get("check", ()))
    if optimiser.schedule == "plateau" and not any(c.counts for c in checks):
        raise LulcError("The schedule plateau waits for a better score, but no [[check]] counts.")
    return Recipe(
        str(table["name"]), legend, inputs_of(table["input"]), network, pretrained, run, optimiser, data, checks,
        teachers, table.get("card", {}), json.loads(json.dumps(table)), folder,
    )  # fmt: skip


def located(said: str, folder: Path) -> str:
    """A file with variables of the environment put in, relative to `folder`; a mere word (`imagenet`) as it is.

    Raises:
        LulcError: a variable is not set.
    """
    text = os.path.expandvars(said)
    if "$" in text:
        raise LulcError(f"{said} names a variable of the environment that is not set.", "Set it to the folder meant.")
    return str(folder / text) if "/" in text or "\\" in text else text


def _legend(said: Any, folder: Path) -> Legend:
    if isinstance(said, Mapping):
        return Legend.from_json(said)
    for path in (LEGENDS / f"{said}.json", folder / str(said)):
        if path.is_file():
            return Legend.from_file(path)
    raise LulcError(f"There is no legend {said!r}.", f"Give a file, a table, or a name from {LEGENDS}.")


def _filled(kind: type, table: Mapping[str, Any], where: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    _no_others(table, known, where)
    values = {}
    for key, value in table.items():
        usual = known[key].default
        right = isinstance(value, type(usual)) and isinstance(value, bool) == isinstance(usual, bool)
        if isinstance(usual, float) and isinstance(value, int) and not isinstance(value, bool):
            value, right = float(value), True
        if not right or (isinstance(value, float) and not math.isfinite(value)):
            raise LulcError(f"{where} {key} is {value!r}; {type(usual).__name__} is wanted.")
        if isinstance(value, (int, float)) and value < 0:
            raise LulcError(f"{where} {key} is {value}, less than 0.")
        values[key] = value
    return kind(**values)


def _data(
    entry: Mapping[str, Any], general: Strength, names: tuple[str, ...], teachers: Mapping[str, Any]
) -> DataPart:
    where = f"[[data]] {entry.get('set', '?')}"
    _no_others(entry, [f.name for f in fields(DataPart)], where)
    if "set" not in entry:
        raise LulcError("A [[data]] does not say which set.")
    part = DataPart(
        set=entry["set"],
        splits=tuple(entry.get("splits", ("train",))),
        samples=int(entry.get("samples", 8)),
        weight=float(entry.get("weight", 1.0)),
        loss=terms_of(entry.get("loss", ()), names, where),
        teacher=_teachers(entry, teachers, where),
        rarity=float(entry.get("rarity", 0.0)),
        missing=entry.get("missing", "refuse"),
        sparse=int(entry.get("sparse", 0)),
        augment=strength_of(entry.get("augment", {}), general),
    )
    _choice(part.missing, ("refuse", "fill"), f"{where}: missing")
    if part.samples < 1 or part.sparse < 0:
        raise LulcError(f"{where}: samples {part.samples}, sparse {part.sparse}.")
    return part


def _check(entry: Mapping[str, Any], teachers: Mapping[str, Any]) -> Check:
    where = f"[[check]] {entry.get('set', '?')}"
    _no_others(entry, ("set", "splits", "teacher", "counts"), where)
    if "set" not in entry:
        raise LulcError("A [[check]] does not say which set.")
    splits = tuple(entry.get("splits", ("val",)))
    if "test" in splits:
        raise LulcError(f"{where}: a test split must not choose.", "Use val here; training.evaluate looks at test.")
    return Check(entry["set"], splits, _teachers(entry, teachers, where), bool(entry.get("counts", True)))


def _teachers(entry: Mapping[str, Any], teachers: Mapping[str, Any], where: str) -> tuple[str, ...]:
    said = entry.get("teacher", ())
    found = (said,) if isinstance(said, str) else tuple(said)
    for name in found:
        if name not in teachers:
            raise LulcError(f"{where}: there is no [teachers.{name}].")
    return found


def _no_others(table: Mapping[str, Any], known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise LulcError(f"{where} has no {key!r}; it has {', '.join(known)}.")


def _choice(value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        raise LulcError(f"{where} is {value!r}; known are {', '.join(known)}.")
