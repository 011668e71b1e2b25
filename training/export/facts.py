# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured on an exported network, as one value that a JSON file keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError


@dataclass(frozen=True)
class Facts:
    """Measured facts of one exported file.

    Attributes:
        name: of the network.
        created: day of the export, RFC 3339.
        file_size, digest: of the finished file, with its description inside.
        checkpoint: digest of the checkpoint that it was made of.
        precision: of the larger filters in the file.
        parameters: trained numbers.
        multiple: height and width are multiples of it.
        features: features a pixel in the second output, 0 without it.
        receptive_field: full width in pixels that can influence one pixel; 0: the whole window.
        fill: of each channel at invalid pixels.
        calibration: `temperature`, and the expected calibration error `before` and `after` by set.
        parity: `noise` and `real`: how closely the file reproduces the network.
        sizes: batches and windows that were tried.
        speed: 10^6 pixels a second with two threads.
        margin: as `margin.Margin`.
        sets: training data: `set`, `images`, `pixels` (labelled), `teacher` (their names).
        band_statistics, confidence, places: as the sidecar has them.
        patterns: of a network with optional bands: `bands` and `confidence` of each of its patterns.
        run: seed, steps, best step, score, seconds, data fingerprint, git revision of the training.
    """

    name: str
    created: str
    checkpoint: str
    precision: str
    parameters: int
    multiple: int
    features: int
    receptive_field: int
    fill: tuple[float, ...]
    calibration: Mapping[str, Any]
    parity: Mapping[str, Mapping[str, float]]
    sizes: tuple[str, ...]
    speed: float
    margin: Mapping[str, Any]
    sets: tuple[Mapping[str, Any], ...]
    band_statistics: tuple[Mapping[str, Any], ...]
    confidence: Mapping[str, Any]
    places: tuple[Mapping[str, Any], ...]
    run: Mapping[str, Any]
    file_size: int = 0
    digest: str = ""
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    patterns: tuple[Mapping[str, Any], ...] = ()

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_whole(path, (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode("utf-8"))


def load(path: Path) -> Facts:
    """Facts as `Facts.save` wrote them.

    Raises:
        LulcError: the file is something else.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(Facts)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items() if k in known}
        return Facts(**values)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        problem = f"{path} does not hold the facts of an export: {error}."
        raise LulcError(problem, "Move it away and export again.") from None
