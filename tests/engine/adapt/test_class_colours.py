# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of own classes by their names."""

from lulc_plugin.adapt.class_colours import PALETTE, colours_of


def test_names_of_land_cover_have_their_usual_colours():
    names = ("beach", "dense built-up", "Floresta", "mangrove", "sea", "Lagoa salgada", "shrubland")
    found = dict(zip(names, colours_of(names)))
    assert found["sea"] == "#0072B2" and found["Lagoa salgada"] == "#56B4E9"
    assert found["Floresta"] == "#009E73" and found["beach"] == "#DDCC77" and found["dense built-up"] == "#D55E00"
    assert len(set(found.values())) == len(names)


def test_short_words_count_as_a_whole():
    assert colours_of(["Marsala"]) == colours_of(["anything"]) == [PALETTE[0]]
    assert colours_of(["Mar"]) == colours_of(["\u00c1gua"]) == ["#0072B2"]


def test_a_colour_is_given_once_while_there_are_others():
    assert colours_of(["water"], ["#0072B2"]) == ["#56B4E9"]
    many = [f"forest {k}" for k in range(len(PALETTE))]
    assert set(colours_of(many)) == set(PALETTE)
    assert len(colours_of([str(k) for k in range(100)])) == 100
