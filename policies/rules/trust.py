"""Rules for what a hub trusts: proof, and one generation at a time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .declarations import Fact, Kind, declaration
from .resource import UNKNOWN, VERIFIED_CERTIFICATE, on_each
from .scalars import number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .resource import Resource

    Settings = Mapping[str, Any]

POSSESSION, KEY_HELD = "possession", "key-held"  # of the four words of the output `proof`; no setting allows the other two
VERIFIED = "verified"  # the output `state`


def proof_required(resource: Resource, settings: Settings) -> Iterator[str]:
    """A CA is verified by proof of possession of its key; `allow` may add `key-held`. Nobody's word is enough.

    Reason: `attest`, and `isVerified` of azure-native's or the classic Azure provider's certificate, make the hub accept devices of
    whoever holds the key of that certificate. Certificates are public, so anyone could have supplied it. The same is true of a
    certificate that somebody else marked as verified: its output `proof` is then `found`, or `key-held` if the key is at least here,
    and another provider's certificate has no proof at all.
    Source: learn.microsoft.com/azure/iot-hub/tutorial-x509-prove-possession.
    """
    declared = declaration(resource)
    if declared is None or declared.kind is not Kind.CERTIFICATE:
        return
    called_verified = declared.known(Fact.VERIFIED) not in (None, False)
    if resource.type != VERIFIED_CERTIFICATE:
        if called_verified:
            fact = f"{declared.where(Fact.VERIFIED)} is {declared.read(Fact.VERIFIED)}, and nothing here proves possession"
            yield f"{fact}: declare a VerifiedCertificate for this certificate instead"
    elif called_verified:
        yield "attest is set, so possession is not proven: remove it, and set signer (where the key is) or proofCertificate (the proof)"
    else:
        yield from _unproven(resource, settings)


def proofs_at_the_end(resources: Sequence[Resource], settings: Settings) -> Iterator[tuple[str, str]]:
    """``proof_required`` for what a run found out, which no input shows: the output `proof`, and a certificate that is verified."""
    return on_each(resources, lambda each: proof_required(each, settings))


def _unproven(resource: Resource, settings: Settings) -> Iterator[str]:
    """Among inputs there is no `state`, so that nothing is reported before the step."""
    allowed = {POSSESSION} | ({KEY_HELD} & set(settings["allow"]))
    if resource.known("state") == VERIFIED and resource.known("proof") not in allowed:
        fact = f"the CA is verified, but its proof is {resource.read('proof') or 'missing'}, and this environment takes {_or(allowed)}"
        remedy = f"prove possession: set hubtrust:reprove to '{resource.read('etag')}', which removes its verification until it is proven"
        yield f"{fact}: {remedy}"


def _or(words: set[str]) -> str:
    return " or ".join(sorted(words, reverse=True))


def previous_generation(resources: Sequence[Resource], _settings: Settings) -> Iterator[tuple[str, str]]:
    """A hub trusts one generation of a CA; the previous one only while devices move to the new one.

    Reason: the hub still accepts devices of a CA that is no longer used, so remove it once the last device has moved.
    Source: NIST SP 800-57 part 1 rev. 5, 5.3 (cryptoperiods) and 8.3.4 (destruction).
    """
    generations: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
    for each in resources:
        generation = number(each.read("generation"))
        if each.type == VERIFIED_CERTIFICATE and generation is not None:
            service = each.read("serviceId")
            # A hub that does not exist yet has no id; certificates with one name in a run then count as being on the same hub.
            generations[str("" if service is UNKNOWN else service).lower(), str(each.read("name"))].append((generation, each.urn))
    for (_, name), found in generations.items():
        newest = max(found)[0]
        for generation, urn in sorted(found):
            if generation < newest:
                fact = f"generation {generation:g} of the CA '{name}' is still trusted together with generation {newest:g}"
                yield f"{fact}: remove it once every device has moved (hubtrust:caKeepPrevious: false)", urn
