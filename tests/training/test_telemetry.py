# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench reports to nobody either: not onnxruntime, not the client of the hub that weights may come from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
CODE = """
from training.export import onnx_session
import huggingface_hub.constants as hub, onnxruntime
onnx_session.session(r"{network}")
print(hub.HF_HUB_DISABLE_TELEMETRY)
"""


def test_a_session_of_the_bench_leaves_nothing(tmp_path):
    network = ROOT / "models" / "optical-rgbn-10to30m-mobileunet-v2.onnx"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    asked_for = {"ORT_DISABLE_TELEMETRY": "0", "HF_HUB_DISABLE_TELEMETRY": "0"}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(network=network)],
        env={**clean, **asked_for, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "True", done.stderr
    assert list(tmp_path.iterdir()) == []
