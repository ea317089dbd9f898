"""A stack's settings file, `Pulumi.<stack>.yaml`: its encryption salt and its configuration, edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import EngineError, UsageError
from sandbox.engine.project.config import StoredConfig, full_key, stored, written
from sandbox.engine.project.yaml_text import YamlError, parse_yaml, with_entry, without_entry
from sandbox.engine.values.atomic_file import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_UNSUPPORTED = ("secretsprovider", "encryptedkey", "environment")


class SettingsError(EngineError):
    """The settings file can't be read or written, or needs a feature this engine does not support."""


class StackSettings:
    """The settings of one stack. Changes are kept in memory until `save`; a missing file counts as empty."""

    def __init__(self, path: Path, project: str) -> None:
        """Reads the file at `path`; keys without a namespace belong to `project`.

        Raises:
            SettingsError: the file is not a YAML mapping, or uses a secrets provider or environment this engine does not support.
        """
        self.path = path
        self._project = project
        try:
            self._text = path.read_text(encoding="utf-8") if path.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"could not read the stack's settings {path}: {error}") from None
        self._saved = self._text
        content = self._content()
        for name in _UNSUPPORTED:
            if content.get(name) and not (name == "secretsprovider" and content[name] == "passphrase"):
                raise SettingsError(
                    f"{path} has `{name}`, which this engine does not support: it supports the passphrase secrets provider and plain "
                    "configuration; use the pulumi CLI for this stack"
                )

    def _content(self) -> dict[str, Any]:
        try:
            content = parse_yaml(self._text)
        except YamlError as error:
            raise SettingsError(f"could not read the stack's settings {self.path}: {error}; correct the file") from None
        if content is None:
            return {}
        if not isinstance(content, dict) or not isinstance(content.get("config") or {}, dict):
            raise SettingsError(f"could not read the stack's settings {self.path}: it must be a mapping, and so must its `config`")
        return content

    @property
    def encryption_salt(self) -> str | None:
        """`v1:<salt>:v1:<nonce>:<ciphertext>`, or None while the stack has no secrets manager."""
        return self._content().get("encryptionsalt") or None

    @encryption_salt.setter
    def encryption_salt(self, salt: str) -> None:
        self._text = with_entry(self._text, ("encryptionsalt",), salt)

    @property
    def config(self) -> StoredConfig:
        """All configuration of the file, by full key."""
        return {key: stored(value) for key, (_, value) in self._entries().items()}

    def _entries(self) -> dict[str, tuple[str, Any]]:
        """Full key -> (key as the file spells it, raw value)."""
        entries = self._content().get("config") or {}
        try:
            return {full_key(str(spelling), self._project): (spelling, value) for spelling, value in entries.items()}
        except UsageError as error:
            raise SettingsError(f"{self.path}: {error}") from None

    def set_config(self, key: str, value: Any) -> None:
        """Sets the stored value of a full key."""
        spelling, _ = self._entries().get(key, (key, None))
        self._text = with_entry(self._text, ("config", spelling), written(value))

    def remove_config(self, key: str) -> None:
        """Removes a full key, if it exists."""
        if key in (entries := self._entries()):
            self._text = without_entry(self._text, ("config", entries[key][0]))

    def save(self) -> None:
        """Writes the file if anything changed.

        Raises:
            SettingsError: it can't be written; the old file is unchanged.
        """
        if self._text == self._saved:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, self._text.encode())
        except OSError as error:
            raise SettingsError(f"could not write the stack's settings {self.path}: {error.strerror}; nothing was changed") from None
        self._saved = self._text
