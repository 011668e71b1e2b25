# SPDX-License-Identifier: GPL-3.0-or-later
"""`scripts/release`: refuses whatever does not agree, with both sides named; builds the rest and uploads nothing."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "scripts"), str(Path(__file__).parent)]

from package_tree import change, plant
from shipping import release

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@maps.org", "-c", "commit.gpgsign=false"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *who, "-C", str(root), *words], capture_output=True, text=True, check=True,
        env={**clean, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
    )  # fmt: skip
    return done.stdout.strip()


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", "state")


def repository(root: Path) -> Path:
    (root / ".gitignore").write_text("__pycache__/\n.cache/\n.hidden\n.venv/\n/dist/\n/build/\n")
    git(root, "init", "-q")
    commit(root)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout that could be released as 1.2.3."""
    return repository(plant(tmp_path / "checkout"))


def refused(root: Path, capsys: pytest.CaptureFixture, *words: str) -> str:
    """What is said when a release is refused."""
    assert release.main([*words, "--root", str(root)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Not released:\n")
    assert not (root / "dist").exists()
    return said


def test_nothing_disagrees(tree: Path) -> None:
    assert list(release.disagreements(tree, "1.2.3")) == []
    assert release.asked_version(tree, "v1.2.3") == release.asked_version(tree, "1.2.3") == "1.2.3"


def test_the_version_comes_from_the_tag(tree: Path, capsys: pytest.CaptureFixture) -> None:
    said = refused(tree, capsys)
    assert "This commit has no tag of a version: say which version, such as scripts/release 1.2.3" in said
    git(tree, "tag", "v1.2.3")
    git(tree, "tag", "nightly")
    assert release.asked_version(tree, None) == "1.2.3"
    assert list(release.disagreements(tree, "1.2.3")) == []
    git(tree, "tag", "1.2.4")
    assert "the tags 1.2.3, 1.2.4" in refused(tree, capsys)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("metadata.txt", "version=1.2.3", "version=1.2.2", ["the release is 1.2.3, metadata.txt says 1.2.2"]),
        ("CHANGELOG.md", "[1.2.3]", "[1.2.5]", ["the release is 1.2.3, the newest section of CHANGELOG.md is 1.2.5"]),
        ("CHANGELOG.md", "2026-01-31", "unreleased", ["1.2.3", '"unreleased" instead of a date']),
        ("CHANGELOG.md", "2026-01-31", "31 Jan", ["1.2.3", '"31 Jan" instead of a date']),
        ("CHANGELOG.md", "2026-01-31", "2026-02-31", ["1.2.3 is dated 2026-02-31, today is "]),
        ("CHANGELOG.md", "2026-01-31", "2999-01-31", ["1.2.3 is dated 2999-01-31, today is "]),
        ("CHANGELOG.md", "2026-01-31", "2026-01-30", ["CITATION.cff says 2026-01-31, CHANGELOG.md says 2026-01-30"]),
        ("CHANGELOG.md", "## [1.2.3]", "## [Unreleased]\n- More\n\n## [1.2.3]", ["unreleased entries above 1.2.3"]),
        ("CITATION.cff", "version: 1.2.3", "version: 1.2.1", ["CITATION.cff says version 1.2.1", "1.2.3"]),
        ("CITATION.cff", "date-released: 2026-01-31\n", "", ["no date-released", "2026-01-31"]),
        (
            "metadata.txt",
            "https://maps.org/issues",
            "https://example.org/issues",
            ["tracker=https://example.org/issues"],
        ),
        ("metadata.txt", "people@maps.org", "people@example.com", ["email=people@example.com is no real address"]),
    ],
)
def test_disagreements(
    tree: Path, capsys: pytest.CaptureFixture, name: str, old: str, new: str, words: list[str]
) -> None:
    change(tree / name, old, new)
    commit(tree)
    said = refused(tree, capsys, "1.2.3")
    assert all(word in said for word in words), said


def test_another_version_is_asked_for(tree: Path, capsys: pytest.CaptureFixture) -> None:
    git(tree, "tag", "v1.2.3")
    said = refused(tree, capsys, "1.3.0")
    assert "the release is 1.3.0, metadata.txt says 1.2.3" in said
    assert "the release is 1.3.0, the newest section of CHANGELOG.md is 1.2.3" in said
    assert "the release is 1.3.0, the tag on this commit says 1.2.3" in said


def test_the_tag_is_on_another_commit(tree: Path, capsys: pytest.CaptureFixture) -> None:
    git(tree, "tag", "-a", "v1.2.3", "-m", "annotated")
    first = git(tree, "rev-parse", "HEAD")
    (tree / "README.md").write_text("# Read more")
    commit(tree)
    second = git(tree, "rev-parse", "HEAD")
    assert f"the tag of 1.2.3 is on {first}, checked out is {second}" in refused(tree, capsys, "1.2.3")


def test_the_work_tree_is_not_clean(tree: Path, capsys: pytest.CaptureFixture) -> None:
    (tree / "README.md").write_text("# Read more")
    (tree / "stray.txt").write_text("x")
    # ignored by git and nevertheless in the zip
    (tree / "models" / "secret.json").write_text("{}")
    (tree / ".git" / "info" / "exclude").write_text("secret.json\n")
    said = refused(tree, capsys, "1.2.3")
    assert "not clean" in said and "README.md, models/secret.json, stray.txt (3 in all)" in said


def test_not_a_checkout(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    said = refused(plant(tmp_path / "folder"), capsys, "1.2.3")
    assert "not a git repository" in said


def test_a_failed_check_of_the_package(tree: Path, capsys: pytest.CaptureFixture) -> None:
    (tree / "lulc_plugin" / "bad.py").write_text("import pickle\n")
    commit(tree)
    assert "lulc_plugin/bad.py:1: imports pickle" in refused(tree, capsys, "1.2.3")
    # a rehearsal forgives what a release decides, not what the plugin site would block
    assert "imports pickle" in refused(tree, capsys, "1.2.3", "--rehearsal")


def test_what_only_the_scanners_know_leaves_no_zip(tree: Path, capsys: pytest.CaptureFixture) -> None:
    (tree / "docs" / "accuracy.md").write_text("key AKIA" + "Q7ZXM4TRVB2K" + "LWPD\n")
    commit(tree)
    assert release.main(["1.2.3", "--root", str(tree)]) == 1
    said = capsys.readouterr().err
    assert "landcover_classifier/docs/accuracy.md:1: AWS Access Key" in said
    assert not list((tree / "dist").iterdir())


@pytest.fixture
def whole(tree: Path) -> Path:
    """The checkout with the scripts in it."""
    shutil.copytree(CHECKOUT / "scripts", tree / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    commit(tree)
    return tree


def start(root: Path, *words: str) -> subprocess.CompletedProcess:
    """The program itself, from another folder."""
    return subprocess.run(
        [root / "scripts" / "release", *words], cwd="/", env={**os.environ, "PYTHON": sys.executable},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_release(whole: Path) -> None:
    done = start(whole, "1.2.3")
    assert done.returncode == 0, done.stderr
    names = ["landcover_classifier-1.2.3" + end for end in ("-py3-none-any.whl", ".tar.gz", ".zip")]
    assert sorted(path.name for path in (whole / "dist").iterdir()) == names
    for path in (whole / "dist").iterdir():
        assert f"{hashlib.sha256(path.read_bytes()).hexdigest()}  dist/{path.name}" in done.stdout
    for step in ("git tag -a v1.2.3", "plugins.qgis.org", "twine upload", "announcement"):
        assert step in done.stdout
    assert git(whole, "status", "--porcelain") == "" and git(whole, "tag") == ""


def test_a_release_of_the_tag(whole: Path) -> None:
    git(whole, "tag", "v1.2.3")
    done = start(whole)
    assert done.returncode == 0, done.stderr
    assert "git push origin v1.2.3" in done.stdout and "git tag" not in done.stdout


def test_a_rehearsal(whole: Path) -> None:
    change(whole / "metadata.txt", "maps.org/code", "example.org/code")
    change(whole / "CHANGELOG.md", "2026-01-31", "unreleased")
    change(whole / "CITATION.cff", "date-released: 2026-01-31\n", "")
    done = start(whole, "--rehearsal")
    assert done.returncode == 0, done.stderr
    assert "A REHEARSAL: do not publish" in done.stdout and "twine" not in done.stdout
    assert 'says "unreleased" instead of a date' in done.stdout
    assert "repository=https://example.org/code is no real address" in done.stdout
    assert "CHANGELOG.md, CITATION.cff, metadata.txt (3 in all)" in done.stdout
    assert len(list((whole / "build" / "rehearsal").iterdir())) == 3
    assert not (whole / "dist").exists()


def test_without_the_environment(whole: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    done = subprocess.run([whole / "scripts" / "release"], env=clean, capture_output=True, text=True)
    assert done.returncode == 127 and "make setup" in done.stderr
