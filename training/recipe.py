# SPDX-License-Identifier: GPL-3.0-or-later
"""CONFIG.toml → a recipe: everything that decides a training run, checked before it starts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import tomllib

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend

from .augment.strength import Strength, from_table as strength_of
from .inputs import Inputs, from_table as inputs_of
from .losses.total import Term, terms_of
from .toml_tables import filled, like, no_others, positive, table, tables, words

LEGENDS = Path(__file__).parent.parent / "resources" / "legends"
_DEEPEST = 5
SCORES = ("miou", "miou_oa")
SCHEDULES = ("cosine", "plateau", "constant")
#: Weights that are no file: none, and those that are published with an encoder.
_NO_FILE = ("", "imagenet")
_ELSEWHERE = ("package:", "hub:")


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
        fixed_norm: batch normalisation keeps its means and variances; for going on with a network that was exported,
            where they are folded into the filters.
        fixed_norm_from: the step from which they are kept, for a network with new layers, whose statistics have to be
            found first.
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
    fixed_norm: bool = False
    fixed_norm_from: int = 0
    score: str = "miou"

    def of_large(self, samples: int) -> int:
        """About as many pixels as `samples` usual samples have, as a number of large ones."""
        return max(1, round(samples * (self.size / self.large) ** 2))


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
    """A whole run. `table` is what was parsed, for the checkpoint; the legend is in it, wherever that came from."""

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
    said = _with_base(path, 0)
    for key, value in (changes or {}).items():
        _put(said, key, value)
    return parse(said, path.parent, path.name)


def _with_base(path: Path, depth: int) -> dict[str, Any]:
    """The table of a file laid over that of the recipe beside it that its `base` names, tables key by key."""
    if depth > _DEEPEST:
        raise LulcError(f"{path}: more than {_DEEPEST} recipes lie under this one.", "Does one name itself as base?")
    if not path.is_file():
        raise LulcError(f"There is no recipe {path}.")
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LulcError(f"{path} cannot be read: {error}.") from None
    base = like("", said.pop("base", ""), f"{path}: base")
    return _over(_with_base(path.parent / base, depth + 1), said) if base else said


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        below[key] = _over(below[key], value) if both else value
    return below


def _put(said: dict[str, Any], key: str, value: Any) -> None:
    *rooms, last = key.split(".")
    for room in rooms:
        said = said.setdefault(room, {})
        if not isinstance(said, dict):
            raise LulcError(f"{key!r} is no key of a recipe.")
    said[last] = value


def parse(said: Mapping[str, Any], folder: Path, where: str = "recipe", trained: bool = False) -> Recipe:
    """A recipe from a table, as `read` does; `folder` is what relative paths in it start from.

    Where a network is `trained`, its weights are at hand, and the file that it began with is not sought.

    Raises:
        LulcError: it says something unknown or impossible, or lacks something.
    """
    known = ("name", "legend", "input", "network", "run", "optimiser", "augment", "data", "check", "teachers", "card")
    no_others(said, known, where)
    for key in ("name", "legend", "input", "network", "data"):
        if key not in said:
            raise LulcError(f"{where} does not say {key!r}.")
    legend = _legend(said["legend"], folder)
    network = dict(table(said["network"], "[network]"))
    pretrained = like("", network.pop("pretrained", ""), "[network] pretrained")
    if not trained:
        pretrained = located(pretrained, folder)
    run = filled(Run, said.get("run", {}), "[run]")
    optimiser = filled(Optimiser, said.get("optimiser", {}), "[optimiser]")
    _choice(run.score, SCORES, "[run] score")
    _choice(optimiser.schedule, SCHEDULES, "[optimiser] schedule")
    _choice(optimiser.name, ("adamw", "sgd"), "[optimiser] name")
    if run.steps < 1 or run.size < 32 or run.check_every < 1:
        raise LulcError(f"[run] steps {run.steps}, size {run.size}, check_every {run.check_every}: too small.")
    if run.large_every and run.large < run.size:
        raise LulcError(f"[run] large is {run.large}, less than size {run.size}.")
    if run.average >= 1:
        raise LulcError(f"[run] average is {run.average}.", "Give a number below 1, as 0.995; 0 for no average.")
    general = strength_of(table(said.get("augment", {}), "[augment]"))
    teachers = table(said.get("teachers", {}), "[teachers]")
    for name, entry in teachers.items():
        tables([entry] if isinstance(entry, Mapping) else entry, f"[teachers.{name}]")
    data = tuple(_data(entry, general, legend.names, teachers) for entry in tables(said["data"], "[[data]]"))
    checks = tuple(_check(entry, teachers) for entry in tables(said.get("check", ()), "[[check]]"))
    if not data:
        raise LulcError(f"{where} has no [[data]].")
    _no_twins(checks)
    if run.freeze_steps and not pretrained:
        raise LulcError(
            f"[run] freeze_steps is {run.freeze_steps}, but nothing pretrained is there to freeze.",
            "Name weights in [network] pretrained, or leave freeze_steps out.",
        )
    if optimiser.schedule == "plateau" and not any(c.counts for c in checks):
        raise LulcError("The schedule plateau waits for a better score, but no [[check]] counts.")
    inputs = inputs_of({k: words(v, f"[input] {k}") for k, v in table(said["input"], "[input]").items()})
    return Recipe(
        like("", said["name"], f"{where}: name"), legend, inputs, network, pretrained, run, optimiser, data, checks,
        teachers, table(said.get("card", {}), "[card]"), _plain({**said, "legend": legend.to_json()}), folder,
    )  # fmt: skip


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a table that every checkpoint can hold."""

    def refuse(value: Any) -> None:
        raise LulcError(f"{value} in the recipe is no text, number or list.", "Put dates and times in quotes.")

    return json.loads(json.dumps(said, default=refuse))


def _no_twins(checks: Sequence[Check]) -> None:
    for i, check in enumerate(checks):
        if any((c.set, sorted(c.splits)) == (check.set, sorted(check.splits)) for c in checks[:i]):
            raise LulcError(f"Two [[check]] look at {check.set} {'+'.join(check.splits)}.", "Leave one out.")


def located(said: str, folder: Path) -> str:
    """A file with variables of the environment put in, relative to `folder`.

    What is no file stays as it is: `imagenet`, `package:NAME/PATH`, `hub:OWNER/NAME/FILE`.

    Raises:
        LulcError: a variable is not set.
    """
    text = os.path.expandvars(said)
    if "$" in text:
        raise LulcError(f"{said} names a variable of the environment that is not set.", "Set it to the folder meant.")
    return text if text in _NO_FILE or text.startswith(_ELSEWHERE) else str(folder / Path(text).expanduser())


def _legend(said: Any, folder: Path) -> Legend:
    if isinstance(said, Mapping):
        return Legend.from_json(said)
    for path in (LEGENDS / f"{said}.json", folder / str(said)):
        if path.is_file():
            return Legend.from_file(path)
    raise LulcError(f"There is no legend {said!r}.", f"Give a file, a table, or a name from {LEGENDS}.")


def _data(entry: Mapping[str, Any], general: Strength, names: tuple[str, ...], teachers: Mapping[str, Any]) -> DataPart:
    where = f"[[data]] {entry.get('set', '?')}"
    no_others(entry, [f.name for f in fields(DataPart)], where)
    part = DataPart(
        set=_set(entry, "[[data]]"),
        splits=_splits(entry, "train", where),
        samples=positive(8, entry.get("samples", 8), f"{where}: samples"),
        weight=positive(1.0, entry.get("weight", 1.0), f"{where}: weight"),
        loss=terms_of(tables(entry.get("loss", ()), f"{where}: loss"), names, where),
        teacher=_teachers(entry, teachers, where),
        rarity=positive(0.0, entry.get("rarity", 0.0), f"{where}: rarity"),
        missing=like("", entry.get("missing", "refuse"), f"{where}: missing"),
        sparse=positive(0, entry.get("sparse", 0), f"{where}: sparse"),
        augment=strength_of(table(entry.get("augment", {}), f"{where}: augment"), general),
    )
    _choice(part.missing, ("refuse", "fill"), f"{where}: missing")
    if part.samples < 1:
        raise LulcError(f"{where}: samples {part.samples}.")
    return part


def _check(entry: Mapping[str, Any], teachers: Mapping[str, Any]) -> Check:
    where = f"[[check]] {entry.get('set', '?')}"
    no_others(entry, ("set", "splits", "teacher", "counts"), where)
    return Check(
        _set(entry, "[[check]]"),
        _splits(entry, "val", where),
        _teachers(entry, teachers, where),
        like(True, entry.get("counts", True), f"{where}: counts"),
    )


def _set(entry: Mapping[str, Any], where: str) -> str:
    if "set" not in entry:
        raise LulcError(f"A {where} does not say which set.")
    return like("", entry["set"], f"{where} set")


def _splits(entry: Mapping[str, Any], usual: str, where: str) -> tuple[str, ...]:
    found = words(entry.get("splits", usual), f"{where}: splits")
    if not found:
        raise LulcError(f"{where} names no split.")
    if "test" in found:
        does = "train" if usual == "train" else "choose"
        raise LulcError(
            f"{where}: a test split must not {does}.", f"Use {usual} here; training.evaluate looks at test."
        )
    return found


def _teachers(entry: Mapping[str, Any], teachers: Mapping[str, Any], where: str) -> tuple[str, ...]:
    found = words(entry.get("teacher", ()), f"{where}: teacher")
    for name in found:
        if name not in teachers:
            raise LulcError(f"{where}: there is no [teachers.{name}].")
    return found


def _choice(value: str, known: tuple[str, ...], where: str) -> None:
    if value not in known:
        raise LulcError(f"{where} is {value!r}; known are {', '.join(known)}.")
