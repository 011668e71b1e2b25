# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network is and wants, where networks are found, and how they run."""
