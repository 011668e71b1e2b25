# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of files, and the loop that feeds the mutated ones to what reads them and prints what went wrong.

The scripts `fuzz_….py` have the kinds of files: `python tests/faults/fuzz_….py KIND SEED COUNT SECONDS`. The same seed
makes the same inputs. Only a `LulcError` of usual length is an answer; the last line is a JSON object with `tried`,
`refused`, `faults`, `slowest` (seconds) and `megabytes` (of memory at most). Before each input its number is printed,
so that a crash of the process tells which one it was.
"""

from __future__ import annotations

import copy
import json
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lulc_plugin.errors import LulcError

_ADDRESSES = 14 << 30
_LONGEST_MESSAGE = 4000
_SLOW = 20.0
#: what the readers say where nobody thought of the value: an answer to the user, and a fault here
UNFORESEEN = "and its description cannot be read ("
#: what a value of a file becomes
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3.5, 1e-320, 1e39, 1e308, float("nan"), float("inf"), 1 << 31, 1 << 63, 10**400,
    "", "x", "9" * 5000, "a" * 100_000, "\u202egnp", "\x00\x1b[2J", "\ud800", "none", "../../x", "<script>", "{{7*7}}",
    [], [[]], [None] * 5000, {}, {"op": "scale"}, {"op": "scale", "value": 0}, ["softmax"] * 50, "=1+1", "(red",
    "red/(red-red)", "[" * 50,
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a JSON tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in items for place in ((*path, key), *places(value, (*path, key)))]


def mutated(tree: Any, chance: random.Random) -> Any:
    """`tree` with one to three values replaced, removed, repeated or wrapped."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        known = places(tree)
        if not known:
            break
        *way, last = chance.choice(known)
        node = tree
        for key in way:
            node = node[key]
        kind = chance.random()
        if kind < 0.6:
            node[last] = copy.deepcopy(chance.choice(VALUES))
        elif kind < 0.75:
            del node[last]
        elif kind < 0.85 and isinstance(node[last], list):
            node[last] = node[last] * chance.choice((2, 100))
        elif kind < 0.95 and isinstance(node[last], (int, float)):
            node[last] = node[last] * chance.choice((-1, 1e-9, 1e9, 0.5))
        else:
            node[last] = [node[last]]
    return tree


def torn(data: bytes, chance: random.Random) -> bytes:
    """`data` with a few bytes changed, taken out or put in, most of them far from the weights, or cut off."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        reach = min(len(changed), chance.choice((64, 4096, len(changed))))
        at = chance.randrange(reach) if chance.random() < 0.6 else len(changed) - 1 - chance.randrange(reach)
        kind = chance.random()
        if kind < 0.7:
            changed[at] = chance.choice(
                (0, 1, 127, 128, 255, chance.randrange(256), changed[at] ^ 1 << chance.randrange(8))
            )
        elif kind < 0.8:
            del changed[at : at + chance.choice((1, 8, 1000))]
        elif kind < 0.95:
            changed[at:at] = chance.randbytes(chance.choice((1, 4, 64)))
        else:
            del changed[at:]
        if len(changed) < 2:
            break
    return bytes(changed)


Kinds = Mapping[str, Callable[[random.Random, Path], None]]


def main(kinds: Kinds) -> None:
    """Try COUNT inputs of a kind, or as many as SECONDS allow; the words are those of the command line."""
    kind, seed, count, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    tried = refused = 0
    slowest = 0.0
    faults: list[str] = []
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        for number in range(seed, seed + count):
            if time.monotonic() > end or len(faults) > 20:
                break
            print(number, flush=True)
            begin = time.monotonic()
            try:
                kinds[kind](random.Random(number), Path(place))
            except LulcError as error:
                refused += 1
                if len(error.message) > _LONGEST_MESSAGE or UNFORESEEN in error.problem:
                    faults.append(f"{number}: {len(error.message)} characters: {error.message[:300]}")
            except Exception:  # that is what is searched for
                faults.append(f"{number}: {traceback.format_exc()[-1500:]}")
            took = time.monotonic() - begin
            if took > _SLOW:
                faults.append(f"{number}: {took:.1f} s")
            slowest = max(slowest, took)
            tried += 1
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    result = {"tried": tried, "refused": refused, "faults": faults, "slowest": slowest, "megabytes": megabytes}
    print(json.dumps(result))
