# SPDX-License-Identifier: GPL-3.0-or-later
"""No text in a CSV file becomes a formula, whatever a program splits its lines at."""

import csv
import io

import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin.report.csv_lines import csv_line

STARTS = tuple("=+-@＝＋－＠")
NASTY = st.text(st.sampled_from("=+-@;,\t\r\n\" 'a1|＝"), max_size=12)


def cells_of(text, delimiter):
    return [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]


def is_formula(cell):
    if not cell.lstrip(' \t\r\n"').startswith(STARTS):
        return False
    try:
        float(cell.partition(",")[0])
    except ValueError:
        return True
    return False


@settings(max_examples=600, deadline=None)
@given(st.lists(st.lists(st.one_of(NASTY, st.floats(-9, 9), st.none()), min_size=1, max_size=4), max_size=3))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_reading_has_a_formula(delimiter, rows):
    text = "".join(csv_line(["row", *row]) for row in rows)
    assert [cell for cell in cells_of(text, delimiter) if is_formula(cell)] == []


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "a;=1", "a\t=1", "a\n=1", 'a;"=1"', 'a;" =1"',
     "＝1", "a;\t+cmd|' /C calc'!A0", 'x";=1'],
)  # fmt: skip
def test_known_tricks(text):
    for cells in ((text,), ("a", text), (text, text), ('"', text), (0.5, text)):
        for delimiter in ",;\t":
            found = cells_of(csv_line(cells), delimiter)
            assert not any(map(is_formula, found)), (cells, delimiter, found)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(), st.floats(allow_nan=False), st.integers(), st.none()), min_size=1))
def test_a_reading_at_commas_gives_numbers_and_texts_back(cells):
    found = next(csv.reader(io.StringIO(csv_line(["row", *cells]), newline="")))[1:]
    assert len(found) == len(cells)
    for cell, text in zip(cells, found):
        if isinstance(cell, str):
            assert text.replace("'", "") == cell.replace("'", "")
        elif cell is None:
            assert text == ""
        else:
            assert type(cell)(text) == cell


def test_it_takes_linear_time():
    csv_line(["\t" * 1_000_000, "; " * 500_000, '"' * 1_000_000])
