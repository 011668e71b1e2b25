# SPDX-License-Identifier: GPL-3.0-or-later
"""Results → files that people read. Three doors: `accuracy`, `card` and `check_page`; none imports another."""
