# SPDX-License-Identifier: GPL-3.0-or-later
"""From scenes with masks, polygons or points to a data set of chips, split by place; no PyTorch here."""
