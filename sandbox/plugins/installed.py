"""The stand-ins as plugins that are installed in Pulumi's home.

An engine that starts a provider looks on PATH too. `pulumi package add` and `pulumi install` do not: they fetch each plugin that a program
or plugin needs, unless this version of it is installed.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

_BIN = Path(__file__).with_name("bin")
_PACKAGES = {"azure-native": "pulumi-azure-native", "tls": "pulumi-tls"}


def install_stand_ins(home: Path) -> None:
    """Install them in `home` (`PULUMI_HOME`), each as the version of its Python package; what is installed there already stays."""
    for name, package in _PACKAGES.items():
        folder = home / "plugins" / f"resource-{name}-v{importlib.metadata.version(package)}"
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        (folder / f"pulumi-resource-{name}").symlink_to(_BIN / f"pulumi-resource-{name}")
