# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that a user gives as reference: vector files and tables of points, and what their columns say."""
