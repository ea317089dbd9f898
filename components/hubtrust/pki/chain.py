"""A chain of certificate authorities: put in order, and judged before anything trusts it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from hubtrust.pki.certificate import display, load_certificates, pem
from hubtrust.pki.errors import ChainError, KeyMismatchError, PathLengthError
from hubtrust.pki.keys import PublicKey, key_thumbprint
from hubtrust.pki.name_constraints import require_names_allowed
from hubtrust.pki.profile import (
    authority_key_identifier,
    path_length,
    require_authority,
    require_end_entity,
    self_issued,
    subject_key_identifier,
)

_LONGEST = 10  # certificates; Azure's and OpenSSL's TLS stacks stop at about as many


@dataclass(frozen=True, slots=True)
class Chain:
    """A judged chain: the issuing authority first, then each one's issuer, up to the last that was given."""

    certificates: tuple[x509.Certificate, ...]
    notices: tuple[str, ...] = ()  # what was put right or is worth knowing, one line each

    @property
    def issuing(self) -> x509.Certificate:
        """The authority that signs devices."""
        return self.certificates[0]

    @property
    def top(self) -> x509.Certificate:
        """The root, or the highest certificate that was given."""
        return self.certificates[-1]

    def of_key(self, key: PublicKey) -> x509.Certificate:
        """The certificate whose key this is.

        Raises:
            KeyMismatchError: it is the key of none.
        """
        for certificate in self.certificates:
            if certificate.public_key() == key:
                return certificate
        what, named = f"the key {key_thumbprint(key)[:16]}…", ", ".join(display(one) for one in self.certificates)
        raise KeyMismatchError(what, f"it belongs to none of {named}", "give the key of one of them, or the chain that it belongs to")

    @property
    def pem(self) -> str:
        """All certificates as PEM, issuing authority first."""
        return "".join(pem(certificate) for certificate in self.certificates)


def load_chain(text: str, *, what: str, now: datetime) -> Chain:
    """The chain in PEM ``text``, in any order, judged at ``now`` (aware).

    Raises:
        PkiError: see ``load_certificates``, ``order`` and ``validate``.
    """
    given = load_certificates(text, what=what)
    ordered = order(given, what=what)
    validate(ordered, now=now)
    notices = []
    unique = list(dict.fromkeys(given))
    if len(unique) < len(given):
        notices.append(f"{what}: a certificate stands in it twice; it was taken once")
    if unique != list(ordered):
        notices.append(f"{what}: the certificates were put in order: {' < '.join(display(one) for one in ordered)}")
    if not self_issued(ordered[-1]):
        notices.append(
            f"{what}: the chain ends at {display(ordered[-1])}; its issuer '{ordered[-1].issuer.rfc4514_string()}' was not given"
        )
    return Chain(ordered, tuple(notices))


def order(certificates: Sequence[x509.Certificate], *, what: str) -> tuple[x509.Certificate, ...]:
    """The certificates as one chain, issuing authority first; PEM order carries no meaning, the links do (RFC 8446 4.4.2).

    A root may be missing at the top; nothing may be missing in between, and nothing may be left over.

    Raises:
        ChainError: a gap, several chains (a bundle), a cycle, two issuers for one certificate, or a chain that is too long.
    """
    unique = list(dict.fromkeys(certificates))
    if len(unique) > _LONGEST:
        raise ChainError(what, f"there are {len(unique)} certificates in it", f"give one chain of at most {_LONGEST}, not a bundle")
    issuers = {one: _issuer_among(one, unique) for one in unique}
    ends = [one for one in unique if one not in issuers.values()]
    if not ends:
        raise ChainError(what, "its certificates sign each other in a circle", "give the chain from the issuing authority to the root")
    if len(ends) > 1:
        raise _separate(ends, issuers, what)
    chain = [ends[0]]
    while (issuer := issuers[chain[-1]]) is not None:
        if issuer in chain:
            raise ChainError(what, "its certificates sign each other in a circle", "give the chain from the issuing authority to the root")
        chain.append(issuer)
    return tuple(chain)


def validate(chain: Sequence[x509.Certificate], *, now: datetime) -> None:
    """Every certificate of ``chain`` (issuing authority first) is an authority, and each is rightly issued by the next.

    Raises:
        PkiError: the first rule broken, from the top down.
    """
    for place in reversed(range(len(chain))):
        require_authority(chain[place], now=now)
        _require_link(chain[place], chain[place + 1 :])
    if self_issued(chain[-1]):
        require_signed_by(chain[-1], chain[-1])


def validate_leaf(leaf: x509.Certificate, chain: Chain, *, now: datetime) -> None:
    """``leaf`` (a device's certificate, a proof) is rightly issued by ``chain`` and may be used at ``now``.

    Raises:
        PkiError: the first rule broken.
    """
    require_end_entity(leaf, now=now)
    _require_link(leaf, chain.certificates, leaf=True)


def require_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """``issuer``'s name, key identifier and key stand behind ``certificate``.

    Raises:
        ChainError: one of them does not.
    """
    what, by = display(certificate), display(issuer)
    if certificate.issuer != issuer.subject:
        raise ChainError(what, f"it was issued by '{certificate.issuer.rfc4514_string()}', not by {by}", "give its own issuer")
    wanted, has = authority_key_identifier(certificate), subject_key_identifier(issuer)
    if wanted is not None and has is not None and wanted != has:
        raise ChainError(what, f"it names the issuer's key {wanted.hex().upper()} and {by} has {has.hex().upper()}", "give its own issuer")
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        raise ChainError(what, f"its signature does not verify with the key of {by}", "give the certificate that signed it") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        fact = "its signature algorithm is not understood, or stands in it in two versions that differ (RFC 5280 4.1.1.2)"
        raise ChainError(what, fact, "have it issued again with SHA-256") from None


def _require_link(certificate: x509.Certificate, above: Sequence[x509.Certificate], *, leaf: bool = False) -> None:
    if not above:
        return
    require_signed_by(certificate, above[0])
    if leaf or not self_issued(certificate):
        require_names_allowed(certificate, above)
    below = 0 if leaf or self_issued(certificate) else 1
    for authority in above:
        allowed = path_length(authority)
        if allowed is not None and below > allowed:
            fact = f"{below} {'authority stands' if below == 1 else 'authorities stand'} below it and its path length allows {allowed}"
            raise PathLengthError(display(authority), f"{fact} (RFC 5280 4.2.1.9)", "leave one out or have the upper one issued anew")
        below += 0 if self_issued(authority) else 1


def _issuer_among(certificate: x509.Certificate, given: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """The certificate that signed this one; None for a self-signed one and where the issuer was not given."""
    if self_issued(certificate) and _signed(certificate, certificate):
        return None
    named = [one for one in given if one is not certificate and one.subject == certificate.issuer]
    signed = [one for one in named if _signed(certificate, one)]
    if named and not signed:
        require_signed_by(certificate, named[0])  # raises, and says which link is broken
    if len(signed) > 1:
        fact = f"two certificates of its issuer were given: {' and '.join(display(one) for one in signed)}"
        raise ChainError(display(certificate), fact, "give the one that the hub shall trust")
    return signed[0] if signed else None


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        require_signed_by(certificate, issuer)
    except ChainError:
        return False
    return True


def _separate(ends: list[x509.Certificate], issuers: dict[x509.Certificate, x509.Certificate | None], what: str) -> ChainError:
    """Which of the two it is: a gap in one chain, or a bundle of several."""
    for certificate, issuer in issuers.items():
        if issuer is None and not self_issued(certificate):
            missing = certificate.issuer.rfc4514_string()
            fact = f"{display(certificate)} was issued by '{missing}', which is not among the {len(issuers)} given"
            return ChainError(
                what, f"there is a gap: {fact}", "add the missing certificate, or leave out what does not belong to the chain"
            )
    fact = f"there are {len(ends)} chains in it, ending in {', '.join(display(one) for one in ends)}"
    return ChainError(what, fact, "give one chain, not a bundle")
