# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured facts as a `ModelSpec`, written by the engine's own writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lulc_plugin.assess.statistics import accuracy
from lulc_plugin.model.mlm import reading as mlm
from lulc_plugin.model.spec import ClassScore, ModelSpec, Output, Scores, Training, Window

from .channels import BANDS, CHANNELS, PICTURE, REFLECTANCE
from .credits import ENCODER, training_sets
from .evaluate import VALUES, WINDOW, reference_miou
from .export import FEATURES, INPUT, OUTPUT
from .network import FEATURES as FEATURE_COUNT
from .release import legend, matrices_of

#: Results → name in the sidecar, split, legend values in the order of the matrix.
_INDIA_VALUES = (5, 2, 1)
SCORED: dict[str, tuple[str, str, tuple[int, ...]]] = {
    "HLS": ("HLS with ESA WorldCover labels, 30 m, reflectance", "test", VALUES),
    "India": (
        "Sentinel-2 pictures of India, 10 m; value 2 stands for trees, shrub and grass, cropland and bare together",
        "test",
        _INDIA_VALUES,
    ),
    "Europe": ("Sentinel-2 L2A of a European region with S2GLC labels, not trained on", "evaluation", VALUES),
    "OSCD (teacher)": ("Sentinel-2 L1C of towns; the labels are the teacher's, not truth", "evaluation", VALUES),
    "HLS val": ("HLS with ESA WorldCover labels, 30 m, reflectance", "val", VALUES),
    "India val": (
        "Sentinel-2 pictures of India, 10 m; value 2 stands for trees, shrub and grass, cropland and bare together",
        "val",
        _INDIA_VALUES,
    ),
}


def scores(results: Mapping[str, Any]) -> tuple[Scores, ...]:
    """One entry a data set and split."""
    found = []
    for key, (name, split, values) in SCORED.items():
        if key not in results["network"]:
            continue
        counts = sum(matrices_of(results["network"][key]).values())
        result = accuracy(counts)

        def short(number: float | None) -> float | None:
            return None if number is None else round(number, 4)

        found.append(
            Scores(
                dataset=name,
                split=split if results["split"] == "test" or split != "test" else results["split"],
                pixels=int(result.total),
                overall_accuracy=round(result.overall, 4),
                kappa=short(result.kappa),
                macro_f1=short(result.macro_f1),
                # over the classes of the reference, as the card says
                miou=short(reference_miou(counts)),
                classes=tuple(
                    ClassScore(v, short(c.users), short(c.producers), short(c.f1), short(c.iou), int(c.reference))
                    for v, c in zip(values, result.classes, strict=True)
                ),
                confusion=tuple(tuple(int(n) for n in row) for row in counts),
            )
        )
    return tuple(found)


def spec(results: Mapping[str, Any], name: str) -> ModelSpec:
    """The description of the released network."""
    recipe = results["recipe"]
    return ModelSpec(
        name=name,
        title="Land cover, six classes, from red, green, blue and near infrared (10 to 30 m)",
        architecture="Mobile-UNet",
        bands=BANDS,
        channels=CHANNELS,
        forms=(REFLECTANCE, PICTURE),
        fill=tuple(results["fill"]),
        input_name=INPUT,
        output=Output(OUTPUT, ("argmax",), FEATURES, FEATURE_COUNT),
        legend=legend(),
        window=Window(WINDOW.size, WINDOW.multiple, WINDOW.minimum, results["receptive_field"], results["margin"]),
        gsd=20,
        gsd_range=(10, 30),
        license="CC-BY-4.0",
        description="MobileNetV2 encoder with a narrow U-Net decoder, trained on HLS with ESA WorldCover, on pictures"
        " of India and on Sentinel-2 images labelled by the Dynamic World network. Water, trees, shrub and grass,"
        " cropland, built-up, bare. Takes reflectance or stretched pictures. Scores, limits and credits: see the card.",
        providers=({"name": "Land Cover Classifier", "roles": ["producer", "licensor", "processor"]},),
        training=Training(
            training_sets({k: tuple(v) for k, v in results["training_counts"].items()}),
            {
                "steps": results["step"] + results["before"].get("step", 0),
                "seed": recipe["seed"],
                "optimizer": "adamw",
                "learning_rate_decoder": recipe["decoder_rate"],
                "learning_rate_encoder": recipe["encoder_rate"],
                "weight_decay": recipe["decay"],
                "batch": recipe["hls"] + recipe["india"] + recipe["sentinel"],
                "loss": "weighted cross-entropy + dice, partial labels, soft teacher labels",
            },
            ENCODER,
        ),
        scores=scores(results),
        parameters=results["parameters"],
        speed=results["speed"],
        created=results["created"],
        file_name=f"{name}.onnx",
        file_size=results["file_size"],
        sha256=results["digest"],
        extra={
            "lulc:calibration": {
                "temperature": results["temperature"],
                "expected_error_before": {k: round(v, 4) for k, v in results["error_before"].items()},
                "expected_error_after": {k: round(v, 4) for k, v in results["error_after"].items()},
            }
        },
    )


def write(results: Mapping[str, Any], target: Path) -> None:
    """Write the sidecar beside the network `target`."""
    mlm.write(spec(results, target.stem), target.with_suffix(".json"))
