"""What is declared of an enrollment of either kind, as inputs of a resource."""

import json
import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from hubtrust.azure.addresses import address_parts
from hubtrust.azure.enrollment_limits import ENROLLMENT_ID, FIRST_WEBHOOK_VERSION, LONGEST_ID, MOST_LINKED_HUBS, RESERVED_IN_TWINS
from hubtrust.azure.enrollment_service import Kind
from hubtrust.devices.description import read_description
from hubtrust.devices.json_values import kind as kind_of
from hubtrust.dynamic.service_endpoint import require_host
from hubtrust.dynamic.service_inputs import ServiceInputs
from hubtrust.dynamic.twin_documents import read_desired, read_tags
from hubtrust.enrollments.description import Allocation, Attestation, EnrollmentDescription, Reprovision, Terms, found_parts, undeclared
from hubtrust.inputs import boolean, choice, input_field, texts
from hubtrust.pki.certificate import Certificate, load_certificates, pem
from hubtrust.reconcile_errors import DeclarationError

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")


def require_enrollment_id(value: object, *, noun: str = "registration id") -> str:
    """``value`` as an id of an enrollment.

    Raises:
        DeclarationError: Azure does not take it.
    """
    if not isinstance(value, str) or not value:
        raise DeclarationError(
            f"the {noun}", "it is empty" if value == "" else f"it is {kind_of(value)}", f"use 1 to {LONGEST_ID} characters"
        )
    if len(value) > LONGEST_ID:
        raise DeclarationError(f"{noun} '{value[:20]}…'", f"it has {len(value)} characters", f"use at most {LONGEST_ID}")
    if not ENROLLMENT_ID.fullmatch(value):
        remedy = "use letters, digits and - . _ : with a letter, digit or - at the end"
        raise DeclarationError(f"{noun} '{value}'", "Azure does not accept this id", remedy)
    return value


def same_enrollment_id(one: object, other: object) -> bool:
    """Azure does not distinguish the case of ids."""
    return str(one).lower() == str(other).lower()


def read_certificates(value: object) -> tuple[tuple[Certificate, ...], ...]:
    """One or two certificates, each with those that follow it in its text.

    Raises:
        DeclarationError: there are more, or two are the same.
        PkiError: a text has no certificate, or a key.
    """
    given = texts([value] if isinstance(value, str) else value, remedy="give one or two certificates, PEM")
    _require_one_or_two(len(given))
    found = tuple(tuple(load_certificates(one, what="certificate")) for one in given)
    if len({one[0] for one in found}) < len(found):
        raise DeclarationError("value", "both certificates are the same", "leave one out")
    return found


def read_references(value: object) -> tuple[str, ...]:
    """One or two names of certificates of the service.

    Raises:
        DeclarationError: there are more, one is empty, or both are the same.
    """
    given = texts([value] if isinstance(value, str) else value, remedy="give the names of one or two certificates of the service")
    _require_one_or_two(len(given))
    if not all(given):
        raise DeclarationError("value", "a name is empty", "give the names of one or two certificates of the service")
    if len({one.lower() for one in given}) < len(given):
        raise DeclarationError("value", f"both are '{given[0]}'", "leave one out")
    return given


def _require_one_or_two(count: int) -> None:
    if not 1 <= count <= 2:  # noqa: PLR2004 - the primary and the secondary
        raise DeclarationError("value", f"there are {count}", "give one or two, the primary first")


def _hubs(value: object) -> tuple[str, ...]:
    given = texts(value, remedy="list host names of linked hubs, such as hub-7.azure-devices.net")
    if not 1 <= len(given) <= MOST_LINKED_HUBS:
        fact = "it is empty, which Azure treats as all linked hubs" if not given else f"there are {len(given)}"
        raise DeclarationError("value", fact, f"name 1 to {MOST_LINKED_HUBS} linked hubs, or leave it out for all of them")
    return tuple(require_host(one, what="value") for one in given)


def _status(value: object) -> str:
    read_description({"status": value})
    return str(value)


def _webhook(value: object) -> str:
    """Its query may have a key in it, so no error repeats it."""
    parts = address_parts(str(value)) if isinstance(value, str) else None
    if parts is None or urlsplit(str(value)).scheme != "https":
        raise DeclarationError(
            "value", "it is not the https URL of a webhook", "give the URL of a function or web service that Azure can reach"
        )
    return str(value)


def _webhook_version(value: object) -> str:
    if not isinstance(value, str) or not _VERSION.fullmatch(value) or value < FIRST_WEBHOOK_VERSION:
        raise DeclarationError("value", f"it is {value!r}", f"use an api-version from {FIRST_WEBHOOK_VERSION} on, such as 2019-03-31")
    return value


@dataclass(frozen=True, kw_only=True)
class EnrollmentInputs(ServiceInputs):
    """What is declared of an enrollment of either kind. Parts of the twin are JSON texts: Pulumi would rewrite some of their names."""

    hubs: Sequence[str] | None = input_field(
        _hubs,
        "host names of the hubs to choose from, each linked to the service. Default: not declared, so all that are linked.",
        kept=True,
    )
    allocation: Allocation | None = input_field(
        choice(Allocation),
        "how a device's hub is chosen: `hashed`, `static` (``hubs`` has the one), `geoLatency` or `custom` (by a webhook). "
        "Default: not declared, so as the service does.",
        kept=True,
    )
    webhook: str | None = input_field(
        _webhook, "the https URL that chooses the hub, for `custom` alone; becomes a secret, because such URLs have a key.", secret=True
    )
    webhook_version: str | None = input_field(
        _webhook_version, f"the api-version of the webhook's requests, from {FIRST_WEBHOOK_VERSION} on; needed with a webhook."
    )
    tags: Mapping[str, Any] | None = input_field(
        read_tags, "tags of a new device's twin, an object. Devices that have registered are not changed.", kept=True
    )
    desired: Mapping[str, Any] | None = input_field(
        read_desired, "desired properties of a new device's twin, an object. Devices that have registered are not changed.", kept=True
    )
    edge: bool | None = input_field(boolean, "True: its devices are IoT Edge devices.", kept=True)
    reprovision: Reprovision | None = input_field(
        choice(Reprovision),
        "what becomes of a device that registers again and gets another hub: `migrate` (its twin moves with it), `reset` (its twin is new) "
        "or `never` (it stays in its hub). Default: not declared, so `migrate`.",
        kept=True,
    )
    status: str | None = input_field(
        _status,
        "`enabled` (default) or `disabled`: no device registers by it, and those that have are disabled on their hubs.",
        kept=True,
    )
    revoke_devices: bool = input_field(
        boolean,
        "False: while it is disabled, the devices that came by it stay enabled on their hubs, and connected. Default True.",
        kept=True,
        default=True,
    )
    adopt: bool = input_field(
        boolean, "True: one of this id that others made is taken over, whatever it has. Default False: refuse.", default=False
    )

    skip: str | None = input_field(
        str,
        "why nothing is written or read in this run, and what is there stays. None: it is written.",
        kept=True,
    )

    kind: ClassVar[Kind]

    @property
    @abstractmethod
    def id(self) -> str:
        """The enrollment's id."""

    @property
    @abstractmethod
    def description(self) -> EnrollmentDescription:
        """What is declared."""

    @property
    def above(self) -> Mapping[str, Collection[Certificate]]:
        """Issuers that were given, by SHA-256 of the certificate below them."""
        return {}

    @property
    def terms(self) -> Terms:
        """What is declared besides the attestation."""
        return Terms(
            enabled=self.status != "disabled",
            edge=bool(self.edge),
            hubs=None if self.hubs is None else tuple(self.hubs),
            allocation=self.allocation.value if self.allocation else None,
            webhook=self.webhook,
            webhook_version=self.webhook_version,
            reprovision=self.reprovision.value if self.reprovision else None,
            tags=self.tags,
            desired=self.desired,
        )

    def require_consistent(self) -> None:
        """Check what contradicts itself; Azure takes it, and refuses each device later.

        Raises:
            DeclarationError: see above.
        """
        for name, document in (("tags", self.tags), ("desired", self.desired)):
            if reserved := sorted(set(document or ()).intersection(RESERVED_IN_TWINS)):
                fact = f"'{reserved[0]}' is a name that Azure uses itself in initial twins"
                raise DeclarationError(name, fact, "use another name")
        if not {"allocation", "hubs"} & self.unknown and self.allocation is Allocation.STATIC and len(self.hubs or ()) != 1:
            fact = f"'static' assigns every device to one hub, and hubs names {len(self.hubs or ()) or 'none'}"
            raise DeclarationError("allocation", fact, "name exactly one hub, or use hashed")
        self._require_webhook()

    def _require_webhook(self) -> None:
        if {"allocation", "webhook", "webhook_version"} & self.unknown:
            return
        if self.allocation is Allocation.CUSTOM:
            missing = "webhook" if self.webhook is None else "webhookVersion" if self.webhook_version is None else None
            if missing:
                fact = "allocation is 'custom', and there is none"
                raise DeclarationError(missing, fact, "give the https URL of the webhook and its api-version, or use hashed")
        elif self.webhook is not None or self.webhook_version is not None:
            fact = f"it has no effect with allocation {f'{self.allocation.value!r}' if self.allocation else 'not declared'}"
            raise DeclarationError("webhook", fact, "set allocation to custom, or remove it")

    def what(self, host: str) -> str:
        """The enrollment in messages."""
        return named(self.kind, self.id, host)


def attestation_of(kind: str, certificates: Sequence[Sequence[Certificate]]) -> Attestation:
    """The attestation by these certificates; of each text only the first one is the enrollment's."""
    own = [one[0] for one in certificates]
    return Attestation(kind, tuple(_sha256(one) for one in own), tuple(pem(one) for one in own))


def record_as_inputs(record: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that declare what Azure has of an enrollment besides its attestation; what is so without any declaration is left out."""
    parts, definition = found_parts(record), record.get("customAllocationDefinition") or {}
    own_id = record.get("deviceId") if str(record.get("deviceId")) != record.get("registrationId") else None
    found = {
        "deviceId": own_id,
        "status": None if parts["enabled"] else "disabled",
        "edge": parts["edge"] or None,
        "hubs": parts["hubs"] or None,
        "allocation": parts["allocation"],
        "webhook": definition.get("webhookUrl"),
        "webhookVersion": definition.get("apiVersion"),
        "reprovision": None if undeclared("reprovision", parts["reprovision"]) else parts["reprovision"],
        **{name: json.dumps(parts[name]) if parts[name] else None for name in ("tags", "desired")},
    }
    return {name: value for name, value in found.items() if value is not None}


def issuers_of(certificates: Sequence[Sequence[Certificate]]) -> dict[str, Collection[Certificate]]:
    """The certificates that follow each one, by its SHA-256."""
    return {_sha256(one[0]): one[1:] for one in certificates}


def _sha256(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex().upper()


def named(kind: Kind, id_: str, host: str) -> str:
    """The enrollment in messages."""
    return f"{kind.title} '{id_}' on provisioning service '{host.partition('.')[0]}'"
