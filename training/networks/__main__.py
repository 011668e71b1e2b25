# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.networks`: parameters, size, reach and speed of every architecture, as a Markdown table."""

from __future__ import annotations

import argparse
import sys

from ..command_line import refusing
from .network_settings import NetworkSettings
from .registry import architectures


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m training.networks",
        description="Measure the architectures with random weights: parameters, float16 MB, reach (how far away a "
        "change can be felt, theoretical), and speed through onnxruntime on the CPU (float32, windows of 512x512).",
    )
    p.add_argument("architectures", nargs="*", help=f"all by default: {', '.join(architectures())}")
    p.add_argument("--encoder", action="append", default=[], help="measure with this encoder as well; may be repeated")
    p.add_argument("--channels", type=int, default=7, help="input channels (default: 7)")
    p.add_argument("--classes", type=int, default=6, help="classes (default: 6)")
    return p


def wanted(names: list[str], encoders: list[str]) -> list[NetworkSettings]:
    """Settings of every network to be measured: each with its own encoder, then with the named ones where it can.

    Raises:
        LulcError: an unknown architecture.
    """
    known = architectures()
    chosen = names or list(known)
    settings = [NetworkSettings(name) for name in chosen]
    return settings + [NetworkSettings(name, e) for e in encoders for name in chosen if known[name].encoder]


@refusing()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args(arguments)
    from .measurement import measure, table

    rows = []
    for settings in wanted(options.architectures, options.encoder):
        print(f"measuring {settings.architecture} {settings.encoder}", file=sys.stderr)
        rows.append(measure(settings, options.channels, options.classes))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
