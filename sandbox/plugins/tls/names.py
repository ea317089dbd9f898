"""Distinguished names and alternative names as Go's crypto/x509 writes them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from sandbox.plugins.resource import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.plugins.property_values import Properties

# The order of pkix.Name.ToRDNSequence. Go drops every other attribute when it reads a name and writes it again.
ORDER: Final = (
    (NameOID.COUNTRY_NAME, "country"),
    (NameOID.ORGANIZATION_NAME, "organization"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "organizationalUnit"),
    (NameOID.LOCALITY_NAME, "locality"),
    (NameOID.STATE_OR_PROVINCE_NAME, "province"),
    (NameOID.STREET_ADDRESS, "streetAddresses"),
    (NameOID.POSTAL_CODE, "postalCode"),
    (NameOID.COMMON_NAME, "commonName"),
    (NameOID.SERIAL_NUMBER, "serialNumber"),
)
SINGLE: Final = (NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER)
PRINTABLE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 '()+,-./:=?")


def distinguished_name(subject: Properties) -> x509.Name:
    """The name for a `subject` input. An e-mail address comes last, as an IA5String."""
    values = {oid: _values(oid, subject.get(field)) for oid, field in ORDER}
    email = subject.get("emailAddress")
    rdns = list(_in_order(values))
    if email is not None:
        address = x509.NameAttribute(NameOID.EMAIL_ADDRESS, email, _ASN1Type.IA5String, _validate=False)
        rdns.append(x509.RelativeDistinguishedName([address]))
    return x509.Name(rdns)


def reencoded(name: x509.Name) -> x509.Name:
    """A request's name as Go writes it into the certificate: only the attributes Go knows, in Go's order."""
    values: dict[x509.ObjectIdentifier, list[str]] = {}
    for attribute in name:
        if isinstance(attribute.value, str):
            values.setdefault(attribute.oid, []).append(attribute.value)
    return x509.Name(list(_in_order({oid: found[-1:] if oid in SINGLE else found for oid, found in values.items()})))


def _values(oid: x509.ObjectIdentifier, value: Any) -> list[str]:
    if value is None or (oid in SINGLE and value == ""):
        return []
    return value if isinstance(value, list) else [value]


def _in_order(values: dict[x509.ObjectIdentifier, list[str]]) -> Iterable[x509.RelativeDistinguishedName]:
    for oid, _ in ORDER:
        if values.get(oid):
            yield x509.RelativeDistinguishedName([_attribute(oid, value) for value in values[oid]])


def _attribute(oid: x509.ObjectIdentifier, value: str) -> x509.NameAttribute[str]:
    kind = _ASN1Type.PrintableString if PRINTABLE.issuperset(value) else _ASN1Type.UTF8String
    return x509.NameAttribute(oid, value, kind, _validate=False)


def alternative_names(plan: Properties) -> list[x509.GeneralName]:
    """The alternative names in the inputs: DNS names, then IP addresses, then URIs."""
    names: list[x509.GeneralName] = [x509.DNSName(_ascii(name)) for name in plan["dnsNames"] or []]
    names += [x509.IPAddress(_address(text)) for text in plan["ipAddresses"] or []]
    return names + [x509.UniformResourceIdentifier(_ascii(uri)) for uri in plan["uris"] or []]


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as refused:
        raise PluginError(f'Invalid IP address: Failed to parse "{text}"') from refused
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _ascii(text: str) -> str:
    if not text.isascii():
        raise PluginError(f'Failed to create certificate: x509: "{text}" cannot be encoded as an IA5String')
    return text


def requested_alternative_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    """The alternative names that a certificate takes from its request: DNS names, IP addresses and URIs; e-mail addresses are dropped."""
    try:
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [name for kind in (x509.DNSName, x509.IPAddress, x509.UniformResourceIdentifier) for name in names if isinstance(name, kind)]
