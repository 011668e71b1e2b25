# SPDX-License-Identifier: GPL-3.0-or-later
"""Rasters, polygons and points at the pixels of a map, and the cross table counted over them."""
