"""DSSE envelopes: a payload, and at most one signature over it (github.com/secure-systems-lab/dsse, protocol.md and envelope.md).

The signature is one that ``openssl dgst -verify`` takes: RSA PKCS#1 v1.5 with SHA-256, or ECDSA in DER with the hash that is as strong as
the curve (RFC 5480 section 4), because Key Vault signs with no other one.
"""

import re
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from hubtrust.evidence.canonical import canonical_base64, canonical_json, members, read_base64, text_of
from hubtrust.evidence.errors import EvidenceError, FormError
from hubtrust.pki.keys import PublicKey, digest_for, key_thumbprint
from hubtrust.pki.signers import Signer, hashed

_KEY_ID = re.compile(r"[0-9a-f]{64}")


def key_id(key: PublicKey) -> str:
    """What names ``key`` in an envelope: SHA-256 over its SubjectPublicKeyInfo, lower-case hex."""
    return key_thumbprint(key).lower()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, and which key made it. The name of the key is not signed: it only helps to find the key."""

    key_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, which is bytes of the type ``payload_type``, and its signature, if there is one."""

    payload_type: str
    payload: bytes
    signature: Signature | None = None

    @property
    def signed_content(self) -> bytes:
        """What is signed: DSSE's pre-authentication encoding of type and payload."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)

    def signed_by(self, signer: Signer | None) -> Self:
        """It with a signature by ``signer``; without one, if that is None.

        Raises:
            EvidenceError: the signer returned something else than a signature by its key.
        """
        if signer is None:
            return type(self)(self.payload_type, self.payload)
        algorithm = digest_for(signer.public_key)
        content = signer.sign(hashed(self.signed_content, algorithm), algorithm)
        signed = type(self)(self.payload_type, self.payload, Signature(key_id(signer.public_key), content))
        if not signed.is_signed_by(signer.public_key):
            fact = "the signature that the key's custody returned does not verify with the key"
            raise EvidenceError("the evidence log", fact, "check that the custody signs with the CA's own key; nothing was recorded")
        return signed

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether ``key``, which is a strong one, made its signature."""
        if self.signature is None:
            return False
        algorithm = digest_for(key)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature.content, self.signed_content, padding.PKCS1v15(), algorithm)
            else:
                key.verify(self.signature.content, self.signed_content, ec.ECDSA(algorithm))
        except InvalidSignature:
            return False
        return True

    @property
    def line(self) -> str:
        """It as canonical JSON, on one line."""
        signatures = [{"keyid": one.key_id, "sig": canonical_base64(one.content)} for one in [self.signature] if one]
        return canonical_json({"payload": canonical_base64(self.payload), "payloadType": self.payload_type, "signatures": signatures})

    @classmethod
    def read(cls, value: Any) -> Self:
        """The envelope that ``value``, read of JSON, is.

        Raises:
            FormError: it is none.
        """
        payload, kind, signatures = members(value, "payload", "payloadType", "signatures", what="the envelope")
        if not isinstance(signatures, list) or len(signatures) > 1:
            raise FormError("signatures is not a list of at most one signature")
        content = read_base64(text_of(payload, what="payload"))
        return cls(text_of(kind, what="payloadType"), content, _signature(signatures[0]) if signatures else None)


def _signature(value: Any) -> Signature:
    name, content = members(value, "keyid", "sig", what="the signature")
    if not isinstance(name, str) or not _KEY_ID.fullmatch(name):
        raise FormError("keyid is not a SHA-256 in 64 lower-case hex digits")
    return Signature(name, read_base64(text_of(content, what="sig")))
