# SPDX-License-Identifier: GPL-3.0-or-later
"""Teachers: any network that the engine runs, asked for soft labels in a student's classes."""
