# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the zip: a list of what is expected, so that nothing gets in by chance."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .refusal import PackageError

SINGLE_FILES = "metadata.txt __init__.py LICENSE NOTICE README.md CHANGELOG.md CITATION.cff SECURITY.md".split()
FOLDERS = ("lulc_plugin", "algorithms", "models", "resources", "docs")
#: Needed to build the wheel, not in the zip.
BUILD_FILES = ("setup.py", "pyproject.toml", "MANIFEST.in")
#: Made by scripts/make_guide.py, so in the zip and not in git.
GUIDE = "docs/*.html"
#: What may lie in the folders; anything else is a mistake until it is added here.
SUFFIXES = frozenset(
    ".css .csv .gpkg .html .j2 .jpg .json .md .model3 .onnx .png .py .qm .qml .svg .tif .ts .txt .typed .xml".split()
)
#: The one place for rasters, and how many belong there.
SAMPLES = Path("resources/sample")
NUMBER_OF_SAMPLES = 1


def shipped_files(root: Path) -> list[Path]:
    """Everything that goes into the zip, relative to `root`, sorted.

    Raises:
        PackageError: a needed file is missing, or one lies there that nobody expects.
    """
    wrong = [f"{name} is missing" for name in SINGLE_FILES if not (root / name).is_file()]
    found = [Path(name) for name in SINGLE_FILES]
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            wrong.append(f"{folder}/ is missing")
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root)
            if "__pycache__" in inside.parts or any(part.startswith(".") for part in inside.parts) or path.is_dir():
                continue
            if path.is_symlink():
                wrong.append(f"{inside} is a link")
            elif path.suffix not in SUFFIXES:
                wrong.append(f"{inside} is of an unexpected type")
            found.append(inside)
    rasters = [path for path in found if path.suffix == ".tif"]
    wrong += [f"{path} is a raster outside of {SAMPLES}" for path in rasters if path.parent != SAMPLES]
    samples = [path for path in rasters if path.parent == SAMPLES]
    if len(samples) != NUMBER_OF_SAMPLES:
        wrong.append(f"{SAMPLES} has {len(samples)} rasters; the zip carries {NUMBER_OF_SAMPLES}")
    if not any(path.suffix == ".onnx" and path.parent == Path("models") for path in found):
        wrong.append("models/ has no network (*.onnx)")
    unmade = [path for path in found if path.match("docs/*.md") and not (root / path).with_suffix(".html").is_file()]
    wrong += [f"{path.with_suffix('.html')} is missing: run make guide" for path in unmade]
    if wrong:
        raise PackageError("\n".join(wrong))
    return sorted(found, key=lambda path: path.as_posix())


def not_in_git(root: Path, files: Sequence[Path]) -> list[str]:
    """Those of `files` that git does not know, the guide's pages apart; none where there is no git."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--others", "--", *SINGLE_FILES, *FOLDERS]
    try:
        others = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return []
    shipped = {path.as_posix() for path in files}
    return [name for name in others if name in shipped and not Path(name).match(GUIDE)]


def copy_sources(root: Path, target: Path) -> None:
    """What zip and wheel are made of, and nothing that an earlier build left, into the new folder `target`.

    Raises:
        PackageError: as `shipped_files`; a file that builds the wheel is missing.
    """
    missing = [name for name in BUILD_FILES if not (root / name).is_file()]
    if missing:
        raise PackageError(f"{', '.join(missing)} is missing")
    for path in [*shipped_files(root), *map(Path, BUILD_FILES)]:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
