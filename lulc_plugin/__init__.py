# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine; QGIS starts in algorithms/bridge/plugin.py."""

from . import telemetry

telemetry.switch_off()  # here, so that no part of the engine can load onnxruntime before it
