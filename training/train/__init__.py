# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m training.train CONFIG.toml`: from a recipe to a checkpoint."""
