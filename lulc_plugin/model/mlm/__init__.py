# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptions of networks as STAC Items with the Machine Learning Model extension, read and written."""
