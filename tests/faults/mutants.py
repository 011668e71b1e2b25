# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the engine's own code in small ways, one at a time, and looks whether the tests of that module notice.

    python tests/faults/mutants.py MODULE [--seconds S] [--sample N --seed K] [--containing TEXT] [--list]

MODULE is one of `ROOMS`. Each mutant is one changed operator, comparison, constant, condition or function; the module
is changed in a forked process, the files on disk stay as they are, and only the tests that run the changed line are
run. Printed are the mutants that no test noticed (`survived`, or `unused` where none runs the line); those in
`equivalent_mutants.json` are known to make no difference that counts, with the reason, and are left out. The last line
is a JSON object. Linux only (fork).
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import json
import os
import random
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import hypothesis
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.json")
#: module → the tests that have to notice its mutants, the quickest first
ROOMS: dict[str, tuple[str, ...]] = {
    "raster.window_grid": ("raster/test_window_grid.py", "classify/test_blend.py"),
    "classify.windows": ("classify/test_tiling.py", "classify/test_extent.py", "classify/test_smoothed_blocks.py"),
    "classify.blend": ("classify/test_blend.py", "raster/test_window_grid.py"),
    "raster.statistics": ("raster/test_statistics.py", "classify/test_preflight.py"),
    "assess.confusion_matrix": ("assess/test_confusion_matrix.py", "assess/test_accuracy_examples.py"),
    **{
        f"assess.estimators.{name}": (
            "assess/test_accuracy_examples.py",
            "assess/test_pairing.py" if name == "pairing" else "assess/test_estimation.py",
            *(("assess/test_conservative.py",) if name in ("intervals", "figures", "variance") else ()),
        )
        for name in ("sample_units", "variance", "figures", "kappa", "intervals", "estimation", "pairing")
    },
}
#: a mutant that runs longer than this, and than five times the usual, loops for ever: noticed
_LONGEST = 20.0
_ADDRESSES = 12 << 30
_FUNCTIONS = {
    "min": "max", "max": "min", "ceil": "floor", "floor": "ceil", "any": "all", "all": "any", "minimum": "maximum",
    "maximum": "minimum", "sin": "cos", "rows": "cols", "isnan": "isfinite",
}  # fmt: skip
#: texts, and what is said of errors, are other tests' business
_LEFT_ALONE = (ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom)
_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitOr,),
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip


class Mutant:
    """One change: where it is, in words, and the tree with it."""

    def __init__(self, key: str, lines: range, tree: ast.Module, is_loaded: bool) -> None:
        self.key, self.lines, self.tree, self.is_loaded = key, set(lines), tree, is_loaded

    @property
    def line(self) -> int:
        """Where the changed statement begins."""
        return min(self.lines)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """What may become of a node: (field, new value); the field "" stands for the node itself."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for other in _OPERATORS.get(type(node.op), ()):
            yield "op", other()
    elif isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            for other in _OPERATORS.get(type(op), ()):
                yield "ops", [*node.ops[:i], other(), *node.ops[i + 1 :]]
    elif isinstance(node, ast.BoolOp):
        yield "op", ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield "", node.operand
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield "ifs", node.ifs[1:]
    elif isinstance(node, ast.Constant):
        yield from _other_constants(node.value)
    elif isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _FUNCTIONS:
            func = copy.deepcopy(node.func)
            if isinstance(func, ast.Name):
                func.id = _FUNCTIONS[name]
            else:
                func.attr = _FUNCTIONS[name]  # type: ignore[attr-defined]
            yield "func", func


def _other_constants(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool):
        yield "value", not value
    elif isinstance(value, int):
        yield "value", value + 1
        if value > 1:
            yield "value", value - 1
    elif isinstance(value, float):
        yield "value", value * 1.5 if value else 1.0
    elif value is None:
        return


def mutants(source: str) -> list[Mutant]:
    """All mutants of a module; texts, annotations and what is raised stay as they are."""
    tree = ast.parse(source)
    found: list[Mutant] = []
    times: dict[str, int] = {}
    for where, parent, node in _places(tree, ""):
        for field, value in _changes(node):
            before = _words(parent)
            if field:
                keep = getattr(node, field)
                setattr(node, field, value)
                after, whole = _words(parent), copy.deepcopy(tree)
                setattr(node, field, keep)
            else:
                way = _path_of(tree, node)
                whole = copy.deepcopy(tree)
                _replace(whole, way, copy.deepcopy(value))
                after = _words(_at(whole, way, _path_of(parent, node)))
            key = f"{where}: {before} -> {after}"
            times[key] = times.get(key, 0) + 1
            key += f" ({times[key]})" if times[key] > 1 else ""
            loaded = where == "module" or isinstance(parent, ast.arguments)
            found.append(Mutant(key, _lines(parent, node), ast.fix_missing_locations(whole), loaded))
    return found


def _lines(parent: ast.AST, node: ast.AST) -> range:
    """The lines that run when a node does: its own; where it has none, those of what is around it."""
    at: Any = next(it for it in (node, parent, getattr(node, "target", None)) if hasattr(it, "lineno"))
    return range(at.lineno, at.lineno + 1 if hasattr(at, "body") else at.end_lineno + 1)


def _at(tree: Any, way: list[tuple[str, int | None]], inner: list[tuple[str, int | None]]) -> ast.AST:
    """The node of `tree` that is reached by `way` without its last steps, as many as `inner` has."""
    for step, at in way[: len(way) - len(inner)]:
        tree = getattr(tree, step) if at is None else getattr(tree, step)[at]
    return tree  # type: ignore[no-any-return]


def _words(node: ast.AST) -> str:
    """A node in one line, without the body of a statement."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return node.name
    if isinstance(node, ast.For):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
    if isinstance(node, ast.comprehension):
        return f"for {ast.unparse(node.target)} in … if {' if '.join(map(ast.unparse, node.ifs))}"
    if isinstance(node, (ast.If, ast.While)):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    return ast.unparse(node)


def _places(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """Nodes that a mutant may change, with the function they are in and what is around them in a line."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else (value,):
            if not isinstance(child, ast.AST) or isinstance(child, _LEFT_ALONE):
                continue
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                inside = f"{where}.{child.name}" if where else child.name
            else:
                inside = where
                if not (isinstance(child, ast.Constant) and isinstance(child.value, (str, type(None)))):
                    alone = isinstance(
                        node, (ast.Module, ast.FunctionDef, ast.ClassDef, ast.If, ast.For, ast.While, ast.With)
                    )
                    yield inside or "module", (child if alone and isinstance(child, ast.stmt) else node), child
            yield from _places(child, inside)


def _path_of(tree: ast.AST, wanted: ast.AST) -> list[tuple[str, int | None]]:
    for name, value in ast.iter_fields(tree):
        children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if child is wanted:
                return [(name, index)]
            if isinstance(child, ast.AST):
                path = _path_of(child, wanted)
                if path:
                    return [(name, index), *path]
    return []


def _replace(tree: Any, path: list[tuple[str, int | None]], value: ast.AST) -> None:
    *way, (name, index) = path
    for step, at in way:
        tree = getattr(tree, step) if at is None else getattr(tree, step)[at]
    if index is None:
        setattr(tree, name, value)
    else:
        getattr(tree, name)[index] = value


class _Lines:
    """A plugin of pytest: which lines of a file each test runs, and how long it takes."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.lines: dict[str, set[int]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        seen: set[int] = set()

        def trace(frame: Any, event: str, _: Any) -> Any:
            if frame.f_code.co_filename != self._path:
                return None
            seen.add(frame.f_lineno)
            return trace

        begun = time.monotonic()
        threading.settrace(trace)
        sys.settrace(trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
            self.lines[item.nodeid], self.seconds[item.nodeid] = seen, time.monotonic() - begun

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def _pytest(arguments: list[str], *plugins: Any) -> int:
    """Tests in this process, silent, the same numbers each time; any failure will do, not the smallest."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None, phases=phases)
    hypothesis.settings.load_profile("mutants")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    usual = ["-x", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", "--tb=no", f"--rootdir={CHECKOUT}"]
    return int(pytest.main([*arguments, *usual], plugins))


def _in_child(work: Callable[[], Any], limit: float) -> Any:
    """What `work` returns in a forked process; None when it took too long or died."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
            with open(writing, "w", encoding="utf-8") as stream:
                json.dump(work(), stream)
        finally:
            os._exit(0)
    os.close(writing)
    said = b""
    end = time.monotonic() + limit
    while select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(reading, 1 << 20)
        said += part
        if not part:
            break
    os.close(reading)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(said) if said else None


def _usual(path: Path, tests: list[str]) -> tuple[dict[str, list[int]], dict[str, float], list[str]]:
    """Without a mutant: the lines and the seconds of each test, and those that failed."""
    record = _Lines(path)
    _pytest(tests, record)
    return {test: sorted(lines) for test, lines in record.lines.items()}, record.seconds, record.failed


def _transplant(module: Any, tree: ast.Module) -> None:
    """Give the functions and constants of a loaded module what the changed code makes of them."""
    fresh: dict[str, Any] = {
        "__name__": module.__name__,
        "__package__": module.__package__,
        "__file__": module.__file__,
    }
    exec(compile(tree, module.__file__, "exec"), fresh)
    for name, new in fresh.items():
        old = getattr(module, name, None)
        if isinstance(new, type):
            for attribute, value in vars(new).items():
                _replace_code(vars(old).get(attribute), value)
        elif not _replace_code(old, new) and isinstance(new, (int, float, str, tuple, dict, frozenset)):
            setattr(module, name, new)


def _replace_code(old: Any, new: Any) -> bool:
    """Whether both are functions of the module, however wrapped; the old one then has the code of the new one."""
    if isinstance(new, property):
        return _replace_code(old.fget, new.fget)
    if isinstance(new, (staticmethod, classmethod)):
        return _replace_code(old.__func__, new.__func__)
    if hasattr(new, "__wrapped__"):
        return _replace_code(old.__wrapped__, new.__wrapped__)
    if not isinstance(new, FunctionType) or not isinstance(old, FunctionType):
        return False
    if len(old.__code__.co_freevars) == len(new.__code__.co_freevars):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True


def _outcome(module: Any, mutant: Mutant, tests: list[str], limit: float) -> str:
    """`killed`, `endless`, `survived`, or `unused` where no test runs the line."""
    if not tests:
        return "unused"

    def work() -> int:
        try:
            _transplant(module, mutant.tree)
        except Exception:  # the module cannot even be loaded: whoever imports it would notice
            return 1
        return _pytest(tests)

    status = _in_child(work, limit)
    return "endless" if status is None else "survived" if status == 0 else "killed"


def main() -> None:
    """Try mutants of one module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", choices=sorted(ROOMS))
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--sample", type=int, default=0, help="so many, at random; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--containing", default="", help="only those with this text")
    parser.add_argument("--list", action="store_true", help="only print them")
    options = parser.parse_args()
    os.chdir(CHECKOUT)
    sys.path.insert(0, str(CHECKOUT))
    sys.dont_write_bytecode = True
    path = CHECKOUT / "lulc_plugin" / (options.module.replace(".", "/") + ".py")
    known = json.loads(EQUIVALENT.read_text(encoding="utf-8")).get(options.module, {}) if EQUIVALENT.exists() else {}
    every = mutants(path.read_text(encoding="utf-8"))
    chosen = [mutant for mutant in every if mutant.key not in known and options.containing in mutant.key]
    left_out = sum(mutant.key in known for mutant in every)
    if options.sample and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    if options.list:
        print("\n".join(f"{mutant.line}: {mutant.key}" for mutant in chosen))
        return
    # what the tests import anyway, before the forks
    for name in ("lulc_plugin.cli", "lulc_plugin.report.accuracy", "hypothesis.extra.numpy", "onnx", "scipy.stats"):
        importlib.import_module(name)
    module = importlib.import_module(f"lulc_plugin.{options.module}")
    tests = [f"tests/engine/{test}" for test in ROOMS[options.module]]
    lines, seconds, failed = _in_child(lambda: _usual(path, tests), 900.0)
    if failed or not lines:
        sys.exit(f"{failed or 'no'} tests fail without any mutant")
    end = time.monotonic() + options.seconds
    counts = {"killed": 0, "endless": 0, "survived": 0, "unused": 0}
    survivors: list[str] = []
    for mutant in chosen:
        if time.monotonic() > end:
            break
        # defaults and constants of the module ran when it was loaded
        running = [test for test, there in lines.items() if mutant.is_loaded or mutant.lines & set(there)]
        running.sort(key=lambda test: seconds[test])
        limit = _LONGEST + 5 * sum(seconds[test] for test in running)
        outcome = _outcome(module, mutant, running, limit)
        counts[outcome] += 1
        if outcome in ("survived", "unused"):
            survivors.append(mutant.key)
            print(f"{options.module}:{mutant.line}: {outcome}: {mutant.key}", flush=True)
    print(json.dumps({"module": options.module, "equivalent": left_out, **counts, "survivors": survivors}))


if __name__ == "__main__":
    main()
