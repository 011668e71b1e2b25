# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows between the engine's rooms, and what no shipped file may do."""

import ast
import json
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ENGINE = CHECKOUT / "lulc_plugin"
FILES = sorted(p for p in ENGINE.rglob("*.py") if "_bundled" not in p.parts)

#: room → rooms it may import from (itself always)
GROUND = {"errors", "progress", "options", "visible_text"}
SHELF = {
    "legend",
    "provenance",
    "bundled",
    "environment",
    "findings",
    "atomic_write",
    "lazy_imports",
    "telemetry",
    "temporary_folder",
    "unfinished",
}
ARROWS = {
    "options": set(),
    "visible_text": set(),
    "errors": {"options"},
    "progress": {"errors", "options", "visible_text"},
    "legend": {"errors", "visible_text"},
    "findings": {"errors"},
    "lazy_imports": set(),
    "telemetry": set(),
    "bundled": {"errors"},
    "atomic_write": {"errors", "unfinished"},
    "temporary_folder": {"atomic_write", "unfinished"},
    "unfinished": set(),
    "provenance": {"errors", "environment"},
    "raster": SHELF | GROUND,
    "model": {"raster"} | SHELF | GROUND,
    "assess": {"raster"} | SHELF | GROUND,
    "classify": {"raster", "model"} | SHELF | GROUND,
    "environment": {"raster", "model"} | SHELF | GROUND,
    "scenes": {"raster"} | SHELF | GROUND,
    "adapt": {"classify", "assess", "raster", "model"} | SHELF | GROUND,
    "report": {"adapt", "classify", "assess", "raster", "model"} | SHELF | GROUND,
}
TOP = {"cli", "__main__", "__init__"}


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


def lines_of(found):
    """What a test shows when it fails: one line a finding."""
    return "\n".join(found)


def test_there_is_something_to_check():
    assert len(FILES) > 25


def test_arrows():
    wrong = []
    for path in FILES:
        room = module_of(path)[0]
        if room in TOP:
            continue
        if room not in ARROWS:
            wrong.append(f"{room} is a new room: draw its arrows")
            continue
        for target in imports(path)[0]:
            if not target:
                wrong.append(f"{path.name} imports the whole engine")
            elif target[0] != room and target[0] not in ARROWS[room]:
                wrong.append(f"{'/'.join(module_of(path))} → {'/'.join(target)}")
    assert not wrong, lines_of(wrong)


def test_every_room_that_has_arrows_exists():
    assert [room for room in ARROWS if not exists((room,))] == []


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


# ---------------------------------------------------------------- doors

#: Folders that are no rooms of their own: those inside are.
WITHOUT_DOOR = {(), ("report",), ("cli",)}
OTHERS = ("algorithms", "training", "scripts", "benchmarks")


def door_of(importer, package):
    """The outermost room around a package that the importer is not in; None inside one room."""
    for depth in range(1, len(package) + 1):
        room = package[:depth]
        if room not in WITHOUT_DOOR and importer[:depth] != room:
            return room
    return None


def exported(room):
    """What a room's `__init__.py` exports, without importing it, and the same as type checkers see it."""
    tree = ast.parse((ENGINE.joinpath(*room) / "__init__.py").read_text(encoding="utf-8"))
    names, seen = set(), set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == "__all__":
                names |= set(ast.literal_eval(node.value))
            elif isinstance(target, ast.Tuple):
                names |= {name for of in ast.literal_eval(node.value.args[1]).values() for name in of}
        for inner in ast.walk(node) if isinstance(node, (ast.If, ast.ImportFrom)) else ():
            if isinstance(inner, ast.ImportFrom) and inner.module not in ("__future__", "typing"):
                seen |= {alias.asname or alias.name for alias in inner.names if alias.name != "lazy_exports"}
    return names, seen


def test_type_checkers_see_what_a_room_exports():
    wrong = []
    for path in FILES:
        room = module_of(path)
        if path.name == "__init__.py" and room != ("__init__",) and room not in WITHOUT_DOOR:
            names, seen = exported(room)
            wrong += [f"{'/'.join(room)}: {name} stands in one list only" for name in names ^ seen]
    assert not wrong, lines_of(wrong)


def reached_into(path, importer, base, names):
    """Imports that pass by a room's door."""
    package = base if (ENGINE.joinpath(*base) / "__init__.py").is_file() else base[:-1]
    for name in names:
        full = (*base, name)
        inner = full if (ENGINE.joinpath(*full) / "__init__.py").is_file() else package
        room = door_of(importer, inner)
        if room is None or (room == full and base == room[:-1]):
            continue
        if base != room:
            yield f"{path.relative_to(CHECKOUT)}: {'.'.join(base)} lies behind the door of {'.'.join(room)}"
        elif name not in exported(room)[0]:
            yield f"{path.relative_to(CHECKOUT)}: {'.'.join(room)} does not export {name}"


def test_nobody_reaches_past_a_door():
    wrong = []
    for path in FILES:
        package = path.relative_to(ENGINE).parent.parts
        if path.name == "__init__.py":
            continue  # a room may export what lies in the rooms inside it
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
                base = tuple(part for part in base if part)
                wrong += reached_into(path, package, base, [alias.name for alias in node.names])
    for path in (p for folder in OTHERS for p in (CHECKOUT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []
            if module and module[0] == "lulc_plugin":
                wrong += reached_into(path, ("outside",), tuple(module[1:]), [alias.name for alias in node.names])
    assert not wrong, lines_of(wrong)


# ---------------------------------------------------------------- what no shipped file may do


def test_no_foreign_and_no_absolute_imports():
    refused = {"qgis", "PyQt5", "PyQt6", "osgeo", "torch", "dask", "algorithms", "training", "tests", "lulc_plugin"}
    refused |= {"pickle", "marshal", "shelve", "xml", "telnetlib", "ftplib"}
    wrong = [f"{p.relative_to(ENGINE)}: {sorted(imports(p)[1] & refused)}" for p in FILES if imports(p)[1] & refused]
    assert not wrong, lines_of(wrong)


def test_no_private_names_of_other_modules():
    wrong = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                private = [a.name for a in node.names if a.name.startswith("_")]
                if private:
                    wrong.append(f"{path.relative_to(ENGINE)} takes {private} from {node.module}")
    assert not wrong, lines_of(wrong)


def objections(path):
    """What a shipped file must not have."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    if not ast.get_docstring(tree):
        yield "a module says what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: python -O removes assertions"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("eval", "exec", "compile", "__import__"):
                yield f"line {node.lineno}: {node.func.id}"
            if node.func.id == "print" and module_of(path)[0] != "cli":
                yield f"line {node.lineno}: print"
        if isinstance(node, ast.ExceptHandler):
            if node.type is None:
                yield f"line {node.lineno}: bare except"
            elif isinstance(node.body[0], ast.Pass) and isinstance(node.type, ast.Name):
                if node.type.id in ("Exception", "BaseException"):
                    yield f"line {node.lineno}: an exception of any kind vanishes"


def test_shipped_code():
    wrong = [f"{path.relative_to(ENGINE)}: {what}" for path in FILES for what in objections(path)]
    assert not wrong, lines_of(wrong)


def test_files_carry_the_licence():
    files = [*FILES, *(CHECKOUT / "algorithms").rglob("*.py"), *(CHECKOUT / "tests" / "engine").rglob("*.py")]
    first = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
    wrong = [str(p.relative_to(CHECKOUT)) for p in files if not p.read_text(encoding="utf-8").startswith(first)]
    assert not wrong, lines_of(wrong)


def test_functions_are_short():
    wrong = []
    for path in (*FILES, *(p for folder in OTHERS for p in (CHECKOUT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= 60:
                wrong.append(f"{path.relative_to(CHECKOUT)}: {node.name} has {node.end_lineno - node.lineno + 1} lines")
    assert not wrong, lines_of(wrong)


def test_the_page_on_architecture_names_every_module():
    page = (CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    of_many = ("report", "cli")  # their folders are described as a whole
    names = [p.stem for p in FILES if p.stem not in ("__init__", "__main__") and module_of(p)[0] not in of_many]
    tree = page[: page.index("## Rooms and arrows")]
    of_engine = {p.name for p in FILES} | {p.name for folder in OTHERS for p in (CHECKOUT / folder).rglob("*.py")}
    assert set(re.findall(r"\b\w+\.py\b", tree)) <= of_engine, "the page names files that are gone"
    assert [name for name in names if not re.search(rf"\b{name}\b(\.py|[,/)\s`])", page)] == []


def test_no_file_name_occurs_twice():
    """A file is found by its name. Parallel parts of parallel rooms (`job`, `result`) and commands may share one."""
    places = {}
    for path in FILES:
        if path.name not in ("__init__.py", "job.py", "result.py") and path.parent.name != "cli":
            places.setdefault(path.name, []).append(str(path.relative_to(ENGINE)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def imported_whole(path):
    """Packages that a file imports, anywhere in it, with the parts that it takes: `onnxruntime.quantization`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_onnxruntime_is_imported_where_its_telemetry_is_off():
    """By `import_onnxruntime` only; the bench may import its parts, for `training` imports the engine first."""
    bench = list((CHECKOUT / "training").rglob("*.py"))
    others = [path for folder in OTHERS for path in (CHECKOUT / folder).rglob("*.py") if path not in bench]
    wrong = [p for p in bench if "onnxruntime" in imported_whole(p)]
    for path in (p for p in [*FILES, *others] if p != ENGINE / "telemetry.py"):
        wrong += [path for name in imported_whole(path) if name.partition(".")[0] == "onnxruntime"]
    wrong = [str(path.relative_to(CHECKOUT)) for path in wrong]
    assert not wrong, lines_of(wrong)


# ---------------------------------------------------------------- imports as they happen


LIGHT = ["", ".errors", ".progress", ".legend", ".provenance", ".bundled", ".classify.job", ".cli"]
LIGHT += [
    ".environment.packages",
    ".environment.checks",
    ".report.check_page",
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
    result = python("-c", code, timeout=300)
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


def test_files_are_looked_for_by_functions_that_answer_in_any_case():
    """`Path.is_file` raises where a folder is closed to the user or a name is too long; `os.path.isfile` says False."""
    asked = re.compile(r"\.(is_file|is_dir|exists|is_symlink)\(\)")
    # `private_folder` wants to hear why
    engine = [path for path in FILES if path.name != "private_folder.py"]
    places = [*engine, *(CHECKOUT / "algorithms").rglob("*.py")]
    assert [path.name for path in places if asked.search(path.read_text(encoding="utf-8"))] == []
