# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are cancelled or fail give back their memory, files and threads: one QGIS may see hundreds of them."""

import itertools
import os
import time
from pathlib import Path

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProcessingFeedback

RUNS = 30
#: The run after which nothing more may be kept: by then every library is loaded and every cache filled.
SETTLED = 5
pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts are read from Linux's /proc")


def held():
    """Bytes of memory, open files and threads of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def settled(threads):
    """The same, once no more than so many `threads` are left, or after five seconds."""
    until = time.monotonic() + 5
    while time.monotonic() < until and held()[2] > threads:
        time.sleep(0.01)
    return held()


def assert_nothing_is_kept(run):
    """`run` raises QGIS's exception, again and again, and leaves the process as it was after the first few times."""
    measured = []
    for _ in range(RUNS):
        with pytest.raises(QgsProcessingException):
            run()
        measured.append(settled(min((threads for _, _, threads in measured), default=1000)))
    memory, files, threads = zip(*measured)
    assert files[-1] <= files[SETTLED - 1] and threads[-1] <= threads[SETTLED - 1], measured
    assert memory[-1] < 1.05 * memory[SETTLED - 1], memory


@pytest.fixture
def large(make_raster):
    """Path of a scene of 256 × 256 pixels."""
    return make_raster("large.tif", np.random.default_rng(0).integers(100, 4000, (4, 256, 256)).astype(np.uint16))


@pytest.fixture
def class_map(make_raster):
    """Path of a class map of 256 × 256 pixels."""
    return make_raster("map.tif", np.random.default_rng(0).integers(1, 6, (1, 256, 256)).astype(np.uint8), None)


class Impatient(QgsProcessingFeedback):
    """Presses Cancel as soon as a part is done."""

    def __init__(self):
        super().__init__(False)
        self.progressChanged.connect(lambda percent: self.cancel() if percent >= 20 else None)


def test_cancelled_maps(classify, large):
    assert_nothing_is_kept(lambda: classify(Impatient(), INPUT=large, WINDOW=128, OVERLAP=0))


def test_maps_that_fail(classify, large, plugin, monkeypatch):
    """When all windows are read: by a mistake of the user's and by bugs, in turn."""
    refusal = plugin("lulc_plugin.errors").LulcError
    errors = itertools.cycle((refusal("It cannot be described."), ZeroDivisionError("a bug"), MemoryError("no room")))

    def fail(*_):
        error = next(errors)
        raise type(error)(*error.args)

    monkeypatch.setattr(plugin("lulc_plugin.classify.pipeline"), "tags_of_run", fail)
    assert_nothing_is_kept(lambda: classify(INPUT=large, WINDOW=128, OVERLAP=0))


def test_maps_refused_before_the_work(classify, large, tmp_path):
    """Where QGIS calls `prepareAlgorithm`, in its main thread."""
    assert_nothing_is_kept(lambda: classify(INPUT=large, OUTPUT=str(tmp_path / "no" / "map.tif")))


@pytest.mark.parametrize("feedback, folder", [(Impatient, "."), (QgsProcessingFeedback, "missing")])
def test_reports(provider, class_map, tmp_path, feedback, folder):
    """Cancelled, and refused since their folder is missing."""
    import processing

    values = {"MAP": class_map, "REFERENCE": class_map, "OUTPUT_HTML": str(tmp_path / folder / "report.html")}
    assert_nothing_is_kept(lambda: processing.run("lulc:accuracyreport", dict(values), feedback=feedback()))
