"""What a VerifiedCertificate declares, and what follows from its inputs: the name on the service, and proofs of possession."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509

from hubtrust.azure.certificates import CERTIFICATE_NAME
from hubtrust.azure.service import Service, service
from hubtrust.azure_inputs import AzureInputs, same_id
from hubtrust.certificates.thumbprints import require_thumbprint
from hubtrust.custody.custodies import OFFLINE, DeclaredSigner, read_signer
from hubtrust.inputs import boolean, input_field, texts, whole_number
from hubtrust.pki import issue
from hubtrust.pki.certificate import Certificate, Description, describe, load_certificate, pem
from hubtrust.pki.errors import NotValidNowError, PkiError
from hubtrust.pki.keys import KeyAlgorithm, require_strong_key
from hubtrust.pki.profile import require_may_sign, require_valid_at
from hubtrust.pki.proof import load_proof, proof_of_possession, require_proof
from hubtrust.pki.signers import Signer
from hubtrust.reconcile_errors import DeclarationError

_LOCAL_CODE = "0" * 48  # signed to show possession without the service; it is never sent
_COMPOSED = re.compile(r"(?P<name>.+)-g(?P<generation>[1-9]\d{0,3})-(?P<digits>[0-9a-f]{8})")
_ANY_THUMBPRINT = "0" * 40  # in a name that is validated before the certificate is known


def read_authority(value: object) -> Certificate:
    """The authority's certificate in the input `certificate`.

    Raises:
        PkiError: it is no certificate, or of no authority that may sign.
    """
    certificate = load_certificate(str(value), what="certificate")
    require_may_sign(certificate)  # a CA whose devices could never connect is not registered
    return certificate


def _read_name(value: object) -> str:
    require_composed_name(str(value), 1, what="name")
    return str(value)


def _read_etag(value: object) -> str:
    text = value if isinstance(value, str) else ""
    if not text or any(character.isspace() for character in text):
        raise DeclarationError("reprove", f"it is {value!r}", "use the etag that the warning and the output trust show, as it is")
    return text


def require_certificate_name(name: str, *, what: str = "name") -> str:
    """``name``, if a certificate on a service may have it.

    Raises:
        DeclarationError: Azure does not allow it.
    """
    if not CERTIFICATE_NAME.fullmatch(name):
        raise DeclarationError(what, f"the certificate would be called '{name}'", "use at most 64 of: letters, digits, - . _")
    return name


def require_composed_name(name: str, generation: int, *, what: str) -> None:
    """Check the names that the certificates of an authority called ``name`` get if none is given.

    Raises:
        DeclarationError: Azure does not allow them.
    """
    require_certificate_name(_compose_name(name, generation, _ANY_THUMBPRINT, attest=False), what=what)


def _compose_name(name: str, generation: int, thumbprint: str, *, attest: bool) -> str:
    return f"{name}-g{generation}-{thumbprint[:8].lower()}" + ("-attested" if attest else "")


def composed_from(name_on_service: str, thumbprint: str) -> tuple[str, int]:
    """The name and the generation that give a certificate of this thumbprint this name; an empty name if none do."""
    found = _COMPOSED.fullmatch(name_on_service)
    if found is None or found["digits"] != thumbprint[:8].lower():
        return "", 1
    return found["name"], int(found["generation"])


@dataclass(frozen=True, kw_only=True)
class ServiceInputs(AzureInputs):
    """A service that holds certificates."""

    service_id: Service = input_field(
        service,
        "ARM id of the IoT hub or provisioning service.",
        required=True,
        kept=True,
        replaces=True,
        same=same_id,
    )


def _read_thumbprints(value: object) -> frozenset[str]:
    found = texts(value, remedy="list the SHA-1 thumbprints of the certificates that may be replaced, as the error of `up` shows them")
    return frozenset(map(require_thumbprint, found))


@dataclass(frozen=True, kw_only=True)
class CertificateInputs(ServiceInputs):
    """The inputs of a VerifiedCertificate."""

    certificate: Certificate = input_field(read_authority, "the authority's certificate, PEM, exactly one.", required=True, kept=True)
    name: str = input_field(
        _read_name, "the beginning of the name on the service, letters, digits, - . _; default `ca`.", kept=True, default="ca"
    )
    generation: int = input_field(
        whole_number(1, 9999), "1 to 9999; the next one is created and proven before the last one is deleted.", kept=True, default=1
    )
    certificate_name: str | None = input_field(
        lambda value: require_certificate_name(str(value)),
        "the whole name on the service, at most 64 characters, to adopt a certificate that exists. The name stays when the certificate "
        "changes: devices are then not trusted until the new certificate is proven.",
    )
    signer: DeclaredSigner | None = input_field(
        read_signer,
        "where the authority's key is: ``signer_inputs.in_state``, ``offline``, ``in_key_vault`` or ``in_token``; becomes a secret.",
        secret=True,
    )
    proof_certificate: Certificate | None = input_field(
        lambda value: load_proof(str(value), what="proofCertificate"),
        "the proof: the certificate that the command in the output ``ceremony`` creates; PEM, or base64 of DER or PKCS#7. For custody "
        "offline only.",
    )
    attest: bool = input_field(
        boolean, "True: mark it as verified without a proof; this logs a warning. Default False.", kept=True, default=False
    )
    reprove: str | None = input_field(
        _read_etag,
        "the certificate's etag, to prove it again although it is verified: Azure gives a new code, which removes its verification "
        "until the proof is accepted. It holds once, because the etag changes with it.",
    )
    adopt: frozenset[str] = input_field(
        _read_thumbprints,
        "SHA-1 thumbprints of certificates that may be replaced if one has the name and is not ours. Default: none, refuse.",
        default=frozenset(),
    )

    def require_consistent(self) -> None:
        """Check that possession can be proven or is attested, that the key is the certificate's, and that a given proof is needed.

        Raises:
            DeclarationError: neither signer nor attest is given, a proof is given and not needed, attest and reprove contradict each
                other, or Azure does not allow the name.
            PkiError: the signer holds another key than the certificate's, or the certificate is not an authority's.
        """
        if "signer" not in self.given and not self.attest:
            remedy = "say where the key is: custody state, offline, key-vault or pkcs11"
            raise DeclarationError("signer", "there is none and attest is not set", remedy)
        if self.signer is not None and "proofCertificate" in self.given and self.signer.custody != OFFLINE:
            fact = f"with custody '{self.signer.custody}' the proof is signed here"
            raise DeclarationError("proofCertificate", fact, "leave it out, or set custody offline")
        if self.attest and "reprove" in self.given:
            raise DeclarationError("reprove", "attest is set, so nothing is proven", "remove one of them")
        if not {"signer", "certificate"} & self.unknown and self.key is not None:
            issue.Issuer(self.certificate, self.key)
        if "certificateName" not in self.given and not {"name", "generation", "attest"} & self.unknown:
            require_certificate_name(_compose_name(self.name, self.generation, _ANY_THUMBPRINT, attest=self.attest))

    @cached_property
    def key(self) -> Signer | None:
        """The signer of proofs; None if no signer is given, or its key is offline."""
        public_key = require_strong_key(self.certificate.public_key(), what="certificate")
        return self.signer.signer(public_key) if self.signer else None

    @cached_property
    def name_on_service(self) -> str:
        """``certificate_name``, or ``<name>-g<generation>-<8 digits of the thumbprint>``, with ``-attested`` after it if it is attested.

        The generation and the thumbprint give the next certificate another name, so that it is proven before the last one is deleted.
        ``-attested`` shows everyone who reads the name that possession was not proven.

        Raises:
            DeclarationError: Azure does not allow the name.
        """
        composed = _compose_name(self.name, self.generation, self.description.thumbprint, attest=self.attest)
        return self.certificate_name or require_certificate_name(composed)

    def trusts_another_than(self, certificate: object) -> bool:
        """Whether the declared certificate is another one than ``certificate``, PEM, that of an earlier run; or there is none."""
        try:
            return load_certificate(str(certificate), what="certificate") != self.certificate
        except PkiError:
            return True

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether the certificate is valid at ``moment``."""
        try:
            require_valid_at(self.certificate, now=moment)
        except NotValidNowError:
            return False
        return True

    @cached_property
    def description(self) -> Description:
        """The certificate as text."""
        return describe(self.certificate)

    @cached_property
    def what(self) -> str:
        """The certificate's name in messages."""
        return f"certificate '{self.name_on_service}' on {self.service_id.title}"

    def proof(self, code: str, date: datetime) -> str | None:
        """The proof for ``code``, PEM: signed now and dated ``date``, or the input ``proof_certificate``; None if there is neither.

        Raises:
            ProofError, NotValidNowError: the given proof is for another code, or is not valid at ``date``.
            HubtrustError: the key can't sign.
        """
        if self.key is not None:
            throw_away = KeyAlgorithm.EC_P256.generate().public_key()
            issuer, serial = issue.Issuer(self.certificate, self.key), x509.random_serial_number()
            return pem(proof_of_possession(issuer, code=code, public_key=throw_away, now=date, serial=serial))
        if self.proof_certificate is None:
            return None
        require_proof(self.proof_certificate, code=code, authority=self.certificate, now=date)
        return pem(self.proof_certificate)

    def shows_possession(self, date: datetime) -> bool:
        """Whether the certificate's key can sign here. This is checked locally: a proof is signed and verified, and nothing is sent.

        Raises:
            HubtrustError: the key can't sign.
        """
        if self.key is None:
            return False
        proof = load_certificate(str(self.proof(_LOCAL_CODE, date)), what=self.what)
        require_proof(proof, code=_LOCAL_CODE, authority=self.certificate, now=date)
        return True
