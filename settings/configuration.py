"""A stack's configuration, read key by key into a pydantic model; all errors are reported together, a line for each.

A model has its keys as fields, and tells by ``problems`` which of them contradict each other.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret
from pydantic import AfterValidator, BaseModel, BeforeValidator, PrivateAttr, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

from hubtrust import HubtrustError
from hubtrust.errors import shown
from hubtrust.file_content import file_content
from hubtrust.pki.encodings import MOST_OCTETS

from .values import quoted, read_value, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

_MOST_LINES = 20  # for one key, and of unknown keys
_LONGEST_LINE = 2000  # characters
_NEAR = 0.8  # how similar a misspelt name of the project is to it
_SECRET = "(a secret)"  # noqa: S105 - what is shown in place of one


class SettingsError(pulumi.RunError):
    """The configuration has errors; one line for each."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with some keys together. It is told only if each of these ``keys`` has a valid value: wrong ones are told already."""

    line: str
    keys: frozenset[str]  # as they are written in the settings

    @classmethod
    def of(cls, line: str, *attributes: str) -> Problem:
        """A problem that depends on these fields."""
        return cls(line, frozenset(map(to_camel, attributes)))


class Configured(BaseModel):
    """A part of the settings. Files that keys name are relative to the program's folder; without one, none is read."""

    _folder: Path | None = PrivateAttr(default=None)

    def use_folder(self, folder: Path | None) -> None:
        """Set the program's folder, which no key sets."""
        self._folder = folder

    def problems(self) -> Iterator[Problem]:
        """Keys that contradict each other, and files that can't be used."""
        yield from ()

    def content_of(self, key: str) -> tuple[str | bytes, str]:
        """The text of ``key``, or the content of the file that `<key>File` names, and what it is called in messages.

        Both are empty if neither is set, or no file is looked at.

        Raises:
            SettingsError: the file can't be read.
        """
        if text := str(plain(getattr(self, key))):
            return text, to_camel(key)
        file, name = to_camel(f"{key}_file"), getattr(self, f"{key}_file")
        return (file_bytes(self._folder, name, file), f"{file} {quoted(name)}") if name and self._folder else ("", "")


_M = TypeVar("_M", bound=Configured)


def read(model: type[_M], config: pulumi.Config, folder: Path | None, replaced: Mapping[str, str]) -> _M:
    """The configuration as a ``model``. ``replaced`` has keys of earlier versions: what to do instead.

    Raises:
        SettingsError: keys are wrong or unknown, contradict each other, or name files that can't be read; the error lists all of them.
    """
    lines = [f"{key}: {reason}" for key, reason in _unknown(model, config.name, replaced)]
    values, wrong = _values(model, config)
    settings = _validated(model, values, wrong, config.name)
    settings.use_folder(folder)
    for attribute in model.model_fields:
        key = to_camel(attribute)
        lines += [f"{config.name}:{key}: {reason}" for reason in _first(wrong.get(key, ()), "in this list")]
    lines += [f"{config.name}: {problem.line}" for problem in settings.problems() if not problem.keys & wrong.keys()]
    if lines:
        raise SettingsError("the configuration is wrong:\n" + "\n".join(f"  {shown(line, _LONGEST_LINE)}" for line in lines))
    return settings


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


def file_bytes(folder: Path | None, name: str, key: str) -> bytes:
    """The content of the file that the key ``key`` names, relative to ``folder``; empty if it names none, or there is no folder.

    It is one of certificates or keys, and has at most some megabytes.

    Raises:
        SettingsError: the file can't be read, or is larger.
    """
    if not name or folder is None:
        return b""
    try:
        remedy = "use a path relative to the program's folder"
        return file_content(folder / name, what=f"{key} {quoted(name)}", remedy=remedy, most=MOST_OCTETS)
    except HubtrustError as error:
        raise SettingsError(str(error)) from None


def plain(value: Any) -> Any:
    """The text of a secret; any other value as it is."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _unknown(model: type[BaseModel], project: str, replaced: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Keys that the model does not have, and what to do: a misspelt key would otherwise be ignored silently."""
    known = [to_camel(attribute) for attribute in model.model_fields]
    strays: list[tuple[str, str]] = []
    for whole in sorted({*get_config_env(), *CONFIG.get()}):
        namespace, _, key = whole.partition(":")
        if namespace != project and difflib.SequenceMatcher(None, namespace, project).ratio() >= _NEAR:
            strays.append((whole, f"the project is called {project}; use {project}:{key}, or remove it"))
        elif namespace == project and key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            remedy = replaced.get(key) or (f"use {near[0]}, or remove it" if near else f"remove it; the keys are {', '.join(known)}")
            strays.append((whole, f"there is no such key; {remedy}"))
    yield from strays[:_MOST_LINES]
    if len(strays) > _MOST_LINES:
        yield project, f"there are {len(strays) - _MOST_LINES:,} more unknown keys; remove them"


def _values(model: type[BaseModel], config: pulumi.Config) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The values of all keys that are set and of the right type, and what is wrong with the others."""
    values: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for attribute, field in model.model_fields.items():
        key = to_camel(attribute)
        text = config.get(key)
        if text is None:
            continue
        is_secret = is_config_secret(f"{config.name}:{key}")
        if field.annotation is SecretStr and text and not is_secret:
            wrong[key] = ["it is in plain text, and would be in the state too; remove it and set it with --secret"]
        try:
            value = read_value(text, key, field)
        except ValueError as error:
            wrong.setdefault(key, []).append(_without(text, str(error)) if is_secret else str(error))
        else:
            values |= {} if value is None else {key: value}
    return values, wrong


def _validated(model: type[_M], values: dict[str, Any], wrong: dict[str, list[str]], project: str) -> _M:
    """The model of the values that are valid; the reasons of the others are added to ``wrong``."""
    try:
        return model(**values)
    except ValidationError as error:
        for each in error.errors():
            key = str(each["loc"][0])
            field = next(field for attribute, field in model.model_fields.items() if to_camel(attribute) == key)
            own = str(each["msg"]).removeprefix("Value error, ")
            reason = own if each["type"] == "value_error" else f"it is {quoted(each['input'])}; use {wanted(key, field)}"
            wrong.setdefault(key, []).append(_without(str(each["input"]), reason) if is_config_secret(f"{project}:{key}") else reason)
    return model(**{key: value for key, value in values.items() if key not in wrong})


def _without(value: str, reason: str) -> str:
    """A reason that does not repeat a value that was set as a secret."""
    return reason.replace(f"'{shown(value)}'", _SECRET).replace(quoted(value), _SECRET).replace(shown(value), _SECRET)


def _first(reasons: Iterable[str], where: str) -> list[str]:
    """The first of many reasons, and how many more there are."""
    every = list(reasons)
    return every[:_MOST_LINES] + ([f"there are {len(every) - _MOST_LINES:,} more errors {where}"] if len(every) > _MOST_LINES else [])
