# SPDX-License-Identifier: GPL-3.0-or-later
"""A run in QGIS leaves nothing in the user's folders but what QGIS leaves there without the plugin."""

import json
import sysconfig
from pathlib import Path

import pytest

CLASSIFY, CHECK = "lulc:classifylandcover", "lulc:checkinstallation"
SITE = Path(sysconfig.get_path("purelib"))
# onnxruntime writes no events where one of these is set: the tests must see what it writes on a user's machine.
BUILD_SERVERS = "CI BUILDKITE CIRCLECI GITHUB_ACTIONS GITLAB_CI JENKINS_URL TEAMCITY_VERSION TF_BUILD TRAVIS".split()


@pytest.fixture
def at_home(fresh_qgis, tmp_path, monkeypatch):
    """`at_home("run", …)` → what qgis_process said, and the files that it left in an empty home and temporary folder.

    The environment asks for telemetry: the process of the tests has it switched off, because it uses the engine.
    """

    for name in BUILD_SERVERS:
        monkeypatch.delenv(name, raising=False)

    def run(*words, first=None):
        folder = tmp_path / f"home {len(list(tmp_path.glob('home *')))}"
        folder.mkdir()
        variables = {name: str(folder / name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
        for path in variables.values():
            Path(path).mkdir()
        variables.update(ORT_DISABLE_TELEMETRY="0", XDG_CONFIG_HOME="", XDG_DATA_HOME="")
        done = fresh_qgis(*words, python_path=[*([first] if first else []), SITE], **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        left = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        return done.stdout, left

    return run


def telemetry_of(said):
    report = next(line.split(":\t", 1)[1] for line in said.splitlines() if line.startswith("REPORT:\t"))
    return next(f for f in json.loads(report)["findings"] if f["title"] == "Telemetry of onnxruntime")


def test_a_classification_leaves_only_the_map(at_home, image, tmp_path):
    _, of_qgis = at_home("run", "native:rasterlayerproperties", "--", f"INPUT={image}")
    out = tmp_path / "out"
    out.mkdir()
    _, left = at_home("run", CLASSIFY, "--", f"INPUT={image}", f"OUTPUT={out / 'map.tif'}")
    assert left - of_qgis == set()
    assert {p.name for p in out.iterdir()} == {"map.tif", "map.tif.aux.xml", "map.qml"}


def test_the_check_of_the_installation_says_so(at_home):
    _, of_qgis = at_home("help", CLASSIFY)
    said, left = at_home("run", CHECK)
    assert telemetry_of(said)["level"] == "OK"
    assert left - of_qgis == set()


def test_another_plugin_has_loaded_onnxruntime_first(at_home, tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    (first / "sitecustomize.py").write_text("import onnxruntime\n")
    said, left = at_home("run", CHECK, first=first)
    found = telemetry_of(said)
    assert found["level"] == "WARN" and "ORT_DISABLE_TELEMETRY" in found["remedy"]
    if not any("Microsoft" in name for name in left):
        pytest.skip("onnxruntime writes no events on this machine, so the tests above could not see them")
