# SPDX-License-Identifier: GPL-3.0-or-later
"""Many scenes in one process: what memory, files and threads are left after each.

    python tests/faults/soak.py SCENES [SEED]

Each scene has a place and pixels of its own; every fifth run is cancelled, every seventh meets a scene that is refused.
Printed are the megabytes (resident, and on the heap), open files and threads after each tenth scene; the last line is a
JSON object with those after the tenth and after the last. Linux only (/proc).
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from lulc_plugin.classify import ClassifyJob, classify
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput


class _Impatient(Progress):
    """Cancels once some percent are done."""

    @property
    def cancelled(self) -> bool:
        return self.percent > 20


def scene(folder: Path, number: int, rng: np.random.Generator) -> Path:
    """A scene of 300 × 300 pixels somewhere else each time."""
    path = folder / f"scene{number}.tif"
    profile = {"driver": "GTiff", "count": 4, "height": 300, "width": 300, "dtype": "uint16", "crs": "EPSG:32723"}
    grid = from_origin(500_000 + 3000 * number, 7_400_000, 10, 10)
    with rasterio.open(path, "w", transform=grid, **profile) as made:
        made.write(rng.integers(100, 4000, (4, 300, 300)).astype(np.uint16))
        made.descriptions = ("red", "green", "blue", "nir")
    return path


class _Mallinfo(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def state() -> dict[str, float]:
    """What the process holds: megabytes in use, those and what malloc keeps for later, open files, threads."""
    gc.collect()
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = _Mallinfo
    info = libc.mallinfo2()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "in_use": round((info.uordblks + info.hblkhd) / 2**20, 2),
        "resident": round(int(status["VmRSS"].split()[0]) / 1024, 1),
        "files": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def main(scenes: int, seed: int) -> None:
    """Classify so many scenes."""
    rng = np.random.default_rng(seed)
    states = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number in range(1, scenes + 1):
            path = scene(folder, number, rng)
            if number % 7 == 0:
                with rasterio.open(path, "r+") as opened:
                    opened.write(np.zeros((4, 300, 300), np.uint16))
                    opened.nodata = 0
            progress = _Impatient() if number % 5 == 0 else Progress()
            try:
                classify(ClassifyJob(layer=RasterInput(str(path)), threads=1), folder / f"map{number}.tif", progress)
            except (CancelledError, LulcError):
                pass
            for file in folder.iterdir():
                if not file.name.startswith("."):
                    file.unlink()
            states.append(state())
            if number % 10 == 0:
                print(number, states[-1], flush=True)
    print(json.dumps({"tenth": states[min(9, scenes - 1)], "last": states[-1]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
