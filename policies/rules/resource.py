"""The resource that a rule checks: its type token, properties and protection. Properties may not be known yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pulumi import AssetArchive, StringAsset
from pulumi_policy.proxy import UnknownValueError

# hubtrust's resources have two types: the plugin's, and the dynamic provider's of a Python program. Rules name the first for both.
OURS: Final = "hubtrust:index:"
_DYNAMIC = "pulumi-python:dynamic/hubtrust:"
VERIFIED_CERTIFICATE: Final = f"{OURS}VerifiedCertificate"
ISSUED_CERTIFICATE: Final = f"{OURS}IssuedCertificate"
ISSUED_BATCH: Final = f"{OURS}IssuedBatch"
CONNECTION_CHECK: Final = f"{OURS}ConnectionCheck"
EVIDENCE_RECORDS: Final = f"{OURS}EvidenceRecords"
ENROLLMENT_GROUP: Final = f"{OURS}EnrollmentGroupEntry"
INDIVIDUAL_ENROLLMENT: Final = f"{OURS}IndividualEnrollmentEntry"
ENROLLMENT_FLEET: Final = f"{OURS}EnrollmentFleetEntries"
SIGNING_KEY: Final = f"{OURS}SigningKey"
DEVICE: Final = f"{OURS}DeviceIdentity"
MODULE: Final = f"{OURS}ModuleIdentity"
DEVICE_FLEET: Final = f"{OURS}DeviceFleet"
SIGNED: Final = frozenset(  # what is declared with a signer
    {ISSUED_CERTIFICATE, ISSUED_BATCH, VERIFIED_CERTIFICATE, CONNECTION_CHECK, SIGNING_KEY}
    | {f"{OURS}{noun}" for noun in ("AuthorityRequest", "PossessionProof")}
)
STACK: Final = "pulumi:pulumi:Stack"
TLS_KEY: Final = "tls:index/privateKey:PrivateKey"
TLS_ROOT: Final = "tls:index/selfSignedCert:SelfSignedCert"
TLS_SIGNED: Final = "tls:index/locallySignedCert:LocallySignedCert"


class Unknown:
    """A value in a preview that is only known once other resources exist."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()
TWICE: Final = "(written twice, in different letter cases)"  # in the place of a value of which ARM may take either


class NotKnownYetError(Exception):
    """A rule can't be checked before the update; the message names the property that is not known yet."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not known before the update; the rule is checked then, before the resource is created or updated")


@dataclass(frozen=True)
class Resource:
    """A resource: with its inputs before it is created or updated, with its outputs at the end of a run."""

    declared_type: str
    props: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    urn: str = ""
    protect: bool = False

    @property
    def type(self) -> str:
        """What a rule compares: the type, with that of the plugin in place of the dynamic provider's."""
        ours = self.declared_type.startswith(_DYNAMIC)
        return OURS + self.declared_type.removeprefix(_DYNAMIC) if ours else self.declared_type

    def is_below(self, component: str) -> bool:
        """Whether it is a child of a component of that type, directly or through others: its URN has their types."""
        _, _, types, *_ = (*self.urn.split("::"), "", "", "")  # urn:pulumi:<stack>::<project>::<types>::<name>
        return component in types.split("$")[:-1]

    def read(self, *path: str) -> Any:
        """The property at ``path``; None if it is missing, ``UNKNOWN`` if it, or an object that contains it, is not known yet."""
        return read_in(self.props, path)

    def known(self, *path: str) -> Any:
        """The property at ``path``, or None.

        Raises:
            NotKnownYetError: it is not known yet.
        """
        value = self.read(*path)
        if value is UNKNOWN:
            raise NotKnownYetError(".".join(path))
        return value


def read_in(value: Any, path: Sequence[str | int]) -> Any:
    """The value at ``path``, of names and places in lists; None if it is missing, ``UNKNOWN`` if it or what holds it is not known yet."""
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        if not (isinstance(value, Mapping) if isinstance(step, str) else isinstance(value, Sequence) and not isinstance(value, str)):
            return None
        try:
            value = value[step]
        except LookupError:
            return None
        except UnknownValueError:  # raised by `in` too
            return UNKNOWN
    return value


def known_copy(value: Any) -> Any:
    """Properties as plain objects, lists and values, without what is not known yet; an asset of text is its text."""
    if isinstance(value, Mapping):
        members = {name: read_in(value, (name,)) for name in value}
        return {name: known_copy(each) for name, each in members.items() if each is not UNKNOWN}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        found = (read_in(value, (place,)) for place in range(len(value)))
        return [known_copy(each) for each in found if each is not UNKNOWN]
    if isinstance(value, AssetArchive):
        return known_copy(value.assets)
    return value.text if isinstance(value, StringAsset) else value


def nested(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a plain object or list, and itself, each with its path, such as `signer.privateKey`."""
    yield path, value
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from nested(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from nested(each, f"{path}[{place}]")


def objects(found: Any, where: str) -> Iterator[Resource]:
    """The objects of a list, each to be read like a resource, by names in lower case; an object that stands alone counts as a list of it.

    Raises:
        NotKnownYetError: the list, or one of its items, is not known yet; it is called ``where``.
    """
    try:
        every = [found] if isinstance(found, Mapping) else list(found) if isinstance(found, Sequence) and not isinstance(found, str) else []
    except UnknownValueError:
        raise NotKnownYetError(where) from None
    for place, item in enumerate(every):
        if item is UNKNOWN:
            raise NotKnownYetError(f"{where}[{place}]")
        if isinstance(item, Mapping):  # ARM takes names in any letter case
            yield Resource("", {name.lower(): read_in(item, (name,)) if _is_once(name, item) else TWICE for name in item})


def _is_once(name: str, item: Mapping[str, Any]) -> bool:
    return sum(other.lower() == name.lower() for other in item) == 1


def issues_for_devices(resource: Resource) -> bool:
    """Whether the resource issues certificates for devices.

    Raises:
        NotKnownYetError: its profile is not known yet.
    """
    return resource.type == ISSUED_BATCH or (resource.type == ISSUED_CERTIFICATE and resource.known("profile") == "device")


def items(value: Any, where: str = "a list") -> list[Any]:
    """The items of a list property; empty if it is missing or not known yet as a whole.

    Raises:
        NotKnownYetError: one of its items is not known yet; the list is called ``where``.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    found = [read_in(value, (place,)) for place in range(len(value))]
    for place, item in enumerate(found):
        if item is UNKNOWN:
            raise NotKnownYetError(f"{where}[{place}]")
    return found


def on_each(resources: Sequence[Resource], check: Callable[[Resource], Iterator[str]]) -> Iterator[tuple[str, str]]:
    """What ``check`` reports of each resource, with its URN; one that can't be checked yet, in a preview, keeps no other from it.

    Raises:
        NotKnownYetError: there is one that can't be checked yet; the others have been.
    """
    unknown = None
    for each in resources:
        try:
            yield from ((message, each.urn) for message in check(each))
        except NotKnownYetError as error:
            unknown = error
    if unknown:
        raise unknown
