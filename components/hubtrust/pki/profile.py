"""What RFC 5280 requires of a single certificate, independent of the other certificates in its chain.

Section 4 is for whoever issues: ``require_authority`` and ``require_end_entity`` hold what is issued here to it. Section 6 is for whoever
validates a path: ``require_may_sign`` holds every authority to it, and ``departures`` tells where it falls short of section 4.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from hubtrust.pki.certificate import Certificate, display, rfc3339
from hubtrust.pki.errors import NotAnAuthorityError, NotValidNowError, ProfileError, WeakError
from hubtrust.pki.keys import require_strong_key
from hubtrust.pki.names import same_name

_NO_IDENTIFIER = x509.AuthorityKeyIdentifier(None, None, None)
_E = TypeVar("_E", bound=x509.ExtensionType)
_REISSUE = "have it reissued"
_STRONG_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_VERSION_3 = 3  # the first with extensions (RFC 5280 4.1.2.1)
_LONGEST_SERIAL = 20 * 8  # bits: RFC 5280 4.1.2.2
_LIKELY_CLOCK_ERROR = timedelta(hours=1)  # a certificate that starts this soon is one that a slow clock sees too early
# Whether RFC 5280 wants an extension to be critical, and the section that says so.
_MUST_BE_CRITICAL = {
    ExtensionOID.BASIC_CONSTRAINTS: (True, "4.2.1.9"),
    ExtensionOID.NAME_CONSTRAINTS: (True, "4.2.1.10"),
    ExtensionOID.POLICY_CONSTRAINTS: (True, "4.2.1.11"),
    ExtensionOID.INHIBIT_ANY_POLICY: (True, "4.2.1.14"),
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: (False, "4.2.1.1"),
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: (False, "4.2.1.2"),
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS: (False, "4.2.2.1"),
    ExtensionOID.SUBJECT_INFORMATION_ACCESS: (False, "4.2.2.2"),
}
_NO_USAGE = x509.KeyUsage(*[False] * 9)
# Extensions that may be critical: those that are validated, and policies: `policies.py` says when devices would need one.
_SUPPORTED = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.NAME_CONSTRAINTS,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.POLICY_CONSTRAINTS,
    ExtensionOID.POLICY_MAPPINGS,
    ExtensionOID.INHIBIT_ANY_POLICY,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,  # they only say where lists are; Azure reads none
}


def require_authority(certificate: Certificate, *, now: datetime) -> None:
    """Check what RFC 5280 section 4 requires of an authority's certificate that is issued here, and that it is valid at ``now``.

    This is for issuers. An authority from elsewhere is held to ``require_may_sign``; see ``departures`` for the difference.

    Raises:
        NotAnAuthorityError, KeyEncodingError, NotValidNowError, WeakError, ProfileError: the first violation.
    """
    require_may_sign(certificate)
    _require_issued_well(certificate, now=now)


def require_end_entity(certificate: Certificate, *, now: datetime) -> None:
    """Check that ``certificate`` is a valid end entity certificate at ``now``. What its key may be used for is the issuer's matter.

    Raises:
        NotValidNowError, WeakError, ProfileError: the first violation.
    """
    what = display(certificate)
    found = certificate.extensions
    _require_readable_names(certificate, what)
    constraints, usage = _value(found, x509.BasicConstraints), _value(found, x509.KeyUsage)
    if usage is not None and usage.key_cert_sign and not (constraints and constraints.ca):
        raise ProfileError(what, "its key usage has keyCertSign, but it is not a CA (RFC 5280 4.2.1.3)", _REISSUE)
    if any(extension.oid == ExtensionOID.NAME_CONSTRAINTS for extension in found) and not (constraints and constraints.ca):
        raise ProfileError(what, "it has name constraints, but it is not a CA (RFC 5280 4.2.1.10)", _REISSUE)
    if usage is not None and usage == _NO_USAGE:
        raise ProfileError(what, "its key usage allows nothing (RFC 5280 4.2.1.3)", _REISSUE)
    require_strong_key(certificate.public_key(), what=what)
    _require_known_extensions(found, what)
    _require_issued_well(certificate, now=now)


def _require_issued_well(certificate: Certificate, *, now: datetime) -> None:
    what = display(certificate)
    if found := departures(certificate):
        raise ProfileError(what, found[0], _REISSUE)
    require_strong_signature(certificate)
    require_valid_at(certificate, now=now)


def require_may_sign(certificate: Certificate) -> None:
    """Check what certification paths require of the authority that signs (RFC 5280 6.1.4): without it, no device could connect.

    Its dates are checked elsewhere, and so is its own signature, which nobody checks of the certificate that is trusted.

    Raises:
        NotAnAuthorityError: it is no CA, its key usage lacks keyCertSign, or its extended key usage excludes devices.
        KeyEncodingError, WeakError: see ``require_usable_key`` and ``require_strong_key``.
        ProfileError: it has a critical extension that nobody here can judge, a malformed one, or one twice.
    """
    what = display(certificate)
    found = certificate.extensions
    _require_readable_names(certificate, what)
    if not is_authority(certificate):
        constraints = _value(found, x509.BasicConstraints)
        fact = "it is not a CA: basicConstraints is missing" if constraints is None else "it is not a CA: basicConstraints has cA false"
        raise NotAnAuthorityError(what, f"{fact} (RFC 5280 4.2.1.9)", "give the certificate of the authority that signs devices")
    usage = _value(found, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise NotAnAuthorityError(what, "its key usage lacks keyCertSign (RFC 5280 4.2.1.3)", "have it reissued with keyCertSign")
    if not _serves_clients(found):
        fact = "its extended key usage lacks clientAuth (RFC 5280 4.2.1.12)"
        raise NotAnAuthorityError(what, fact, "use an authority for client certificates")
    certificate.require_usable_key()
    require_strong_key(certificate.public_key(), what=what)
    _require_known_extensions(found, what)


def departures(certificate: Certificate) -> list[str]:
    """What RFC 5280 section 4 requires of whoever issues a certificate, and this one lacks: a fact each, with the section.

    Section 6, by which paths are judged, requires none of it: devices connect anyway.

    Raises:
        ProfileError: an extension is malformed, or occurs twice.
    """
    facts, found = [], certificate.extensions
    if not 0 < certificate.serial_number < 1 << _LONGEST_SERIAL:
        facts.append("its serial number is not a positive number of at most 20 octets (RFC 5280 4.1.2.2)")
    if is_authority(certificate):
        facts += _departures_of_authority(certificate, found)
    for extension in found:
        critical, section = _MUST_BE_CRITICAL.get(extension.oid, (None, ""))
        if critical is not None and extension.critical is not critical:
            facts.append(
                f"its extension {_extension_name(extension.oid)} is {'' if extension.critical else 'not '}critical (RFC 5280 {section})"
            )
    if not is_self_issued(certificate) and (authority_key_identifier(certificate) or _NO_IDENTIFIER).key_identifier is None:
        facts.append("it has no authority key identifier (RFC 5280 4.2.1.1)")
    return facts


def _departures_of_authority(certificate: Certificate, found: x509.Extensions) -> Iterator[str]:
    if certificate.version < _VERSION_3:
        yield f"it is of version {certificate.version}, which has no extensions (RFC 5280 4.1.2.1)"
    if not list(certificate.subject):
        yield "its subject is empty (RFC 5280 4.1.2.6)"
    if _value(found, x509.KeyUsage) is None:
        yield "it has no key usage extension (RFC 5280 4.2.1.3)"
    if _value(found, x509.SubjectKeyIdentifier) is None:
        yield "it has no subject key identifier (RFC 5280 4.2.1.2)"


def require_valid_at(certificate: Certificate, *, now: datetime) -> None:
    """Check that ``certificate`` is valid at ``now`` (RFC 5280 4.1.2.5): both dates are included, fractions of a second are ignored.

    Raises:
        NotValidNowError: it has expired, or is not valid yet.
    """
    moment = now.replace(microsecond=0)
    if moment > certificate.not_valid_after_utc:
        fact = f"it expired on {rfc3339(certificate.not_valid_after_utc)}"
        raise NotValidNowError(display(certificate), fact, "renew it and give the new certificate")
    if moment < certificate.not_valid_before_utc:
        fact = f"it is not valid before {rfc3339(certificate.not_valid_before_utc)}, and the time here is {rfc3339(now)}"
        raise NotValidNowError(display(certificate), fact, _when_early(certificate, moment))


def _when_early(certificate: Certificate, moment: datetime) -> str:
    """The remedy for a certificate that is not valid yet. Nothing shows whether this clock is slow, or the issuer's was fast."""
    if certificate.not_valid_before_utc - moment < _LIKELY_CLOCK_ERROR:
        return "correct this machine's clock"
    return "wait until then, correct this machine's clock if it is behind, or have it reissued with an earlier start"


def require_strong_signature(certificate: Certificate) -> None:
    """Check the hash of its signature. Of the certificate that is trusted, and of those above it, nobody checks the signature.

    Raises:
        WeakError: it is not SHA-256, SHA-384 or SHA-512.
    """
    if not isinstance(certificate.signature_hash_algorithm, _STRONG_HASHES):
        fact = f"it is signed with {certificate.signature_algorithm}"
        raise WeakError(display(certificate), fact, "have it reissued with SHA-256 or stronger")


def can_be_sent(certificate: Certificate) -> bool:
    """Whether TLS libraries send it in a chain: OpenSSL loads no CA with a small key, or with a signature of SHA-1 unless it is its own."""
    try:
        require_strong_key(certificate.public_key(), what="")
        if not is_self_issued(certificate):
            require_strong_signature(certificate)
    except WeakError:
        return False
    return True


def is_self_issued(certificate: Certificate) -> bool:
    """Whether subject and issuer are the same name. Such certificates don't count in path lengths (RFC 5280 4.2.1.9)."""
    return same_name(certificate.subject, certificate.issuer)


def is_authority(certificate: Certificate) -> bool:
    """Whether its basic constraints say that it is a CA (RFC 5280 4.2.1.9).

    A root of version 1 can't say so, and is one if it is trusted (RFC 5280 6.1.4 k); OpenSSL sees it in the same way.
    """
    constraints = _value(certificate.extensions, x509.BasicConstraints)
    if constraints is None:
        return certificate.version == 1 and is_self_issued(certificate) and _may_be_self_signed(certificate)
    return constraints.ca


def _may_be_self_signed(certificate: Certificate) -> bool:
    """Whether its signature is of an algorithm for its own key; whether it is good does not matter, as for OpenSSL."""
    try:
        return certificate.is_signed_by(certificate.public_key()) is not None
    except WeakError:
        return True  # it is refused for its key


def path_length(certificate: Certificate) -> int | None:
    """How many authorities may be below this one; None if unlimited, or if this is not an authority."""
    constraints = _value(certificate.extensions, x509.BasicConstraints)
    return constraints.path_length if constraints else None


def subject_key_identifier(certificate: Certificate) -> bytes | None:
    """The extension's value; None if it is absent (RFC 5280 4.2.1.2)."""
    value = _value(certificate.extensions, x509.SubjectKeyIdentifier)
    return value.digest if value else None


def authority_key_identifier(certificate: Certificate) -> x509.AuthorityKeyIdentifier | None:
    """The extension's value; None if it is absent (RFC 5280 4.2.1.1)."""
    return _value(certificate.extensions, x509.AuthorityKeyIdentifier)


def _serves_clients(found: x509.Extensions) -> bool:
    """Whether the extended key usage allows clients, as each one of a path must (RFC 5280 4.2.1.12; OpenSSL holds authorities to it)."""
    purposes = _value(found, x509.ExtendedKeyUsage)
    return purposes is None or bool({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(purposes))


def _require_readable_names(certificate: Certificate, what: str) -> None:
    if fact := certificate.unreadable_name:
        raise ProfileError(what, f"{fact}, with which OpenSSL can't read the certificate", "have it reissued with names in UTF8String")


def _require_known_extensions(found: x509.Extensions, what: str) -> None:
    for extension in found:
        if extension.critical and extension.oid not in _SUPPORTED:
            raise ProfileError(what, f"its critical extension {extension.oid.dotted_string} is not supported (RFC 5280 4.2)", _REISSUE)


def _value(found: x509.Extensions, kind: type[_E]) -> _E | None:
    try:
        return found.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _extension_name(oid: x509.ObjectIdentifier) -> str:
    return oid._name  # noqa: SLF001 - the only place where cryptography keeps the extension's name
