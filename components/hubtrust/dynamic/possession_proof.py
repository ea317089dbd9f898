"""PossessionProof: the proof that an authority's key is held, for the verification code of a hub that another stack manages.

Its inputs are the fields of ``PossessionProofInputs`` here and of ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field
there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pulumi
from cryptography import x509

from hubtrust.azure_inputs import CloudInputs
from hubtrust.certificates.declaration import read_authority
from hubtrust.custody.custodies import DeclaredSigner, read_signer
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties, input_field
from hubtrust.pki.certificate import Certificate, describe, display, load_certificate, pem
from hubtrust.pki.errors import PkiError
from hubtrust.pki.issue import Issuer
from hubtrust.pki.keys import KeyAlgorithm, require_strong_key
from hubtrust.pki.proof import OFFLINE_PROOF_LIFETIME, proof_of_possession, require_proof
from hubtrust.pki.verification_code import VerificationCode
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

_WHERE = "sign the proof where the key is (the output `ceremony` of VerifiedCertificate is the command)"


def _code(value: object) -> str:
    text = str(value)
    try:
        return VerificationCode(text).text
    except PkiError as error:
        remedy = "give the output `code` of the hub's certificate, or None while there is none: nothing else is signed"
        raise DeclarationError("code", error.fact, remedy) from None


@dataclass(frozen=True, kw_only=True)
class PossessionProofInputs(CloudInputs):
    """The inputs of a PossessionProof."""

    certificate: Certificate = input_field(
        read_authority, "the authority's certificate on the hub, PEM, exactly one.", required=True, kept=True
    )
    code: str | None = input_field(
        _code,
        "the verification code (48 hex digits) that the hub gave for this certificate: the output `code` of VerifiedCertificate. None: the "
        "hub asks for no proof, and the last one is kept.",
    )
    signer: DeclaredSigner = input_field(
        read_signer,
        "where the certificate's key is: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``; it becomes a secret.",
        required=True,
        secret=True,
    )

    @property
    def issuer(self) -> Issuer:
        """The authority with its key.

        Raises:
            DeclarationError: the key can't sign here.
            PkiError: it is not the certificate's key.
        """
        public_key = require_strong_key(self.certificate.public_key(), what="certificate")
        return Issuer(self.certificate, self.signer.require_signer(_WHERE, public_key))

    def is_answered(self, olds: Properties, moment: datetime) -> bool:
        """Whether the proof in the outputs ``olds`` is for this code and certificate, and a hub would take it at ``moment``."""
        if self.code is None or not olds.get("proof") or olds.get("proofCode") != self.code:
            return self.code is None
        try:
            require_proof(load_certificate(str(olds["proof"]), what="proof"), code=self.code, authority=self.certificate, now=moment)
        except PkiError:
            return False
        return True

    def is_same_authority(self, olds: Properties) -> bool:
        """Whether the outputs ``olds`` are of this certificate."""
        try:
            return load_certificate(str(olds.get("certificate")), what="certificate") == self.certificate
        except PkiError:
            return False


class PossessionProofOutputs:
    """The outputs of a PossessionProof."""

    certificate: pulumi.Output[str]
    """The authority's certificate on the hub, PEM, as declared."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    proof: pulumi.Output[str | None]
    """The proof, a certificate in PEM, for ``proof_code``; None until there was a code. The hub's stack takes it as ``Import(proof=…)``."""
    proof_code: pulumi.Output[str | None]
    """The verification code that ``proof`` is for, 48 hex digits; None until there was one."""


class PossessionProofProvider(Reconciler[PossessionProofInputs]):
    """Signs a proof for a new code and keeps it, because each signature is another text; again when it has expired unused.

    Nothing but a verification code is signed, and what is signed is no device's and no authority's certificate.
    """

    inputs, results = PossessionProofInputs, PossessionProofOutputs

    def on_check(self, _olds: Properties, news: PossessionProofInputs) -> None:
        """Check that the certificate's own key can sign here."""
        if not {"certificate", "signer"} & news.unknown:
            _ = news.issuer

    def on_diff(self, olds: Properties, news: PossessionProofInputs) -> Change:
        """Nothing is ever replaced: what hubs know of it is the proof alone."""
        if {"certificate", "code"} & news.unknown or not news.is_same_authority(olds):
            return Change(updates=True)
        return Change(updates=not news.is_answered(olds, now()))

    def on_create(self, news: PossessionProofInputs) -> tuple[str, dict[str, Any]]:
        """Sign, or wait for a code."""
        return describe(news.certificate).sha256, self._answer(news, {})

    @staticmethod
    def _answer(news: PossessionProofInputs, olds: Properties) -> dict[str, Any]:
        outs = news.kept_values() | {"proof": olds.get("proof"), "proofCode": olds.get("proofCode")}
        if news.code is None:
            if not outs["proof"]:
                show_message(f"{display(news.certificate)}: no hub asks for a proof of it yet (code is not given)")
            return outs
        news.require_true_clock()
        throw_away = KeyAlgorithm.EC_P256.generate().public_key()
        proof = proof_of_possession(
            news.issuer,
            code=news.code,
            public_key=throw_away,
            now=now(),
            serial=x509.random_serial_number(),
            lifetime=OFFLINE_PROOF_LIFETIME,
        )
        return outs | {"proof": pem(proof), "proofCode": news.code}

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The proof exists only in the state, so there is nothing to read."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: PossessionProofInputs) -> dict[str, Any]:
        """Sign for a new code. A proof of another certificate is not kept."""
        kept = olds if news.is_same_authority(olds) else {}
        return {**kept, **news.kept_values()} if kept and news.is_answered(olds, now()) else self._answer(news, kept)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """There is nothing to delete outside the state."""


class PossessionProof(PossessionProofOutputs, Reconciled, module="hubtrust", name="PossessionProof"):
    """A proof of possession for a hub of another stack.

    A proof lasts 30 days, dated by this machine's clock, which is compared with Azure's. Whoever may set ``code`` can have a hub of his
    choice trust this authority.
    """

    provider = PossessionProofProvider

    def __init__(
        self,
        resource_name: str,
        *,
        certificate: pulumi.Input[str],
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]],
        code: pulumi.Input[str | None] | None = None,
        cloud: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A proof of possession for a hub of another stack.

        Args:
            resource_name: its name in Pulumi.
            certificate: the authority's certificate on the hub, PEM, exactly one.
            signer: where the certificate's key is: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``; it becomes a secret.
            code: the verification code (48 hex digits) that the hub gave for this certificate: the output `code` of VerifiedCertificate.
                None: the hub asks for no proof, and the last one is kept.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
