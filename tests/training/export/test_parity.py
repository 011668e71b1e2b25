# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is another network is refused."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from lulc_plugin.errors import LulcError
from training.export import parity


def test_a_file_that_is_another_network_is_refused():
    with pytest.raises(LulcError, match="98"):
        parity.require_same(parity.Parity(1000, 0.98, 0.3, 0.01, 1.0))
    with pytest.raises(LulcError):
        parity.require_same(parity.Parity(1000, 1.0, float("nan"), 0.0, 0.0))
