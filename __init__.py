# SPDX-License-Identifier: GPL-3.0-or-later
"""Land Cover Classifier, a QGIS plugin: QGIS calls `classFactory`, the rest is in algorithms/ and lulc_plugin/."""


def classFactory(iface):
    """Return the plugin; QGIS hands over its interface (None in `qgis_process`)."""
    from .algorithms.bridge.plugin import LandCoverPlugin

    return LandCoverPlugin(iface)
