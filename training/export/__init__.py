# SPDX-License-Identifier: GPL-3.0-or-later
"""From a checkpoint to a network that anyone can run: ONNX, its description, and what was measured on it."""
