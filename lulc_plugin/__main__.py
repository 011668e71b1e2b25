# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin COMMAND`."""

import os
import sys
from pathlib import Path

from .cli import main
from .installation.supply import privatefolder

if os.environ.get(privatefolder.VARIABLE):
    privatefolder.attach(privatefolder.folder_in(Path(os.environ[privatefolder.VARIABLE])))
sys.exit(main())
