# SPDX-License-Identifier: GPL-3.0-or-later
"""Missing packages brought into a private folder: in real virtual environments, by the real pip, from tiny wheels.

Nothing here needs a network. The wheels are made by the tests, with the names and versions that the plugin asks for.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest

from lulc_plugin.environment import checks, private_folder
from lulc_plugin.environment.install import installer, missing, pins, pip as piprun, verify
from lulc_plugin.environment.install.pins import Computer, pinned
from lulc_plugin.errors import LulcError
from lulc_plugin.findings import WARNING

CHECKOUT = Path(__file__).resolve().parents[3]
OFFLINE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}

DRIVER = """
import json, sys
from pathlib import Path
from lulc_plugin.errors import LulcError
from lulc_plugin.environment.install import pip as piprun
from lulc_plugin.environment.install import private_folder
from lulc_plugin.environment.install import install_missing
from lulc_plugin.environment.install import pins
from lulc_plugin.progress import Progress

pins.WHEELS = Path("published.txt")

OUT = sys.stdout
told = []

class Told(Progress):
    def _show_log(self, text):
        told.append(text)
    def _show_warning(self, text):
        told.append("WARN " + text)

def install(progress=None, **options):
    wheels = options.pop("wheels", sys.argv[2])
    try:
        made = install_missing(Path(sys.argv[1]), progress or Told(), Path(wheels) if wheels else None, **options)
        return {"installed": list(made.installed), "folder": str(made.folder), "restart": made.restart}
    except LulcError as error:
        return {"problem": error.problem, "remedy": error.remedy, "kind": type(error).__name__}

def say(**found):
    OUT.write("RESULT " + json.dumps({**found, "told": told}) + chr(10))
"""


# ---------------------------------------------------------------- tiny wheels and bare environments


def write_wheel(folder, name, version, files):
    """A wheel of `{path: text}`, as its builder would have made it."""
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{plain}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def package(name, version, code=""):
    """`{path: text}` of a package that can be imported, and has what the plugin looks for."""
    parts = missing.import_name(name).split(".")
    has = "ndarray = open = InferenceSession = Environment = object"
    return {f"{'/'.join(parts)}/__init__.py": f"__version__ = {version!r}\n{has}\n{code}"}


def all_names():
    return [name for root, helpers in missing.ROOTS.items() for name in (root, *helpers)]


NUMPY = importlib.metadata.version("numpy")


@pytest.fixture
def make_wheels(tmp_path):
    """A function that makes a folder with every wheel that is wanted beside a numpy; `broken` ones do not load."""

    def make(numpy=NUMPY, broken=(), without=(), name="wheels"):
        folder = tmp_path / name
        folder.mkdir()
        computer = Computer.here(numpy)
        for wanted in all_names():
            if wanted not in without:
                version = pinned(wanted, computer)
                code = "raise ImportError('DLL load failed')" if wanted in broken else ""
                files = package(wanted, version, code)
                if wanted == "rasterio":
                    files[f"rasterio-{version}.dist-info/entry_points.txt"] = "[console_scripts]\nrio = rasterio:x\n"
                write_wheel(folder, wanted, version, files)
        return folder

    return make


@pytest.fixture
def bare(tmp_path):
    """A function that makes a virtual environment with numpy and pip and nothing else.

    Its result runs code after the DRIVER, and returns what that told with `say`.
    """

    def make(numpy=None, pip=True):
        root = tmp_path / "bare"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True, timeout=60)
        python = root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
        for name in [*(["numpy"] if numpy is None else []), *(["pip"] if pip else [])]:
            lend(name, site)
        if numpy is not None:
            put(site, "numpy", numpy)

        def run(code, *, parent=None, wheels="", env=None, check=True, published="wheels*/*.whl"):
            parent = parent or tmp_path / "packages"
            (tmp_path / "published.txt").write_text("".join(map(lock_line, sorted(tmp_path.glob(published)))))
            clean = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "LULC_", "PYTHON"))}
            done = subprocess.run(
                [python, "-c", DRIVER + code, str(parent), str(wheels)],
                cwd=tmp_path,
                env={**clean, **OFFLINE, "PYTHONPATH": str(CHECKOUT), **(env or {})},
                capture_output=True,
                text=True,
                timeout=240,
            )
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            assert not check or lines, done.stdout + done.stderr
            assert "Traceback" not in done.stderr, done.stderr
            return json.loads(lines[-1].removeprefix("RESULT ")) if lines else done

        run.site, run.python, run.parent = site, python, tmp_path / "packages"
        return run

    return make


def lock_line(wheel):
    """As in `wheels.txt`."""
    plain, version = wheel.name.split("-")[:2]
    name = next((n for n in all_names() if n.replace("-", "_").lower() == plain.lower()), plain)
    return f"{name}=={version} sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()} {wheel.name}\n"


def lend(name, site):
    """Links to an installed distribution, so that the environment `site` has it too."""
    distribution = importlib.metadata.distribution(name)
    tops = {Path(str(file)).parts[0] for file in distribution.files} - {"..", "__pycache__"}
    for top in tops:
        (site / top).symlink_to(distribution.locate_file(top))


def put(site, name, version, code=""):
    """A package as if it had been installed."""
    for path, text in package(name, version, code).items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def left(parent):
    """Names of what lies in the folder above the private ones."""
    return sorted(path.name for path in parent.iterdir()) if parent.is_dir() else []


# ---------------------------------------------------------------- it works


INSTALL = """
before = list(sys.path)
first = install()
import rasterio, onnxruntime, jinja2, scipy
say(first=first, second=install(), added=[p for p in sys.path if p not in before], last=sys.path[-1],
    place=rasterio.__file__, onnxruntime=onnxruntime.__version__)
"""


def test_what_is_missing_is_installed_and_works_at_once(bare, make_wheels):
    run = bare()
    found = run(INSTALL, wheels=make_wheels())
    computer = Computer.here(NUMPY)
    assert set(found["first"]["installed"]) == {f"{name}=={pinned(name, computer)}" for name in all_names()}
    assert not found["first"]["restart"]
    folder = found["first"]["folder"]
    assert Path(folder) == private_folder.folder_in(run.parent)
    assert found["added"] == [folder] and found["last"] == folder
    assert Path(found["place"]).parent.parent == Path(folder)
    assert found["onnxruntime"] == pinned("onnxruntime", computer)
    assert found["second"]["installed"] == [] and "Nothing has to be installed" in found["told"][-1]
    assert left(run.parent) == [Path(folder).name], "something half-written stays"
    assert "numpy" not in os.listdir(folder) and "bin" not in os.listdir(folder)


def test_a_new_process_finds_them_once_the_folder_is_attached(bare, make_wheels):
    run = bare()
    run("say(first=install())", wheels=make_wheels())
    attach = "private_folder.attach(private_folder.folder_in(Path(sys.argv[1])))"
    found = run(f"{attach}\nimport rasterio\nsay(version=rasterio.__version__)")
    assert found["version"] == pinned("rasterio", Computer.here(NUMPY))


def test_the_command_line_attaches_the_folder_that_the_variable_names(bare, make_wheels):
    """A network cannot be loaded by a fake onnxruntime; but it is no longer missing."""
    run = bare()
    words = [run.python, "-m", "lulc_plugin", "check", "no.tif"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env["PYTHONPATH"] = str(CHECKOUT)
    without = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    assert without.returncode == 1 and "rasterio and onnxruntime cannot be found" in without.stderr
    run("say(first=install())", wheels=make_wheels())
    env["LULC_PACKAGES"] = str(run.parent)
    with_it = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60)
    assert "cannot be found" not in with_it.stderr


def test_only_what_is_missing(bare, make_wheels):
    run = bare()
    put(run.site, "rasterio", "1.3.5")
    put(run.site, "packaging", "20.0")
    found = run("say(first=install())", wheels=make_wheels())
    names = {line.split("==")[0] for line in found["first"]["installed"]}
    assert names == {"onnxruntime", "flatbuffers", "protobuf", "scipy", "Jinja2", "MarkupSafe"}
    assert any(line.startswith("rasterio 1.3.5 is there") for line in found["told"])


def test_a_package_that_came_since_then_is_not_kept_twice(bare, make_wheels):
    """The folder holds what the rest of Python lacks: the next installation leaves out what is there by then."""
    run = bare()
    wheels = make_wheels()
    run("say(first=install())", wheels=wheels)
    put(run.site, "onnxruntime", "1.15.0")
    (private_folder.folder_in(run.parent) / "rasterio" / "__init__.py").write_text("raise ImportError('torn')")
    found = run("say(first=install())", wheels=wheels)
    assert not any(line.startswith("onnxruntime==") for line in found["first"]["installed"])
    assert "onnxruntime" not in os.listdir(found["first"]["folder"])


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="no such old numpy for this Python")
@pytest.mark.parametrize(
    "numpy, rasterio",
    [
        pytest.param("1.22.4", "1.3.11", marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="not for 3.12")),
        ("1.26.4", "1.4.4"),
    ],
)
def test_an_old_numpy_is_kept_and_decides(bare, make_wheels, numpy, rasterio):
    run = bare(numpy=numpy)
    code = "first = install()\nimport numpy\nsay(first=first, numpy=(numpy.__version__, numpy.__file__))"
    found = run(code, wheels=make_wheels(numpy))
    if sys.version_info >= (3, 10) or numpy.startswith("1.22"):
        assert f"rasterio=={rasterio}" in found["first"]["installed"]
    assert found["numpy"] == [numpy, str(run.site / "numpy" / "__init__.py")]


def test_a_dry_run_changes_nothing_and_says_all(bare):
    run = bare()
    found = run("say(first=install(wheels='', only_show=True))")
    assert found["first"]["installed"] == [] and left(run.parent) == []
    text = "\n".join(found["told"])
    rasterio = f"rasterio=={pinned('rasterio', Computer.here(NUMPY))}"
    assert f"To be installed: {rasterio}" in text
    assert f"-m pip install --upgrade --target {private_folder.folder_in(run.parent)}" in text
    assert "pip download --only-binary :all: --no-deps" in text and "as wheels" in text


# ---------------------------------------------------------------- QGIS is no ordinary Python


STRANGE = """
import locale, logging, os, warnings
import numpy  # adds filters of warnings of its own
sys.stdout = sys.stderr = sys.stdin = None
sys.executable = os.path.join(sys.prefix, "qgis-bin.exe") if {named} else ""
arguments = sys.argv
handler = logging.NullHandler()
logging.root.addHandler(handler)
logging.root.setLevel(35)
run_module, seen = piprun.runpy.run_module, []
piprun.runpy.run_module = lambda *a, **k: (seen.append(sys.executable), run_module(*a, **k))
before = (list(sys.path), sys.executable, dict(os.environ), locale.setlocale(locale.LC_ALL), list(warnings.filters),
          warnings.showwarning, list(logging.root.handlers), logging.root.level)
first = install()
after = ([p for p in sys.path if "packages" not in p or p in before[0]], sys.executable, dict(os.environ),
         locale.setlocale(locale.LC_ALL), list(warnings.filters), warnings.showwarning, list(logging.root.handlers),
         logging.root.level)
say(first=first, same=[a == b for a, b in zip(before, after)], streams=[sys.stdout, sys.stderr], seen=seen,
    argv=sys.argv is arguments, pip=[m for m in sys.modules if m.partition(".")[0] == "pip"])
"""


@pytest.mark.parametrize("named", [True, False])
def test_without_streams_and_with_an_executable_that_is_no_python(bare, make_wheels, named):
    """As in QGIS for Windows. Whatever pip changes in its process is as before afterwards."""
    run = bare()
    found = run(STRANGE.replace("{named}", str(named)), wheels=make_wheels())
    assert found["first"].get("installed"), found
    assert found["same"] == [True] * 8
    assert [Path(seen).resolve() for seen in found["seen"]] == [run.python.resolve()], "pip may start it"
    assert found["streams"] == [None, None] and found["argv"] and found["pip"] == []


def test_settings_of_pip_that_do_not_go_with_a_folder_are_overruled(bare, make_wheels):
    env = {"PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1", "PIP_PREFIX": "/nowhere", "PIP_DRY_RUN": "1"}
    assert bare()("say(first=install())", wheels=make_wheels(), env=env)["first"].get("installed")


CONFIGURED = ("root = {0}/root", "prefix = {0}/prefix", "target = {0}/target", "dry-run = true", "user = true",
              "require-hashes = true", "constraint = {0}/none.txt")  # fmt: skip


@pytest.mark.parametrize("line", CONFIGURED)
def test_what_the_configuration_of_pip_says_about_the_place_does_not_count(bare, make_wheels, tmp_path, line):
    """From an index, which is the folder of wheels; with WHEELS no configuration file is read at all."""
    (tmp_path / "pip.conf").write_text(
        f"[global]\nno-index = true\nfind-links = {make_wheels()}\n[install]\n{line.format(tmp_path)}\n"
    )
    run = bare()
    found = run("say(first=install(wheels=''))", env={"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    assert found["first"].get("installed"), found
    assert not any((tmp_path / name).exists() for name in ("root", "prefix", "target"))


def test_how_to_reach_an_index_is_taken_from_the_configuration(bare, make_wheels, tmp_path):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:7/mine\n")
    env = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), "PIP_INDEX_URL": ""}
    found = bare()("say(first=install(wheels=''))", env=env)
    assert "cannot reach its package index" in found["first"]["problem"]
    assert any("127.0.0.1:7/mine" in line or "/mine/" in line for line in found["told"]), found["told"]


LISTEN = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
asked = []
class Index(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        asked.append(words)
server = HTTPServer(("127.0.0.1", 0), Index)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/links"
import os
if CONFIGURED:
    Path("pip.conf").write_text(f"[global]\\nfind-links = {address}\\nextra-index-url = {address}\\n")
    os.environ["PIP_CONFIG_FILE"] = os.path.abspath("pip.conf")
else:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        os.environ[name] = address
say(first=install(), asked=len(asked), kept=os.environ.get("PIP_FIND_LINKS") == (None if CONFIGURED else address))
"""


@pytest.mark.parametrize("configured", [True, False], ids=["pip.conf", "variables"])
def test_with_wheels_nobody_is_asked(bare, make_wheels, configured):
    found = bare()(LISTEN.replace("CONFIGURED", str(configured)), wheels=make_wheels())
    assert found["first"].get("installed"), found
    assert found["asked"] == 0 and found["kept"]


def test_other_threads_never_find_the_environment_empty(monkeypatch):
    monkeypatch.setenv("LULC_STAYS", "1")
    monkeypatch.setenv("PIP_TARGET", "there")
    before, seen = dict(os.environ), []
    with piprun._process_restored("http://proxy:1", {}, True):
        assert "PIP_TARGET" not in os.environ and os.environ["PIP_USER"] == "0"
        keep = type(os.environ).__delitem__
        watched = lambda self, name: (seen.append(name), keep(self, name))[1]  # noqa: E731
        monkeypatch.setattr(type(os.environ), "__delitem__", watched)
    assert dict(os.environ) == before
    assert seen and "LULC_STAYS" not in seen and "PATH" not in seen


THREADS = """
import io, threading
sys.stdout = other = io.StringIO()
worker = threading.Thread(target=lambda: told.append(install()))
worker.start()
while worker.is_alive():
    print("main", end=" ")
    worker.join(0.01)
say(first=[t for t in told if isinstance(t, dict)][0], main=other.getvalue())
"""


def test_in_a_worker_thread_as_from_the_dialog(bare, make_wheels):
    found = bare()(THREADS, wheels=make_wheels())
    assert found["first"].get("installed"), found
    assert set(found["main"].split()) == {"main"}, "what others print is not pip's"
    assert not any("main main" in str(line) for line in found["told"])


PRINTS = """
class Printing(Told):
    def _show_log(self, text):
        super()._show_log(text)
        print("printed", text)
first = install(Printing())
say(first=first)
"""


def test_whoever_is_told_may_print(bare, make_wheels):
    """A progress that prints to `sys.stdout` would otherwise be told its own words."""
    found = bare()(PRINTS, wheels=make_wheels())
    assert found["first"].get("installed"), found
    assert not any("printed" in line for line in found["told"])


# ---------------------------------------------------------------- it cannot be done


def test_a_folder_that_cannot_be_written(bare, make_wheels, tmp_path):
    """A file lies where the folder should be, which stops root too."""
    run = bare()
    (tmp_path / "profile").write_text("")
    parent = tmp_path / "profile" / "python" / "packages"
    found = run("say(first=install())", wheels=make_wheels(), parent=parent)["first"]
    assert str(parent) in found["problem"] and "cannot be written" in found["problem"]
    assert "LULC_PACKAGES" in found["remedy"]


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(bare, make_wheels, tmp_path):
    run = bare()
    (tmp_path / "profile").mkdir(mode=0o500)
    found = run("say(first=install())", wheels=make_wheels(), parent=tmp_path / "profile" / "python")["first"]
    assert "cannot be written" in found["problem"]


def test_pip_does_not_forbid_imports(monkeypatch):
    """pip 26.3 does, in the whole process and for good; the tests above show it only where pip is that new."""
    install = types.ModuleType("pip._internal.commands.install")
    install._prevent_further_imports = None
    monkeypatch.setitem(sys.modules, install.__name__, install)
    piprun._disable_import_guard()
    with install._prevent_further_imports(until_process_exit=True):
        importlib.import_module("json")
    del install._prevent_further_imports
    piprun._disable_import_guard()
    assert not hasattr(install, "_prevent_further_imports")


def test_no_network(bare):
    run = bare()
    found = run("say(first=install(wheels=''))")["first"]
    assert "cannot reach its package index" in found["problem"]
    assert "pip download --only-binary :all: --no-deps" in found["remedy"] and "⟦wheels⟧" in found["remedy"]
    assert left(run.parent) == []


def test_no_pip_at_all(bare):
    run = bare(pip=False)
    found = run("piprun._wheel_folders = lambda: iter(())\nsay(first=install(wheels=''))")["first"]
    assert "no pip" in found["problem"]
    assert "ensurepip" in found["remedy"] and "python3-pip" in found["remedy"]
    assert found["remedy"].split(" ; ")[0].endswith(" pip"), "the other computer has to fetch pip as well"
    assert left(run.parent) == []


def test_pip_from_the_folder_of_wheels(bare, make_wheels):
    """What the offline way brings where pip is absent; the pip of the tests' own environment is packed as a wheel."""
    run = bare(pip=False)
    wheels = make_wheels()
    distribution = importlib.metadata.distribution("pip")
    with zipfile.ZipFile(wheels / f"pip-{distribution.version}-py3-none-any.whl", "w") as archive:
        for file in distribution.files:
            if ".." not in file.parts and file.suffix != ".pyc":
                archive.write(distribution.locate_file(file), str(file))
    code = "piprun._wheel_folders = lambda: iter(())\nfirst = install()\nsay(first=first, path=sys.path)"
    found = run(code, wheels=wheels)
    assert found["first"].get("installed"), found
    assert not any("lulc-pip-" in p for p in found["path"])


def test_a_file_that_is_no_pip(bare, make_wheels):
    wheels = make_wheels()
    (wheels / "pip-99-py3-none-any.whl").write_text("no zip")
    run = bare(pip=False)
    found = run("piprun._wheel_folders = lambda: iter(())\nsay(first=install())", wheels=wheels)["first"]
    assert f"{wheels / 'pip-99-py3-none-any.whl'} cannot be unpacked" in found["problem"] and found["remedy"]
    assert left(run.parent) == []


def test_the_home_of_the_user_in_the_name_of_the_folder_of_wheels(bare, make_wheels, tmp_path):
    make_wheels()
    found = bare()("say(first=install())", wheels="~/wheels", env={"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)})
    assert found["first"].get("installed"), found


def test_the_pip_that_python_keeps_for_new_environments(bare, make_wheels):
    run = bare(pip=False)
    kept = run("say(pip=str(piprun.find_pip()))")["pip"]
    if kept == "None":
        pytest.skip("this Python keeps none")
    found = run("say(first=install())", wheels=make_wheels())["first"]
    assert found.get("installed"), found


def test_a_wheel_is_missing(bare, make_wheels):
    run = bare()
    found = run("say(first=install())", wheels=make_wheels(without=("flatbuffers",)))["first"]
    assert "flatbuffers" in found["problem"] and "wheels" in found["problem"]
    assert "pip download" in found["remedy"]
    assert left(run.parent) == []


def test_wheels_that_is_no_folder(bare, tmp_path):
    found = bare()("say(first=install())", wheels=tmp_path / "nothing")["first"]
    assert "⟦wheels⟧" in found["problem"] and str(tmp_path / "nothing") in found["problem"]


def test_numpy_is_never_installed(bare, make_wheels):
    run = bare()
    (run.site / "numpy").unlink()
    for info in run.site.glob("numpy-*.dist-info"):
        info.unlink()
    found = run("say(first=install())", wheels=make_wheels())["first"]
    assert found["problem"] == "numpy is not installed." and "repaired with it" in found["remedy"]
    assert "Install dependencies" not in found["remedy"]


SECOND_NUMPY = "sys.path.insert(0, sys.argv[1] + '/mine')\nsay(first=install(wheels=''), only=install(only_show=True))"


def test_nothing_is_installed_beside_a_second_numpy(bare):
    """Versions would be chosen for the numpy that has to go."""
    run = bare(numpy="1.24.2")
    put(run.parent / "mine", "numpy", "2.1.3")
    found = run(SECOND_NUMPY)
    for told in (found["first"], found["only"]):
        assert "second numpy is in the way; nothing was installed" in told["problem"]
        assert f"Remove the one in {run.parent / 'mine'}: " in told["remedy"] and "uninstall numpy" in told["remedy"]
    assert left(run.parent) == ["mine"]


def test_a_package_that_the_second_numpy_breaks_is_not_to_be_removed(bare):
    run = bare(numpy="1.24.2")
    put(run.parent / "mine", "numpy", "1.26.4")
    put(run.site, "rasterio", "1.3.5", "raise ValueError('numpy.dtype size changed, may indicate binary')")
    found = run(SECOND_NUMPY)["first"]
    assert "rasterio 1.3.5 cannot be loaded with it" in found["problem"]
    assert "uninstall rasterio" not in found["problem"] + found["remedy"]
    assert str(run.parent / "mine") in found["remedy"]


def test_a_file_of_the_same_name_is_told_and_not_uninstalled(bare, make_wheels):
    run = bare()
    (run.site / "onnxruntime.py").write_text("")
    found = run("say(first=install())", wheels=make_wheels())["first"]
    assert f"Rename, move or delete {run.site / 'onnxruntime.py'}" in found["problem"]
    assert "uninstall" not in found["problem"]


# ---------------------------------------------------------------- all of it or nothing


ROLL_BACK = """
first = install()
say(first=first, modules=[m for m in sys.modules if m.partition(".")[0] in ("rasterio", "onnxruntime")], path=sys.path)
"""


def test_what_does_not_load_is_removed_again(bare, make_wheels):
    run = bare()
    found = run(ROLL_BACK, wheels=make_wheels(broken=("onnxruntime",)))
    assert "cannot be loaded: ImportError: DLL load failed" in found["first"]["problem"]
    assert "run Install dependencies" not in found["first"]["remedy"], "that has just been done"
    assert "report the log" in found["first"]["remedy"] and "pip install" in found["first"]["remedy"]
    assert found["modules"] == [], "a half-imported package stays in the running QGIS"
    assert not any("packages" in Path(p).parts for p in found["path"])
    assert left(run.parent) == []


def test_a_failure_leaves_the_folder_that_was_there(bare, make_wheels):
    run = bare()
    run("say(first=install())", wheels=make_wheels())
    folder = private_folder.folder_in(run.parent)
    (folder / "onnxruntime" / "__init__.py").write_text("raise ImportError('torn')")
    (folder / "affine" / "mark").write_text("")
    found = run("say(first=install())", wheels=make_wheels(broken=("onnxruntime",), name="others"))["first"]
    assert "cannot be loaded" in found["problem"]
    assert (folder / "affine" / "mark").exists() and left(run.parent) == [folder.name]


def test_a_torn_folder_is_mended(bare, make_wheels):
    run = bare()
    wheels = make_wheels()
    run("say(first=install())", wheels=wheels)
    folder = private_folder.folder_in(run.parent)
    (folder / "rasterio" / "__init__.py").write_text("raise ImportError('torn')")
    found = run("first = install()\nimport rasterio\nsay(first=first, v=rasterio.__version__)", wheels=wheels)
    assert found["first"]["installed"] and found["v"] and left(run.parent) == [folder.name]


def test_damaged_metadata_is_mended(bare, make_wheels):
    run = bare()
    wheels = make_wheels()
    run("say(first=install())", wheels=wheels)
    folder = private_folder.folder_in(run.parent)
    metadata = next(folder.glob("rasterio-*.dist-info")) / "METADATA"
    metadata.write_bytes(b"Metadata-Version: 2.1\nName: rasterio\nVersion: \xff\xfe\n")
    found = run("say(first=install(), second=install())", wheels=wheels)
    assert found["first"].get("installed"), found
    assert found["second"]["installed"] == [] and metadata.read_bytes().isascii()


UPGRADE = """
private_folder.attach(private_folder.folder_in(Path(sys.argv[1])))
import onnxruntime
first = install()
say(first=first, version=onnxruntime.__version__)
"""


def test_an_older_version_is_renewed_and_a_loaded_one_asks_for_a_restart(bare, make_wheels):
    run = bare()
    wheels = make_wheels()
    run("say(first=install())", wheels=wheels)
    folder = private_folder.folder_in(run.parent)
    info = next(folder.glob("onnxruntime-*.dist-info"))
    text = (info / "METADATA").read_text()
    version = pinned("onnxruntime", Computer.here(NUMPY))
    (info / "METADATA").write_text(text.replace(f"Version: {version}", "Version: 1.15.0"))
    info.rename(folder / "onnxruntime-1.15.0.dist-info")
    found = run(UPGRADE, wheels=wheels)
    assert f"onnxruntime=={version}" in found["first"]["installed"] and found["first"]["restart"]
    assert any("start Python again" in line for line in found["told"])
    assert private_folder.contents(folder)["onnxruntime"] == version and left(run.parent) == [folder.name]


CANCEL = """
class Impatient(Told):
    cancelled = False
    def _show_log(self, text):
        super()._show_log(text)
        if text.startswith("pip: Processing"):
            type(self).cancelled = True
say(first=install(Impatient()))
"""


def test_cancel(bare, make_wheels):
    run = bare()
    found = run(CANCEL, wheels=make_wheels())
    assert found["first"]["kind"] == "CancelledError"
    assert sum(line.startswith("pip: Processing") for line in found["told"]) < len(all_names())
    assert left(run.parent) == []


def test_a_broken_copy_elsewhere_is_told(bare, make_wheels):
    """Python would find it first, so another copy would be of no use; the rest is installed all the same."""
    run = bare()
    put(run.site, "rasterio", "1.2.10", "raise ImportError('numpy.core.multiarray failed to import')")
    found = run("say(first=install())", wheels=make_wheels())
    problem = found["first"]["problem"]
    assert f"rasterio 1.2.10 in {run.site / 'rasterio'} cannot be loaded" in problem
    assert "pip uninstall rasterio" in problem
    assert problem.startswith("Installed: onnxruntime==")
    assert "rasterio" not in os.listdir(private_folder.folder_in(run.parent))


def test_a_package_that_only_lacks_a_helper_gets_it(bare, make_wheels):
    run = bare()
    put(run.site, "rasterio", "1.3.9", "import affine")
    found = run("first = install()\nimport rasterio\nsay(first=first)", wheels=make_wheels())["first"]
    names = {line.split("==")[0] for line in found["installed"]}
    assert "affine" in names and "rasterio" not in names


# ---------------------------------------------------------------- the folder


UNLOOKABLE = ["~nosuchuser-of-lulc/x", "a" * 300, "file/below"]


@pytest.mark.parametrize("said", UNLOOKABLE[:2])
def test_a_folder_that_nobody_can_look_at_is_told_with_a_remedy(said):
    with pytest.raises(LulcError, match="folder for the packages") as caught:
        private_folder.attach(private_folder.folder_in(Path(said)))
    assert "LULC_PACKAGES" in caught.value.remedy
    assert not any(said in path for path in sys.path)


@pytest.mark.parametrize("method", ["is_dir", "scandir"])
def test_a_folder_of_somebody_else(tmp_path, monkeypatch, method):
    """As root's, 0700; simulated, because root may look everywhere."""
    folder = private_folder.folder_in(tmp_path)
    folder.mkdir()

    def refuse(*words):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(*((Path, "is_dir") if method == "is_dir" else (private_folder.os, "scandir")), refuse)
    with pytest.raises(LulcError, match="cannot be read: Permission denied"):
        private_folder.attach(folder)
    assert str(folder) not in sys.path
    found = {f.title: f for f in checks.check_folders(None, tmp_path)}["Packages of this plugin"]
    assert found.level == WARNING and "Permission denied" in found.text and "LULC_PACKAGES" in found.remedy


@pytest.mark.parametrize("said", UNLOOKABLE)
def test_the_command_line_goes_on_without_the_folder(said, tmp_path):
    (tmp_path / "file").write_text("")
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "LULC_PACKAGES": said}
    words = [sys.executable, "-m", "lulc_plugin", "check", "no.tif"]
    done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr and "no.tif" in done.stderr
    assert ("Warning: The folder for the packages" in done.stderr) == (said != "file/below")


def test_a_folder_that_was_in_use_waits_for_the_next_start(tmp_path):
    folder = private_folder.folder_in(tmp_path)
    filled = private_folder.new_sibling(folder)
    (filled / "new").write_text("")
    folder.mkdir()
    private_folder.put_in_place_at_next_start(filled, folder)
    assert os.listdir(folder) == []
    try:
        assert private_folder.attach(folder)
        assert os.listdir(folder) == ["new"] and os.listdir(tmp_path) == [folder.name]
        assert sys.path[-1] == str(folder)
    finally:
        private_folder.detach(folder)
    assert str(folder) not in sys.path


def test_windows_refuses_to_move_a_folder_in_use(tmp_path, monkeypatch):
    folder = private_folder.folder_in(tmp_path)
    folder.mkdir()
    filled = private_folder.new_sibling(folder)
    replace = os.replace

    def refuse(source, target):
        if Path(source) == filled:
            raise PermissionError(13, "in use")
        replace(source, target)

    monkeypatch.setattr(private_folder.os, "replace", refuse)
    with pytest.raises(OSError):
        private_folder.put_in_place(filled, folder)
    assert sorted(os.listdir(tmp_path)) == sorted([folder.name, filled.name])


def test_what_a_killed_installation_left_is_swept(tmp_path):
    folder = private_folder.folder_in(tmp_path)
    fresh, old = private_folder.new_sibling(folder), private_folder.new_sibling(folder)
    os.utime(old, (1, 1))
    private_folder.remove_leftovers(folder)
    assert fresh.exists() and not old.exists(), "another QGIS may be at work on the fresh one"


def test_the_tag_tells_pythons_and_systems_apart():
    assert private_folder.tag().startswith(f"cp{sys.version_info[0]}{sys.version_info[1]}")
    assert sys.platform in private_folder.tag()


def test_what_pip_brought_is_looked_at(tmp_path):
    put(tmp_path, "affine", "2.4.0")
    wanted = (missing.Requirement("affine", "2.4.0"),)
    verify.check_files(tmp_path, wanted)
    with pytest.raises(LulcError, match="click is missing, not 8"):
        verify.check_files(tmp_path, (*wanted, missing.Requirement("click", "8.1.8")))
    put(tmp_path, "numpy", "2.0.0")
    with pytest.raises(LulcError, match="numpy"):
        verify.check_files(tmp_path, wanted)


def test_progress_of_a_download():
    assert piprun.download_share("Progress 50 of 200") == 0.25
    assert piprun.download_share("Progress 0 of 0") is None
    assert piprun.download_share("Collecting rasterio==1.4.4") is None
    assert piprun.Pip("24.2").options[-1] == "raw" and piprun.Pip("23.0.1").options[-1] == "off"
    assert piprun.Pip("").options[-1] == "off"


# ---------------------------------------------------------------- versions


def computer(python, system="Linux", machine="x86_64", numpy=(1, 26), macos=(0, 0)):
    return Computer(python, system, machine, numpy, macos)


#: Python 3.x → the oldest that this plugin takes and the newest of the numpys that exist for it.
NUMPYS = {
    9: ((1, 21), (2, 0)),
    10: ((1, 21), (2, 2)),
    11: ((1, 23), (2, 4)),
    12: ((1, 26), (2, 5)),
    13: ((2, 1), (2, 5)),
    14: ((2, 3), (2, 5)),
}


@pytest.mark.parametrize("minor, newest", [(minor, newest) for minor in NUMPYS for newest in (False, True)])
@pytest.mark.parametrize("system, machine", [("Linux", "x86_64"), ("Windows", "AMD64"), ("Darwin", "arm64")])
def test_there_is_a_version_of_everything(minor, newest, system, machine):
    macos = (14, 0) if system == "Darwin" else (0, 0)
    here = computer((3, minor), system, machine, NUMPYS[minor][newest], macos)
    assert all(pinned(name, here) for name in all_names())


@pytest.mark.parametrize(
    "here, onnxruntime, rasterio",
    [
        (computer((3, 9), numpy=(1, 21)), "1.19.2", "1.3.11"),
        (computer((3, 9), "Windows", "AMD64", (1, 24)), "1.19.2", "1.4.3"),
        (computer((3, 10)), "1.23.2", "1.4.4"),
        (computer((3, 12), "Windows", "AMD64"), "1.20.1", "1.4.4"),
        (computer((3, 14), "Windows", "AMD64", (2, 3)), "1.31.1", "1.4.4"),
        (computer((3, 14), numpy=(2, 4)), "1.31.1", "1.4.4"),
        (computer((3, 12), "Darwin", "arm64", macos=(15, 1)), "1.31.1", "1.4.4"),
        (computer((3, 12), "Darwin", "x86_64", macos=(14, 0)), "1.23.2", "1.4.3"),
        (computer((3, 9), "Darwin", "x86_64", macos=(12, 6)), "1.19.2", "1.4.3"),
        (computer((3, 9), "Darwin", "arm64", macos=(12, 6)), "1.19.2", "1.4.1"),
    ],
)
def test_versions_follow_the_computer(here, onnxruntime, rasterio):
    assert (pinned("onnxruntime", here), pinned("rasterio", here)) == (onnxruntime, rasterio)


@pytest.mark.parametrize("here", [computer((3, 8)), computer((3, 12), numpy=(1, 19)), computer((3, 14), "Darwin", "x86_64", macos=(14, 0))])  # fmt: skip  # noqa: E501
def test_where_nothing_is_known_to_work(here):
    with pytest.raises(LulcError, match="known to work here"):
        [pinned(name, here) for name in all_names()]


def test_the_versions_that_users_get_are_the_ones_that_are_tested():
    lines = (CHECKOUT / "requirements" / "engine.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if "==" in line)
    newest = computer((3, 11), numpy=(2, 2))
    for name in ("rasterio", "onnxruntime"):
        assert pinned(name, newest) == tested[name]


def test_a_mac_that_hides_its_version_gets_what_runs_on_all(monkeypatch):
    monkeypatch.setattr(pins.sys, "platform", "darwin")
    monkeypatch.setattr(pins.platform, "mac_ver", lambda: ("10.16", ("", "", ""), "x86_64"))
    assert Computer.here("1.26.4").macos == (11, 0)
    monkeypatch.setattr(pins.platform, "mac_ver", lambda: ("14.5", ("", "", ""), "arm64"))
    assert Computer.here("1.26.4").macos == (14, 5)


def test_numpy_has_no_pin():
    assert "numpy" not in pins.PINS and "numpy" not in all_names()
    assert set(pins.PINS) == set(all_names())


def test_version_numbers():
    assert pins.version("1.24.2") == (1, 24)
    assert pins.version("2.0.0rc1") == (2, 0)
    assert pins.version("") == (0, 0)


@pytest.mark.parametrize(
    "here, words",
    [
        (computer((3, 12), "Windows", "AMD64"), ["--python-version 3.12", "--platform win_amd64 "]),
        (computer((3, 9), "Darwin", "x86_64", macos=(12, 6)), ["--platform macosx_12_0_x86_64 "]),
        (computer((3, 11), machine="aarch64"), ["--platform manylinux_2_28_aarch64 "]),
    ],
)
def test_the_command_for_another_computer(here, words):
    command = installer.download_command((missing.Requirement("rasterio", "1.4.4"),), here)
    for word in ["--only-binary :all:", "--no-deps", "-d wheels", "rasterio==1.4.4", *words]:
        assert word in command
    assert "numpy" not in command


# ---------------------------------------------------------------- only what was published


def index_of(folder, tmp_path):
    """Settings that make a folder of wheels pip's index."""
    (tmp_path / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {folder}\n")
    return {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}


def publish_another_scipy(folder, tmp_path):
    """The wheels of a folder once more, one of them with other bytes."""
    shutil.copytree(folder, tmp_path / "published")
    (other,) = (tmp_path / "published").glob("scipy*.whl")
    other.write_bytes(other.read_bytes() + b"other")


def test_another_file_than_the_published_one_is_refused(bare, make_wheels, tmp_path):
    folder = make_wheels()
    publish_another_scipy(folder, tmp_path)
    found = bare()("say(first=install(wheels=''))", env=index_of(folder, tmp_path), published="published/*.whl")[
        "first"
    ]
    assert "scipy==" in found["problem"] and "SHA-256" in found["problem"], found
    assert left(tmp_path / "packages") == []


def test_a_folder_of_ones_own_may_have_other_files_with_a_warning(bare, make_wheels, tmp_path):
    folder = make_wheels()
    publish_another_scipy(folder, tmp_path)
    found = bare()("say(first=install())", wheels=folder, published="published/*.whl")
    assert found["first"].get("installed"), found
    assert [line for line in found["told"] if "SHA-256" in line and "scipy" in line]
    assert not [line for line in found["told"] if "SHA-256" in line and "rasterio" in line]


def test_every_version_has_the_digests_of_its_wheels():
    """After a change of the pins, scripts/wheel_hashes.py asks for them."""
    for name, versions in pins.PINS.items():
        for pin in versions:
            digests = pins.published(name, pin.version)
            assert digests, f"{name} {pin.version}"
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests.values())
            assert all(file.endswith(".whl") and pin.version in file for file in digests)


@pytest.mark.parametrize("python", ["cp310", "cp311", "cp312", "cp313"])
@pytest.mark.parametrize("tag", ["win_amd64", "x86_64.whl", "aarch64.whl", "macosx"])
def test_the_usual_computers_have_their_wheels(python, tag):
    files = [file for pin in pins.PINS["rasterio"] for file in pins.published("rasterio", pin.version)]
    assert [file for file in files if python in file and tag in file]
