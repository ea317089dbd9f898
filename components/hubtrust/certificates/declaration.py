"""What a VerifiedCertificate declares, and what follows from its inputs: the name on the service, and proofs of possession."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cryptography import x509

from hubtrust.azure.certificates import CERTIFICATE_NAME
from hubtrust.azure.service import Service, service
from hubtrust.azure_inputs import AzureInputs, same_id
from hubtrust.custody.custodies import OFFLINE, DeclaredSigner, read_signer
from hubtrust.inputs import boolean, declared, whole_number
from hubtrust.pki import issue
from hubtrust.pki.certificate import Description, describe, load_certificate, pem
from hubtrust.pki.keys import KeyAlgorithm, require_strong_key
from hubtrust.pki.profile import require_authority
from hubtrust.pki.proof import proof_of_possession, require_answer
from hubtrust.pki.signers import Signer
from hubtrust.process import now
from hubtrust.reconcile_errors import DeclarationError

_LOCAL_CODE = "0" * 48  # signed to show possession without the service; no service ever sees it
_ANY = "0" * 40  # a thumbprint in names that are validated before there is one


def _authority(value: object) -> x509.Certificate:
    found = load_certificate(str(value), what="certificate")
    require_authority(found, now=now())
    return found


def _name(value: object) -> str:
    _require_name(_composed(str(value), 1, _ANY, attest=False))
    return str(value)


def _require_name(name: str) -> str:
    if not CERTIFICATE_NAME.fullmatch(name):
        raise DeclarationError("name", f"the certificate would be called '{name}'", "use at most 64 of: letters, digits, - . _")
    return name


def _composed(name: str, generation: int, thumbprint: str, *, attest: bool) -> str:
    return f"{name}-g{generation}-{thumbprint[:8].lower()}" + ("-attested" if attest else "")


@dataclass(frozen=True, kw_only=True)
class ServiceInputs(AzureInputs):
    """A service that holds certificates."""

    service_id: Service = declared(
        lambda value: service(str(value)),
        "ARM id of the IoT hub or provisioning service.",
        required=True,
        kept=True,
        replaces=True,
        same=same_id,
    )


@dataclass(frozen=True, kw_only=True)
class CertificateInputs(ServiceInputs):
    """The inputs of a VerifiedCertificate."""

    certificate: x509.Certificate = declared(_authority, "the authority's certificate, PEM, one.", required=True, kept=True)
    name: str = declared(_name, "what the name on the service begins with; default: `ca`.", kept=True, default="ca")
    generation: int = declared(
        whole_number(1, 9999), "1, 2, …; the next one is created and proven before the last one is deleted.", kept=True, default=1
    )
    certificate_name: str | None = declared(
        lambda value: _require_name(str(value)),
        "the whole name on the service, to adopt a certificate that exists. It stays when the certificate changes: then devices are not "
        "trusted for the moment between replacing and proving.",
    )
    signer: DeclaredSigner | None = declared(
        read_signer,
        "where the authority's key is: ``custody.in_state(…)``, ``offline()``, ``in_key_vault(…)`` or ``in_token(…)``; made a secret here.",
        secret=True,
    )
    proof_certificate: x509.Certificate | None = declared(
        lambda value: load_certificate(str(value), what="proofCertificate"), "custody offline: the answer to the output ``code``, PEM."
    )
    attest: bool = declared(boolean, "mark it as verified and prove nothing.", kept=True, default=False)
    adopt: bool = declared(boolean, "replace another certificate that has the name.", default=False)

    def require_consistent(self) -> None:
        """Refuse a key that is not the certificate's, a proof that nobody asked for, and nothing to prove with.

        Raises:
            HubtrustError: so it is.
        """
        if "signer" not in self.given and not self.attest:
            remedy = "say where the key is: custody state, offline, key-vault or pkcs11"
            raise DeclarationError("signer", "there is none and attest is not set", remedy)
        if self.signer is not None and "proofCertificate" in self.given and self.signer.custody != OFFLINE:
            fact = f"custody '{self.signer.custody}' makes its own proof"
            raise DeclarationError("proofCertificate", fact, "leave it out, or set custody offline")
        if not {"signer", "certificate"} & self.unknown and (held := self.key()) is not None:
            issue.Issuer(self.certificate, held)
        if "certificateName" not in self.given and not {"name", "generation", "attest"} & self.unknown:
            self.name_on_service(_ANY)

    def key(self) -> Signer | None:
        """What signs proofs here; None where nothing does."""
        public_key = require_strong_key(self.certificate.public_key(), what="certificate")
        return self.signer.signer(public_key) if self.signer else None

    def name_on_service(self, thumbprint: str | None = None) -> str:
        """``certificate_name`` as it is, or ``<name>-g<generation>-<8 of the thumbprint>``; attested ones end in ``-attested``.

        Generation and thumbprint are in it so that the next certificate is proven before the last one is deleted, and an attested one
        never passes for a proven one.

        Raises:
            DeclarationError: Azure allows no such name.
        """
        composed = _composed(self.name, self.generation, thumbprint or self.description.thumbprint, attest=self.attest)
        return self.certificate_name or _require_name(composed)

    @cached_property
    def description(self) -> Description:
        """The certificate in words."""
        return describe(self.certificate)

    @property
    def what(self) -> str:
        """How messages call it."""
        return f"certificate '{self.name_on_service()}' on {self.service_id.title}"

    def proof(self, code: str, date: datetime) -> str | None:
        """The proof for ``code``, PEM, dated by the service's clock: signed here, or the one that was given; None while there is none.

        Raises:
            ProofError, NotValidNowError: the one that was given answers another code, or is not valid at ``date``.
            HubtrustError: the key can't sign.
        """
        key = self.key()
        if key is not None:
            throw_away = KeyAlgorithm.EC_P256.generate().public_key()
            issuer, serial = issue.Issuer(self.certificate, key), x509.random_serial_number()
            return pem(proof_of_possession(issuer, code=code, public_key=throw_away, now=date, serial=serial))
        if self.proof_certificate is None:
            return None
        require_answer(self.proof_certificate, code=code, authority=self.certificate, now=date)
        return pem(self.proof_certificate)

    def shows_possession(self, date: datetime) -> bool:
        """Whether the key signs here and now, without the service: a signature that the certificate's own key verifies.

        Raises:
            HubtrustError: the key can't sign.
        """
        if self.key() is None:
            return False
        made = load_certificate(str(self.proof(_LOCAL_CODE, date)), what=self.what)
        require_answer(made, code=_LOCAL_CODE, authority=self.certificate, now=date)
        return True
