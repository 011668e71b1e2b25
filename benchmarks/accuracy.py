# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: an accuracy report takes at most 1.5 times as long as reading both files, and no longer than OTB or GRASS.

    PYTHONPATH=. .venv-engine/bin/python benchmarks/accuracy.py [--size 20000] [--repeat 5] [--kinds tiled,plain]

Makes a map and a reference (uint8, patches with noise, nodata in both, one class that the reference lacks), stored in
tiles with deflate and plain in strips. Then, in turn, as often as asked: reads both files with rasterio (one thread,
the same windows), runs the whole command, OTB's ComputeConfusionMatrix and GRASS's r.kappa. All are processes of their
own; files are in the system's cache. Prints medians and ratios as markdown, and whether the matrices agree.
`make bench-accuracy` installs OTB and GRASS first; what is not installed is left out and said so.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

MAP_NODATA, REFERENCE_NODATA = 0, 255
ONLY_IN_MAP = 9
KINDS = {
    "tiled": {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"},
    "plain": {},
}
CHECKOUT = Path(__file__).resolve().parents[1]


# ---------------------------------------------------------------- the files


def make(folder: Path, kind: str, size: int) -> tuple[Path, Path]:
    """A map of classes 1 to 9 and a reference of classes 1 to 8 that agrees with it on most pixels."""
    paths = folder / f"map_{kind}.tif", folder / f"reference_{kind}.tif"
    random = np.random.default_rng(7)
    patches = random.integers(1, ONLY_IN_MAP + 1, (size // 25 + 2, size // 25 + 2)).astype(np.uint8)
    profile = {
        "driver": "GTiff", "height": size, "width": size, "count": 1, "dtype": "uint8", "crs": "EPSG:32632",
        "transform": from_origin(4e5, 5.4e6, 10, 10), **KINDS[kind],
    }  # fmt: skip
    with rasterio.open(paths[0], "w", nodata=MAP_NODATA, **profile) as out_map:
        with rasterio.open(paths[1], "w", nodata=REFERENCE_NODATA, **profile) as out_reference:
            for row in range(0, size, 512):
                rows = np.arange(row, min(row + 512, size))
                wave = (12 * np.sin(rows / 90)[:, None] + 9 * np.cos(np.arange(size) / 70)[None, :]).astype(int) + 25
                truth = patches[
                    (rows[:, None] + wave) // 25 % len(patches), (np.arange(size)[None, :] + wave) // 25 % len(patches)
                ]
                noise = random.random(truth.shape, np.float32)
                mapped = np.where(noise < 0.08, random.integers(1, 10, truth.shape, np.uint8), truth)
                mapped[
                    (rows[:, None] - size / 2) ** 2 + (np.arange(size)[None, :] - size / 2) ** 2 > (0.68 * size) ** 2
                ] = MAP_NODATA
                known = np.where(truth == ONLY_IN_MAP, 1, truth)
                known[noise > 0.97] = REFERENCE_NODATA
                window = Window(0, row, size, len(rows))
                out_map.write(mapped, 1, window=window)
                out_reference.write(known, 1, window=window)
    return paths


# ---------------------------------------------------------------- who is measured


def read(map_path: str, reference_path: str) -> None:
    """Read both files in the windows of the accuracy report; a process of its own prints the seconds of the loop."""
    from lulc_plugin.assess import RasterInput, RasterOnMap, blocks

    with RasterOnMap(RasterInput(map_path)) as first:
        with RasterOnMap(RasterInput(reference_path), first.facts) as second:
            regions = list(blocks([first, second], first.facts))
    with rasterio.open(map_path) as a, rasterio.open(reference_path) as b:
        started = time.perf_counter()
        for r in regions:
            window = Window(r.col0, r.row0, r.width, r.height)
            a.read(1, window=window)
            b.read(1, window=window)
        print(time.perf_counter() - started)


def count(map_path: str, reference_path: str) -> None:
    """Open both files and count; a process of its own prints the seconds."""
    from lulc_plugin.assess import RasterInput, RasterOnMap, cross
    from lulc_plugin.progress import Progress
    from lulc_plugin.raster import pixel_areas

    started = time.perf_counter()
    with RasterOnMap(RasterInput(map_path)) as first:
        f = first.facts
        with RasterOnMap(RasterInput(reference_path), f) as second:
            cross([first, second], f, pixel_areas(f.grid), Progress())
    print(time.perf_counter() - started)


def run(*arguments: str, **options) -> str:
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def timed(*arguments: str, **options) -> float:
    started = time.perf_counter()
    run(*arguments, **options)
    return time.perf_counter() - started


class Ours:
    """The whole command, files and all."""

    name = "lulc assess (the whole command)"

    def __init__(self, folder: Path, map_path: Path, reference_path: Path) -> None:
        self.json = folder / "ours.json"
        outputs = [f"--{kind}={folder / f'ours.{kind}'}" for kind in ("html", "csv", "json")]
        self.command = [sys.executable, "-m", "lulc_plugin", "assess", map_path, reference_path, *outputs]

    def seconds(self) -> float:
        return timed(*self.command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})

    def matrix(self) -> dict[tuple[int, int], int]:
        return find_matrix(json.loads(self.json.read_text()))


def find_matrix(said: dict) -> dict[tuple[int, int], int]:
    """(map value, reference value) → pixels, out of the report's JSON."""
    values = [c["value"] for c in said["classes"]]
    return {(m, r): n for m, row in zip(values, said["counts"]) for r, n in zip(values, row) if n}


class Otb:
    """OTB's ComputeConfusionMatrix; rows of its file are the reference.

    The file has map classes that the reference lacks; the accuracy and kappa that it prints leave them out.
    """

    name = "OTB ComputeConfusionMatrix"
    binary = "otbcli_ComputeConfusionMatrix"

    def __init__(self, folder: Path, map_path: Path, reference_path: Path) -> None:
        self.out = folder / "otb.csv"
        self.command = [
            self.binary, "-in", map_path, "-out", self.out, "-ref", "raster", "-ref.raster.in", reference_path,
            "-ref.raster.nodata", str(REFERENCE_NODATA), "-nodatalabel", str(MAP_NODATA), "-format", "confusionmatrix",
        ]  # fmt: skip

    def seconds(self) -> float:
        return timed(*self.command)

    def matrix(self) -> dict[tuple[int, int], int]:
        rows = list(csv.reader(self.out.read_text().splitlines()))
        reference = [int(v) for v in rows[0][0].split(":")[1].split(",")] if len(rows[0]) == 1 else [
            int(v) for v in [rows[0][0].split(":")[1], *rows[0][1:]]]  # fmt: skip
        mapped = [int(v) for v in [rows[1][0].split(":")[1], *rows[1][1:]]]
        return {(m, r): int(n) for r, row in zip(reference, rows[2:]) for m, n in zip(mapped, row) if int(n)}


class Grass:
    """GRASS r.kappa in a temporary location; `linked` reads the files through GDAL, otherwise they are imported."""

    binary = "grass"

    def __init__(self, folder: Path, map_path: Path, reference_path: Path, linked: bool) -> None:
        self.name = (
            "GRASS r.kappa, files linked (r.external)" if linked else "GRASS r.kappa, imported before (r.in.gdal)"
        )
        place = folder / f"grass_{'linked' if linked else 'imported'}"
        shutil.rmtree(place, ignore_errors=True)
        run(self.binary, "-c", map_path, "-e", place)
        base = run(self.binary, "--config", "path").strip()
        rc = folder / f"{place.name}.rc"
        rc.write_text(f"GISDBASE: {place.parent}\nLOCATION_NAME: {place.name}\nMAPSET: PERMANENT\nGUI: text\n")
        self.environment = {
            **os.environ, "GISBASE": base, "GISRC": str(rc), "GRASS_VERBOSE": "0",
            "PATH": f"{base}/bin:{base}/scripts:{os.environ['PATH']}", "LD_LIBRARY_PATH": f"{base}/lib",
        }  # fmt: skip
        command = "r.external" if linked else "r.in.gdal"
        self.preparation = sum(
            timed(command, f"input={path}", f"output={name}", env=self.environment)
            for path, name in ((map_path, "map"), (reference_path, "reference"))
        )
        self._out = folder / f"{place.name}.txt"
        run("g.region", "raster=map", env=self.environment)

    def seconds(self) -> float:
        command = ["r.kappa", "-wm", "--overwrite", "classification=map", "reference=reference", f"output={self._out}"]
        return timed(*command, env=self.environment)

    def matrix(self) -> dict[tuple[int, int], int]:
        """Rows of r.kappa's table are the classification, columns the reference."""
        table = [line.split("\t") for line in self._out.read_text().splitlines() if "\t" in line]
        columns: list[int] = []
        out: dict[tuple[int, int], int] = {}
        for cells in table:
            cells = [c.strip() for c in cells]
            if cells[0] == "cat#":
                columns = [int(c) for c in cells[1:] if c.isdigit()]
            elif cells[0].isdigit() and columns:
                out.update({(int(cells[0]), r): int(n) for r, n in zip(columns, cells[1:]) if n.isdigit() and int(n)})
        return out


# ---------------------------------------------------------------- the table


def compare(mine: dict[tuple[int, int], int], theirs: dict[tuple[int, int], int]) -> str:
    """Whether two matrices agree over the classes of which both count at least one pixel."""
    rows = {m for m, _ in mine} & {m for m, _ in theirs}
    columns = {r for _, r in mine} & {r for _, r in theirs}
    cut = [{k: n for k, n in x.items() if k[0] in rows and k[1] in columns} for x in (mine, theirs)]
    if not cut[0]:
        return "no class in common"
    same = (
        "equal"
        if cut[0] == cut[1]
        else f"DIFFERENT in {sum(cut[0].get(k) != cut[1].get(k) for k in {*cut[0], *cut[1]})} cells"
    )
    left_out = sorted({m for m, _ in mine} - rows)
    return f"{same}, {sum(cut[0].values()):,} pixels" + (f" (it drops map class {left_out})" if left_out else "")


def measure(folder: Path, kind: str, size: int, repeat: int, others: set[str]) -> None:
    """Make the files, run everything in turn, print one table."""
    map_path, reference_path = make(folder, kind, size)
    ours = Ours(folder, map_path, reference_path)
    rivals: list = []
    if "otb" in others and shutil.which(Otb.binary):
        rivals.append(Otb(folder, map_path, reference_path))
    if "grass" in others and shutil.which(Grass.binary):
        rivals += [Grass(folder, map_path, reference_path, linked) for linked in (True, False)]
    inside = {"read": [], "lean": [], "cross": []}  # seconds inside the process
    whole: dict[str, list[float]] = {name: [] for name in ("read", ours.name, *(x.name for x in rivals))}
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}

    def own(task: str, **further: str) -> float:
        command = [sys.executable, __file__, f"--{task}", map_path, reference_path]
        return float(run(*command, env={**environment, **further}))

    own("read")  # files into the cache, modules compiled
    ours.seconds()
    for _ in range(repeat):
        started = time.perf_counter()
        inside["read"].append(own("read"))
        whole["read"].append(time.perf_counter() - started)
        inside["lean"].append(own("read", GDAL_CACHEMAX="64"))
        inside["cross"].append(own("cross"))
        for x in (ours, *rivals):
            whole[x.name].append(x.seconds())
    base, program = statistics.median(inside["read"]), statistics.median(whole["read"])
    megabytes = [path.stat().st_size / 1e6 for path in (map_path, reference_path)]
    print(f"\n### {kind}: {KINDS[kind] or 'strips, not compressed'}")
    print(f"\n{size:,} × {size:,} pixels, {megabytes[0]:,.0f} + {megabytes[1]:,.0f} MB, median of {repeat}\n")
    print("| | seconds | all runs | × reading | × a program that reads | matrix |\n|---|---|---|---|---|---|")

    def line(name: str, taken: list[float], note: str = "") -> None:
        median = statistics.median(taken)
        runs = " ".join(f"{v:.2f}" for v in sorted(taken))
        print(f"| {name} | {median:.2f} | {runs} | {median / base:.2f} | {median / program:.2f} | {note} |")

    line("reading both files, one thread, without the start of Python", inside["read"])
    line("the same with GDAL's cache held at 64 MB (by default it takes 5 % of the memory)", inside["lean"])
    line("a program that reads both files", whole["read"])
    line("counting, without the start of Python (`crossing.cross`)", inside["cross"])
    mine = ours.matrix()
    line(ours.name, whole[ours.name], f"{sum(mine.values()):,} pixels")
    for x in rivals:
        line(x.name, whole[x.name], compare(mine, x.matrix()))
        if isinstance(x, Grass):
            verb = "linking" if "linked" in x.name else "importing"
            line(f"… with {verb}", [t + x.preparation for t in whole[x.name]])
    median = statistics.median(whole[ours.name])
    print(f"\nThe whole command takes {median / base:.2f} × reading, {median / program:.2f} × a program that reads.")
    for x in rivals:
        print(f"{x.name} takes {statistics.median(whole[x.name]) / median:.1f} times as long.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--kinds", default="tiled,plain")
    parser.add_argument("--others", default="otb,grass", help="otb, grass, or nothing")
    parser.add_argument("--read", nargs=2, metavar=("MAP", "REFERENCE"), help=argparse.SUPPRESS)
    parser.add_argument("--cross", nargs=2, metavar=("MAP", "REFERENCE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(*options.read)
        return
    if options.cross:
        count(*options.cross)
        return
    others = set(options.others.split(","))
    print("## Accuracy report against reading, OTB and GRASS")
    versions = f"Python {sys.version.split()[0]}, rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}"
    print(f"\n{os.cpu_count()} processors, {versions}")
    for binary, what in ((Otb.binary, "OTB"), (Grass.binary, "GRASS")):
        if not shutil.which(binary):
            print(f"{what} is not installed and left out (scripts/setup.sh bench-accuracy).")
    with tempfile.TemporaryDirectory(prefix="bench-accuracy-") as folder:
        for kind in options.kinds.split(","):
            measure(Path(folder), kind, options.size, options.repeat, others)


if __name__ == "__main__":
    main()
