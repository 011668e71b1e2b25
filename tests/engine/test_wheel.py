# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheel works where nothing else of this project is: an empty environment, an empty folder, no network."""

import importlib.metadata as installed
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from packaging.requirements import Requirement

from lulc_plugin import bundled

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "scripts"))

from shipping import metadata, wheel

Shell = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    _sdist, path = wheel.build(CHECKOUT, tmp_path_factory.mktemp("dist"))
    return path


def with_dependencies(requirements: list[str]) -> Iterator[installed.Distribution]:
    """Distributions that the requirements name without extras, and all that those need."""
    seen: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        name = requirement.name.lower().replace("_", "-")
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        found = installed.distribution(requirement.name)
        yield found
        waiting += found.requires or []


@pytest.fixture(scope="module")
def environment(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of a new environment with the wheel; it sees the packages that the wheel asks for, and no others."""
    folder = tmp_path_factory.mktemp("environment")
    programs = folder / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-index", "--no-deps", built], check=True)
    (site,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    packages = folder / "packages"
    packages.mkdir()
    (own,) = site.glob("landcover_classifier-*.dist-info")
    for distribution in with_dependencies(installed.PathDistribution(own).requires or []):
        for name in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (packages / name).exists():
                (packages / name).symlink_to(distribution.locate_file(name))
    (site / "packages.pth").write_text(f"{packages}\n")
    return programs


@pytest.fixture
def shell(environment: Path, tmp_path: Path) -> Shell:
    """`shell("lulc", …)` runs a program of the environment in an empty folder."""
    empty = tmp_path / "empty"
    empty.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LULC_"))}

    def run(program: str, *words: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [environment / program, *words], cwd=empty, env=clean, capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1)


def test_contents(built: Path) -> None:
    names = set(zipfile.ZipFile(built).namelist())
    engine = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "lulc_plugin").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "_bundled" not in path.parts
    }
    carried = {f"lulc_plugin/_bundled/models/{path.name}" for path in (CHECKOUT / "models").iterdir() if path.is_file()}
    carried |= {f"lulc_plugin/_bundled/legends/{p.name}" for p in (CHECKOUT / "resources" / "legends").glob("*.json")}
    assert {name for name in names if ".dist-info/" not in name} == engine | carried
    assert "lulc_plugin/py.typed" in names
    assert [name for name in names if name.endswith("licenses/NOTICE")]


def test_it_stands_alone(shell: Shell) -> None:
    code = (
        "import lulc_plugin, sys, importlib.util as u; from lulc_plugin.provenance import plugin_version;"
        "print(lulc_plugin.__file__, plugin_version(), [n for n in ('torch', 'pytest', 'qgis') if u.find_spec(n)])"
    )
    place, version, *others = shell("python", "-c", code).stdout.split()
    assert "site-packages" in place and str(CHECKOUT) not in place
    assert version == metadata.version(CHECKOUT)
    assert others == ["[]"]


def test_its_requirements_are_met_by_what_it_names(environment: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", environment / "python", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    listed = subprocess.run([*pip, "list", "--format=freeze"], capture_output=True, text=True).stdout
    assert f"landcover-classifier=={metadata.version(CHECKOUT)}" in listed and "onnxruntime==" in listed


def test_classify_and_assess(shell: Shell, raster: Callable, scene: Callable, tmp_path: Path) -> None:
    layer = raster("in.tif", scene(160, 150))
    command, module = tmp_path / "command.tif", tmp_path / "module.tif"
    done = shell("python", "-m", "lulc_plugin", "classify", layer, str(module), "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert any(name in done.stdout + done.stderr for name in bundled.model_names())
    done = shell("lulc", "classify", layer, str(command), "--threads", "1")
    assert done.returncode == 0, done.stderr
    assert np.array_equal(read(command), read(module))

    from lulc_plugin.classify import ClassifyJob, classify
    from lulc_plugin.progress import Progress
    from lulc_plugin.raster import RasterInput

    ours = tmp_path / "ours.tif"
    result = classify(ClassifyJob(RasterInput(layer), threads=1), ours, Progress())
    assert np.array_equal(read(module), read(ours))
    assert {int(value) for value in np.unique(read(module))} <= {entry.value for entry in result.classes}

    report = tmp_path / "report.html"
    for program, *words in (("python", "-m", "lulc_plugin", "assess"), ("lulc", "assess")):
        done = shell(program, *words, str(module), str(ours), "--design", "census", "--html", str(report))
        assert done.returncode == 0, done.stderr
        text = report.read_text(encoding="utf-8")
        assert "<style>" in text and "100.0" in text
        report.unlink()


def test_a_users_mistake(shell: Shell, tmp_path: Path) -> None:
    done = shell("lulc", "classify", "nowhere.tif", str(tmp_path / "map.tif"))
    assert done.returncode != 0 and "nowhere.tif" in done.stderr
