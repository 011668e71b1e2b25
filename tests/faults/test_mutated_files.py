# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of mutated files, each kind in processes of its own that may crash or run out of memory."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
#: seconds for each kind; more or less with the variable LULC_FAULTS_SECONDS
SECONDS = float(os.environ.get("LULC_FAULTS_SECONDS", "40"))
#: the first seed, to try others: LULC_FAULTS_SEED
SEED = int(os.environ.get("LULC_FAULTS_SEED", "1"))
MOST = 20_000
_MOST_CRASHES = 3


#: script → its kinds of files
KINDS = {
    "fuzz_models": ("descriptions", "graphs", "bytes", "texts"),
    "fuzz_layers": ("csv", "geojson", "geopackage", "shapefile", "rasters"),
}


@pytest.mark.parametrize("script, kind", [(script, kind) for script, kinds in KINDS.items() for kind in kinds])
def test_mutated_files_are_answered(script, kind):
    """No traceback, no crash, no endless message, and memory that stays small."""
    end, seed, tried, crashes = time.monotonic() + SECONDS, SEED, 0, []
    while True:
        left = max(1.0, end - time.monotonic())
        command = [sys.executable, "-W", "ignore", str(HERE / f"{script}.py"), kind, str(seed), str(MOST), str(left)]
        environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=left + 120, check=False)
        last = done.stdout.splitlines()[-1]
        if done.returncode == 0:
            break
        # it died at the input whose number it printed last; go on behind it
        crashes.append(f"input {last}: exit code {done.returncode}")
        tried += int(last) - seed + 1
        seed = int(last) + 1
        if len(crashes) > _MOST_CRASHES or time.monotonic() > end:
            pytest.fail(f"{kind}: {crashes}")
    result = json.loads(last)
    print(f"{kind}: {result['tried'] + tried:,} tried, {result['refused']:,} refused in the last process,"
          f" slowest {result['slowest']:.1f} s, {result['megabytes']} MB")  # fmt: skip
    assert crashes == []
    assert result["faults"] == []
    assert result["megabytes"] < 3000
    assert result["tried"] > 20
