# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.places --data DATA`: where the training images lie, for the released network's sidecar.

Writes `lulc:training_places` into `models/NAME.json`: a list of `{"set": name, "places": [[longitude, latitude], …]}`,
rounded to a tenth of a degree, once a place. Sets whose images have lost their coordinates have an empty list: the card
says so instead of guessing. The network's own file is not touched.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from . import data
from .credits import names_of_sets
from .teacher import SPLITS


def training_places(root: Path) -> list[dict[str, Any]]:
    """One entry a set of training data, in the order of the credits."""
    return [{"set": name, "places": _places(root, source)} for source, name in names_of_sets().items()]


def _places(root: Path, source: str) -> list[list[float]]:
    if source not in SPLITS:
        return []  # HLS and India came as chips without coordinates
    rows = (row for row, _ in data.unlabelled(root, source, SPLITS[source]))
    return [list(place) for place in sorted({(round(float(r["lon"]), 1), round(float(r["lat"]), 1)) for r in rows})]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    p = argparse.ArgumentParser(prog="python -m training.places", description=__doc__)
    p.add_argument("--data", type=Path, default=os.environ.get("LULC_DATA"), help="folder of the data sets")
    p.add_argument("--network", type=Path, default=Path("models/optical-rgbn-10to30m-mobileunet-v1.onnx"))
    options = p.parse_args(arguments)
    if options.data is None:
        p.error("name the folder of the data sets with --data or LULC_DATA")
    path = options.network.with_suffix(".json")
    item = json.loads(path.read_text(encoding="utf-8"))
    item["properties"]["lulc:training_places"] = found = training_places(options.data)
    path.write_text(json.dumps(item, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    for entry in found:
        print(f"{len(entry['places']):4d} places  {entry['set']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
