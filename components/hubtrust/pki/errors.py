"""Errors of keys, certificates, chains and tokens."""

from cryptography.exceptions import InternalError, UnsupportedAlgorithm

from hubtrust.errors import HubtrustError

# What `cryptography` raises for keys that it can't read; the last one where OpenSSL has no word for it, as for a scrypt cost of 3.
KEY_READING_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm, InternalError)


class PkiError(HubtrustError):
    """The base class of this package's errors."""


class UnreadableError(PkiError):
    """Text that does not contain the expected certificate or request, or contains something else too."""


class DerError(ValueError):
    """Octets that are not DER, or not the structure that is read; whoever knows what they are makes a ``PkiError`` of it."""


class PrivateKeyInsideError(UnreadableError):
    """A private key where only public certificates belong."""


class KeyUnreadableError(PkiError):
    """A private or public key that can't be loaded: no PEM, wrong or missing passphrase, unsupported algorithm."""


class KeyMismatchError(PkiError):
    """A key and a certificate that don't belong together."""


class WeakError(PkiError):
    """A key or a signature that is too weak for a trust anchor: RSA under 2048 bits, another curve than NIST's, SHA-1."""


class KeyEncodingError(PkiError):
    """A key in a form that certification paths can't have here: for RSASSA-PSS alone, or with explicit EC parameters."""


class NotAnAuthorityError(PkiError):
    """A certificate that may not sign certificates: no basicConstraints, cA false, or no keyCertSign (RFC 5280 4.2.1.3, 4.2.1.9)."""


class NotValidNowError(PkiError):
    """A certificate that has expired or is not valid yet (RFC 5280 4.1.2.5)."""


class ProfileError(PkiError):
    """A certificate that violates RFC 5280's profile: criticality, key identifiers, serial number, empty subject."""


class ChainError(PkiError):
    """Certificates that are not one chain: a gap, several chains, a loop, or a signature that doesn't verify."""


class PathLengthError(ChainError):
    """More authorities below another one than its path length allows (RFC 5280 4.2.1.9)."""


class NameConstraintError(ChainError):
    """A name that an authority above does not allow (RFC 5280 4.2.1.10)."""


class OutlivesIssuerError(PkiError):
    """A certificate that would be valid before or after the certificate that signs it."""


class RequestError(PkiError):
    """A certificate signing request that is not accepted: broken signature, another name, unreadable key."""


class ProofError(PkiError):
    """A certificate that does not prove possession: another code or another key."""


class VerificationCodeError(PkiError):
    """A name of the form of Azure's verification codes, on anything but a proof."""


class TokenError(PkiError):
    """A PKCS#11 token, or a key in it, that can't be used: it is missing or of another kind, or the module reports an error."""


class PinError(TokenError):
    """A PIN that is missing or wrong, or is not tried because one more mistake would lock the token."""
