"""A stack's configuration, read key by key into a pydantic model; all errors are reported together, one line for each key."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import AfterValidator, BaseModel, BeforeValidator, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

from hubtrust import HubtrustError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_M = TypeVar("_M", bound=BaseModel)


class SettingsError(pulumi.RunError):
    """The configuration has errors; one line for each."""


def read(model: type[_M], config: pulumi.Config, replaced: Mapping[str, str]) -> _M:
    """The configuration as a ``model``, whose fields are its keys. ``replaced`` has keys of earlier versions: what to do instead.

    Raises:
        SettingsError: keys are wrong or unknown; the error lists all of them.
    """
    values: dict[str, Any] = {}
    wrong = _unknown(model, config.name, replaced)
    for attribute, field in model.model_fields.items():
        name = to_camel(attribute)
        text = config.get(name)
        if text is None:
            continue
        if field.annotation is SecretStr and text and not is_config_secret(f"{config.name}:{name}"):
            wrong.append(f"{config.name}:{name}: it is in plain text, and would be in the state too; remove it and set it with --secret")
        try:
            values[name] = _value(config, name, field.annotation, text)
        except (pulumi.ConfigTypeError, ValueError):
            wrong.append(f"{config.name}:{name} is '{text}'; use {_wanted(name, field.annotation)}")
    try:
        settings = model(**values)
    except ValidationError as error:
        wrong += [line for each in error.errors() for line in _lines(config.name, each)]
    else:
        if not wrong:
            return settings
    raise SettingsError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))


def checked_by(reader: Callable[[str], object]) -> AfterValidator:
    """A field whose text ``reader`` must be able to read: what checks it is what reads it later. Empty means not set."""

    def check(text: str) -> str:
        if text:
            try:
                reader(text)
            except HubtrustError as error:
                raise ValueError(str(error)) from None
        return text

    return AfterValidator(check)


def names_for(key: str, example: str) -> BeforeValidator:
    """A list that names what a consent is for. Earlier versions took true or false, which held for everything, in every later run too."""

    def check(value: object) -> object:
        if isinstance(value, bool):
            fact = f"it is {str(value).lower()}, but it names what may be taken over"
            raise ValueError(f'{fact}; set {key}: ["{example}"], or remove it')  # noqa: TRY004 - pydantic reports only this one
        return value

    return BeforeValidator(check)


def file_text(folder: Path, name: str, key: str) -> str:
    """The text of the file that the key ``key`` names, relative to ``folder``; empty if it names none.

    Raises:
        SettingsError: the file can't be read.
    """
    if not name:
        return ""
    try:
        return (folder / name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise SettingsError(f"{key}: the file '{name}' can't be read: {reason}; use a path relative to the program's folder") from None


def plain(value: Any) -> Any:
    """The text of a secret; any other value as it is."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _unknown(model: type[BaseModel], project: str, replaced: Mapping[str, str]) -> list[str]:
    """Keys that the model does not have: a misspelt key would otherwise be ignored silently."""
    known = [to_camel(attribute) for attribute in model.model_fields]
    given = {key.partition(":")[2] for key in (*get_config_env(), *CONFIG.get()) if key.startswith(f"{project}:")}
    lines = []
    for key in sorted(given - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        remedy = replaced.get(key) or (f"use {near[0]}, or remove it" if near else f"remove it; the keys are {', '.join(known)}")
        lines.append(f"{project}:{key}: there is no such key; {remedy}")
    return lines


def _value(config: pulumi.Config, name: str, kind: Any, text: str) -> Any:
    if kind is bool:
        return config.get_bool(name)
    if kind is int:
        return config.get_int(name)
    return config.get_object(name) if str(kind).startswith("tuple") else text


def _wanted(name: str, kind: Any) -> str:
    return {bool: "true or false", int: "an integer"}.get(kind, f"a list of strings: config set --path '{name}[0]' VALUE")


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
