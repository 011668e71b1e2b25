# SPDX-License-Identifier: GPL-3.0-or-later
"""Shipped Python: what Bandit blocks, and what is newer than Python 3.9, is refused before a zip is made."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from shipping import python


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("assert x", "assert"),
        ("try:\n    f()\nexcept:\n    pass", "except: pass"),
        ("try:\n    f()\nexcept Exception as error:\n    pass", "except: pass"),
        ("for i in a:\n    try:\n        f()\n    except (OSError, Exception):\n        continue", "except: pass"),
        ("import random", "random"),
        ("def f(random):\n    random.uniform(0, 1)", "calls random.uniform"),
        ("import jinja2\njinja2.Environment()", "autoescape"),
        ("from markupsafe import Markup\nMarkup(text)", "constant"),
        ("from markupsafe import Markup as M\nM(f'<b>{text}')", "constant"),
        ("import pickle", "pickle"),
        ("import subprocess", "subprocess"),
        ("from subprocess import run", "subprocess"),
        ("from xml.etree import ElementTree", "xml.etree"),
        ("from xml.sax.saxutils import escape", "xml.sax"),
        ("eval(text)", "eval"),
        ("exec(text)", "exec"),
        ("run(c, shell=True)", "shell"),
        ("import hashlib\nhashlib.md5(b)", "md5"),
        ("from hashlib import sha1 as h\nh(b)", "sha1"),
        ("import hashlib as x\nx.sha1(b)", "sha1"),
        ("import os\nos.system(c)", "os.system"),
        ("match x:\n    case 1:\n        pass", "Python 3.9"),
        ("zip(a, b, strict=True)", "3.10"),
        ("from dataclasses import dataclass\n@dataclass(slots=True)\nclass A:\n    x: int", "3.10"),
        ("from itertools import pairwise", "3.9"),
        ("from typing import Self", "3.9"),
    ],
)
def test_refused(source: str, word: str) -> None:
    found = python.objections(source + "\n")
    assert len(found) == 1 and word in found[0], found
    assert found[0].split(":")[0].isdigit()


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "session.exec(1)",
        "import hashlib\nhashlib.sha256(b)",
        "import contextlib\nwith contextlib.suppress(OSError):\n    f()",
        "run(c, shell=False)",
        "try:\n    f()\nexcept OSError:\n    pass",
        "from jinja2 import Environment\nEnvironment(autoescape=True)",
        "from markupsafe import Markup\nMarkup('<b>%s</b>') % text",
        "import numpy.random",
        "import numpy as np\nnp.random.default_rng(1).uniform(0, 1)",
        "from . import pickle",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    x: int",
        "def f():\n    'assert nothing, pickle nothing'",
    ],
)
def test_accepted(source: str) -> None:
    assert python.objections(source) == []
