# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a network: sessions, devices, shapes, scores."""
