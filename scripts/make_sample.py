# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut the sample image that travels with the plugin (resources/sample) out of the data set `s2_l2a_12band`.

    PYTHONPATH=. .venv-engine/bin/python scripts/make_sample.py DATA_FOLDER [OUT.tif]

DATA_FOLDER holds `s2_l2a_12band` (training/DATA.md says where that comes from). Pixels are copied as they are; names,
wavelengths, scale and offset of the bands are added, so that Classify land cover needs no setting.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.windows import Window

CHECKOUT = Path(__file__).resolve().parents[1]
TARGET = CHECKOUT / "resources" / "sample" / "sentinel2-brazil.tif"
CHIP = "s2_l2a_12band/images/s2_100k_57755.tif"
#: The chip's upper rows, which hold all that it shows. Over the whole of it the bundled network is less sure than it
#: should be on a first example (bare red fields in the south are called shrub and grass).
ROWS = 160
#: band in the chip → common name, centre and width in nanometres (ESA's for Sentinel-2), colour
BANDS = {
    "B02": ("blue", 492, 66, ColorInterp.blue),
    "B03": ("green", 560, 36, ColorInterp.green),
    "B04": ("red", 665, 31, ColorInterp.red),
    "B08": ("nir", 833, 106, ColorInterp.undefined),
    "B11": ("swir16", 1614, 91, ColorInterp.undefined),
}
#: reflectance = stored · SCALE + OFFSET; the offset is that of all products since processing baseline 04.00
SCALE, OFFSET = 0.0001, -0.1
NODATA = 0
TAGS = {
    "TIFFTAG_IMAGEDESCRIPTION": "Sentinel-2 L2A, surface reflectance: shore of a reservoir and fields at the border of"
    " Sao Paulo and Parana, Brazil",
    "TIFFTAG_COPYRIGHT": "Contains modified Copernicus Sentinel data 2021-2023. From microsoft/satclip, Copyright (c)"
    " Microsoft Corporation, MIT License.",
    "SOURCE": "https://github.com/microsoft/satclip figures/ssl4eo/example/images/patch_57755.tif",
    "PLATFORM": "sentinel-2",
}


def make(chip: Path, target: Path) -> None:
    """Write the sample.

    Raises:
        ValueError: the chip has other bands, or uses the nodata value.
    """
    with rasterio.open(chip) as source:
        missing = [name for name in BANDS if name not in source.descriptions]
        if missing:
            raise ValueError(f"{chip} has no bands {', '.join(missing)}.")
        numbers = [source.descriptions.index(name) + 1 for name in BANDS]
        pixels = source.read(numbers, window=Window(0, 0, source.width, ROWS))
        grid = {"crs": source.crs, "transform": source.transform}
    if np.any(pixels == NODATA):
        raise ValueError(f"{chip} holds {NODATA}, which is to be nodata.")
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": "uint16", "nodata": NODATA}
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.tif"
        with rasterio.open(plain, "w", driver="GTiff", **shape, **grid) as written:
            written.write(pixels)
            written.update_tags(**TAGS)
            written.scales, written.offsets = (SCALE,) * count, (OFFSET,) * count
            written.colorinterp = [colour for *_, colour in BANDS.values()]
            for number, (name, (common, centre, fwhm, _)) in enumerate(BANDS.items(), start=1):
                written.set_band_description(number, common)
                # GDAL's own place for it, and the keys that older programs read
                written.update_tags(
                    number, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=f"{centre / 1000}", FWHM_UM=f"{fwhm / 1000}"
                )
                written.update_tags(
                    number, BANDNAME=name, wavelength=str(centre), fwhm=str(fwhm), wavelength_units="nm"
                )
        rasterio.shutil.copy(
            plain, target, driver="COG", compress="deflate", predictor="yes", level=9, blocksize=256, overviews="NONE"
        )


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("out", type=Path, nargs="?", default=TARGET)
    options = parser.parse_args()
    make(options.data / CHIP, options.out)
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
