# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the process that wrote something still there? Standard library only, for Linux, macOS and Windows."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

#: `started` could not find out.
UNKNOWN = "unknown"
#: `started` found that there is no such process.
GONE = ""
_WINDOWS_QUERY = 0x1000
_WINDOWS_NO_SUCH = 87
_PATIENCE = 5.0  # seconds


def host() -> str:
    """This machine as far as process numbers go: where it was started anew, or in a container, they mean others."""
    parts = [socket.gethostname()]
    if sys.platform == "linux":
        for read in (_boot, _number_space):
            try:
                parts.append(read())
            except OSError:
                parts.append(UNKNOWN)
    return " ".join(parts)


def started(pid: int) -> str:
    """When the process `pid` began, in words that differ for a later process of the same number.

    Returns:
        `GONE` where there is no such process, `UNKNOWN` where it cannot be found out.
    """
    if sys.platform == "linux":
        return _started_linux(pid)
    if sys.platform == "win32":
        return _started_windows(pid)
    return _started_by_ps(pid)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _number_space() -> str:
    return os.readlink("/proc/self/ns/pid")


def _started_linux(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return _really_gone(pid)
    except OSError:
        return UNKNOWN
    # the second field, the program's name in parentheses, may hold anything
    fields = text.rpartition(")")[2].split()
    if len(fields) < 20:
        return UNKNOWN
    # a zombie has ended; only its number is still taken
    return GONE if fields[0] in ("Z", "X") else fields[19]


def _really_gone(pid: int) -> str:
    """`/proc` may hide other people's processes; signal 0 is never delivered, but tells."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return GONE
    except (OSError, OverflowError):
        return UNKNOWN
    return UNKNOWN


def _started_by_ps(pid: int) -> str:
    reading, writing = os.pipe()
    try:
        # a fixed program with a number; "LC_ALL": the date must not follow the user's language
        words = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
        streams = [(os.POSIX_SPAWN_DUP2, writing, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
        child = os.posix_spawn(words[0], words, {"LC_ALL": "C"}, file_actions=streams)
    except OSError:
        os.close(reading)
        return UNKNOWN
    finally:
        os.close(writing)
    with open(reading, encoding="ascii", errors="replace") as stream:
        code = _ended_with(child)
        # one line of 24 letters: a pipe holds it until it is read
        said = "" if code is None else stream.read()
    if code is None:
        return UNKNOWN
    return " ".join(said.split()) if code == 0 else GONE


def _ended_with(child: int) -> int | None:
    """The exit status of a child, None where it had to be stopped or somebody else took it."""
    until = time.monotonic() + _PATIENCE
    try:
        while time.monotonic() < until:
            done, status = os.waitpid(child, os.WNOHANG)
            if done == child:
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except ChildProcessError:
        return None
    return None


def _started_windows(pid: int) -> str:
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined, unused-ignore]
    kernel.OpenProcess.restype = wintypes.HANDLE
    handle = kernel.OpenProcess(_WINDOWS_QUERY, False, pid)
    if not handle:
        return GONE if ctypes.get_last_error() == _WINDOWS_NO_SUCH else UNKNOWN  # type: ignore[attr-defined, unused-ignore]
    try:
        begin, end, kernel_time, user_time = (wintypes.FILETIME() for _ in range(4))
        times = [ctypes.byref(t) for t in (begin, end, kernel_time, user_time)]
        if not kernel.GetProcessTimes(wintypes.HANDLE(handle), *times):
            return UNKNOWN
        # a process that has ended keeps its number while somebody holds a handle
        ended = end.dwHighDateTime or end.dwLowDateTime
        return GONE if ended else f"{begin.dwHighDateTime}-{begin.dwLowDateTime}"
    finally:
        kernel.CloseHandle(wintypes.HANDLE(handle))
