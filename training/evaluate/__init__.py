# SPDX-License-Identifier: GPL-3.0-or-later
"""Held-out places: maps, matrices, calibration, baselines, pictures. `release.release_scores` has it all."""
