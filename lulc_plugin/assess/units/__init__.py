# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a reference (points, polygons, pixels) with the labels they have on the map."""
