# SPDX-License-Identifier: GPL-3.0-or-later
"""How the reference was sampled: design, strata and their sizes, weights."""
