# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves the house: the zip for QGIS and the wheel, and what is looked at before.

Standard library only, except for `scanners` (Bandit, detect-secrets) and `wheel` (setuptools): `scripts/package.py` has
to run with any Python.
"""
