# SPDX-License-Identifier: GPL-3.0-or-later
"""The table "which network for my imagery?", from the descriptions of a folder of networks."""

from __future__ import annotations

from pathlib import Path

from lulc_plugin.errors import LulcError
from lulc_plugin.model import ModelSpec, Scores, catalogue
from lulc_plugin.report.card import inline, markdown_table

from ..export.sidecar import TEACHERS_WORD


def table(folder: Path) -> str:
    """A Markdown table in the engine's order, the best held-out scores first.

    Raises:
        LulcError: the folder has no network, or one that cannot be read.
    """
    files = sorted(folder.glob("*.onnx"))
    if not files:
        raise LulcError(f"{folder} has no network.", "Name the folder with --models.")
    rows = [_row(one.path, one.spec) for one in catalogue.ordered([catalogue.load(path) for path in files])]
    header = ["imagery", "bands", "pixels", "network", "classes", "held-out OA / mean IoU", "MB", "Mpx/s, 2 threads"]
    return markdown_table(header, rows)


def _row(path: Path, spec: ModelSpec) -> list[str]:
    size = "–"
    if spec.gsd_range:
        size = f"{spec.gsd_range[0]:g}–{spec.gsd_range[1]:g} m"
    elif spec.gsd:
        size = f"{spec.gsd:g} m"
    scores = [s for s in spec.scores if s.split in ("test", "evaluation") and TEACHERS_WORD not in s.dataset]
    return [
        inline(str(spec.extra.get("lulc:imagery") or spec.title)),
        inline(spec.bands_in_words),
        size,
        f"[{spec.name}](models/{spec.name}.md)",
        inline(", ".join(c.name.lower() for c in spec.legend.classes)),
        "<br>".join(_score(s) for s in scores) or "not measured",
        f"{path.stat().st_size / 1e6:.1f}",
        f"{spec.speed:.1f}" if spec.speed else "–",
    ]


def _score(scores: Scores) -> str:
    where = scores.dataset.split(";")[0].split(",")[0].split(" (")[0]
    miou = "–" if scores.miou is None else f"{scores.miou:.2f}"
    note = " (never trained on)" if scores.split == "evaluation" else ""
    return f"{scores.overall_accuracy:.2f} / {miou} {inline(where)}{note}"
