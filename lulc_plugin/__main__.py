# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lulc_plugin COMMAND`."""

import os
import sys
from pathlib import Path

from .cli import main
from .environment import private_folder
from .errors import LulcError
from .options import SHELL

if os.environ.get(private_folder.VARIABLE):
    try:
        private_folder.attach(private_folder.folder_in(Path(os.environ[private_folder.VARIABLE])))
    except LulcError as error:  # the packages may be elsewhere, too
        sys.stderr.write(f"Warning: {error.shown_at(SHELL)}\n")
sys.exit(main())
