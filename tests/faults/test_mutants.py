# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the mutants of each room: those of three modules have all been tried, and none may go unnoticed.

LULC_FAULT_MUTANTS is their number a module (6), LULC_FAULT_SEED the seed of the choice.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from mutants import ROOMS  # noqa: E402

SCRIPT = Path(__file__).with_name("mutants.py")
COUNT = int(os.environ.get("LULC_FAULT_MUTANTS", "6"))
SEED = int(os.environ.get("LULC_FAULT_SEED", "21"))
#: modules whose survivors are known, every one
COMPLETE = ("raster.window_grid", "classify.blend", "assess.confusion_matrix")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks")
@pytest.mark.parametrize("module", sorted(ROOMS))
def test_the_tests_notice(module):
    words = [sys.executable, "-W", "ignore", str(SCRIPT), module, "--sample", str(COUNT), "--seed", str(SEED)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
    result = json.loads(done.stdout.splitlines()[-1])
    print({key: value for key, value in result.items() if key != "survivors" or value})
    if module in COMPLETE:
        assert result["survivors"] == []
    assert result["killed"] + result["endless"] > 0
