# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench: data, training, held-out scores and export of the bundled network. PyTorch lives here only."""

import os

from lulc_plugin import telemetry

telemetry.switch_off()
# read by the client of the hub that weights may come from, and by its downloader, when they are imported
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
