"""The CAs of a deployed environment, from its state: those that it trusts, and those above and below them. Another must not share them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from hubtrust import HubtrustError
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.keys import key_thumbprint
from hubtrust.pki.links import is_signed_by
from hubtrust.pki.profile import is_authority
from hubtrust.shell import dynamic_type, token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hubtrust.pki.certificate import Certificate

_VERIFIED: Final = frozenset(of("VerifiedCertificate") for of in (token, dynamic_type))
_GROUPS: Final = frozenset(of("EnrollmentGroupEntry") for of in (token, dynamic_type))  # its outputs have no certificates
_ON_A_HUB: Final = re.compile(  # certificates of hubs and provisioning services, as azure-native and the classic provider call them
    r"azure(?:-native|-nextgen)?(?:_\w+)?:(?:iothub|devices|deviceprovisioningservices|iot)(?:/\w+)?:(?:Dps|IotHub|IotHubDps)?Certificate"
)
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

_BASE64 = ("MII", "LS0tLS1CRUdJTi")  # of DER and of PEM


@dataclass(frozen=True)
class RecordedAuthorities:
    """Each once. ``trusted_keys`` are all that the environment trusts, also those whose certificate the state does not have."""

    trusted_keys: frozenset[str]  # SHA-256 of SubjectPublicKeyInfo, upper-case hex
    trusts: tuple[Certificate, ...] = ()
    above: tuple[Certificate, ...] = ()
    below: tuple[Certificate, ...] = ()

    @classmethod
    def read(cls, resources: Sequence[Mapping[str, Any]]) -> RecordedAuthorities:
        """From the resources of a state. What is secret there is not read, and what is no CA's certificate is passed over."""
        trusted: list[Certificate] = []
        others: list[Certificate] = []
        keys = set()
        for each in resources:
            kind = str(each["type"])
            outputs = each.get("inputs" if kind in _GROUPS else "outputs") or {}
            if kind in _VERIFIED and "keyThumbprint" in outputs:
                keys.add(str(outputs["keyThumbprint"]))
            # A VerifiedCertificate's other texts may hold the CAs above it.
            own = outputs.get("certificate") if kind in _VERIFIED else outputs if kind in _GROUPS or _ON_A_HUB.fullmatch(kind) else None
            trusted += _authorities(own)
            others += _authorities(outputs)
        trusts = _each_once(trusted)
        rest = [one for one in _each_once(others) if one not in trusts]
        above = _closure(trusts, rest, is_signed_by)
        below = _closure(trusts, [one for one in rest if one not in above], lambda known, one: is_signed_by(one, known))
        keys |= {key_thumbprint(one.public_key()) for one in trusts}
        return cls(frozenset(keys), tuple(trusts), tuple(above), tuple(below))

    @property
    def setting(self) -> list[str] | dict[str, list[str]]:
        """As `elsewhere` of the rule `authority-not-shared` takes it: certificates in base64 of DER; keys alone where there are none."""
        if not self.trusts:
            return sorted(self.trusted_keys)
        unseen = self.trusted_keys - {key_thumbprint(one.public_key()) for one in self.trusts}
        found = {"trusts": [*_encoded(self.trusts), *sorted(unseen)], "above": _encoded(self.above), "below": _encoded(self.below)}
        return {name: values for name, values in found.items() if values}


def _encoded(certificates: Iterable[Certificate]) -> list[str]:
    return sorted(base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in certificates)


def _each_once(certificates: Iterable[Certificate]) -> list[Certificate]:
    return list({one.public_bytes(Encoding.DER): one for one in certificates}.values())


def _closure(
    start: Iterable[Certificate], every: Sequence[Certificate], is_next: Callable[[Certificate, Certificate], bool]
) -> list[Certificate]:
    """Those of ``every`` that a path of certificates leads to, in steps that ``is_next`` allows."""
    found: list[Certificate] = []
    waiting = list(start)
    while waiting:
        known = waiting.pop()
        reached = [one for one in every if one not in found and is_next(known, one)]
        found += reached
        waiting += reached
    return found


def _authorities(value: Any) -> Iterator[Certificate]:
    """The CA certificates in PEM, anywhere in a value; also in base64, which Azure takes."""
    if isinstance(value, str):
        for text in _PEM.findall(value) or ([value] if value.startswith(_BASE64) else []):
            try:
                found = [one for one in load_certificates(text, what="the state") if is_authority(one)]
            except (HubtrustError, ValueError):
                continue
            yield from found
    elif isinstance(value, dict):
        for each in value.values():
            yield from _authorities(each)
    elif isinstance(value, list):
        for each in value:
            yield from _authorities(each)
