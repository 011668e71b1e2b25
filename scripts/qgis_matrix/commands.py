# SPDX-License-Identifier: GPL-3.0-or-later
"""A program whose output goes into a log file."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TOO_LONG = 124  #: exit status of a command that its limit ended, as `timeout` has it


def logged(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    limit: float = 3600,
) -> int:
    """Run a command and add its output to a file.

    Args:
        command: Program and arguments.
        log: File.
        environment: All of its environment variables; None for ours.
        folder: Where it runs.
        limit: Seconds after which it and what it started are ended.

    Returns:
        Its exit status, or `TOO_LONG`.
    """
    with log.open("ab") as target:
        target.write(f"\n$ {shlex.join(command)}\n".encode())
        target.flush()
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            target.write(f"\nended after {limit:.0f} s\n".encode())
            return TOO_LONG
        finally:
            if process.poll() is None:  # too long, or Ctrl+C
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
