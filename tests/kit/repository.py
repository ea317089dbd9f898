"""The repository that the tests run from: its root, the program's files, the embedded engine's command, and the recordings beside it."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What a copy of the program needs, beside the settings files of its stacks.
PROGRAM_FILES = ("Pulumi.yaml", "__main__.py", "settings.py", "stack_config.py")

# Recordings of Azure and of Pulumi's engine. They lie beside the repository and are not part of it; tests that need them skip without them.
SHARED = Path(os.environ.get("HUBTRUST_SHARED") or ROOT.parent / "shared")

# -c instead of -m: with -m the folder that the engine is started in would be searched for its modules first.
EMBEDDED_ENGINE = (
    sys.executable,
    "-c",
    f"import sys; sys.path[0] = {str(ROOT)!r}; from sandbox.engine.cli.main import main; sys.exit(main(sys.argv[1:]))",
)


def stack_file(folder: Path, stack: str) -> Path:
    """The settings file of ``stack`` in a copy of the program, or in the repository itself."""
    return folder / f"Pulumi.{stack}.yaml"
