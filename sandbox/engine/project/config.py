"""A stack's configuration: keys, plain and secret values, and the defaults and checks that Pulumi.yaml declares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.engine.errors import EngineError, UsageError
from sandbox.engine.project.project_file import fits_type
from sandbox.engine.values.property_path import PathError, get_at, parse_property_path, remove_at, set_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.engine.project.project_file import ConfigDeclaration, Project

BLINDED = "[secret]"


class ConfigError(EngineError):
    """The stack's configuration is incomplete or does not match the project's declarations."""


@dataclass(frozen=True)
class Ciphertext:
    """A secret in a settings file: `secure: v1:…`."""

    text: str


@dataclass(frozen=True)
class ConfigValue:
    """One value as a program gets it: text (JSON text for `object`); `secret` if any part of it is a secret."""

    value: str
    secret: bool = False
    object: bool = False


StoredConfig = dict[str, Any]
"""Full key -> stored value: plain YAML values in which every `{"secure": text}` is a Ciphertext."""


def full_key(spelling: str, project: str) -> str:
    """`namespace:name` of a key as a user writes it: without a namespace it is the project's.

    Raises:
        UsageError: the key has too many colons.
    """
    parts = spelling.split(":")
    if len(parts) == 1:
        return f"{project}:{spelling}"
    if len(parts) == 3 and parts[1] == "config":  # noqa: PLR2004 - namespace:config:name, Pulumi's older spelling
        return f"{parts[0]}:{parts[2]}"
    if len(parts) != 2:  # noqa: PLR2004 - namespace:name
        raise UsageError(
            f"invalid configuration key: could not parse {spelling} as a configuration key "
            "(configuration keys should be of the form `<namespace>:<name>`)"
        )
    return spelling


def short_key(key: str, project: str) -> str:
    """A key as the CLI shows it: without the project's own namespace."""
    return key.removeprefix(f"{project}:")


def stored(value: Any) -> Any:
    """A value of the settings file in stored form: `{"secure": text}` becomes a Ciphertext."""
    if isinstance(value, dict):
        if set(value) == {"secure"} and isinstance(value["secure"], str):
            return Ciphertext(value["secure"])
        return {str(key): stored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [stored(item) for item in value]
    return value


def written(value: Any) -> Any:
    """The reverse of `stored`: what goes into the settings file; maps in the order of their keys, as the CLI writes them."""
    if isinstance(value, Ciphertext):
        return {"secure": value.text}
    if isinstance(value, dict):
        return {key: written(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [written(item) for item in value]
    return value


def is_secret(value: Any) -> bool:
    """Whether any part of a stored value is a secret."""
    if isinstance(value, dict):
        return any(is_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(is_secret(item) for item in value)
    return isinstance(value, Ciphertext)


def opened(value: Any, decrypt: Callable[[str], str]) -> Any:
    """A stored value with every secret replaced by what `decrypt` makes of it."""
    if isinstance(value, Ciphertext):
        return decrypt(value.text)
    if isinstance(value, dict):
        return {key: opened(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item, decrypt) for item in value]
    return value


def as_text(plain: Any) -> str:
    """A plain value as programs and users get it: text as it is, everything else as compact JSON with sorted keys."""
    if isinstance(plain, str):
        return plain
    if plain is None:
        return ""
    return json.dumps(plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def config_value(value: Any, decrypt: Callable[[str], str]) -> ConfigValue:
    """A stored value as a program gets it."""
    structured = isinstance(value, dict | list)
    return ConfigValue(as_text(opened(value, decrypt)), secret=is_secret(value), object=structured)


def get_value(config: Mapping[str, Any], key: str, *, path: bool) -> tuple[bool, Any]:
    """(found, stored value) of a key, or of a path that starts with the key's name."""
    if not path:
        return key in config, config.get(key)
    root, rest = _split(key)
    return get_at(config[root], rest) if root in config else (False, None)


def set_value(config: Mapping[str, Any], key: str, value: Any, *, path: bool) -> tuple[str, Any]:
    """(key, stored value) to write in order to set a key or a path.

    Within a path, text that reads as a number or a boolean becomes one, as in the CLI.

    Raises:
        PathError: the path does not match the existing value.
    """
    if not path:
        return key, value
    root, rest = _split(key)
    if not rest:
        return root, value
    held = config.get(root)
    # A plain value at the root is replaced with a map or list, as in the CLI; at a deeper level it is an error.
    held = held if isinstance(held, dict | list) else None
    return root, set_at(held, rest, coerced(value), above=root.partition(":")[2])


def remove_value(config: Mapping[str, Any], key: str, *, path: bool) -> tuple[str, Any, bool]:
    """(key, stored value, gone): the rest of the key's value after a key or path is removed; `gone` if nothing is left.

    Raises:
        PathError: the rest would read as a secret.
    """
    if not path:
        return key, None, True
    root, rest = _split(key)
    if not rest or root not in config:
        return root, None, True
    return root, remove_at(config[root], rest), False


def coerced(value: Any) -> Any:
    """Text that reads as a boolean or as a decimal number without leading zeros becomes one; other text is unchanged."""
    if not isinstance(value, str):
        return value
    if value in ("true", "false"):
        return value == "true"
    digits = value[1:] if value[:1] in ("+", "-") else value
    if not (digits.isascii() and digits.isdecimal()) or (len(value) > 1 and value[0] == "0"):
        return value
    number = int(value)
    return number if -(2**63) <= number < 2**64 else value


def _split(key: str) -> tuple[str, tuple[str | int, ...]]:
    namespace, _, name = key.partition(":")
    first, *rest = parse_property_path(name) or ("",)
    if not isinstance(first, str) or not first:
        raise PathError(f"the first element of a configuration path must be the key's name, found {name!r}")
    return f"{namespace}:{first}", tuple(rest)


def completed(config: StoredConfig, project: Project) -> StoredConfig:
    """The configuration, with the defaults and values of Pulumi.yaml for keys that the stack does not set."""
    whole = dict(config)
    for declared in project.config_decl:
        found, _ = get_value(whole, declared.key, path=True)
        value = declared.value if declared.value is not None else declared.default
        if not found and value is not None:
            root, new = set_value(whole, declared.key, _as_declared(value), path=True)
            whole[root] = new
    return whole


def _as_declared(value: Any) -> Any:
    # The CLI takes a plain default as its text and a structured one as JSON.
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def check_config(config: StoredConfig, project: Project, stack: str, decrypt: Callable[[str], str]) -> None:
    """Checks a completed configuration against the project's declarations; the messages are the CLI's.

    Raises:
        ConfigError: a declared key has no value or the wrong type, or is plain text but must be secret.
    """
    missing = [
        declared.spelling
        for declared in project.config_decl
        if declared.key.startswith(f"{project.name}:") and not get_value(config, declared.key, path=True)[0]
    ]
    if missing:
        raise ConfigError(f"Stack '{stack}' is missing configuration {_listed(missing)}; set it with `config set {missing[0]} <value>`")
    for declared in project.config_decl:
        if declared.type_ is not None:
            _check_type(config, declared, stack, decrypt)


def _check_type(config: StoredConfig, declared: ConfigDeclaration, stack: str, decrypt: Callable[[str], str]) -> None:
    _, value = get_value(config, declared.key, path=True)
    named = f"Stack '{stack}' with configuration key '{declared.spelling}'"
    if declared.secret and not is_secret(value):
        raise ConfigError(f"{named} must be encrypted as it's secret; set it again with `config set --secret {declared.spelling} <value>`")
    plain = opened(value, decrypt)
    if not isinstance(plain, dict | list):
        plain = as_text(plain)
    if not fits_type(declared.type_ or "", declared.items, plain):
        raise ConfigError(f"{named} must be of type '{declared.type_name}'")


def _listed(names: list[str]) -> str:
    quoted = [f"'{name}'" for name in sorted(names)]
    if len(quoted) == 1:
        return f"value {quoted[0]}"
    return f"values {', '.join(quoted[:-1])} and {quoted[-1]}"
