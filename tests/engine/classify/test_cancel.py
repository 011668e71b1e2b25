# SPDX-License-Identifier: GPL-3.0-or-later
"""A cancel is answered within two seconds wherever the run is, and leaves nothing."""

import threading
import time

import numpy as np
import pytest
from affine import Affine
from onnx import TensorProto, helper, numpy_helper

from lulc_plugin.classify import ClassifyJob, classify as run_classify, pipeline, stages
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.legend import Legend, LegendClass
from lulc_plugin.model import Network, mlm
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput, Source, output

QUICK = 2.0


class Impatient(Progress):
    """Wants to stop a little after `press` was called; remembers which threads talked to it."""

    def __init__(self):
        super().__init__()
        self.pressed = None
        self.talkers = set()

    def press(self):
        if self.pressed is None:
            self.pressed = time.perf_counter()

    @property
    def cancelled(self):
        return self.pressed is not None and time.perf_counter() - self.pressed > 0.1

    @property
    def waited(self):
        return time.perf_counter() - self.pressed - 0.1

    def _show_percent(self, percent):
        self.talkers.add(threading.current_thread())

    _show_log = _show_warning = _show_percent


def working():
    return {t.name for t in threading.enumerate() if t.name.startswith("lulc-")}


def wait_until_quiet(folder, seconds=12):
    """Threads that were left to end alone do end, and what they made goes with them."""
    until = time.perf_counter() + seconds
    while (working() or list(folder.iterdir())) and time.perf_counter() < until:
        time.sleep(0.05)
    assert working() == set()
    assert list(folder.iterdir()) == []


@pytest.fixture
def cancelled(raster, network, scene, tmp_path):
    """`cancelled(progress, …)` runs a job that is cancelled and returns how long that took."""
    folder = tmp_path / "out"
    folder.mkdir()
    layer = raster("a.tif", scene(160, 150))

    def run(progress, *, model=None, quiet=True, **options):
        options.setdefault("window", 64)
        model = model or network("pixel").path
        job = ClassifyJob(RasterInput(layer), model_file=model, threads=1, **options)
        with pytest.raises(CancelledError):
            run_classify(job, folder / "map.tif", progress)
        waited = progress.waited
        assert not (folder / "map.tif").exists()
        if quiet:
            assert list(folder.iterdir()) == []
        wait_until_quiet(folder)
        return waited

    return run


def slow(press, seconds, function, after=0):
    """`function`, but the call number `after` takes that many seconds more, and a cancel comes meanwhile."""
    calls = []

    def wrapped(*arguments, **options):
        calls.append(1)
        if len(calls) == after + 1:
            press()
            time.sleep(seconds)
        return function(*arguments, **options)

    return wrapped


@pytest.fixture(params=["loop", "convolutions"])
def endless(request, tmp_path, network):
    """Path of a network whose single run takes a minute or more."""
    net = network("pixel", name="endless-v1")
    random = np.random.default_rng(0)
    numbers = TensorProto.FLOAT
    value = helper.make_tensor_value_info
    weights = [numpy_helper.from_array(random.normal(0, 0.1, (4, 4, 1, 1)).astype(np.float32), "w")]
    if request.param == "loop":
        weights.append(numpy_helper.from_array(np.array(500_000_000, np.int64), "many"))
        weights.append(numpy_helper.from_array(np.array(True), "yes"))
        body = helper.make_graph(
            [helper.make_node("Identity", ["on"], ["still"]), helper.make_node("Tanh", ["x"], ["y"])],
            "body",
            [value("i", TensorProto.INT64, []), value("on", TensorProto.BOOL, []), value("x", numbers, None)],
            [value("still", TensorProto.BOOL, []), value("y", numbers, None)],
        )
        nodes = [helper.make_node("Loop", ["many", "yes", "image"], ["long"], body=body)]
    else:
        for name, shape in (("in", (96, 4, 3, 3)), ("on", (96, 96, 5, 5)), ("out", (4, 96, 3, 3))):
            weights.append(numpy_helper.from_array(random.normal(0, 0.05, shape).astype(np.float32), name))
        nodes = [helper.make_node("Conv", ["image", "in"], ["x0"], pads=[1] * 4)]
        for i in range(3000):
            nodes.append(helper.make_node("Conv", [f"x{i}", "on"], [f"c{i}"], pads=[2] * 4))
            nodes.append(helper.make_node("Tanh", [f"c{i}"], [f"x{i + 1}"]))
        nodes.append(helper.make_node("Conv", ["x3000", "out"], ["long"], pads=[1] * 4))
    nodes.append(helper.make_node("Conv", ["long", "w"], ["raw"]))
    nodes.append(helper.make_node("Softmax", ["raw"], ["scores"], axis=1))
    shape = ["n", 4, "h", "w"]
    graph = helper.make_graph(
        nodes, "endless", [value("image", numbers, shape)], [value("scores", numbers, shape)], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = tmp_path / "endless.onnx"
    path.write_bytes(model.SerializeToString())
    mlm.write(net.spec, path.with_suffix(".json"))
    return str(path)


def test_inside_the_network(cancelled, endless, monkeypatch):
    """onnxruntime itself stops: no thread is left behind."""
    progress = Impatient()
    raw = Network._raw
    done = []

    def pressing(self, batch):
        progress.press()
        try:
            return raw(self, batch)
        finally:
            done.append(progress.waited)

    monkeypatch.setattr(Network, "_raw", pressing)
    assert cancelled(progress, model=endless) < QUICK
    assert len(done) == 1 and done[0] < QUICK


def test_while_one_operation_takes_long(cancelled, monkeypatch):
    """Nothing can stop it: it is left to end alone."""
    progress = Impatient()
    monkeypatch.setattr(Network, "_raw", slow(progress.press, 4, Network._raw, 2))
    assert cancelled(progress) < QUICK


@pytest.mark.parametrize("after", [0, 1])
def test_while_the_layer_is_looked_at(cancelled, monkeypatch, after):
    progress = Impatient()
    monkeypatch.setattr(Source, "read", slow(progress.press, 4, Source.read, after))
    assert cancelled(progress, values="picture") < QUICK


def test_while_the_layer_is_opened(cancelled, monkeypatch):
    progress = Impatient()
    monkeypatch.setattr(Source, "__init__", slow(progress.press, 4, Source.__init__))
    assert cancelled(progress) < QUICK


def test_while_the_network_is_loaded(cancelled, monkeypatch):
    progress = Impatient()
    monkeypatch.setattr(Network, "__init__", slow(progress.press, 4, Network.__init__))
    assert cancelled(progress) < QUICK


def test_while_windows_are_read(cancelled, monkeypatch):
    progress = Impatient()
    stream = pipeline._stream

    def reading(*arguments):
        monkeypatch.setattr(Source, "read", slow(progress.press, 4, Source.read, 1))
        return stream(*arguments)

    monkeypatch.setattr(pipeline, "_stream", reading)
    assert cancelled(progress) < QUICK


def test_while_windows_are_blended(cancelled, monkeypatch):
    progress = Impatient()
    monkeypatch.setattr(pipeline, "most_probable_class", slow(progress.press, 4, pipeline.most_probable_class, 2))
    assert cancelled(progress) < QUICK


def test_while_rows_are_written(cancelled, monkeypatch):
    """The thread that is inside GDAL closes the file when it comes out, nobody else."""
    progress = Impatient()
    monkeypatch.setattr(output, "FileWindow", slow(progress.press, 4, output.FileWindow, 1))
    assert cancelled(progress, quiet=False) < QUICK


def test_a_file_is_not_closed_while_a_row_is_written(tmp_path, monkeypatch):
    """GDAL would crash: another thread is inside it."""
    legend = Legend.of([LegendClass(1, "one", "#000000")])
    inside = threading.Event()
    closed = []

    def pausing(*arguments):
        inside.set()
        time.sleep(1.5)
        closed.append(writer._dataset.closed)
        return window(*arguments)

    window = output.FileWindow
    monkeypatch.setattr(output, "FileWindow", pausing)
    grid = Affine(30, 0, 500_000, 0, -30, 9_120_000)
    with output.MapWriter(tmp_path / "map.tif", (20, 30), grid, None, legend, "x") as writer:
        row = threading.Thread(target=writer.write, args=(0, np.ones((20, 30), np.uint8)), name="lulc-row")
        row.start()
        assert inside.wait(5)
        left = time.perf_counter()
    assert time.perf_counter() - left < 1
    wait_until_quiet(tmp_path)
    assert closed == [False]


def test_while_the_model_is_digested(cancelled, monkeypatch):
    progress = Impatient()
    monkeypatch.setattr(pipeline, "tags_of_run", slow(progress.press, 4, pipeline.tags_of_run))
    assert cancelled(progress) < QUICK


@pytest.mark.parametrize("what", ["_copy", "run"])
def test_while_the_file_is_copied(cancelled, monkeypatch, what):
    progress = Impatient()
    before = getattr(output._CopyThread, what)
    monkeypatch.setattr(output._CopyThread, what, slow(progress.press, 3, before))
    assert cancelled(progress, quiet=False) < QUICK


def test_a_copy_that_was_left_removes_its_own_file(cancelled, monkeypatch, tmp_path):
    """Also what it makes after the others have gone."""
    progress = Impatient()
    copy = output.rasterio.shutil.copy
    made = []

    def late(source, target, **options):
        progress.press()
        time.sleep(2.5)
        assert (tmp_path / "out" / "map.tif").exists() is False
        copy(source, target, **options)
        made.extend(p.name for p in (tmp_path / "out").iterdir())

    monkeypatch.setattr(output.rasterio.shutil, "copy", late)
    assert cancelled(progress, quiet=False) < QUICK
    assert any(name.endswith(".whole.tif") for name in made)
    assert any(name.endswith(".lock") for name in made)


# ---------------------------------------------------------------- who talks to whom


def test_only_the_callers_thread_talks_to_its_progress(raster, network, scene, tmp_path):
    """A QGIS feedback shows nothing that another thread says while its own is busy."""
    progress = Impatient()
    job = ClassifyJob(RasterInput(raster("a.tif", scene(160, 150))), model_file=network("pixel").path)
    run_classify(job, tmp_path / "map.tif", progress)
    assert progress.talkers == {threading.current_thread()}
    assert progress.percent == 100


def test_nobody_hears_a_thread_that_was_left(recorder):
    progress = recorder(0)
    heard = threading.Event()

    def work(relay):
        time.sleep(1.5)
        relay.log("too late")
        relay.report(50)
        assert relay.cancelled
        heard.set()

    with pytest.raises(CancelledError):
        stages.run_in_thread("lulc-test", work, progress)
    # the caller's next job is not cancelled, what was left of this one still is
    progress.stop_at = None
    assert heard.wait(5)
    assert progress.lines == [] and progress.percents == []


def test_the_failure_counts_not_the_halt_that_followed():
    stop = threading.Event()
    halted = threading.Event()

    def failing():
        time.sleep(0.1)
        raise LulcError("The disk is full.")

    def halting():
        assert halted.wait(5)
        raise CancelledError

    both = [stages.Stage("lulc-a", halting, stop), stages.Stage("lulc-b", failing, stop)]
    with pytest.raises(LulcError, match="disk is full"):
        stages.run_stages(both, stop, stages.ProgressRelay(Progress()), halted.set)


def test_what_is_said_arrives_in_order(recorder):
    progress = recorder()

    def work(relay):
        relay.log("one")
        relay.report(10)
        relay.warn("two")
        relay.report(5)
        relay.log("three")
        return 7

    assert stages.run_in_thread("lulc-test", work, progress) == 7
    assert progress.lines == ["one", "three"]
    assert progress.warnings == ["two"]
    assert progress.percents == [10]


def test_errors_come_back_from_a_thread():
    def work(_):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        stages.run_in_thread("lulc-test", work, Progress())
