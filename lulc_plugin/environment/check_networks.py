# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether networks run here, on which devices, and which networks there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .. import bundled, provenance, telemetry
from ..errors import LulcError
from ..findings import ERROR, PASS, WARNING, Finding
from ..options import RESTART, command, option

_REINSTALL = "Install the plugin again."
_MOST_LISTED = 200
#: Characters of the list of bands that are shown.
_LONGEST_BANDS = 200


def check_devices() -> Iterator[Finding]:
    """What onnxruntime offers, and a run of the first bundled network on each device this plugin knows."""
    from ..model import providers

    offered = telemetry.import_onnxruntime().get_available_providers()
    names = ", ".join(map(providers.label, offered))
    yield Finding("devices.offered", PASS, "onnxruntime offers", names or "nothing")
    yield _telemetry()
    paths = sorted(bundled.folder("models").glob("*.onnx"))
    if not paths:
        yield Finding("devices.run", ERROR, "A run", "there is no bundled network to try.", _REINSTALL)
        return
    for device in providers.DEVICES:
        if device != providers.AUTO and any(providers.label(name).lower() == device for name in offered):
            yield _run(paths[0], device)


def _telemetry() -> Finding:
    """Whether onnxruntime stores or sends anything about this computer."""
    id, title = "devices.telemetry", "Telemetry of onnxruntime"
    if not telemetry.began_before():
        return Finding(
            id, PASS, title, "off; nothing about this computer or your runs is stored for its makers or sent"
        )
    text = (
        "on; something else in this program loaded onnxruntime first. It stores a device id, the system, the processor"
        " and the program's path in your folders (Microsoft/DeveloperTools), and sends them to Microsoft."
    )
    variables = "in QGIS: Settings, Options, System, Environment"
    remedy = f"Set the environment variable {telemetry.VARIABLE} to 1 ({variables}), and {RESTART}."
    return Finding(id, WARNING, title, text, remedy)


def _run(path: Path, device: str) -> Finding:
    """One window of zeros through the network at `path`."""
    import numpy as np

    from ..model import Network, catalogue

    id, title = f"devices.run-{device}", f"A run on {device}"
    try:
        spec = catalogue.load(path).spec
        size = spec.window.minimum
        with Network(path, spec, device=device) as network:
            probabilities = network.probabilities(np.zeros((1, len(spec.channels), size, size), np.float32))
    except LulcError as error:
        level = ERROR if device == "cpu" else WARNING
        return Finding(id, level, title, error.problem, error.remedy or "Install onnxruntime again.")
    if not np.isfinite(probabilities).all():
        return Finding(id, ERROR, title, f"{spec.name} gives no numbers.", "Install onnxruntime again.")
    if network.warnings:
        return Finding(id, WARNING, title, " ".join(network.warnings), f"Set {option('device')} to cpu.")
    return Finding(id, PASS, title, f"{spec.name}: {network.device}, {1000 * network.seconds:.0f} ms")


def check_models(user_folder: Path | None) -> Iterator[Finding]:
    """The bundled networks and those in the user's folder, broken ones with the reason.

    Args:
        user_folder: None when there is none.
    """
    try:
        own = bundled.folder("models")
    except LulcError as error:
        yield Finding("networks.bundled", ERROR, "Bundled networks", error.problem, error.remedy)
    else:
        paths = sorted(own.glob("*.onnx"))
        if not paths:
            yield Finding("networks.bundled", ERROR, "Bundled networks", f"none in {own}.", _REINSTALL)
        for path in paths:
            yield _model(path, is_bundled=True)
    if user_folder is None:
        return
    paths = (
        sorted(p for p in user_folder.glob("*.onnx") if not p.name.startswith("."))
        if os.path.isdir(user_folder)
        else []
    )
    if not paths:
        text = f"none in {user_folder}; {command('importmodel')} puts them there"
        yield Finding("networks.own", PASS, "Your networks", text)
    for path in paths[:_MOST_LISTED]:
        yield _model(path, is_bundled=False)
    if len(paths) > _MOST_LISTED:
        rest = f"{len(paths) - _MOST_LISTED} more in {user_folder} were not looked at."
        yield Finding("networks.own", WARNING, "Your networks", rest, "Move those you do not use to another folder.")


def _model(path: Path, is_bundled: bool) -> Finding:
    from ..model import catalogue

    id, level = ("networks.bundled", ERROR) if is_bundled else ("networks.own", WARNING)
    whose = "bundled" if is_bundled else "yours"
    try:
        spec = catalogue.load(path).spec
        digest = provenance.file_digest(path)
    except LulcError as error:
        remedy = _REINSTALL if is_bundled else error.remedy or "Import it again, or remove it from the folder."
        return Finding(id, level, path.stem, f"{whose}; cannot be used: {error.problem}", remedy)
    except ImportError as error:
        text = f"{whose}; cannot be looked into without {error.name or 'a missing package'}."
        return Finding(id, WARNING, path.stem, text, "See above; then check again.")
    except OSError as error:
        return Finding(id, level, path.stem, f"{whose}; {path} cannot be read: {error.strerror}.", _REINSTALL)
    if spec.sha256 and spec.sha256.replace("-", "").lower() != digest.replace("-", ""):
        text = f"{whose}; {path} is not the file that its description belongs to (SHA-256 {digest})."
        remedy = _REINSTALL if is_bundled else "Fetch the network and its description again, from one place."
        return Finding(id, level, path.stem, text, remedy)
    classes, bands = len(spec.legend.classes), spec.bands_in_words[:_LONGEST_BANDS]
    return Finding(id, PASS, path.stem, f"{whose}; {classes} classes from {bands}; SHA-256 {digest[:8]}…")
