# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether this installation can work: every check says what it found, and where it is not well, what to do."""
