# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin COMMAND`."""

import os
import sys
from pathlib import Path

from .cli import main
from .errors import LulcError
from .installation.supply import privatefolder

if os.environ.get(privatefolder.VARIABLE):
    try:
        privatefolder.attach(privatefolder.folder_in(Path(os.environ[privatefolder.VARIABLE])))
    except LulcError as error:  # the packages may be elsewhere, too
        sys.stderr.write(f"Warning: {str(error).replace(', and restart QGIS', '')}\n")
sys.exit(main())
