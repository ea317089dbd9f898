"""The rule for where a CA's key is: in what hubtrust's resources declare, and by the keys and certificates that any resource holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .certificates import authorities_in
from .key_halves import Closed, Half, public_halves
from .private_keys import private_keys
from .resource import OURS, SIGNED, TLS_KEY, TLS_ROOT, TLS_SIGNED, UNKNOWN, NotKnownYetError, known_copy, nested
from .scalars import flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .certificate import Certificate
    from .private_keys import PrivateKey
    from .resource import Resource

    Settings = Mapping[str, Any]

STATE = "state"
_PASSWORD: Final = re.compile(r"pass|pwd|pin\b|secret", re.IGNORECASE)
_MADE: Final = re.compile(r"random:")  # the provider that makes passwords, and puts them into `result`
_LONGEST_PASSWORD = 200
_REMEDY = "make the key in a vault or token (hubtrust:caCustody), and a new CA with it"


def custody_allowed(resource: Resource, settings: Settings) -> Iterator[str]:
    """The custody of a CA's key is one of `allowed`: state, key-vault, pkcs11, offline. A CA's key in any resource is in the state.

    Reason: a key in the state is only as safe as the secrets provider and everyone who can decrypt the state. A key in a vault or
    token can't be exported.
    Source: NIST SP 800-57 part 2 rev. 1, 2.3 (protection of private keys); CA/Browser Forum baseline requirements, 6.2.
    """
    allowed = settings["allowed"]
    if resource.type.startswith(OURS) and resource.known("signer") is not None:
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
        yield from _found(held, cas, allowed)


def custody_at_the_end(resources: Sequence[Resource], settings: Settings) -> Iterator[tuple[str, str]]:
    """``custody_allowed`` for a key in one resource and the CA's certificate in another, also where a step made one of them."""
    if STATE in settings["allowed"]:
        return
    passwords = list(dict.fromkeys(text for each in resources for text in _passwords(each)))
    held = [(each, _Held.of(each, passwords)) for each in resources]
    cas = {certificate.key: certificate for _, found in held for certificate in found.authorities}
    for each, found in held:
        if each.type in SIGNED and each.read("signer", "custody") == STATE:
            continue  # reported before the step
        yield from ((message, each.urn) for message in _found(found, cas, settings["allowed"]))
    if any(each.type == TLS_KEY and each.read("privateKeyPem") in (None, UNKNOWN) for each in resources):
        raise NotKnownYetError("privateKeyPem of a key to generate")


def _found(held: _Held, cas: Mapping[bytes, Certificate], allowed: Sequence[str]) -> Iterator[str]:
    yield from (_in_state(f"{path} is the key of the CA {cas[key]}", allowed) for key, path in held.keys.items() if key in cas)
    for path, form in held.unread.items():
        fact = f"the public half of the private key in {path} ({form}) can't be read, so that it can't be compared with the CAs"
        yield f"{fact}, and this environment only allows {', '.join(allowed)}: store it as PKCS #8, or keep it out of the state"


def _passwords(resource: Resource) -> Iterator[str]:
    """The texts of a resource that, by their names or its type, are passwords."""
    every = _PASSWORD.search(resource.type) or _MADE.match(resource.type)
    for path, value in nested(known_copy(resource.props)):
        if isinstance(value, str) and 0 < len(value) <= _LONGEST_PASSWORD and (every or _PASSWORD.search(path)):
            yield value


def _in_state(fact: str, allowed: Sequence[str]) -> str:
    return f"{fact}, so that key is in the state, but this environment only allows {', '.join(allowed)}: {_REMEDY}"


@dataclass(frozen=True)
class _Held:
    """What a resource holds, anywhere in its properties."""

    keys: dict[bytes, str]  # the paths of private keys, by their public halves (SubjectPublicKeyInfo, DER)
    authorities: list[Certificate]
    unread: dict[str, str]  # the forms of keys whose public half can't be read, by their paths

    @classmethod
    def of(cls, resource: Resource, passwords: Sequence[str] = ()) -> _Held:
        """What it holds, opened with ``passwords`` and with every short text of its own."""
        values = list(nested(known_copy(resource.props)))
        own = (value for _, value in values if isinstance(value, str) and 0 < len(value) <= _LONGEST_PASSWORD)
        every = list(dict.fromkeys((*_passwords(resource), *own, *passwords)))
        halves: list[tuple[str, Half]] = []
        closed: list[tuple[str, Closed]] = []
        for path, value in values:
            named = [name for name in value if isinstance(name, str)] if isinstance(value, Mapping) else []
            found = [half for each in (value, *named) for key in _once(each) for half in public_halves(key, every)]
            halves += [(path, each) for each in found if isinstance(each, Half)]
            alone = len(found) == sum(isinstance(each, Closed) and not each.encoding for each in found)
            closed += [(path, each) for each in found if isinstance(each, Closed) and not each.sealed and (each.encoding or alone)]
        keys: dict[bytes, str] = {}
        for path, half in halves:
            keys.setdefault(half.key, path)
        authorities = [*authorities_in(resource), *(each for _, half in halves for each in half.certificates if each.is_ca)]
        unread = {path: each.form for path, each in closed if not (each.encoding and any(each.is_part_of(half) for _, half in halves))}
        return cls(keys, authorities, unread)


def _once(value: Any) -> Iterator[PrivateKey]:
    """The private keys in one value, each once."""
    seen: list[Any] = []
    for key in private_keys(value):
        if key.content not in seen:
            seen.append(key.content)
            yield key
