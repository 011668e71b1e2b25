# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution providers of onnxruntime: which ones to try for what the user asked, and what one of them really ran.

Nothing here imports onnxruntime.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import LulcError
from ...options import option

AUTO = "auto"
DEVICES = (AUTO, "cpu", "cuda", "openvino")
CPU = "CPUExecutionProvider"
_SUFFIX = "ExecutionProvider"
_PROVIDERS = {"cpu": CPU, "cuda": "CUDAExecutionProvider", "openvino": "OpenVINOExecutionProvider"}
_LABELS = {CPU: "CPU", "CUDAExecutionProvider": "CUDA", "OpenVINOExecutionProvider": "OpenVINO"}
_PACKAGES = {
    "CUDAExecutionProvider": ("onnxruntime-gpu", "an NVIDIA graphics card with CUDA and cuDNN"),
    "OpenVINOExecutionProvider": ("onnxruntime-openvino", "an Intel processor or graphics card"),
    "DmlExecutionProvider": ("onnxruntime-directml", "Windows"),
    "ROCMExecutionProvider": ("onnxruntime-rocm", "an AMD graphics card with ROCm"),
    "MIGraphXExecutionProvider": ("onnxruntime-migraphx", "an AMD graphics card with ROCm"),
    "TensorrtExecutionProvider": ("onnxruntime-gpu", "an NVIDIA graphics card with TensorRT"),
    "CoreMLExecutionProvider": ("onnxruntime", "macOS"),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,63}")
_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,99}")
_LONGEST = 2000


@dataclass(frozen=True)
class ExecutionProvider:
    """An execution provider: onnxruntime's name of it, and its options."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What a person calls it."""
        return label(self.name)


@dataclass(frozen=True)
class ProviderChoice:
    """Execution providers to try, in order.

    Attributes:
        providers: the first one that works is taken.
        notes: for the log: what was not looked at and why.
        warnings: what the user should not overlook.
    """

    providers: tuple[ExecutionProvider, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def choose(device: str, provider: str, offered: Sequence[str], version: str) -> ProviderChoice:
    """Execution providers to try for what the user asked.

    Args:
        device: one of `DEVICES`.
        provider: a provider in the user's words, see `parse`; overrides `device`.
        offered: providers of the installed onnxruntime.
        version: of the installed onnxruntime.

    Raises:
        LulcError: a device or provider that the installed onnxruntime does not have.
    """
    if provider:
        asked = parse(provider)
        match = next((o for o in offered if o.lower() == asked.name.lower()), None)
        if match is None:
            raise _missing(asked.name, offered, version)
        if match == CPU and asked.options:
            raise LulcError(
                f"The provider cpu takes no option {next(iter(asked.options))!r}.", "Leave the options out."
            )
        warning = f"The provider {match} was asked for by name; this plugin has not been tested with it."
        return ProviderChoice(
            (ExecutionProvider(match, asked.options),), warnings=() if match in _LABELS else (warning,)
        )
    if device != AUTO:
        check_device(device)
        name = _PROVIDERS[device]
        if name not in offered:
            raise _missing(name, offered, version)
        return ProviderChoice((ExecutionProvider(name, _settings(name, version)),))
    faster = [name for name in _PROVIDERS.values() if name != CPU and name in offered]
    notes = () if faster else (f"the installed onnxruntime {version} offers neither CUDA nor OpenVINO",)
    return ProviderChoice(tuple(ExecutionProvider(name, _settings(name, version)) for name in (*faster, CPU)), notes)


def check_device(device: str) -> None:
    """Refuse what is none of `DEVICES`.

    Raises:
        LulcError: with the names there are.
    """
    if device not in DEVICES:
        raise LulcError(f"The device {device[:50]!r} is not known.", f"Choose one of {', '.join(DEVICES)}.")


def parse(text: str) -> ExecutionProvider:
    """A provider in the user's words: `DmlExecutionProvider`, `dml`, or `openvino;device_type=GPU;num_streams=2`.

    Raises:
        LulcError: it cannot be read.
    """
    if len(text) > _LONGEST:
        raise LulcError(
            f"The provider's text has {len(text)} characters; at most {_LONGEST} are read.",
            "Give its name and options.",
        )
    name, *settings = [part.strip() for part in text.strip().split(";")]
    example = "Write a name such as DmlExecutionProvider, with options as in openvino;device_type=GPU."
    if not _NAME.fullmatch(name):
        raise LulcError(f"The provider {name!r} is not a name of onnxruntime.", example)
    options = {}
    for setting in filter(None, settings):
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not _OPTION.fullmatch(key):
            raise LulcError(f"The provider's option {setting!r} is not of the form name=value.", example)
        options[key] = value
    return ExecutionProvider(name if name.lower().endswith(_SUFFIX.lower()) else name + _SUFFIX, options)


def profiled_operations(profile: str) -> dict[str, int]:
    """Operations that each provider ran, out of the profile of a run.

    A session that lists a provider first may still run everything on the CPU; only the profile tells.

    Args:
        profile: path of the profile, as `end_profiling` returns it.

    Returns:
        name of a provider → number of its operations; empty where the profile cannot be read.
    """
    try:
        events = json.loads(Path(profile).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    names: dict[str, set[str]] = {}
    for event in events if isinstance(events, list) else ():
        arguments = event.get("args") or {}
        if event.get("cat") == "Node" and arguments.get("provider"):
            names.setdefault(str(arguments["provider"]), set()).add(str(event.get("name")))
    return {provider: len(operations) for provider, operations in names.items()}


def label(provider: str) -> str:
    """`CUDAExecutionProvider` → CUDA."""
    return _LABELS.get(provider, provider.replace(_SUFFIX, ""))


def not_started(provider: ExecutionProvider, why: str) -> LulcError:
    """What to tell the user when a provider that is offered does not work here."""
    _, needs = _PACKAGES.get(provider.name, ("", ""))
    return LulcError(
        f"The network could not be run on {provider.label}: {why}.",
        (f"{provider.label} needs {needs}. " if needs else "")
        + f"Set {option('device')} to auto or cpu to run it all the same.",
    )


def _settings(provider: str, version: str) -> dict[str, str]:
    """Options without which a provider gives other labels from run to run or than the CPU."""
    if provider != "CUDAExecutionProvider":
        return {}
    # the default times several algorithms in each session and takes the fastest, whose sums differ
    options = {"cudnn_conv_algo_search": "HEURISTIC"}
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    if numbers >= [1, 18]:
        options["use_tf32"] = "0"
    return options


def _missing(provider: str, offered: Sequence[str], version: str) -> LulcError:
    package, needs = _PACKAGES.get(provider, ("", ""))
    remedy = f"Set {option('device')} to auto or cpu, or install an onnxruntime that has it."
    if package:
        remedy = (
            f"It needs {needs} and the package {package} in place of onnxruntime (python -m pip uninstall onnxruntime,"
            f" then python -m pip install {package}); or set {option('device')} to auto or cpu."
        )
    return LulcError(
        f"{label(provider)} is not offered by the installed onnxruntime {version}"
        f" (it offers {', '.join(map(label, offered))}).",
        remedy,
    )
