"""What can be wrong with a key, a certificate or a chain, each with the fact found and the remedy."""

from hubtrust.errors import HubtrustError


class PkiError(HubtrustError):
    """The root of this room's errors."""


class UnreadableError(PkiError):
    """Text that holds no certificate, key or request of the kind asked for, or holds something beside it."""


class PrivateKeyInsideError(UnreadableError):
    """A private key where only public certificates belong."""


class KeyUnreadableError(PkiError):
    """A private or public key that can't be loaded: no PEM, wrong or missing passphrase, unsupported algorithm."""


class KeyMismatchError(PkiError):
    """A key and a certificate that don't belong together."""


class WeakError(PkiError):
    """A key or a signature below what a trust anchor may have: RSA under 2048 bits, unknown curve, SHA-1."""


class NotAnAuthorityError(PkiError):
    """A certificate that may not sign certificates: a leaf, cA false, keyCertSign missing (RFC 5280 4.2.1.3, 4.2.1.9)."""


class NotValidNowError(PkiError):
    """A certificate that has expired or is not valid yet (RFC 5280 4.1.2.5)."""


class ProfileError(PkiError):
    """A certificate that breaks a rule of RFC 5280's profile: criticality, key identifiers, serial number, empty subject."""


class ChainError(PkiError):
    """Certificates that don't make one chain: a gap, a bundle of several, a cycle, a signature that doesn't verify."""


class PathLengthError(ChainError):
    """More certificate authorities below one than its path length allows (RFC 5280 4.2.1.9)."""


class NameConstraintError(ChainError):
    """A name that a certificate authority above does not allow (RFC 5280 4.2.1.10)."""


class OutlivesIssuerError(PkiError):
    """A certificate that would be valid before or after the certificate that signs it."""


class RequestError(PkiError):
    """A certificate signing request that can't be honoured: broken signature, other name, weak key."""


class ProofError(PkiError):
    """A certificate that does not prove possession: other code, other key, wrong dates."""


class TokenError(PkiError):
    """A PKCS#11 token, or a key in it, that can't be used: not there, of another kind, or the module refuses."""


class PinError(TokenError):
    """A PIN that is missing, wrong, or not to be tried because the next mistake would lock the token."""
