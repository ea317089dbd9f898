"""The rule for what RFC 5280, section 4 asks of whoever issues a CA certificate; section 6, by which paths are judged, asks for less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .certificate import AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, KEY_USAGE, SUBJECT_KEY_IDENTIFIER
from .certificates import lets_devices_in, readable_ca_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .certificate import Certificate
    from .resource import Resource

    Settings = Mapping[str, Any]

_VERSION_3 = 3
_LONGEST_SERIAL = 8 * 20  # bits
_NAME_CONSTRAINTS, _POLICY_CONSTRAINTS, _INHIBIT_ANY_POLICY = "2.5.29.30", "2.5.29.36", "2.5.29.54"
# Whether an extension must be critical, its name, and where RFC 5280 says so.
_CRITICAL = {
    BASIC_CONSTRAINTS: (True, "basic constraints", "4.2.1.9"),
    _NAME_CONSTRAINTS: (True, "name constraints", "4.2.1.10"),
    _POLICY_CONSTRAINTS: (True, "policy constraints", "4.2.1.11"),
    _INHIBIT_ANY_POLICY: (True, "inhibit anyPolicy", "4.2.1.14"),
    SUBJECT_KEY_IDENTIFIER: (False, "subject key identifier", "4.2.1.2"),
    AUTHORITY_KEY_IDENTIFIER: (False, "authority key identifier", "4.2.1.1"),
}
_WEAK = {"md5", "sha1"}


def authority_profile(resource: Resource, _settings: Settings) -> Iterator[str]:
    """A CA certificate on a hub is as RFC 5280, section 4 asks its issuer to make it.

    Reason: devices connect below a CA that departs from it, as the services and OpenSSL judge paths by section 6. Other software that
    meets the certificate later may be stricter, and the CA's next certificate can have it right. Certificates issued here do.
    Source: RFC 5280 4.1.2 and 4.2.1; NIST SP 800-131A rev. 2, 9 (SHA-1).
    """
    if not lets_devices_in(resource):
        return
    for certificate in readable_ca_certificates(resource):
        facts = list(_departures(certificate))
        if facts:
            yield f"{certificate} departs from RFC 5280, section 4: {'; '.join(facts)}. Have the CA's next certificate issued without this"


def _departures(certificate: Certificate) -> Iterator[str]:
    if not 0 < certificate.serial < 1 << _LONGEST_SERIAL:
        yield "its serial number is not a positive number of at most 20 octets (4.1.2.2)"
    if certificate.version != _VERSION_3:
        yield f"it is of version {certificate.version} (4.1.2.1)"
    if certificate.subject.is_empty:
        yield "its subject is empty (4.1.2.6)"
    if certificate.is_self_issued and certificate.signature_hash in _WEAK:
        yield f"its signature on itself is by {certificate.signature_hash}, which can be forged"
    yield from _departures_of_extensions(certificate)


def _departures_of_extensions(certificate: Certificate) -> Iterator[str]:
    if certificate.extension(KEY_USAGE) is None:
        yield "it has no key usage (4.2.1.3)"
    if certificate.extension(SUBJECT_KEY_IDENTIFIER) is None:
        yield "it has no subject key identifier (4.2.1.2)"
    if certificate.extension(AUTHORITY_KEY_IDENTIFIER) is None and not certificate.is_self_issued:
        yield "it has no authority key identifier (4.2.1.1)"
    for kind, (critical, name, section) in _CRITICAL.items():
        found = certificate.extension(kind)
        if found and found.critical is not critical:
            yield f"its {name} extension is {'not ' if critical else ''}critical ({section})"
    if certificate.has_doubled_extensions:
        yield "it has an extension twice (4.2)"
