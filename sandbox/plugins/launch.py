"""Starts a plugin by name: `launch.py tls|azure-native [engine address]`; `bin/` holds what an engine finds on PATH.

Import time is start-up time of every preview, so Pulumi's gRPC stubs are loaded without the SDK around them.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
import warnings
from pathlib import Path


def lighten() -> None:
    """Put bare packages in the place of `pulumi`, `pulumi.runtime` and `pulumi.runtime.proto`.

    Their `__init__` modules import the whole SDK; the stubs below them need only each other.
    For a process that is nothing but a plugin.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the plugin's Python has no package pulumi: run `make up` in the project once, it makes .venv")
    folder = Path(found.submodule_search_locations[0])
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


def main(arguments: list[str]) -> None:
    """Serve the plugin named by the first argument."""
    # The engine shows a plugin's stderr to the user: a library's warning is none of the user's business.
    warnings.simplefilter("ignore")
    lighten()
    name, *rest = arguments
    module = importlib.import_module(f"sandbox.plugins.{name.replace('-', '_')}.plugin")
    process = importlib.import_module("sandbox.plugins.process")
    process.serve(module.plugin(rest[0] if rest else None))
    # Without waiting for threads: a call that hangs in the network must not keep a plugin that is told to go.
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main(sys.argv[1:])
