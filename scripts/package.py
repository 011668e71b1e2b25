# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the zip that QGIS installs: exactly what the plugin needs, checked, and the same bytes each time.

    python scripts/package.py [--root CHECKOUT] [--out FOLDER]

The checks are those of the plugin site as far as they can be made without installing anything (metadata, size, what
Bandit and detect-secrets refuse), that the Python is not newer than the oldest that QGIS 3.22 brings, and that the code
is written for QGIS 3.22 and QGIS 4 alike. `scripts/release` asks Bandit and detect-secrets themselves as well.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from shipping import changelog, citation, digests, metadata, python
from shipping.archive import LARGEST, NAME, write_zip
from shipping.contents import not_in_git, shipped_files
from shipping.refusal import PackageError


def objections(root: Path, files: Sequence[Path]) -> list[str]:
    """Everything that the plugin site, an old QGIS or a new one would refuse."""
    found = metadata.objections(root, files)
    version = metadata.version(root)
    section = changelog.section(root, version)
    found += citation.objections(root, version, section.date if section else None)
    for path in files:
        if path.suffix == ".py":
            found += [f"{path}:{text}" for text in python.objections((root / path).read_text(encoding="utf-8"))]
        if path.suffix in digests.SUFFIXES:
            found += [f"{path}:{text}" for text in digests.objections((root / path).read_text(encoding="utf-8"))]
    return found


def build(root: Path, out: Path) -> Path:
    """Check and build `NAME-VERSION.zip` in `out`.

    Raises:
        PackageError: a check failed; no zip is left.
    """
    target = out / f"{NAME}-{metadata.version(root)}.zip"
    target.unlink(missing_ok=True)
    files = shipped_files(root)
    wrong = objections(root, files)
    if wrong:
        raise PackageError("\n".join(wrong))
    write_zip(root, files, target)
    size = target.stat().st_size
    if size > LARGEST:
        target.unlink()
        raise PackageError(f"The zip has {size:,} bytes; the plugin site takes {LARGEST:,}.")
    return target


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--out", type=Path, help="default: dist in the checkout")
    options = parser.parse_args(arguments)
    try:
        target = build(options.root, options.out or options.root / "dist")
    except PackageError as error:
        print(f"Not packaged:\n{error}", file=sys.stderr)
        return 1
    with zipfile.ZipFile(target) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)
    for name in not_in_git(options.root, shipped_files(options.root)):
        print(f"Note: {name} is in the zip and not in git.")
    for text in metadata.placeholders(options.root):
        print(f"Note: {text.splitlines()[0]} is no real address; the plugin site will refuse it.")
    for entry in entries[:8]:
        print(f"{entry.compress_size:>12,}  {entry.filename}")
    print(f"{target.stat().st_size:>12,}  {target}  ({len(entries)} files, at most {LARGEST:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
