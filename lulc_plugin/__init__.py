# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine; QGIS starts in algorithms/bridge/plugin.py."""
