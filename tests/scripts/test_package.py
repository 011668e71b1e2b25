# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's zip: what is in it, what is refused, and that it is the same each time."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "scripts"), str(Path(__file__).parent)]

import package
from package_tree import plant
from shipping import digests
from shipping.contents import copy_sources, shipped_files
from shipping.refusal import PackageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return plant(tmp_path / "checkout")


def test_contents(tree: Path, tmp_path: Path) -> None:
    target = package.build(tree, tmp_path / "dist")
    assert target.name == "landcover_classifier-1.2.3.zip"
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
    inside = {name.partition("/")[2] for name in names}
    assert {name.partition("/")[0] for name in names} == {"landcover_classifier"}
    assert {"metadata.txt", "__init__.py", "LICENSE", "NOTICE", "README.md", "SECURITY.md"} <= inside
    assert {"models/net-v1.onnx", "models/net-v1.json", "lulc_plugin/report/page.html"} <= inside
    assert "resources/sample/place.tif" in inside
    assert not [n for n in inside if n.startswith(("tests", "training", ".")) or "__pycache__" in n or "/." in n]


def test_same_bytes_whenever_and_wherever(tree: Path, tmp_path: Path) -> None:
    first = package.build(tree, tmp_path / "a").read_bytes()
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (tree / "__init__.py").chmod(0o755)
    assert package.build(tree, tmp_path / "b").read_bytes() == first


def test_too_large_leaves_no_zip(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGEST", 500)
    with pytest.raises(PackageError, match="500"):
        package.build(tree, tmp_path / "dist")
    assert not list((tmp_path / "dist").iterdir())


def test_missing_and_unexpected_files_are_named(tree: Path, tmp_path: Path) -> None:
    (tree / "LICENSE").unlink()
    (tree / "models" / "net-v1.onnx").unlink()
    (tree / "models" / "run.sh").write_text("rm")
    (tree / "models" / "scene.tif").write_text("pixels")
    (tree / "models" / "link.json").symlink_to(tree / "metadata.txt")
    with pytest.raises(PackageError) as caught:
        package.build(tree, tmp_path / "dist")
    assert "LICENSE is missing" in str(caught.value)
    assert "models/ has no network" in str(caught.value)
    assert "run.sh is of an unexpected type" in str(caught.value)
    assert "link.json is a link" in str(caught.value)
    assert "models/scene.tif is a raster outside of resources/sample" in str(caught.value)


@pytest.mark.parametrize("number", [0, 2])
def test_one_sample(tree: Path, tmp_path: Path, number: int) -> None:
    (tree / "resources" / "sample" / "place.tif").unlink()
    for place in range(number):
        (tree / "resources" / "sample" / f"{place}.tif").write_text("pixels")
    with pytest.raises(PackageError, match=f"has {number} rasters; the zip carries 1"):
        package.build(tree, tmp_path / "dist")


def test_python_is_looked_at(tree: Path, tmp_path: Path) -> None:
    (tree / "lulc_plugin" / "bad.py").write_text("import os\nassert os\n")
    (tree / "algorithms" / "bad.py").write_text("from PyQt5.QtCore import Qt\n")
    with pytest.raises(PackageError) as caught:
        package.build(tree, tmp_path / "dist")
    assert "lulc_plugin/bad.py:2: assert" in str(caught.value)
    assert "algorithms/bad.py:1: imports PyQt5" in str(caught.value)
    assert not list(tmp_path.glob("dist/*"))


@pytest.mark.parametrize("name", ["models/net-v1.json", "docs/accuracy.md", "lulc_plugin/report/digest.py"])
def test_bare_digests_are_refused(tree: Path, tmp_path: Path, name: str) -> None:
    (tree / name).write_text("x = {'sha256': '" + "0123456789abcdef" * 4 + "'}\n")
    with pytest.raises(PackageError, match=f"{name}:1: .*secret"):
        package.build(tree, tmp_path / "dist")


def test_marked_digests_are_not() -> None:
    assert digests.objections("'sha256:" + "0123456789abcdef" * 4 + "'") == []


def test_sources_are_those_of_the_zip_and_what_builds_the_wheel(tree: Path, tmp_path: Path) -> None:
    copy_sources(tree, tmp_path / "copy")
    copied = {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert copied == {*shipped_files(tree), Path("setup.py"), Path("pyproject.toml"), Path("MANIFEST.in")}
    (tree / "setup.py").unlink()
    with pytest.raises(PackageError, match="setup.py is missing"):
        copy_sources(tree, tmp_path / "another")


def test_this_checkout_can_be_packaged_by_any_python(tmp_path: Path) -> None:
    script = CHECKOUT / "scripts" / "package.py"
    # -S: without the installed packages
    done = subprocess.run([sys.executable, "-S", script, "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (target,) = tmp_path.iterdir()
    assert str(target) in done.stdout
