# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of classes from GDAL's attribute table and from Esri's `.vat.dbf`; Count is never a name."""

import struct

import pytest

from lulc_plugin.raster.attribute_table import Column, columns_of_dbf, columns_of_xml, names_in


def table(*fields, rows):
    """GDAL's XML of a table; a field is (name, type, usage)."""
    definitions = "".join(
        f'<FieldDefn index="{i}"><Name>{name}</Name><Type>{kind}</Type><Usage>{usage}</Usage></FieldDefn>'
        for i, (name, kind, usage) in enumerate(fields)
    )
    body = "".join("<Row>" + "".join(f"<F>{cell}</F>" for cell in row) + "</Row>" for row in rows)
    return f'<GDALRasterAttributeTable tableType="thematic">{definitions}{body}</GDALRasterAttributeTable>'


def dbf(path, fields, rows, deleted=()):
    """A dBASE file; a field is (name, type, length)."""
    width = 1 + sum(length for _, _, length in fields)
    head = struct.pack("<B3sIHH20x", 3, b"\x7c\x01\x01", len(rows), 32 + 32 * len(fields) + 1, width)
    for name, kind, length in fields:
        head += struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), length, 0)
    body = b""
    for i, row in enumerate(rows):
        body += b"*" if i in deleted else b" "
        for cell, (_, kind, length) in zip(row, fields):
            cell = cell if isinstance(cell, bytes) else str(cell).encode()
            body += cell.ljust(length) if kind == "C" else cell.rjust(length)
    path.write_bytes(head + b"\r" + body + b"\x1a")
    return path


def test_the_column_that_gdal_calls_name():
    text = table(("Value", 0, 5), ("Count", 0, 1), ("Note", 2, 0), ("What", 2, 2),
                 rows=[(10, 500, "n", "Water"), (20, 7, "n", "A &amp; B")])  # fmt: skip
    assert names_in(columns_of_xml(f"x{text}y")) == {10: "Water", 20: "A & B"}


def test_rows_count_from_0_where_no_column_has_the_values():
    text = table(("Histogram", 1, 1), ("Class_Names", 2, 0), rows=[(0, ""), (9, "Water"), (3, "Trees")])
    assert names_in(columns_of_xml(text)) == {1: "Water", 2: "Trees"}


def test_rows_that_count_from_another_value():
    text = table(("Red", 0, 6), ("Class_Names", 2, 2), rows=[(1, "Water"), (2, "Trees")])
    text = text.replace('tableType="thematic"', 'Row0Min="10" BinSize="1" tableType="thematic"')
    assert names_in(columns_of_xml(text)) == {10: "Water", 11: "Trees"}


@pytest.mark.parametrize("fields", [[("Value", 0, 5), ("Count", 0, 1)], [("Value", 0, 0), ("Area", 1, 0)]])
def test_numbers_are_no_names(fields):
    assert names_in(columns_of_xml(table(*fields, rows=[(1, 500), (2, 600)]))) == {}


@pytest.mark.parametrize(
    ("name", "chosen"), [("Class_Name", "Class_Name"), ("LANDCOVER", "LANDCOVER"), ("Label", "Label"), ("Xyz", "Code")]
)
def test_the_likeliest_text_is_the_name(name, chosen):
    """With no usual name, the first texts count."""
    columns = [Column("VALUE", False, "", ["1"]), Column("Code", True, "", ["W"]), Column(name, True, "", ["Water"])]
    assert names_in(columns) == {1: "W" if chosen == "Code" else "Water"}


def test_esris_table(tmp_path):
    path = dbf(tmp_path / "a.vat.dbf", [("Value", "N", 9), ("Count", "N", 12), ("Class_Name", "C", 20)],
               [(1, 4000, "Water"), (2, 30, "Trees"), (7, 1, "gone"), (9, 2, "Forêt")], deleted=[2])  # fmt: skip
    assert names_in(columns_of_dbf(path)) == {1: "Water", 2: "Trees", 9: "Forêt"}


def test_esris_table_in_an_old_code_page(tmp_path):
    path = dbf(tmp_path / "a.vat.dbf", [("VALUE", "F", 19), ("Name", "C", 10)], [("1.000", "Forêt".encode("cp1252"))])
    assert names_in(columns_of_dbf(path)) == {1: "Forêt"}


@pytest.mark.parametrize("content", [b"", b"x" * 64, b"\xff" * 500, b"\x03" + b"\0" * 200])
def test_what_is_no_table(tmp_path, content):
    path = tmp_path / "a.vat.dbf"
    path.write_bytes(content)
    assert names_in(columns_of_dbf(path)) == {}
    assert columns_of_dbf(tmp_path / "none.dbf") == []
