# SPDX-License-Identifier: GPL-3.0-or-later
"""Which provider really ran the operations of a network: read from onnxruntime's own profile of one run.

A session that lists a provider first may still run everything on the CPU; only the profile tells.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a profile, removed afterwards."""
    name = tempfile.mkdtemp(prefix="lulc-trial-")
    try:
        yield Path(name)
    finally:
        # an open profile cannot be removed under Windows, and is not worth an error
        shutil.rmtree(name, ignore_errors=True)


def nodes(profile: str) -> dict[str, int]:
    """Operations that each provider ran.

    Args:
        profile: path of the profile, as `end_profiling` returns it.

    Returns:
        name of a provider → number of its operations; empty where the profile cannot be read.
    """
    try:
        events = json.loads(Path(profile).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    seen: dict[str, set[str]] = {}
    for event in events if isinstance(events, list) else ():
        arguments = event.get("args") or {}
        if event.get("cat") == "Node" and arguments.get("provider"):
            seen.setdefault(str(arguments["provider"]), set()).add(str(event.get("name")))
    return {provider: len(names) for provider, names in seen.items()}
