# SPDX-License-Identifier: GPL-3.0-or-later
"""CONFIG.toml → a recipe: everything that decides a training run, checked before it starts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tomllib
from msgspec import Meta

from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend
from lulc_plugin.model import Smoothing

from .augment.strength import Strength
from .inputs import Inputs, complete_smoothing, from_table as inputs_of
from .losses.total import Term, terms_of
from .networks import NetworkSettings, is_name
from .toml_tables import Count, NotNegative, Table, Tables, Words, convert, read as read_table

LEGENDS = Path(__file__).parent.parent / "resources" / "legends"
_DEEPEST = 5
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
        half: 16 bits where the device computes them itself: bfloat16, or float16 on GPUs without it.
        freeze_steps: steps in which the pretrained part stays as it is.
        fixed_norm: batch normalisation keeps its means and variances; for going on with a network that was exported,
            where they are folded into the filters.
        fixed_norm_pretrained: the pretrained part alone keeps them, from the beginning: for a new decoder on the
            encoder of an exported network.
        fixed_norm_from: the step from which they are kept, for a network with new layers, whose statistics have to be
            found first.
        pattern_odds: how often a sample shows each of the patterns of [input], where it has the bands; all alike where
            empty.
        score: what chooses the best checkpoint, mean over the sets of [[check]] that count: mean IoU, or the mean of
            mean IoU and overall accuracy.
    """

    steps: Annotated[int, Meta(ge=1)] = 2000
    seed: Count = 0
    size: Annotated[int, Meta(ge=32)] = 128
    large: Count = 256
    large_every: Count = 0
    check_every: Annotated[int, Meta(ge=1)] = 250
    patience: Count = 0
    average: Annotated[float, Meta(ge=0, lt=1)] = 0.995
    clip: NotNegative = 2.0
    half: bool = True
    freeze_steps: Count = 0
    fixed_norm: bool = False
    fixed_norm_pretrained: bool = False
    fixed_norm_from: Count = 0
    pattern_odds: tuple[NotNegative, ...] = ()
    score: Literal["miou", "miou_oa"] = "miou"

    def of_large(self, samples: int) -> int:
        """About as many pixels as `samples` usual samples have, as a number of large ones."""
        return max(1, round(samples * (self.size / self.large) ** 2))


@dataclass(frozen=True)
class Optimiser:
    """How weights follow the gradient.

    Attributes:
        name: the method.
        rate: learning rate.
        pretrained_rate: that of the pretrained part.
        decay: of weights; not of normalisation and biases.
        momentum: of `sgd`.
        warm_up: steps that lead to the full rate.
        schedule: then `cosine` falls to 0 at the last step, `plateau` multiplies the rate by `factor` after `wait`
            checks without a better score, `constant` stays.
        factor, wait: of `plateau`.
    """

    name: Literal["adamw", "sgd"] = "adamw"
    rate: NotNegative = 2e-3
    pretrained_rate: NotNegative = 6e-4
    decay: NotNegative = 0.02
    momentum: NotNegative = 0.9
    warm_up: Count = 60
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    factor: NotNegative = 0.5
    wait: Count = 2


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
        second: the second head learns from this set, too.
    """

    set: str
    loss: tuple[Term, ...]
    augment: Strength
    splits: Words = ("train",)
    samples: Annotated[int, Meta(ge=1)] = 8
    weight: NotNegative = 1.0
    teacher: Words = ()
    rarity: NotNegative = 0.0
    missing: Literal["refuse", "fill"] = "refuse"
    sparse: Count = 0
    second: bool = False


@dataclass(frozen=True)
class Second:
    """A head beside the network's own, for training alone: it keeps apart in the features what the legend joins.

    Attributes:
        classes: names of its classes.
        teacher: of the soft labels, for each set of [[data]] that says `second = true`.
        weight: of its loss, beside that of the set.
    """

    classes: Words
    teacher: Words
    weight: NotNegative = 0.3


@dataclass(frozen=True)
class ConsistentTable:
    """Networks that are asked about each sample as it is after all changes.

    Attributes:
        teacher: names of `[teachers]`; networks that take reflectance.
        weight: of the loss against their answers, beside the loss of all sets.
        beyond: part of it for samples that show bands which these networks do not see.
    """

    teacher: Words
    weight: NotNegative = 1.0
    beyond: NotNegative = 0.5


@dataclass(frozen=True)
class Check:
    """A held-out split looked at now and then.

    Attributes:
        set: name of the folder.
        splits: of which rows; a test split is refused.
        teacher: names of the teachers that label it where it has no labels.
        counts: whether it chooses the best checkpoint.
    """

    set: str
    splits: Words = ("val",)
    teacher: Words = ()
    counts: bool = True


@dataclass(frozen=True)
class _Tables:
    """The keys of a recipe's file, before the tables are read."""

    name: str
    legend: str | Table
    input: Table
    network: Table
    data: Tables
    run: Table = field(default_factory=dict)
    optimiser: Table = field(default_factory=dict)
    augment: Table = field(default_factory=dict)
    check: Tables = ()
    teachers: Mapping[str, Table | Tables] = field(default_factory=dict)
    card: Table = field(default_factory=dict)
    smoothing: Table = field(default_factory=dict)
    second: Table = field(default_factory=dict)
    consistent: Table = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A whole run. `table` is what was parsed, for the checkpoint; the legend is in it, wherever that came from.

    `smoothing` is how maps of the finished network follow the edges of their image; training does without.
    """

    name: str
    legend: Legend
    inputs: Inputs
    network: Mapping[str, Any]
    pretrained: str
    run: Run
    optimiser: Optimiser
    data: tuple[DataPart, ...]
    checks: tuple[Check, ...]
    teachers: Mapping[str, Table | Tables]
    card: Mapping[str, Any]
    table: Mapping[str, Any]
    folder: Path
    smoothing: Smoothing | None = None
    second: Second | None = None
    consistent: ConsistentTable | None = None

    @property
    def consistent_teachers(self) -> tuple[str, ...]:
        """Names of the teachers of [consistent]."""
        return () if self.consistent is None else self.consistent.teacher


def read(path: Path, changes: Mapping[str, Any] | None = None, trained: bool = False) -> Recipe:
    """The recipe of a file; `changes` are dotted keys → values that replace what it says (`run.steps` → 100).

    For `trained` see `parse`.

    Raises:
        LulcError: the file cannot be read, or says something unknown or impossible.
    """
    content = _with_base(path, 0)
    for key, value in (changes or {}).items():
        _put(content, key, value)
    return parse(content, path.parent, path.name, trained)


def _with_base(path: Path, depth: int) -> dict[str, Any]:
    """The table of a file laid over that of the recipe beside it that its `base` names, tables key by key.

    Only the options of another architecture are not inherited: they mean nothing to the one of this file.
    """
    if depth > _DEEPEST:
        raise LulcError(f"{path}: more than {_DEEPEST} recipes lie under this one.", "Does one name itself as base?")
    if not path.is_file():
        raise LulcError(f"There is no recipe {path}.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LulcError(f"{path} cannot be read: {error}.") from None
    base = convert(content.pop("base", ""), str, f"{path}: base")
    if not base:
        return content
    below = _with_base(path.parent / base, depth + 1)
    _drop_options_of_another(below.get("network"), content.get("network"))
    return _over(below, content)


def _drop_options_of_another(below: Any, above: Any) -> None:
    """Leave the options out of the base's table [network] where the table above it names another architecture."""
    if isinstance(below, dict) and isinstance(above, dict) and "architecture" in above:
        if above["architecture"] != below.get("architecture"):
            below.pop("options", None)


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        below[key] = _over(below[key], value) if both else value
    return below


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *outer, last = key.split(".")
    for name in outer:
        content = content.setdefault(name, {})
        if not isinstance(content, dict):
            raise LulcError(f"{key!r} is not a key of a recipe.")
    content[last] = value


def parse(content: Mapping[str, Any], folder: Path, where: str = "recipe", trained: bool = False) -> Recipe:
    """A recipe from a table, as `read` does; `folder` is what relative paths in it start from.

    Where a network is `trained`, its weights are at hand, and the file that it began with is not sought.

    Raises:
        LulcError: it says something unknown or impossible, or lacks something; with `where` it stands.
    """
    try:
        return _recipe(read_table(_Tables, content, ""), content, folder, trained)
    except LulcError as error:
        raise LulcError(f"{where}: {error.problem}", error.remedy) from None


def _recipe(tables: _Tables, content: Mapping[str, Any], folder: Path, trained: bool) -> Recipe:
    legend = _legend(tables.legend, folder)
    network = dict(tables.network)
    pretrained = convert(network.pop("pretrained", ""), str, "[network] pretrained")
    if not trained:
        pretrained = located(pretrained, folder)
    inputs = inputs_of(tables.input)
    network = _told_bands(network, inputs)
    # whether the named encoder exists is only known once its library is imported, when the network is built
    NetworkSettings.from_table(network).typed_options()
    general = read_table(Strength, tables.augment, "[augment]")
    recipe = Recipe(
        name=tables.name,
        legend=legend,
        inputs=inputs,
        network=network,
        pretrained=pretrained,
        run=read_table(Run, tables.run, "[run]"),
        optimiser=read_table(Optimiser, tables.optimiser, "[optimiser]"),
        data=tuple(_data(entry, general, legend.names, tables.teachers) for entry in tables.data),
        checks=tuple(_check(entry, tables.teachers) for entry in tables.check),
        teachers=tables.teachers,
        card=tables.card,
        table=_plain({**content, "legend": legend.to_json()}),
        folder=folder,
        smoothing=smoothing_of(tables.smoothing, inputs),
        second=_second(tables),
        consistent=_consistent(tables),
    )
    _refuse_contradictions(recipe)
    return recipe


def smoothing_of(table: Mapping[str, Any], inputs: Inputs) -> Smoothing | None:
    """The smoothing that a table `[smoothing]` says; None where it is empty.

    Raises:
        LulcError: it says something unknown or impossible.
    """
    if not table:
        return None
    return complete_smoothing(read_table(Smoothing, table, "[smoothing]"), inputs.names)


def _refuse_contradictions(recipe: Recipe) -> None:
    """Refuse what each key may say by itself, but not all of them together."""
    run = recipe.run
    if run.large_every and run.large < run.size:
        raise LulcError(f"[run] large is {run.large}, less than size {run.size}.")
    if not recipe.data:
        raise LulcError("There is no [[data]].", "A recipe needs at least one data set to train on.")
    if run.freeze_steps and not recipe.pretrained:
        raise LulcError(
            f"[run] freeze_steps is {run.freeze_steps}, but nothing pretrained is there to freeze.",
            "Name weights in [network] pretrained, or leave freeze_steps out.",
        )
    if recipe.optimiser.schedule == "plateau" and not any(c.counts for c in recipe.checks):
        raise LulcError("The schedule plateau waits for a better score, but no [[check]] counts.")
    for i, check in enumerate(recipe.checks):
        if any((c.set, sorted(c.splits)) == (check.set, sorted(check.splits)) for c in recipe.checks[:i]):
            raise LulcError(f"Two [[check]] look at {check.set} {'+'.join(check.splits)}.", "Leave one out.")


def _second(tables: _Tables) -> Second | None:
    """The table [second]; None where it is empty.

    Raises:
        LulcError: it says something unknown, or a set asks for it in vain.
    """
    if not tables.second:
        if any(entry.get("second") for entry in tables.data):
            raise LulcError("A set says second = true, but there is no [second].")
        return None
    second = read_table(Second, tables.second, "[second]")
    _refuse_unknown_teachers(second.teacher, tables.teachers, "[second]")
    return second


def _consistent(tables: _Tables) -> ConsistentTable | None:
    """The table [consistent]; None where it is empty."""
    if not tables.consistent:
        return None
    made = read_table(ConsistentTable, tables.consistent, "[consistent]")
    _refuse_unknown_teachers(made.teacher, tables.teachers, "[consistent]")
    return made


def _told_bands(network: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """The table [network], its options with the bands where some of them are optional: it tells them apart itself."""
    if not inputs.optional:
        return network
    options = convert(network.get("options", {}), Table, "[network] options")
    return {**network, "options": {**options, "bands": list(inputs.names), "optional": list(inputs.optional)}}


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a table that every checkpoint can hold."""

    def refuse(value: Any) -> None:
        raise LulcError(f"{value} in the recipe is not a text, a number or a list.", "Put dates and times in quotes.")

    return json.loads(json.dumps(content, default=refuse))


def located(text: str, folder: Path) -> str:
    """A file with variables of the environment put in, relative to `folder`.

    What is not a file stays as it is: `imagenet`, names of weights, `package:NAME/PATH`, `hub:OWNER/NAME/FILE`.

    Raises:
        LulcError: a variable is not set.
    """
    path = os.path.expandvars(text)
    if "$" in path:
        raise LulcError(f"{text} names a variable of the environment that is not set.", "Set it to the folder meant.")
    if path in _NO_FILE or path.startswith(_ELSEWHERE) or is_name(path):
        return path
    return str(folder / Path(path).expanduser())


def data_folder(given: Path | None, folder: Path) -> Path:
    """The folder of the data sets: what is `given`, else where the set lies in whose `folder` the recipe lies.

    Raises:
        LulcError: neither is there.
    """
    if given is not None:
        return Path(given)
    if (folder / "set.toml").is_file():
        return folder.resolve().parent
    raise LulcError("The folder of the data sets is not known.", "Name it with --data or LULC_DATA.")


def _legend(given: str | Table, folder: Path) -> Legend:
    if not isinstance(given, str):
        return Legend.from_json(given)
    for path in (LEGENDS / f"{given}.json", folder / given):
        if path.is_file():
            return Legend.from_file(path)
    raise LulcError(f"There is no legend {given!r}.", f"Give a file, a table, or a name from {LEGENDS}.")


def _data(entry: Table, general: Strength, names: tuple[str, ...], teachers: Mapping[str, Any]) -> DataPart:
    where = f"[[data]] {entry.get('set', '?')}"
    loss = terms_of(convert(entry.get("loss", ()), Tables, f"{where} loss"), names, where)
    augment = read_table(Strength, entry.get("augment", {}), f"{where} augment", base=general)
    part = read_table(DataPart, entry, where, loss=loss, augment=augment)
    _refuse_splits(part.splits, "train", where)
    _refuse_unknown_teachers(part.teacher, teachers, where)
    return part


def _check(entry: Table, teachers: Mapping[str, Any]) -> Check:
    where = f"[[check]] {entry.get('set', '?')}"
    check = read_table(Check, entry, where)
    _refuse_splits(check.splits, "val", where)
    _refuse_unknown_teachers(check.teacher, teachers, where)
    return check


def _refuse_splits(splits: tuple[str, ...], usual: str, where: str) -> None:
    if not splits:
        raise LulcError(f"{where} names no split.")
    if "test" in splits:
        does = "train" if usual == "train" else "choose"
        raise LulcError(
            f"{where}: a test split must not {does}.", f"Use {usual} here; training.evaluate looks at test."
        )


def _refuse_unknown_teachers(named: tuple[str, ...], teachers: Mapping[str, Any], where: str) -> None:
    for name in named:
        if name not in teachers:
            raise LulcError(f"{where}: there is no [teachers.{name}].")
