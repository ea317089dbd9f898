"""A plugin's folder with PulumiPlugin.yaml: how it is started, as Pulumi's language host for Python does. Nothing is installed.

Source: RunPlugin in sdk/python/cmd/pulumi-language-python/main.go of pulumi/pulumi.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import EngineError
from sandbox.engine.project.yaml_text import YamlError, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "PulumiPlugin.yaml"
_ENVIRONMENTS = {"pip": "venv", "uv": ".venv"}  # where a toolchain has the virtual environment unless the file says so


class PluginError(EngineError):
    """A plugin can't be found or does not start."""


def command(package: str, place: Path) -> list[str]:
    """The command that starts the plugin in a folder, or a file that is the plugin.

    Raises:
        PluginError: there is none, it is in another language than Python, or its virtual environment is not made.
    """
    if place.is_file():
        return [str(place)]
    if (program := place / f"pulumi-resource-{package}").is_file():
        return [str(program)]
    what = f"the plugin folder {place} of the package {package!r}"
    runtime = _runtime(place, what)
    name, options = (runtime.get("name"), runtime.get("options") or {}) if isinstance(runtime, dict) else (runtime, {})
    if name != "python":
        raise PluginError(
            f"{what} has the runtime {name!r}, and this engine starts plugins in Python only: run the program with Pulumi's CLI"
        )
    toolchain = options.get("toolchain") or "pip"
    virtualenv = options.get("virtualenv") or _ENVIRONMENTS.get(toolchain)
    if virtualenv is None:
        raise PluginError(
            f"{what} has the toolchain {toolchain!r}, which this engine does not know: name its `virtualenv` in {place / _FILE}"
        )
    python = place / str(virtualenv) / "bin" / "python"
    if not python.exists():
        raise PluginError(
            f"{what} has no virtual environment {python.parent.parent}, and this engine installs nothing: "
            f"run `pulumi package add {place}` in the program's folder, or put pulumi-resource-{package} on PATH"
        )
    if (place / "__main__.py").is_file():
        return [str(python), str(place)]
    return [str(python), "-m", "pulumi.run.plugin", _project(place, what)]


def _runtime(place: Path, what: str) -> Any:
    try:
        content = parse_yaml((place / _FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlError) as error:
        raise PluginError(f"{what} can't be read: {error}: correct the path under `packages` in Pulumi.yaml") from None
    return content.get("runtime") if isinstance(content, dict) else None


def _project(place: Path, what: str) -> str:
    try:
        return str(tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        fact = f"{what} has neither __main__.py nor a pyproject.toml with the project's name"
        raise PluginError(f"{fact}: correct the path under `packages` in Pulumi.yaml") from None
