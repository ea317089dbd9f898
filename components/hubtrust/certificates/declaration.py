"""What a VerifiedCertificate declares: its inputs, read and judged, and what follows from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from cryptography import x509

from hubtrust.azure.certificates import CERTIFICATE_NAME, Service, service
from hubtrust.certificates.proving import Standing, Wanted
from hubtrust.custody.custodies import custody_of, signer_from
from hubtrust.dynamic.lifecycle import Properties
from hubtrust.pki import issue
from hubtrust.pki.certificate import Description, describe, load_certificate, pem
from hubtrust.pki.keys import KeyAlgorithm, require_strong_key
from hubtrust.pki.proof import ceremony, proof_of_possession, require_answer
from hubtrust.pki.signers import Signer
from hubtrust.reconcile_errors import DeclarationError

_LOCAL_CODE = "0" * 48  # what a witness signs; no service ever sees it


@dataclass(frozen=True, slots=True)
class Declared:
    """The inputs, all known, read and judged."""

    owner: Service
    certificate: x509.Certificate
    description: Description
    certificate_name: str
    signer: Signer | None
    news: Properties

    @classmethod
    def read(cls, news: Properties) -> Self:
        """From the inputs.

        Raises:
            HubtrustError: one is no good, as ``check`` says it.
        """
        certificate = load_certificate(str(news["certificate"]), what="certificate")
        description = describe(certificate)
        name = certificate_name(news, description.thumbprint)
        key = require_strong_key(certificate.public_key(), what="certificate")
        signer = signer_from(news.get("signer"), public_key=key)
        return cls(service(str(news["serviceId"])), certificate, description, name, signer, news)

    @property
    def what(self) -> str:
        """How messages call it."""
        return f"certificate '{self.certificate_name}' on {self.owner.title}"

    @property
    def attest(self) -> bool:
        """Verified without proof."""
        return self.news.get("attest") is True

    @property
    def wanted(self) -> Wanted:
        """What is to stand on the service."""
        adopt = self.news.get("adopt") is True
        return Wanted(self.what, self.certificate_name, pem(self.certificate), self.description.thumbprint, self.attest, adopt)

    def answer(self, code: str, date: datetime) -> str | None:
        """The proof for ``code``, dated by the service's clock: signed here, or the one that came in; None while it has not."""
        if self.signer is not None:
            throw_away = KeyAlgorithm.EC_P256.generate().public_key()
            issuer, serial = issue.Issuer(self.certificate, self.signer), x509.random_serial_number()
            return pem(proof_of_possession(issuer, code=code, public_key=throw_away, now=date, serial=serial))
        if not self.news.get("proofCertificate"):
            return None
        given = load_certificate(str(self.news["proofCertificate"]), what="proofCertificate")
        require_answer(given, code=code, authority=self.certificate, now=date)
        return pem(given)

    def witness(self, date: datetime) -> bool:
        """Whether possession can be shown here and now, without the service: a signature that the certificate's own key verifies."""
        if self.signer is None:
            return False
        made = load_certificate(str(self.answer(_LOCAL_CODE, date)), what=self.what)
        require_answer(made, code=_LOCAL_CODE, authority=self.certificate, now=date)
        return True

    def outs(self, standing: Standing) -> dict[str, Any]:
        """Every output, after ``standing`` was reached."""
        kept = ("serviceId", "certificate", "name", "generation", "attest", "cloud", "deadline")
        return {name: self.news.get(name) for name in kept} | {
            "certificateName": self.certificate_name,
            "custody": custody_of(self.news["signer"]) if self.news.get("signer") else None,
            "thumbprint": standing.thumbprint,
            "sha256": self.description.sha256,
            "subject": self.description.subject,
            "notAfter": self.description.not_after,
            "keyThumbprint": self.description.key_thumbprint,
            "etag": standing.etag,
            "code": standing.code,
            "ceremony": ceremony(standing.code) if standing.code else None,
            "state": standing.state,
            "proof": standing.proof,
        }


def certificate_name(news: Properties, thumbprint: str) -> str:
    """The name on the service: ``certificateName`` as it is, or ``<name>-g<generation>-<8 of the thumbprint>``; attested ones say so.

    Generation and thumbprint are in it so that the next one is proven before the last one goes, and an attested one never
    passes for a proven one.

    Raises:
        DeclarationError: Azure allows no such name.
    """
    name = news.get("certificateName")
    if name is None:
        attested = "-attested" if news.get("attest") is True else ""
        name = f"{news.get('name') or 'ca'}-g{int(news.get('generation') or 1)}-{thumbprint[:8].lower()}{attested}"
    if not CERTIFICATE_NAME.fullmatch(str(name)):
        raise DeclarationError("name", f"the certificate would be called '{name}'", "use at most 64 of: letters, digits, - . _")
    return str(name)
