"""Rules of what a hub trusts: proof, custody, and that no two environments trust the same CA."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .certificates import UnreadableError, authorities, name_of, thumbprints
from .declared import CONNECTION_CHECK, ISSUED_BATCH, ISSUED_CERTIFICATE, SIGNING_KEY, UNKNOWN, VERIFIED_CERTIFICATE, items

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .declared import Declared

    Settings = Mapping[str, Any]

_SIGNING = {VERIFIED_CERTIFICATE, ISSUED_CERTIFICATE, ISSUED_BATCH, CONNECTION_CHECK, SIGNING_KEY}


def proof_required(resource: Declared, _settings: Settings) -> Iterator[str]:
    """A CA is trusted because possession of its key was proven, never because somebody said so.

    Reason: `attest`, and `isVerified` in a resource of azure-native or of the classic provider, have the hub let in the devices of
    whoever holds that certificate's key, and a certificate is public.
    Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-prove-possession.
    """
    if resource.type == VERIFIED_CERTIFICATE:
        if resource.need("attest") is True:
            yield "attest is set, so nothing is proven: take it out and say where the key is (signer), or give the proof (proofCertificate)"
        return
    if resource.type.startswith("azure"):
        for path in (("isVerified",), ("properties", "isVerified")):
            if resource.need(*path) is True:
                yield f"{'.'.join(path)} is true, so nothing is proven: declare a VerifiedCertificate for this certificate instead"


def custody_allowed(resource: Declared, settings: Settings) -> Iterator[str]:
    """The key of a CA is kept where this environment allows: `allowed`, of state, key-vault, pkcs11, offline.

    Reason: a key in the state is as safe as the state's secrets provider and everybody who may decrypt it; a vault or a token never
    gives the key away.
    Source: NIST SP 800-57 part 2 rev. 1, 2.3 (protection of private keys); CA/Browser Forum baseline requirements, 6.2.
    """
    if resource.type not in _SIGNING or resource.need("signer") is None:
        return
    custody, allowed = resource.need("signer", "custody"), settings["allowed"]
    if custody not in allowed:
        yield f"the CA's key has custody '{custody}' and this environment allows {', '.join(allowed)}: keep it there (hubtrust:caCustody)"


def authority_not_shared(resource: Declared, settings: Settings) -> Iterator[str]:
    """A CA that another environment trusts is not trusted here: `elsewhere` has environments and the SHA-256 of their CAs or CA keys.

    Reason: a hub lets in every device whose chain ends at a CA it trusts: with a CA in common, a device of staging is one of prod.
    Source: learn.microsoft.com/azure/iot-hub/iot-hub-x509-certificate-concepts; RFC 5280 6.1.1 (d), the trust anchor.
    """
    if resource.type != VERIFIED_CERTIFICATE:
        return
    for certificate in _readable(resource):
        for what, thumbprint in thumbprints(certificate).items():
            for environment, known in sorted(settings["elsewhere"].items()):
                if thumbprint in {str(each).replace(":", "").upper() for each in items(known)}:
                    whose = "this CA" if what == "certificate" else "the key of this CA"
                    fact = f"{whose}, {name_of(certificate)}, is one that {environment} trusts"
                    yield f"{fact}: make another (hubtrust:caGeneration), or import another"


def previous_generation(resources: Sequence[Declared], _settings: Settings) -> Iterator[tuple[str, str]]:
    """A hub trusts one generation of a CA; a previous one is there while devices move over, and no longer.

    Reason: a key that is no longer used is still a key that lets devices in; retire it once the last device has moved.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3 (cryptoperiods) and 8.3.4 (destruction).
    """
    standing: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for each in resources:
        generation = each.read("generation")
        if each.type == VERIFIED_CERTIFICATE and isinstance(generation, int | float):
            service = each.read("serviceId")
            # A hub that is not made yet has no id; everything of a name in one run is then taken to be on the same one.
            standing[str("" if service is UNKNOWN else service).lower(), str(each.read("name"))].append((generation, each.urn))
    for (_, name), found in standing.items():
        newest = max(found)[0]
        for generation, urn in sorted(found):
            if generation < newest:
                fact = f"generation {generation:g} of the CA '{name}' is still trusted beside generation {newest:g}"
                yield f"{fact}: once every device has moved over, stop keeping it (hubtrust:caKeepPrevious: false)", urn


def _readable(resource: Declared) -> Sequence[Any]:
    try:
        return authorities(resource)
    except UnreadableError:  # `path-length-set` says so
        return ()
