# SPDX-License-Identifier: GPL-3.0-or-later
"""metadata.txt: what QGIS's plugin manager and plugins.qgis.org read."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import changelog
from .refusal import PackageError

#: The site refuses a version without one of these, and QGIS shows no algorithms without the last.
REQUIRED = (
    "name qgisMinimumVersion description about version author email repository tracker"
    " qgisMaximumVersion homepage license category tags icon changelog hasProcessingProvider"
).split()
LINKS = ("repository", "tracker", "homepage")
MINIMUM, MAXIMUM = "3.22", "4.99"
CATEGORIES = ("Raster", "Vector", "Database", "Mesh", "Web")
#: The packages that a user may have to install.
DEPENDENCIES = ("rasterio", "onnxruntime")
DEAD_FLAGS = {"supportsQt6": "qgisMaximumVersion=4.99 says it"}
LONGEST_DESCRIPTION = 140  # signs; it is one line in the plugin manager
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_LINK = re.compile(r"https?://[\w.-]+\.[a-z]+(/\S*)?\Z")
#: Domains that nobody can own (RFC 2606).
_PLACEHOLDER = re.compile(r"\bexample\.(org|com|net)\b|\.(example|invalid|test)\b")


def read(root: Path) -> dict[str, str]:
    """The fields of metadata.txt, as QGIS reads them.

    Raises:
        PackageError: it cannot be read.
    """
    path = root / "metadata.txt"
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        return dict(parser["general"])
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
        raise PackageError(f"metadata.txt cannot be read: {error}") from error


def version(root: Path) -> str:
    """The version, in the only file that has it.

    Raises:
        PackageError: there is none.
    """
    try:
        return read(root)["version"]
    except KeyError as error:
        raise PackageError("metadata.txt has no version") from error


def objections(root: Path, files: Sequence[Path]) -> list[str]:
    """Everything that the plugin site, or the plugin manager, would stumble over."""
    fields = read(root)
    found = [f"{name} is missing or empty" for name in REQUIRED if not fields.get(name, "").strip()]
    for name, value in fields.items():
        if "%" in value:
            found.append(f"{name} has a %, which the plugin site takes for a reference to another field")
    for check in (_numbers, _addresses, _words, _flags):
        found += check(fields)
    found += _icon(fields, root, files)
    found += _history(fields, root)
    return [f"metadata.txt: {text}" for text in found]


def placeholders(root: Path) -> list[str]:
    """Fields with an address that cannot exist, as `name=value`."""
    return [f"{name}={value}" for name, value in read(root).items() if _PLACEHOLDER.search(value)]


def _numbers(fields: Mapping[str, str]) -> Iterator[str]:
    if not _VERSION.match(fields.get("version", "")):
        yield f"version is {fields.get('version')!r}; three numbers are wanted, such as 0.1.0"
    for name, wanted in (("qgisMinimumVersion", MINIMUM), ("qgisMaximumVersion", MAXIMUM)):
        if fields.get(name) != wanted:
            yield f"{name} is {fields.get(name)!r}; the code is made for {wanted}"


def _addresses(fields: Mapping[str, str]) -> Iterator[str]:
    if not _EMAIL.match(fields.get("email", "")):
        yield f"email is {fields.get('email')!r}, which is no address"
    for name in LINKS:
        if not _LINK.match(fields.get(name, "")):
            yield f"{name} is {fields.get(name)!r}, which is no http address"


def _words(fields: Mapping[str, str]) -> Iterator[str]:
    about = fields.get("about", "")
    for package in DEPENDENCIES:
        if package not in about:
            yield f"about does not name {package}, which a user may have to install"
    description = fields.get("description", "")
    if "\n" in description or len(description) > LONGEST_DESCRIPTION:
        yield f"description is longer than one line of {LONGEST_DESCRIPTION} signs"
    if fields.get("category") not in CATEGORIES:
        yield f"category is {fields.get('category')!r}; QGIS knows {', '.join(CATEGORIES)}"
    if "/" in fields.get("author", ""):
        yield "author has a slash, which the plugin site refuses"
    tags = [tag.strip() for tag in fields.get("tags", "").split(",")]
    if len(set(tags)) != len(tags) or "" in tags or any(tag != tag.lower() for tag in tags):
        yield "tags are to be lower-case words between commas, each once"


def _flags(fields: Mapping[str, str]) -> Iterator[str]:
    for name, reason in DEAD_FLAGS.items():
        if name in fields:
            yield f"{name} is a dead flag: {reason}"
    for name, wanted in (("hasProcessingProvider", "yes"), ("deprecated", "False"), ("server", "False")):
        if fields.get(name, wanted) != wanted:
            yield f"{name} is {fields[name]!r} instead of {wanted!r}"
    if fields.get("experimental", "False") not in ("True", "False"):
        yield f"experimental is {fields['experimental']!r}; True or False is wanted"


def _icon(fields: Mapping[str, str], root: Path, files: Sequence[Path]) -> Iterator[str]:
    icon = Path(fields.get("icon", ""))
    if icon not in files:
        yield f"icon {icon} is not in the zip"
        return
    content = (root / icon).read_bytes()
    looks = {".png": content.startswith(b"\x89PNG\r\n\x1a\n"), ".svg": b"<svg" in content[:1000]}
    if not looks.get(icon.suffix, False):
        yield f"icon {icon} is neither a PNG nor an SVG"


def _history(fields: Mapping[str, str], root: Path) -> Iterator[str]:
    """The changelog field is a selection from CHANGELOG.md's section of this version, word for word."""
    number = fields.get("version", "")
    known = changelog.section(root, number)
    if known is None:
        yield f"version is {number}, and CHANGELOG.md has only {', '.join(s.version for s in changelog.sections(root))}"
        return
    head, *items = [line.strip() for line in fields.get("changelog", "").splitlines() if line.strip()] or [""]
    if head != number:
        yield f"changelog begins with {head!r}; its first line is the version, {number}"
    if not items:
        yield f"changelog says nothing about {number}"
    history = changelog.plain(known.text)
    for item in items:
        if not item.startswith("- ") or changelog.plain(item) not in history:
            yield f"changelog: CHANGELOG.md does not say {item!r} about {number}"
