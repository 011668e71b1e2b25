# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip as a user has it: unpacked where QGIS's installer puts it, in a profile that nothing else was done to."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ALGORITHM = "lulc:classifylandcover"
NAME = "landcover_classifier"


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """A folder of profiles; the plugin lies in the default one."""
    folder = tmp_path_factory.mktemp("zip")
    script = CHECKOUT / "scripts" / "package.py"
    built = subprocess.run([sys.executable, script, "--out", folder], capture_output=True, text=True, timeout=120)
    assert built.returncode == 0, built.stderr
    (archive,) = folder.glob("*.zip")
    plugins = folder / "config" / "profiles" / "default" / "python" / "plugins"
    plugins.mkdir(parents=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(plugins)
    return folder / "config"


@pytest.fixture(scope="module")
def fresh(profile, tmp_path_factory):
    """`fresh("list")` is `qgis_process` with that profile; the checkout is in no path that it knows."""
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("QGIS_", "PYTEST_", "PYTHON"))}
    environment["QGIS_CUSTOM_CONFIG_PATH"] = str(profile)
    # onnxruntime, which Debian does not have
    environment["PYTHONPATH"] = str(Path(importlib.util.find_spec("onnxruntime").origin).parents[1])
    environment["PYTHONWARNINGS"] = "ignore"
    empty = tmp_path_factory.mktemp("empty")

    def start(*words):
        done = subprocess.run(
            [program, *words], env=environment, cwd=empty, capture_output=True, text=True, timeout=180
        )
        assert str(CHECKOUT / "algorithms") not in done.stdout + done.stderr
        return done

    return start


@pytest.fixture(scope="module")
def enabled(fresh):
    """The same, once the plugin has been switched on as a user does it."""
    done = fresh("plugins", "enable", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    return fresh


def algorithms(said):
    """Names of our algorithms in `qgis_process --json list`."""
    found = json.loads(said)["providers"].get("lulc", {"algorithms": {}})["algorithms"]
    return {name if name.startswith("lulc:") else f"lulc:{name}" for name in found}


def test_it_can_be_enabled_and_lists_every_algorithm(enabled, provider):
    done = enabled("--json", "list")
    assert done.returncode == 0, done.stderr
    assert algorithms(done.stdout) == {algorithm.id() for algorithm in provider.algorithms()}
    assert "Traceback" not in done.stderr


def test_a_map_is_made_from_there(enabled, provider, profile, image, tmp_path, read, plugin):
    import processing
    from qgis.core import QgsPalettedRasterRenderer, QgsRasterLayer

    output = tmp_path / "map.tif"
    done = enabled("run", ALGORITHM, "--", f"INPUT={image}", f"OUTPUT={output}")
    assert done.returncode == 0, done.stdout + done.stderr
    results = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    assert results["OUTPUT"] == str(output)

    # it ran from the profile: Python left its compiled files there
    installed = profile / "profiles" / "default" / "python" / "plugins" / NAME
    assert not installed.is_symlink()
    assert list(installed.glob("algorithms/__pycache__/classifylandcover.*.pyc"))

    # the same pixels as from the checkout
    ours = processing.run(ALGORITHM, {"INPUT": image, "OUTPUT": str(tmp_path / "ours.tif")})
    values = read(output)
    assert values.shape == (120, 150)
    assert np.array_equal(values, read(ours["OUTPUT"]))

    # every class of the network's legend, and no value that is none of them
    used = set(np.unique(values).tolist())
    classes = json.loads(results["CLASSES"])
    assert {entry["value"] for entry in classes if entry["pixels"]} == used and used
    # a style that QGIS applies by itself
    layer = QgsRasterLayer(str(output), "map")
    renderer = layer.renderer()
    assert isinstance(renderer, QgsPalettedRasterRenderer)
    shown = {entry.value: (entry.label, entry.color.name().upper()) for entry in renderer.classes()}
    legend = plugin("lulc_plugin.legend").Legend.from_file(installed / "resources" / "legends" / "landcover6.json")
    assert shown == {c.value: (c.name, c.colour.upper()) for c in legend.classes}


def test_the_installation_is_whole(enabled, tmp_path):
    """Its own check: packages, GDAL and PROJ, every bundled network run once."""
    done = enabled("--json", "run", "lulc:checkinstallation")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert results["FAILED"] == 0, results
