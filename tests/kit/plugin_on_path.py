"""The plugin as a command on PATH, where engines look for it, of any version."""

import os
import sys
from pathlib import Path


def plugin_on_path(folder: Path, version: str = "") -> str:
    """A PATH with `pulumi-resource-hubtrust` in ``folder`` first. ``version`` (PEP 440) is what it says it is, in place of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "pulumi-resource-hubtrust"
    says = f"from hubtrust import version\n\nversion.package_version = lambda: {version!r}\n" if version else ""
    plugin.write_text(f"#!{sys.executable}\n{says}from hubtrust.plugin.server import main\n\nmain()\n")
    plugin.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
