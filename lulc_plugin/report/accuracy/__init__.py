# SPDX-License-Identifier: GPL-3.0-or-later
"""The accuracy report: an assessment or a comparison as HTML, CSV and JSON."""
