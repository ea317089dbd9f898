"""The policies: the name, default enforcement level and configuration schema of each rule."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import serialize_properties

from . import (
    attestation,
    authority,
    custody,
    device,
    enrollment,
    evidence,
    evidence_log,
    hub,
    network,
    opaque,
    profile,
    renewal,
    rotation,
    secrecy,
    sharing,
    trust,
)
from .failures import failure_on, messages_at_the_end, messages_of
from .message import one_line
from .resource import STACK, NotKnownYetError, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_policy import ReportViolation

_TEXTS = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True)
class Rule:
    """One rule: a pure function and its configuration."""

    name: str
    validate: Callable[..., Iterator[Any]]
    advisory: bool = False
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # the JSON schema of each; all have a default
    stack: bool = False  # checks all resources together, with their outputs, at the end of a run
    at_end: Callable[..., Iterator[Any]] | None = None  # what a rule on single resources also checks at the end of a run, as with `stack`

    @property
    def text(self) -> tuple[str, str]:
        """The rule, and its reason and source, from the function's docstring."""
        rule, _, why = str(inspect.getdoc(self.validate.func if isinstance(self.validate, partial) else self.validate)).partition("\n\n")
        return rule, why

    @property
    def defaults(self) -> dict[str, Any]:
        """The value of each setting that the configuration does not set."""
        return {name: schema["default"] for name, schema in self.settings.items()}

    def unknown_settings(self, settings: Mapping[str, Any]) -> list[str]:
        """The names of given settings that this rule does not have; a misspelled one would silently keep its default."""
        return sorted(settings.keys() - self.settings.keys())


_NOW = datetime.now(UTC)  # a policy pack runs in a new process each time
_DAYS = {"type": "integer", "minimum": 1}
_CUSTODIES = ["state", "key-vault", "pkcs11", "offline"]
RULES = (
    Rule(
        "proof-required",
        trust.proof_required,
        settings={"allow": {"type": "array", "items": {"type": "string", "enum": [trust.KEY_HELD]}, "default": []}},
        at_end=trust.proofs_at_the_end,
    ),
    Rule("proof-evidence", evidence.proof_evidence, stack=True),
    Rule("evidence-required", evidence_log.evidence_required, stack=True),
    Rule(
        "custody-allowed",
        custody.custody_allowed,
        settings={"allowed": {"type": "array", "items": {"type": "string", "enum": _CUSTODIES}, "default": _CUSTODIES}},
        at_end=custody.custody_at_the_end,
    ),
    Rule(
        "authority-not-shared",
        sharing.authority_not_shared,
        settings={"elsewhere": {"type": "object", "default": {}}},
        at_end=sharing.sharing_at_the_end,
    ),
    Rule(
        "key-strength",
        authority.key_strength,
        settings={
            "rsaBits": {"type": "integer", "minimum": 2048, "default": 3072},
            "deviceRsaBits": {"type": "integer", "minimum": 2048, "default": 2048},
            "curves": {**_TEXTS, "default": ["P-256", "P-384"]},
            "hashes": {**_TEXTS, "default": ["sha256", "sha384", "sha512"]},
        },
    ),
    Rule(
        "authority-lifetime",
        authority.authority_lifetime,
        settings={
            "rootDays": {"type": "integer", "minimum": 1, "default": 3650},
            "issuingDays": {"type": "integer", "minimum": 1, "default": 1825},
        },
    ),
    Rule("path-length-set", authority.path_length_set),
    Rule("issuing-path-length", authority.issuing_path_length, stack=True),
    Rule("authority-profile", profile.authority_profile, advisory=True),
    Rule("device-lifetime", device.device_lifetime, settings={"days": {"type": "integer", "minimum": 1, "default": 365}}),
    Rule("devices-by-ca", device.devices_by_ca),
    Rule("tls-minimum", hub.tls_minimum, settings={"version": {"type": "string", "enum": ["1.2", "1.3"], "default": "1.2"}}),
    Rule("shared-keys-off", hub.shared_keys_off, settings={"serviceKeys": {"type": "boolean", "default": False}}),
    Rule(
        "enrollment-holders",
        enrollment.enrollment_holders,
        settings={name: {**_TEXTS, "default": []} for name in ("holders", "roles", "sharedPolicies")},
    ),
    Rule("enrollment-attestation", attestation.enrollment_attestation),
    Rule("hub-protected", hub.hub_protected),
    Rule(
        "opaque-declarations",
        opaque.opaque_declarations,
        settings={"types": {**_TEXTS, "default": []}, "reviewed": {**_TEXTS, "default": []}},
    ),
    Rule(
        "required-tags",
        hub.required_tags,
        settings={"required": {**_TEXTS, "default": []}, "values": {"type": "object", "default": {}}},
    ),
    Rule("public-access", hub.public_access, advisory=True),
    Rule(
        "network-exposure",
        network.network_exposure,
        advisory=True,
        settings={"addresses": {"type": "integer", "minimum": 0, "default": 65536}},
    ),
    Rule(
        "authority-expiry",
        partial(authority.authority_expiry, now=_NOW),
        advisory=True,
        settings={"days": {"type": "integer", "minimum": 1, "default": 180}},
    ),
    Rule("renewal-window", renewal.renewal_window, settings={"days": {**_DAYS, "default": 7}}),
    Rule(
        "certificate-expiry",
        partial(renewal.certificate_expiry, now=_NOW),
        advisory=True,
        settings={"days": {**_DAYS, "default": 7}},
        stack=True,
    ),
    Rule(
        "key-rotation",
        partial(rotation.key_rotation, now=_NOW),
        advisory=True,
        settings={
            "rootDays": {**_DAYS, "default": 3650},
            "issuingDays": {**_DAYS, "default": 1825},
            "deviceDays": {**_DAYS, "default": 1095},
        },
        stack=True,
    ),
    Rule("previous-generation", trust.previous_generation, advisory=True, stack=True),
)


def _validation(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        given = args.get_config()
        if args.resource_type == STACK:
            _report_unknown_settings(rule, given, report)
            return
        resource = Resource(args.resource_type, args.props, args.name, args.urn, args.opts.protect)
        try:
            for message in messages_of(rule.name, resource, lambda: rule.validate(resource, {**rule.defaults, **given})):
                report(one_line(message), None)
        except NotKnownYetError as unknown:
            args.not_applicable(str(unknown))

    return validate


def _stack_validation(rule: Rule, check: Callable[..., Iterator[Any]]) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        given = args.get_config()
        if rule.stack:  # other rules have reported it with the stack itself
            _report_unknown_settings(rule, given, report)
        resources = [Resource(each.resource_type, each.props, each.name, each.urn, each.opts.protect) for each in args.resources]
        try:
            for message, urn in messages_at_the_end(rule.name, resources, lambda some: check(some, {**rule.defaults, **given})):
                report(one_line(message), urn)
        except NotKnownYetError as unknown:
            args.not_applicable(str(unknown))

    return validate


def _report_unknown_settings(rule: Rule, given: Mapping[str, Any], report: ReportViolation) -> None:
    for name in rule.unknown_settings(given):
        valid = f"use {', '.join(sorted(rule.settings))}" if rule.settings else "remove it; this policy has no settings"
        report(one_line(f"'{name}' in the policy's configuration is not one of its settings: {valid}"), None)


def _secrecy() -> ResourceValidationPolicy:
    """One policy whose remediation and validation share a record. Engines remediate a resource before they validate it."""
    keys, failed = secrecy.PlainTextKeys(), dict[str, Exception]()

    name = "private-key-secret"

    def remediate(args: ResourceValidationArgs) -> None:
        try:
            keys.record(args.urn, serialize_properties(args.props))
        except Exception as error:  # noqa: BLE001 - the validation reports it: a remediation can't
            failed[args.urn] = error

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(args.resource_type, args.props, args.name, args.urn)
        if error := failed.pop(args.urn, None):
            report(one_line(failure_on(name, resource, error)), None)
            return
        for message in messages_of(name, resource, lambda: keys.violations(args.urn, lambda: serialize_properties(args.props))):
            report(one_line(message), None)

    return ResourceValidationPolicy(
        name,
        str(inspect.getdoc(secrecy.PlainTextKeys)).partition("\n\n")[0],
        validate,
        EnforcementLevel.REMEDIATE,
        remediate=remediate,
    )


class _CheckedTwice(ResourceValidationPolicy, StackValidationPolicy):
    """One policy on the inputs before each step and on the outputs at the end of a run: the SDK calls it as both kinds."""

    def __init__(
        self, rule: Rule, at_end: Callable[..., Iterator[Any]], level: EnforcementLevel, schema: PolicyConfigSchema | None
    ) -> None:
        Policy.__init__(self, rule.name, rule.text[0], level, schema)  # neither kind's own takes the other's arguments
        self._before_a_step, self._at_the_end = _validation(rule), _stack_validation(rule, at_end)
        self._reported: set[tuple[str, str]] = set()  # what was said before a step is not said again at the end

    def validate(self, args: Any, report_violation: ReportViolation) -> None:
        """Called for each resource, and once for the stack."""
        at_the_end = isinstance(args, StackValidationArgs)

        def once(message: str, urn: str | None = None) -> None:
            said = (urn or ("" if at_the_end else args.urn), message)
            if not (at_the_end and said in self._reported):
                report_violation(message, urn)
            if not at_the_end:
                self._reported.add(said)

        check: Callable[..., None] = self._at_the_end if at_the_end else self._before_a_step
        check(args, once)

    def has_validation(self) -> bool:
        """It has."""
        return True

    def has_remediation(self) -> bool:
        """It changes nothing."""
        return False


def policy_of(rule: Rule) -> Policy:
    """The rule as the SDK takes it. Whatever the rule raises is a violation."""
    level = EnforcementLevel.ADVISORY if rule.advisory else EnforcementLevel.MANDATORY
    schema = PolicyConfigSchema({name: dict(each) for name, each in rule.settings.items()}) if rule.settings else None
    if rule.stack:
        return StackValidationPolicy(rule.name, rule.text[0], _stack_validation(rule, rule.validate), level, schema)
    if rule.at_end:
        return _CheckedTwice(rule, rule.at_end, level, schema)
    return ResourceValidationPolicy(rule.name, rule.text[0], _validation(rule), level, schema)


POLICIES: list[Policy] = [*map(policy_of, RULES), _secrecy()]
