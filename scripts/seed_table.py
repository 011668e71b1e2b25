#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every row of the table “Every ability of the systems this product takes over” in training/README.md.

    make test-seeds                                     all rows, on made-up land; a table, and status 1 if one fails
    .venv-engine/bin/python scripts/seed_table.py -k resume     rows whose ability has this text

Each command is run as a user would, with a few steps, in build/seeds. What cannot run here (a hub that does not answer,
Keras that cannot be installed) is said, with the reason.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "training" / "README.md"
FOLDER = ROOT / "build" / "seeds"
HEADING = "Every ability of the systems this product takes over"

#: Few steps of small batches on the toy set; the folder of a run is put behind it.
SHORT = (
    "training.train training/configs/toy.toml --data {out}/data --threads 2 --set run.steps=6 --set run.check_every=3"
    " --set optimiser.warm_up=1"
)
#: The same from 64 pixels a side with two samples, for large networks.
SMALL = ' --set \'data=[{{set="toy", samples=2, loss=[{{term="dice"}}]}}]\''
CHIPS = (
    "training.prepare chips {out}/data/scenes --legend {out}/data/classes.json --bands blue,green,red,nir --size 64"
    " --previews 4 --overlap skip"
)
EVALUATE = "training.evaluate {out}/base/best.pt --data {out}/data --threads 2 --chips 2"


@dataclass
class Row:
    """One ability: commands (`python -m` is put before), files that they leave, and what may stand in their way.

    Attributes:
        commands: with {out} for the folder of all rows.
        files: below that folder.
        excuse: text of a refusal that only says that this machine lacks something.
        python: the environment, where it is not this one.
    """

    commands: tuple[str, ...]
    files: tuple[str, ...] = ()
    excuse: str = ""
    python: str = field(default=sys.executable)


def network(table: str, more: str = "") -> str:
    """A short run of another network, in a folder of its own."""
    name = re.sub(r"\W+", "-", table).strip("-")[:60]
    return f"{SHORT}{SMALL} --set 'network={{{{{table}}}}}' {more} --run {{out}}/{name}"


RGBN = 'architecture="mobile_unet", pretrained="optical-rgbn-10to30m-mobileunet-v2"'
INDICES = '--set \'input.indices=["NDVI", "NDWI", "SAVI"]\''

ROWS: dict[str, Row] = {
    "Mobile-UNet; parameters against U-Net": Row(
        ("training.networks mobile_unet unet", network('architecture="mobile_unet"'))
    ),
    "multiband GeoTIFF, any classes": Row(
        (SHORT + ' --set \'input.bands=["nir", "green", "red"]\' --set \'input.indices=["NDVI"]\' --run {out}/bands',)
    ),
    "loss for the two hardest classes": Row(
        (
            SHORT + ' --set \'data=[{{set="toy", loss=[{{term="hardest_classes"}}]}}]\' --run {out}/hardest',
            SHORT + ' --set \'data=[{{set="toy", loss=[{{term="hardest_classes", classes=["Water", "Built-up"]}}]}}]\''
            " --run {out}/named",
        )
    ),
    "class imbalance: statistics, weights, balanced drawing of chips": Row(
        (
            "training.prepare statistics {out}/data/toy",
            SHORT
            + ' --set \'data=[{{set="toy", rarity=0.6, loss=[{{term="weighted_ce", power=0.5}}]}}]\' --run {out}/rare',
        )
    ),
    "precision, recall, F1, IoU, Kappa per class and macro": Row(
        (EVALUATE + " --out {out}/scores",), ("scores/summary.md", "scores/classes.csv", "scores/scores.csv")
    ),
    "U-Net++, DeepLabV3, ResNet-101": Row(
        (
            network('architecture="unetplusplus"'),
            network('architecture="deeplabv3", options={{width=32}}'),
            network('architecture="unetplusplus", encoder="resnet101"', "--set run.steps=2 --set run.check_every=2"),
        )
    ),
    "ImageNet weights, freeze then unfreeze": Row(
        (
            network(RGBN, f"{INDICES} --set run.freeze_steps=3"),
            network('architecture="unet", encoder="resnet18", pretrained="imagenet"', "--set run.freeze_steps=3"),
        ),
        excuse="does not answer",
    ),
    "ensembles": Row(
        (
            "training.evaluate {out}/base/best.pt {out}/again/best.pt {out}/toy-v1.onnx --ensemble --data {out}/data"
            " --threads 2 --chips 2 --out {out}/ensemble",
        ),
        ("ensemble/summary.md",),
    ),  # fmt: skip
    "demo pictures, training curves": Row((), ("scores/base/sheet-toy-val.png", "base/curves.png")),
    "partial cross-entropy on a few labelled pixels": Row(
        (SHORT + ' --set \'data=[{{set="toy", sparse=10, loss=[{{term="partial_ce"}}]}}]\' --run {out}/sparse',)
    ),
    "RGB-coded masks, JPEG-blurred colours": Row(
        (
            "training.prepare encode {out}/data/masks --legend {out}/data/classes.json --out {out}/rgb",
            "training.prepare decode {out}/rgb --snap 60 --legend {out}/data/classes.json --out {out}/values",
            CHIPS + " --masks {out}/rgb --snap 60 --out {out}/snapped",
        ),
        ("snapped/set.toml",),
    ),
    "small U-Net 32-64-128 on 16 channels": Row(
        (
            "training.prepare chips {out}/nine --masks {out}/data/masks --legend {out}/data/classes.json"
            " --size 64 --previews 0 --overlap skip --scale 0.0001 --out {out}/sixteen"
            " --bands blue,green,red,rededge071,rededge075,rededge078,nir,swir16,swir22",
            "training.train {out}/sixteen/recipe.toml --threads 2 --set run.steps=6 --set run.check_every=3"
            " --set run.size=64 --set optimiser.warm_up=1 --set 'network={{architecture=\"unet_small\"}}'"
            " --run {out}/run16"
            ' --set \'input.indices=["NDVI", "NDWI", "MNDWI", "NDBI", "EVI", "SAVI", "BSI"]\'',
        ),
        ("run16/best.pt",),
    ),
    "Keras `.h5` as exchange format": Row(
        ("pytest -q -rs --import-mode=importlib -k torch tests/training/test_keras.py",),
        excuse="skipped",
        python=str(FOLDER / "keras/bin/python"),
    ),
    "cut large images into chips": Row(
        (CHIPS + " --masks {out}/data/masks --block 128 --out {out}/blocks", "training.prepare overlap {out}/blocks"),
        ("blocks/recipe.toml", "blocks/preview.png"),
    ),
    "show image and mask, show augmentations": Row(
        ("training.prepare preview {out}/data/toy --out {out}/preview.png", SHORT + " --previews --run {out}/look"),
        ("preview.png", "look/samples.png"),
    ),
    "geometric, radiometric, scale augmentation": Row(
        (
            SHORT
            + " --set 'augment={{turn=true, scale=0.3, shrink=0.3, jitter=0.8, offset=0.2, level_shift=0.2, holes=0.3,"
            " cutmix=0.3}}' --run {out}/augmented",
        ),
    ),  # fmt: skip
    "DeepLabV3+ ResNet-50, Dice, Adam, schedule": Row(
        (network('architecture="deeplabv3plus", encoder="resnet50"', "--set optimiser.schedule=plateau"),)
    ),
    "resume, bit for bit": Row(
        (
            SHORT + " --stop-at 4 --run {out}/stopped",
            SHORT + " --resume --run {out}/stopped",
            "training.evaluate {out}/base/last.pt {out}/stopped/last.pt --no-calibration --data {out}/data"
            " --threads 2 --chips 1 --out {out}/resumed",
        ),
        ("resumed/summary.md",),
    ),
    "save when validation improves; predict with the best": Row((), ("base/best.pt",)),
    "curves of Dice, IoU, loss: train against validation": Row(
        (), ("base/curves.csv", "base/steps.csv", "base/events")
    ),
    "IoU and Dice on train, validation, test compared": Row(
        (EVALUATE + " --splits train,val,test --out {out}/three",), ("three/summary.md",)
    ),
    "a student from a teacher's soft labels": Row(
        ("training.distill {out}/toy-v1.onnx {out}/data/scenes --out {out}/soft --chip 128 --together 0 --threads 2",),
        ("soft/set.toml",),
    ),
    "ONNX, MLM sidecar, Deepness keys, fp16 and INT8": Row(
        ("training.export {out}/base/best.pt --data {out}/data --out {out}/variants.onnx --variants fp16,int8",),
        ("variants.onnx", "variants.json", "variants-fp16.onnx", "variants-int8.onnx"),
    ),
}


def abilities() -> list[str]:
    """The first column of the table in the README."""
    section = README.read_text(encoding="utf-8").split(f"## {HEADING}")[1].split("\n#")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][1:]


def run(command: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """`python -m` a command, in the checkout."""
    words = shlex.split(command.format(out=FOLDER))
    where = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([python, "-m", *words], cwd=ROOT, env=where, capture_output=True, text=True, check=False)


def prepare() -> str:
    """Make what the rows draw on: toy land, two short runs, an exported network, nine bands; an error or nothing."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for command in (
        "training.toy {out}/data --scenes 6 --size 192",
        SHORT + " --run {out}/base",
        SHORT + " --set run.seed=1 --run {out}/again",
        "training.export {out}/base/best.pt --data {out}/data --out {out}/toy-v1.onnx",
    ):
        done = run(command)
        if done.returncode:
            return f"{command}: {done.stdout[-600:]}{done.stderr[-600:]}"
    nine_bands()
    return ""


def nine_bands() -> None:
    """The toy scenes with nine bands: each of its four as often as Sentinel-2 has bands near it."""
    import rasterio

    (FOLDER / "nine").mkdir()
    for path in sorted((FOLDER / "data/scenes").glob("*.tif")):
        with rasterio.open(path) as source:
            values, profile = source.read([1, 2, 3, 3, 4, 4, 4, 3, 3]), {**source.profile, "count": 9}
        with rasterio.open(FOLDER / "nine" / path.name, "w", **profile) as target:
            target.write(values)


def keras_environment() -> str:
    """An environment with Keras that sees this one's packages; why there is none, or nothing."""
    home = FOLDER / "keras"
    made = subprocess.run([sys.executable, "-m", "venv", str(home)], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no environment: {made.stderr.strip()[-200:]}"
    (site,) = home.glob("lib/python*/site-packages")
    ours = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    (site / "bench.pth").write_text(f"{ours}\n")
    install = [str(home / "bin/python"), "-m", "pip", "install", "-q", "--retries", "1", "keras==3.15.1", "h5py"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    reason = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), done.stderr[-200:])
    return f"Keras cannot be installed: {reason}" if done.returncode else ""


def outcome(ability: str, row: Row) -> tuple[str, str]:
    """`ok`, `skipped` or `FAILED`, and why."""
    if ability.startswith("Keras"):
        reason = keras_environment()
        if reason:
            return "skipped", reason
    skipped = ""
    for command in row.commands:
        done = run(command, row.python)
        said = done.stdout + done.stderr
        excused = bool(row.excuse) and row.excuse in said
        if done.returncode and not excused:
            return "FAILED", f"{command.format(out=FOLDER)}\n{said[-1500:]}"
        if excused:
            skipped = next(line for line in said.splitlines() if row.excuse in line)
    lacking = [name for name in row.files if not (FOLDER / name).exists()]
    if lacking:
        return "FAILED", f"not written: {', '.join(lacking)}"
    return ("partly skipped", skipped) if skipped else ("ok", "")


def main() -> int:
    """Run the rows; the exit status."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-k", default="", metavar="TEXT", help="only rows whose ability has this text")
    options = p.parse_args()
    unknown = set(ROWS) ^ set(abilities())
    if unknown:
        print(f"The table in {README} and this script differ: {'; '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    begin = time.monotonic()
    wrong = prepare()
    print(f"made-up land, two short runs, an exported network: {wrong or 'ok'} ({time.monotonic() - begin:.0f} s)")
    failed = bool(wrong)
    for ability, row in ROWS.items():
        if wrong or options.k not in ability:
            continue
        start = time.monotonic()
        result, reason = outcome(ability, row)
        failed |= result == "FAILED"
        print(f"{result:15} {time.monotonic() - start:5.0f} s  {ability}{': ' if reason else ''}{reason}", flush=True)
    print(f"{'FAILED' if failed else 'ok'} after {(time.monotonic() - begin) / 60:.1f} minutes")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
