# SPDX-License-Identifier: GPL-3.0-or-later
"""metadata.txt, CHANGELOG.md and CITATION.cff: complete, true, and of one mind."""

import datetime
import sys
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "scripts"), str(Path(__file__).parent)]

from package_tree import change, plant
from shipping import changelog, citation, metadata
from shipping.contents import shipped_files
from shipping.refusal import PackageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return plant(tmp_path / "checkout")


def objections(root: Path) -> list[str]:
    return metadata.objections(root, shipped_files(root))


def test_a_complete_one(tree: Path) -> None:
    assert objections(tree) == []
    assert metadata.version(tree) == "1.2.3"
    assert metadata.placeholders(tree) == []


@pytest.mark.parametrize("name", metadata.REQUIRED)
def test_a_field_is_missing_or_empty(tree: Path, name: str) -> None:
    path = tree / "metadata.txt"
    whole = path.read_text()
    change(path, f"\n{name}=", f"\nno{name}=")
    assert f"metadata.txt: {name} is missing or empty" in objections(tree)
    path.write_text(whole)
    value = metadata.read(tree)[name].splitlines()
    change(path, f"\n{name}=" + "\n    ".join(value), f"\n{name}=")
    assert f"metadata.txt: {name} is missing or empty" in objections(tree)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version=1.2.3\n", "version=1.2\n", "version is '1.2'; three numbers"),
        ("qgisMinimumVersion=3.22", "qgisMinimumVersion=3.4", "qgisMinimumVersion is '3.4'; the code is made for 3.22"),
        ("qgisMaximumVersion=4.99", "qgisMaximumVersion=3.99", "'3.99'; the code is made for 4.99"),
        ("people@maps.org", "people at maps", "email is 'people at maps', which is no address"),
        ("tracker=https://maps.org/issues", "tracker=maps/issues", "tracker is 'maps/issues', which is no http"),
        ("rasterio", "rasters", "about does not name rasterio"),
        ("onnxruntime", "onnx", "about does not name onnxruntime"),
        ("description=Maps", "description=" + "Maps " * 40, "description is longer"),
        ("description=Maps", "description=100 % Maps", "description has a %"),
        ("category=Raster", "category=Rasters", "category is 'Rasters'; QGIS knows Raster"),
        ("author=Some people", "author=Some/people", "slash"),
        ("tags=land cover,raster", "tags=Land cover,raster", "lower-case"),
        ("tags=land cover,raster", "tags=raster,raster", "each once"),
        ("category=", "supportsQt6=True\ncategory=", "supportsQt6 is a dead flag"),
        ("category=", "deprecated=True\ncategory=", "deprecated is 'True' instead of 'False'"),
        ("category=", "experimental=maybe\ncategory=", "experimental is 'maybe'"),
        ("hasProcessingProvider=yes", "hasProcessingProvider=no", "hasProcessingProvider is 'no'"),
        ("landcover.svg", "lost.svg", "icon resources/icons/lost.svg is not in the zip"),
        ("resources/icons/landcover.svg", "docs/accuracy.md", "neither a PNG nor an SVG"),
        ("changelog=1.2.3", "changelog=1.2.2", "changelog begins with '1.2.2'; its first line is the version, 1.2.3"),
        ("    - Maps are better: by far\n", "", "changelog says nothing about 1.2.3"),
        ("    - Maps are better", "    - Maps are worse", "does not say '- Maps are worse: by far' about 1.2.3"),
        ("    - Maps are better: by far", "    - The first one.", "does not say '- The first one.' about 1.2.3"),
        ("    - Maps are", "    Maps are", "does not say 'Maps are better: by far'"),
        ("version=1.2.3", "version=1.2.4", "version is 1.2.4, and CHANGELOG.md has only 1.2.3, 1.2.2"),
    ],
)
def test_refused(tree: Path, old: str, new: str, words: str) -> None:
    change(tree / "metadata.txt", old, new)
    found = objections(tree)
    assert any(words in text for text in found), found
    assert all(text.startswith("metadata.txt: ") for text in found)


def test_an_icon_is_looked_into(tree: Path) -> None:
    (tree / "resources/icons/landcover.svg").write_text("a picture")
    assert objections(tree) == ["metadata.txt: icon resources/icons/landcover.svg is neither a PNG nor an SVG"]


@pytest.mark.parametrize("text", ["no section", "[other]\na=b", "[general]\nname=a\nname=b"])
def test_what_cannot_be_read(tree: Path, text: str) -> None:
    (tree / "metadata.txt").write_text(text)
    with pytest.raises(PackageError, match=r"metadata\.txt cannot be read"):
        metadata.read(tree)


@pytest.mark.parametrize("address", ["https://example.org/x", "https://maps.example.com", "https://maps.invalid/"])
def test_addresses_that_cannot_exist(tree: Path, address: str) -> None:
    change(tree / "metadata.txt", "repository=https://maps.org/code", f"repository={address}")
    assert metadata.placeholders(tree) == [f"repository={address}"]


def test_sections_of_the_changelog(tree: Path) -> None:
    first, second = changelog.sections(tree)
    assert (first.version, first.date, second.version) == ("1.2.3", "2026-01-31", "1.2.2")
    assert second.text == "- The first one."
    assert changelog.plain(first.text) == "### Added Maps are better: by far. And more."
    change(tree / "CHANGELOG.md", "2026-01-31", "unreleased")
    assert changelog.sections(tree)[0].date is None
    (tree / "CHANGELOG.md").write_text("# Nothing")
    with pytest.raises(PackageError, match="no section"):
        changelog.sections(tree)


def test_the_citation_agrees(tree: Path) -> None:
    assert citation.objections(tree, "1.2.3", "2026-01-31") == []
    (found,) = citation.objections(tree, "1.2.4", "2026-01-31")
    assert "1.2.3" in found and "1.2.4" in found
    (found,) = citation.objections(tree, "1.2.3", "2026-02-01")
    assert "2026-01-31" in found and "2026-02-01" in found
    (found,) = citation.objections(tree, "1.2.3", None)
    assert "2026-01-31" in found and "unreleased" in found
    change(tree / "CITATION.cff", "date-released: 2026-01-31\n", "")
    assert citation.objections(tree, "1.2.3", None) == []
    change(tree / "CITATION.cff", "title:", "heading:")
    change(tree / "CITATION.cff", "1.2.0", "1.1.0")
    assert len(citation.objections(tree, "1.2.3", None)) == 2


def test_our_citation_is_a_citation_file() -> None:
    """What the schema of CFF 1.2.0 asks for, read as YAML and not by our own few lines."""
    data = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    assert data["cff-version"] == "1.2.0" and data["type"] in ("software", "dataset")
    assert data["message"] and data["title"] and data["license"] == "GPL-3.0-or-later"
    assert data["authors"] and all(author.get("name") or author.get("family-names") for author in data["authors"])
    assert data["keywords"] and all(isinstance(word, str) for word in data["keywords"])
    assert str(data["version"]) == metadata.version(CHECKOUT)
    assert isinstance(data.get("date-released", datetime.date.today()), datetime.date)
    known = set("cff-version type message title abstract authors keywords license version date-released url".split())
    assert set(data) <= known | {"repository-code", "contact", "doi", "references", "preferred-citation"}
    read = citation.fields(CHECKOUT)
    assert all(read[name] == str(data[name]) for name in citation.REQUIRED)


def test_our_metadata_and_the_package_say_the_same() -> None:
    assert objections(CHECKOUT) == []
    fields = metadata.read(CHECKOUT)
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'license = "{fields["license"]}"' in project
    assert all(f'"{name}>=' in project for name in metadata.DEPENDENCIES)
    assert citation.fields(CHECKOUT)["license"] == fields["license"]
