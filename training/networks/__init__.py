# SPDX-License-Identifier: GPL-3.0-or-later
"""Every architecture of the bench behind one interface: `build(settings, channels, classes)`."""

from __future__ import annotations

from .named_weights import is_name, published
from .network import Network
from .network_settings import NetworkSettings, build
from .pretrained import Loaded, load_pretrained

__all__ = ["Loaded", "Network", "NetworkSettings", "build", "is_name", "load_pretrained", "published"]
