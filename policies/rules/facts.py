"""The kinds of declarations, their facts, and how a fact's place in a provider's resource is written down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Kind(StrEnum):
    """What is declared."""

    HUB = "hub"
    PROVISIONING_SERVICE = "provisioning service"
    CERTIFICATE = "certificate"
    """A CA certificate on a hub or provisioning service."""
    ENROLLMENT = "enrollment"
    """An enrollment, or a group of them, at a provisioning service. Only hubtrust declares any: they are not in Resource Manager."""
    ACCESS_POLICY = "shared access policy"
    """One that is a resource of its own; those inside a hub or provisioning service are its fact `ACCESS_POLICIES`."""
    GROUP = "resource group"
    ROLE_ASSIGNMENT = "role assignment"
    ROLE_DEFINITION = "role definition"
    """A custom role."""


class Fact(StrEnum):
    """A fact of a declaration. Its comment has the values that ``Declaration.read`` gives besides None (missing) and UNKNOWN."""

    NAME = "name"  # text
    LOCATION = "location"  # text
    TAGS = "tags"  # a mapping of text to text
    GROUP = "resource group"  # its name
    SERVICE = "service"  # the name or id of the hub or provisioning service of a certificate, enrollment or access policy
    MIN_TLS = "minimum TLS version"  # text such as "1.2"
    SERVICE_KEYS_OFF = "disableLocalAuth"  # True, False
    DEVICE_KEYS_OFF = "disableDeviceSAS"  # True, False
    MODULE_KEYS_OFF = "disableModuleSAS"  # True, False
    PUBLIC_ACCESS_OFF = "no public access"  # True, False
    DEFAULT_ACTION = "network rules' default"  # text: "Deny", "Allow"
    IP_RULES = "network rules"  # a list of mappings with `action` and `ipMask`
    EVENT_HUB_RULES = "network rules at the event hub endpoint"  # True, False
    ACCESS_POLICIES = "shared access policies"  # a list of mappings with `keyName` and `rights` (text, with commas)
    RIGHTS = "rights"  # of an access policy: a list of ARM's words, such as "EnrollmentWrite"
    CERTIFICATE = "certificate"  # text: PEM, or base64 of PEM or DER; of an enrollment group its signing certificates, one after the other
    VERIFIED = "called verified"  # True, False: somebody's word that possession was proven
    REFERENCES = "CA references"  # of an enrollment group: names of certificates of its service
    ATTESTATION = "attestation"  # of an enrollment: the inputs with certificates that are set; an empty list if there is none
    PRINCIPAL = "principal"  # its object id
    PRINCIPAL_TYPE = "principal type"  # text: "User", "Group", "ServicePrincipal"
    ROLE = "role"  # the id of its definition
    ROLE_NAME = "role name"  # where a provider takes names of roles, and of a custom role
    PERMISSIONS = "permissions"  # a list of mappings with lists of patterns: `actions`, `notActions`, `dataActions`, `notDataActions`
    SCOPE = "scope"  # an id in Azure


@dataclass(frozen=True)
class Place:
    """Where a fact stands in a resource's properties, and how its words are turned into the fact's values."""

    path: tuple[str | int, ...]
    meaning: Callable[[Any], Any] | None = None
    """Takes what is there, never None or UNKNOWN as a whole; what it holds may still be unknown, and UNKNOWN is then its result."""
    elsewhere: tuple[tuple[str | int, ...], ...] = ()
    """Where else it may be: in older API versions, or in what a run found out."""

    @property
    def words(self) -> str:
        """The path for messages, such as `networkRuleSets[0].defaultAction`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")


@dataclass(frozen=True)
class Way:
    """One way to declare a kind: where each fact stands."""

    kind: Kind
    places: Mapping[Fact, Place]
