"""Extensions, read one by one (RFC 5280 4.2): one that no path depends on may be malformed, and spoils no other.

`cryptography` decodes all of them or none, as DER. OpenSSL, and so Azure, reads those that it needs, and as BER.
"""

from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from hubtrust.pki import carrier, der, general_names
from hubtrust.pki.errors import DerError

# OpenSSL reads these, and names, of every certificate; one with a malformed one is nobody's issuer and nobody's device.
_NEEDED = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,
}
_NAMES = {  # what reads each name by itself, those of forms that `cryptography` does not know too
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME: general_names.alternative_names,
    ExtensionOID.NAME_CONSTRAINTS: general_names.constraints,
}

_OCTET = 8
_USAGES = (  # RFC 5280 4.2.1.3, from the first bit
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def listed(certificate: der.Element) -> list[der.Element]:
    """The extensions of a certificate, each whole: its object identifier, perhaps whether it is critical, and its value.

    Raises:
        DerError: the certificate has another structure.
    """
    fields = certificate.elements()[0].elements()
    held = next((field for field in fields if field.tag == carrier.EXTENSIONS), None)
    return held.elements()[0].elements() if held else []


def value_of(oid: x509.ObjectIdentifier, extensions: Sequence[der.Element]) -> bytes | None:
    """The value of one of ``extensions``; None if it is absent."""
    for extension in extensions:
        kind, *_, value = extension.elements()
        if der.dotted(kind.content) == oid.dotted_string:
            return value.content
    return None


def decoded(extensions: Sequence[der.Element]) -> x509.Extensions:
    """The extensions; one whose value can't be decoded, and that no path depends on, is an ``UnrecognizedExtension``.

    Raises:
        DerError: one that paths depend on, or that is critical, is malformed; or one occurs twice.
    """
    found = [_decoded(extension) for extension in extensions]
    if twice := next((one.oid for place, one in enumerate(found) if one.oid in [other.oid for other in found[:place]]), None):
        raise DerError(f"the extension {twice.dotted_string} occurs twice (RFC 5280 4.2)")
    return x509.Extensions(found)


def shown(oid: x509.ObjectIdentifier) -> str:
    """An extension's name in messages."""
    known: str = oid._name  # noqa: SLF001 - the only place where cryptography keeps it
    return oid.dotted_string if known == "Unknown OID" else known


def _decoded(extension: der.Element) -> x509.Extension[x509.ExtensionType]:
    kind, *flag, value = extension.elements()
    oid, critical = x509.ObjectIdentifier(der.dotted(kind.content)), any(flag[0].content) if flag else False
    try:
        return x509.Extension(oid, critical, _value(oid, value.content, extension))
    except DerError as error:
        if critical or oid in _NEEDED or oid in _NAMES:
            raise DerError(f"its extension {shown(oid)} is malformed (RFC 5280 4.2): {error}") from None
    return x509.Extension(oid, critical, x509.UnrecognizedExtension(oid, value.content))


def _value(oid: x509.ObjectIdentifier, value: bytes, extension: der.Element) -> x509.ExtensionType:
    if own := _OWN.get(oid):
        return own(value)
    if read := _NAMES.get(oid):
        read(value)
    try:
        return carrier.decoded_value(extension.encoding)
    except x509.UnsupportedGeneralNameType:
        return x509.UnrecognizedExtension(oid, value)
    except DerError:
        if oid not in _NAMES:
            raise
        return x509.UnrecognizedExtension(oid, value)


def _basic_constraints(value: bytes) -> x509.BasicConstraints:
    """Read with a cA that is FALSE in so many words, with a path length that no CA has, and with one of any size."""
    whole = der.only_element(value)
    parts = whole.elements() if whole.tag == der.SEQUENCE else []
    flag, length = ([part for part in parts if part.tag == tag] for tag in (der.BOOLEAN, der.INTEGER))
    if whole.tag != der.SEQUENCE or parts != [*flag[:1], *length[:1]] or any(len(part.content) != 1 for part in flag):
        raise DerError("it is not a boolean and a number")
    ca, most = any(flag[0].content) if flag else False, int.from_bytes(length[0].content, signed=True) if length else None
    if most is not None and most < 0:
        raise DerError("its path length is negative")
    return x509.BasicConstraints(ca, most if ca else None)


def _key_usage(value: bytes) -> x509.KeyUsage:
    """Read whatever the bits after the last one are."""
    whole = der.only_element(value)
    if whole.tag != der.BIT_STRING or not whole.content or whole.content[0] >= _OCTET or (whole.content[0] and len(whole.content) == 1):
        raise DerError("it is no bit string")
    unused, octets = whole.content[0], whole.content[1:]
    number = int.from_bytes(octets) >> unused << unused
    bits = [bool(number & 1 << place) for place in reversed(range(len(octets) * _OCTET))]
    usages = dict(zip(_USAGES, bits + [False] * len(_USAGES), strict=False))
    if not usages["key_agreement"]:
        usages["encipher_only"] = usages["decipher_only"] = False
    return x509.KeyUsage(**usages)


_OWN: dict[x509.ObjectIdentifier, Callable[[bytes], x509.ExtensionType]] = {  # what is read more widely than `cryptography` does
    ExtensionOID.BASIC_CONSTRAINTS: _basic_constraints,
    ExtensionOID.KEY_USAGE: _key_usage,
}
