# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder in QGIS's profile into which Install dependencies puts packages."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from qgis.core import QgsApplication, QgsSettings

from ...lulc_plugin.environment import private_folder
from ...lulc_plugin.errors import LulcError


def parent() -> Path:
    """The folder that has one folder for each Python; it need not exist, and may begin with `~`."""
    variable = os.environ.get(private_folder.VARIABLE, "").strip()
    if variable:
        return Path(variable)
    return Path(QgsApplication.qgisSettingsDirPath()) / "python" / "landcover_classifier_packages"


def attach() -> None:
    """Let Python find what was installed there, after everything else.

    Raises:
        LulcError: the folder cannot be looked at.
    """
    private_folder.attach(private_folder.folder_in(parent()))


def detach() -> None:
    """The opposite of `attach`."""
    with suppress(LulcError):  # then nothing was attached either
        private_folder.detach(private_folder.folder_in(parent()))


def proxy() -> str:
    """The proxy that QGIS is set to use, as an address; empty when there is none, or one that pip does not know."""
    settings = QgsSettings()
    host = str(settings.value("proxy/proxyHost", "") or "").strip()
    kind = str(settings.value("proxy/proxyType", "") or "")
    wanted = settings.value("proxy/proxyEnabled", False, bool) and kind in ("HttpProxy", "HttpCachingProxy")
    if not wanted or not host:
        return ""
    port = str(settings.value("proxy/proxyPort", "") or "").strip()
    user = quote(str(settings.value("proxy/proxyUser", "") or ""), safe="")
    password = quote(str(settings.value("proxy/proxyPassword", "") or ""), safe="")
    who = f"{user}:{password}@" if user else ""
    return f"http://{who}{host}{':' + port if port else ''}"
