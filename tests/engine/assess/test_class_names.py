# SPDX-License-Identifier: GPL-3.0-or-later
"""What is a number, which texts are one name, and which class is meant by a name that no class quite has."""

import time
import unicodedata

import pytest

from lulc_plugin.assess.class_names import NameIndex, fold, is_no_class, loose, unreadable, whole_number

NAMES = [("shrub and grass", 0), ("built-up", 1), ("Forêt", 2), ("Bâti", 3), ("10 Tree cover", 4), ("Urban >50 %", 5),
         ("Urban <50 %", 6), ("13_Ice", 7), ("Snow (14)", 8)]  # fmt: skip
VALUES = {0: [3], 1: [5], 2: [2], 3: [7], 4: [10], 5: [11], 6: [12], 7: [13], 8: [14]}


@pytest.fixture
def index():
    return NameIndex(NAMES, VALUES)


@pytest.mark.parametrize(
    ("text", "number"),
    [("01", 1), (" 3. ", 3), ("+3.00", 3), ("-9999", -9999), ("0", 0), (3.0, 3), (2.5, None), (2**60 + 1, 2**60 + 1),
     ("1_1", None), ("1.1", None), ("1.10", None), ("1e1", None), ("0x1", None), ("٣", None), ("1 1", None),
     ("1,0", None), ("1" * 5000, None), (".0", None), ("inf", None), (float("inf"), None)],
)  # fmt: skip
def test_what_is_a_whole_number(text, number):
    """Codes of legends such as CORINE's 1.10 are texts; Python reads 1_1 as 11 and 1e1 as 10."""
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Forêt", unicodedata.normalize("NFD", "Forêt")),
        ("shrub and grass", "Shrub\u00a0and\u2009grass "),
        ("shrub and grass", "shrub  and\tgrass"),
        ("built-up", "Built\u2013up"),
        ("built-up", "BUILT\u2011UP"),
        ("Cap d'eau", "cap d\u2019eau"),
        ("Straße", "STRASSE"),
        ("wetland", "wet\u00adland\u200b"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Foret", "Forêt"), ("built up", "built-up"), ("Cafe\u0301", "Cafe"), (3, "3")]
)
def test_names_that_are_two(one, other):
    assert fold(one) != fold(other)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Shrub_and_grass", 0),
        ("Shrub & grass", 0),
        ("shrub/grass", 0),
        ("Shrub et grass", 0),
        ("Built up", 1),
        ("Foret", 2),
        ("3 shrub and grass", 0),
        ("3: Shrub and Grass", 0),
        ("Shrub and grass (3)", 0),
        ("Tree cover", 4),
        ("Ice", 7),
        ("Snow", 8),
        ("Urban (>50%)", 5),
        ("4 shrub and grass", None),
        ("Urban 50%", None),
        ("gras", None),
        ("C3+", None),
        ("&", None),
        ("", None),
    ],
)
def test_a_name_that_is_meant(index, text, found):
    meant = index.find(text)
    assert (None if meant is None else meant.index) == found
    assert meant is None or not meant.encoding


def test_nothing_is_meant_where_two_classes_could_be():
    index = NameIndex([("Grass-land", 0), ("Grass land", 1)], {})
    assert index.find("Grass_land") is None
    assert index.offers("Grass_land") == ["Grass-land", "Grass land"]
    assert index.meant("grass land") == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Shrubs and gras", ["shrub and grass"]),
        ("Urban 50%", ["Urban >50 %", "Urban <50 %"]),
        ("Built", ["built-up"]),
        ("Sea", []),
    ],
)
def test_names_that_are_offered(index, text, names):
    assert index.offers(text) == names


@pytest.mark.parametrize(
    ("text", "found", "encoding"),
    [
        ("Forêt".encode().decode("cp1252"), 2, "UTF-8"),
        ("Bâti".encode().decode("latin-1"), 3, "UTF-8"),
        ("Forêt".encode("cp1252").decode("utf-8", "replace"), 2, "windows-1252"),
        ("Forêt".encode("cp1252").decode("cp850"), 2, "windows-1252"),
        ("Forêt".encode("cp850").decode("cp1252"), 2, "CP850"),
        ("Forêt".encode("mac_roman").decode("latin-1"), None, ""),
    ],
)
def test_a_text_that_was_read_in_a_wrong_encoding(index, text, found, encoding):
    meant = index.find(text)
    assert (None if meant is None else meant.index) == found
    if meant is not None:
        assert meant.encoding == encoding and not meant.of_map


@pytest.mark.parametrize(
    ("name", "stored", "read_as", "encoding"),
    [
        ("Лес", "utf-8", "cp1252", "UTF-8"),
        ("Лес", "cp1251", "latin-1", "windows-1251"),
        ("森林", "utf-8", "cp1252", "UTF-8"),
        ("Źródło", "cp1250", "cp1252", "windows-1250"),
        ("Лес", "koi8_r", "cp1251", "KOI8-R"),
    ],
)
def test_other_alphabets(name, stored, read_as, encoding):
    broken = "".join(bytes([b]).decode(read_as, "ignore") or bytes([b]).decode("latin-1") for b in name.encode(stored))
    assert NameIndex([(name, 0)], {}).find(broken).encoding == encoding


def test_a_name_of_the_map_that_was_read_in_a_wrong_encoding():
    meant = NameIndex([("ForÃªt", 0), ("Eau", 1)], {}).find("Forêt")
    assert meant.index == 0 and meant.encoding == "UTF-8" and meant.of_map


def test_a_lost_letter_of_two_classes_is_none():
    assert NameIndex([("Bâti", 0), ("Bêti", 1)], {}).find("B\ufffdti") is None


def test_what_looks_unreadable():
    assert unreadable("WÃ¤lder") and unreadable("W\ufffdlder") and not unreadable("Wälder") and not unreadable("Árbol")


@pytest.mark.parametrize(
    "label",
    [-1, -9999, 0, 255, "NULL", "<NULL>", "NA", "n/a", "nan", "None", "No Data", "-", "?", "\u22121", "not labelled"],
)
def test_marks_of_units_without_a_class(label):
    assert is_no_class(label)


@pytest.mark.parametrize("label", [1, 7, 41, "Water", "Nan Desert", "nonetheless"])
def test_labels_that_are_classes(label):
    assert not is_no_class(label)


def test_loose_keeps_what_changes_the_meaning():
    assert loose("non-forest") != loose("forest") and loose("C3+") != loose("C3")
    assert loose("Urban >50 %") != loose("Urban <50 %")


def test_many_foreign_labels_take_no_long_time():
    index = NameIndex([(f"Fôrêt {i} ÀÉ", i) for i in range(3000)], {})
    began = time.perf_counter()
    for i in range(3000):
        index.find(f"Ünrélàtéd {i}")
        index.offers(f"Ünrélàtéd {i}")
    assert time.perf_counter() - began < 20
