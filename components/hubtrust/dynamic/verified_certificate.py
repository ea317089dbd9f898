"""VerifiedCertificate: this certificate is registered on this hub or provisioning service, and verified by proof of possession.

Its inputs are the fields of ``CertificateInputs`` and ``ServiceInputs`` in ``hubtrust/certificates/declaration.py``, and of ``AzureInputs``
and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from hubtrust.azure.certificates import Certificates, RegisteredCertificate, writer
from hubtrust.azure_inputs import CloudInputs, report_if_gone
from hubtrust.certificates import proving
from hubtrust.certificates.declaration import CertificateInputs, ServiceInputs, composed_from, read_authority
from hubtrust.certificates.proving import Outcome, Prover
from hubtrust.certificates.verification import (
    FOUND,
    KEY_HELD,
    POSSESSION,
    REPLACED,
    UNVERIFIED,
    VERIFIED,
    WAITING,
    LastRun,
    VerifiedCertificateOutputs,
    evidence_outputs,
    how_verified,
    proofs_after,
    settled,
    unproven_warning,
)
from hubtrust.commit import program_commit
from hubtrust.custody.custodies import OFFLINE
from hubtrust.dynamic import import_ids, imported, moved_hub, trusted_generations
from hubtrust.dynamic.import_ids import read_import_id
from hubtrust.dynamic.lifecycle import Change, Imported, Reconciled, Reconciler
from hubtrust.dynamic.registered_devices import require_unreferenced
from hubtrust.dynamic.replaced_keys import require_unused_key
from hubtrust.errors import shown
from hubtrust.inputs import Properties, wire_name
from hubtrust.pki.certificate import Certificate, describe, load_certificate, pem, rfc3339, thumbprint
from hubtrust.pki.profile import require_valid_at
from hubtrust.pki.proof import proof_command
from hubtrust.process import now, show_message

_TAKEN_OVER: set[str] = set()  # ids of certificates that a create of this process found on the service; a process lasts for one run


class VerifiedCertificateProvider(Reconciler[CertificateInputs]):
    """Registers, proves, watches and removes one certificate. It takes 4 HTTP calls to register and verify a new one."""

    inputs, results = CertificateInputs, VerifiedCertificateOutputs
    steady_outputs = frozenset({"certificateName"})

    def on_check(self, olds: Properties, news: CertificateInputs) -> None:
        """See ``CertificateInputs.require_consistent``. A certificate that was not trusted before must be valid now.

        One that was trusted may have expired: that keeps no run from taking something away.
        """
        if "certificate" not in news.unknown and news.trusts_another_than(olds.get("certificate")):
            require_valid_at(news.certificate, now=now())
        news.require_consistent()
        if not {"service_id", "name", "generation", "certificate"} & news.unknown:
            trusted_generations.declare(news.service_id, news.name, news.generation, news.certificate)

    def on_diff(self, olds: Properties, news: CertificateInputs) -> Change:
        """Changing the service, or the certificate's name on it, replaces the resource; every other change is made in place."""
        replaces = news.changes_that_replace(olds)
        unknown = [wire_name(name) for name in ("certificate_name", "name", "generation", "attest") if name in news.unknown]
        if unknown or "certificate" in news.unknown:
            if not unknown and "certificateName" not in news.given:
                unknown = ["certificate"]  # the name on the service contains its thumbprint
            return Change(replaces + unknown, updates=True)
        if news.name_on_service != olds.get("certificateName"):
            changed = [name for name in ("name", "generation", "attest") if news.given.get(name) != olds.get(name)]
            replaces += ["certificate"] if news.description.thumbprint != _declared_thumbprint(olds) else changed or ["certificateName"]
        return Change(replaces, updates=self._needs_update(olds, news))

    @staticmethod
    def _needs_update(olds: Properties, news: CertificateInputs) -> bool:
        """Whether the certificate is not verified, differs from the declaration, or there is something to find out or to prove.

        That is so where others verified it and its key is available now, while a ceremony waits for its proof, and with ``reprove``.
        """
        custody = olds.get("custody") if "signer" in news.unknown else news.signer.custody if news.signer else None
        untouched = imported.is_imported(olds) and olds.get("state") == UNVERIFIED  # a code would be a change that nobody has asked for
        return (
            (olds.get("state") != VERIFIED and not untouched)
            or bool(olds.get("code"))
            or news.reprove == olds.get("etag")
            or olds.get("thumbprint") != news.description.thumbprint
            or (olds.get("attest") or False) != news.attest
            or CloudInputs.read(olds).cloud != news.cloud
            or olds.get("custody") != custody
            or (olds.get("proof") == FOUND and custody not in (None, OFFLINE))
        )

    def on_create(self, news: CertificateInputs) -> tuple[str, dict[str, Any]]:
        """Register and prove. An existing certificate of this name is used if its content is the same; otherwise see ``adopt``."""
        require_valid_at(news.certificate, now=now())
        outs, found_there = self._reconcile(news, None)
        id_ = f"{news.service_id.id}/certificates/{news.name_on_service}"
        if found_there:
            _TAKEN_OVER.add(id_)
        return id_, outs

    def on_update(self, _id: str, olds: Properties, news: CertificateInputs) -> dict[str, Any]:
        """Register and prove. The name belongs to this resource: another certificate that has it was put there by hand, and is replaced."""
        last_run = LastRun.read(olds)
        if news.description.thumbprint != _declared_thumbprint(olds):
            require_valid_at(news.certificate, now=now())
            last_run = LastRun(last_run.etag)  # what is known is known of another certificate
        return self._reconcile(news, last_run)[0]

    @staticmethod
    def _reconcile(news: CertificateInputs, last_run: LastRun | None) -> tuple[dict[str, Any], bool]:
        """The outputs after this run, and whether the certificate was on the service before."""
        with writer(news.service_id), news.resource_manager() as client:
            prover = Prover(Certificates(client, news.service_id), news, last_run, local_time=now, commit=program_commit)
            outcome = prover.reconcile()
        if outcome.state != VERIFIED and not news.is_valid_at(now()):
            show_message(f"{news.what}: it is not verified, and is not proven because it is not valid now: {_dates(news)}")
        elif outcome.state == WAITING:
            if prover.unused:
                show_message(f"{news.what}: the given proof is not used: {prover.unused}")
            show_message(f"{news.what}: waiting for proof: where the key is, run: {proof_command(str(outcome.code))}")
            use = "then set the content of proof.pem as this resource's input proofCertificate (the stack's setting caProof) and run again"
            show_message(f"{news.what}: {use}; the code stays valid in later runs until the certificate changes on the service")
        elif outcome.proof in (KEY_HELD, FOUND):
            show_message(unproven_warning(news.what, outcome.proof, outcome.etag, last_run, key_here=news.key is not None))
        outs = _outputs(news, outcome) | _history(last_run, outcome, prover.adopted)
        return outs, prover.found_there is True

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The certificate as it is now. A verification code is valid only while the etag is unchanged."""
        service, last_run = ServiceInputs.read(olds), LastRun.read(olds)
        name = str(olds["certificateName"])
        with service.resource_manager() as client:
            certificates = Certificates(client, service.service_id)
            registered = settled(lambda: certificates.find(name), last_run)
        if registered is None:
            report_if_gone(service.service_id)
            return None
        no_code = dict.fromkeys(("code", "codeEtag", "ceremony"))
        outs = {**olds, "etag": registered.etag, "thumbprint": registered.thumbprint, "proof": None, **evidence_outputs(last_run.evidence)}
        if registered.thumbprint != _declared_thumbprint(olds):
            return outs | no_code | {"state": REPLACED}
        if registered.verified:
            key_here = olds.get("custody") not in (None, OFFLINE)
            proof = _proof_after_refresh(registered, last_run, attested=olds.get("attest") is True, key_here=key_here)
            if last_run.proof == POSSESSION != proof:
                what = f"certificate '{name}' on {service.service_id.title}"
                show_message(unproven_warning(what, proof, registered.etag, last_run, key_here=key_here))
            # A waiting code stays: the next run finds out whether its proof was accepted. After a second change it can't be.
            seen_before = last_run.state == VERIFIED and last_run.etag != registered.etag
            return outs | {"state": VERIFIED, "proof": proof, "codeEtag": None if seen_before else last_run.code_etag}
        if last_run.code and last_run.code_etag == registered.etag:
            return outs | {"state": WAITING, "codeEtag": last_run.code_etag, "ceremony": proof_command(last_run.code)}
        return outs | no_code | {"state": UNVERIFIED}

    def on_import(self, id_: str, _owner: Mapping[str, str]) -> Imported | None:
        """See ``dynamic/imported.py``. Who verified it, and with which key, nobody says, so ``proof`` is at most `found`.

        The signer of the inputs is `offline`, which claims nothing: the program says where the key is. Of a certificate on a provisioning
        service Azure shows the thumbprint alone.
        """
        given = read_import_id(id_, import_ids.CERTIFICATE, "serviceId")
        service = ServiceInputs.read(given.place)
        with service.resource_manager() as client:
            registered = Certificates(client, service.service_id).find(given.names[0])
        if registered is None:
            return None
        what = f"certificate '{registered.name}' on {service.service_id.title}"
        held = read_authority(registered.text) if registered.text else None
        name, generation = composed_from(registered.name, registered.thumbprint)
        named = {"name": name, "generation": generation} if name else {"certificateName": registered.name}
        inputs = {**given.place, **named, "signer": {"custody": OFFLINE}, **({"certificate": pem(held)} if held else {})}
        if held is None:
            show_message(f"{what} is imported without its text, which Azure does not give back: set certificate in the program")
        if registered.verified:
            show_message(unproven_warning(what, FOUND, registered.etag, None, key_here=False))
        else:
            fact = "it is not verified, and this run does not change that"
            show_message(f"{what} is imported: {fact}; to prove it, set reprove to '{registered.etag}' and run up")
        outs = {name: value for name, value in inputs.items() if name != "signer"} | {
            "certificateName": registered.name,
            "custody": OFFLINE,
            "thumbprint": registered.thumbprint,
            "etag": registered.etag,
            "state": VERIFIED if registered.verified else UNVERIFIED,
            "proof": FOUND if registered.verified else None,
            "imported": imported.UNKNOWN,
        }
        if held:
            shown_of = describe(held)
            texts = (shown_of.sha256, shown_of.subject, shown_of.not_after, shown_of.key_thumbprint)
            outs |= dict(zip(("sha256", "subject", "notAfter", "keyThumbprint"), texts, strict=True))
        return Imported(f"{service.service_id.id}/certificates/{registered.name}", inputs, outs)

    def on_delete(self, id_: str, olds: Properties) -> None:
        """Delete the certificate, with the etag of the last run. Another certificate that has the name now is kept.

        A certificate that another resource of this run uses is kept too. Where a resource was renamed or is replaced, the engine creates
        the new resource before it deletes the old one: the new one finds the certificate on the service and uses it.
        """
        service, name = ServiceInputs.read(olds), str(olds["certificateName"])
        what = f"certificate '{name}' on {service.service_id.title}"
        if moved_hub.stays(f"certificate '{name}'", service.service_id):
            return
        if id_ in _TAKEN_OVER:
            _TAKEN_OVER.discard(id_)
            show_message(f"{what}: another resource of this run has taken it over, so it is kept")
            return
        authority, generation = str(olds.get("name") or "ca"), int(olds.get("generation") or 1)
        trusted_generations.require_given_up(what, service.service_id, authority, generation)
        if olds.get("certificate"):  # of one that was imported without its text nobody knows the key
            require_unused_key(service.service_id, authority, generation, _declared(olds))
        if service.service_id.kind == "provisioningservices":
            must_see = trusted_generations.has_record(service.service_id, authority)
            require_unreferenced(what, service.service_id, name, service.cloud, must_see=must_see)
        etag = olds.get("etag") if olds.get("state") != REPLACED else None
        with writer(service.service_id), service.resource_manager() as client:
            certificates = Certificates(client, service.service_id)
            if not proving.delete(certificates, name, thumbprint=_declared_thumbprint(olds), etag=etag, deadline=service.deadline):
                show_message(f"{what}: another certificate has this name now; it is not ours and is kept")


def _outputs(news: CertificateInputs, outcome: Outcome) -> dict[str, Any]:
    return news.kept_values() | {
        "certificateName": news.name_on_service,
        "custody": news.signer.custody if news.signer else None,
        "thumbprint": outcome.thumbprint,
        "sha256": news.description.sha256,
        "subject": news.description.subject,
        "notAfter": news.description.not_after,
        "keyThumbprint": news.description.key_thumbprint,
        "etag": outcome.etag,
        "code": outcome.code,
        "codeEtag": outcome.code_etag,
        "ceremony": proof_command(outcome.code) if outcome.code else None,
        "state": outcome.state,
        "proof": outcome.proof,
        **evidence_outputs(outcome.evidence),
    }


def _history(last: LastRun | None, outcome: Outcome, adopted: str | None) -> dict[str, Any]:
    """The outputs that each run adds to. A state of an earlier version gets them with its next change."""
    proofs = proofs_after(last.proofs if last else [], outcome.evidence)
    replaced = [*(last.adopted if last else []), *([adopted] if adopted else [])]
    return {"proofs": proofs or None, "adopted": replaced or None}


def _dates(news: CertificateInputs) -> str:
    first, last = (rfc3339(date) for date in (news.certificate.not_valid_before_utc, news.certificate.not_valid_after_utc))
    return f"it is valid from {first} to {last}; renew it and give the new certificate"


def _proof_after_refresh(registered: RegisteredCertificate, last_run: LastRun, *, attested: bool, key_here: bool) -> str:
    """How ``registered``, which is verified, was verified. No key is used: with one here, the last proof has shown that it is ours."""
    shown = key_here and last_run.evidence is not None
    return how_verified(registered, last_run, last_run.evidence, attested=attested, shows_key=lambda: shown)


def _declared(olds: Properties) -> Certificate:
    return load_certificate(str(olds["certificate"]), what="certificate")


def _declared_thumbprint(olds: Properties) -> str:
    """The thumbprint of the declared certificate. The output ``thumbprint`` is that of the certificate on the service.

    One that was imported without its text has only that.
    """
    if olds.get("certificate") is None and imported.is_imported(olds):
        return str(olds.get("thumbprint"))
    return thumbprint(_declared(olds))


class VerifiedCertificate(VerifiedCertificateOutputs, Reconciled, module="hubtrust", name="VerifiedCertificate"):
    """An authority's certificate on an IoT hub or a provisioning service, verified by proof of possession."""

    provider = VerifiedCertificateProvider

    def __init__(
        self,
        resource_name: str,
        *,
        service_id: pulumi.Input[str],
        certificate: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        generation: pulumi.Input[int] | None = None,
        certificate_name: pulumi.Input[str] | None = None,
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        proof_certificate: pulumi.Input[str | None] | None = None,
        attest: pulumi.Input[bool] | None = None,
        reprove: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """An authority's certificate on an IoT hub or a provisioning service, verified by proof of possession.

        Args:
            name: the beginning of the name on the service, letters, digits, - . _; default `ca`.
            resource_name: its name in Pulumi.
            service_id: ARM id of the IoT hub or provisioning service.
            certificate: the authority's certificate, PEM, exactly one.
            generation: 1 to 9999; the next one is created and proven before the last one is deleted.
            certificate_name: the whole name on the service, at most 64 characters, to adopt a certificate that exists. The name stays when
                the certificate changes: devices are then not trusted until the new certificate is proven.
            signer: where the authority's key is: ``signer_inputs.in_state``, ``offline``, ``in_key_vault`` or ``in_token``; becomes a
                secret.
            proof_certificate: the proof: the certificate that the command in the output ``ceremony`` creates; PEM, or base64 of DER or
                PKCS#7. For custody offline only.
            attest: True: mark it as verified without a proof; this logs a warning. Default False.
            reprove: the certificate's etag, to prove it again although it is verified: Azure gives a new code, which removes its
                verification until the proof is accepted. It holds once, because the etag changes with it.
            adopt: SHA-1 thumbprints of certificates that may be replaced if one has the name and is not ours. Default: none, refuse.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
        pulumi.Output.from_input(attest).apply(self._warn_if_attested)
        pulumi.Output.all(self.certificate_name, self.state, self.proof, self.etag).apply(lambda known: self._warn_if_unproven(*known))

    def _warn_if_attested(self, attest: bool | None) -> None:
        if attest:
            pulumi.log.warn("attest is set: the certificate is marked as verified, and possession of its key is not proven", self)

    def _warn_if_unproven(self, name: str | None, state: str | None, proof: str | None, etag: str | None) -> None:
        """In each run, because a run that changes nothing calls no provider."""
        if state == VERIFIED and proof in (KEY_HELD, FOUND):
            fact = f"certificate '{name}' is verified, but not by a proof of this stack: proof is {proof}"
            pulumi.log.warn(shown(f"{fact}; to prove it, set reprove to '{etag}'"), self)
