# SPDX-License-Identifier: GPL-3.0-or-later
"""The telemetry of onnxruntime: it is off by default in this program, whatever its makers and the environment say.

From 1.29 on, the wheels for Linux and macOS store a device id and an event with system, processor and program in the
user's folders as soon as they are loaded, and send both to their makers. Only the environment variable, set before
that, stops it: https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md. The wheels for Windows do not know
the variable; they write to the event tracing of Windows until `disable_telemetry_events` is called.

Standard library only: this is the first thing that the engine imports.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

VARIABLE = "ORT_DISABLE_TELEMETRY"
#: What onnxruntime takes for a yes; anything else leaves its telemetry on (seen with 1.31).
_YES = ("1", "true", "yes", "on")
#: The first release that stores and sends events by itself.
_FIRST_WITH_TELEMETRY = (1, 29)


def switch_off() -> None:
    """Set the variable for this process and its children; a value that is there, even 0, does not count.

    Nothing is set where onnxruntime was loaded already: it would change nothing, and hide that it was too late.
    """
    if "onnxruntime" not in sys.modules:
        os.environ[VARIABLE] = "1"


def began_before() -> bool:
    """Whether onnxruntime was loaded with its telemetry on, by another program in this process."""
    loaded = sys.modules.get("onnxruntime")
    if loaded is None or os.environ.get(VARIABLE, "").lower() in _YES:
        return False
    release = tuple(int(part) for part in re.findall(r"\d+", str(getattr(loaded, "__version__", "")))[:2])
    return release >= _FIRST_WITH_TELEMETRY


def import_onnxruntime() -> Any:
    """The package onnxruntime, which reports nothing from here on. All of the engine imports it here.

    Raises:
        ImportError: it is not installed, or cannot be loaded.
    """
    import onnxruntime

    # in time on Windows, and less than everything where another program has loaded it before
    onnxruntime.disable_telemetry_events()
    return onnxruntime
