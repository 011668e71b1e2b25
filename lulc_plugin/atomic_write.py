# SPDX-License-Identifier: GPL-3.0-or-later
"""Small files that are whole or not there. Standard library only: it has to work where packages are missing."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from .errors import FileNotWritten


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


def write_report(path: Path, data: bytes) -> None:
    """Write a report in one go: whole, or not at all.

    Raises:
        LulcError: it cannot be written; what was there before stays.
    """
    try:
        write_whole(Path(path), data)
    except OSError as error:
        raise FileNotWritten(
            f"The report {path} cannot be written: {error.strerror or error}.",
            "Close it elsewhere, or choose another place.",
        ) from error
