# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampling design makes of counts: estimates, standard errors, intervals, paired differences."""
