# SPDX-License-Identifier: GPL-3.0-or-later
"""A run leaves nothing in the user's folders: the telemetry of onnxruntime is off whatever the environment says."""

import json
import os
import sys
import types
from pathlib import Path

import pytest

from lulc_plugin import bundled, telemetry
from lulc_plugin.environment import check_networks
from lulc_plugin.findings import PASS, WARNING
from lulc_plugin.options import PYTHON, render

TITLE = "Telemetry of onnxruntime"
# onnxruntime writes no events where one of these is set: the tests must see what it writes on a user's machine.
BUILD_SERVERS = "CI BUILDKITE CIRCLECI GITHUB_ACTIONS GITLAB_CI JENKINS_URL TEAMCITY_VERSION TF_BUILD TRAVIS".split()
INSTALLATION = """
import json
{first}
from lulc_plugin.environment import check_installation
(finding,) = [f for f in check_installation() if f.id == "devices.telemetry"]
print(json.dumps([finding.level, finding.remedy]))
"""


@pytest.fixture
def at_home(python, tmp_path, monkeypatch):
    """`at_home(arguments, value=…)` runs Python with an empty home and temporary folder; what it left there, at `left`.

    `value` is what the user has set the variable to; this process has it set, because it uses the engine.
    """
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    for name in [n for n in os.environ if n.startswith("XDG_") or n in (telemetry.VARIABLE, *BUILD_SERVERS)]:
        monkeypatch.delenv(name)

    def run(*arguments, value=None):
        folders = {"HOME": str(home), "USERPROFILE": str(home), "TMPDIR": str(temporary)}
        result = python(*arguments, env={**folders, **({} if value is None else {telemetry.VARIABLE: value})})
        assert result.returncode == 0, result.stderr
        return result

    run.left = lambda: sorted(str(p.relative_to(tmp_path)) for f in (home, temporary) for p in f.rglob("*"))
    return run


@pytest.mark.parametrize("value", [None, "", "0", "no"])
def test_a_classification_leaves_only_the_map(at_home, raster, scene, tmp_path, value):
    layer = raster("in.tif", scene(70, 60))
    out = tmp_path / "out"
    out.mkdir()
    network = bundled.folder("models") / "optical-rgbn-10to30m-mobileunet-v2.onnx"
    at_home("-m", "lulc_plugin", "classify", layer, str(out / "map.tif"), "--model", str(network), value=value)
    assert at_home.left() == []
    assert sorted(p.name for p in out.iterdir()) == ["map.qml", "map.tif", "map.tif.aux.xml"]
    assert sorted(Path(layer).parent.glob("in.tif*")) == [Path(layer)]


def test_the_check_of_an_installation_says_so_and_leaves_nothing(at_home):
    result = at_home("-c", INSTALLATION.format(first=""))
    assert json.loads(result.stdout) == [PASS, ""]
    assert at_home.left() == []


def test_onnxruntime_loaded_by_another_first(at_home):
    level, remedy = json.loads(at_home("-c", INSTALLATION.format(first="import onnxruntime")).stdout)
    assert level == WARNING and telemetry.VARIABLE in remedy
    if not any("Microsoft" in path for path in at_home.left()):
        pytest.skip("onnxruntime writes no events on this machine, so the tests above could not see them")


def test_the_remedy_helps(at_home):
    result = at_home("-c", INSTALLATION.format(first="import onnxruntime"), value="1")
    assert json.loads(result.stdout) == [PASS, ""]
    assert at_home.left() == []


def test_a_second_copy_of_the_engine_does_not_hide_it(monkeypatch):
    """As when the plugin is updated while QGIS runs."""
    monkeypatch.setenv(telemetry.VARIABLE, "0")
    monkeypatch.setitem(sys.modules, "onnxruntime", types.SimpleNamespace(__version__="1.31.1"))
    for _ in range(2):
        telemetry.switch_off()
        assert telemetry.began_before()


@pytest.mark.parametrize("version", ["1.15.0", "1.28.0"])
def test_older_releases_have_none(monkeypatch, version):
    monkeypatch.setenv(telemetry.VARIABLE, "0")
    monkeypatch.setitem(sys.modules, "onnxruntime", types.SimpleNamespace(__version__=version))
    assert not telemetry.began_before()


def test_the_event_tracing_of_windows_is_switched_off(monkeypatch):
    """The wheels for Windows do not know the variable."""
    calls = []
    module = types.SimpleNamespace(disable_telemetry_events=lambda: calls.append(1))
    monkeypatch.setitem(sys.modules, "onnxruntime", module)
    assert telemetry.import_onnxruntime() is module and calls == [1]


def test_a_warning_names_what_is_stored_and_the_remedy(monkeypatch):
    monkeypatch.setattr(telemetry, "began_before", lambda: True)
    (finding,) = [f for f in check_networks.check_devices() if f.title == TITLE]
    assert finding.level == WARNING and "device id" in finding.text
    assert render(finding.remedy, PYTHON).endswith("start Python again.")
