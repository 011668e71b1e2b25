# SPDX-License-Identifier: GPL-3.0-or-later
"""Class values, names and colours."""

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings, strategies as st

from lulc_plugin import bundled
from lulc_plugin.errors import LulcError
from lulc_plugin.legend import Legend, LegendClass, xml_text

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(str.strip)


@st.composite
def legends(draw):
    values = draw(st.lists(st.integers(0, 65535), min_size=1, max_size=12, unique=True))
    return Legend.of([LegendClass(v, draw(NAMES), f"#{draw(st.integers(0, 0xFFFFFF)):06X}") for v in values])


@given(legends())
@settings(max_examples=100, deadline=None)
def test_json_round_trip(legend):
    assert Legend.from_json(json.loads(json.dumps(legend.to_json()))) == legend


@given(legends())
@settings(max_examples=100, deadline=None)
def test_style_is_well_formed_and_whole(legend):
    root = ET.fromstring(legend.qml())
    entries = list(root.iter("paletteEntry"))
    assert [int(e.get("value")) for e in entries] == list(legend.values)
    assert [e.get("color") for e in entries] == [c.colour.lower() for c in legend.classes]
    assert all(e.get("alpha") == "255" for e in entries)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_put_into_xml(text):
    escaped = xml_text(text)
    escaped.encode()
    assert ET.fromstring(f"<a>{escaped}</a>").tag == "a"
    assert ET.fromstring(f'<a b="{escaped}"/>').get("b") is not None


def test_xml_keeps_what_it_can():
    text = "<&>'\"\u00e9\u6c34"
    assert ET.fromstring(f'<a b="{xml_text(text)}"/>').get("b") == text
    assert xml_text("a\x00b\ud800c") == "a\ufffdb\ufffdc"


@given(legends())
@settings(max_examples=100, deadline=None)
def test_nodata_is_no_class_and_fits_the_type(legend):
    import numpy as np

    assert legend.nodata not in legend.values
    info = np.iinfo(legend.dtype)
    assert max(*legend.values, legend.nodata) <= info.max
    assert (legend.dtype == "uint16") == (max(legend.values) > 254 or legend.nodata > 255)


def classes(*values):
    return [LegendClass(v, f"c{v}", "#000000") for v in values]


def test_default_nodata():
    assert Legend.of(classes(1, 2)).nodata == 0
    assert Legend.of(classes(0, 2)).nodata == 255
    assert Legend.of(classes(0, 255)).nodata == 65535
    assert Legend.of(classes(0, 255, 65535)).nodata == 65534


def test_type_at_the_limit():
    assert Legend.of(classes(1, 254)).dtype == "uint8"
    assert Legend.of(classes(1, 255)).dtype == "uint16"
    assert Legend.of(classes(1), nodata=300).dtype == "uint16"


def test_colour_table():
    legend = Legend.of([LegendClass(7, "a", "#0A64fF")])
    assert legend.colour_table() == {7: (10, 100, 255, 255)}


@pytest.mark.parametrize(
    ("value", "name", "colour"),
    [(-1, "a", "#000000"), (65536, "a", "#000000"), (1.0, "a", "#000000"), (True, "a", "#000000"),
     ("1", "a", "#000000"), (None, "a", "#000000"), (1, "", "#000000"), (1, "  ", "#000000"),
     (1, "x" * 201, "#000000"), (1, None, "#000000"),
     (1, 5, "#000000"), (1, "\ud800", "#000000"), (1, "a", "000000"), (1, "a", "#00000"), (1, "a", "#00000g"),
     (1, "a", "red"), (1, "a", "#000000\n"), (1, "a", None), (1, "a", 0)],
)  # fmt: skip
def test_bad_classes_are_refused(value, name, colour):
    with pytest.raises(LulcError):
        LegendClass(value, name, colour)


def test_bad_legends_are_refused():
    with pytest.raises(LulcError, match="0"):
        Legend.of([])
    with pytest.raises(LulcError, match="5 occurs more than once"):
        Legend.of(classes(5, 6, 5))
    with pytest.raises(LulcError, match="both a class and the nodata"):
        Legend.of(classes(5, 6), nodata=6)
    with pytest.raises(LulcError, match="70000"):
        Legend.of(classes(5), nodata=70_000)
    with pytest.raises(LulcError, match="4097"):
        Legend.of(classes(*range(4097)))


@pytest.mark.parametrize(
    "data",
    [None, 5, [], {}, {"classes": {}}, {"classes": []}, {"classes": [5]}, {"classes": [{"value": 1, "name": "a"}]},
     {"classes": [{"value": 1, "name": "a", "colour": "#000000"}], "nodata": "0"},
     {"classes": [{"value": 1, "name": "a", "colour": "#000000"}], "nodata": True},
     {"classes": [{"value": [], "name": {}, "colour": []}]}],
    ids=range(11),
)  # fmt: skip
def test_other_json_is_refused(data):
    with pytest.raises(LulcError):
        Legend.from_json(data)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]"], ids=range(5))
def test_broken_files_are_refused(tmp_path, content):
    path = tmp_path / "legend.json"
    path.write_bytes(content)
    with pytest.raises(LulcError):
        Legend.from_file(path)
    with pytest.raises(LulcError, match="cannot be read"):
        Legend.from_file(tmp_path / "none.json")


def test_bundled_legends_can_be_read():
    files = sorted(bundled.folder("legends").glob("*.json"))
    assert files
    for path in files:
        legend = Legend.from_file(path)
        assert len({c.colour for c in legend.classes}) == len(legend.classes)
        assert len(set(legend.names)) == len(legend.classes)
