# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin's zip: what is in it, what is refused, and that it is the same each time."""

import importlib.util
import os
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("package_script", CHECKOUT / "scripts" / "package.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


package = _load()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    files = {
        "metadata.txt": "[general]\nname=Land Cover Classifier\nversion=1.2.3\nabout=100 % local\n",
        "__init__.py": "def classFactory(iface):\n    return iface\n",
        "lulc_plugin/__init__.py": '"""The engine."""\n',
        "lulc_plugin/report/page.html": "<p>",
        "lulc_plugin/__pycache__/x.pyc": "junk",
        "algorithms/bridge/plugin.py": "import os\n",
        "models/net-v1.json": '{"checksum": "sha256:' + "ab" * 32 + '"}',
        "models/net-v1.onnx": "weights",
        "models/.cache/hidden.json": "{}",
        "resources/icons/landcover.svg": "<svg/>",
        "resources/.hidden": "junk",
        "docs/accuracy.md": "# How accurate",
        "tests/engine/test_x.py": "assert True\n",
        "training/train.py": "import pickle\n",
        ".venv/lib/x.py": "assert True\n",
    }
    for name in ("LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "CITATION.cff"):
        files[name] = name
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_contents(tree: Path, tmp_path: Path) -> None:
    target = package.build(tree, tmp_path / "dist")
    assert target.name == "landcover_classifier-1.2.3.zip"
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
    inside = {name.partition("/")[2] for name in names}
    assert {name.partition("/")[0] for name in names} == {"landcover_classifier"}
    assert {"metadata.txt", "__init__.py", "LICENSE", "NOTICE", "README.md"} <= inside
    assert {"models/net-v1.onnx", "models/net-v1.json", "lulc_plugin/report/page.html"} <= inside
    assert not [n for n in inside if n.startswith(("tests", "training", ".")) or "__pycache__" in n or "/." in n]


def test_same_bytes_whenever_and_wherever(tree: Path, tmp_path: Path) -> None:
    first = package.build(tree, tmp_path / "a").read_bytes()
    for path in tree.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (tree / "__init__.py").chmod(0o755)
    assert package.build(tree, tmp_path / "b").read_bytes() == first


def test_too_large_leaves_no_zip(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "LARGEST", 500)
    with pytest.raises(package.PackageError, match="500"):
        package.build(tree, tmp_path / "dist")
    assert not list((tmp_path / "dist").iterdir())


def test_missing_and_unexpected_files_are_named(tree: Path, tmp_path: Path) -> None:
    (tree / "LICENSE").unlink()
    (tree / "models" / "run.sh").write_text("rm")
    (tree / "models" / "link.json").symlink_to(tree / "metadata.txt")
    with pytest.raises(package.PackageError) as caught:
        package.build(tree, tmp_path / "dist")
    assert "LICENSE is missing" in str(caught.value)
    assert "run.sh is of an unexpected type" in str(caught.value)
    assert "link.json is a link" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("assert x", "assert"),
        ("try:\n    f()\nexcept:\n    pass", "except: pass"),
        ("try:\n    f()\nexcept Exception as error:\n    pass", "except: pass"),
        ("for i in a:\n    try:\n        f()\n    except (OSError, Exception):\n        continue", "except: pass"),
        ("import random", "random"),
        ("import jinja2\njinja2.Environment()", "autoescape"),
        ("import pickle", "pickle"),
        ("from xml.etree import ElementTree", "xml.etree"),
        ("from xml.sax.saxutils import escape", "xml.sax"),
        ("eval(text)", "eval"),
        ("exec(text)", "exec"),
        ("import subprocess\nsubprocess.run(c, shell=True)", "shell"),
        ("import hashlib\nhashlib.md5(b)", "md5"),
        ("from hashlib import sha1 as h\nh(b)", "sha1"),
        ("import hashlib as x\nx.sha1(b)", "sha1"),
        ("import os\nos.system(c)", "os.system"),
        ("match x:\n    case 1:\n        pass", "Python 3.9"),
        ("zip(a, b, strict=True)", "3.10"),
        ("from itertools import pairwise", "3.9"),
        ("from typing import Self", "3.9"),
        ("digest = '" + "0123456789abcdef" * 4 + "'", "secret"),
    ],
)
def test_refused_python(tree: Path, tmp_path: Path, source: str, word: str) -> None:
    (tree / "lulc_plugin" / "bad.py").write_text(source + "\n")
    with pytest.raises(package.PackageError, match=r"lulc_plugin.bad\.py:\d+: ") as caught:
        package.build(tree, tmp_path / "dist")
    assert word in str(caught.value)
    assert not list(tmp_path.glob("dist/*"))


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "session.exec(1)",
        "import hashlib\nhashlib.sha256(b)",
        "import contextlib\nwith contextlib.suppress(OSError):\n    f()",
        "import subprocess\nsubprocess.run(c, shell=False)",
        "try:\n    f()\nexcept OSError:\n    pass",
        "from jinja2 import Environment\nEnvironment(autoescape=True)",
        "import numpy.random",
        "digest = 'sha256:" + "0123456789abcdef" * 4 + "'",
        "def f():\n    'assert nothing, pickle nothing'",
    ],
)
def test_accepted_python(source: str) -> None:
    assert package.python_objections(source) == []


def test_hex_in_json_is_refused(tree: Path, tmp_path: Path) -> None:
    (tree / "models" / "net-v1.json").write_text('{"sha256": "' + "0123456789abcdef" * 4 + '"}')
    with pytest.raises(package.PackageError, match="secret"):
        package.build(tree, tmp_path / "dist")


def test_this_checkout_can_be_packaged() -> None:
    files = package.shipped_files(CHECKOUT)
    assert package.objections(CHECKOUT, files) == []
