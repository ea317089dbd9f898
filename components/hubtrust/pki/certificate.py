"""One certificate: read from PEM, named, described as Azure and as people know it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from hubtrust.pki.errors import PrivateKeyInsideError, ProfileError, UnreadableError
from hubtrust.pki.keys import key_name, key_thumbprint, require_strong_key

_LONGEST_SHOWN = 100  # characters of a subject in a message
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_REMEDY = {
    "PKCS7": "turn it into PEM certificates (openssl pkcs7 -print_certs)",
    "CERTIFICATE REQUEST": "give the certificate that the authority made from this request",
    "TRUSTED CERTIFICATE": "turn it into a plain certificate (openssl x509)",
}


@dataclass(frozen=True, slots=True)
class Description:
    """A certificate in words; times are ``2036-11-24T03:19:06Z``, thumbprints upper-case hex without separators."""

    subject: str  # RFC 4514
    common_name: str  # what Azure shows as `subject`; empty when there is none
    issuer: str  # RFC 4514
    serial: str  # upper-case hex
    thumbprint: str  # SHA-1 over the DER, as Azure shows it
    sha256: str
    not_before: str
    not_after: str
    key: str  # such as "EC P-256"
    key_thumbprint: str  # SHA-256 over the SubjectPublicKeyInfo


def load_certificates(pem: str, *, what: str) -> list[x509.Certificate]:
    """Every certificate in ``pem``, in the order of the text; text around the blocks (``openssl x509 -text``) is allowed.

    Raises:
        PrivateKeyInsideError: a private key is among them.
        UnreadableError: no certificate, a damaged one, or a block of another kind.
    """
    if "PRIVATE KEY-----" in pem:
        remedy = "take the key out, give the certificates alone, and treat a key that was mailed or committed as lost"
        raise PrivateKeyInsideError(what, "there is a private key in it", remedy)
    blocks = list(_BLOCK.finditer(pem))
    strays = [label for label in (block[1] for block in blocks) if label != "CERTIFICATE"]
    if strays:
        raise UnreadableError(what, f"there is a {strays[0]} in it", _REMEDY.get(strays[0], "give PEM certificates alone"))
    if not blocks or len(blocks) != pem.count("-----BEGIN"):
        fact = "a certificate in it is cut off" if "-----BEGIN" in pem else "there is no PEM certificate in it"
        raise UnreadableError(what, fact, "give PEM text: BEGIN CERTIFICATE to END CERTIFICATE (from DER: openssl x509 -inform der)")
    return [_load(block[0], f"{what}, certificate {place}") for place, block in enumerate(blocks, 1)]


def load_certificate(pem: str, *, what: str) -> x509.Certificate:
    """The only certificate in ``pem``.

    Raises:
        UnreadableError: none or several; see ``load_certificates``.
    """
    certificates = load_certificates(pem, what=what)
    if len(certificates) > 1:
        raise UnreadableError(what, f"there are {len(certificates)} certificates in it", "give the one that is meant")
    return certificates[0]


def _load(block: str, what: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(block.encode())
    except ValueError:
        raise UnreadableError(what, "it is damaged", "copy it again, whole, from where it was issued") from None
    extensions(certificate, what=what)
    return certificate


def extensions(certificate: x509.Certificate, *, what: str) -> x509.Extensions:
    """The extensions, read.

    Raises:
        ProfileError: one stands twice (RFC 5280 4.2) or breaks its own syntax.
    """
    try:
        return certificate.extensions
    except x509.DuplicateExtension as error:
        raise ProfileError(
            what, f"the extension {error.oid.dotted_string} stands in it twice (RFC 5280 4.2)", "have it issued again"
        ) from None
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType):
        raise ProfileError(what, "an extension in it is malformed (RFC 5280 4.2)", "have it issued again") from None


def pem(certificate: x509.Certificate) -> str:
    """``certificate`` as PEM text with a final newline."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def common_name(name: x509.Name) -> str:
    """The last common name in ``name``, or an empty string."""
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[-1].value) if values else ""


def display(certificate: x509.Certificate) -> str:
    """How messages call a certificate: its subject and the first digits of its SHA-1 thumbprint."""
    subject = certificate.subject.rfc4514_string() or "(no subject)"
    shown = subject if len(subject) <= _LONGEST_SHOWN else f"{subject[:_LONGEST_SHOWN]}…"
    return f"'{shown}' ({thumbprint(certificate)[:8]})"


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 over the DER, 40 upper-case hex digits: how Azure names a certificate; no security rests on it."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Azure's name for it


def instant(moment: datetime) -> str:
    """``moment`` as ``2036-11-24T03:19:06Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(certificate: x509.Certificate) -> Description:
    """``certificate`` in words.

    Raises:
        WeakError: its key is of a kind that this project does not handle.
    """
    key = require_strong_key(certificate.public_key(), what=display(certificate))
    return Description(
        subject=certificate.subject.rfc4514_string(),
        common_name=common_name(certificate.subject),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:X}",
        thumbprint=thumbprint(certificate),
        sha256=certificate.fingerprint(hashes.SHA256()).hex().upper(),
        not_before=instant(certificate.not_valid_before_utc),
        not_after=instant(certificate.not_valid_after_utc),
        key=key_name(key),
        key_thumbprint=key_thumbprint(key),
    )
