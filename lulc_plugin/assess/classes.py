# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of a map and which labels of a reference are the same class: by value, by name, or by a class table."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import LulcError
from ..legend import LegendClass
from ..options import option
from .class_names import Found, Key, NameIndex, fold, join_by_name
from .class_pairs import Pairs
from .class_sentences import SHOWN, listed, near_names, offered, other_legend, without_row
from .result import AssessedClass, ClassValues

#: Index of a label that the user wants left out.
LEFT_OUT = -1


@dataclass(frozen=True)
class SecondMap:
    """The other map of a comparison: values that occur at the units, its legend, and pairs of a class table for it."""

    values: Iterable[int]
    legend: Sequence[LegendClass] = ()
    table: Pairs = ()


@dataclass(frozen=True)
class Matching:
    """Rows and columns of the matrix, and where each value goes.

    Attributes:
        classes: sorted by value, texts last.
        of_map: map value → index of its class.
        of_reference: label → index of its class, `LEFT_OUT` for those to leave out.
        unknown: labels that the map's legend (or the class table) does not have.
        warnings: sentences about legends that do not fit together.
        of_second: the same as `of_map` of a second map.
        only_second: values of the second map whose class neither the first map nor the reference has.
        offers: unknown label → names that may be meant.
    """

    classes: tuple[AssessedClass, ...]
    of_map: Mapping[int, int]
    of_reference: Mapping[Key, int]
    unknown: tuple[Key, ...]
    warnings: tuple[str, ...]
    of_second: Mapping[int, int] = field(default_factory=dict)
    only_second: tuple[int, ...] = ()
    offers: Mapping[Key, Sequence[str]] = field(default_factory=dict)

    def class_values(self) -> tuple[ClassValues, ...]:
        """Values and labels of each class."""
        sides: tuple[Mapping[Any, int], ...] = (self.of_map, self.of_second, self.of_reference)
        members: list[list[list[Any]]] = [[[] for _ in sides] for _ in self.classes]
        for which, side in enumerate(sides):
            for key, place in side.items():
                if place != LEFT_OUT:
                    members[place][which].append(key)
        return tuple(ClassValues(*map(tuple, of_class)) for of_class in members)


def match(
    map_values: Iterable[Key],
    legend: Sequence[LegendClass],
    labels: Iterable[Key],
    reference_legend: Sequence[LegendClass] = (),
    table: Pairs = (),
    unknown: str = "error",
    second: SecondMap | None = None,
) -> Matching:
    """Match what the map has with what the reference has.

    Numbers match the map's values, texts the names in its legend (see `class_names`); a number that is no value of the
    map may be a name that consists of digits. Where the reference, or a second map, names its values, and names of the
    map stand there for other values, the names decide. Classes that a class table ties together are merged; labels that
    the table does not have match as without it, but only with map values that it does not have either.

    Args:
        map_values: values that occur in the map.
        legend: the map's legend, may be empty.
        labels: labels that occur in the reference, as `key_of` gives them.
        reference_legend: names of the reference's values.
        table: pairs that mean the same; empty: the two legends are one.
        unknown: "error" (an own class, never right), "exclude" or "stop".
        second: another map that is compared with the same reference.

    Raises:
        LulcError: texts that match no class at all, or an unknown label when `unknown` is "stop".
    """
    labels = sorted(set(labels), key=_order)
    side = _MapSide(map_values, legend, table, second, reference_legend)
    matched, told = _match_labels(labels, side, reference_legend)
    unknown_classes = tuple(label for label in labels if label not in matched)
    offers = {label: side.offers(label) for label in unknown_classes[:SHOWN]}
    _refuse_unknown_classes(unknown_classes, labels, side, unknown, offers)
    in_reference = set(matched.values())
    classes = side.classes
    if unknown == "exclude":
        matched.update(dict.fromkeys(unknown_classes, LEFT_OUT))
    else:
        reference_names = {c.value: c for c in reference_legend}
        for label in unknown_classes:
            matched[label] = len(classes)
            classes.append(_unknown_class(label, reference_names, {c.value for c in classes}))
    order = sorted(range(len(classes)), key=lambda i: _class_order(classes[i]))
    place = {old: new for new, old in enumerate(order)} | {LEFT_OUT: LEFT_OUT}
    shared = {*side.of_map.values(), *in_reference}
    return Matching(
        classes=tuple(classes[i] for i in order),
        of_map={value: place[i] for value, i in side.of_map.items()},
        of_reference={label: place[i] for label, i in matched.items()},
        unknown=unknown_classes,
        warnings=(*side.told, *told, *without_row(labels, unknown_classes, table)),
        of_second={value: place[i] for value, i in side.of_second.items()},
        only_second=tuple(value for value in side.present if side.of_second[value] not in shared),
        offers=offers,
    )


class _MapSide:
    """Classes of the map or the maps, before labels are looked for.

    Attributes:
        known: values of the first map and its legend.
        named: its legend by value.
        classes: of both maps.
        of_map, of_second: value → index of its class.
        present: values of the second map that occur.
        by_label: label of a class table, folded → index.
        in_table: the texts among them.
        free: values that no class table has → index; what a number may mean by itself.
        index: names of classes that no class table has.
        told: sentences about the two maps.
    """

    def __init__(
        self,
        map_values: Iterable[Key],
        legend: Sequence[LegendClass],
        table: Pairs,
        second: SecondMap | None,
        reference_legend: Sequence[LegendClass],
    ) -> None:
        self.named = named = {c.value: c for c in legend}
        self.known = known = sorted({*map(int, map_values), *named})
        self.has_table = bool(table or (second and second.table))
        other = second or SecondMap(())
        tied = {value for value, _ in table}
        names = [(c.name, c.value) for c in legend if c.value not in tied]
        links = _Links.of(other.table, table, NameIndex(names, {}), set(known) - tied, reference_legend)
        groups = _groups(known, table, links)
        self.of_map = {value: i for i, (of_map, _) in enumerate(groups) for value in of_map}
        self.of_second = {value: i for i, (_, of_other) in enumerate(groups) for value in of_other}
        self.present = sorted({int(value) for value in other.values})
        in_second = {c.value: c for c in other.legend}
        self.classes = [
            _known_class(of_map, named, table, reference_legend)
            if of_map
            else _second_class(of_other, in_second, links.to_labels, set(known))
            for of_map, of_other in groups
        ]
        self.by_label = {fold(label): self.of_map[value] for value, label in table}
        self.by_label.update({fold(label): self.of_second[value] for value, label in links.to_labels})
        texts = [(label, place) for label, place in self.by_label.items() if isinstance(label, str)]
        self.in_table = NameIndex(texts, {})
        self.free = {value: self.of_map[value] for value in known if value not in tied}
        self._names = [(name, self.of_map[value]) for name, value in names]
        self.told: list[str] = []
        if second is not None:
            self._join_second(set(self.present) | set(in_second), in_second, bool(other.table))
        self.index = _index(self._names, self.free)

    def _join_second(self, values: set[int], legend: Mapping[int, LegendClass], has_table: bool) -> None:
        """Find the classes of the second map's values that its class table does not have."""
        untied = values - set(self.of_second)
        all_names = [(c.name, self.of_map[c.value]) for c in self.named.values()]
        joined = join_by_name(untied, legend, _index(all_names, self.of_map), self.of_map)
        self.told += other_legend(joined, self.classes, True, legend, self.named)
        for value in sorted(untied):
            place = joined.place(value, self.of_map, value in legend)
            if place is None:
                place = len(self.classes)
                taken = {value} if joined.other_codes else {c.value for c in self.classes}
                self.classes.append(_second_class([value], legend, (), taken))
                if value in legend:
                    self._names.append((legend[value].name, place))
                if not joined.other_codes and not has_table:
                    self.free[value] = place
            self.of_second[value] = place

    def of_table(self, label: int, names: Mapping[int, LegendClass]) -> int | None:
        """The class of a number that a class table has, by itself or by the name that a reference raster gives it."""
        if label in self.by_label or label not in names:
            return self.by_label.get(label)
        return self.by_label.get(fold(names[label].name))

    def find(self, text: str) -> int | Found | None:
        """The class of a text; `Found` where its name is another one.

        Raises:
            LulcError: the name stands for several classes.
        """
        if fold(text) in self.by_label:
            return self.by_label[fold(text)]
        same = self.index.same(text)
        if len(same) > 1:
            values = sorted(value for value, i in {**self.of_map, **self.of_second}.items() if i in same)
            raise LulcError(
                f"The name {text!r} stands for {len(same)} classes of the map ({', '.join(map(str, values))}).",
                f"Give the reference by values, or say in {option('class_table')} which of them each one means.",
            )
        return next(iter(same)) if same else self.in_table.find(text) or self.index.find(text)

    def offers(self, text: Key) -> list[str]:
        """Names that may be meant by a label that no class has; or the number that it is as another kind of byte."""
        if isinstance(text, int):
            other = text + 256 if -128 <= text < 0 else text - 256
            return [str(other)] if -128 <= other < 256 and other in self.free else []
        return list(dict.fromkeys((*self.in_table.offers(text), *self.index.offers(text))))


def _match_labels(
    labels: Sequence[Key], side: _MapSide, reference_legend: Sequence[LegendClass]
) -> tuple[dict[Key, int], list[str]]:
    """Label → index of its class, and sentences about labels that are not quite the names of the map."""
    matched: dict[Key, int] = {}
    near: dict[str, Found] = {}
    for label in labels:
        if isinstance(label, str):
            found = side.find(label)
            if isinstance(found, Found):
                near[label] = found
                found = found.index
            if found is not None:
                matched[label] = found
    numbers = [label for label in labels if isinstance(label, int)]
    told = _match_numbers(numbers, side, {c.value: c for c in reference_legend}, matched)
    return matched, told + near_names(near)


def _match_numbers(
    labels: Sequence[int], side: _MapSide, names: Mapping[int, LegendClass], matched: dict[Key, int]
) -> list[str]:
    """Put the classes of numbers into `matched`; sentences about the legend of the reference, `names`."""
    in_table = {label: side.of_table(label, names) for label in labels}
    matched.update({label: place for label, place in in_table.items() if place is not None})
    rest = [label for label in labels if label not in matched]
    present = {label: names[label] for label in rest if label in names}
    joined = join_by_name(rest, present, side.index, side.free)
    for label in rest:
        is_named = label in present
        place = joined.place(label, side.free, is_named)
        if place is None and not is_named:
            place = _digits(label, side)
        if place is not None:
            matched[label] = place
    return other_legend(joined, side.classes, False, present, side.named) if present else []


def _digits(label: int, side: _MapSide) -> int | None:
    """The class whose name consists of these digits."""
    same = side.index.same(str(label))
    return next(iter(same)) if len(same) == 1 else None


def _order(key: Key) -> tuple[bool, int, str]:
    return (True, 0, key) if isinstance(key, str) else (False, key, "")


def _class_order(c: AssessedClass) -> tuple[bool, int, str]:
    return c.value is None, c.value or 0, c.name


def _index(names: Sequence[tuple[str, int]], values: Mapping[int, int]) -> NameIndex:
    of_class: dict[int, list[int]] = {}
    for value, place in values.items():
        of_class.setdefault(place, []).append(value)
    return NameIndex(names, of_class)


@dataclass(frozen=True)
class _Links:
    """What a class table says of a second map: pairs with values of the first map, and with labels that it lacks."""

    to_values: tuple[tuple[int, int], ...]
    to_labels: Pairs

    @staticmethod
    def of(
        second: Pairs, table: Pairs, names: NameIndex, free: set[int], reference_legend: Sequence[LegendClass]
    ) -> _Links:
        """Links of the pairs `second`; `names` → value and `free` are of the first map's classes without a row."""
        in_table = {fold(label): value for value, label in table}
        numbers = {label for _, label in second if isinstance(label, int)}
        joined = join_by_name(numbers, {c.value: c for c in reference_legend}, names, {v: v for v in free})
        to_values, to_labels = [], []
        for value, label in second:
            ours = in_table.get(fold(label))
            if ours is None and isinstance(label, int):
                ours = joined.place(label, {v: v for v in free}, True)
            elif ours is None:
                ours = names.meant(str(label))
            if ours is None:
                to_labels.append((value, label))
            else:
                to_values.append((value, ours))
        return _Links(tuple(to_values), tuple(to_labels))


def _groups(known: Sequence[int], table: Pairs, links: _Links) -> list[tuple[list[int], list[int]]]:
    """Values of the map and of the second one, in groups that tables tie together through shared reference labels."""
    root: dict[object, object] = {}

    def find(item: object) -> object:
        while root.setdefault(item, item) != item:
            item = root[item]
        return item

    for which, pairs in ((0, table), (1, links.to_labels)):
        for value, label in pairs:
            root[find(("reference", fold(label)))] = find((which, value))
    for value, ours in links.to_values:
        root[find((1, value))] = find((0, ours))
    groups: dict[object, tuple[list[int], list[int]]] = {}
    for value in sorted({*known, *(value for value, _ in table)}):
        groups.setdefault(find((0, value)), ([], []))[0].append(value)
    for value in sorted({value for value, _ in (*links.to_values, *links.to_labels)}):
        groups.setdefault(find((1, value)), ([], []))[1].append(value)
    return list(groups.values())


def _known_class(
    members: Sequence[int], named: Mapping[int, LegendClass], table: Pairs, reference_legend: Sequence[LegendClass]
) -> AssessedClass:
    first = named.get(members[0])
    if len(members) == 1:
        return AssessedClass(members[0], first.name if first else str(members[0]), first.colour if first else None)
    names = {c.value: c.name for c in reference_legend}
    partners = {names.get(r, r) if isinstance(r, int) else r for m, r in table if m in members}
    only = next(iter(partners)) if len(partners) == 1 else None
    joined = " + ".join(named[m].name if m in named else str(m) for m in members)
    name = only if isinstance(only, str) else joined
    return AssessedClass(members[0], name, first.colour if first else None)


def _second_class(
    members: Sequence[int], named: Mapping[int, LegendClass], table: Pairs, taken: Container[int | None]
) -> AssessedClass:
    """A class that only the second map has."""
    first = named.get(members[0])
    partners = {label for value, label in table if value in members}
    only = next(iter(partners)) if len(partners) == 1 else None
    called = only if isinstance(only, str) else " + ".join(named[m].name if m in named else str(m) for m in members)
    if members[0] not in taken:
        return AssessedClass(members[0], called, first.colour if first else None)
    name = called if isinstance(only, str) else f"{called} of the second map"
    return AssessedClass(None, name, first.colour if first else None)


def _unknown_class(label: Key, names: Mapping[int, LegendClass], taken: set[int | None]) -> AssessedClass:
    if isinstance(label, str):
        return AssessedClass(None, label, None, known=False)
    named = names.get(label)
    name = named.name if named else str(label)
    # with another legend the reference's 3 may be another thing than the map's 3, which has that value already
    value = None if label in taken else label
    if value is None:
        name = f"{name} of the reference" if named is None else f"{name} ({label} of the reference)"
    return AssessedClass(value, name, named.colour if named else None, known=False)


def _refuse_unknown_classes(
    unknown_classes: Sequence[Key],
    labels: Sequence[Key],
    side: _MapSide,
    unknown: str,
    offers: Mapping[Key, Sequence[str]],
) -> None:
    if not unknown_classes:
        return
    texts = [label for label in unknown_classes if isinstance(label, str)]
    none_fits = len(unknown_classes) == len(labels)
    where = "the class table" if side.has_table else "the map's legend"
    if unknown == "stop" or (none_fits and (texts or side.has_table)):
        ours = listed([f"{v} {side.named[v].name}" if v in side.named else str(v) for v in side.known])
        count = "None" if none_fits else f"{len(unknown_classes)}"
        verb = "is" if none_fits else "is not" if len(unknown_classes) == 1 else "are not"
        raise LulcError(
            f"{count} of the {len(labels)} reference classes {verb} in {where}:"
            f" {listed([str(label) for label in unknown_classes])}. The map has: {ours}.{offered(offers)}",
            f"Say in {option('class_table')} which map value and which reference value or name mean the same"
            + ("." if none_fits else f", or choose {option('unknown', 'error')} or exclude."),
        )
