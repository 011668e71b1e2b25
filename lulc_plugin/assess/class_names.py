# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers of classes as people write them: the form in which they are compared, and which are alike.

`fold` takes away what nobody sees (Unicode forms, kinds of blanks and dashes, capitals): texts that are equal then are
one name. `NameIndex.find` looks further, for names that differ in punctuation, and for letters that were read in a
wrong encoding; what it finds is always told, and nothing is found where two classes could be meant.
"""

from __future__ import annotations

import difflib
import operator
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from ..legend import LegendClass
from .job import Label

#: A label in the one form in which labels are compared: a whole number, or a text without spaces around it.
Key = Union[int, str]

#: Nothing else is a number: not 1e1, 1_1 or 1.10, which Python reads as one. 18 digits fit in 64 bits.
_WHOLE = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?\Z")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")
_QUOTES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4\u0060"), "'")
#: Soft hyphen, zero-width space, word joiner, byte order mark.
_UNSEEN = dict.fromkeys((0x00AD, 0x200B, 0x2060, 0xFEFF))
_ALIKE = {**_DASHES, **_QUOTES, **_UNSEEN}
#: What stands between two words of a name in some spellings and not in others, once "&" is one of these.
_AND = frozenset({"and", "et", "und", "y", "e", "&"})
#: Words, and signs that change what a name says.
_WORDS = re.compile(r"[<>=≤≥±#%*]+|(?<=\w)\++|[^\W_]+|&")
#: What a reader of UTF-8 puts in the place of a byte of another encoding.
LOST = "\ufffd"
#: How texts were read, and what they are; the usual ones first. Bytes that a code page lacks count as Latin-1.
_READ_AS = ("cp1252", "latin-1", "cp850", "cp437", "mac_roman", "cp1250", "cp1251")
_IS = ("utf-8", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp850", "cp437", "koi8_r", "gb18030", "shift_jis")
_ENCODINGS = {"shift_jis": "Shift_JIS", "koi8_r": "KOI8-R"}
_BROKEN_UTF8 = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]")
#: Labels for which a wrong encoding and similar names are searched, at most.
_MOST_SEARCHED = 200
_MOST_OFFERED = 3
_SIMILAR = 0.75
#: Texts and numbers that stand for "nobody said", as files write them.
_NOT_A_CLASS = frozenset(
    "null <null> (null) none nan na n/a n.a. #n/a - -- ? ?? nodata no-data unlabelled unlabeled unclassified tbd todo"
    " undefined missing -1 -9999 -99 -999".split()
    + ["no data", "not labelled", "not labeled", "not classified"]
)
_NOT_A_CODE = frozenset({0, 99, 127, 128, 254, 255, 999, 9999, 32767, 65535, 99999, 2147483647, 4294967295})


def key_of(label: Label) -> Key | None:
    """The comparable form of a label; None when there is none (NULL, empty text)."""
    if label is None or isinstance(label, float) and label != label:
        return None
    number = whole_number(label)
    if number is not None:
        return number
    text = str(label).strip()
    return text if fold(text) else None


def whole_number(value: Any) -> int | None:
    """`value` as a whole number if it is one, also as 3.0, "3" or "3.0"; else None."""
    if isinstance(value, str):
        written = _WHOLE.match(value.strip())
        return int(written[1]) if written else None
    try:
        return operator.index(value)
    except TypeError:
        pass
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None


def fold(key: Key) -> Key:
    """A key in the form in which two spellings of one name are equal; numbers stay.

    >>> fold("Built\u2013up\u00a0 land ") == fold("built-up land")
    True
    """
    if not isinstance(key, str):
        return key
    text = unicodedata.normalize("NFC", key).translate(_ALIKE)
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def is_no_class(key: Key) -> bool:
    """Whether a label that no legend has is usually the mark of a unit without a class."""
    return key < 0 or key in _NOT_A_CODE if isinstance(key, int) else fold(key) in _NOT_A_CLASS


@dataclass(frozen=True)
class Found:
    """A class whose name is not quite the one that was asked for.

    Attributes:
        index: of the class.
        name: its name.
        encoding: the encoding to set, when the text or the name was read in a wrong one; else empty.
        of_map: whether it is the class's name that was read wrongly, and not the text.
    """

    index: int
    name: str
    encoding: str = ""
    of_map: bool = False


class NameIndex:
    """Names of classes, to be searched for those that are meant.

    Args:
        names: name → index of its class; names that are alike may be several classes.
        values: index of a class → values that may stand before or after its name ("3 Grass", "Grass (3)").
    """

    def __init__(self, names: Iterable[tuple[str, int]], values: Mapping[int, Iterable[int]]) -> None:
        self._names = list(names)
        self._folded: dict[str, set[int]] = {}
        self._loose: dict[str, set[int]] = {}
        self._called: dict[int, str] = {}
        self._reread_names: dict[str, dict[int, Found]] | None = None
        self._searches = 0
        for name, index in self._names:
            self._called.setdefault(index, name)
            self._folded.setdefault(str(fold(name)), set()).add(index)
            for spelling in (
                name,
                *_without_value(name, values.get(index, ())),
                *_with_value(name, values.get(index, ())),
            ):
                self._loose.setdefault(loose(spelling), set()).add(index)
        self._loose.pop("", None)

    def same(self, text: str) -> set[int]:
        """Indexes of the classes that have this name."""
        return self._folded.get(str(fold(text)), set())

    def find(self, text: str) -> Found | None:
        """The one class that is meant, although its name is another; None where none or several could be."""
        foreign = not text.isascii() and self._may_search()
        found = (self._reread(text) or self._names_reread(text) or self._with_lost_letters(text)) if foreign else None
        alike = self._loose.get(loose(text), set())
        if found is not None or len(alike) != 1:
            return found
        index = next(iter(alike))
        return Found(index, self._called[index])

    def meant(self, text: str) -> int | None:
        """Index of the one class that has this name, or whose name is nearly this one; None where there is none."""
        same = self.same(text)
        if same:
            return next(iter(same)) if len(same) == 1 else None
        found = self.find(text)
        return None if found is None else found.index

    def offers(self, text: str) -> list[str]:
        """Names that may be meant, the most similar first; for a question, never for a match."""
        alike = [self._called[index] for index in sorted(self._loose.get(loose(text), set()))]
        if alike or not self._may_search():
            return alike[:_MOST_OFFERED]
        folded = {str(fold(name)): name for name, _ in self._names}
        near = difflib.get_close_matches(str(fold(text)), folded, _MOST_OFFERED, _SIMILAR)
        return list(dict.fromkeys(folded[name] for name in near))

    def _may_search(self) -> bool:
        self._searches += 1
        return self._searches <= _MOST_SEARCHED

    def _reread(self, text: str) -> Found | None:
        for encoding, repaired in _rereadings(text):
            same = self.same(repaired)
            if len(same) == 1:
                index = next(iter(same))
                return Found(index, self._called[index], encoding)
        return None

    def _names_reread(self, text: str) -> Found | None:
        if self._reread_names is None:
            self._reread_names = {}
            for name, index in self._names[:_MOST_SEARCHED]:
                for encoding, repaired in _rereadings(name):
                    found = Found(index, name, encoding, of_map=True)
                    self._reread_names.setdefault(str(fold(repaired)), {}).setdefault(index, found)
        of_classes = list(self._reread_names.get(str(fold(text)), {}).values())
        return of_classes[0] if len(of_classes) == 1 else None

    def _with_lost_letters(self, text: str) -> Found | None:
        """The text holds U+FFFD where a reader of UTF-8 met a byte of another encoding."""
        if LOST not in text:
            return None
        pieces = re.split(f"({LOST}+)", str(fold(text)))
        pattern = "".join(f"[^\x00-\x7f]{{1,{len(p)}}}" if p.startswith(LOST) else re.escape(p) for p in pieces)
        same = {index for name, indexes in self._folded.items() if re.fullmatch(pattern, name) for index in indexes}
        if len(same) != 1:
            return None
        index = next(iter(same))
        return Found(index, self._called[index], _single_byte_encoding(self._called[index]))


@dataclass(frozen=True)
class Joined:
    """Values of another legend whose names are those of the map.

    Attributes:
        by_name: value → index of the class of that name.
        near: value → what was found, where the name is not quite the same.
        other_codes: whether a name stands for another value than in the map; then values alone say nothing.
    """

    by_name: Mapping[int, int]
    near: Mapping[int, Found]
    other_codes: bool

    def place(self, value: int, free: Mapping[int, int], is_named: bool) -> int | None:
        """Index of the class of a value; None where it has none."""
        if self.other_codes:
            return self.by_name.get(value)
        return free[value] if value in free else self.by_name.get(value) if is_named else None


def join_by_name(
    values: Iterable[int], legend: Mapping[int, LegendClass], index: NameIndex, free: Mapping[int, int]
) -> Joined:
    """Find values of another legend by their names.

    Args:
        values: of the other legend.
        legend: its names.
        index: names of the map's classes.
        free: values that the other legend's may be, too → index of their class.
    """
    by_name: dict[int, int] = {}
    near: dict[int, Found] = {}
    for value in sorted(values):
        name = legend[value].name if value in legend else str(value)
        if name == str(value):
            continue
        same = index.same(name)
        found = (
            None
            if same
            else index.find(name) or next(filter(None, map(index.find, _without_value(name, [value]))), None)
        )
        if len(same) == 1:
            by_name[value] = next(iter(same))
        elif found is not None:
            near[value] = found
            by_name[value] = found.index
    return Joined(by_name, near, any(free.get(value) != place for value, place in by_name.items()))


def loose(text: str) -> str:
    """A text without what differs between two ways to write one name: blanks, dashes, "_", "/", "and" or "&", accents.

    >>> loose("Shrub_&_Grass") == loose("shrub/grass") == loose("Shrub and grass")
    True
    """
    bare = "".join(c for c in unicodedata.normalize("NFD", str(fold(text))) if not unicodedata.combining(c))
    return "".join(word for word in _WORDS.findall(bare.replace("_", " ")) if word not in _AND)


def unreadable(text: str) -> bool:
    """Whether a text looks as if it was read in a wrong encoding."""
    return LOST in text or bool(_BROKEN_UTF8.search(text))


def _with_value(name: str, values: Iterable[int]) -> list[str]:
    return [spelling for value in values for spelling in (f"{value} {name}", f"{name} {value}")]


def _without_value(name: str, values: Iterable[int]) -> list[str]:
    """`Grass` of `3 Grass`, `3: Grass` or `Grass (3)`."""
    out = []
    for value in values:
        for pattern in (rf"{value}[\W_]+(.+)", rf"(.+?)[\W_]+{value}[\W_]?"):
            match = re.fullmatch(pattern, name.strip())
            if match:
                out.append(match[1])
    return out


def _rereadings(text: str) -> Iterable[tuple[str, str]]:
    """The text as it would be if it had been read in another encoding: (encoding, text)."""
    if text.isascii():
        return
    for read_as in _READ_AS:
        try:
            stored = b"".join(_byte(character, read_as) for character in text)
        except UnicodeEncodeError:
            continue
        for encoding in _IS:
            if encoding == read_as:
                continue
            try:
                yield _called(encoding), stored.decode(encoding)
            except UnicodeDecodeError:
                continue


def _called(encoding: str) -> str:
    """What QGIS and GDAL call an encoding of Python."""
    return (
        encoding.replace("cp", "windows-")
        if encoding.startswith("cp125")
        else _ENCODINGS.get(encoding, encoding.upper())
    )


def _byte(character: str, encoding: str) -> bytes:
    try:
        return character.encode(encoding)
    except UnicodeEncodeError:
        return character.encode("latin-1")  # readers of Windows code pages take bytes without a letter so


def _single_byte_encoding(name: str) -> str:
    """The usual code page that has all letters of a name."""
    for encoding in ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1256"):
        try:
            name.encode(encoding)
        except UnicodeEncodeError:
            continue
        return _called(encoding)
    return "the encoding in which it was saved"
