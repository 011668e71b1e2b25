# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training`: the commands of the bench."""

from __future__ import annotations

import sys

COMMANDS = {
    "toy": "made-up scenes and a data set, where no data is at hand",
    "prepare": "scenes, masks, polygons or points → a data set of chips, split by place",
    "train": "a recipe → a checkpoint, with curves and log; --resume goes on bit for bit",
    "evaluate": "checkpoints or networks → scores, reports and pictures of held-out places",
    "export": "a checkpoint → ONNX with its description, parity and speed measured",
    "distill": "a teacher network and scenes without labels → a data set, and a student",
    "release": "a checkpoint → a network of models/ with sidecar, card and test scores",
    "rescore": "released networks → scores, sidecars and cards of the maps that users get now",
    "experiments": "the tables and figures of training/README.md, trained anew",
    "networks": "parameters, megabytes and speed of every architecture",
}


def main() -> int:
    """Print the list; the exit status."""
    print("The bench: python -m training.COMMAND --help tells more. training/README.md shows each at work.\n")
    for name, text in COMMANDS.items():
        print(f"  training.{name:<12} {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
