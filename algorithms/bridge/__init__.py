# SPDX-License-Identifier: GPL-3.0-or-later
"""What all adapters share: plugin, provider, base class, parameters, feedback, layers."""
