"""``python -m decouple_core``."""

import sys

from decouple_core.cli import main

sys.exit(main())
