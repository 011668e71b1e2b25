# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of architectures."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; run make setup-training")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

from training.networks import NetworkSettings, build, measurement
from training.networks.__main__ import main, wanted


def test_a_row_holds_what_was_measured():
    settings = NetworkSettings("unet", options={"widths": [2, 4]})
    row = measurement.measure(settings, 3, 2, repeats=1, window=64)
    parameters = sum(p.numel() for p in build(settings, 3, 2).parameters())
    assert row.parameters == parameters and row.megabytes == pytest.approx(2e-6 * parameters)
    assert row.reach == 9 and row.two_threads > 0 and row.one_thread > 0
    assert "| unet, widths [2, 4] | 0.00 | 0.00 | 9 |" in measurement.table([row])


def test_the_command_prints_a_table(monkeypatch, capsys):
    row = measurement.Measured("x", 1_500_000, 3.0, None, 5.0, 2.5)
    monkeypatch.setattr(measurement, "measure", lambda *_: row)
    assert main(["unet"]) == 0
    assert "| x | 1.50 | 3.00 | window | 5.0 | 2.5 |" in capsys.readouterr().out
    assert main(["segnet"]) == 2 and "segnet" in capsys.readouterr().err


def test_encoders_are_measured_where_there_is_a_choice():
    measured = [(s.architecture, s.encoder) for s in wanted(["mobile_unet", "unet"], ["resnet50"])]
    assert measured == [("mobile_unet", ""), ("unet", ""), ("unet", "resnet50")]
