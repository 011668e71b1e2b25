# SPDX-License-Identifier: GPL-3.0-or-later
"""Bandit and detect-secrets over the unpacked zip, with their default settings, as the plugin site runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from .refusal import PackageError

_PATIENCE = 300  # seconds
#: Comments that hide a finding; the site counts them.
_SILENCERS = ("# nosec", "pragma: allowlist secret", "pragma: whitelist secret")


def findings_in_zip(archive: Path) -> list[str]:
    """What the scanners find in a zip; the site blocks a version for any of it.

    Raises:
        PackageError: a scanner does not run.
    """
    with tempfile.TemporaryDirectory() as work:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(work)
        return findings(Path(work))


def findings(folder: Path) -> list[str]:
    """`file:line: what`, of any severity; paths are relative to `folder`.

    Raises:
        PackageError: a scanner does not run.
    """
    return [*_bandit(folder), *_secrets(folder), *_silenced(folder)]


def _bandit(folder: Path) -> list[str]:
    said = _json(folder, "bandit", "-r", "-q", "-f", "json", "--exit-zero", ".")
    found = [
        f"{_short(issue['filename'])}:{issue['line_number']}: {issue['test_id']} {issue['issue_text']}"
        f" ({issue['issue_severity'].lower()})"
        for issue in said["results"]
    ]
    return found + [f"{_short(error['filename'])}: not read by Bandit: {error['reason']}" for error in said["errors"]]


def _secrets(folder: Path) -> list[str]:
    said = _json(folder, "detect_secrets", "scan", "--all-files", ".")
    return [
        f"{_short(name)}:{secret['line_number']}: {secret['type']}"
        for name, secrets in said["results"].items()
        for secret in secrets
    ]


def _silenced(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            for words in _SILENCERS:
                if words.encode() in line:
                    found.append(f"{path.relative_to(folder)}:{number}: a finding is silenced ({words})")
    return found


def _short(name: str) -> str:
    return name[2:] if name.startswith("./") else name


def _json(folder: Path, module: str, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=folder, capture_output=True, text=True, timeout=_PATIENCE
    )
    if done.returncode:
        raise PackageError(f"{module} does not run ({done.stderr.strip()[-300:]}): run make setup")
    return json.loads(done.stdout)
