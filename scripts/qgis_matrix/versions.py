# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by the Python of a generation: print what it has, as one line of JSON."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version


def installed(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def gdal_of_rasterio():
    try:
        import rasterio
    except ImportError:
        return None
    return rasterio.__gdal_version__


found = {"Python": platform.python_version()}
found.update((package, installed(package)) for package in ("rasterio", "onnxruntime"))
try:
    from osgeo import gdal
    from qgis.core import Qgis
    from qgis.PyQt.QtCore import qVersion
except ImportError:
    found["GDAL"] = gdal_of_rasterio()
else:
    found.update(QGIS=Qgis.QGIS_VERSION.split("-")[0], Qt=qVersion(), GDAL=gdal.VersionInfo("RELEASE_NAME"))
found["numpy"] = __import__("numpy").__version__  # the one that is imported, not one of several installed
print(json.dumps(found))
