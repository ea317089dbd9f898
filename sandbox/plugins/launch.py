"""Starts a plugin by name: `launch.py tls|azure-native [engine address]`. The executables in `bin/` call it.

Every preview waits for these imports, so Pulumi's gRPC stubs are loaded without the rest of the SDK.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
import types
import warnings
from pathlib import Path


def use_stubs_only() -> None:
    """Put empty packages in place of `pulumi`, `pulumi.runtime` and `pulumi.runtime.proto`.

    Their `__init__` modules import the whole SDK, but the gRPC stubs need only each other.
    Only for a process that does nothing but serve a plugin.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the plugin's Python has no package 'pulumi': run `make up` in the project once, which creates .venv")
    folder = Path(found.submodule_search_locations[0])
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        package = types.ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


def main(arguments: list[str]) -> None:
    """Serve the plugin that the first argument names."""
    # The engine shows a plugin's stderr to the user, who can do nothing about a library's warning.
    warnings.simplefilter("ignore")
    gc.set_threshold(100_000, 50, 50)  # a plugin mostly imports, and lives for seconds
    use_stubs_only()
    name, *rest = arguments
    module = importlib.import_module(f"sandbox.plugins.{name.replace('-', '_')}.plugin")
    process = importlib.import_module("sandbox.plugins.process")
    process.serve(module.plugin(rest[0] if rest else None))
    # Exit without waiting for threads: a call that hangs in the network must not keep the plugin running.
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main(sys.argv[1:])
