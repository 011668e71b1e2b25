# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files that are whole or not there. Standard library only: it has to work where packages are missing."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one go, under a temporary name beside it.

    Raises:
        OSError: it cannot be written; what was there before stays, and nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
