# SPDX-License-Identifier: GPL-3.0-or-later
"""What pyproject.toml cannot say: the version comes from metadata.txt, models and legends travel inside the package."""

import configparser
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
BUNDLED = {"models": ROOT / "models", "legends": ROOT / "resources" / "legends"}


def version() -> str:
    """The version in metadata.txt, the only place that has one."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


class BuildWithModels(build_py):
    """Copies models/ and resources/legends/ to lulc_plugin/_bundled, where bundled.py looks in an installed wheel."""

    def run(self):
        """Build, then copy, replacing what an earlier build left."""
        super().run()
        if self.editable_mode:
            return  # the checkout itself has them
        target = Path(self.build_lib) / "lulc_plugin" / "_bundled"
        shutil.rmtree(target, ignore_errors=True)
        for name, folder in BUNDLED.items():
            if folder.is_dir():
                shutil.copytree(folder, target / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))


setup(version=version(), cmdclass={"build_py": BuildWithModels})
