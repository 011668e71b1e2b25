# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench: data, training, held-out scores and export of the bundled network. PyTorch lives here only."""
