# SPDX-License-Identifier: GPL-3.0-or-later
"""Teachers and their soft labels: a network that was made elsewhere, or with more bands, teaches a student."""
