# SPDX-License-Identifier: GPL-3.0-or-later
"""Small rasters and tiny networks for the engine's tests: made by script, seeded, never stored."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import rasterio
from affine import Affine
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.classify import ClassifyJob, classify as run_classify
from lulc_plugin.classify.job import ClassifyResult
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import (
    BandPattern,
    BandPatterns,
    Confidence,
    InputForm,
    ModelBand,
    ModelSpec,
    Output,
    PatternScore,
    Window,
    mlm,
)
from lulc_plugin.model.spec import band_channel
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput, Step

CHECKOUT = Path(__file__).resolve().parents[2]
UTM = Affine(30, 0, 500_000, 0, -30, 9_120_000)
BANDS = (
    ModelBand("red", "red", 0.66, 0.03),
    ModelBand("green", "green", 0.56, 0.04),
    ModelBand("blue", "blue", 0.49, 0.06),
    ModelBand("nir", "nir", 0.84, 0.1),
)
NAMES = tuple(b.name for b in BANDS)
COLOURS = ("#0064C8", "#006400", "#FFFF4C", "#F096FF", "#FA0000", "#B4B4B4", "#00CF75", "#FAE6A0")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    # affine 3 would like `@`, which affine 2 does not know
    config.addinivalue_line("filterwarnings", "ignore:Use `@` matmul:PendingDeprecationWarning")


# ---------------------------------------------------------------- rasters


@pytest.fixture
def raster(tmp_path: Path) -> Callable[..., str]:
    """`raster(name, values, …)` writes a GeoTIFF `(bands, rows, cols)` and returns its path."""

    def write(
        name: str,
        values: np.ndarray,
        *,
        crs: Any = "EPSG:32725",
        transform: Affine = UTM,
        nodata: float | None = None,
        names: tuple[str, ...] | None = NAMES,
        mask: np.ndarray | None = None,
        **options: Any,
    ) -> str:
        path = tmp_path / name
        bands, rows, cols = values.shape
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
            path, "w", driver="GTiff", count=bands, height=rows, width=cols, dtype=values.dtype, crs=crs,
            transform=transform, nodata=nodata, **options,
        ) as out:  # fmt: skip
            out.write(values)
            for i, text in enumerate(names or (), 1):
                if i <= bands:
                    out.set_band_description(i, text)
            if mask is not None:
                out.write_mask(mask)
        return str(path)

    return write


def make_scene(rows: int, cols: int, bands: int = 4, seed: int = 0, dtype: str = "uint16") -> np.ndarray:
    """Blobs and noise as reflectance × 10,000 (or as 0..255 for `uint8`)."""
    random = np.random.default_rng(seed)
    row, col = np.mgrid[:rows, :cols].astype(np.float32)
    out = np.empty((bands, rows, cols), np.float32)
    for b in range(bands):
        waves = sum(
            np.sin(row / length + random.uniform(0, 6)) * np.cos(col / length + random.uniform(0, 6))
            for length in (5, 13, 41)
        )
        out[b] = 1500 + 300 * b + 400 * waves + random.normal(0, 120, (rows, cols))
    out = np.clip(out, 20, 9000)
    if dtype == "uint8":
        return np.clip(out / 16, 1, 250).astype(np.uint8)
    return out.astype(dtype)


@pytest.fixture(scope="session")
def scene() -> Callable[..., np.ndarray]:
    return make_scene


# ---------------------------------------------------------------- networks


def _conv(
    nodes: list, weights: list, random: np.random.Generator, name: str, source: str, shape: tuple, **attributes: Any
) -> str:  # noqa: E501
    spread = attributes.pop("spread", np.sqrt(2 / (shape[1] * shape[2] * shape[3])))
    pads = attributes.pop("pads", [shape[2] // 2] * 4)
    weights.append(numpy_helper.from_array(random.normal(0, spread, shape).astype(np.float32), f"{name}_w"))
    weights.append(numpy_helper.from_array(random.normal(0, 0.1, shape[0]).astype(np.float32), f"{name}_b"))
    nodes.append(helper.make_node("Conv", [source, f"{name}_w", f"{name}_b"], [name], pads=pads, **attributes))
    return name


def _relu(nodes: list, source: str) -> str:
    nodes.append(helper.make_node("Relu", [source], [f"{source}_r"]))
    return f"{source}_r"


def _double(nodes: list, weights: list, source: str) -> str:
    if not any(w.name == "double" for w in weights):
        weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "double"))
    nodes.append(helper.make_node("Resize", [source, "", "double"], [f"{source}_u"], mode="nearest",
                                  coordinate_transformation_mode="asymmetric", nearest_mode="floor"))  # fmt: skip
    return f"{source}_u"


def _presence(nodes: list, weights: list) -> str:
    """The image with 0 where a band is absent, and behind it a plane for each band that says so."""
    weights.append(numpy_helper.from_array(np.array([ABSENT, 0.0, 1.0], np.float32), "numbers"))
    for i, name in enumerate(("absent", "zero", "one")):
        weights.append(numpy_helper.from_array(np.array([i], np.int64), f"at_{name}"))
        nodes.append(helper.make_node("Gather", ["numbers", f"at_{name}"], [name]))
    nodes.append(helper.make_node("Equal", ["image", "absent"], ["is_absent"]))
    nodes.append(helper.make_node("Where", ["is_absent", "zero", "image"], ["cleaned"]))
    nodes.append(helper.make_node("Where", ["is_absent", "one", "zero"], ["lacking"]))
    nodes.append(helper.make_node("Concat", ["cleaned", "lacking"], ["seen"], axis=1))
    return "seen"


def _balance(
    nodes: list, weights: list, source: str, channels: int, classes: int, contrast: float, scaling: tuple = (0.2, 0.1)
) -> None:
    """Finish with scores of mean 0 and spread `contrast` for a scene of `make_scene`, so that all classes occur."""
    import onnxruntime as ort

    value = helper.make_tensor_value_info
    head = helper.make_graph(nodes, "head", [value("image", TensorProto.FLOAT, None)],
                             [value(source, TensorProto.FLOAT, None)], weights)  # fmt: skip
    model = helper.make_model(head, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    tensor = as_network_sees(make_scene(128, 128, channels, seed=99), *scaling)[None]
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    raw = session.run(None, {"image": tensor})[0][0]
    mean, spread = raw.mean(axis=(1, 2)), raw.std(axis=(1, 2)) + 1e-6
    for name, numbers in (("shift", mean), ("gain", contrast / spread)):
        weights.append(numpy_helper.from_array(numbers.reshape(1, classes, 1, 1).astype(np.float32), name))
    nodes.append(helper.make_node("Sub", [source, "shift"], ["centred"]))
    nodes.append(helper.make_node("Mul", ["centred", "gain"], ["scores"]))


def build_graph(
    kind: str,
    channels: int,
    classes: int,
    seed: int = 0,
    shape: tuple[Any, Any, Any] = ("n", "h", "w"),
    metadata: dict[str, str] | None = None,
) -> onnx.ModelProto:
    """`pixel`: 1 × 1, probabilities. `context`: two strides down and up, 3 × 3. `deep`: many 3 × 3, zero padding shows.

    `any_bands` is `context` for bands of which some may hold `ABSENT` everywhere, which it finds out itself. `nan`
    returns not a number; `half` returns half the size; both for what must be refused.
    """
    random = np.random.default_rng(seed + 1000)
    nodes: list = []
    weights: list = []
    final = "scores"
    if kind in ("pixel", "nan", "half"):
        if kind == "pixel":
            head = _conv(nodes, weights, random, "c0", "image", (classes, channels, 1, 1), spread=2.0)
            nodes.append(helper.make_node("Softmax", [head], [final], axis=1))
        elif kind == "nan":
            head = _conv(nodes, weights, random, "c0", "image", (classes, channels, 1, 1))
            weights.append(numpy_helper.from_array(np.array([np.nan], np.float32), "not_a_number"))
            nodes.append(helper.make_node("Add", [head, "not_a_number"], [final]))
        else:
            head = _conv(nodes, weights, random, "c0", "image", (classes, channels, 1, 1))
            nodes.append(helper.make_node("MaxPool", [head], [final], kernel_shape=[2, 2], strides=[2, 2]))
    elif kind in ("context", "any_bands"):
        first, depth = ("image", channels) if kind == "context" else (_presence(nodes, weights), 2 * channels)
        x = _relu(nodes, _conv(nodes, weights, random, "c1", first, (8, depth, 3, 3)))
        x = _relu(nodes, _conv(nodes, weights, random, "c2", x, (8, 8, 3, 3), strides=[2, 2], pads=[1, 1, 0, 0]))
        x = _relu(nodes, _conv(nodes, weights, random, "c3", x, (8, 8, 3, 3), strides=[2, 2], pads=[1, 1, 0, 0]))
        x = _relu(nodes, _conv(nodes, weights, random, "c4", x, (8, 8, 3, 3)))
        x = _relu(nodes, _conv(nodes, weights, random, "c5", _double(nodes, weights, x), (8, 8, 3, 3)))
        x = _conv(nodes, weights, random, "c6", _double(nodes, weights, x), (classes, 8, 3, 3))
        _balance(nodes, weights, x, channels, classes, 2.0, (0.2, 0.1) if kind == "context" else (0.6, 0.6))
        if kind == "any_bands":
            final = "shares"
            nodes.append(helper.make_node("Softmax", ["scores"], [final], axis=1))
    elif kind == "deep":
        # box filters let a little of the zero padding reach far into the window
        weights.append(numpy_helper.from_array(np.full((channels, 1, 5, 5), 0.04, np.float32), "box"))
        x = "image"
        for i in range(3):
            nodes.append(helper.make_node("Conv", [x, "box"], [f"d{i}"], pads=[2] * 4, group=channels))
            x = f"d{i}"
        x = _conv(nodes, weights, random, "c1", x, (classes, channels, 3, 3), spread=1.0)
        _balance(nodes, weights, x, channels, classes, 3.0)
    batch, height, width = shape
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, channels, height, width])],
        [helper.make_tensor_value_info(final, TensorProto.FLOAT, [batch, classes, None, None])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    for key, value in (metadata or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return model


#: half the full width that can influence a pixel of `context` and of `deep`
REACH = {"pixel": 0, "context": 20, "any_bands": 20, "deep": 8}


def make_spec(
    kind: str = "pixel",
    name: str | None = None,
    classes: int = 4,
    values: tuple[int, ...] | None = None,
    **changes: Any,
) -> ModelSpec:  # noqa: E501
    """A network for red, green, blue, nir with two ways in: reflectance as it is, pictures by percentiles."""
    values = values or tuple(range(1, classes + 1))
    spec = ModelSpec(
        name=name or f"{kind}-v1",
        title=f"Test network {kind}",
        architecture=kind,
        bands=BANDS,
        channels=tuple(band_channel(n, i, (Step.of("z-score", mean=0.2, stddev=0.1),)) for i, n in enumerate(NAMES)),
        forms=(
            InputForm("reflectance", "reflectance", ((),) * 4),
            InputForm(
                "picture",
                "dn",
                ((Step.of("percentile", lower=2, upper=98), Step.of("scale", value=2.5)),) * 4,
            ),
        ),
        fill=(0.0, 0.1, -0.2, 0.3),
        input_name="image",
        output=Output("scores", ("argmax",) if kind == "pixel" else ("softmax", "argmax")),
        legend=Legend.of([LegendClass(v, f"class {v}", COLOURS[i % 8]) for i, v in enumerate(values)]),
        window=Window(size=64, multiple=4, minimum=8, receptive_field=2 * REACH.get(kind, 0) + 1, margin=8),
        file_name=f"{name or kind + '-v1'}.onnx",
    )  # fmt: skip
    return replace(spec, **changes)


#: What the channels of absent bands hold in the network of `make_any_bands`.
ABSENT = -2.0
SIX = (*BANDS, ModelBand("swir16", "swir16", 1.61, 0.09), ModelBand("swir22", "swir22", 2.2, 0.18))
#: Bands, mean IoU on the test set *chips*, and the 5 % quantile of confidence of each pattern.
PATTERNS = ((3, 0.50, 0.1), (4, 0.58, 0.2), (6, 0.61, 0.3))


def make_any_bands(kind: str = "any_bands", name: str = "any-bands-v1", **changes: Any) -> ModelSpec:
    """A network for red, green and blue alone, with nir, and with nir, swir16 and swir22."""
    names = tuple(band.name for band in SIX)
    steps = (Step.of("clip", minimum=0, maximum=1.2), Step.of("z-score", mean=0.6, stddev=0.6))
    patterns = tuple(
        BandPattern(names[:n], {"chips": PatternScore(miou + 0.2, miou)}, Confidence(0.8, low, 7))
        for n, miou, low in PATTERNS
    )
    usual: dict[str, Any] = {
        "bands": SIX,
        "channels": tuple(band_channel(band, i, steps) for i, band in enumerate(names)),
        "forms": tuple(replace(form, band_steps=form.band_steps[:1] * 6) for form in make_spec().forms),
        "fill": (0.0,) * 6,
        "output": Output("shares", ("argmax",)),
        "band_patterns": BandPatterns(ABSENT, patterns),
    }
    return replace(make_spec(kind, name), **{**usual, **changes})


@dataclass(frozen=True)
class Net:
    """A network on disk with the session that the tests use to look into it."""

    path: str
    spec: ModelSpec

    def run(self, tensor: np.ndarray) -> np.ndarray:
        """Scores `(classes, rows, cols)` of one image `(channels, rows, cols)`."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(self.path, sess_options=options, providers=["CPUExecutionProvider"])
        return session.run(None, {"image": tensor[None].astype(np.float32)})[0][0]

    def labels(self, tensor: np.ndarray) -> np.ndarray:
        """Class values of one image that was scaled already."""
        return np.array(self.spec.legend.values)[self.run(tensor).argmax(axis=0)]


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Net]:
    """`network(kind, name=…, classes=…, …)` writes a graph and its sidecar."""

    def write(
        kind: str = "pixel", *, seed: int = 0, sidecar: bool = True, shape: tuple = ("n", "h", "w"), **spec_changes: Any
    ) -> Net:  # noqa: E501
        spec = (make_any_bands if kind == "any_bands" else make_spec)(**{"kind": kind, **spec_changes})
        folder = tmp_path / "networks"
        folder.mkdir(exist_ok=True)
        path = folder / f"{spec.name}.onnx"
        graph = build_graph(kind, len(spec.channels), len(spec.legend.classes), seed, shape)
        path.write_bytes(graph.SerializeToString())
        if sidecar:
            mlm.write(spec, path.with_suffix(".json"))
        return Net(str(path), spec)

    return write


@pytest.fixture
def spec() -> Callable[..., ModelSpec]:
    return make_spec


@pytest.fixture
def any_bands() -> Callable[..., ModelSpec]:
    return make_any_bands


@pytest.fixture
def graph() -> Callable[..., onnx.ModelProto]:
    return build_graph


def as_network_sees(values: np.ndarray, mean: float = 0.2, spread: float = 0.1, divisor: float = 10_000) -> np.ndarray:
    """Reflectance × `divisor` of the four bands → what `make_spec`'s channels hold."""
    return ((values.astype(np.float64) / divisor - mean) / spread).astype(np.float32)


@pytest.fixture(scope="session")
def tensor_of() -> Callable[..., np.ndarray]:
    return as_network_sees


# ---------------------------------------------------------------- runs


class Recorder(Progress):
    """Keeps what it is told; `stop_at` cancels once that percent is reached."""

    def __init__(self, stop_at: float | None = None) -> None:
        super().__init__()
        self.percents: list[float] = []
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.stop_at = stop_at

    @property
    def cancelled(self) -> bool:
        return self.stop_at is not None and self.percent >= self.stop_at

    def _show_percent(self, percent: float) -> None:
        self.percents.append(percent)

    def _show_log(self, text: str) -> None:
        self.lines.append(text)

    def _show_warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder


@dataclass(frozen=True)
class Made:
    """A finished map: its `result`, `values` `(rows, cols)`, and `path`."""

    result: ClassifyResult
    values: np.ndarray
    path: Path
    progress: Recorder


@pytest.fixture
def classify(tmp_path: Path) -> Callable[..., Made]:
    """`classify(layer, net, …)` makes a map in a folder of its own and reads it back."""
    count = 0

    def make(layer: str, net: Net | None = None, *, progress: Recorder | None = None, **options: Any) -> Made:
        nonlocal count
        count += 1
        output = options.pop("output", None)
        if output is None:
            folder = tmp_path / f"made{count}"
            folder.mkdir()
            output = str(folder / "map.tif")
        if net is not None:
            options.setdefault("model_file", net.path)
        options.setdefault("threads", 1)
        progress = progress or Recorder()
        image = RasterInput(layer, bands=options.pop("bands", ()))
        if "statistics_from" in options:
            options["statistics_from"] = RasterInput(options["statistics_from"])
        result = run_classify(ClassifyJob(image, **options), output, progress)
        with rasterio.open(output) as made:
            return Made(result, made.read(1), Path(output), progress)

    return make


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    """`python(code or arguments, …)` runs this interpreter in a process of its own, with the checkout importable."""

    def run(*arguments: str, env: dict[str, str] | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
        clean = {k: v for k, v in os.environ.items() if k not in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA")}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": str(CHECKOUT), **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
