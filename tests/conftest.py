# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals of every test run, also of one that a shell started in the background or under nohup."""

import signal


def _nothing(number, frame):
    """What the signal did before: nothing."""


# An ignored signal stays ignored in the commands that tests start, so that none of them would be stopped by it;
# one that is handled is set back to its default there.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, _nothing)
