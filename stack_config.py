"""A stack's configuration, read key by key into a model: what is wrong is told all at once, a line a key, each with what to write."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from pathlib import Path

_M = TypeVar("_M", bound=BaseModel)


class SettingsError(pulumi.RunError):
    """Keys of the configuration are wrong; one line for each."""


def read(model: type[_M], config: pulumi.Config) -> _M:
    """The configuration as a ``model``, whose fields are its keys.

    Raises:
        SettingsError: keys are wrong or unknown; every one of them is told.
    """
    values: dict[str, Any] = {}
    wrong = _unknown(model, config.name)
    for attribute, field in model.model_fields.items():
        name = to_camel(attribute)
        text = config.get(name)
        if text is None:
            continue
        if field.annotation is SecretStr and text and not is_config_secret(f"{config.name}:{name}"):
            wrong.append(
                f"{config.name}:{name}: it stands there in clear text, and would in the state; take it out and set it with --secret"
            )
        try:
            values[name] = _value(config, name, field.annotation, text)
        except (pulumi.ConfigTypeError, ValueError):
            wrong.append(f"{config.name}:{name} is '{text}'; write {_wanted(field.annotation)}")
    try:
        return _settled(model, values, wrong)
    except ValidationError as error:
        wrong += [line for each in error.errors() for line in _lines(config.name, each)]
    raise SettingsError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))


def file_text(folder: Path, name: str, key: str) -> str:
    """The text of the file that ``key`` names, from ``folder``; empty where it names none.

    Raises:
        SettingsError: it can't be read.
    """
    if not name:
        return ""
    try:
        return (folder / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{key}: the file '{name}' can't be read: {reason}; give a path from the program's folder") from None


def plain(value: Any) -> Any:
    """What a secret holds, and any other value as it is."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _unknown(model: type[BaseModel], project: str) -> list[str]:
    """Keys that nothing reads: a misspelt one would be passed over in silence."""
    known = [to_camel(attribute) for attribute in model.model_fields]
    given = {key.partition(":")[2] for key in (*get_config_env(), *CONFIG.get()) if key.startswith(f"{project}:")}
    lines = []
    for key in sorted(given - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        remedy = f"write {near[0]}, or take it out" if near else f"take it out; there are {', '.join(known)}"
        lines.append(f"{project}:{key}: there is no such key; {remedy}")
    return lines


def _settled(model: type[_M], values: dict[str, Any], wrong: list[str]) -> _M:
    settings = model(**values)
    if wrong:
        raise SettingsError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    return settings


def _value(config: pulumi.Config, name: str, kind: Any, text: str) -> Any:
    if kind is bool:
        return config.get_bool(name)
    if kind is int:
        return config.get_int(name)
    return config.get_object(name) if str(kind).startswith("tuple") else text


def _wanted(kind: Any) -> str:
    return {bool: "true or false", int: "a whole number"}.get(kind, "a list of texts")


def _lines(project: str, error: Any) -> list[str]:
    """One wrong key in the form: the key, the fact, the remedy. A secret's value is never repeated."""
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return [f"{project}: {line}" for line in message.split("\n")]
    key = str(error["loc"][0])
    if error["type"] == "value_error":
        return [f"{project}:{key}: {message}"]
    shown = "" if ("key" in key.lower() or "pin" in key.lower()) and error["type"] != "enum" else f" is '{error['input']}';"
    return [f"{project}:{key}{shown} {_remedy(message)}"]


def _remedy(message: str) -> str:
    return message[0].lower() + message[1:].replace("Input should", "it should")
