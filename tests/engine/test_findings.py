# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as they are collected, and as lines and plain objects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lulc_plugin
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.findings import (
    ERROR,
    INSTALLATION_WORDS,
    LEVELS,
    NOTE,
    PASS,
    TITLES,
    WARNING,
    WORDS,
    Finding,
    Findings,
    Refused,
    count,
)


def test_findings_are_kept_in_order_and_decisions_apart():
    findings = Findings()
    findings.passed("layer.crs", "30 m.")
    findings.log("Model: a")
    findings.warn("layer.rim", "5 % are 0.", "Mark them.")
    findings.note("values.range", "any.")
    findings.refuse("extent.place", LulcError("outside by 3 m.", "Choose another."))
    assert [(f.id, f.level) for f in findings] == [
        ("layer.crs", PASS), ("layer.rim", WARNING), ("values.range", NOTE), ("extent.place", ERROR)
    ]  # fmt: skip
    assert findings.decisions == ["Model: a"]
    assert findings.warnings == ("5 % are 0. Mark them.",)
    assert [str(e) for e in findings.errors] == ["outside by 3 m. Choose another."]
    assert [count(tuple(findings), level) for level in LEVELS] == [1, 1, 1, 1]


def test_a_block_that_refuses_ends_the_looking_with_its_finding():
    findings = Findings()
    with pytest.raises(Refused), findings.refusing("windows.size"):
        raise LulcError("A window of 8 pixels.", "Larger.")
    (finding,) = findings
    assert finding == Finding("windows.size", ERROR, "Windows", "A window of 8 pixels.", "Larger.")
    with pytest.raises(CancelledError), findings.refusing("windows.size"):
        raise CancelledError
    with pytest.raises(ZeroDivisionError), findings.refusing("windows.size"):
        1 / 0  # noqa: B018
    assert len(list(findings)) == 1


def test_lines_and_plain_objects():
    finding = Finding("packages.numpy", PASS, "numpy", "2.0 in /a/\udc81")
    assert finding.line(INSTALLATION_WORDS) == "OK    numpy: 2.0 in /a/?"
    assert finding.line() == "PASS  numpy: 2.0 in /a/?"
    assert finding.topic == "packages"
    assert Finding("a.b", ERROR, "t", "x.", "y.").line() == "FAIL  t: x. y."
    assert list(finding.to_json()) == ["id", "level", "title", "text", "remedy"]
    assert set(WORDS) == set(INSTALLATION_WORDS) == set(LEVELS)


def test_ids_are_words_and_every_one_of_them_is_used():
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+", id) for id in TITLES)
    assert len(set(TITLES.values())) == len(TITLES)
    rooms = (Path(lulc_plugin.__file__).parent / "classify").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in rooms)
    for id in TITLES:
        # those of the layer and of its part in the extent are made alike
        either = "{topic}." + id.partition(".")[2]
        assert f'"{id}"' in text or f'"{either}"' in text, id
