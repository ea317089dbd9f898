"""A stack's settings file, Pulumi.<stack>.yaml: read, and written atomically."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import yaml

from hubtrust.errors import one_line

from .errors import EnvironmentRefusedError

if TYPE_CHECKING:
    from pathlib import Path

STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}")
# What the engine writes beside `config`: how the secrets of this stack are encrypted.
ENCRYPTION = ("encryptionsalt", "encryptedkey", "secretsprovider")


@dataclass(frozen=True)
class StackFile:
    """The settings of one stack."""

    path: Path
    config: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)  # everything but `config`

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.path.name.removeprefix("Pulumi.").removesuffix(".yaml")

    @classmethod
    def of(cls, folder: Path, stack: str) -> Path:
        """The path of a stack's settings file, for the project in ``folder``."""
        return _settings_folder(folder) / f"Pulumi.{stack}.yaml"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one.

        Raises:
            EnvironmentRefusedError: it does not exist, or is not a settings file.
        """
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise EnvironmentRefusedError(f"there is no {path.name} in {path.parent}: name a stack that has settings here") from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise EnvironmentRefusedError(f"{path.name} can't be read: {_line(error)}; correct it first") from None
        found = {} if found is None else found
        if not isinstance(found, dict) or not isinstance(found.get("config") or {}, dict):
            raise EnvironmentRefusedError(f"{path.name} is not a settings file: it needs `config:` with keys and values")
        return cls(path, dict(found.get("config") or {}), {name: value for name, value in found.items() if name != "config"})

    def write(self, heading: str) -> None:
        """Write a new file, then replace the old one with it."""
        body = yaml.safe_dump({"config": self.config}, sort_keys=False, allow_unicode=True, width=10_000)
        draft = self.path.with_suffix(".yaml.new")
        draft.write_text(f"# {heading}\n{body}", encoding="utf-8")
        os.replace(draft, self.path)  # noqa: PTH105 - Path.replace reads like a change of text


def others(folder: Path, but: str) -> list[StackFile]:
    """The settings of every environment that has a file here, except ``but``."""
    found = [path for path in sorted(_settings_folder(folder).glob("Pulumi.*.yaml")) if path != StackFile.of(folder, but)]
    return [StackFile.read(path) for path in found]


def _settings_folder(folder: Path) -> Path:
    """`stackConfigDir` of Pulumi.yaml, otherwise the project's own folder."""
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    return folder / str(project.get("stackConfigDir") or "")


def has_secret(value: Any) -> bool:
    """Whether a value, or a part of it, is encrypted."""
    if isinstance(value, dict):
        return "secure" in value or any(map(has_secret, value.values()))
    return isinstance(value, list) and any(map(has_secret, value))


def _line(error: Exception) -> str:
    return one_line(error)
