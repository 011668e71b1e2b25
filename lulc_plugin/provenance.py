# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance of an output: versions and digests in its metadata, so that a map can be explained years later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .environment import packages

#: Metadata keys have this prefix.
PREFIX = "LULC_"
_LONGEST = 4000
#: Characters of JSON in a tag; what is longer is left out, for half of it is of no use.
_LONGEST_JSON = 1_000_000
#: Bytes of data of which a digest covers all; of more data it covers blocks.
_WHOLE = 64 << 20
_BLOCK = 64 << 10
_BLOCKS = 256


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in groups of eight hexadecimal digits joined by dashes."""
    import hashlib  # slow, and this module is imported when QGIS starts

    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return _grouped(digest.hexdigest())


def content_digest(content: bytes) -> str:
    """SHA-256 of some bytes, written as by `file_digest`."""
    import hashlib

    return _grouped(hashlib.sha256(content).hexdigest())


def data_digest(files: Iterable[Path]) -> str:
    """Total size and SHA-256 of data in some files, taken in this order; their names do not count.

    The digest covers the sizes of the files, and all of their bytes up to 64 MiB together. Of more data it covers 256
    blocks of 64 KiB, spread evenly from the first byte to the last, so that it takes no time to speak of.

    Raises:
        OSError: one of them cannot be read.
    """
    import hashlib

    sized = [(file, file.stat().st_size) for file in files]
    total = sum(size for _, size in sized)
    digest = hashlib.sha256(" ".join(str(size) for _, size in sized).encode("ascii"))
    if total <= _WHOLE:
        wanted = [(0, total)]
    else:
        wanted = [(i * (total - _BLOCK) // (_BLOCKS - 1), _BLOCK) for i in range(_BLOCKS)]
    for start, length in wanted:
        for block in _bytes_of(sized, start, length):
            digest.update(block)
    return f"{total} bytes {_grouped(digest.hexdigest())}"


def _bytes_of(sized: Sequence[tuple[Path, int]], start: int, length: int) -> Iterator[bytes]:
    """`length` bytes from `start` of files that are read as if they were one."""
    begin = 0
    for file, size in sized:
        first, last = max(start, begin), min(start + length, begin + size)
        if first < last:
            with file.open("rb") as stream:
                stream.seek(first - begin)
                left = last - first
                while left > 0:
                    block = stream.read(min(left, 1 << 20))
                    if not block:
                        break  # it was cut off meanwhile, which the run finds by its size
                    left -= len(block)
                    yield block
        begin += size


def _grouped(digest: str) -> str:
    return "-".join(digest[i : i + 8] for i in range(0, len(digest), 8))


def plugin_version() -> str:
    """Version of this program, from metadata.txt beside the package or from the installed wheel."""
    metadata = Path(__file__).resolve().parent.parent / "metadata.txt"
    if os.path.isfile(metadata):
        for line in metadata.read_text(encoding="utf-8").splitlines():
            if line.startswith("version="):
                return line.partition("=")[2].strip()
    return packages.installed_version("landcover-classifier") or "unknown"


def versions() -> dict[str, str]:
    """Versions of this program and of what computes its results."""
    versions_of_packages = {name: packages.look_up(name).version or "missing" for name in packages.REQUIRED}
    return {"landcover_classifier": plugin_version(), **versions_of_packages}


def tags(facts: Mapping[str, Any]) -> dict[str, str]:
    """Metadata tags of `facts`: keys with the prefix in upper case, values as text or compact JSON."""
    out = {}
    for key, value in facts.items():
        if isinstance(value, str):
            out[PREFIX + key.upper()] = value[:_LONGEST]
        else:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            if len(text) <= _LONGEST_JSON:
                out[PREFIX + key.upper()] = text
    return out
