# SPDX-License-Identifier: GPL-3.0-or-later
"""Map against reference: matrices and the statistics that follow from them."""
