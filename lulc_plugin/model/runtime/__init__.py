# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a network: the file and its graph, execution providers, sessions, probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import memory_limit as memory_limit, onnx_file as onnx_file, providers as providers
    from .network import Network as Network
    from .onnx_file import (
        LARGEST_FILE as LARGEST_FILE,
        GraphSignature as GraphSignature,
        GraphTensor as GraphTensor,
        Session as Session,
        open_session as open_session,
        signature_of as signature_of,
    )

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "": ["memory_limit", "onnx_file", "providers"],
        "network": ["Network"],
        "onnx_file": ["LARGEST_FILE", "GraphSignature", "GraphTensor", "Session", "open_session", "signature_of"],
    },
)
