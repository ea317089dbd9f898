"""Key usages (RFC 5280 4.2.1.3) and extended key usages (4.2.1.12) by terraform-provider-tls' names."""

from __future__ import annotations

from typing import Final

from cryptography import x509

# The bit of each usage in the KeyUsage BIT STRING.
KEY_USAGES: Final = {
    "digital_signature": 0,
    "content_commitment": 1,
    "key_encipherment": 2,
    "data_encipherment": 3,
    "key_agreement": 4,
    "cert_signing": 5,
    "crl_signing": 6,
    "encipher_only": 7,
    "decipher_only": 8,
}
EXTENDED_KEY_USAGES: Final = {
    "any_extended": "2.5.29.37.0",
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "ipsec_end_system": "1.3.6.1.5.5.7.3.5",
    "ipsec_tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec_user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "microsoft_server_gated_crypto": "1.3.6.1.4.1.311.10.3.3",
    "netscape_server_gated_crypto": "2.16.840.1.113730.4.1",
    "microsoft_commercial_code_signing": "1.3.6.1.4.1.311.2.1.22",
    "microsoft_kernel_code_signing": "1.3.6.1.4.1.311.61.1.1",
}
BITS_PER_BYTE: Final = 8


def key_usage(allowed_uses: list[str]) -> x509.UnrecognizedExtension | None:
    """The KeyUsage extension; None when no key usage is given.

    Encoded here because cryptography's own class refuses encipher_only without key_agreement, which Go accepts.
    """
    bits = {KEY_USAGES[use] for use in allowed_uses if use in KEY_USAGES}
    if not bits:
        return None
    size = max(bits) // BITS_PER_BYTE + 1
    octets = bytearray(size)
    for bit in bits:
        octets[bit // BITS_PER_BYTE] |= 0x80 >> bit % BITS_PER_BYTE
    unused = size * BITS_PER_BYTE - 1 - max(bits)
    value = bytes([0x03, size + 1, unused]) + bytes(octets)
    return x509.UnrecognizedExtension(x509.OID_KEY_USAGE, value)


def extended_key_usage(allowed_uses: list[str]) -> x509.ExtendedKeyUsage | None:
    """The ExtendedKeyUsage extension, in the order given; None when no extended key usage is given."""
    oids = [x509.ObjectIdentifier(EXTENDED_KEY_USAGES[use]) for use in allowed_uses if use in EXTENDED_KEY_USAGES]
    return x509.ExtendedKeyUsage(oids) if oids else None
