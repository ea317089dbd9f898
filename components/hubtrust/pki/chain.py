"""A chain of certificate authorities: put into order and validated before it is used (RFC 5280 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.x509.oid import PublicKeyAlgorithmOID

from hubtrust.pki.certificate import Certificate, display, load_certificates, pem
from hubtrust.pki.errors import ChainError, KeyMismatchError, PathLengthError, PkiError
from hubtrust.pki.keys import PublicKey, key_thumbprint
from hubtrust.pki.name_constraints import require_names_allowed
from hubtrust.pki.names import same_name
from hubtrust.pki.profile import (
    authority_key_identifier,
    is_self_issued,
    path_length,
    require_authority,
    require_end_entity,
    require_may_sign,
    subject_key_identifier,
)

_MOST_CERTIFICATES = 10  # Azure's and OpenSSL's TLS stacks have about the same limit


@dataclass(frozen=True, slots=True)
class Chain:
    """A valid chain: the issuing authority, then its issuer, and so on up to the highest certificate that was given."""

    certificates: tuple[Certificate, ...]
    notices: tuple[str, ...] = ()  # what was corrected or is worth knowing, one line each

    @property
    def issuing(self) -> Certificate:
        """The authority that signs devices."""
        return self.certificates[0]

    @property
    def top(self) -> Certificate:
        """The root, or the highest certificate that was given without it."""
        return self.certificates[-1]

    def of_key(self, key: PublicKey) -> Certificate:
        """The certificate that belongs to ``key``.

        Raises:
            KeyMismatchError: the key belongs to no certificate of the chain.
        """
        for certificate in self.certificates:
            if certificate.public_key() == key:
                return certificate
        what, named = f"the key {key_thumbprint(key)[:16]}…", ", ".join(display(certificate) for certificate in self.certificates)
        raise KeyMismatchError(what, f"it belongs to none of {named}", "give the key of one of them, or the chain that this key belongs to")

    @property
    def pem(self) -> str:
        """All certificates as PEM, the issuing authority first."""
        return "".join(pem(certificate) for certificate in self.certificates)


def load_chain(text: str, *, what: str, now: datetime) -> Chain:
    """The chain in the PEM ``text``, in any order, validated at ``now`` (aware).

    Raises:
        PkiError: see ``load_certificates``, ``order`` and ``validate``; or the issuing authority's key can sign nothing that is accepted.
    """
    given = load_certificates(text, what=what)
    ordered = order(given, what=what)
    validate(ordered, now=now)
    require_may_sign(ordered[0])
    notices = []
    unique = list(dict.fromkeys(given))
    if len(unique) < len(given):
        notices.append(f"{what}: it contains a certificate twice; the second one is ignored")
    if unique != list(ordered):
        notices.append(f"{what}: the certificates were put into order: {' < '.join(display(certificate) for certificate in ordered)}")
    if not is_self_issued(ordered[-1]):
        notices.append(f"{what}: the chain ends at {display(ordered[-1])}; its issuer '{ordered[-1].issuer.rfc4514_string()}' is not in it")
    return Chain(ordered, tuple(notices))


def order(certificates: Sequence[Certificate], *, what: str) -> tuple[Certificate, ...]:
    """The certificates as one chain, the issuing authority first. Their order in a file means nothing (RFC 8446 4.4.2).

    The root may be missing, but no certificate in between, and every certificate must belong to the chain.

    Raises:
        ChainError: a certificate is missing, there are several chains, they form a loop, one has two issuers, or there are too many.
    """
    unique = list(dict.fromkeys(certificates))
    if len(unique) > _MOST_CERTIFICATES:
        raise ChainError(what, f"it contains {len(unique)} certificates", f"give one chain of at most {_MOST_CERTIFICATES}, not a bundle")
    issuers = {certificate: _issuer_among(certificate, unique) for certificate in unique}
    lowest = [certificate for certificate in unique if certificate not in issuers.values()]
    if len(lowest) > 1:
        raise _not_one_chain_error(lowest, issuers, what)
    chain: list[Certificate] = []
    above = lowest[0] if lowest else None
    while above is not None and above not in chain:
        chain.append(above)
        above = issuers[above]
    if above is not None or not lowest:
        raise ChainError(what, "its certificates sign each other in a loop", "give the chain from the issuing authority to the root")
    return tuple(chain)


def validate(chain: Sequence[Certificate], *, now: datetime) -> None:
    """Check that every certificate of ``chain`` (the issuing authority first) is a valid authority, issued by the next one.

    Raises:
        PkiError: the first violation, from the root downwards.
    """
    for place in reversed(range(len(chain))):
        require_authority(chain[place], now=now)
        _require_link(chain[place], chain[place + 1 :])
    if is_self_issued(chain[-1]):
        require_signed_by(chain[-1], chain[-1])


def require_linked(path: Sequence[Certificate]) -> None:
    """Check that every certificate of ``path`` was issued by the next one and is allowed by all above it. What they are is not checked.

    Raises:
        ChainError: the first violation.
    """
    for place, certificate in enumerate(path):
        _require_link(certificate, path[place + 1 :])


def validate_leaf(leaf: Certificate, chain: Chain, *, now: datetime) -> None:
    """Check that ``chain`` issued ``leaf`` (the certificate of a device, or a proof), and that it is valid at ``now``.

    Raises:
        PkiError: the first violation.
    """
    validate_issued(leaf, chain.certificates, leaf=True, now=now)


def validate_issued(certificate: Certificate, above: Sequence[Certificate], *, leaf: bool, now: datetime) -> None:
    """Check that the first authority of ``above`` issued ``certificate``, that all of them allow it, and that it is valid at ``now``.

    ``above`` are valid themselves. ``leaf``: it is that of a device, and not an authority's.

    Raises:
        PkiError: the first violation.
    """
    if leaf:
        require_end_entity(certificate, now=now)
    else:
        require_authority(certificate, now=now)
    _require_link(certificate, above, leaf=leaf)


def path_upwards(given: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """The first certificate of ``given``, its issuer among the others, and so on. Others that are given are left out."""
    path, others = [given[0]], list(given[1:])
    while not is_self_issued(path[-1]) and (issuer := next((one for one in others if _is_signed_by(path[-1], one)), None)):
        others.remove(issuer)
        path.append(issuer)
    return tuple(path)


def require_signed_by(certificate: Certificate, issuer: Certificate) -> None:
    """Check that ``issuer`` issued ``certificate``, by its issuer name, authority key identifier and signature.

    Raises:
        ChainError: one of them does not match.
    """
    remedy = "give the certificate of its issuer"  # names of certificates are only made for errors: thousands are checked in a batch
    if not same_name(certificate.issuer, issuer.subject):
        raise ChainError(
            display(certificate), f"it was issued by '{certificate.issuer.rfc4514_string()}', not by {display(issuer)}", remedy
        )
    wanted, has = authority_key_identifier(certificate), subject_key_identifier(issuer)
    if wanted is not None and has is not None and wanted != has:
        fact = f"its authority key identifier is {wanted.hex().upper()}, and the key identifier of {display(issuer)} is {has.hex().upper()}"
        raise ChainError(display(certificate), fact, remedy)
    if issuer.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS and not certificate.has_pss_signature:
        fact = f"its signature is PKCS#1 v1.5, and the key of {display(issuer)} is for RSASSA-PSS alone (RFC 4055)"
        raise ChainError(display(certificate), fact, "have it reissued with a signature of RSASSA-PSS")
    if not certificate.has_one_signature_algorithm:
        raise ChainError(display(certificate), "its two signature algorithm fields differ (RFC 5280 4.1.1.2)", "have it reissued")
    match certificate.is_signed_by(issuer.public_key()):
        case False:
            fact = f"its signature does not verify with the key of {display(issuer)}"
            raise ChainError(display(certificate), fact, "give the certificate that signed it")
        case None:
            fact = f"its signature algorithm {certificate.signature_algorithm} is not supported with the key of {display(issuer)}"
            raise ChainError(display(certificate), fact, "have it reissued with SHA-256")


def _require_link(certificate: Certificate, above: Sequence[Certificate], *, leaf: bool = False) -> None:
    if not above:
        return
    require_signed_by(certificate, above[0])
    if leaf or not is_self_issued(certificate):
        require_names_allowed(certificate, above, leaf=leaf)
    require_path_lengths(above, below=0 if leaf or is_self_issued(certificate) else 1)


def require_path_lengths(above: Sequence[Certificate], *, below: int) -> None:
    """Check that each authority of ``above`` allows the authorities below it; ``below`` is how many are below the first.

    Raises:
        PathLengthError: one does not.
    """
    for authority in above:
        allowed = path_length(authority)
        if allowed is not None and below > allowed:
            fact = f"{below} {'authority is' if below == 1 else 'authorities are'} below it and its path length allows {allowed}"
            raise PathLengthError(
                display(authority), f"{fact} (RFC 5280 4.2.1.9)", "remove one of them, or have this one reissued with a larger path length"
            )
        below += 0 if is_self_issued(authority) else 1


def _issuer_among(certificate: Certificate, given: Sequence[Certificate]) -> Certificate | None:
    """The certificate among ``given`` that signed this one; None if it is self-signed or its issuer was not given."""
    if is_self_issued(certificate) and _is_signed_by(certificate, certificate):
        return None
    named = [other for other in given if other is not certificate and same_name(other.subject, certificate.issuer)]
    signed = [issuer for issuer in named if _is_signed_by(certificate, issuer)]
    if named and not signed:
        require_signed_by(certificate, named[0])  # raises the error that says what is wrong
    if len(signed) > 1:
        fact = f"two certificates of its issuer were given: {' and '.join(display(issuer) for issuer in signed)}"
        raise ChainError(display(certificate), fact, "give only the certificate that the hub is to trust")
    return signed[0] if signed else None


def _is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        require_signed_by(certificate, issuer)
    except PkiError:
        return False
    return True


def _not_one_chain_error(lowest: list[Certificate], issuers: dict[Certificate, Certificate | None], what: str) -> ChainError:
    """The error for certificates that are not one chain: one is missing, or there are several chains."""
    for certificate, issuer in issuers.items():
        if issuer is None and not is_self_issued(certificate):
            missing = certificate.issuer.rfc4514_string()
            fact = f"{display(certificate)} was issued by '{missing}', which is not among the {len(issuers)} given"
            remedy = "add the missing certificate, or remove the certificates that don't belong to the chain"
            return ChainError(what, f"a certificate is missing: {fact}", remedy)
    fact = f"it contains {len(lowest)} chains, which end in {', '.join(display(certificate) for certificate in lowest)}"
    return ChainError(what, fact, "give one chain, not a bundle")
