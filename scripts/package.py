# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the zip that QGIS installs: exactly what the plugin needs, checked, and the same bytes each time.

    python scripts/package.py [--root CHECKOUT] [--out FOLDER]

The checks are those of the plugin site (Bandit, detect-secrets, 25 MB), as far as they can be made without installing
anything, and that the Python is not newer than the oldest that QGIS 3.22 brings.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

NAME = "landcover_classifier"
SINGLE_FILES = ("metadata.txt", "__init__.py", "LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "CITATION.cff")
FOLDERS = ("lulc_plugin", "algorithms", "models", "resources", "docs")
# What may lie in those folders; anything else is a mistake until it is added here.
SUFFIXES = frozenset(
    ".css .csv .gpkg .html .j2 .jpg .json .md .model3 .onnx .png .py .qm .qml .svg .tif .ts .txt .typed .xml".split()
)
LARGEST = 25_000_000  # bytes, the limit of plugins.qgis.org
OLDEST_PYTHON = (3, 9)
FORBIDDEN_MODULES = (
    "pickle cPickle dill shelve marshal jsonpickle telnetlib ftplib xmlrpc"
    " random xml.etree xml.sax xml.dom xml.parsers xml.expat lxml"
).split()
FORBIDDEN_CALLS = (
    "eval exec os.system os.popen tempfile.mktemp hashlib.md5 hashlib.sha1 urllib.request.urlopen yaml.load torch.load"
).split()
NEW_NAMES = ("itertools.pairwise", "datetime.UTC", "tomllib", "types.NoneType", "contextlib.chdir", "enum.StrEnum")
NEW_TYPING = "TypeAlias ParamSpec Concatenate TypeGuard Self Never assert_never override Unpack".split()
HEX_STRING = re.compile(r"""["']([0-9a-fA-F]{32,})["']""")


class PackageError(Exception):
    """The tree cannot be packaged; the message lists why."""


def version(root: Path) -> str:
    """The version in metadata.txt."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(root / "metadata.txt", encoding="utf-8")
    try:
        return metadata["general"]["version"]
    except KeyError as error:
        raise PackageError(f"{root / 'metadata.txt'} has no version.") from error


def shipped_files(root: Path) -> list[Path]:
    """Everything that goes into the zip, relative to `root`, sorted.

    Raises:
        PackageError: a needed file is missing, or one lies there that nobody expects.
    """
    wrong = [f"{name} is missing" for name in SINGLE_FILES if not (root / name).is_file()]
    found = [Path(name) for name in SINGLE_FILES]
    for folder in FOLDERS:
        if not (root / folder).is_dir():
            wrong.append(f"{folder}/ is missing")
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root)
            if "__pycache__" in inside.parts or any(part.startswith(".") for part in inside.parts) or path.is_dir():
                continue
            if path.is_symlink():
                wrong.append(f"{inside} is a link")
            elif path.suffix not in SUFFIXES:
                wrong.append(f"{inside} is of an unexpected type")
            found.append(inside)
    if wrong:
        raise PackageError("\n".join(wrong))
    return sorted(found, key=lambda path: path.as_posix())


def _dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Full names that an import statement brings; relative imports bring none that could be forbidden."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        return []
    return [f"{node.module}.{alias.name}" for alias in node.names]


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


def _objections_to_import(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        for module in FORBIDDEN_MODULES:
            if _within(name, module):
                yield f"imports {module}"
        if any(_within(name, new) for new in NEW_NAMES):
            yield f"{name} is newer than Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}"
        if name.startswith("typing.") and name[len("typing.") :] in NEW_TYPING:
            yield f"{name} is newer than Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}"


def _objections_to_call(call: ast.Call, origin: dict[str, str]) -> Iterator[str]:
    name = _dotted(call.func)
    head, dot, rest = name.partition(".")
    name = origin.get(head, head) + dot + rest
    if name in FORBIDDEN_CALLS:
        yield f"calls {name}"
    if name == "jinja2.Environment" and "autoescape" not in [keyword.arg for keyword in call.keywords]:
        yield "jinja2.Environment without autoescape"
    for keyword in call.keywords:
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            yield "runs a shell"
        if name == "zip" and keyword.arg == "strict":
            yield "zip(strict=) needs Python 3.10"
        if name == "dataclass" and keyword.arg in ("slots", "kw_only"):
            yield f"dataclass({keyword.arg}=) needs Python 3.10"


def _swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Whether this is `except:` or `except Exception:` and does nothing; a named error may be passed over."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    everything = any(kind is None or _dotted(kind) in ("Exception", "BaseException") for kind in kinds)
    return everything and all(isinstance(node, (ast.Pass, ast.Continue)) for node in handler.body)


def python_objections(source: str) -> list[str]:
    """What is wrong with a Python file, as `line: text`."""
    try:
        tree = ast.parse(source, feature_version=OLDEST_PYTHON)
    except SyntaxError as error:
        return [f"{error.lineno}: not Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}: {error.msg}"]
    origin: dict[str, str] = {}  # local name → full name
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = _imported(node)
            origin.update({a.asname or a.name: n for a, n in zip(node.names, names)})
            found += [(node.lineno, text) for text in _objections_to_import(names)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append((node.lineno, "assert: raise an error instead"))
        elif isinstance(node, ast.ExceptHandler) and _swallows_everything(node):
            found.append((node.lineno, "except: pass: name the error, or say what happened"))
        elif isinstance(node, ast.Call):
            found += [(node.lineno, text) for text in _objections_to_call(node, origin)]
    return [f"{line}: {text}" for line, text in sorted(found)]


def objections(root: Path, files: Sequence[Path]) -> list[str]:
    """Everything that the plugin site, or an old QGIS, would refuse."""
    found = []
    for path in files:
        if path.suffix == ".py":
            found += [f"{path}:{text}" for text in python_objections((root / path).read_text(encoding="utf-8"))]
        if path.suffix in (".json", ".py", ".model3"):
            for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), start=1):
                if HEX_STRING.search(line):
                    found.append(f'{path}:{number}: a bare hex string counts as a secret; write "sha256:…"')
    return found


def write_zip(root: Path, files: Sequence[Path], target: Path) -> None:
    """The files under one top folder; order, dates and permissions do not depend on the machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{NAME}/{path.as_posix()}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, (root / path).read_bytes(), compresslevel=9)
    part.replace(target)


def build(root: Path, out: Path) -> Path:
    """Check and build `NAME-VERSION.zip` in `out`.

    Raises:
        PackageError: a check failed; no zip is left.
    """
    target = out / f"{NAME}-{version(root)}.zip"
    target.unlink(missing_ok=True)
    files = shipped_files(root)
    wrong = objections(root, files)
    if wrong:
        raise PackageError("\n".join(wrong))
    write_zip(root, files, target)
    size = target.stat().st_size
    if size > LARGEST:
        target.unlink()
        raise PackageError(f"The zip has {size:,} bytes; the plugin site takes {LARGEST:,}.")
    return target


def not_in_git(root: Path, files: Sequence[Path]) -> list[str]:
    """Those of `files` that git does not know; none where there is no git."""
    command = ["git", "-C", str(root), "ls-files", "--others", "--", *SINGLE_FILES, *FOLDERS]
    try:
        others = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return []
    shipped = {path.as_posix() for path in files}
    return [name for name in others if name in shipped]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--out", type=Path, help="default: dist in the checkout")
    options = parser.parse_args(arguments)
    try:
        target = build(options.root, options.out or options.root / "dist")
    except PackageError as error:
        print(f"Not packaged:\n{error}", file=sys.stderr)
        return 1
    with zipfile.ZipFile(target) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: -entry.compress_size)
    for name in not_in_git(options.root, shipped_files(options.root)):
        print(f"Note: {name} is in the zip and not in git.")
    for entry in entries[:8]:
        print(f"{entry.compress_size:>12,}  {entry.filename}")
    print(f"{target.stat().st_size:>12,}  {target}  ({len(entries)} files, at most {LARGEST:,} bytes)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
