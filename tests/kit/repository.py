"""The repository that the tests run from: its root, the recordings beside it, and the command of its embedded engine."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Recordings of Azure and of Pulumi's engine. They are not in the repository; tests that need them are skipped where they are missing.
SHARED = Path(os.environ.get("HUBTRUST_SHARED") or ROOT.parent / "shared")

# -c instead of -m: with -m, the folder that the engine is started in would come first on the import path.
EMBEDDED_ENGINE = (
    sys.executable,
    "-c",
    f"import sys; sys.path[0] = {str(ROOT)!r}; from sandbox.engine.cli.main import main; sys.exit(main(sys.argv[1:]))",
)
