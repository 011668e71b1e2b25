# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters between QGIS and the engine; one file an algorithm, named as its id."""
