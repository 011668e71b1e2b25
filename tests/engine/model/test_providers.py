# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a network runs: what is asked for, what is there, and what really ran."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from lulc_plugin.classify import ClassifyJob
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.model import Network, providers
from lulc_plugin.model.runtime.providers import CPU, ExecutionProvider
from lulc_plugin.raster import RasterInput

CUDA, OPENVINO = "CUDAExecutionProvider", "OpenVINOExecutionProvider"
OFFERED = ort.get_available_providers()


# ---------------------------------------------------------------- what is tried


def test_auto_without_anything_faster():
    found = providers.choose("auto", "", ["AzureExecutionProvider", CPU], "1.31.1")
    assert found.providers == (ExecutionProvider(CPU),)
    assert "1.31.1 offers neither CUDA nor OpenVINO" in found.notes[0]


def test_auto_takes_the_fastest_first_and_the_cpu_last():
    found = providers.choose("auto", "", [OPENVINO, CUDA, CPU], "1.20.0")
    assert [p.name for p in found.providers] == [CUDA, OPENVINO, CPU]
    assert found.notes == ()
    assert found.providers[0].options == {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    assert "use_tf32" not in providers.choose("cuda", "", [CUDA], "1.17.3").providers[0].options


@pytest.mark.parametrize(("device", "package"), [("cuda", "onnxruntime-gpu"), ("openvino", "onnxruntime-openvino")])
def test_a_device_that_is_missing_is_an_error_with_the_package(device, package):
    with pytest.raises(LulcError) as caught:
        providers.choose(device, "", ["AzureExecutionProvider", CPU], "1.31.1")
    assert "not offered by the installed onnxruntime 1.31.1 (it offers Azure, CPU)" in caught.value.problem
    assert f"pip install {package}" in caught.value.remedy and "auto or cpu" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "provider", "options"),
    [
        ("DmlExecutionProvider", "DmlExecutionProvider", {}),
        ("dml", "DmlExecutionProvider", {}),
        (" dml ; device_id = 1 ;", "DmlExecutionProvider", {"device_id": "1"}),
        ("CoreMLExecutionProvider;a=b;c=d=e", "CoreMLExecutionProvider", {"a": "b", "c": "d=e"}),
    ],
)
def test_providers_in_words(text, provider, options):
    found = providers.choose("auto", text, ["DmlExecutionProvider", "CoreMLExecutionProvider", CPU], "1")
    assert found.providers == (ExecutionProvider(provider, options),)
    assert "not been tested" in found.warnings[0]


@pytest.mark.parametrize(
    ("text", "match"),
    [("../x.so", "'../x.so' is not a name"),
     ("dml;device_id", "'device_id' is not of the form"), (";a=b", "not a name"),
     ("dml;=3", "not of the form"), ("x" * 3000, "3000 characters")],
)  # fmt: skip
def test_providers_that_cannot_be_read(text, match):
    with pytest.raises(LulcError, match=re.escape(match)):
        ClassifyJob(RasterInput("a.tif"), provider=text)


def test_an_unknown_provider_is_refused_with_those_there_are():
    with pytest.raises(LulcError, match="Nonsense is not offered.*it offers CPU"):
        providers.choose("auto", "nonsense".title(), [CPU], "1.31.1")


def test_jobs_that_contradict_themselves():
    with pytest.raises(LulcError, match="'gpu' is not known.*auto, cpu, cuda, openvino"):
        ClassifyJob(RasterInput("a.tif"), device="gpu")
    with pytest.raises(LulcError, match="Both the device cuda and the provider 'dml'"):
        ClassifyJob(RasterInput("a.tif"), device="cuda", provider="dml")


# ---------------------------------------------------------------- what runs


@pytest.mark.parametrize("threads", [1, 3])
def test_options_reach_the_session(network, threads):
    """`options=` instead of `sess_options=` would be swallowed."""
    net = network("pixel")
    made = Network(Path(net.path), net.spec, threads)
    assert made.threads == threads
    assert made.device == f"CPU ({threads} thread{'s' if threads > 1 else ''})"
    assert made.providers == (CPU,)


def test_options_that_the_cpu_does_not_have():
    with pytest.raises(LulcError, match="cpu takes no option 'xx'"):
        providers.choose("auto", "cpu;xx=3", ["CPUExecutionProvider"], "1.31")


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_log_names_the_cpu(network, raster, classify, scene, device):
    if device == "auto" and {CUDA, OPENVINO} & set(OFFERED):
        pytest.skip("this onnxruntime offers something faster")
    made = classify(raster("a.tif", scene(40, 40)), network("pixel"), device=device)
    (line,) = [line for line in made.progress.lines if line.startswith("Device:")]
    assert line.startswith("Device: CPU (1 thread)")
    assert ("neither CUDA nor OpenVINO" in line) == (device == "auto")
    assert made.result.device == "CPU (1 thread)"
    assert made.progress.warnings == list(made.result.warnings)


@pytest.mark.parametrize("device", ["cuda", "openvino"])
def test_a_missing_device_makes_no_map(network, raster, classify, scene, tmp_path, device):
    if providers.choose("auto", "", OFFERED, "").providers[0].name != CPU:
        pytest.skip("this onnxruntime offers something faster")
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(LulcError, match="not offered by the installed onnxruntime"):
        classify(raster("a.tif", scene(40, 40)), network("pixel"), device=device, output=str(folder / "map.tif"))
    assert list(folder.iterdir()) == []


@pytest.fixture
def offers(monkeypatch):
    """`offers("CUDAExecutionProvider")`: onnxruntime claims to have it."""
    return lambda *names: monkeypatch.setattr(ort, "get_available_providers", lambda: [*names, CPU])


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_silent_fall_back_is_seen(network, raster, classify, scene, offers):
    """onnxruntime drops a provider whose libraries are missing and goes on with the CPU."""
    offers(CUDA)
    layer, net = raster("a.tif", scene(40, 40)), network("pixel")
    with pytest.raises(LulcError, match="could not be run on CUDA: onnxruntime took CPU without an error.*auto or cpu"):
        classify(layer, net, device="cuda")
    made = classify(layer, net)
    assert made.result.device == "CPU (1 thread)"
    (warning,) = [w for w in made.progress.warnings if "CUDA" in w]
    assert "took CPU without an error" in warning and "runs on CPU instead" in warning
    assert warning in made.result.warnings
    np.testing.assert_array_equal(made.values, classify(layer, net, device="cpu").values)


class FakeCudaSession:
    """A session that says it is CUDA's; `fails` in its first run, or tells a profile."""

    fails: str | None = None
    nodes: tuple[tuple[str, str], ...] = (("a", CUDA), ("b", CUDA), ("c", CPU))

    def __init__(self, path, *, sess_options, providers, enable_fallback):
        assert enable_fallback == 0
        self.cuda = CUDA in str(providers)
        self.options = sess_options
        self.session = _session(path, sess_options=ort.SessionOptions(), providers=[CPU])

    def get_providers(self):
        return [CUDA, CPU] if self.cuda else [CPU]

    def run(self, *arguments):
        if self.cuda and self.fails:
            raise RuntimeError(self.fails)
        return self.session.run(*arguments)

    def end_profiling(self):
        import json

        path = Path(self.options.profile_file_prefix + "_x.json")
        events = [{"cat": "Node", "name": n, "args": {"provider": p}} for n, p in self.nodes * 2]
        path.write_text(json.dumps([{"cat": "Session"}, *events]))
        return str(path)

    def __getattr__(self, name):
        return getattr(self.session, name)


_session = ort.InferenceSession


@pytest.fixture
def fake_cuda(monkeypatch, offers):
    offers(CUDA)
    monkeypatch.setattr(ort, "InferenceSession", FakeCudaSession)
    return monkeypatch


def test_a_first_run_that_fails(network, raster, classify, scene, fake_cuda, tmp_path):
    fake_cuda.setattr(FakeCudaSession, "fails", "CUDA failure 2: out of memory\nmore")
    layer, net = raster("a.tif", scene(40, 40)), network("pixel")
    with pytest.raises(LulcError, match="could not be run on CUDA: CUDA failure 2: out of memory"):
        classify(layer, net, device="cuda")
    made = classify(layer, net)
    assert made.result.device == "CPU (1 thread)"
    assert any("out of memory. It runs on CPU instead" in w for w in made.result.warnings)


def test_what_part_ran_where(network, raster, classify, scene, fake_cuda):
    layer, net = raster("a.tif", scene(40, 40)), network("pixel")
    made = classify(layer, net)
    assert made.result.device == "CUDA"
    assert "Device: CUDA" in made.progress.lines
    assert any("2 of the network's 3 operations run on CUDA, the rest on the CPU" in n for n in made.progress.lines)
    fake_cuda.setattr(FakeCudaSession, "nodes", (("a", CPU), ("b", CPU)))
    made = classify(layer, net, device="cuda")
    assert made.result.device == "CPU (1 thread; CUDA took nothing)"
    assert any("CUDA took none of the network's 2 operations" in w for w in made.result.warnings)


def test_no_profile_is_left(network, fake_cuda, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    net = network("pixel")
    for prepare in (True, False):
        with Network(Path(net.path), net.spec, 1, "auto") as made:
            assert len(list((tmp_path / "temporary").iterdir())) == 1
            if prepare:
                made.prepare(1, (64, 64))
                assert list((tmp_path / "temporary").iterdir()) == []
        assert list((tmp_path / "temporary").iterdir()) == []


def test_a_network_that_nobody_prepared_is_prepared_by_its_first_batch(network, fake_cuda):
    net = network("pixel")
    with Network(Path(net.path), net.spec, 1, "auto") as made:
        assert made.device == "CUDA" and not any("operations run" in note for note in made.notes)
        made.probabilities(np.zeros((1, 4, 64, 64), np.float32))
        assert any("2 of the network's 3 operations run on CUDA" in note for note in made.notes)


def test_a_closed_network_keeps_its_counts_and_refuses_to_run(network):
    net = network("pixel")
    batch = np.zeros((1, 4, 64, 64), np.float32)
    with Network(Path(net.path), net.spec, 1) as made:
        made.probabilities(batch)
    assert made.pixels == 64 * 64 and made.device == "CPU (1 thread)"
    with pytest.raises(LulcError, match="closed"):
        made.probabilities(batch)


def test_opened_in_one_thread_and_run_in_another(network):
    net = network("pixel")
    with ThreadPoolExecutor(1) as thread:
        made = thread.submit(Network, Path(net.path), net.spec, 1).result()
    here = made.probabilities(np.full((2, 4, 64, 64), 0.3, np.float32))
    assert here.shape[0] == 2 and made.fixed_window is None


def test_a_profile_that_cannot_be_read(tmp_path):
    assert providers.profiled_operations(str(tmp_path / "none.json")) == {}
    (tmp_path / "a.json").write_text("{broken")
    assert providers.profiled_operations(str(tmp_path / "a.json")) == {}


@pytest.mark.skipif("AzureExecutionProvider" not in OFFERED, reason="this onnxruntime has no such provider")
def test_a_real_provider_that_takes_nothing(network, raster, classify, scene):
    """It is first in the session's list, and everything runs on the CPU."""
    layer, net = raster("a.tif", scene(40, 40)), network("context")
    made = classify(layer, net, provider="azure")
    assert made.result.device == "CPU (1 thread; Azure took nothing)"
    assert any("Azure took none of the network's" in w for w in made.result.warnings)
    assert any("not been tested" in w for w in made.result.warnings)
    np.testing.assert_array_equal(made.values, classify(layer, net).values)


@pytest.mark.skipif(OPENVINO not in OFFERED, reason="needs onnxruntime-openvino")
@pytest.mark.parametrize("options", [{"device": "openvino"}, {"provider": "openvino;device_type=CPU"}, {}])
def test_openvino(network, raster, classify, scene, options):
    layer, net = raster("a.tif", scene(140, 150)), network("context")
    made = classify(layer, net, **options)
    assert made.result.device == "OpenVINO"
    assert (made.values == classify(layer, net, device="cpu").values).mean() > 0.999


@pytest.mark.skipif(CUDA not in OFFERED, reason="needs onnxruntime-gpu")
def test_cuda(network, raster, classify, scene):
    layer, net = raster("a.tif", scene(140, 150)), network("context")
    made = classify(layer, net, device="cuda")
    assert made.result.device == "CUDA"
    assert (made.values == classify(layer, net, device="cpu").values).mean() > 0.999


def test_a_stopped_network_says_cancelled(network):
    net = network("pixel")
    made = Network(Path(net.path), net.spec, 1)
    made.stop()
    with pytest.raises(CancelledError):
        made.probabilities(np.zeros((1, 4, 64, 64), np.float32))


def test_at_a_shell(network, raster, scene, python, tmp_path):
    layer, net = raster("a.tif", scene(40, 40)), network("pixel")
    output = tmp_path / "map.tif"
    words = ["-m", "lulc_plugin", "classify", layer, str(output), "--model", net.path]
    done = python(*words, "--device", "cpu", "--resample", "never", "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert "Device: CPU (1 thread)" in done.stderr
    output.unlink()
    done = python(*words, "--provider", "nonsense")
    assert done.returncode == 1
    assert "nonsense is not offered" in done.stderr and "Traceback" not in done.stderr
    assert not output.exists()
