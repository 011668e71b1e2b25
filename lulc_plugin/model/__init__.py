# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network is and wants, where networks are found, and how they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_imports import lazy_exports

if TYPE_CHECKING:
    from . import catalogue as catalogue, mlm as mlm, ranking as ranking
    from .absent_bands import with_pattern as with_pattern
    from .band_patterns import (
        BandPattern as BandPattern,
        BandPatterns as BandPatterns,
        Confidence as Confidence,
        PatternScore as PatternScore,
    )
    from .catalogue import Catalogue as Catalogue, Entry as Entry
    from .describe.description import (
        describe_network as describe_network,
        suggested_name as suggested_name,
        write_description as write_description,
    )
    from .describe.user_text import classes_of_cells as classes_of_cells, classes_of_file as classes_of_file
    from .own_networks import check_name as check_name, import_model as import_model
    from .runtime import providers as providers
    from .runtime.network import Network as Network, enlarge as enlarge
    from .runtime.onnx_file import weights_files as weights_files
    from .spec import (
        MOST_GUIDE_BANDS as MOST_GUIDE_BANDS,
        MOST_RADIUS as MOST_RADIUS,
        OWN_CLASSES as OWN_CLASSES,
        BandStatistics as BandStatistics,
        ClassScore as ClassScore,
        InputForm as InputForm,
        ModelBand as ModelBand,
        ModelSpec as ModelSpec,
        Output as Output,
        Scores as Scores,
        Smoothing as Smoothing,
        Training as Training,
        TrainingSet as TrainingSet,
        Window as Window,
    )

__getattr__, __all__ = lazy_exports(
    __name__,
    {
        "": ["catalogue", "mlm", "ranking"],
        "absent_bands": ["with_pattern"],
        "band_patterns": ["BandPattern", "BandPatterns", "Confidence", "PatternScore"],
        "catalogue": ["Catalogue", "Entry"],
        "describe.description": ["describe_network", "suggested_name", "write_description"],
        "describe.user_text": ["classes_of_cells", "classes_of_file"],
        "own_networks": ["check_name", "import_model"],
        "runtime": ["providers"],
        "runtime.network": ["Network", "enlarge"],
        "runtime.onnx_file": ["weights_files"],
        "spec": [
            "OWN_CLASSES",
            "BandStatistics",
            "ClassScore",
            "InputForm",
            "MOST_GUIDE_BANDS",
            "MOST_RADIUS",
            "ModelBand",
            "ModelSpec",
            "Output",
            "Scores",
            "Smoothing",
            "Training",
            "TrainingSet",
            "Window",
        ],
    },
)
