"""What a rule sees of one resource: its token, its properties, whether it is protected; and what is not known yet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

_DYNAMIC = "pulumi-python:dynamic/hubtrust:"
VERIFIED_CERTIFICATE: Final = f"{_DYNAMIC}VerifiedCertificate"
ISSUED_CERTIFICATE: Final = f"{_DYNAMIC}IssuedCertificate"
ISSUED_BATCH: Final = f"{_DYNAMIC}IssuedBatch"
CONNECTION_CHECK: Final = f"{_DYNAMIC}ConnectionCheck"
SIGNING_KEY: Final = f"{_DYNAMIC}SigningKey"
STACK: Final = "pulumi:pulumi:Stack"
TLS_KEY: Final = "tls:index/privateKey:PrivateKey"
TLS_ROOT: Final = "tls:index/selfSignedCert:SelfSignedCert"
TLS_SIGNED: Final = "tls:index/locallySignedCert:LocallySignedCert"
# azure-native's versioned packages carry the version in the package (v3) or in the module (v2).
_AZURE = re.compile(r"azure-native(?:_[a-z]+_v\w+)?:(?P<module>\w+)(?:/v\w+)?:(?P<noun>\w+)")


class Unknown:
    """A value that is not known before other resources are made: a preview's."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


class NotKnownYetError(Exception):
    """A rule can't judge before the update; it says what it waits for."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not known before the update; it is judged then, before the resource's step")


@dataclass(frozen=True)
class Declared:
    """A resource: before its step with its inputs, at the end of a run with its outputs."""

    type: str
    props: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    urn: str = ""
    protect: bool = False

    @property
    def noun(self) -> str:
        """`iothub:IotHubResource` for azure-native's resources in any version of its API; empty for others'."""
        found = _AZURE.fullmatch(self.type)
        return f"{found['module']}:{found['noun']}" if found else ""

    def read(self, *path: str) -> Any:
        """The property at ``path``; None where there is none, ``UNKNOWN`` where it, or what it lies in, is not known yet."""
        value: Any = self.props
        for name in path:
            if value is UNKNOWN:
                return UNKNOWN
            if not isinstance(value, Mapping):
                return None
            try:
                value = value[name]
            except KeyError:
                return None
            except UnknownValueError:  # `in` raises it too
                return UNKNOWN
        return value

    def need(self, *path: str) -> Any:
        """The property at ``path``, or None.

        Raises:
            NotKnownYetError: it is not known yet.
        """
        value = self.read(*path)
        if value is UNKNOWN:
            raise NotKnownYetError(".".join(path))
        return value


def issues_for_devices(resource: Declared) -> bool:
    """Whether it issues certificates for devices.

    Raises:
        NotKnownYetError: its profile is not known yet.
    """
    return resource.type == ISSUED_BATCH or (resource.type == ISSUED_CERTIFICATE and resource.need("profile") == "device")


def items(value: Any) -> list[Any]:
    """The members of a list from the wire; nothing where there is none, or where it is not known yet."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
