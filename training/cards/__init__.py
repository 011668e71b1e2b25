# SPDX-License-Identifier: GPL-3.0-or-later
"""The card of a released network: what an analyst should know before trusting the map."""
