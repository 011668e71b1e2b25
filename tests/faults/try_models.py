# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists, runs and describes every network of a folder, in a process whose memory ends, and prints what was said.

    python tests/faults/try_models.py FOLDER

The last line is a JSON object: `answers` (file name → what the list, a run or the description said, empty where it
worked), `seconds` (the longest try) and `megabytes` (of memory at most).
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from lulc_plugin.errors import LulcError
from lulc_plugin.model import Catalogue, Network, classes_of_cells, describe_network

#: addresses, which are more than memory: libraries and threads reserve some
_ADDRESSES = 12 << 30


def main(folder: Path) -> None:
    """Try the networks of `folder`."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    slowest = 0.0
    listed: dict[str, str] = {}
    begin = time.monotonic()
    catalogue = Catalogue(folder)
    for broken in catalogue.broken:
        listed[broken.path.stem] = broken.error.message
    slowest = max(slowest, time.monotonic() - begin)
    run: dict[str, str] = {}
    for entry in catalogue.entries:
        if entry.path.parent != folder:
            continue
        begin = time.monotonic()
        try:
            with Network(entry.path, entry.spec, threads=1) as network:
                network.probabilities(np.ones((1, len(entry.spec.channels), 64, 64), np.float32))
            run[entry.path.stem] = ""
        except LulcError as error:
            run[entry.path.stem] = error.message
        slowest = max(slowest, time.monotonic() - begin)
    described: dict[str, str] = {}
    for path in sorted(folder.glob("*.onnx")):
        begin = time.monotonic()
        try:
            describe_network(path, "red,green,blue", classes_of_cells([1, "water", "", 2, "land", ""]))
            described[path.stem] = ""
        except LulcError as error:
            described[path.stem] = error.message
        slowest = max(slowest, time.monotonic() - begin)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    answers = {"list": listed, "run": run, "describe": described}
    print(json.dumps({"answers": answers, "seconds": slowest, "megabytes": megabytes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
