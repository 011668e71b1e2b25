# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine at a shell: `python -m lulc_plugin COMMAND`, or `lulc COMMAND` where it is installed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .. import atomic_write, provenance
from ..errors import LulcError
from ..options import SHELL
from . import assess, check, classify, compare

_INSTALLED = "lulc"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 refused (or `check` failed), 130 stopped with Ctrl-C."""
    atomic_write.forget_written()
    try:
        options = parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
        status = int(options.command(options))
        sys.stdout.flush()
        return status
    except LulcError as error:
        print(f"Error: {error.shown_at(SHELL)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"Stopped;{_what_is_there() or ' no result was written.'}", file=sys.stderr)
        return 130
    except (
        OSError
    ) as error:  # the engine's own are LulcErrors: this is the terminal, a pipe, or a full disk behind them
        _close_output()
        if not isinstance(error, BrokenPipeError):  # who reads no further needs no word
            print(f"Error: The output cannot be written: {error.strerror or error}.{_what_is_there()}", file=sys.stderr)
        return 1


def _what_is_there() -> str:
    """Which results are in place although the run did not end well; empty without."""
    files = atomic_write.written()
    return f" Written before that: {', '.join(map(str, files))}." if files else ""


def _close_output() -> None:
    """Let Python's end not fail once more at what standard output could not take."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--extent -35,…` as `--extent=-35,…`: argparse takes what begins with a minus sign for an option."""
    out: list[str] = []
    for argument in arguments:
        if out and out[-1] == "--extent" and argument.startswith("-"):
            out[-1] += f"={argument}"
        else:
            out.append(argument)
    return out


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog=_called(), description="Land cover maps and their accuracy, without QGIS.")
    whole.add_argument("--version", action="version", version=provenance.plugin_version())
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in (classify, check, assess, compare):
        command.add_to(commands)
    return whole


def _called() -> str:
    """How this program was started, as a person would do it again."""
    return _INSTALLED if Path(sys.argv[0]).stem.lower() == _INSTALLED else "python -m lulc_plugin"
