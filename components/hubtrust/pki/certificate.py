"""One certificate: load it, name it in messages, describe it with the values that Azure and OpenSSL show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from hubtrust.errors import shown
from hubtrust.pki import der, encodings, extensions, name_strings, readable
from hubtrust.pki.errors import DerError, PrivateKeyInsideError, UnreadableError
from hubtrust.pki.keys import key_name, key_thumbprint, require_strong_key
from hubtrust.pki.names import common_name
from hubtrust.pki.pem import CERTIFICATE, Block
from hubtrust.pki.signed import Signed

_VERSION = 0xA0  # the tag of the version: [0], constructed
_LONGEST_SHOWN = 100  # characters of a subject in a message
_REMEDIES = {  # by what it is
    "CERTIFICATE REQUEST": "give the certificate that the authority issued for this request",
    "PUBLIC KEY": "give the certificate, which has the public key in it",
    "X509 CRL": "give the certificates; lists of revoked certificates are not used here",
    "OCSP RESPONSE": "give the certificates",
}


class Certificate(Signed):
    """A certificate as it was given, with the attributes of `cryptography`'s. Two with the same octets are equal."""

    __slots__ = ("issuer",)
    _parsed: x509.Certificate
    noun = "certificate"

    def __init__(self, encoding: bytes, *, what: str) -> None:
        """Read the certificate ``encoding``, which is DER.

        Raises:
            UnreadableError: it is damaged, or no certificate.
        """
        super().__init__(encoding, what=what)
        with readable.quiet():
            self.issuer = self._parsed.issuer

    @staticmethod
    def _parse(encoding: bytes) -> x509.Certificate:
        if _serial(encoding) <= 0:
            raise ValueError("`cryptography` only warns of it yet, and will refuse it; the readable copy has another one")
        found = x509.load_der_x509_certificate(encoding)
        readable.require_texts(found.subject, found.issuer)
        _ = found.not_valid_before_utc, found.not_valid_after_utc
        return found

    @classmethod
    def of(cls, certificate: x509.Certificate) -> "Certificate":
        """A certificate that `cryptography` made."""
        return cls(certificate.public_bytes(serialization.Encoding.DER), what="the certificate")

    def __repr__(self) -> str:
        return f"Certificate({display(self)})"

    @property
    def shown(self) -> str:
        """See ``display``."""
        return display(self)

    @property
    def version(self) -> int:
        """1, 2 or 3 (RFC 5280 4.1.2.1)."""
        first = self._content.elements()[0]
        return int.from_bytes(first.elements()[0].content) + 1 if first.tag == _VERSION else 1

    @property
    def serial_number(self) -> int:
        """What RFC 5280 4.1.2.2 wants to be positive; old certificates have 0, or a negative one."""
        return _serial(self.der)

    @property
    def not_valid_before_utc(self) -> datetime:
        """The first second of its validity (RFC 5280 4.1.2.5)."""
        return self._parsed.not_valid_before_utc

    @property
    def not_valid_after_utc(self) -> datetime:
        """The last second of its validity (RFC 5280 4.1.2.5)."""
        return self._parsed.not_valid_after_utc

    @property
    def has_one_signature_algorithm(self) -> bool:
        """Whether both fields that name the signature algorithm are equal (RFC 5280 4.1.1.2)."""
        return self._sequences()[0] == der.only_element(self.der).elements()[1]

    @property
    def subject_encoding(self) -> bytes:
        """The subject as it is written: what this authority issues names it in the same octets (RFC 5280 4.1.2.6)."""
        return self._sequences()[3].encoding

    def extension_value(self, oid: x509.ObjectIdentifier) -> bytes | None:
        """The encoding of an extension's value; None if it is absent."""
        return extensions.value_of(oid, extensions.listed(der.only_element(self.der)))

    def _extensions_one_by_one(self, error: Exception) -> x509.Extensions:
        del error
        return extensions.decoded(extensions.listed(der.only_element(self.der)))

    def _sequences(self) -> list[der.Element]:
        """The signature algorithm, the issuer, the validity, the subject and the key."""
        return [part for part in self._content.elements() if part.tag == der.SEQUENCE]

    @property
    def unreadable_name(self) -> str | None:
        """Why OpenSSL can't read it, if that is because of a name in it; see ``name_strings``."""
        _, issuer, _, subject, *_ = self._sequences()
        for field, name in (("subject", subject), ("issuer", issuer)):
            if flaw := name_strings.unreadable_value(name):
                return f"its {field} has {flaw}"
        return None

    def public_bytes(self, encoding: serialization.Encoding) -> bytes:
        """It as PEM or DER."""
        return pem(self).encode() if encoding is serialization.Encoding.PEM else self.der

    def fingerprint(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """The hash of its DER."""
        digest = hashes.Hash(algorithm)
        digest.update(self.der)
        return digest.finalize()


def _serial(encoding: bytes) -> int:
    """The serial number: the first integer of the signed content; the version before it is tagged."""
    parts = der.only_element(encoding).elements()
    number = next((part for part in (parts[0].elements() if parts else []) if part.tag == der.INTEGER), None)
    if number is None:
        raise DerError("it has no serial number")
    return int.from_bytes(number.content, signed=True)


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


def load_certificates(given: str | bytes, *, what: str) -> list[Certificate]:
    """Every certificate in ``given``, in its order, in any encoding that ``encodings.read`` knows.

    Raises:
        PrivateKeyInsideError: it contains a private key.
        UnreadableError: it contains no certificate, a damaged one, or another kind of PEM block.
    """
    found = encodings.read(given, what=what).blocks
    require_no_key(found, what=what)
    return certificates_in(found, what=what)


def require_no_key(found: Sequence[Block], *, what: str) -> None:
    """Refuse a private key among the blocks of a chain.

    Raises:
        PrivateKeyInsideError: there is one.
    """
    if any(block.is_private_key for block in found):
        remedy = "remove the key and give only the certificates; a key that was mailed or committed is compromised, so replace it"
        raise PrivateKeyInsideError(what, "it contains a private key", remedy)


def certificates_in(found: Sequence[Block], *, what: str) -> list[Certificate]:
    """Every certificate among blocks that were read. Parameters of keys are passed over.

    Raises:
        UnreadableError: there is none, a damaged one, or another kind of block.
    """
    given = [block for block in found if not block.is_parameters]
    if other := next((block.label for block in given if block.label != CERTIFICATE), None):
        raise UnreadableError(what, f"it contains a {other}", _REMEDIES.get(other, "give only certificates"))
    if not given:
        raise UnreadableError(what, "it contains no certificate", "give the file that has the certificate")
    return [Certificate(block.content, what=f"{what}, certificate {number}") for number, block in enumerate(given, 1)]


def load_certificate(given: str | bytes, *, what: str) -> Certificate:
    """The only certificate in ``given``.

    Raises:
        UnreadableError: it contains several.
        PkiError: see ``load_certificates``.
    """
    certificates = load_certificates(given, what=what)
    if len(certificates) > 1:
        raise UnreadableError(what, f"it contains {len(certificates)} certificates", "give exactly one")
    return certificates[0]


def pem(certificate: Certificate) -> str:
    """``certificate`` as PEM text with a final newline."""
    return Block(CERTIFICATE, certificate.der).text


def display(certificate: Certificate) -> str:
    """The certificate's name in messages: its subject and the first digits of its SHA-1 thumbprint."""
    subject = certificate.subject.rfc4514_string() or "(no subject)"
    cut = subject if len(subject) <= _LONGEST_SHOWN else f"{subject[:_LONGEST_SHOWN]}…"
    return f"'{shown(cut)}' ({thumbprint(certificate)[:8]})"


def thumbprint(certificate: Certificate) -> str:
    """SHA-1 over the DER, 40 upper-case hex digits. Azure identifies certificates by it; no security depends on it."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - Azure's identifier


def rfc3339(moment: datetime) -> str:
    """``moment`` as ``2036-11-24T03:19:06Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def describe(certificate: Certificate) -> Description:
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
