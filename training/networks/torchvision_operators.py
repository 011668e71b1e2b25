# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes `import torchvision` work where its compiled part does not fit this PyTorch.

PyPI has torchvision for CUDA only; beside a PyTorch for the CPU its library cannot load, and then the import stops
because two of its operators do not exist. No segmentation network calls them: their schemas are enough. Where the
library loads, nothing is changed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import torch

from lulc_plugin.errors import LulcError

_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
#: definitions live as long as their library object
_defined: list[torch.library.Library] = []


def prepare_torchvision() -> bool:
    """Call before the first import of torchvision, or of what imports it (timm, segmentation_models_pytorch).

    Returns:
        Whether schemas had to be defined.

    Raises:
        LulcError: torchvision is not installed.
    """
    if "torchvision" in sys.modules or _defined:
        return bool(_defined)
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise LulcError("torchvision is not installed.", "Run scripts/setup.sh training.")
    if _library_loads(Path(spec.origin).parent):
        return False
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(name + _NMS)
    _defined.append(library)
    return True


def _library_loads(folder: Path) -> bool:
    files = [file for file in sorted(folder.glob("_C.*")) if file.suffix in (".so", ".pyd", ".dylib")]
    try:
        for file in files:
            torch.ops.load_library(file)
    except OSError:
        return False
    return bool(files)
