# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare digests: detect-secrets takes them for secrets."""

from __future__ import annotations

import re

SUFFIXES = (".json", ".py", ".model3", ".cff", ".md", ".txt", ".xml")
_HEX = re.compile(r"""["']([0-9a-fA-F]{32,})["']""")


def objections(text: str) -> list[str]:
    """What is wrong with a text file, as `line: text`."""
    lines = enumerate(text.splitlines(), start=1)
    return [f'{n}: a bare hex string counts as a secret; write "sha256:…"' for n, line in lines if _HEX.search(line)]
