# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed and where it lies: dependencies, bundled files, versions, digests."""

import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import sys
import sysconfig
import types
from pathlib import Path

import pytest

from lulc_plugin import provenance
from lulc_plugin.environment import checks, interpreter, numpy_copies, packages as dependencies
from lulc_plugin.errors import CancelledError, LulcError
from lulc_plugin.findings import ERROR

CHECKOUT = Path(__file__).resolve().parents[3]


# ---------------------------------------------------------------- dependencies


def test_nothing_is_missing_here():
    assert dependencies.missing() == ()
    dependencies.require()
    for name in dependencies.REQUIRED:
        package = dependencies.look_up(name)
        assert re.match(r"\d+\.\d+", package.version)
        assert Path(package.location).exists()


@pytest.fixture
def without(monkeypatch):
    """Make packages disappear without touching the installation."""
    find = importlib.util.find_spec

    def hide(*names):
        monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n in names else find(n, *a))

    return hide


@pytest.mark.parametrize("names", [("onnxruntime",), ("rasterio", "onnxruntime")])
@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_missing_packages_are_named_with_a_remedy(without, monkeypatch, names, platform):
    without(*names)
    monkeypatch.setattr(sys, "platform", platform)
    assert dependencies.missing() == names
    with pytest.raises(LulcError) as caught:
        dependencies.require()
    remedy = caught.value.remedy
    for name in names:
        assert name in caught.value.problem
        assert f"{name} not installed" in remedy
    assert "run Install dependencies" in remedy
    numpy = importlib.metadata.version("numpy")
    assert f"{interpreter.interpreter()} -m pip install {' '.join(names)} numpy=={numpy};" in remedy
    assert ("OSGeo4W Shell" in remedy) == (platform == "win32")
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in remedy and f"numpy {numpy}" in remedy
    assert dependencies.look_up(names[0]) == dependencies.Package(names[0], None, None)


def test_what_an_uninstallation_leaves_is_no_package(monkeypatch, tmp_path):
    """A folder without code, as pip leaves it on Windows where a library was in use."""
    (tmp_path / "leftover" / "capi").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.util.find_spec("leftover") is not None
    assert dependencies.missing(("leftover",)) == ("leftover",)


@pytest.mark.parametrize(
    "platform, code, words",
    [
        ("win32", "raise ImportError('DLL load failed while importing x')", "Visual C++"),
        ("linux", "raise ValueError('numpy.dtype size changed, may indicate binary incompatibility')", "another numpy"),
        ("linux", "raise OSError('libgomp.so.1: cannot open shared object file')", "Install it again"),
    ],
)
def test_a_package_that_is_there_and_does_not_load_is_told(monkeypatch, tmp_path, platform, code, words):
    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    dependencies.require_found(("broken_package",))  # cheap: it is there
    with pytest.raises(LulcError) as caught:
        dependencies.require(("numpy", "broken_package"))
    assert "broken_package" in caught.value.problem and "cannot be loaded" in caught.value.problem
    assert words in caught.value.remedy and str(tmp_path) in caught.value.remedy
    by_hand = "pip uninstall" if words == "another numpy" else "pip install"
    assert f"{by_hand} broken_package" in caught.value.remedy


# ---------------------------------------------------------------- the numpy of QGIS


def put_numpy(folder, version, code="class ndarray: pass"):
    """A numpy as if it had been installed into `folder`."""
    (folder / "numpy").mkdir(parents=True)
    (folder / "numpy" / "__init__.py").write_text(f"__version__ = {version!r}\n{code}\n")
    info = folder / f"numpy-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: numpy\nVersion: {version}\n")


@pytest.fixture
def two_numpys(monkeypatch, tmp_path):
    """numpy 2 in `mine` before numpy 1 in `qgis`, none of them loaded, and no other."""
    put_numpy(tmp_path / "mine", "2.1.3")
    put_numpy(tmp_path / "qgis", "1.24.2")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "mine"), str(tmp_path / "qgis")])
    monkeypatch.delitem(sys.modules, "numpy")
    return tmp_path


def test_a_numpy_before_that_of_qgis_is_to_be_removed_first(two_numpys):
    found = dependencies.remedy(("onnxruntime",))
    assert f"numpy 2.1.3 in {two_numpys / 'mine'} goes before numpy 1.24.2 in {two_numpys / 'qgis'}" in found
    assert "uninstall numpy" in found and "Then, for onnxruntime: run Install dependencies" in found
    assert "pip install" not in found and "numpy==" not in found


def test_a_package_that_the_stray_numpy_breaks_is_not_the_one_to_remove(two_numpys):
    error = ValueError("numpy.dtype size changed, may indicate binary incompatibility")
    found = dependencies.loading_remedy("rasterio", error)
    assert f"Remove the one in {two_numpys / 'mine'}: " in found and "uninstall numpy" in found
    assert "uninstall rasterio" not in found and "pip install" not in found


def test_a_numpy_that_is_put_in_front_of_a_loaded_one_does_not_count(two_numpys, monkeypatch):
    loaded = types.ModuleType("numpy")
    loaded.__file__ = str(two_numpys / "qgis" / "numpy" / "__init__.py")
    monkeypatch.setitem(sys.modules, "numpy", loaded)
    assert [copy.version for copy in numpy_copies.copies()] == ["1.24.2"]
    assert numpy_copies.competing_copies(also_compatible=True) is None


def test_numpys_that_differ_little_are_left_alone_until_something_fails(monkeypatch, tmp_path):
    put_numpy(tmp_path / "a", "1.26.4")
    put_numpy(tmp_path / "b", "1.24.2")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    monkeypatch.delitem(sys.modules, "numpy")
    assert numpy_copies.competing_copies() is None
    assert numpy_copies.competing_copies(also_compatible=True)[0].version == "1.26.4"


@pytest.mark.parametrize(
    "platform, words",
    [
        ("linux", "apt install --reinstall python3-numpy"),
        ("win32", "installer of QGIS"),
        ("darwin", "installer of QGIS"),
    ],
)
@pytest.mark.parametrize("names", [("numpy",), ("numpy", "rasterio")])
def test_a_missing_numpy_is_repaired_with_qgis_and_before_all_else(without, monkeypatch, platform, words, names):
    without(*names)
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(LulcError, match="numpy") as caught:
        dependencies.require()
    remedy = caught.value.remedy
    assert remedy.startswith("numpy comes with QGIS") and words in remedy
    assert "pip install" not in remedy and "--user numpy" not in remedy
    assert ("Then, for rasterio: run Install dependencies" in remedy) == ("rasterio" in names)


def test_a_broken_numpy_is_told_before_anything_that_is_missing(without, monkeypatch):
    without("rasterio")
    broken = ImportError("libopenblas.so.0: cannot open shared object file")
    monkeypatch.setattr(dependencies, "load_problem", lambda name: broken if name == "numpy" else None)
    with pytest.raises(LulcError, match="numpy .* cannot be loaded: ImportError: libopenblas") as caught:
        dependencies.require()
    assert "repaired with it" in caught.value.remedy and "Install dependencies" not in caught.value.remedy


def test_a_file_of_the_same_name_is_not_the_package(monkeypatch, tmp_path):
    (tmp_path / "onnxruntime.py").write_text("# my notes\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    with pytest.raises(LulcError) as caught:
        dependencies.require(("onnxruntime",))
    assert "has no InferenceSession" in caught.value.problem
    assert f"Rename, move or delete {tmp_path / 'onnxruntime.py'}" in caught.value.remedy
    assert "pip" not in caught.value.remedy
    found = checks.check_package("onnxruntime")
    assert found.level == ERROR and str(tmp_path / "onnxruntime.py") in found.text + found.remedy


def test_metadata_that_is_no_text_is_no_version(monkeypatch, tmp_path):
    put_numpy(tmp_path, "1.24.2")
    (tmp_path / "numpy-1.24.2.dist-info" / "METADATA").write_bytes(b"Name: numpy\nVersion: \xff\xfe\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "numpy")
    assert dependencies.installed_version("numpy") is None
    assert numpy_copies.copies()[0].version == "of unknown version"


@pytest.mark.parametrize("executable", ["C:/Program Files/QGIS/bin/qgis-bin.exe", "", None, "/opt/other/bin/python3"])
def test_the_interpreter_is_the_one_that_runs_whatever_sys_executable_says(monkeypatch, executable):
    before = Path(interpreter.interpreter())
    assert before.is_file() and before.resolve() == Path(sys.executable).resolve()
    monkeypatch.setattr(sys, "executable", executable)
    assert Path(interpreter.interpreter()) == before


def test_the_interpreter_inside_the_mac_bundle(monkeypatch, tmp_path):
    """There `sys.executable` is QGIS.app/Contents/MacOS/QGIS, and the Python lies in bin/ beside it."""
    (tmp_path / "MacOS" / "bin").mkdir(parents=True)
    (tmp_path / "MacOS" / "bin" / "python3").touch()
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "MacOS" / "QGIS"))
    assert interpreter.interpreter() == str(tmp_path / "MacOS" / "bin" / "python3")


def test_the_command_by_hand_works_where_the_system_guards_its_python(monkeypatch, tmp_path):
    """PEP 668: a marker in the standard library, outside of any virtual environment."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert " --user rasterio" in dependencies.command(("rasterio",))
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert " --user --break-system-packages rasterio numpy==" in dependencies.command(("rasterio",))
    assert interpreter.uninstall("rasterio").endswith("uninstall --break-system-packages rasterio")


def test_a_path_with_spaces_is_one_word():
    assert interpreter.quoted("C:/Program Files/python.exe") == '"C:/Program Files/python.exe"'
    assert interpreter.quoted("/usr/bin/python3") == "/usr/bin/python3"


def test_a_package_that_breaks_the_search_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert dependencies.missing() == ("onnxruntime",)


def test_a_package_without_metadata_is_there_all_the_same(monkeypatch):
    def unknown(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", unknown)
    assert dependencies.look_up("numpy").version == "unknown"
    assert dependencies.missing() == ()


def test_a_run_without_a_package_says_so(without, raster, network, classify, scene):
    without("onnxruntime")
    layer, net = raster("a.tif", scene(20, 20)), network()
    with pytest.raises(LulcError, match="onnxruntime cannot be found"):
        classify(layer, net)


# ---------------------------------------------------------------- bundled files


def copy_engine(target):
    shutil.copytree(CHECKOUT / "lulc_plugin", target / "lulc_plugin", ignore=shutil.ignore_patterns("__pycache__"))
    return target / "lulc_plugin"


LIST = """
import json
from lulc_plugin import bundled, provenance
print(json.dumps([str(bundled.folder("models")), str(bundled.folder("legends")), bundled.model_names(),
                  provenance.plugin_version()]))
"""


@pytest.fixture
def elsewhere(tmp_path, python):
    """Run code with the engine of a copy of the tree in `tmp_path / "copy"`."""
    root = tmp_path / "copy"
    root.mkdir()

    def run(code):
        return python("-c", code, env={"PYTHONPATH": str(root)})

    return root, run


def test_plugin_layout(elsewhere):
    root, run = elsewhere
    copy_engine(root)
    (root / "models").mkdir()
    (root / "models" / "b-v1.onnx").touch()
    (root / "models" / "a-v1.onnx").touch()
    (root / "models" / "a-v1.json").touch()
    (root / "resources" / "legends").mkdir(parents=True)
    (root / "metadata.txt").write_text("[general]\nname=x\nversion=9.8.7\n")
    found = json.loads(run(LIST).stdout)
    assert found == [str(root / "models"), str(root / "resources" / "legends"), ["a-v1", "b-v1"], "9.8.7"]


def test_wheel_layout_does_not_believe_strangers(elsewhere):
    """Beside an installed package lies site-packages, where anybody may own `models`."""
    root, run = elsewhere
    package = copy_engine(root)
    (package / "_bundled" / "models").mkdir(parents=True)
    (package / "_bundled" / "models" / "ours-v1.onnx").touch()
    (package / "_bundled" / "legends").mkdir()
    (root / "models").mkdir()
    (root / "models" / "stranger-v1.onnx").touch()
    models, legends, names, _ = json.loads(run(LIST).stdout)
    assert models == str(package / "_bundled" / "models")
    assert legends == str(package / "_bundled" / "legends")
    assert names == ["ours-v1"]


def test_an_incomplete_installation_is_told(elsewhere):
    root, run = elsewhere
    copy_engine(root)
    result = run("from lulc_plugin import bundled; bundled.folder('models')")
    assert "NotInstalled" in result.stderr
    assert "Install the plugin again" in result.stderr


def test_the_command_line_of_an_incomplete_installation_has_no_traceback(elsewhere, python):
    root, _ = elsewhere
    copy_engine(root)
    result = python("-m", "lulc_plugin", "classify", "a.tif", "b.tif", env={"PYTHONPATH": str(root)})
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "Install the plugin again" in result.stderr


# ---------------------------------------------------------------- provenance


def test_digest_is_sha256_in_groups_that_no_scanner_takes_for_a_key(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 9000)
    digest = provenance.file_digest(path)
    assert re.fullmatch(r"([0-9a-f]{8}-){7}[0-9a-f]{8}", digest)
    assert digest.replace("-", "") == hashlib.sha256(path.read_bytes()).hexdigest()


def test_digest_of_an_empty_file(tmp_path):
    (tmp_path / "a").touch()
    assert provenance.file_digest(tmp_path / "a").startswith("e3b0c442-98fc1c14-")


def test_digest_of_data_covers_all_bytes_of_small_files(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(bytes(range(256)) * 5000)
    two.write_bytes(b"xyz")
    digest = provenance.data_digest([one, two])
    assert re.fullmatch(r"1280003 bytes ([0-9a-f]{8}-){7}[0-9a-f]{8}", digest)
    assert digest == provenance.data_digest([one.rename(tmp_path / "renamed"), two])
    two.write_bytes(b"xyy")
    assert digest != provenance.data_digest([tmp_path / "renamed", two])
    # the same bytes, divided otherwise
    two.write_bytes(b"xyzx")
    (tmp_path / "three").write_bytes(b"yz")
    assert provenance.data_digest([two]) != provenance.data_digest([tmp_path / "three", tmp_path / "three"])
    assert provenance.data_digest([]).startswith("0 bytes ")


def test_digest_of_large_data_covers_the_size_and_blocks(tmp_path):
    """Of 300 MB in two files: the first and the last byte, and what is not smaller than the gaps between the blocks."""
    one, two = tmp_path / "one", tmp_path / "two"
    for path, size in ((one, 100 << 20), (two, 200 << 20)):
        with path.open("wb") as out:
            out.truncate(size)
    digest = provenance.data_digest([one, two])
    for path, place, length in ((one, 0, 1), (two, (200 << 20) - 1, 1), (one, 50 << 20, 2 << 20)):
        with path.open("r+b", buffering=0) as out:
            out.seek(place)
            out.write(b"x" * length)
            assert provenance.data_digest([one, two]) != digest
            out.seek(place)
            out.write(b"\0" * length)
    assert provenance.data_digest([one, two]) == digest
    with two.open("ab") as out:
        out.truncate((200 << 20) + 1)
    assert provenance.data_digest([one, two]) != digest


def test_version_is_that_of_metadata_txt():
    text = (CHECKOUT / "metadata.txt").read_text(encoding="utf-8")
    assert f"version={provenance.plugin_version()}\n" in text


def test_versions_name_what_computes():
    assert set(provenance.versions()) == {"landcover_classifier", "numpy", "rasterio", "onnxruntime"}


def test_tags():
    tags = provenance.tags({"model": "x", "bands": [3, 2], "é": {"a": None}, "long": "y" * 10_000})
    assert tags["LULC_MODEL"] == "x"
    assert tags["LULC_BANDS"] == "[3,2]"
    assert json.loads(tags["LULC_É"]) == {"a": None}
    assert len(tags["LULC_LONG"]) < 10_000
    # half of a JSON text is of no use
    assert json.loads(provenance.tags({"classes": ["y" * 10_000] * 20})["LULC_CLASSES"])
    assert provenance.tags({"classes": ["y" * 10_000] * 200}) == {}


# ---------------------------------------------------------------- errors


def test_errors_say_the_problem_and_then_the_remedy():
    error = LulcError("It is 3.", "Make it 4.")
    assert str(error) == "It is 3. Make it 4."
    assert (error.problem, error.remedy) == ("It is 3.", "Make it 4.")
    assert str(LulcError("It is 3.")) == "It is 3."
    assert isinstance(CancelledError(), LulcError)


def test_a_report_needs_no_onnxruntime_but_jinja2(without):
    without("onnxruntime", "jinja2")
    names = tuple(dependencies.FOR_ACCURACY)
    assert dependencies.missing(names) == ("jinja2",)
    with pytest.raises(LulcError) as caught:
        dependencies.require(names)
    assert "jinja2 cannot be found" in caught.value.problem and "Jinja2" in caught.value.remedy
