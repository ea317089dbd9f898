"""`python -m hubtrust.cli` is the command `hubtrust`, where its script is not on PATH."""

import sys

from hubtrust.cli.main import main

sys.exit(main())
