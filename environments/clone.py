"""Creating an environment: everything is checked before anything is written, and a failure leaves no files behind."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import yaml
from pydantic import SecretStr
from pydantic.alias_generators import to_camel

import settings

from . import derivation, sharing
from .derivation import GIVEN, KEPT, LEFT_OUT, LEFT_OUT_KEYS, Change
from .errors import EnvironmentRefusedError
from .policy_file import PolicyFile
from .sharing import DeployedStack
from .stack_file import ENCRYPTION, STACK_NAME, StackFile, has_secret, others

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from .engine import Engine

_SECRET_KEYS = [to_camel(name) for name, field in settings.Settings.model_fields.items() if field.annotation is SecretStr]


@dataclass(frozen=True)
class Plan:
    """An environment to create: its settings, the source of each, and the policy settings to write."""

    settings: StackFile
    is_new: bool  # the settings file does not exist yet
    changes: list[Change]
    policies: PolicyFile | None
    secrets_provider: str | None


def plan(folder: Path, engine: Engine, source: str, target: str, *, given: Sequence[str] = (), secrets_provider: str | None = None) -> Plan:
    """What creating ``target`` from ``source`` does; nothing is written.

    Args:
        folder: the project's folder, with Pulumi.yaml.
        engine: lists the stacks and their resources.
        source: the deployed stack to copy from.
        target: the stack to create.
        given: settings of the new stack, each `key=value`; they override what is copied or derived.
        secrets_provider: of the new stack, as `pulumi stack init` takes it; None is the passphrase.

    Raises:
        EnvironmentRefusedError: an invalid name, ``source`` is not deployed, ``target`` exists, shared resources, or wrong settings.
    """
    project = _project(folder)
    _require_names(source, target)
    old = StackFile.read(StackFile.of(folder, source))
    stacks = engine.stacks()
    if source not in stacks:
        raise EnvironmentRefusedError(
            f"there is no stack '{source}' in this backend: deploy it first (`{engine.name} up --stack {source}`)"
        )
    if target in stacks:
        raise EnvironmentRefusedError(f"the stack '{target}' exists already: use another name, or remove that stack yourself")
    deployed = DeployedStack.read(engine.resources(source))
    if not deployed.is_up:
        raise EnvironmentRefusedError(
            f"the stack '{source}' is not deployed, because it trusts no CA: run `{engine.name} up --stack {source}` first"
        )
    path = StackFile.of(folder, target)
    changes = _existing_settings(old, StackFile.read(path), given) if path.exists() else _new_settings(old, project, source, target, given)
    config = {change.key: change.after for change in changes if change.after is not None}
    wrong = list(
        sharing.shared(config, project=project, folder=folder, environments=others(folder, target), source=source, deployed=deployed)
    )
    wrong += _shared_encryption(old, secrets_provider)
    if wrong:
        raise EnvironmentRefusedError(*wrong)
    policies = PolicyFile.of(folder, source=source, target=target)
    with _configured(config, project):
        stack = _read_settings(project, folder)
        wrong = list(policies.fit(stack, chosen=lambda key: f"{project}:{key}" in config)) if policies else []
    if wrong:
        raise EnvironmentRefusedError(*wrong)
    if policies:
        policies.forbid(source, deployed.recorded.setting, target=target)
    return Plan(StackFile(path, config), not path.exists(), changes, policies, secrets_provider)


def create(planned: Plan, engine: Engine, source: str) -> None:
    """Write the settings, and create the stack.

    Raises:
        EnvironmentRefusedError: the engine can't create the stack; all files are restored then.
    """
    path = planned.settings.path
    before = None if planned.is_new else path.read_bytes()
    if planned.is_new:
        planned.settings.write(f"Created from {source}: settings are copied and names derived, but no secret, key, CA or generation.")
    try:
        engine.create_stack(planned.settings.stack, planned.secrets_provider)
    except EnvironmentRefusedError:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(before)
        raise
    if planned.policies:
        planned.policies.write()


def _project(folder: Path) -> str:
    try:
        return str(yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))["name"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        raise EnvironmentRefusedError(f"there is no Pulumi.yaml with a name in {folder}: run this in the project's folder") from None


def _require_names(source: str, target: str) -> None:
    for what, name in (("FROM", source), ("TO", target)):
        if not STACK_NAME.fullmatch(name):
            raise EnvironmentRefusedError(f"{what} is '{name}', which is not a stack name: use at most 31 letters, digits, - and _")
    if source == target:
        raise EnvironmentRefusedError(f"FROM and TO are both '{source}': use two different names")


def _new_settings(old: StackFile, project: str, source: str, target: str, given: Sequence[str]) -> list[Change]:
    """Every setting of a new file: those derived from the old one, then those given."""
    defaults = {name: settings.Settings.model_fields[name].default for name in ("name",)}
    defaults["caName"] = settings.Settings.model_fields["ca_name"].default
    changes = derivation.derived(old.config, project=project, source=source, target=target)
    changes += derivation.names_left_unset(old.config, project, target, defaults)
    changes += [Change(name, LEFT_OUT, "…", None, "every stack encrypts its own secrets") for name in ENCRYPTION if name in old.rest]
    changes += [Change("environment", LEFT_OUT, "…", None, "it may contain secrets")] if "environment" in old.rest else []
    whole = {change.key: change for change in changes}
    for text in given:
        key, value = _given(text, project)
        before = whole.pop(key).before if key in whole else None
        whole[key] = Change(key, GIVEN, before, value)
    return list(whole.values())


def _existing_settings(old: StackFile, new: StackFile, given: Sequence[str]) -> list[Change]:
    """An existing settings file is kept as it is; its differences from the old one are shown."""
    if given:
        raise EnvironmentRefusedError(f"{new.path.name} exists already and is kept: change the setting in that file, without --set")
    if used := [name for name in ("encryptionsalt", "encryptedkey") if name in new.rest]:
        fact = f"{new.path.name} has {used[0]}, so its stack was created before, perhaps in another backend"
        raise EnvironmentRefusedError(f"{fact}: log in to that backend, or remove {used[0]} and all secrets from the file")
    keys = [*new.config, *(key for key in old.config if key not in new.config)]
    return [Change(key, KEPT, old.config.get(key), new.config.get(key)) for key in keys]


def _given(text: str, project: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    package, _, key = name.rpartition(":")
    if not equals or not key:
        raise EnvironmentRefusedError(f"'{text}' is not a setting: use key=value")
    if (package or project) == project and key in _SECRET_KEYS:
        raise EnvironmentRefusedError(
            f"{key} is secret and would be in a file in plain text: create the stack, then run `config set --secret {key}`"
        )
    try:
        return f"{package or project}:{key}", yaml.safe_load(value)
    except yaml.YAMLError:
        return f"{package or project}:{key}", value


def _shared_encryption(old: StackFile, secrets_provider: str | None) -> Iterator[str]:
    """A key in a vault that encrypts the secrets of both environments would be shared."""
    theirs = old.rest.get("secretsprovider")
    if theirs and theirs != "passphrase" and secrets_provider is None:
        yield f"the secrets of '{old.stack}' are encrypted by {theirs}: give the new stack a key of its own (--secrets-provider …)"
    elif theirs and theirs == secrets_provider:
        yield f"the secrets of '{old.stack}' are encrypted by the same key, {theirs}: give the new stack a key of its own"


@contextlib.contextmanager
def _configured(config: Mapping[str, Any], project: str) -> Iterator[None]:
    """What is not secret of the settings is the configuration that `settings` reads."""
    texts = {}
    for key, value in config.items():
        if key.startswith(f"{project}:") and not has_secret(value):
            texts[key] = value if isinstance(value, str) else json.dumps(value)
    pulumi.runtime.set_all_config(texts)
    try:
        yield
    finally:
        pulumi.runtime.set_all_config({})


def _read_settings(project: str, folder: Path) -> settings.Settings:
    """The settings as the program reads them.

    Raises:
        EnvironmentRefusedError: the program would refuse them; a line each, found before the stack is created.
    """
    try:
        found = settings.load(None, pulumi.Config(project))  # its files may be on another machine
    except settings.SettingsError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        remedy = " (give it with --set)"
        raise EnvironmentRefusedError(*(f"{line}{remedy if any(key in line for key in LEFT_OUT_KEYS) else ''}" for line in lines)) from None
    with contextlib.suppress(settings.SettingsError):  # those that are here are read; the program reports what is wrong with them
        found = settings.load(folder, pulumi.Config(project))
    return found
