# SPDX-License-Identifier: GPL-3.0-or-later
"""Results → files that people read. It exports `accuracy`, `card` and `check_page`; none imports another."""
