"""A certificate that carries one part, a name or an extension, to `cryptography`, which decodes none outside of a certificate."""

from cryptography import x509

from hubtrust.pki import der, readable

EXTENSIONS = 0xA3  # [3] of a TBSCertificate
_VERSION_AND_SERIAL = bytes.fromhex("a003020102020101")
_ALGORITHM = der.encoded(der.SEQUENCE, bytes.fromhex("06082a8648ce3d040302"))  # ecdsa-with-SHA256
_NO_NAME = der.encoded(der.SEQUENCE, b"")
_DATES = der.encoded(der.SEQUENCE, der.encoded(der.UTC_TIME, b"000101000000Z") * 2)
_KEY = der.encoded(der.SEQUENCE, _ALGORITHM + der.encoded(der.BIT_STRING, b"\x00"))
_SIGNATURE = _ALGORITHM + der.encoded(der.BIT_STRING, b"\x00")


def decoded_name(name: bytes) -> x509.Name:
    """The distinguished name with this encoding.

    Raises:
        DerError: it is none.
    """
    found: x509.Name = readable.read(_certificate(name, b""), _subject)
    return found


def decoded_value(extension: bytes) -> x509.ExtensionType:
    """The value of the extension with this encoding.

    Raises:
        DerError: it is malformed.
        UnsupportedGeneralNameType: it has a name of a form that `cryptography` does not read.
    """
    held = der.encoded(EXTENSIONS, der.encoded(der.SEQUENCE, extension))
    return readable.read(_certificate(_NO_NAME, held), _only_value)


def _certificate(subject: bytes, extensions: bytes) -> bytes:
    content = _VERSION_AND_SERIAL + _ALGORITHM + _NO_NAME + _DATES + subject + _KEY + extensions
    return der.encoded(der.SEQUENCE, der.encoded(der.SEQUENCE, content) + _SIGNATURE)


def _subject(certificate: bytes) -> x509.Name:
    found = x509.load_der_x509_certificate(certificate).subject
    readable.require_texts(found)
    return found


def _only_value(certificate: bytes) -> x509.ExtensionType:
    found: x509.ExtensionType = next(iter(x509.load_der_x509_certificate(certificate).extensions)).value
    return found
