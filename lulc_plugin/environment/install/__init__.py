# SPDX-License-Identifier: GPL-3.0-or-later
"""Missing packages into a private folder that is whole or not there: which versions, what is lacking, pip, proof.

Standard library only: it has to run where everything else is missing.
"""
