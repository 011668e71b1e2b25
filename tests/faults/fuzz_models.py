# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds mutated networks, descriptions and metadata to what reads them: the kinds of `KINDS`; see `fuzzing`."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fuzzing
import hostile_models
import numpy as np
import onnx
from fuzzing import VALUES, mutated, torn

from lulc_plugin.errors import LulcError
from lulc_plugin.model import Network, catalogue, classes_of_cells, describe_network, mlm
from lulc_plugin.model.describe.user_text import bands_of, classes_of_file, read_scaling
from lulc_plugin.report import card

MODELS = Path(__file__).resolve().parents[2] / "models"


def bent(model: onnx.ModelProto, chance: random.Random) -> bytes:
    """A network with a length, name, operation, attribute, type or version changed; still a well-formed message."""
    model = copy.deepcopy(model)
    graph = model.graph
    for _ in range(chance.choice((1, 1, 2, 3))):
        kind = chance.randrange(8)
        tensor = chance.choice((*graph.input, *graph.output))
        if kind == 0 and tensor.type.tensor_type.shape.dim:
            chance.choice(tensor.type.tensor_type.shape.dim).dim_value = chance.choice(
                (0, -1, 1, 7, 4097, 1 << 31, 1 << 62)
            )
        elif kind == 1:
            tensor.name = chance.choice(("", "x", "a" * 100_000, "\u202eb", "image"))
        elif kind == 2:
            tensor.type.tensor_type.elem_type = chance.randrange(24)
        elif kind == 3 and graph.initializer:
            weight = chance.choice(graph.initializer)
            weight.dims[:] = [chance.choice((0, 1, 3, 1 << 20, 1 << 40)) for _ in weight.dims]
        elif kind == 4 and graph.node:
            chance.choice(graph.node).op_type = chance.choice(
                ("Tile", "Expand", "Loop", "NonZero", "Range", "Size", "Abs")
            )
        elif kind == 5 and graph.node:
            node = chance.choice(graph.node)
            for attribute in node.attribute:
                if attribute.ints:
                    attribute.ints[:] = [chance.choice((0, -1, 1, 1 << 16, 1 << 40)) for _ in attribute.ints]
        elif kind == 6:
            model.opset_import[0].version = chance.choice((-1, 0, 1, 6, 13, 99, 1 << 40))
        else:
            value = chance.choice(VALUES)
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            key = chance.choice(("model_type", "class_names", "resolution", "tile_size", "standardization_std", "mlm"))
            model.metadata_props.add(key=key, value=text.encode("utf-8", "replace").decode())
    return model.SerializeToString()


# ---------------------------------------------------------------- what is fed with them


def _descriptions(chance: random.Random, folder: Path) -> None:
    """A description is read, written again, read again, and shown as a card."""
    item = json.loads(chance.choice(sorted(MODELS.glob("*.json"))).read_text(encoding="utf-8"))
    text = json.dumps(mutated(item, chance)) if chance.random() < 0.8 else ""
    data = torn(json.dumps(item).encode(), chance) if not text else text.encode("utf-8", "surrogatepass")
    path = folder / "net.json"
    path.write_bytes(data)
    path.with_suffix(".onnx").write_bytes(b"")
    spec = mlm.read(path)
    mlm.from_text(mlm.as_text(spec), "again")
    card.markdown_card(spec, folder / "net.onnx")


def _load_and_describe(path: Path, bands: int, classes: int) -> None:
    """A network is listed, run, and described anew; the first error counts after the others were tried."""
    errors: list[LulcError] = []
    try:
        entry = catalogue.load(path)
        with Network(path, entry.spec, threads=1) as network:
            side = network.fixed_window or (64, 64)
            batch = network.fixed_batch or 1
            if batch * side[0] * side[1] <= 1 << 22:
                network.probabilities(np.ones((batch, len(entry.spec.channels), *side), np.float32))
    except LulcError as error:
        errors.append(error)
    listed = classes_of_cells([cell for i in range(classes) for cell in (i + 1, f"class {i}", "")])
    try:
        describe_network(path, ",".join(f"channel {i}" for i in range(bands)), listed)
    except LulcError as error:
        errors.append(error)
    if errors:
        raise max(errors, key=lambda e: len(e.message) + 10_000 * (fuzzing.UNFORESEEN in e.problem))


def _bytes(chance: random.Random, folder: Path) -> None:
    """A bundled network with torn bytes, and its description."""
    original = chance.choice(sorted(MODELS.glob("*.onnx")))
    path = folder / "torn.onnx"
    path.write_bytes(torn(original.read_bytes(), chance))
    item = json.loads(original.with_suffix(".json").read_text(encoding="utf-8"))
    item["assets"]["model"].pop("file:size", None)
    path.with_suffix(".json").write_text(json.dumps(item), encoding="utf-8")
    properties = item["properties"]
    classes = properties["mlm:output"][0]["classification:classes"]
    _load_and_describe(path, len(properties["mlm:input"][0]["bands"]), len(classes))


def _graphs(chance: random.Random, folder: Path) -> None:
    """A small network of another shape, described by a sidecar, by its metadata or not at all."""
    metadata = hostile_models.DEEPNESS if chance.random() < 0.5 else None
    path = folder / "small.onnx"
    path.with_suffix(".json").unlink(missing_ok=True)
    description = None if metadata or chance.random() < 0.2 else hostile_models.description()
    if description and chance.random() < 0.5:
        description["mlm:output"][0]["post_processing_function"] = None
    hostile_models.write(path, bent(hostile_models.network(metadata=metadata), chance), description)
    _load_and_describe(path, 3, 2)


def _texts(chance: random.Random, folder: Path) -> None:
    """What a person types or saves for *Describe model*: bands, classes, scaling."""
    seeds = (
        "sentinel-2: B04,B03,B02",
        "red,green;blue",
        "z-score 1,2,3/4,5,6",
        '[{"op":"scale","value":3}]',
        "1,Water,#0064C8\n",
    )
    text = torn(chance.choice(seeds).encode(), chance)
    path = folder / "classes.csv"
    path.write_bytes(text)
    readers: tuple[Callable[[], Any], ...] = (
        lambda: bands_of(text.decode("utf-8", "replace")),
        lambda: read_scaling(text.decode("utf-8", "replace"), 3),
        lambda: classes_of_file(path),
    )
    chance.choice(readers)()


KINDS: fuzzing.Kinds = {
    "descriptions": _descriptions,
    "bytes": _bytes,
    "graphs": _graphs,
    "texts": _texts,
}


if __name__ == "__main__":
    fuzzing.main(KINDS)
