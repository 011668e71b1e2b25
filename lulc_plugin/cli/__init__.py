# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine at a shell: `python -m lulc_plugin COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..errors import LulcError
from . import assess, check, classify, compare


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 refused, 130 stopped with Ctrl-C."""
    try:
        options = _parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
        return int(options.command(options))
    except LulcError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; no result was written.", file=sys.stderr)
        return 130


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--extent -35,…` as `--extent=-35,…`: argparse takes what begins with a minus sign for an option."""
    out: list[str] = []
    for argument in arguments:
        if out and out[-1] == "--extent" and argument.startswith("-"):
            out[-1] += f"={argument}"
        else:
            out.append(argument)
    return out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lulc_plugin", description="Land cover maps and their accuracy, without QGIS."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (classify, check, assess, compare):
        command.add_to(commands)
    return parser
