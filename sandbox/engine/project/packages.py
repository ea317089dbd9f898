"""The section `packages:` of Pulumi.yaml: which packages a project has from a folder, as `pulumi package add <folder>` writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LOCAL = ("./", "..", "/")  # as Pulumi tells a path from a name (IsLocalPluginPath in sdk/go/common/resource/plugin/host.go)


def local_packages(packages: Mapping[str, Any], root: Path) -> dict[str, Path]:
    """The folder or file of each package that has one. Others have a name or an address, from which this engine downloads nothing.

    Args:
        packages: the section: of each package its source, or an object with the field `source`.
        root: the folder of Pulumi.yaml, from which paths count.
    """
    sources = {str(name): spec.get("source") if isinstance(spec, dict) else spec for name, spec in packages.items()}
    return {name: (root / source).resolve() for name, source in sources.items() if isinstance(source, str) and source.startswith(_LOCAL)}
