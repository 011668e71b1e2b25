# SPDX-License-Identifier: GPL-3.0-or-later
"""Land Cover Classifier, a QGIS plugin: QGIS calls `classFactory`, the rest is in algorithms/ and lulc_plugin/."""

from typing import Any


def classFactory(iface: Any) -> Any:
    """Return the plugin; QGIS hands over its interface (None in `qgis_process`)."""
    from .algorithms.bridge.plugin import LandCoverPlugin

    return LandCoverPlugin(iface)
