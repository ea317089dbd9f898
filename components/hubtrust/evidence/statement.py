"""In-toto statements: what happened to whom (github.com/in-toto/attestation, spec/v1/statement.md)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from cryptography.hazmat.primitives import hashes

from hubtrust.errors import shown, without_private_keys
from hubtrust.evidence.canonical import canonical_json, members, read_json, scalars, text_of
from hubtrust.evidence.errors import FormError
from hubtrust.pki.certificate import Certificate

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://github.com/hubtrust/hubtrust/evidence/{}/v1"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """What happened."""

    PROOF = "proof"
    """Azure accepted a proof of possession."""
    ATTESTATION = "attestation"
    """Azure was told to trust a certificate without a proof."""
    OBSERVATION = "observation"
    """Azure showed a certificate as verified, and this stack did not prove it."""
    LOST = "lost"
    """A proof of this stack no longer holds: the certificate was changed by others."""
    ADOPTION = "adoption"
    """A certificate that existed was taken over."""
    ROTATION = "rotation"
    """A CA began its next generation."""
    DROP = "drop"
    """A service no longer trusts a certificate."""
    REVOCATION = "revocation"
    """An enrollment, a device or an intermediate was disabled."""
    RESTORATION = "restoration"
    """What was revoked is allowed again."""

    @property
    def predicate_type(self) -> str:
        """The address that names this kind in a statement."""
        return _PREDICATE_TYPE.format(self.value)


_KINDS = {kind.predicate_type: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about: a certificate, by its RFC 4514 subject and the SHA-256 of its DER in lower-case hex."""

    name: str
    sha256: str

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """``certificate`` as a subject; one without a name is called by its SHA-256."""
        digest = certificate.fingerprint(hashes.SHA256()).hex()
        return cls(certificate.subject.rfc4514_string() or digest, digest)

    @property
    def shown(self) -> str:
        """It in messages."""
        return f"'{shown(self.name, 100)}' (SHA-256 {self.sha256[:8]})"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``predicate`` is an object of JSON without fractions."""

    kind: Kind
    subject: Subject
    predicate: Mapping[str, Any]

    @property
    def payload(self) -> bytes:
        """It as an envelope carries it.

        Raises:
            FormError: the predicate is not JSON, or has a private key in it.
        """
        predicate = dict(self.predicate)
        require_no_private_key(predicate)
        subject = {"digest": {"sha256": self.subject.sha256}, "name": self.subject.name}
        value = {"_type": _TYPE, "predicate": predicate, "predicateType": self.kind.predicate_type, "subject": [subject]}
        return canonical_json(value).encode()

    @classmethod
    def read(cls, payload: bytes) -> Self:
        """The statement in ``payload``.

        Raises:
            FormError: it is none, or not canonical.
        """
        value = read_json(payload)
        kind, predicate, predicate_type, subject = members(value, "_type", "predicate", "predicateType", "subject", what="the statement")
        if kind != _TYPE:
            raise FormError(f"its payload is not a statement of {_TYPE}")
        if not isinstance(predicate_type, str) or predicate_type not in _KINDS:
            raise FormError(f"its predicateType is not one that is known here, such as {Kind.PROOF.predicate_type}")
        if not isinstance(predicate, dict):
            raise FormError("its predicate is not an object")
        require_no_private_key(predicate)
        return cls(_KINDS[predicate_type], _subject(subject), predicate)


def _subject(value: Any) -> Subject:
    if not isinstance(value, list) or len(value) != 1:
        raise FormError("subject is not a list of one subject")
    digest, name = members(value[0], "digest", "name", what="the subject")
    (sha256,) = members(digest, "sha256", what="the subject's digest")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise FormError("the subject's sha256 is not 64 lower-case hex digits")
    return Subject(text_of(name, what="the subject's name"), sha256)


def require_no_private_key(value: Any) -> None:
    """Refuse a private key in any text of ``value``.

    Raises:
        FormError: there is one.
    """
    if any(isinstance(one, str) and _has_private_key(one) for one in scalars(value)):
        raise FormError("there is a private key in it")


def _has_private_key(text: str) -> bool:
    """The base64 of a certificate may look like a key's by chance. What else is in its text, the audit refuses."""
    return "PRIVATE KEY" in text or (not text.startswith("-----BEGIN CERTIFICATE") and without_private_keys(text) != text)
