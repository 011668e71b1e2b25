# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan opens its network: who opens it, who closes it, and what the check of a layer pays."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from lulc_plugin import bundled
from lulc_plugin.classify import ClassifyJob, check_layer, classify as run_classify, make_plan, run
from lulc_plugin.cli import main
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.findings import ERROR
from lulc_plugin.legend import Legend
from lulc_plugin.model import Network, catalogue, mlm
from lulc_plugin.progress import Progress
from lulc_plugin.raster import RasterInput, Source

with_network = pytest.mark.skipif(not bundled.model_names(), reason="no network is bundled yet")


@pytest.fixture
def opened(monkeypatch):
    """Weak references to the networks that are opened."""
    networks = []
    start = Network.__init__

    def counting(self, *arguments, **options):
        networks.append(weakref.ref(self))
        start(self, *arguments, **options)

    monkeypatch.setattr(Network, "__init__", counting)
    return networks


@pytest.fixture
def reads(monkeypatch):
    """The pieces of layers that are read, each with its bands."""
    pieces = []
    read = Source.read

    def counting(self, bands, region):
        pieces.append((tuple(bands), region))
        return read(self, bands, region)

    monkeypatch.setattr(Source, "read", counting)
    return pieces


def open_sessions(networks):
    """Networks that still hold a session."""
    gc.collect()
    return [network for reference in networks if (network := reference()) is not None and network._session is not None]


@pytest.fixture
def six_and_five(network):
    """A graph of six classes whose description names five."""
    net = network("pixel", classes=6)
    legend = Legend.of(net.spec.legend.classes[:5])
    mlm.write(replace(net.spec, legend=legend), Path(net.path).with_suffix(".json"))
    return net


# ---------------------------------------------------------------- graph and description


def test_a_graph_of_other_classes_fails_the_check_with_both_numbers(six_and_five, raster, scene, capsys):
    layer = raster("a.tif", scene(60, 60))
    assert main(["check", layer, "--model", six_and_five.path]) == 1
    (line,) = [text for text in capsys.readouterr().out.splitlines() if text.startswith("FAIL")]
    assert line.startswith("FAIL  Network: ") and "6" in line and "5 classes" in line
    assert main(["check", layer, "--model", six_and_five.path, "--json"]) == 1
    findings = {f["id"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["model.network"]["level"] == "error"
    assert findings["values.range"]["level"] != "error", "the other findings are there all the same"


def test_such_a_network_is_not_said_to_fit(six_and_five, raster, scene):
    folder = str(Path(six_and_five.path).parent)
    job = ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model="pixel-v1", models_folder=folder)
    (fit,) = [m for m in check_layer(job).models if m.name == "pixel-v1"]
    assert not fit.fits and "5 classes" in fit.reason


def test_a_run_refuses_such_a_network_before_it_reads_the_layer(six_and_five, raster, scene, tmp_path, reads):
    job = ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=six_and_five.path)
    with pytest.raises(LulcError, match="5 classes"):
        run_classify(job, tmp_path / "map.tif")
    assert reads == [] and not list(tmp_path.glob("*map*"))


# ---------------------------------------------------------------- opened once, closed in the end


def test_a_run_takes_the_session_of_its_plan_over_and_closes_it(network, raster, scene, tmp_path, opened):
    plan = make_plan(ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=network().path))
    assert len(open_sessions(opened)) == 1
    run(plan, tmp_path / "map.tif", Progress())
    assert len(opened) == 1 and open_sessions(opened) == []
    with pytest.raises(LulcError, match="closed"):
        run(plan, tmp_path / "map.tif", Progress())


def test_a_plan_that_is_not_run_is_closed(network, raster, scene, opened):
    job = ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=network().path)
    with make_plan(job) as plan:
        assert plan.ready()[1] is open_sessions(opened)[0]
    assert open_sessions(opened) == []
    make_plan(job)
    assert open_sessions(opened) == [], "nobody keeps a plan that was dropped"


def test_a_plan_with_errors_holds_no_session(network, raster, scene, opened):
    layer = raster("a.tif", np.full((4, 60, 60), 7, np.uint16), nodata=7)
    plan = make_plan(ClassifyJob(RasterInput(layer), model_file=network().path))
    assert len(opened) == 1 and plan.network is None and open_sessions(opened) == []


@pytest.mark.parametrize("options", [{"extent": (0, 0, 1, 1)}, {"gsd_range": (1, 2)}])
def test_what_is_refused_for_less_does_not_pay_for_a_session(network, raster, scene, opened, options):
    net = network(gsd_range=options.pop("gsd_range", None))
    job = ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=net.path, **options)
    assert len(make_plan(job).errors) == 1 and opened == []
    assert check_layer(job).count(ERROR) == 1 and len(opened) == 1, "a check collects everything"


def test_a_cancel_while_the_network_is_opened_leaves_no_session(network, raster, scene, tmp_path, opened, monkeypatch):
    cancelled, go_on = threading.Event(), threading.Event()
    start = Network.__init__

    class Asked(Progress):
        cancelled = property(lambda self: cancelled.is_set())

    def slow(self, *arguments, **options):
        start(self, *arguments, **options)
        cancelled.set()
        go_on.wait(10)

    monkeypatch.setattr(Network, "__init__", slow)
    job = ClassifyJob(RasterInput(raster("a.tif", scene(60, 60))), model_file=network().path)
    with pytest.raises(CancelledError):
        run_classify(job, tmp_path / "map.tif", Asked())
    go_on.set()
    for thread in [t for t in threading.enumerate() if t.name == "lulc-plan"]:
        thread.join(10)
    assert len(opened) == 1 and open_sessions(opened) == []


# ---------------------------------------------------------------- the check of a layer


@with_network
def test_a_check_opens_the_chosen_network_only(raster, scene, opened):
    check = check_layer(ClassifyJob(RasterInput(raster("a.tif", scene(200, 200)))))
    assert len(opened) == 1 and open_sessions(opened) == []
    assert len([m for m in check.models if m.fits]) > 1


@with_network
@pytest.mark.parametrize("size", [200, 700])
def test_a_check_reads_no_more_than_a_plan(raster, scene, reads, size):
    job = ClassifyJob(RasterInput(raster("a.tif", scene(size, size))))
    make_plan(job)
    planned = list(reads)
    reads.clear()
    assert len(check_layer(job).models) > 2
    assert reads == planned


@with_network
def test_an_alpha_band_is_no_reason_to_read_anew(raster, scene, reads):
    values = np.concatenate([scene(200, 200), np.full((1, 200, 200), 65_535, np.uint16)])
    layer = raster("a.tif", values, names=("red", "green", "blue", "nir", "alpha"))
    with rasterio.open(layer, "r+") as out:
        out.colorinterp = [*out.colorinterp[:4], ColorInterp.alpha]
    job = ClassifyJob(RasterInput(layer))
    assert make_plan(job).ready()[0].facts.bands[4].is_alpha
    planned = list(reads)
    reads.clear()
    check_layer(job)
    assert reads == planned


@with_network
def test_a_check_reads_each_description_once(raster, scene, monkeypatch):
    loaded = []
    load = catalogue.load
    monkeypatch.setattr(catalogue, "load", lambda path: loaded.append(path) or load(path))
    check_layer(ClassifyJob(RasterInput(raster("a.tif", scene(200, 200)))))
    assert len(loaded) == len(set(loaded)) == len(bundled.model_names())
