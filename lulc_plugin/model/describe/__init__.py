# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe a bare network from what a person says about it and what its graph shows."""

from . import probe
from .graph_signature import LARGEST_FILE, Port, Signature, open_session, signature_of

__all__ = [
    "LARGEST_FILE",
    "Port",
    "Signature",
    "open_session",
    "probe",
    "signature_of",
]
