# SPDX-License-Identifier: GPL-3.0-or-later
"""Half precision where a device computes it itself; where it is only imitated it is slower than float32."""

from __future__ import annotations

from dataclasses import dataclass

import torch

#: Processors that multiply bfloat16 say so by one of these names; oneDNN converts to and fro on all others.
_NATIVE_ON_CPU = ("avx512_bf16", "amx_bf16", "bf16", "arm_bf16")


@dataclass(frozen=True)
class Precision:
    """Numbers that the layers of a network are computed in.

    Attributes:
        dtype: bfloat16, float16 or float32.
        because: why, for the log.
    """

    dtype: torch.dtype
    because: str

    @property
    def half(self) -> bool:
        """Whether it is one of 16 bits."""
        return self.dtype != torch.float32

    def __str__(self) -> str:
        return f"{str(self.dtype).removeprefix('torch.')} ({self.because})"


def chosen_precision(device: torch.device, half: bool) -> Precision:
    """What a run computes in: 16 bits where they are wanted and the device has them."""
    if not half:
        return Precision(torch.float32, "[run] half is false")
    if device.type == "cuda":
        return _on_cuda(device)
    able = torch.cpu.get_capabilities()
    native = next((name for name in _NATIVE_ON_CPU if able.get(name)), None)
    if native is None:
        return Precision(torch.float32, "this processor would only imitate half precision")
    return Precision(torch.bfloat16, f"the processor has {native}")


def _on_cuda(device: torch.device) -> Precision:
    with torch.cuda.device(device):
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Precision(torch.bfloat16, "the GPU has it")
        # tensor cores, and fast arithmetic of 16 bits, came with 7.0
        if torch.cuda.get_device_capability() >= (7, 0):
            return Precision(torch.float16, "the GPU has no bfloat16; gradients are scaled")
    return Precision(torch.float32, "this GPU is not faster in half precision")
