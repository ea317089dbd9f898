"""One certificate: load it from PEM, name it in messages, describe it with the values that Azure and OpenSSL show."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from hubtrust.pki.errors import PrivateKeyInsideError, ProfileError, UnreadableError
from hubtrust.pki.keys import key_name, key_thumbprint, require_strong_key

_LONGEST_SHOWN = 100  # characters of a subject in a message
_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_REMEDIES = {  # by the label of the PEM block
    "PKCS7": "convert it to PEM certificates (openssl pkcs7 -print_certs)",
    "CERTIFICATE REQUEST": "give the certificate that the authority issued for this request",
    "TRUSTED CERTIFICATE": "convert it to a plain certificate (openssl x509)",
}


@dataclass(frozen=True, slots=True)
class Description:
    """A certificate as text. Times are ``2036-11-24T03:19:06Z``, thumbprints upper-case hex without separators."""

    subject: str  # RFC 4514
    common_name: str  # what Azure shows as `subject`; may be empty
    issuer: str  # RFC 4514
    serial: str  # upper-case hex
    thumbprint: str  # SHA-1 over the DER, as Azure shows it
    sha256: str
    not_before: str
    not_after: str
    key: str  # such as "EC P-256"
    key_thumbprint: str  # SHA-256 over the SubjectPublicKeyInfo


def load_certificates(pem: str, *, what: str) -> list[x509.Certificate]:
    """Every certificate in ``pem``, in the order of the text. Text around the blocks, as ``openssl x509 -text`` writes it, is ignored.

    Raises:
        PrivateKeyInsideError: it contains a private key.
        UnreadableError: it contains no certificate, a damaged one, or another kind of PEM block.
        ProfileError: see ``extensions``.
    """
    if "PRIVATE KEY-----" in pem:
        remedy = "remove the key and give only the certificates; a key that was mailed or committed is compromised, so replace it"
        raise PrivateKeyInsideError(what, "it contains a private key", remedy)
    blocks = list(_PEM_BLOCK.finditer(pem))
    for block in blocks:
        if (label := block[1]) != "CERTIFICATE":
            raise UnreadableError(what, f"it contains a {label}", _REMEDIES.get(label, "give only PEM certificates"))
    if not blocks or len(blocks) != pem.count("-----BEGIN"):
        fact = "a certificate in it is incomplete" if "-----BEGIN" in pem else "it contains no PEM certificate"
        raise UnreadableError(
            what, fact, "give PEM text from BEGIN CERTIFICATE to END CERTIFICATE (convert DER with openssl x509 -inform der)"
        )
    return [_load(block[0], f"{what}, certificate {number}") for number, block in enumerate(blocks, 1)]


def load_certificate(pem: str, *, what: str) -> x509.Certificate:
    """The only certificate in ``pem``.

    Raises:
        UnreadableError: it contains several.
        PkiError: see ``load_certificates``.
    """
    certificates = load_certificates(pem, what=what)
    if len(certificates) > 1:
        raise UnreadableError(what, f"it contains {len(certificates)} certificates", "give exactly one")
    return certificates[0]


def _load(block: str, what: str) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(block.encode())
    except ValueError:
        raise UnreadableError(what, "it is damaged", "copy the whole certificate from its source again") from None
    extensions(certificate, what=what)
    return certificate


def extensions(certificate: x509.Certificate, *, what: str) -> x509.Extensions:
    """The extensions of ``certificate``, decoded.

    Raises:
        ProfileError: an extension occurs twice or is malformed (RFC 5280 4.2).
    """
    try:
        return certificate.extensions
    except x509.DuplicateExtension as error:
        fact = f"the extension {error.oid.dotted_string} occurs twice (RFC 5280 4.2)"
        raise ProfileError(what, fact, "have it reissued") from None
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType):
        raise ProfileError(what, "one of its extensions is malformed (RFC 5280 4.2)", "have it reissued") from None


def pem(certificate: x509.Certificate) -> str:
    """``certificate`` as PEM text with a final newline."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def common_name(name: x509.Name) -> str:
    """The last common name in ``name``; empty if it has none."""
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[-1].value) if values else ""


def display(certificate: x509.Certificate) -> str:
    """The certificate's name in messages: its subject and the first digits of its SHA-1 thumbprint."""
    subject = certificate.subject.rfc4514_string() or "(no subject)"
    shown = subject if len(subject) <= _LONGEST_SHOWN else f"{subject[:_LONGEST_SHOWN]}…"
    return f"'{shown}' ({thumbprint(certificate)[:8]})"


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 over the DER, 40 upper-case hex digits. Azure identifies certificates by it; no security depends on it."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Azure's identifier


def rfc3339(moment: datetime) -> str:
    """``moment`` as ``2036-11-24T03:19:06Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(certificate: x509.Certificate) -> Description:
    """``certificate`` as text.

    Raises:
        WeakError: see ``require_strong_key``.
    """
    key = require_strong_key(certificate.public_key(), what=display(certificate))
    return Description(
        subject=certificate.subject.rfc4514_string(),
        common_name=common_name(certificate.subject),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:X}",
        thumbprint=thumbprint(certificate),
        sha256=certificate.fingerprint(hashes.SHA256()).hex().upper(),
        not_before=rfc3339(certificate.not_valid_before_utc),
        not_after=rfc3339(certificate.not_valid_after_utc),
        key=key_name(key),
        key_thumbprint=key_thumbprint(key),
    )
