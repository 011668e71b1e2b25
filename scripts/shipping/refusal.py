# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of this package."""


class PackageError(Exception):
    """Something must not be published; the message says why, one line a reason."""
