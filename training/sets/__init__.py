# SPDX-License-Identifier: GPL-3.0-or-later
"""What a data set is: its description, its chips, their places and splits."""
