# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hundred scenes in one process, some of them cancelled or refused; LULC_FAULT_SCENES sets another number."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("soak.py")
SCENES = int(os.environ.get("LULC_FAULT_SCENES", "200"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc how much memory is in use")
def test_memory_levels_off():
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[2])}
    words = [sys.executable, "-W", "ignore", str(SCRIPT), str(SCENES)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=1200, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    tenth, last = result["tenth"], result["last"]
    print(f"{SCENES} scenes: after the tenth {tenth}, after the last {last}")
    # caches of a fixed size fill meanwhile, 1.6 MB in all
    assert last["in_use"] - tenth["in_use"] < 0.05 * tenth["resident"]
    assert last["files"] == tenth["files"]
    assert last["threads"] == tenth["threads"]
    assert last["resident"] < 1.5 * tenth["resident"]
