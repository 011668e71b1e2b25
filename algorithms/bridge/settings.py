# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the user's own networks: a setting of QGIS, shown in its options."""

from __future__ import annotations

import os
from pathlib import Path

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtGui import QIcon

from ...lulc_plugin.errors import LulcError
from .translation import tr

#: Key in QGIS's settings; public, so that administrators can set it for everybody.
MODELS_FOLDER = "landcover_classifier/models_folder"
#: Environment variable that names the folder where the setting does not, as at a shell without QGIS.
VARIABLE = "LULC_MODELS"
_LONGEST_LIST = 500


def models_folder() -> Path:
    """The folder of the user's networks; it need not exist yet."""
    folder = str(QgsSettings().value(MODELS_FOLDER, "") or os.environ.get(VARIABLE, "")).strip()
    return Path(os.path.expanduser(folder)) if folder else default_models_folder()


def default_models_folder() -> Path:
    """Within the profile of QGIS, so that it survives a new version of the plugin."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "landcover_classifier" / "models"


def check_models_folder() -> None:
    """Whether the folder that somebody has set can be read.

    Raises:
        LulcError: it is not there, or no folder. The usual one need not exist.
    """
    folder = models_folder()
    if folder != default_models_folder() and not os.path.isdir(folder):
        raise LulcError(
            tr("The folder of your own networks, {folder}, cannot be found.").format(folder=folder),
            tr("Set it in Settings, Options, Processing, Providers, Land Cover Classifier."),
        )


def user_models() -> dict[str, Path]:
    """The user's networks by name, in alphabetical order. Only their names are looked at, which costs nothing."""
    try:
        networks = sorted(p for p in models_folder().glob("*.onnx") if not p.name.startswith("."))
    except OSError:
        return {}  # a folder that cannot be read has no networks; lulc:checkinstallation says why
    return {path.stem: path for path in networks[:_LONGEST_LIST]}


def show_in_options(group: str, icon: QIcon) -> None:
    """Put the folder into Settings, Options, Processing, Providers; nothing where Processing has no options.

    Args:
        group: name of the provider.
        icon: of the provider.
    """
    try:
        from processing.core.ProcessingConfig import ProcessingConfig, Setting
    except ImportError:  # a QGIS without the Processing plugin has no such page either
        return

    class FolderSetting(Setting):
        """A folder that need not exist yet, kept under our own key."""

        def __init__(self) -> None:
            super().__init__(
                group,
                MODELS_FOLDER,
                tr("Folder of your own networks (.onnx)"),
                "",
                valuetype=Setting.FOLDER,
                validator=_check_folder,
                placeholder=str(default_models_folder()),
            )
            self.qname = MODELS_FOLDER

    setting = FolderSetting()
    setting.read()
    ProcessingConfig.settingIcons[group] = icon
    ProcessingConfig.addSetting(setting)


def remove_from_options(group: str) -> None:
    """Take the folder out of the options again; its value stays."""
    try:
        from processing.core.ProcessingConfig import ProcessingConfig
    except ImportError:
        return
    ProcessingConfig.settings.pop(MODELS_FOLDER, None)
    ProcessingConfig.settingIcons.pop(group, None)


def _check_folder(value: str) -> None:
    """What QGIS calls when the options are accepted; it shows the text of a ValueError."""
    if value and os.path.exists(Path(value).expanduser()) and not os.path.isdir(Path(value).expanduser()):
        raise ValueError(tr("{path} is not a folder.").format(path=value))
