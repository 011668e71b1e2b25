# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin COMMAND`."""

import sys

from .cli import main

sys.exit(main())
