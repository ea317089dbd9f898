"""The rule for where a CA's key is: in what hubtrust's resources declare, and by the keys and certificates that any resource holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .certificates import authorities_in
from .key_halves import public_halves
from .private_keys import private_keys
from .resource import TLS_KEY, TLS_ROOT, TLS_SIGNED, UNKNOWN, NotKnownYetError, known_copy, nested
from .scalars import flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

STATE = "state"
_OURS: Final = "pulumi-python:dynamic/hubtrust:"
_PASSWORD: Final = re.compile(r"pass|pwd|pin\b|secret", re.IGNORECASE)
_LONGEST_PASSWORD = 200
_REMEDY = "make the key in a vault or token (hubtrust:caCustody), and a new CA with it"


def custody_allowed(resource: Resource, settings: Settings) -> Iterator[str]:
    """The custody of a CA's key is one of `allowed`: state, key-vault, pkcs11, offline. A CA's key in any resource is in the state.

    Reason: a key in the state is only as safe as the secrets provider and everyone who can decrypt the state. A key in a vault or
    token can't be exported.
    Source: NIST SP 800-57 part 2 rev. 1, 2.3 (protection of private keys); CA/Browser Forum baseline requirements, 6.2.
    """
    allowed = settings["allowed"]
    if resource.type.startswith(_OURS) and resource.known("signer") is not None:
        custody = resource.known("signer", "custody")
        if custody not in allowed:
            only = ", ".join(allowed)
            yield f"the CA's key has custody '{custody}', but this environment only allows {only}: change it (hubtrust:caCustody)"
            return  # the key that it is given is that signer's
    if STATE in allowed:
        return
    if resource.type == TLS_SIGNED and resource.read("caPrivateKeyPem") is not None:
        yield _in_state("caPrivateKeyPem is the key of a CA", allowed)
    elif resource.type == TLS_ROOT and flag(resource.known("isCaCertificate")) is True and resource.read("privateKeyPem") is not None:
        yield _in_state("privateKeyPem is the key of this CA", allowed)
    else:
        held = _Held.of(resource)  # also beside a signer of another custody, which only says that there is no key here
        cas = {each.key: each for each in held.authorities}
        yield from (_in_state(f"{path} is the key of the CA {cas[key]}", allowed) for key, path in held.keys.items() if key in cas)


def custody_at_the_end(resources: Sequence[Resource], settings: Settings) -> Iterator[tuple[str, str]]:
    """``custody_allowed`` for a key in one resource and the CA's certificate in another, also where a step made one of them."""
    if STATE in settings["allowed"]:
        return
    held = [(each, _Held.of(each)) for each in resources]
    cas = {certificate.key: certificate for _, found in held for certificate in found.authorities}
    for each, found in held:
        if each.type.startswith(_OURS) and each.read("signer", "custody") == STATE:
            continue  # reported before the step
        for key, path in found.keys.items():
            if key in cas:
                yield _in_state(f"{path} is the key of the CA {cas[key]}", settings["allowed"]), each.urn
    if any(each.type == TLS_KEY and each.read("privateKeyPem") in (None, UNKNOWN) for each in resources):
        raise NotKnownYetError("privateKeyPem of a key to generate")


def _in_state(fact: str, allowed: Sequence[str]) -> str:
    return f"{fact}, so that key is in the state, but this environment only allows {', '.join(allowed)}: {_REMEDY}"


@dataclass(frozen=True)
class _Held:
    """What a resource holds, anywhere in its properties."""

    keys: dict[bytes, str]  # the paths of private keys, by their public halves (SubjectPublicKeyInfo, DER)
    authorities: list[Certificate]

    @classmethod
    def of(cls, resource: Resource) -> _Held:
        values = list(nested(known_copy(resource.props)))
        texts = [(path, value) for path, value in values if isinstance(value, str)]
        passwords = [text for path, text in texts if len(text) <= _LONGEST_PASSWORD and _PASSWORD.search(path.rpartition(".")[2])]
        certificates = list(authorities_in(resource))
        keys: dict[bytes, str] = {}
        for path, value in values:
            for key in private_keys(value):
                for half in public_halves(key, passwords):
                    keys.setdefault(half.key, path)
                    certificates += [each for each in half.certificates if each.is_ca]
        return cls(keys, certificates)
