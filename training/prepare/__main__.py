# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.prepare COMMAND`: data sets from scenes and their labels."""

from __future__ import annotations

import argparse
import sys

from ..command_line import refusing
from . import chips_command, set_commands


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m training.prepare", description="Data sets for training, from your scenes."
    )
    commands = p.add_subparsers(required=True, metavar="COMMAND")
    chips_command.add_to(commands)
    set_commands.add_to(commands)
    return p


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status: 0 done, 1 the same ground is in two splits, 2 refused."""
    options = parser().parse_args(arguments)
    return int(options.command(options))


if __name__ == "__main__":
    sys.exit(main())
