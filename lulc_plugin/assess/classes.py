# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values of a map and which labels of a reference are the same class: by value, by name, or by a class table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import LulcError
from ..legend import LegendClass
from ..options import option
from .class_names import Key
from .class_pairs import Pairs
from .result import AssessedClass

#: Index of a label that the user wants left out.
LEFT_OUT = -1
_SHOWN = 12


@dataclass(frozen=True)
class Matching:
    """Rows and columns of the matrix, and where each value goes.

    Attributes:
        classes: sorted by value, texts last.
        of_map: map value → index of its class.
        of_reference: label → index of its class, `LEFT_OUT` for those to leave out.
        unknown: labels that the map's legend (or the class table) does not have.
        warnings: sentences about legends that do not fit together.
    """

    classes: tuple[AssessedClass, ...]
    of_map: Mapping[int, int]
    of_reference: Mapping[Key, int]
    unknown: tuple[Key, ...]
    warnings: tuple[str, ...]


def match(
    map_values: Iterable[Key],
    legend: Sequence[LegendClass],
    labels: Iterable[Key],
    reference_legend: Sequence[LegendClass] = (),
    table: Pairs = (),
    unknown: str = "error",
) -> Matching:
    """Match what the map has with what the reference has.

    Numbers match the map's values, texts the names in its legend (case and outer spaces do not count); a number that is
    no value of the map may be a name that consists of digits. Classes that a class table ties together are merged;
    labels that the table does not have match as without it, but only with map values that it does not have either.

    Args:
        map_values: values that occur in the map.
        legend: the map's legend, may be empty.
        labels: labels that occur in the reference, as `key_of` gives them.
        reference_legend: names of the reference's values, for warnings and names.
        table: pairs that mean the same; empty: the two legends are one.
        unknown: "error" (an own class, never right), "exclude" or "stop".

    Raises:
        LulcError: texts that match no class at all, or an unknown label when `unknown` is "stop".
    """
    named = {c.value: c for c in legend}
    known = sorted({*map(int, map_values), *named})
    labels = sorted(set(labels), key=_order)
    groups = _groups(known, table)
    of_map = {value: group for group, members in enumerate(groups) for value in members}
    classes = [_known_class(members, named, table, reference_legend) for members in groups]
    by_label = _label_lookup(known, legend, table, of_map, labels)

    matched = {label: by_label[_fold(label)] for label in labels if _fold(label) in by_label}
    unknown_classes = tuple(label for label in labels if label not in matched)
    _refuse_unknown_classes(unknown_classes, labels, known, named, bool(table), unknown)
    warnings = _warnings(named, reference_legend, table, unknown_classes, labels, of_map, unknown)
    if unknown == "exclude":
        matched.update(dict.fromkeys(unknown_classes, LEFT_OUT))
    else:
        reference_names = {c.value: c for c in reference_legend}
        for label in unknown_classes:
            matched[label] = len(classes)
            classes.append(_unknown_class(label, reference_names, {c.value for c in classes}))
    order = sorted(range(len(classes)), key=lambda i: _class_order(classes[i]))
    place = {old: new for new, old in enumerate(order)} | {LEFT_OUT: LEFT_OUT}
    return Matching(
        classes=tuple(classes[i] for i in order),
        of_map={value: place[i] for value, i in of_map.items()},
        of_reference={label: place[i] for label, i in matched.items()},
        unknown=unknown_classes,
        warnings=warnings,
    )


def _order(key: Key) -> tuple[bool, int, str]:
    return (True, 0, key) if isinstance(key, str) else (False, key, "")


def _class_order(c: AssessedClass) -> tuple[bool, int, str]:
    return c.value is None, c.value or 0, c.name


def _fold(key: Key) -> Key:
    return key.strip().casefold() if isinstance(key, str) else key


def _groups(known: Sequence[int], table: Pairs) -> list[list[int]]:
    """Map values in groups that the table ties together through shared reference labels."""
    root: dict[object, object] = {}

    def find(item: object) -> object:
        while root.setdefault(item, item) != item:
            item = root[item]
        return item

    for value, label in table:
        root[find(("reference", _fold(label)))] = find(("map", value))
    groups: dict[object, list[int]] = {}
    for value in sorted({*known, *(value for value, _ in table)}):
        groups.setdefault(find(("map", value)), []).append(value)
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


def _unknown_class(label: Key, names: Mapping[int, LegendClass], taken: set[int | None]) -> AssessedClass:
    if isinstance(label, str):
        return AssessedClass(None, label, None, known=False)
    named = names.get(label)
    name = named.name if named else str(label)
    # with a class table the reference's 3 may be another thing than the map's 3, which has that value already
    value = None if label in taken else label
    if value is None:
        name = f"{name} of the reference" if named is None else f"{name} ({label} of the reference)"
    return AssessedClass(value, name, named.colour if named else None, known=False)


def _label_lookup(
    known: Sequence[int],
    legend: Sequence[LegendClass],
    table: Pairs,
    of_map: Mapping[int, int],
    labels: Sequence[Key],
) -> dict[Key, int]:
    tied = {value for value, _ in table}
    free = [value for value in known if value not in tied]
    by_name = _names([c for c in legend if c.value not in tied], of_map, labels)
    digits: dict[Key, int] = {
        int(name): index for name, index in by_name.items() if isinstance(name, str) and name.isdecimal()
    }
    by_value: dict[Key, int] = {value: of_map[value] for value in free}
    return {**digits, **by_name, **by_value, **{_fold(label): of_map[value] for value, label in table}}


def _names(legend: Sequence[LegendClass], of_map: Mapping[int, int], labels: Sequence[Key]) -> dict[Key, int]:
    """Case-folded names of classes → index; a name that is asked for must be that of one class."""
    lookup: dict[Key, int] = {}
    names: dict[Key, list[int]] = {}
    for c in legend:
        names.setdefault(_fold(c.name), []).append(c.value)
    wanted = {_fold(label) for label in labels if isinstance(label, str)}
    for name, values in names.items():
        if name in wanted and len(values) > 1:
            raise LulcError(
                f"The name {name!r} stands for {len(values)} classes of the map ({', '.join(map(str, values))}).",
                f"Give the reference by values, or say in {option('class_table')} which of them each one means.",
            )
        lookup[name] = of_map[values[0]]
    return lookup


def _refuse_unknown_classes(
    unknown_classes: Sequence[Key],
    labels: Sequence[Key],
    known: Sequence[int],
    named: Mapping[int, LegendClass],
    has_table: bool,
    unknown: str,
) -> None:
    if not unknown_classes:
        return
    texts = [label for label in unknown_classes if isinstance(label, str)]
    none_fits = len(unknown_classes) == len(labels)
    where = "the class table" if has_table else "the map's legend"
    if unknown == "stop" or (none_fits and (texts or has_table)):
        ours = _joined([f"{v} {named[v].name}" if v in named else str(v) for v in known])
        count = "None" if none_fits else f"{len(unknown_classes)}"
        verb = "is" if none_fits else "is not" if len(unknown_classes) == 1 else "are not"
        raise LulcError(
            f"{count} of the {len(labels)} reference classes {verb} in {where}:"
            f" {_joined([str(label) for label in unknown_classes])}. The map has: {ours}.",
            f"Say in {option('class_table')} which map value and which reference value or name mean the same"
            + ("." if none_fits else f", or choose {option('unknown', 'error')} or exclude."),
        )


def _warnings(
    named: Mapping[int, LegendClass],
    reference_legend: Sequence[LegendClass],
    table: Pairs,
    unknown_classes: Sequence[Key],
    labels: Sequence[Key],
    of_map: Mapping[int, int],
    unknown: str,
) -> tuple[str, ...]:
    out = []
    if unknown_classes and len(unknown_classes) == len(labels):
        out.append(
            f"None of the reference classes ({_joined(list(map(str, labels)))}) is one of the map: overall accuracy is"
            f" 0 for that reason alone. If the legends differ, say in {option('class_table')} what means the same."
        )
    elif unknown_classes:
        what = "in the class table or the map's legend" if table else "in the map's legend"
        does = (
            f"Units with them are left out ({option('unknown', 'exclude')})."
            if unknown == "exclude"
            else f"They have columns of their own and count as errors ({option('unknown', 'error')})."
        )
        verb = "is" if len(unknown_classes) == 1 else "are"
        out.append(
            f"{len(unknown_classes)} of {len(labels)} reference classes {verb} not {what}:"
            f" {_joined(list(map(str, unknown_classes)))}."
            f" {does}"
        )
    if table:
        in_table = {_fold(label) for _, label in table}
        alike = [label for label in labels if _fold(label) not in in_table and label not in set(unknown_classes)]
        if alike:
            out.append(
                f"The class table has no row for the reference classes {_joined(alike)}; they are taken for the map's"
                " classes of the same value or name. If that is wrong, add their rows."
            )
        return tuple(out)
    present = set(labels)
    for c in reference_legend:
        ours = named.get(c.value)
        if ours is not None and c.value in present and _fold(c.name) != _fold(ours.name):
            out.append(
                f'Value {c.value} is "{ours.name}" in the map and "{c.name}" in the reference; they are compared as one'
                f" class. If the legends differ, give {option('class_table')}."
            )
    return tuple(out)


def _joined(items: Sequence[object]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(map(str, items[:_SHOWN])) + more
