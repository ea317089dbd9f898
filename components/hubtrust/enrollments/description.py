"""What is declared of an enrollment, what Azure has of it, and whether both agree.

Only what is declared is compared: Azure adds times, an etag and defaults, shows of a certificate what it knows and not the certificate,
and repeats the primary as the secondary where only one was given (recorded answers of azure-iot-deviceprovisioning's tests).
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from hubtrust.devices.description import with_integers

_SERVICES = {"registrationState", "etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"}  # members that the service alone writes
_IDS = {"enrollmentGroupId", "registrationId"}
_DECLARED = {
    "deviceId",
    "attestation",
    "capabilities",
    "iotHubs",
    "iotHubHostName",  # of earlier versions
    "initialTwin",
    "provisioningStatus",
    "reprovisionPolicy",
    "allocationPolicy",
    "customAllocationDefinition",
    "optionalDeviceInformation",
}
_INSIDE = {  # what is known of the members that a write replaces as a whole
    "capabilities": {"iotEdge"},
    "reprovisionPolicy": {"updateHubAssignment", "migrateDeviceData"},
    "customAllocationDefinition": {"webhookUrl", "apiVersion"},
}
REFERENCES, SIGNING, CLIENT = "caReferences", "signingCertificates", "clientCertificates"
_SLOTS = ("primary", "secondary")


class Allocation(StrEnum):
    """How a device's hub is chosen: learn.microsoft.com/azure/iot-dps/how-to-use-allocation-policies."""

    HASHED = "hashed"
    """Spread over the hubs by their weights."""
    STATIC = "static"
    """To the one hub that is named."""
    LATENCY = "geoLatency"
    """To the hub with the shortest way."""
    CUSTOM = "custom"
    """As a webhook says."""


class Reprovision(StrEnum):
    """What becomes of a device that registers again: learn.microsoft.com/azure/iot-dps/concepts-device-reprovision."""

    MIGRATE = "migrate"
    """It gets the hub that is right now, and its twin moves with it."""
    RESET = "reset"
    """It gets the hub that is right now, and a new twin."""
    NEVER = "never"
    """It stays where it is."""


_REPROVISION = {  # updateHubAssignment, migrateDeviceData
    Reprovision.MIGRATE: (True, True),
    Reprovision.RESET: (True, False),
    Reprovision.NEVER: (False, False),
}
_NOTHING: Mapping[str, Any] = {"hubs": [], "tags": {}, "desired": {}, "information": {}, "reprovision": "migrate"}  # as good as absent


@dataclass(frozen=True, slots=True)
class Attestation:
    """How devices of an enrollment prove who they are: one or two certificates, the primary first."""

    kind: str  # REFERENCES, SIGNING or CLIENT
    held: tuple[str, ...]  # names of the service's certificates, or SHA-256 thumbprints, upper-case hex
    sent: tuple[str, ...] = field(default=(), repr=False)  # the certificates, PEM; none where only thumbprints are recorded

    @property
    def part(self) -> list[str]:
        """What is compared. Names are those of Resource Manager, which doesn't distinguish their case; neither slot comes first."""
        names = {one.lower() for one in self.held} if self.kind == REFERENCES else set(self.held)
        return [self.kind, *sorted(names)]

    @property
    def body(self) -> dict[str, Any]:
        """As it is sent."""
        values: list[Any] = list(self.held) if self.kind == REFERENCES else [{"certificate": one} for one in self.sent]
        return {"type": "x509", "x509": {self.kind: dict(zip(_SLOTS, values, strict=False))}}


def found_attestation(record: Mapping[str, Any]) -> Attestation | None:
    """The attestation of an enrollment as Azure shows it; None if it is not by certificates."""
    x509: Mapping[str, Any] = record["attestation"].get("x509") or {}
    kind = next((name for name in (REFERENCES, SIGNING, CLIENT) if x509.get(name)), None)
    if kind is None:
        return None
    held = [one for slot in _SLOTS if (one := x509[kind].get(slot))]
    if kind == REFERENCES:
        return Attestation(kind, tuple(held))
    return Attestation(kind, tuple(dict.fromkeys(str(one["info"]["sha256Thumbprint"]).upper() for one in held)))


@dataclass(frozen=True, slots=True)
class Terms:
    """What is declared of an enrollment besides its attestation. None: nothing is declared of it, and others may set it."""

    enabled: bool = True
    edge: bool = False
    hubs: tuple[str, ...] | None = None  # host names
    allocation: str | None = None  # see Allocation
    webhook: str | None = field(default=None, repr=False)  # of a custom allocation; its URL may have a key in it
    webhook_version: str | None = None
    reprovision: str | None = None  # see Reprovision
    tags: Mapping[str, Any] | None = None  # of the first twin
    desired: Mapping[str, Any] | None = None
    information: Mapping[str, Any] | None = None  # optionalDeviceInformation, of individual enrollments

    def or_else(self, common: "Terms") -> "Terms":
        """These terms, with those of ``common`` for what they don't declare."""
        return Terms(*(getattr(common if getattr(self, one.name) is None else self, one.name) for one in fields(self)))

    @property
    def parts(self) -> dict[str, Any]:
        """What is declared, by names of our own, in a form in which equal values mean the same."""
        found = {
            "enabled": self.enabled,
            "edge": self.edge,
            "hubs": None if self.hubs is None else sorted({one.lower() for one in self.hubs}),
            "allocation": self.allocation,
            "webhook": None if self.webhook is None else webhook_digest(self.webhook, self.webhook_version),
            "reprovision": self.reprovision,
            "tags": with_integers(self.tags),
            "desired": with_integers(self.desired),
            "information": with_integers(self.information),
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class EnrollmentDescription:
    """An enrollment as it is declared."""

    attestation: Attestation
    terms: Terms
    device_id: str | None = None  # of an individual enrollment; None: the registration id

    @property
    def parts(self) -> dict[str, Any]:
        """See ``Terms.parts``."""
        device = {} if self.device_id is None else {"deviceId": self.device_id}
        return {"attestation": self.attestation.part, **self.terms.parts, **device}


def webhook_digest(url: object, version: object) -> str:
    """32 hex digits of SHA-256: the URL of a function has its key in it, which no state and no message may have."""
    return hashlib.sha256(f"{url}\n{version}".encode()).hexdigest()[:32]


def found_parts(record: Mapping[str, Any]) -> dict[str, Any]:
    """What Azure has, in the form of ``EnrollmentDescription.parts``; defaults are in it too."""
    twin, definition = record.get("initialTwin") or {}, record.get("customAllocationDefinition") or {}
    policy = record.get("reprovisionPolicy") or {}
    update, migrate = policy.get("updateHubAssignment", True), policy.get("migrateDeviceData", True)
    one_hub = [record["iotHubHostName"]] if record.get("iotHubHostName") else []
    attestation = found_attestation(record)
    return {
        "attestation": attestation.part if attestation else [str(record["attestation"].get("type"))],
        "enabled": record.get("provisioningStatus") != "disabled",
        "edge": (record.get("capabilities") or {}).get("iotEdge") is True,
        "hubs": sorted({str(one).lower() for one in record.get("iotHubs") or one_hub}),
        "allocation": record.get("allocationPolicy"),
        "webhook": webhook_digest(definition.get("webhookUrl"), definition.get("apiVersion")) if definition else None,
        "reprovision": "never" if update is False else "reset" if migrate is False else "migrate",
        "tags": with_integers(twin.get("tags") or {}),
        "desired": with_integers((twin.get("properties") or {}).get("desired") or {}),
        "information": with_integers(record.get("optionalDeviceInformation") or {}),
        "deviceId": record.get("deviceId") or record.get("registrationId"),
    }


def different_parts(record: Mapping[str, Any], wanted: Mapping[str, Any], last: Mapping[str, Any] | None = None) -> Iterator[str]:
    """The names of the parts that are not as ``wanted``. What ``last`` declared and ``wanted`` doesn't must not be there any more."""
    found = found_parts(record)
    for name, value in wanted.items():
        if found[name] != value:
            yield name
    for name, value in (last or {}).items():
        if name not in wanted and found[name] == value and not undeclared(name, value):
            yield name


def undeclared(name: str, value: object) -> bool:
    """Whether the part has the value that it has where nothing is declared of it."""
    return value is None or value == _NOTHING.get(name)


def agrees(record: Mapping[str, Any], wanted: EnrollmentDescription, last: Mapping[str, Any] | None = None) -> bool:
    """Whether the enrollment is as ``wanted``; ``last`` are the parts that the last run declared."""
    return not any(different_parts(record, wanted.parts, last))


def difference(record: Mapping[str, Any], wanted: EnrollmentDescription, last: Mapping[str, Any] | None = None) -> str:
    """The first difference, for a message: what is there, and what is declared. No value that may be a secret is in it."""
    name = next(different_parts(record, wanted.parts, last))
    found, declared = found_parts(record)[name], wanted.parts.get(name)
    match name:
        case "enabled":
            return f"it is {_status(found)} and declared {_status(declared)}"
        case "webhook" | "tags" | "desired" | "information":  # their values may be secrets
            return f"its {_TITLES[name]} {'is' if name in ('webhook', 'information') else 'are'} another than declared"
        case _:
            return f"its {_TITLES[name]} is {_shown(found)} and declared {_shown(declared)}"


_TITLES = {
    "attestation": "attestation",
    "edge": "IoT Edge capability",
    "hubs": "list of hubs",
    "allocation": "allocation",
    "webhook": "webhook",
    "reprovision": "reprovisioning",
    "tags": "tags of the initial twin",
    "desired": "desired properties of the initial twin",
    "information": "information",
    "deviceId": "device id",
}
_SHOWN = 8  # hex digits of a thumbprint


def _status(enabled: object) -> str:
    return "enabled" if enabled else "disabled"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "set" if value else "not set"
    if isinstance(value, list):
        return ", ".join(one if len(one) < 64 else f"{one[:_SHOWN]}…" for one in value) or "empty"  # noqa: PLR2004 - digits of SHA-256
    return "not set" if value is None else f"'{value}'"


def unknown_members(record: Mapping[str, Any]) -> list[str]:
    """What Azure has of the enrollment and we don't know: a write would remove it."""
    known: Collection[str] = _SERVICES | _IDS | _DECLARED
    found = [name for name, value in record.items() if name not in known and value is not None]
    for outer, inner in _INSIDE.items():
        found += [f"{outer}.{name}" for name, value in (record.get(outer) or {}).items() if name not in inner and value is not None]
    return sorted(found)


def body(wanted: EnrollmentDescription, found: Mapping[str, Any] | None = None, last: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The enrollment as it is sent, without its id. What is not declared stays as it was ``found``, unless ``last`` had declared it."""
    terms, dropped = wanted.terms, set(last or ()) - set(wanted.parts)
    kept = {name: value for name, value in (found or {}).items() if name in _DECLARED and value is not None}
    for part in dropped:
        kept.pop(_MEMBERS.get(part, ""), None)
    if terms.hubs is not None or "hubs" in dropped:
        kept.pop("iotHubHostName", None)
    given = {
        "deviceId": wanted.device_id,
        "attestation": wanted.attestation.body,
        "capabilities": {"iotEdge": terms.edge},
        "iotHubs": None if terms.hubs is None else list(terms.hubs),
        "provisioningStatus": _status(terms.enabled),
        "reprovisionPolicy": None
        if terms.reprovision is None
        else dict(zip(("updateHubAssignment", "migrateDeviceData"), _REPROVISION[Reprovision(terms.reprovision)], strict=True)),
        "allocationPolicy": terms.allocation,
        "customAllocationDefinition": None if terms.webhook is None else {"webhookUrl": terms.webhook, "apiVersion": terms.webhook_version},
        "optionalDeviceInformation": None if terms.information is None else dict(terms.information),
    }
    twin = _twin(terms, kept.pop("initialTwin", None) or {}, dropped)
    sent = {**kept, **{name: value for name, value in given.items() if value is not None}, **({"initialTwin": twin} if twin else {})}
    if sent.get("allocationPolicy") != Allocation.CUSTOM:
        sent.pop("customAllocationDefinition", None)
    return sent


_MEMBERS = {
    "deviceId": "deviceId",
    "hubs": "iotHubs",
    "allocation": "allocationPolicy",
    "webhook": "customAllocationDefinition",
    "reprovision": "reprovisionPolicy",
    "information": "optionalDeviceInformation",
}


def _twin(terms: Terms, kept: Mapping[str, Any], dropped: Collection[str]) -> dict[str, Any] | None:
    found = {"tags": kept.get("tags"), "desired": (kept.get("properties") or {}).get("desired")}
    given = {"tags": terms.tags, "desired": terms.desired}
    both = {name: dict((found[name] if given[name] is None and name not in dropped else given[name]) or {}) for name in ("tags", "desired")}
    return {"tags": both["tags"], "properties": {"desired": both["desired"]}} if any(both.values()) else None
