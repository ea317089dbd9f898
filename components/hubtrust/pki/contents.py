"""What octets are, by their structure: labels of PEM are often wrong, as `certutil -encode` calls everything a CERTIFICATE."""

import itertools

from hubtrust.pki import der
from hubtrust.pki.errors import DerError
from hubtrust.pki.pem import CERTIFICATE, REQUEST

PRIVATE_KEY, ENCRYPTED_KEY, EC_KEY, RSA_KEY = "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"
PUBLIC_KEY, RSA_PUBLIC_KEY = "PUBLIC KEY", "RSA PUBLIC KEY"
PKCS7, PKCS12, CRL, OCSP = "PKCS7", "PKCS12", "X509 CRL", "OCSP RESPONSE"
_DSA_KEY, _DATA = "DSA PRIVATE KEY", "1.2.840.113549.1.7."  # the arc of PKCS#7's content types
_ENUMERATED, _EXPLICIT_0 = 0x0A, 0xA0
_BY_TAGS = {
    (der.SEQUENCE, der.BIT_STRING): PUBLIC_KEY,  # RFC 5280 4.1
    (der.SEQUENCE, der.OCTET_STRING): ENCRYPTED_KEY,  # RFC 5958 3
    (der.INTEGER,) * 9: RSA_KEY,  # RFC 8017 A.1.2
    (*(der.INTEGER,) * 9, der.SEQUENCE): RSA_KEY,  # of several primes
    (der.INTEGER,) * 6: _DSA_KEY,
    (der.INTEGER,) * 2: RSA_PUBLIC_KEY,  # RFC 8017 A.1.1
    (der.OBJECT_IDENTIFIER, _EXPLICIT_0): PKCS7,  # RFC 2315 7
    (_ENUMERATED, _EXPLICIT_0): OCSP,  # RFC 6960 4.2.1
}
_MOST_PARTS = 12
_SIGNED = (der.SEQUENCE, der.SEQUENCE, der.BIT_STRING)
_TIMES = (der.UTC_TIME, der.GENERALIZED_TIME)
_FIELDS_OF_A_CERTIFICATE = 6  # serial number, algorithm, issuer, validity, subject, key


def label_of(encoding: bytes) -> str | None:
    """The PEM label of what the element ``encoding`` is; None if it is nothing that is known here, or damaged."""
    try:
        outer = der.only_element(encoding)
        return _label(_parts(outer)) if outer.tag == der.SEQUENCE else None
    except DerError:
        return None


def _parts(element: der.Element) -> list[der.Element]:
    """The first elements in it: what is known here has few, and a list of revoked certificates has no end."""
    return list(itertools.islice(der.elements(element.content), _MOST_PARTS))


def _label(parts: list[der.Element]) -> str | None:
    tags = tuple(part.tag for part in parts)
    if tags == _SIGNED:
        return _signed([part.tag for part in _parts(parts[0])])
    if tags[:2] == (der.INTEGER, der.SEQUENCE) and tags[2:] in ((), (der.SEQUENCE,)):  # RFC 7292 4
        inner = _parts(parts[1])
        return PKCS12 if inner and der.dotted(inner[0].content).startswith(_DATA) else None
    if tags[:3] == (der.INTEGER, der.SEQUENCE, der.OCTET_STRING):  # RFC 5958 2; attributes and the public key may follow
        return PRIVATE_KEY
    if tags[:2] == (der.INTEGER, der.OCTET_STRING):  # RFC 5915 3; the curve and the public key may follow
        return EC_KEY
    return _BY_TAGS.get(tags)


def _signed(tags: list[int]) -> str | None:
    """What is signed, by the tags of its fields."""
    fields = tags[1:] if tags[:1] == [_EXPLICIT_0] else tags
    if fields[:_FIELDS_OF_A_CERTIFICATE] == [der.INTEGER, *[der.SEQUENCE] * (_FIELDS_OF_A_CERTIFICATE - 1)]:
        return CERTIFICATE
    if fields in ([der.INTEGER, der.SEQUENCE, der.SEQUENCE], [der.INTEGER, der.SEQUENCE, der.SEQUENCE, _EXPLICIT_0]):
        return REQUEST
    if fields[fields[:1] == [der.INTEGER] :][:2] == [der.SEQUENCE] * 2 and any(tag in _TIMES for tag in fields):  # RFC 5280 5.1
        return CRL
    return None
