# SPDX-License-Identifier: GPL-3.0-or-later
"""Cancel as QGIS asks for it: from another thread, in the middle of a run; and the parameters about devices."""

import threading
import time

import numpy as np
import pytest
from qgis.core import QgsProcessingException, QgsProcessingFeedback


@pytest.fixture
def slow_network(plugin, monkeypatch):
    """A network whose every run takes a quarter of a second; tells when the first one begins."""
    runtime = plugin("lulc_plugin.model.runtime.network")
    begun = threading.Event()
    raw = runtime.Network._raw

    def slow(self, batch):
        begun.set()
        time.sleep(0.25)
        return raw(self, batch)

    monkeypatch.setattr(runtime.Network, "_raw", slow)
    return begun


def test_cancel_from_another_thread(classify, make_raster, tmp_path, slow_network):
    values = np.random.default_rng(0).integers(100, 4000, (4, 400, 400)).astype(np.uint16)
    feedback = QgsProcessingFeedback(False)
    pressed = []

    def press():
        slow_network.wait(30)
        time.sleep(0.3)
        pressed.append(time.perf_counter())
        feedback.cancel()

    folder = tmp_path / "out"
    folder.mkdir()
    layer = make_raster("large.tif", values)
    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(QgsProcessingException, match="Cancelled; no result was written"):
        classify(feedback, INPUT=layer, OUTPUT=str(folder / "map.tif"), WINDOW=64)
    assert time.perf_counter() - pressed[0] < 2
    presser.join()
    assert list(folder.iterdir()) == []


def test_what_is_said_reaches_the_feedback(classify, image):
    """All of it, and while it runs: the signal does not wait for an event loop."""

    class Listener(QgsProcessingFeedback):
        def __init__(self):
            super().__init__(False)
            self.seen = []
            self.threads = set()
            self.progressChanged.connect(self._changed)

        def _changed(self, percent):
            self.seen.append(percent)
            self.threads.add(threading.current_thread())

        def pushInfo(self, text):
            self.threads.add(threading.current_thread())
            self.seen.append(text)

    feedback = Listener()
    classify(feedback, INPUT=image, WINDOW=32, OVERLAP=0)
    percents = [s for s in feedback.seen if isinstance(s, float)]
    assert percents[-1] == 100 and len(percents) > 10
    assert any("Device: CPU" in str(s) for s in feedback.seen)
    assert feedback.threads == {threading.current_thread()}


# ---------------------------------------------------------------- where it runs


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_devices(classify, image, device):
    assert classify(INPUT=image, DEVICE=device, RESAMPLE="never")["DEVICE_USED"].startswith("CPU (")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"DEVICE": "openvino"}, "pip install onnxruntime-openvino"),
        ({"DEVICE": "cuda"}, "pip install onnxruntime-gpu"),
        ({"PROVIDER": "nonsense;a=b"}, "nonsense is not offered"),
        ({"PROVIDER": "a b"}, "is not a name of onnxruntime"),
        ({"PROVIDER": "cpu", "DEVICE": "cpu"}, "Both the device cpu and the provider 'cpu'"),
    ],
)
def test_devices_that_are_not_there(classify, image, tmp_path, values, told):
    import onnxruntime

    offered = " ".join(onnxruntime.get_available_providers()).lower()
    if values.get("DEVICE", "x") in offered and "PROVIDER" not in values:
        pytest.skip("it is there")
    with pytest.raises(QgsProcessingException) as error:
        classify(INPUT=image, **values)
    assert told in str(error.value) and "Traceback" not in str(error.value)
    assert not (tmp_path / "map.tif").exists()
