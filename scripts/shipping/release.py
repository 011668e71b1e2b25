# SPDX-License-Identifier: GPL-3.0-or-later
"""Build what a release publishes, after everything about it has been found to agree. Uploads nothing.

scripts/release                  the version whose tag is on this commit
scripts/release 0.1.0            that version; the tag comes afterwards
scripts/release --rehearsal      build and scan everything into build/rehearsal, and list what a release would be
                                 refused for
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import package

from . import changelog, citation, contents, metadata, repository, scanners, wheel
from .refusal import PackageError

RULE = "=" * 78
MOST_NAMES = 5


def asked_version(root: Path, argument: str | None) -> str:
    """The version to release: what was said, or the tag on this commit.

    Raises:
        PackageError: neither, or several tags.
    """
    if argument:
        return argument[1:] if argument.startswith("v") else argument
    tagged = repository.versions_tagged_here(root)
    if len(tagged) == 1:
        return tagged[0]
    found = f"the tags {', '.join(tagged)}" if tagged else "no tag of a version"
    raise PackageError(f"This commit has {found}: say which version, such as scripts/release {metadata.version(root)}")


def disagreements(root: Path, version: str) -> Iterator[str]:
    """Everything that does not agree about the release of `version`; both sides are named."""
    said = metadata.version(root)
    if said != version:
        yield f"the release is {version}, metadata.txt says {said}"
    yield from _history(root, version)
    for other in repository.versions_tagged_here(root):
        if other != version:
            yield f"the release is {version}, the tag on this commit says {other}"
    tagged, here = repository.tagged_commit(root, version), repository.commit(root)
    if tagged not in (None, here):
        yield f"the tag of {version} is on {tagged}, checked out is {here}"
    strangers = {*repository.unclean(root), *contents.not_in_git(root, contents.shipped_files(root))}
    if strangers:
        some = ", ".join(sorted(strangers)[:MOST_NAMES]) + (", ..." if len(strangers) > MOST_NAMES else "")
        yield f"the work tree is not clean; not as in the commit: {some} ({len(strangers)} in all)"
    for text in metadata.placeholders(root):
        yield f"metadata.txt: {text.splitlines()[0]} is no real address, and the plugin site would refuse it"


def _history(root: Path, version: str) -> Iterator[str]:
    known = changelog.sections(root)
    if known[0].version.lower() == changelog.UNRELEASED:
        if known[0].text:
            yield f"CHANGELOG.md has unreleased entries above {version}: move them into its section"
        known = known[1:]
    newest = known[0].version if known else "no version"
    if newest != version:
        yield f"the release is {version}, the newest section of CHANGELOG.md is {newest}"
    section = changelog.section(root, version)
    if section is None:
        return
    if section.date is None:
        yield f'CHANGELOG.md: the section of {version} says "{section.when}" instead of a date (YYYY-MM-DD)'
    elif not _is_day_so_far(section.date):
        yield f"CHANGELOG.md: {version} is dated {section.date}, today is {_today()}"
    if not section.text:
        yield f"CHANGELOG.md: the section of {version} is empty"
    yield from citation.objections(root, version, section.date)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()


def _is_day_so_far(text: str) -> bool:
    try:
        # a day ahead: it may be tomorrow already where the release is made
        return datetime.date.fromisoformat(text) <= _today() + datetime.timedelta(days=1)
    except ValueError:
        return False


def build(root: Path, out: Path) -> list[Path]:
    """Zip, source distribution and wheel in `out`; the zip has been scanned.

    Raises:
        PackageError: a check failed; nothing of this release is left in `out`.
    """
    made: list[Path] = []
    try:
        archive = package.build(root, out)
        made.append(archive)
        print(f"Bandit and detect-secrets look at {archive.name} ...", flush=True)
        found = scanners.findings_in_zip(archive)
        if found:
            raise PackageError("The plugin site would block this zip:\n" + "\n".join(found))
        made += wheel.build(root, out)
    except PackageError:
        for path in made:
            path.unlink()
        raise
    return made


def digest(path: Path) -> str:
    """SHA-256, as `sha256sum` prints it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def next_steps(root: Path, version: str, made: Sequence[Path]) -> str:
    """What is left to be done by a person."""
    archive, *packages = (path.name for path in made)
    tag = f"v{version}"
    tagging = f'git tag -a {tag} -m "Land Cover Classifier {version}" && '
    if repository.tagged_commit(root, version):
        tagging = ""
    return f"""Next, by hand:
1. Install {archive} in QGIS (Plugins, Install from ZIP), make a map, look at it.
2. {tagging}git push origin {tag}
3. https://plugins.qgis.org: Upload a plugin, {archive}; read its security scan before it is approved.
4. PyPI: python -m twine check {" ".join(packages)}, then twine upload.
5. Put the SHA-256 sums above and the section of CHANGELOG.md into the release's page; attach the files.
6. Tell the users: the announcement says what changed for them, and that names of algorithms and parameters stayed.
7. Begin the next version: metadata.txt (version, changelog), CITATION.cff (version, without date-released), and a new
   section in CHANGELOG.md."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/release", description=str(__doc__).splitlines()[0])
    parser.add_argument("version", nargs="?", help="default: the tag on this commit")
    parser.add_argument("--rehearsal", action="store_true", help="build all the same, into build/rehearsal")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    out = root / "build" / "rehearsal" if options.rehearsal else root / "dist"
    try:
        said = options.version or (metadata.version(root) if options.rehearsal else None)
        version = asked_version(root, said)
        wrong = list(disagreements(root, version))
        if wrong and not options.rehearsal:
            raise PackageError("\n".join(wrong))
        made = build(root, out)
    except PackageError as error:
        print(f"Not released:\n{error}", file=sys.stderr)
        return 1
    print()
    for path in made:
        print(f"{digest(path)}  {path.relative_to(root)}  ({path.stat().st_size:,} bytes)")
    if options.rehearsal:
        print(f"\n{RULE}\nA REHEARSAL: do not publish these files. A release of {version} would be refused for")
        print("\n".join(f"- {text}" for text in wrong) if wrong else "nothing: run it without --rehearsal.")
        print(RULE)
    else:
        print(f"\n{next_steps(root, version, made)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
