"""What certificates and requests have in common: signed content with a name and a key, and a signature (RFC 5280 4.1.1, RFC 2986 4.2).

`cryptography` reads them bit by bit, when it is asked, and raises then. Here is the one place where it is asked.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from hubtrust.pki import der, readable
from hubtrust.pki.errors import KEY_READING_ERRORS, DerError, ProfileError, UnreadableError
from hubtrust.pki.key_encoding import require_usable_key, unsupported_key_error
from hubtrust.pki.keys import PublicKey

_WEAK_HASHES = ("MD2", "MD4", "MD5", "SHA1")
_SIGNATURES = {  # what is not SHA-2; `cryptography` names the others
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.3": "MD4",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.156.10197.1.501": "SM3 (with SM2)",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}

_NO_UNUSED_BITS = b"\x00"  # a signature is octets; `cryptography` takes bits that are left over, and OpenSSL refuses them


class Signed(ABC):
    """A certificate or a request as it was given. What is asked of it raises nothing but a ``PkiError``."""

    __slots__ = ("_parsed", "der", "subject")
    noun: ClassVar[str]

    def __init__(self, encoding: bytes, *, what: str) -> None:
        """Read ``encoding``.

        Raises:
            UnreadableError: it is damaged, or something else.
        """
        self.der = encoding
        try:
            self._parsed = readable.read(encoding, self._parse)
        except DerError as error:
            raise UnreadableError(what, str(error), f"copy the {self.noun} from its source again, or create it again") from None
        with readable.quiet():
            self.subject: x509.Name = self._parsed.subject

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signed) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    @staticmethod
    @abstractmethod
    def _parse(encoding: bytes) -> Any:
        """What `cryptography` reads; its names can be read."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """What it is called in messages."""

    @property
    def extensions(self) -> x509.Extensions:
        """The extensions, decoded; those that a request asks for.

        Raises:
            ProfileError: one occurs twice, or is malformed (RFC 5280 4.2).
        """
        try:
            with readable.quiet():
                found: x509.Extensions = self._parsed.extensions
        except x509.DuplicateExtension as error:
            fact = f"the extension {error.oid.dotted_string} occurs twice (RFC 5280 4.2)"
        except (ValueError, TypeError, x509.UnsupportedGeneralNameType) as error:
            try:
                return self._extensions_one_by_one(error)
            except DerError as malformed:
                fact = str(malformed)
        else:
            return found
        raise ProfileError(self.shown, fact, "have it reissued")

    def _extensions_one_by_one(self, error: Exception) -> x509.Extensions:
        """The extensions, where ``error`` is why they can't be decoded all at once.

        Raises:
            DerError: one that is needed is malformed.
        """
        raise DerError(f"one of its extensions is malformed (RFC 5280 4.2): {readable.fact(error)}")

    def public_key(self) -> PublicKey:
        """Its key: RSA of any size, or EC on any curve that `cryptography` knows (see ``require_strong_key``).

        Raises:
            WeakError: it is any other key.
        """
        try:
            key = self._parsed.public_key()
        except KEY_READING_ERRORS:
            key = None
        if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            return key
        raise unsupported_key_error(self._key_info, what=self.shown)

    @property
    def key_info(self) -> bytes:
        """Its SubjectPublicKeyInfo, DER: of any key, also of one that nobody here can use."""
        return self._key_info.encoding

    def require_usable_key(self) -> None:
        """Refuse a key in a form that no path can have.

        Raises:
            KeyEncodingError: see ``key_encoding.require_usable_key``.
        """
        require_usable_key(self._key_info, what=self.shown)

    @property
    def signature_hash_algorithm(self) -> hashes.HashAlgorithm | None:
        """The hash of its signature; None if there is none of its own, or it is unknown here (see ``signature_algorithm``)."""
        try:
            found: hashes.HashAlgorithm | None = self._parsed.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return None
        return found

    @property
    def signature_algorithm(self) -> str:
        """Its signature algorithm for messages: the hash, such as `SHA1`, or else the algorithm."""
        oid: x509.ObjectIdentifier = self._parsed.signature_algorithm_oid
        found = self.signature_hash_algorithm
        return found.name.upper() if found else _SIGNATURES.get(oid.dotted_string, oid.dotted_string)

    @property
    def is_weakly_signed(self) -> bool:
        """Whether signatures with its hash can be forged: SHA-1 and older ones."""
        return self.signature_algorithm in _WEAK_HASHES

    @property
    def public_key_algorithm_oid(self) -> x509.ObjectIdentifier:
        """The algorithm of its key."""
        found: x509.ObjectIdentifier = self._parsed.public_key_algorithm_oid
        return found

    @property
    def has_pss_signature(self) -> bool:
        """Whether its signature is RSASSA-PSS (RFC 4055)."""
        return bool(self._parsed.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS)

    def is_signed_by(self, key: PublicKey) -> bool | None:
        """Whether ``key`` made its signature; None if the signature algorithm is not one for such a key, or not supported."""
        algorithm = self.signature_hash_algorithm
        if self._signature.content[:1] != _NO_UNUSED_BITS:
            return False
        try:
            parameters = self._parsed.signature_algorithm_parameters
            if isinstance(key, rsa.RSAPublicKey) and isinstance(parameters, padding.AsymmetricPadding) and algorithm:
                key.verify(self._parsed.signature, self._content.encoding, parameters, algorithm)
                return True
            if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(parameters, ec.ECDSA):
                key.verify(self._parsed.signature, self._content.encoding, parameters)
                return True
        except InvalidSignature:
            return False
        except KEY_READING_ERRORS:
            return None
        return None

    @property
    def _content(self) -> der.Element:
        return der.only_element(self.der).elements()[0]

    @property
    def _signature(self) -> der.Element:
        return der.only_element(self.der).elements()[2]

    @property
    def _key_info(self) -> der.Element:
        """The SubjectPublicKeyInfo: the only sequence in the content that has an algorithm and a bit string."""
        pair = [der.SEQUENCE, der.BIT_STRING]
        return next(part for part in self._content.elements() if part.tag == der.SEQUENCE and [one.tag for one in part.elements()] == pair)
