# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine at a shell: `python -m lulc_plugin COMMAND`, or `lulc COMMAND` where it is installed."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path

from .. import provenance, unfinished
from ..errors import LulcError
from ..options import SHELL
from ..visible_text import visible_text
from . import adapt, assess, check, classify, compare, repeat, stack, suggest

_INSTALLED = "lulc"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 refused (or `check`, `repeat` failed), 130 stopped (Ctrl-C).

    What the command prints is written when it has ended: a reader that is gone, or a full disk, cannot stop it midway.
    Names in it come from files of strangers: nothing in them moves the cursor or turns a line.
    """
    try:
        options = parser().parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    except LulcError as error:  # the installation is not complete; may be an OSError as well
        _complain(f"Error: {error.shown_at(SHELL)}")
        return 1
    except OSError as error:  # --help and --version print
        return _not_printed(error, 0)
    result = io.StringIO()
    with redirect_stdout(result):
        status = _status(options)
    try:
        print(visible_text(result.getvalue()), end="", flush=True)
    except OSError as error:
        return _not_printed(error, status)
    return status


def _not_printed(error: OSError, status: int) -> int:
    """The exit status where standard output failed; a reader that stops early, as `head`, is not reported."""
    if isinstance(error, BrokenPipeError):
        return status
    _complain(f"Error: The result cannot be printed: {error.strerror or error}.{_what_is_there()}")
    return 1


def _status(options: argparse.Namespace) -> int:
    """Run the command of `options`; what goes wrong is reported on standard error."""
    unfinished.forget_written()
    try:
        return int(options.command(options))
    except LulcError as error:
        _complain(f"Error: {error.shown_at(SHELL)}")
        return 1
    except KeyboardInterrupt:  # where this is called from Python; `__main__` ends the process
        _complain(unfinished.stopped())
        return 130


def _what_is_there() -> str:
    """Which results are in place although the run did not end well; empty without."""
    files = unfinished.written()
    return f" Written before that: {', '.join(map(str, files))}." if files else ""


def _complain(text: str) -> None:
    with suppress(OSError):
        print(visible_text(text), file=sys.stderr, flush=True)


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
    for command in (classify, check, repeat, stack, adapt, suggest, assess, compare):
        command.add_to(commands)
    return whole


def _called() -> str:
    """How this program was started, as a person would do it again."""
    return _INSTALLED if Path(sys.argv[0]).stem.lower() == _INSTALLED else "python -m lulc_plugin"
