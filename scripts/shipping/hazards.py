# SPDX-License-Identifier: GPL-3.0-or-later
"""What Bandit would object to, as far as this project was ever tempted; needs nothing installed.

The plugin site blocks a version for any finding. The last word has Bandit itself (`scanners`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .names import Origins, dotted, full_name, imported, within

FORBIDDEN_MODULES = (
    "pickle cPickle dill shelve marshal jsonpickle telnetlib ftplib xmlrpc subprocess"
    " random xml.etree xml.sax xml.dom xml.parsers xml.expat lxml"
).split()
FORBIDDEN_CALLS = (
    "eval exec os.system os.popen os.startfile tempfile.mktemp hashlib.md5 hashlib.sha1 urllib.request.urlopen"
    " yaml.load torch.load random.random random.uniform random.choice random.randint random.randrange"
).split()
MARKUP = ("markupsafe.Markup", "jinja2.Markup")


def objections(tree: ast.AST, known: Origins) -> Iterator[tuple[int, str]]:
    """(line, what is wrong)."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in imported(node):
                for module in FORBIDDEN_MODULES:
                    if within(name, module):
                        yield node.lineno, f"imports {module}"
        elif isinstance(node, ast.Assert):
            yield node.lineno, "assert: raise an error instead"
        elif isinstance(node, ast.ExceptHandler) and _swallows_everything(node):
            yield node.lineno, "except: pass: name the error, or say what happened"
        elif isinstance(node, ast.Call):
            for text in _objections_to_call(node, known):
                yield node.lineno, text


def _objections_to_call(call: ast.Call, known: Origins) -> Iterator[str]:
    name = full_name(call.func, known)
    if name in FORBIDDEN_CALLS:
        yield f"calls {name}"
    if name == "jinja2.Environment" and "autoescape" not in [keyword.arg for keyword in call.keywords]:
        yield "jinja2.Environment without autoescape"
    if name in MARKUP and not all(isinstance(argument, ast.Constant) for argument in call.args):
        yield "Markup of a text that is not a constant: let the template escape it"
    for keyword in call.keywords:
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            yield "runs a shell"


def _swallows_everything(handler: ast.ExceptHandler) -> bool:
    """Whether this is `except:` or `except Exception:` and does nothing; a named error may be passed over."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    everything = any(kind is None or dotted(kind) in ("Exception", "BaseException") for kind in kinds)
    return everything and all(isinstance(node, (ast.Pass, ast.Continue)) for node in handler.body)
