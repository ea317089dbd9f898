"""How one certificate of a path is tied to the next: by name, key identifier and signature, and by what is allowed above (RFC 5280 6.1)."""

from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import PublicKeyAlgorithmOID

from hubtrust.pki.certificate import Certificate, display
from hubtrust.pki.errors import ChainError, PathLengthError, PkiError
from hubtrust.pki.name_constraints import require_names_allowed
from hubtrust.pki.names import same_name
from hubtrust.pki.policies import require_no_policy_needed
from hubtrust.pki.profile import authority_key_identifier, is_self_issued, path_length, subject_key_identifier


def require_linked(path: Sequence[Certificate]) -> None:
    """Check that every certificate of ``path`` was issued by the next one and is allowed by all above it. What they are is not checked.

    Raises:
        ChainError: the first violation.
    """
    for place, certificate in enumerate(path):
        require_link(certificate, path[place + 1 :])


def require_link(certificate: Certificate, above: Sequence[Certificate], *, leaf: bool = False) -> None:
    """Check that the first authority of ``above`` issued ``certificate``, and that all of them allow it. ``leaf``: it is a device's.

    Raises:
        ChainError: see ``require_signed_by`` and ``require_path_lengths``; or an authority does not allow one of its names.
        ProfileError: see ``require_no_policy_needed``.
    """
    if not above:
        return
    require_signed_by(certificate, above[0])
    if leaf or not is_self_issued(certificate):
        require_names_allowed(certificate, above, leaf=leaf)
    require_path_lengths(above, below=0 if leaf or is_self_issued(certificate) else 1)
    if leaf:
        require_no_policy_needed(above)


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
    if fact := _misnamed_issuer(certificate, issuer):
        raise ChainError(display(certificate), fact, remedy)
    if issuer.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS and not certificate.has_pss_signature:
        fact = f"its signature is PKCS#1 v1.5, and the key of {display(issuer)} is for RSASSA-PSS only (RFC 4055)"
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


def _misnamed_issuer(certificate: Certificate, issuer: Certificate) -> str | None:
    """How the authority key identifier (RFC 5280 4.2.1.1) says that another certificate is the issuer's; None if it doesn't."""
    identifier = authority_key_identifier(certificate)
    if identifier is None:
        return None
    wanted, has = identifier.key_identifier, subject_key_identifier(issuer)
    if wanted is not None and has is not None and wanted != has:
        return f"its authority key identifier is {wanted.hex().upper()}, and the key identifier of {display(issuer)} is {has.hex().upper()}"
    number = identifier.authority_cert_serial_number
    above = [name.value for name in identifier.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    if (number is not None and number != issuer.serial_number) or (above and not same_name(above[0], issuer.issuer)):
        of = f" of '{above[0].rfc4514_string()}'" if above else ""
        fact = f"its authority key identifier names the certificate with the serial number {number or 0:X}{of}"
        return f"{fact}, and {display(issuer)} has {issuer.serial_number:X} of '{issuer.issuer.rfc4514_string()}'"
    return None


def may_be_issuer(issuer: Certificate, certificate: Certificate) -> bool:
    """Whether the authority key identifier of ``certificate`` leaves it open that ``issuer`` signed it."""
    try:
        return _misnamed_issuer(certificate, issuer) is None
    except PkiError:
        return True


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether ``require_signed_by`` finds nothing."""
    try:
        require_signed_by(certificate, issuer)
    except PkiError:
        return False
    return True
