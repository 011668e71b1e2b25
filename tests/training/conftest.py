# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the bench share. Each file skips itself, saying so, where PyTorch is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded source of chance."""
    return np.random.default_rng(7)


@pytest.fixture
def made_up(tmp_path: Path, rng: np.random.Generator) -> Path:
    """A data folder in the layout of the real one, with three tiny sets of noise."""
    rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed")

    def write(path: Path, values: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        count, height, width = values.shape
        profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype}
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(values)

    hls, india, oscd = (tmp_path / s for s in ("hls7_worldcover", "s2_india_rgbn", "s2_l1c_oscd"))
    rows = ["file,group,ground_tile,split"]
    for i in range(6):
        write(hls / "images" / f"h{i}.tif", rng.integers(0, 3000, (7, 128, 128)).astype(np.int16))
        labels = np.stack([rng.integers(0, 7, (128, 128))] * 3).astype(np.uint8)
        write(hls / "labels" / f"h{i}.tif", labels)
        rows.append(f"h{i}.tif,g{i // 2},t{i},{('train', 'train', 'val')[i // 2]}")
    (hls / "split.csv").write_text("\n".join(rows))
    rows = ["file,group,split,row_offset_10m,col_offset_10m"]
    for i in range(3):
        write(india / "images" / f"i{i}.tif", rng.integers(0, 256, (4, 150, 140)).astype(np.uint8))
        write(india / "labels" / f"i{i}.tif", rng.integers(0, 4, (1, 150, 140)).astype(np.uint8))
        rows.append(f"i{i}.tif,p{i},{('train', 'train', 'val')[i]},0,0")
    (india / "split.csv").write_text("\n".join(rows))
    write(oscd / "images" / "o0.tif", rng.integers(300, 3000, (12, 101, 99)).astype(np.uint16))
    (oscd / "split.csv").write_text("file,place,group,split,plus1000_offset\no0.tif,x,x,train,yes")
    return tmp_path
