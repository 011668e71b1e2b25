# SPDX-License-Identifier: GPL-3.0-or-later
"""What scripts/qgis_matrix reads from a run of tests and writes about it; the runs themselves need root and hours."""

import importlib
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LOG = """
FAILED tests/qgis/test_a.py::test_b - assert 1 == 2
ERROR tests/qgis/test_c.py::test_d - RuntimeError
1 failed, 3 passed, 2 skipped, 1 error in 0.10s

Failed: tests/qgis, in QGIS
3 passed, 2 failed, 2 skipped
"""


@pytest.fixture
def load(monkeypatch):
    """`load("table")` → that module of the script."""
    monkeypatch.syspath_prepend(str(CHECKOUT / "scripts" / "qgis_matrix"))
    return importlib.import_module


@pytest.fixture
def table(load):
    return load("table")


def test_sums_and_failures(table):
    passed, failed, skipped, bad = table.read(LOG)
    assert (passed, failed, skipped) == (3, 2, 2)
    assert [line.split()[1] for line in bad] == ["tests/qgis/test_a.py::test_b", "tests/qgis/test_c.py::test_d"]


def test_tests_that_died_count_as_failed(table):
    passed, failed, skipped, bad = table.read("== tests/qgis, in QGIS\nFatal Python error: Segmentation fault\n")
    assert (passed, failed, skipped) == (0, 1, 0) and "without a summary" in bad[-1]


def test_green(table):
    assert table.Outcome("Debian 13", "qgis", passed=3, skipped=1).green
    assert not table.Outcome("Debian 13", "qgis", passed=3, failed=1).green
    assert not table.Outcome("Debian 13", "qgis").green  # nothing ran
    assert not table.Outcome("Debian 13", "qgis", not_available="no room").green


def test_table_and_readme(table):
    rows = table.markdown(
        [
            table.Outcome("Debian 13", "qgis", {"QGIS": "3.40.6", "Qt": None}, 3, 0, 1, 61.4),
            table.Outcome("Debian sid", "engine", not_available="no room"),
        ]
    ).splitlines()
    assert rows[2] == "| Debian 13 | in QGIS | 3.40.6 | – | – | – | – | – | – | 3 | 0 | 1 | 61 |"
    assert "not available: no room" in rows[3]
    assert len({row.count("|") for row in rows}) == 1
    text = "before\n<!-- matrix: how -->\nold\n<!-- end of matrix -->\nafter\n"
    once = table.into_readme(text, "2026-01-31", "\n".join(rows))
    assert "old" not in once and rows[2] in once and once.startswith("before\n") and once.endswith("\nafter\n")
    assert table.into_readme(once, "2026-01-31", "\n".join(rows)) == once
    with pytest.raises(ValueError, match="no single place"):
        table.into_readme("nothing marked", "2026-01-31", "")


def test_readme_has_the_place(table):
    assert table.PLACE.search((CHECKOUT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "sources, expected",
    [
        ("Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: x\n", "http://mirror.example/debian"),
        ("deb [signed-by=/k.gpg] http://old.example/debian x main\n", "http://old.example/debian"),
        ("", ""),
    ],
)
def test_mirror(load, monkeypatch, tmp_path, sources, expected):
    machine, generations = load("machine"), load("generations")
    path = tmp_path / "sources"
    path.write_text(sources)
    monkeypatch.setattr(machine, "SOURCES", (path,))
    monkeypatch.setattr(machine, "os_release", lambda: {"ID": "debian"})
    by_release = {generation.release: generation for generation in generations.GENERATIONS}
    assert machine.mirror(by_release["trixie"]) == expected
    assert machine.mirror(by_release["noble"]) == ""  # a Debian mirror does not have it


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_what_is_carried(load, tmp_path):
    """Files of git and new ones, not ignored nor removed ones; environments on the other side stay."""
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target / ".venv", target / "old"):
        folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(source)], check=True)
    for name in ("tracked", "removed", "new", "ignored", ".gitignore"):
        (source / name).write_text("ignored\n")
    subprocess.run(["git", "-C", str(source), "add", "tracked", "removed"], check=True)
    (source / "removed").unlink()
    (target / ".venv" / "python").write_text("")
    (target / "old" / "file").write_text("")
    assert load("checkout").carry(source, target) == 3
    found = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert found == [".gitignore", ".venv/python", "new", "tracked"]
