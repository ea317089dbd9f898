"""The plugin `pulumi-resource-hubtrust` as Pulumi starts a plugin folder: with the Python of the folder's virtual environment."""

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_OLDEST = (3, 11)
# An archive of a release has the package beside this file, the repository in `components/`. Neither is installed: the locks have a hash
# for each file, and pip takes no folder beside hashes.
sys.path.insert(0, str(_HERE if (_HERE / "hubtrust").is_dir() else _HERE.parent / "components"))


def _refuse(fact: str, remedy: str) -> SystemExit:
    """Pulumi shows what a plugin that ends early has printed, so that must be one line that says what to do."""
    return SystemExit(f"hubtrust: {fact}: {remedy}; then run the same command again")


if sys.version_info < _OLDEST:
    wanted, found = (".".join(str(part) for part in each[:2]) for each in (_OLDEST, sys.version_info))
    raise _refuse(
        f"the plugin needs Python {wanted} or later, and {sys.executable} is {found}",
        f"delete {_HERE / '.venv'}, put a newer python3 first on PATH, and run `pulumi package add {_HERE}` in the program's folder",
    )
try:
    from hubtrust.plugin.server import main
except ImportError as error:
    where = f"the plugin's Python {sys.executable}"
    fact = f"{where} has no package {error.name!r}" if isinstance(error, ModuleNotFoundError) else f"{where} can't load a package: {error}"
    raise _refuse(fact, f"run `pulumi package add {_HERE}` in the program's folder, which installs what is missing") from None

main()
