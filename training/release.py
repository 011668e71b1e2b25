# SPDX-License-Identifier: GPL-3.0-or-later
"""From a checkpoint to a released network: calibrate, export, measure, and keep every number in one file.

Test splits are looked at here and nowhere else, once: where `results.json` exists it is read, not computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lulc_plugin.legend import Legend
from lulc_plugin.model.mlm import reading as mlm

from . import data, export, forest, margin, teacher, train
from .calibrate import calibrate, scored
from .channels import CHANNELS
from .evaluate import (
    MULTIPLE,
    SURROUNDED,
    as_pictures,
    line,
    miou_interval,
    place_matrices,
    pooled,
)
from .network import parameter_count, receptive_field

LEGEND = Path(__file__).parent.parent / "resources" / "legends" / "landcover6.json"
#: Key of the scores of chips amid their own reflection.
AMID = "surrounded"
Matrices = Mapping[str, npt.NDArray[np.int64]]


def legend() -> Legend:
    """The six-class legend of the plugin."""
    return Legend.from_file(LEGEND)


def _plain(matrices: Matrices) -> dict[str, list[list[int]]]:
    return {place: counts.tolist() for place, counts in matrices.items()}


def matrices_of(plain: Mapping[str, Any]) -> dict[str, npt.NDArray[np.int64]]:
    """Place → confusion matrix, as read back from `results.json`."""
    return {place: np.array(counts, np.int64) for place, counts in plain.items()}


def measure(
    root: Path, teacher_path: Path, cache: Path, checkpoint: Path, target: Path, rehearsal: bool
) -> dict[str, Any]:
    """Export the checkpoint to `target` and measure everything the card and the sidecar tell.

    A rehearsal uses validation places where a release uses test places, and leaves Europe alone.
    """
    network, state = train.load(checkpoint)
    fill, split = state["fill"], ("val",) if rehearsal else ("test",)
    chips = train.bench(root, teacher_path, cache)
    hls_val, india_val, oscd_val = chips.checks.values()

    calibration = calibrate(
        [scored(network, "HLS val", hls_val, fill), scored(network, "India val", india_val, fill)]
    )
    export.export(network, calibration.temperature, len(CHANNELS), target)
    inputs = [c.network_input(fill) for c in [*hls_val, *india_val, *oscd_val]]
    inputs = [i[:, : i.shape[1] // MULTIPLE * MULTIPLE, : i.shape[2] // MULTIPLE * MULTIPLE] for i in inputs]
    same = export.parity(network, calibration.temperature, target, inputs)
    print(f"parity {same}; sizes {(seconds := export.check_sizes(target, len(CHANNELS)))}", flush=True)

    predict = export.session_predictor(target)
    whole = [i[:, : margin.CHIP, : margin.CHIP] for i in inputs if min(i.shape[1:]) >= margin.CHIP]
    # chips of the sets in turn, so that a composite holds more than one town
    whole = margin.composites([whole[i] for i in np.random.default_rng(0).permutation(len(whole))])
    table = margin.changed_labels(predict, whole)
    print(f"margin {margin.margin(table)}: {table}", flush=True)

    tests = {"HLS": data.hls(root, split), "India": data.india(root, split)}
    results: dict[str, Any] = {"network": {}, "forest": {}, "difference": {}}
    for name, members in tests.items():
        ours = place_matrices(predict, members, fill)
        print(line(f"{name} {split[0]}", pooled(ours)), flush=True)
        trees = forest.fitted(chips.hls if name == "HLS" else chips.india, fill)
        theirs = forest.place_matrices(trees, members, fill)
        print(line(f"{name} {split[0]}, forest", pooled(theirs)), flush=True)
        results["network"][name] = _plain(ours)
        results["forest"][name] = _plain(theirs)
        results["difference"][name] = miou_interval(ours, theirs)
        print(f"  network - forest, mIoU: {results['difference'][name]}", flush=True)
        # inside a large layer a pixel sees no border; reflected surroundings are the nearest that a chip can offer
        amid = f"{name}, {AMID}"
        results["network"][amid] = _plain(wide := place_matrices(predict, members, fill, context=SURROUNDED))
        results["difference"][amid] = miou_interval(wide, theirs)
    results["network"]["HLS as pictures"] = _plain(as_pictures(predict, tests["HLS"], fill))
    oscd = teacher.labelled(root, data.OSCD, split, teacher_path, cache)
    results["network"]["OSCD (teacher)"] = _plain(place_matrices(predict, oscd, fill))
    for name, members in {"HLS val": hls_val, "India val": india_val}.items():
        results["network"][name] = _plain(place_matrices(predict, members, fill))
    if not rehearsal:
        results["network"]["Europe"] = _plain(place_matrices(predict, data.europe(root), fill))
    for name, matrices in results["network"].items():
        print(line(name, pooled(matrices_of(matrices))), flush=True)

    counts: dict[str, tuple[int, int]] = {}
    for chip in [*chips.hls, *chips.india, *chips.sentinel]:
        images, pixels = counts.get(chip.source, (0, 0))
        counts[chip.source] = (images + 1, pixels + int(np.count_nonzero(chip.labels)))
    results.update(
        split=split[0],
        created=f"{date.today().isoformat()}T00:00:00Z",
        fill=fill,
        recipe=state["recipe"],
        before=state.get("before", {}),
        step=state["step"],
        seconds=state["seconds"],
        validation_score=state["score"],
        temperature=calibration.temperature,
        error_before=calibration.before,
        error_after=calibration.after,
        parity=asdict(same),
        window_seconds=seconds,
        speed=round(0.512 * 0.512 / seconds["1 x 512"], 2),
        margin_table=table,
        margin_chips=len(whole),
        margin=margin.margin(table),
        receptive_field=receptive_field(network),
        parameters=parameter_count(network),
        training_counts=counts,
        file_size=target.stat().st_size,
        digest=digest(target),
    )
    return results


def digest(path: Path) -> str:
    """SHA-256 in groups of eight digits joined by dashes."""
    text = hashlib.sha256(path.read_bytes()).hexdigest()
    return "-".join(text[i : i + 8] for i in range(0, 64, 8))


def release(
    root: Path, teacher_path: Path, cache: Path, checkpoint: Path, target: Path, rehearsal: bool = False
) -> None:
    """Write `target` (.onnx), its sidecar (.json) and its card (.md)."""
    from . import band_statistics, card, sidecar

    kept = checkpoint.parent / ("rehearsal.json" if rehearsal else "results.json")
    if rehearsal or not kept.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        results = measure(root, teacher_path, cache, checkpoint, target, rehearsal)
        export.embed(target, mlm.to_item(sidecar.spec(results, target.stem)))
        results.update(file_size=target.stat().st_size, digest=digest(target))
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    results = json.loads(kept.read_text(encoding="utf-8"))
    if digest(target) != results["digest"]:
        raise SystemExit(f"{target} is not the network that {kept} describes; weights never change under a name.")
    sidecar.write(results, target)
    band_statistics.add(root, target)
    target.with_suffix(".md").write_text(card.text(results, target.stem), encoding="utf-8")
