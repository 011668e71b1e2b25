# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for common ground: by content, with offset and share; by georeference; none where there is none."""

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed; run make setup-training")
pytest.importorskip("rasterio", reason="rasterio is not installed")
ndimage = pytest.importorskip("scipy.ndimage", reason="scipy is not installed")

from rasterio.transform import Affine

from lulc_plugin.progress import Progress
from lulc_plugin.raster import open_dataset
from training.prepare.__main__ import main
from training.prepare.overlap import picture, shared_ground


def land(seed, height=420, width=420):
    """Something with fields, edges and texture, 0..255."""
    chance = np.random.default_rng(seed)
    fields = ndimage.zoom(chance.uniform(40, 200, (height // 12, width // 12)), 12, order=0)
    texture = ndimage.gaussian_filter(chance.normal(0, 30, fields.shape), 1.5)
    return (fields + texture).clip(0, 255)


def save(path, grey, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.stack([grey, 0.9 * grey, 0.8 * grey]).clip(0, 255).astype(np.uint8)
    driver = "JPEG" if path.suffix == ".jpg" else "GTiff"
    height, width = grey.shape
    with open_dataset(path, "w", driver=driver, count=3, height=height, width=width, dtype="uint8", **more) as dataset:
        dataset.write(values)
    return picture(path, path.name, path.stem, "")


def test_shared_ground_is_found_with_offset_and_share(tmp_path):
    ground = land(0)
    images = [
        save(tmp_path / "a.jpg", ground[:260, :240], QUALITY=80),
        save(tmp_path / "b.jpg", land(1)[:250, :250], QUALITY=80),
        # another day: darker, less contrast
        save(tmp_path / "c.jpg", 0.7 * ground[130:400, 101:330] + 20, QUALITY=80),
        save(tmp_path / "d.jpg", land(2)[:230, :300], QUALITY=80),
    ]
    grounds = shared_ground(images, Progress())
    assert [(g.first, g.second, g.shift, g.how) for g in grounds] == [(0, 2, (130, 101), "content")]
    assert grounds[0].pixels == 130 * 139
    assert grounds[0].share_first == pytest.approx(130 * 139 / (260 * 240)) and grounds[0].likeness > 0.8


def test_images_of_one_place_are_not_compared(tmp_path):
    ground = land(0)
    a = save(tmp_path / "a.tif", ground[:200, :200])
    b = save(tmp_path / "b.tif", ground[50:250, 50:250])
    assert len(shared_ground([a, b], Progress())) == 1
    same = [type(a)(**{**vars(p), "place": "x"}) for p in (a, b)]
    assert shared_ground(same, Progress()) == []


def test_plain_and_tiny_images_are_no_trouble(tmp_path):
    images = [
        save(tmp_path / "plain.tif", np.full((100, 100), 80.0)),
        save(tmp_path / "black.tif", np.zeros((100, 100))),
        save(tmp_path / "tiny.tif", land(0)[:20, :20]),
    ]
    assert shared_ground(images, Progress()) == []


def test_georeference_counts_before_content(tmp_path):
    def at(col, row, pixel=10.0):
        return {"crs": "EPSG:32633", "transform": Affine(pixel, 0, 500_000 + 10 * col, 0, -pixel, 5_000_000 - 10 * row)}

    same = land(0)[:200, :200]
    images = [
        save(tmp_path / "a.tif", same, **at(0, 0)),
        save(tmp_path / "b.tif", land(1)[:200, :200], **at(150, 40)),
        save(tmp_path / "far.tif", same, **at(9000, 0)),
        save(tmp_path / "coarse.tif", land(2)[:50, :50], **at(-300, -300, 40.0)),
        save(tmp_path / "beside.tif", land(3)[:200, :200], **at(0, 200)),
    ]
    grounds = {(images[g.first].place, images[g.second].place): g for g in shared_ground(images, Progress())}
    # 150 columns to the right and 40 rows down: 160 rows and 50 columns in common
    assert grounds[("a", "b")].shift == (40, 150) and grounds[("a", "b")].pixels == 160 * 50
    assert grounds[("b", "beside")].pixels == 40 * 50 and set(grounds) == {("a", "b"), ("b", "beside")}
    coarse = save(tmp_path / "coarse2.tif", land(2)[:50, :50], **at(100, 100, 40.0))
    ground = shared_ground([images[0], coarse], Progress())[0]
    assert ground.shift is None and ground.pixels == 100 * 100 and ground.share_second == pytest.approx(1 / 4)


def made_set(folder, splits):
    ground = land(5)
    save(folder / "images" / "a.tif", ground[:200, :200])
    save(folder / "images" / "b.tif", ground[120:320, 90:290])
    save(folder / "images" / "c.tif", land(6)[:200, :200])
    rows = [f"{name}.tif,{name},{split}" for name, split in zip("abc", splits)]
    (folder / "split.csv").write_text("\n".join(["file,place,split", *rows]))
    (folder / "set.toml").write_text(
        'name = "s"\nplace = "place"\nvalues = "picture"\nbands = ["red", "green", "blue"]\n'
    )
    return folder


def test_command_tells_leaks_from_harmless_overlap(tmp_path, capsys):
    assert main(["overlap", str(made_set(tmp_path / "bad", ("train", "test", "test")))]) == 1
    out = capsys.readouterr().out
    assert "LEAK: a.tif (a, train) and b.tif (b, test)" in out and "pixel (r-120, c-90) of the second" in out
    assert main(["overlap", str(made_set(tmp_path / "good", ("train", "train", "test")))]) == 0
    assert "within one split" in capsys.readouterr().out
