# SPDX-License-Identifier: GPL-3.0-or-later
"""Results → files that people read. It exports `accuracy`, `card`, `check_page` and `csv_lines`."""
