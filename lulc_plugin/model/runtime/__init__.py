# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a network: sessions, devices, shapes, scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import onnx_file as onnx_file
    from .network import Network as Network

__getattr__, __all__ = lazy_exports(__name__, {"": ["onnx_file"], "network": ["Network"]})
