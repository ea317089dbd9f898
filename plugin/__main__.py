"""The plugin `pulumi-resource-hubtrust` as Pulumi starts a plugin folder: with the Python of the folder's virtual environment."""

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
# An archive of a release has the package beside this file, the repository in `components/`. Neither is installed: the locks have a hash
# for each file, and pip takes no folder beside hashes.
sys.path.insert(0, str(_HERE if (_HERE / "hubtrust").is_dir() else _HERE.parent / "components"))

from hubtrust.plugin.server import main  # noqa: E402 - the path to the package is set first

main()
