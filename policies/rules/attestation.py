"""The rule for what the devices of an enrollment prove themselves by."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import TYPE_CHECKING, Any

from .declarations import Fact, Kind, declaration
from .resource import ENROLLMENT_FLEET

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
    if resource.type == ENROLLMENT_FLEET:
        yield from _fleet(str(resource.known("members")))
        return
    found = declaration(resource)
    if found is None or found.kind is not Kind.ENROLLMENT or found.known(Fact.ATTESTATION):
        return
    name = found.read(Fact.NAME)
    fact = f"the enrollment '{name}' has no certificate and no CA reference, so its devices would enrol by a key"
    yield f"{fact}: give it the CA of its devices"


def _fleet(members: str) -> Iterator[str]:
    without = _without_certificate(members)
    if without is None:
        fact = "'members' can't be read, so how its devices enrol is not known"
        yield f"{fact}: use the same version of policies and components"
    elif without:
        yield f"{without} of the fleet's enrollments have no certificate, so their devices would enrol by a key: give them one"


def _without_certificate(members: str) -> int | None:
    """How many enrollments of a packed fleet have no certificate; None if it can't be read.

    The format is that of `components/hubtrust/enrollments/fleet_roster.py`: a version, then base64 of a compressed JSON header, whose
    `certificates` has the sizes of each enrollment's certificates. A test checks that this reads the same format.
    """
    version, _, packed = members.partition(".")
    try:
        head = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)).partition(b"\n")[0])
        sizes = [sum(map(int, each)) for each in head["certificates"]]
        return sizes.count(0) if version == "c1" else None
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error, binascii.Error):
        return None
