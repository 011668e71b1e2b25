# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels in, pixels out: layers, bands, scaling, windows and the finished file."""
