# SPDX-License-Identifier: GPL-3.0-or-later
"""Half precision where the device has it, and nowhere else; the log says which and why."""

from contextlib import nullcontext

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")

from training import recipe
from training.train import loop, precision
from training.train.precision import chosen_precision
from training.train.training_data import load_training_data

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("able", [{}, {"avx512_f": True, "avx512_bf16": False}, {"avx2": True, "amx_fp16": True}])
def test_a_processor_that_would_imitate_it_computes_in_float32(monkeypatch, able):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    found = chosen_precision(CPU, half=True)
    assert found.dtype == torch.float32 and not found.half and "imitate" in str(found)


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_a_processor_that_has_bfloat16_uses_it(monkeypatch, name):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {name: True})
    assert chosen_precision(CPU, half=True).dtype == torch.bfloat16
    assert name in str(chosen_precision(CPU, half=True))
    assert chosen_precision(CPU, half=False).dtype == torch.float32


@pytest.mark.parametrize(
    ("native", "capability", "dtype"),
    [(True, (8, 0), torch.bfloat16), (False, (7, 5), torch.float16), (False, (6, 1), torch.float32)],
)
def test_what_a_gpu_has(monkeypatch, native, capability, dtype):
    def supported(including_emulation=True):
        # an emulated bfloat16 counts as supported unless one asks
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert chosen_precision(GPU, half=True).dtype == dtype


def test_float16_trains_with_scaled_gradients_and_goes_on_with_the_scale(toy, recipe_file, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "chosen_precision", lambda *a: precision.Precision(torch.float16, "for the test"))
    r = recipe.read(recipe_file)
    data = load_training_data(r, toy, tmp_path / "cache")
    whole = loop.run(r, data, tmp_path / "whole", "cpu").with_name("resume.pt")
    loop.run(r, data, tmp_path / "parts", "cpu", stop_at=2)
    parts = loop.run(r, data, tmp_path / "parts", "cpu").with_name("resume.pt")
    one, two = (loop.checkpoint.read(path) for path in (whole, parts))
    assert one["scaler"]["scale"] == two["scaler"]["scale"] > 1
    assert all(torch.equal(one["network"][k], two["network"][k]) for k in one["network"])
    assert "float16 (for the test)" in (tmp_path / "whole" / "log.txt").read_text()
