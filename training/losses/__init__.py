# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of a network: terms that a recipe adds up for each of its data sets."""
