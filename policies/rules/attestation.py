"""The rule for what the devices of an enrollment prove themselves by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .declarations import Fact, Kind, declaration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .resource import Resource

    Settings = Mapping[str, Any]


def enrollment_attestation(resource: Resource, _settings: Settings) -> Iterator[str]:
    """The devices of an enrollment prove themselves by a certificate: no symmetric keys, no TPM keys.

    Reason: whoever has a group's symmetric key can enrol as any device of it, and can't be told apart from that device. The key is in
    each factory, and at the provisioning service, where everybody who may write enrollments can read it. An enrollment without a
    certificate or CA reference is one by a key, as Azure's own tools make it if none is given.
    Source: learn.microsoft.com/azure/iot-dps/concepts-symmetric-key-attestation ("group enrollments");
    learn.microsoft.com/azure/iot-dps/concepts-device-oem-security-practices.
    """
    found = declaration(resource)
    if found is None or found.kind is not Kind.ENROLLMENT or found.known(Fact.ATTESTATION):
        return
    name = found.read(Fact.NAME)
    fact = f"the enrollment '{name}' has no certificate and no CA reference, so its devices would enrol by a key"
    yield f"{fact}: give it the CA of its devices"
