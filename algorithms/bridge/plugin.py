# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin that QGIS starts: registers the provider of the algorithms, and removes it again."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsApplication

from ...lulc_plugin import bundled
from ...lulc_plugin.environment import packages
from ...lulc_plugin.errors import LulcError
from ...lulc_plugin.options import QGIS
from . import messagelog, privatepackages, settings
from .labelkeys import LabelKeys
from .provider import LulcProvider


class LandCoverPlugin:
    """The plugin; it has no windows of its own, everything is in the Processing Toolbox.

    Args:
        iface: QGIS's interface, None in `qgis_process`.
    """

    def __init__(self, iface: Any) -> None:
        self.iface = iface
        self.provider: LulcProvider | None = None
        self._has_window = False
        self._keys: LabelKeys | None = None

    def initProcessing(self) -> None:
        """Register the provider; `qgis_process` calls this one only."""
        if self.provider is None:
            self.provider = LulcProvider()
            self._attach_packages(self.provider.longName())
            QgsApplication.processingRegistry().addProvider(self.provider)

    @staticmethod
    def _attach_packages(title: str) -> None:
        """A folder of packages that cannot be read is worth a warning; the algorithms are there all the same."""
        try:
            privatepackages.attach()
        except LulcError as error:
            messagelog.point_at(f"{title}: {error.shown_at(QGIS)}")

    def initGui(self) -> None:
        """QGIS desktop has a window now."""
        self.initProcessing()
        if self.provider is not None:
            self._has_window = True
            settings.show_in_options(self.provider.name(), self.provider.icon())
            if self.iface is not None:
                self._keys = LabelKeys(self.iface)
            for finding in start_findings():
                messagelog.point_at(f"{self.provider.longName()}: {finding}")

    def unload(self) -> None:
        """Leave nothing behind."""
        if self._keys is not None:
            self._keys.remove()
            self._keys = None
        if self.provider is not None:
            if self._has_window:
                settings.remove_from_options(self.provider.name())
            QgsApplication.processingRegistry().removeProvider(self.provider)
            privatepackages.detach()
            self.provider = None


def start_findings() -> list[str]:
    """What somebody should know before the first run; cheap, since QGIS starts with it."""
    warnings = []
    for check in (packages.require_found, bundled.model_names, settings.check_models_folder):
        try:
            check()
        except LulcError as error:
            warnings.append(error.shown_at(QGIS))
    return warnings
