# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows between the engine's rooms, and what no shipped file may do."""

import ast
import json
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ENGINE = CHECKOUT / "lulc_plugin"
FILES = sorted(p for p in ENGINE.rglob("*.py") if "_bundled" not in p.parts)

#: room → rooms it may import from (itself always)
GROUND = {"errors", "progress"}
SHELF = {"legend", "provenance", "bundled", "environment", "findings", "atomic_write"}
ARROWS = {
    "errors": set(),
    "progress": {"errors"},
    "legend": {"errors"},
    "findings": {"errors"},
    "bundled": {"errors"},
    "atomic_write": set(),
    "provenance": {"errors", "environment"},
    "raster": SHELF | GROUND,
    "model": {"raster"} | SHELF | GROUND,
    "assess": {"raster"} | SHELF | GROUND,
    "maps": {"raster"} | SHELF | GROUND,
    "scenes": {"raster"} | SHELF | GROUND,
    "classify": {"raster", "model"} | SHELF | GROUND,
    "adapt": {"classify", "assess", "maps", "scenes", "raster", "model"} | SHELF | GROUND,
    "environment": {"raster", "model"} | SHELF | GROUND,
    "report": {"classify", "assess", "maps", "scenes", "raster", "model"} | SHELF | GROUND,
}
TOP = {"cli", "cluster", "__main__", "__init__"}


def module_of(path):
    """`("raster", "source")` for lulc_plugin/raster/source.py."""
    parts = path.relative_to(ENGINE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def exists(parts):
    place = ENGINE.joinpath(*parts)
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def imports(path):
    """Modules of the engine that a file imports, each as parts below lulc_plugin; and names of other packages."""
    inside, outside = set(), set()
    package = path.relative_to(ENGINE).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            outside.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                outside.add(node.module.split(".")[0])
                continue
            base = (*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else ()))
            assert len(package) >= node.level - 1, f"{path} imports from above the engine"
            for alias in node.names:
                inside.add((*base, alias.name) if exists((*base, alias.name)) else base)
    return inside, outside


def test_there_is_something_to_check():
    assert len(FILES) > 25


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ENGINE)))
def test_arrows(path):
    room = module_of(path)[0]
    inside, _ = imports(path)
    if room in TOP:
        return
    assert room in ARROWS, f"{room} is a new room: draw its arrows"
    for target in inside:
        assert target, f"{path.name} imports the whole engine"
        assert target[0] == room or target[0] in ARROWS[room], f"{'/'.join(module_of(path))} → {'/'.join(target)}"


def test_no_cycles_between_modules():
    graph = {module_of(p): imports(p)[0] for p in FILES}
    done, path = set(), []

    def visit(node):
        assert node not in path, " → ".join(".".join(n) for n in [*path[path.index(node) :], node])
        if node in done or node not in graph:
            return
        path.append(node)
        for other in sorted(graph[node]):
            visit(other)
        path.pop()
        done.add(node)

    for node in sorted(graph):
        visit(node)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ENGINE)))
def test_no_foreign_and_no_absolute_imports(path):
    _, outside = imports(path)
    assert not outside & {"qgis", "PyQt5", "PyQt6", "osgeo", "torch", "dask", "algorithms", "training", "tests"}
    assert "lulc_plugin" not in outside
    assert not outside & {"pickle", "marshal", "shelve", "xml", "telnetlib", "ftplib"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ENGINE)))
def test_no_private_names_of_other_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            private = [a.name for a in node.names if a.name.startswith("_")]
            assert not private, f"{path.name} takes {private} from {node.module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ENGINE)))
def test_shipped_code(path):
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# SPDX-License-Identifier: GPL-3.0-or-later"
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is for"
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: python -O removes assertions"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "__import__"), f"line {node.lineno}"
            assert node.func.id != "print" or module_of(path)[0] == "cli", f"line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: bare except"
            if isinstance(node.body[0], ast.Pass) and len(node.body) == 1:
                assert not (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))


@pytest.mark.parametrize(
    "path",
    sorted([*(CHECKOUT / "algorithms").rglob("*.py"), *(CHECKOUT / "tests" / "engine").glob("*.py")]),
    ids=lambda p: str(p.relative_to(CHECKOUT)),
)
def test_other_files_carry_the_licence(path):
    assert path.read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: GPL-3.0-or-later")


LIGHT = ["", ".errors", ".progress", ".legend", ".provenance", ".bundled", ".classify.job", ".cli"]
LIGHT += [
    ".environment.packages",
    ".environment.checks",
    ".environment.check_html",
]  # they run where the heavy ones are missing
HEAVY = ["numpy", "rasterio", "onnxruntime", "scipy", "torch", "qgis"]


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_stay_light(python, module):
    code = f"import json, sys, lulc_plugin{module}; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    result = python("-c", code)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == []


def test_every_module_can_be_imported_alone(python):
    names = [".".join(("lulc_plugin", *module_of(p))) for p in FILES if p.name not in ("__main__.py",)]
    names = [n.removesuffix(".__init__") for n in names]
    code = (
        "import importlib, sys\n"
        f"for name in {names}:\n"
        "    for loaded in [m for m in sys.modules if m.startswith('lulc_plugin')]:\n"
        "        del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
        "print('qgis' in sys.modules)\n"
    )
    result = python("-c", code)
    assert result.stdout.strip() == "False", result.stderr


def test_the_engine_under_its_name_in_qgis(tmp_path, python):
    """In QGIS the engine is a sub-package of the plugin: no import may be absolute."""
    package = tmp_path / "landcover_classifier"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "lulc_plugin").symlink_to(ENGINE)
    (package / "models").mkdir()
    code = (
        "import sys, landcover_classifier.lulc_plugin.classify.pipeline, landcover_classifier.lulc_plugin.cli\n"
        "print('lulc_plugin' in sys.modules)"
    )
    result = python("-c", code, env={"PYTHONPATH": str(tmp_path)})
    assert result.stdout.strip() == "False", result.stderr


def test_first_line_of_the_engine():
    tree = ast.parse((ENGINE / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree).startswith("The engine; QGIS starts in algorithms/bridge/plugin.py.")
