# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands of the bench say instead of a traceback where a person can mend what is wrong."""

from __future__ import annotations

import errno
import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any

from lulc_plugin.errors import LulcError

Main = Callable[..., int]
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)


def refusing(prefix: str = "", stopped: str = "stopped") -> Callable[[Main], Main]:
    """For the main function of a command: errors that a person can mend end it with a sentence and status 2.

    Args:
        prefix: before each sentence.
        stopped: what is said after Ctrl-C, with status 130.
    """

    def decorate(main: Main) -> Main:
        @functools.wraps(main)
        def run(*arguments: Any) -> int:
            try:
                with warnings.catch_warnings():
                    warnings.showwarning = _show_warning
                    return main(*arguments)
            except KeyboardInterrupt:
                print(f"{prefix}{stopped}", file=sys.stderr)
                return 130
            except (LulcError, OSError, MemoryError, RuntimeError) as error:
                said = error if isinstance(error, LulcError) else mendable(error)
                if said is None:
                    raise
                print(f"{prefix}{said}", file=sys.stderr)
                return 2

        return run

    return decorate


def mendable(error: Exception) -> LulcError | None:
    """What a person can do about an error of the system; None where it is a fault of the program."""
    if isinstance(error, OSError) and error.errno is not None:
        where = str(error.filename) if error.filename is not None else "a file"
        if error.errno in _FULL:
            return LulcError(f"The disk is full ({where}).", "Make room, or write to another disk; --resume goes on.")
        if error.errno in _DENIED:
            return LulcError(f"There is no permission to write {where}.", "Name another folder, or change its rights.")
        if error.errno in _NO_FOLDER:
            return LulcError(f"{where} is a file, where a folder is meant.", "Name another folder.")
        if error.errno == errno.EISDIR:
            return LulcError(f"{where} is a folder, where a file is meant.", "Name a file.")
        if error.errno == errno.ENOENT:
            return LulcError(f"There is no {where}.", "Look at the path.")
    if _is_out_of_memory(error):
        return LulcError(
            f"There is not enough memory: {str(error).splitlines()[0] if str(error) else 'none is left'}.",
            "Lower samples in [[data]] or size in [run], or close other programs.",
        )
    return None


def _is_out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    # PyTorch has no class of its own for the memory of the processor
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def _show_warning(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
    """A line for a person; where the program stands is of no use to one."""
    # those of the libraries are classes of their own
    if category is UserWarning:
        print(f"Warning: {message}", file=sys.stderr)
