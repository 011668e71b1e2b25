# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of a data set: chips, places, class shares and band values of each split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lulc_plugin.atomic_write import write_whole
from lulc_plugin.errors import LulcError
from lulc_plugin.progress import Progress
from lulc_plugin.raster import sample_array

from ..sets.chips import file_of, rows_of, stored
from ..sets.description import SetDescription

PERCENTILES = (1, 2, 5, 25, 50, 75, 95, 98, 99)
#: Pixels of a split, and of a chip, that enter the percentiles; mean and standard deviation use every valid pixel.
_MOST_PIXELS = 2_000_000
_MOST_OF_CHIP = 20_000


class _Split:
    """Sums of one split."""

    def __init__(self, bands: int) -> None:
        self.chips = 0
        self.places: set[str] = set()
        self.codes = np.zeros(256, np.int64)
        self.pixels = 0
        self.total = np.zeros(bands)
        self.squares = np.zeros(bands)
        self.origin: Any = None
        self.samples: list[Any] = []

    def add_values(self, values: Any, valid: Any, most: int) -> None:
        """Count the bands of a chip, `(bands, rows, cols)`."""
        numbers = values[:, valid].astype(np.float64)
        if not numbers.shape[1]:
            return
        # sums around the first chip's mean, or the squares of large numbers would swallow their spread
        self.origin = numbers.mean(axis=1) if self.origin is None else self.origin
        centred = numbers - self.origin[:, None]
        self.pixels += numbers.shape[1]
        self.total += centred.sum(axis=1)
        self.squares += (centred**2).sum(axis=1)
        self.samples.append(sample_array(values, valid, most))

    def bands(self, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
        """Mean, standard deviation and percentiles of each band."""
        if not self.pixels:
            return {}
        shift = self.total / self.pixels
        mean, sd = self.origin + shift, np.sqrt(np.maximum(self.squares / self.pixels - shift**2, 0))
        samples = np.concatenate(self.samples, axis=1)
        percentiles = np.percentile(samples, PERCENTILES, axis=1)
        return {
            name: {
                "mean": _short(mean[i]),
                "sd": _short(sd[i]),
                **{f"p{p}": _short(v) for p, v in zip(PERCENTILES, percentiles[:, i])},
            }
            for i, name in enumerate(names)
        }

    def as_json(self, description: SetDescription) -> dict[str, Any]:
        """All of it."""
        counted = {value: int(self.codes[value]) for value in description.classes}
        labelled = sum(counted.values())
        out: dict[str, Any] = {"chips": self.chips, "places": len(self.places), "valid_pixels": self.pixels}
        if description.label_band:
            out["labelled_pixels"] = labelled
            out["unknown_pixels"] = int(self.codes.sum()) - labelled
            out["classes"] = {
                " or ".join(description.classes[value]): {
                    "value": value, "pixels": count, "share": round(count / max(1, labelled), 6),
                }
                for value, count in counted.items()
            }  # fmt: skip
        out["bands"] = self.bands(description.bands)
        return out


def set_statistics(description: SetDescription, progress: Progress) -> dict[str, Any]:
    """Counts and band values of each split, in stored units.

    Raises:
        LulcError: a file is missing, damaged or of the wrong size.
    """
    rows = rows_of(description)
    counted = {name: sum(row["split"] == name for row in rows) for name in dict.fromkeys(row["split"] for row in rows)}
    splits = {name: _Split(len(description.bands)) for name in counted}
    for i, row in enumerate(rows):
        progress.check()
        split = splits[row["split"]]
        path = file_of(description.folder / "images", row["file"])
        values = stored(path)
        if len(values) < len(description.bands):
            raise LulcError(
                f"{path} has {len(values)} bands, its set describes {len(description.bands)}.", "Correct set.toml."
            )
        values = values[: len(description.bands)]
        valid = np.ones(values.shape[1:], bool)
        if description.nodata is not None:
            valid = ~(values == description.nodata).all(axis=0)
        split.chips += 1
        split.places.add(row[description.place] if description.place else row["file"])
        split.add_values(values, valid, min(_MOST_OF_CHIP, max(100, _MOST_PIXELS // counted[row["split"]])))
        if description.label_band:
            codes = stored(file_of(description.folder / "labels", row["file"]), (description.label_band,))[0]
            if codes.shape != valid.shape:
                raise LulcError(f"The labels of {row['file']} have {codes.shape} pixels, the image {valid.shape}.")
            split.codes += np.bincount(codes[valid].astype(np.uint8), minlength=256)
        progress.report(100 * (i + 1) / len(rows))
    return {"unit": "stored numbers", "splits": {name: split.as_json(description) for name, split in splits.items()}}


def write_statistics(measured: dict[str, Any], path: Path) -> None:
    """`stats.json`."""
    write_whole(path, json.dumps(measured, indent=1, ensure_ascii=False).encode())


def statistics_table(measured: dict[str, Any]) -> str:
    """The same as a table for a terminal."""
    splits = measured["splits"]
    lines = ["", f"{'':24s}" + "".join(f"{name:>12s}" for name in splits)]
    for key in ("chips", "places", "valid_pixels", "labelled_pixels"):
        if any(key in s for s in splits.values()):
            lines.append(f"{key.replace('_', ' '):24s}" + "".join(f"{s.get(key, 0):12,d}" for s in splits.values()))
    names = list(dict.fromkeys(name for s in splits.values() for name in s.get("classes", {})))
    for name in names:
        lines.append(f"  {name[:22]:22s}" + "".join(f"{s['classes'][name]['share']:12.2%}" for s in splits.values()))
    for split, s in splits.items():
        if s["bands"]:
            lines += [
                "",
                f"{split + ', stored numbers':24s}" + "".join(f"{k:>10s}" for k in ("mean", "sd", "p2", "p50", "p98")),
            ]
            for name, b in s["bands"].items():
                lines.append(
                    f"  {name[:22]:22s}" + "".join(f"{b[k]:10.5g}" for k in ("mean", "sd", "p2", "p50", "p98"))
                )
    return "\n".join(lines)


def _short(value: float) -> float:
    return float(f"{float(value):.6g}")
