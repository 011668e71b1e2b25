# SPDX-License-Identifier: GPL-3.0-or-later
"""From chips to what another sensor, another day and another scale would have made of them."""
