# SPDX-License-Identifier: GPL-3.0-or-later
"""Land that nobody ever saw: made-up scenes with true labels, to try the whole bench where no data is at hand."""
