# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits on the memory of networks: of those that are only tried, not run, and of what loading one computes.

The first are files from anywhere, opened to list or describe them.

Shapes tell what goes into a network, but not what it makes of it inside. onnxruntime gives all such memory out of one
arena; here it gets one that ends, so that a hostile file fails with an error instead of taking all memory.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...telemetry import import_onnxruntime

#: share of the computer's memory, and what is taken where nobody tells how much there is
_SHARE = 0.25
_UNKNOWN = 4 << 30
_LEAST = 1 << 30
#: Bytes of a constant that onnxruntime computes while it loads a network.
_LARGEST_CONSTANT = 64 << 20


def largest() -> int:
    """Bytes that a network may take while it is tried."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN  # Windows
    return max(_LEAST, int(memory * _SHARE))


@lru_cache(maxsize=1)
def registered() -> bool:
    """Whether the arena is there, made at the first call: sessions with `session.use_env_allocators` take it.

    False where this onnxruntime cannot, or somebody else in this process made one.
    """
    ort = import_onnxruntime()

    try:
        place = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
        # 1: grow by what is asked for, not by powers of two
        ort.create_and_register_allocator(place, ort.OrtArenaCfg({"max_mem": largest(), "arena_extend_strategy": 1}))
    except Exception:  # onnxruntime has no common base class for its errors
        return False
    return True


def limit_folding(options: Any, path: Path) -> None:
    """Keep onnxruntime from computing constants of gigabytes while it loads a network, out of a file of 200 bytes.

    A constant that is larger is computed anew in each run, with the same result. Releases of onnxruntime that do not
    know the setting pass over it.

    Args:
        options: of a session.
        path: the network; its own weights may be turned round, however large they are.
    """
    most = max(_LARGEST_CONSTANT, path.stat().st_size)
    options.add_session_config_entry("optimization.constant_folding_max_output_size_in_bytes", str(most))


def run_options() -> Any:
    """Options of a try: the arena gives its memory back afterwards, and an error is raised but not printed."""
    ort = import_onnxruntime()

    options = ort.RunOptions()
    options.log_severity_level = 4
    if registered():
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
