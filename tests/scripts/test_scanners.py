# SPDX-License-Identifier: GPL-3.0-or-later
"""Bandit and detect-secrets, as the plugin site runs them: nothing in the zip, of any severity."""

import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))

import package
from shipping import scanners
from shipping.refusal import PackageError


def test_they_find_what_they_should(tmp_path: Path) -> None:
    """Without this, a scanner that looks at nothing would pass everything."""
    folder = tmp_path / "landcover_classifier"
    folder.mkdir()
    (folder / "low.py").write_text("import os\nassert os\n")
    (folder / "broken.py").write_text("def (:\n")
    (folder / "silenced.py").write_text("import subprocess  # nosec\n")
    (folder / "card.json").write_text('{"sha256": "' + "3b722bf4470144b6691bf720bac08f47" + '"}\n')
    (folder / "notes.md").write_text("key AKIA" + "Q7ZXM4TRVB2K" + "LWPD\n")
    found = scanners.findings(tmp_path)
    expected = {
        "landcover_classifier/low.py:2: B101": "(low)",
        "landcover_classifier/broken.py: not read by Bandit": "",
        "landcover_classifier/silenced.py:1: a finding is silenced": "nosec",
        "landcover_classifier/card.json:1: ": "Hex High Entropy String",
        "landcover_classifier/notes.md:1: ": "AWS Access Key",
    }
    for start, end in expected.items():
        assert any(text.startswith(start) and end in text for text in found), (start, found)
    assert len(found) == len(expected), found


def test_a_scanner_that_is_not_there_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanners.sys, "executable", "/bin/false")
    with pytest.raises(PackageError, match="bandit does not run"):
        scanners.findings(tmp_path)


def test_nothing_in_our_zip(tmp_path: Path) -> None:
    assert scanners.findings_in_zip(package.build(CHECKOUT, tmp_path)) == []
