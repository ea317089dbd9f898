"""The policies on a state that was exported, without a run: on each resource's inputs, and on all outputs together, as an engine asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.policy import _NotApplicableError  # raised by the SDK's own `not_applicable`, which has no other name

from . import POLICIES
from .resource import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# How a state marks a secret (pulumi/pulumi, sdk/go/common/apitype/core.go).
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, not a secret
_SECRECY: Final = "private-key-secret"  # the policy that looks at the marks
_LEVELS: Final = {each.value: each for each in EnforcementLevel}
_OPTIONS: Final[Mapping[str, Any]] = {
    "ignore_changes": [],
    "delete_before_replace": None,
    "aliases": [],
    "custom_timeouts": PolicyCustomTimeouts(0, 0, 0),
    "additional_secret_outputs": [],
}


class ConfigurationError(Exception):
    """The configuration of the pack names a level or a policy that does not exist; one line."""


def judged(resources: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, Any]:
    """What the policies report of the resources of a state, with this configuration.

    Raises:
        ConfigurationError: the configuration has a level that does not exist, or a policy that does not.
    """
    kept = [each for each in resources if isinstance(each, dict) and not each.get("delete") and "urn" in each]
    if unknown := sorted(config.keys() - {each.name for each in POLICIES} - {"all"}):
        raise ConfigurationError(f"the configuration names '{unknown[0]}', which is no policy of this pack")
    findings: list[dict[str, Any]] = []
    unchecked: list[dict[str, Any]] = []
    for policy in POLICIES:
        level, settings = _configured(policy, config)
        if level is not EnforcementLevel.DISABLED:
            _Judge(policy, level.value, settings, findings, unchecked).judge(kept)
    return {"version": 1, "findings": findings, "unchecked": unchecked}


def _configured(policy: Policy, config: Mapping[str, Any]) -> tuple[EnforcementLevel, dict[str, Any]]:
    given = config.get(policy.name, config.get("all"))
    settings = dict(given) if isinstance(given, dict) else {"enforcementLevel": given}
    level = settings.pop("enforcementLevel", None)
    if level is not None and level not in _LEVELS:
        raise ConfigurationError(f"the level of '{policy.name}' is {json.dumps(level)}: write one of {', '.join(_LEVELS)}")
    return (_LEVELS[level] if level is not None else policy.enforcement_level or EnforcementLevel.ADVISORY), settings


class _Judge:
    """One policy on all resources, as an engine calls it: on each one's inputs, then on all outputs."""

    def __init__(self, policy: Policy, level: str, settings: Mapping[str, Any], findings: list[Any], unchecked: list[Any]) -> None:
        self._policy: Any = policy  # of one kind or the other, or of both
        self._level, self._settings = level, settings
        self._findings, self._unchecked = findings, unchecked

    def judge(self, resources: Sequence[Mapping[str, Any]]) -> None:
        """Add what the policy reports, and what it could not see."""
        if isinstance(self._policy, ResourceValidationPolicy):
            for each in resources:
                self._judge_inputs(each)
        if isinstance(self._policy, StackValidationPolicy):
            args = StackValidationArgs([_at_the_end(each) for each in resources], self._settings)
            self._call(lambda: self._policy.validate(args, self._report), "")

    def _judge_inputs(self, resource: Mapping[str, Any]) -> None:
        inputs = resource.get("inputs") or {}
        marked = self._policy.name == _SECRECY
        urn = str(resource["urn"])
        args = ResourceValidationArgs(
            str(resource.get("type") or ""),
            inputs if marked else _plain(inputs),
            urn,
            urn.rpartition("::")[2],
            _options(resource),
            None,
            self._settings,
        )
        if self._policy.has_remediation():
            self._policy.remediate(args)
        self._call(lambda: self._policy.validate(args, lambda message, at=None: self._report(message, at or urn)), urn)

    def _call(self, validate: Callable[[], Any], urn: str) -> None:
        try:
            validate()
        except _NotApplicableError as error:
            self._unchecked.append({"policy": self._policy.name, "reason": _seen_now(error.message), "resource": urn})

    def _report(self, message: str, urn: str | None = None) -> None:
        self._findings.append({"policy": self._policy.name, "level": self._level, "message": message, "resource": urn or ""})


def _seen_now(reason: str) -> str:
    """A rule says that a property is not known before the update; here it is encrypted, or missing."""
    path, is_unknown, _ = reason.partition(" is not known before the update")
    return f"{path} can't be seen in the export: it is encrypted, or missing" if is_unknown else reason


def _options(resource: Mapping[str, Any]) -> PolicyResourceOptions:
    return PolicyResourceOptions(bool(resource.get("protect")), **_OPTIONS)


def _at_the_end(resource: Mapping[str, Any]) -> PolicyResource:
    urn = str(resource["urn"])
    outputs = _plain(resource.get("outputs") or resource.get("inputs") or {})
    return PolicyResource(str(resource.get("type") or ""), outputs, urn, urn.rpartition("::")[2], _options(resource), None, None, [], {})


def _plain(value: Any) -> Any:
    """Properties as a rule takes them: without the marks of secrets; what is encrypted is unknown."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) != _SECRET:
            return {name: _plain(each) for name, each in value.items()}
        if isinstance(text := value.get("plaintext"), str):
            try:
                return _plain(json.loads(text))
            except (ValueError, RecursionError):
                return UNKNOWN
        return _plain(value["value"]) if "value" in value else UNKNOWN
    return [_plain(each) for each in value] if isinstance(value, list) else value
