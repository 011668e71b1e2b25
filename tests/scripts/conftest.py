# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip has the guide's pages, which are not in git: they are made before the tests that package this checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def guide():
    subprocess.run([sys.executable, str(CHECKOUT / "scripts" / "make_guide.py")], check=True, capture_output=True)
