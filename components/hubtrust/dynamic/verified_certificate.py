"""VerifiedCertificate: this certificate is registered on this hub or provisioning service, and its proof stands."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from hubtrust.azure import clouds
from hubtrust.azure.certificates import Certificates, service, writer
from hubtrust.azure.client import Door, Patience
from hubtrust.azure.login import login
from hubtrust.certificates.declaration import Declared, certificate_name
from hubtrust.certificates.proving import FOUND, REPLACED, UNVERIFIED, VERIFIED, WAITING, Prover, Remembered, Standing, removed
from hubtrust.custody.custodies import OFFLINE, custody_of, require_signer, signer_from
from hubtrust.dynamic.lifecycle import (
    Change,
    Properties,
    Reconciled,
    Reconciler,
    Validator,
    is_unknown,
    now,
    require_bool,
    require_number,
    say,
)
from hubtrust.pki import issue
from hubtrust.pki.certificate import describe, load_certificate
from hubtrust.pki.keys import require_strong_key
from hubtrust.pki.profile import require_authority
from hubtrust.pki.proof import ceremony
from hubtrust.reconcile_errors import DeclarationError

DEADLINE = 300.0  # seconds
_TAKEN_OVER: set[str] = set()  # ids that a create of this process found standing; a process lives for one run
_ANY = "0" * 40  # a thumbprint in names that are judged before there is one


class VerifiedCertificateProvider(Reconciler):
    """Registers, proves, watches and removes one certificate; 4 HTTP calls from nothing to proven."""

    validators: ClassVar[Mapping[str, Validator]] = {
        "serviceId": lambda value: service(str(value)),
        "certificate": lambda value: require_authority(load_certificate(str(value), what="certificate"), now=now()),
        "name": lambda value: certificate_name({"name": value}, _ANY),
        "certificateName": lambda value: certificate_name({"certificateName": value}, _ANY),
        "generation": lambda value: require_number(value, least=1, most=9999, whole=True),
        "signer": require_signer,
        "proofCertificate": lambda value: load_certificate(str(value), what="proofCertificate"),
        "attest": require_bool,
        "adopt": require_bool,
        "cloud": lambda value: clouds.require_name(str(value)),
        "deadline": lambda value: require_number(value, least=1, most=3600),
    }
    required = frozenset({"serviceId", "certificate"})
    secret_inputs = frozenset({"signer"})
    outputs = frozenset(
        {
            *("serviceId", "certificate", "name", "generation", "attest", "cloud", "deadline"),
            *("certificateName", "custody", "thumbprint", "sha256", "subject", "notAfter", "keyThumbprint"),
            *("etag", "code", "ceremony", "state", "proof"),
        }
    )

    def combined(self, news: Properties) -> None:
        """A key that is not the certificate's, a proof that nobody asked for, and nothing to prove with at all are refused."""
        if "signer" not in news and news.get("attest") is not True:
            raise DeclarationError(
                "signer", "there is none and attest is not set", "say where the key is: custody state, offline, key-vault or pkcs11"
            )
        signer, certificate = news.get("signer"), news.get("certificate")
        if signer is not None and "proofCertificate" in news and custody_of(signer) != OFFLINE:
            raise DeclarationError(
                "proofCertificate", f"custody '{custody_of(signer)}' makes its own proof", "leave it out, or set custody offline"
            )
        if signer is not None and certificate is not None:
            authority = load_certificate(str(certificate), what="certificate")
            held = signer_from(signer, public_key=require_strong_key(authority.public_key(), what="certificate"))
            if held is not None:
                issue.Issuer(authority, held)
        if "certificateName" not in news:
            certificate_name(news, _ANY)

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Another service, or another name on it, is another certificate; all the rest is done in place."""
        replaces = [] if _same_id(olds.get("serviceId"), news.get("serviceId")) else ["serviceId"]
        naming = [name for name in ("certificateName", "name", "generation", "attest") if name in news]
        unknown = [name for name in naming if is_unknown(news[name])]
        if unknown or is_unknown(news.get("certificate")):
            fixed = "certificateName" in news and not unknown
            return Change(replaces + (unknown or ([] if fixed else ["certificate"])), updates=True)
        thumbprint = _thumbprint(news)
        if certificate_name(news, thumbprint) != olds.get("certificateName"):
            changed = [name for name in ("name", "generation", "attest") if news.get(name) != olds.get(name)]
            replaces += ["certificate"] if thumbprint != _thumbprint(olds) else changed or ["certificateName"]
        return Change(replaces, updates=self._is_due(olds, news, thumbprint))

    @staticmethod
    def _is_due(olds: Properties, news: Properties, thumbprint: str) -> bool:
        """What waits, drifted, or can be shown better now."""
        signer = news.get("signer")
        custody = olds.get("custody") if is_unknown(signer) else custody_of(signer) if signer else None
        return (
            olds.get("state") != VERIFIED
            or olds.get("thumbprint") != thumbprint
            or (olds.get("attest") or False) != (news.get("attest") or False)
            or (olds.get("cloud") or "public") != (news.get("cloud") or "public")
            or olds.get("custody") != custody
            or (olds.get("proof") == FOUND and custody not in (None, OFFLINE))
        )

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Nothing is remembered: what stands under our name and is our certificate is gone on from, anything else is refused."""
        declared = Declared.read(news)
        standing = self._reconcile(declared, None)
        id_ = f"{declared.owner.id}/certificates/{declared.certificate_name}"
        if standing.stood:
            _TAKEN_OVER.add(id_)
        return id_, declared.outs(standing)

    def on_update(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """The name is ours: what stands there and is another certificate was put by hand, and is put right."""
        remembered = Remembered(str(olds.get("etag") or ""), olds.get("code"), olds.get("proof"))
        declared = Declared.read(news)
        return declared.outs(self._reconcile(declared, remembered))

    @staticmethod
    def _reconcile(declared: Declared, remembered: Remembered | None) -> Standing:
        if declared.attest:
            say(f"{declared.what}: attest is set, so it is called verified and nothing is proven: anybody's certificate would pass")
        with writer(declared.owner), _door(declared.news) as door:
            certificates, deadline = Certificates(door, declared.owner), _deadline(declared.news)
            prover = Prover(certificates, declared.answer, declared.witness, local_time=now, deadline=deadline)
            standing = prover.reconcile(declared.wanted, remembered)
        if standing.state == WAITING:
            say(f"{declared.what}: waiting for proof: where the key is, run: {ceremony(str(standing.code))}")
            say(f"{declared.what}: then give proof.pem as proofCertificate (caProof); the code stays good until then, in every later run")
        return standing

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Verified lost, content replaced, gone; a code is live as long as its etag."""
        with _door(olds) as door:
            found = Certificates(door, service(str(olds["serviceId"]))).get(str(olds["certificateName"]))
        if found is None:
            return None
        seen: dict[str, Any] = {"etag": found.etag, "thumbprint": found.thumbprint, "code": None, "ceremony": None, "proof": None}
        if found.thumbprint != _thumbprint(olds):
            seen["state"] = REPLACED
        elif found.verified:
            seen |= {"state": VERIFIED, "proof": (olds.get("proof") if olds.get("state") == VERIFIED else None) or FOUND}
        elif olds.get("code") and olds.get("etag") == found.etag:
            seen |= {"state": WAITING, "code": olds["code"], "ceremony": ceremony(str(olds["code"]))}
        else:
            seen["state"] = UNVERIFIED
        return {**olds, **seen}

    def on_delete(self, id_: str, olds: Properties) -> None:
        """With the etag that was seen last; what somebody else has put under our name meanwhile is left to them.

        And what another resource of this run stands on: a renamed resource, or one that the engine was told to replace, is made
        (that is: found) before the old one is deleted, and the certificate is one and the same.
        """
        owner, name = service(str(olds["serviceId"])), str(olds["certificateName"])
        if id_ in _TAKEN_OVER:
            _TAKEN_OVER.discard(id_)
            say(f"certificate '{name}' on {owner.title}: another resource of this run has taken it over, so it stays")
            return
        etag = olds.get("etag") if olds.get("state") != REPLACED else None
        with writer(owner), _door(olds) as door:
            if not removed(Certificates(door, owner), name, thumbprint=_thumbprint(olds), etag=etag, deadline=_deadline(olds)):
                say(f"certificate '{name}' on {owner.title}: another certificate holds this name now; it is not ours and stays")


def _door(properties: Properties) -> Door:
    cloud = clouds.named(str(properties.get("cloud") or clouds.PUBLIC.name))
    return Door(cloud.resource_manager, cloud.arm_scope, login(cloud, os.environ), Patience(deadline=_deadline(properties)), say)


def _deadline(properties: Properties) -> float:
    return float(properties.get("deadline") or DEADLINE)


def _thumbprint(properties: Properties) -> str:
    """Of the declared certificate, whatever stands on the service."""
    return describe(load_certificate(str(properties["certificate"]), what="certificate")).thumbprint


def _same_id(old: object, new: object) -> bool:
    """ARM ids are compared without case."""
    return not is_unknown(new) and str(old).rstrip("/").lower() == str(new).rstrip("/").lower()


class VerifiedCertificate(Reconciled, module="hubtrust", name="VerifiedCertificate"):
    """An authority's certificate on an IoT hub or a provisioning service, verified by proof of possession."""

    certificate_name: pulumi.Output[str]
    thumbprint: pulumi.Output[str]
    sha256: pulumi.Output[str]
    subject: pulumi.Output[str]
    not_after: pulumi.Output[str]
    key_thumbprint: pulumi.Output[str]
    custody: pulumi.Output[str | None]
    etag: pulumi.Output[str]
    code: pulumi.Output[str | None]
    ceremony: pulumi.Output[str | None]
    state: pulumi.Output[str]
    proof: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        service_id: pulumi.Input[str],
        certificate: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        generation: pulumi.Input[int] | None = None,
        certificate_name: pulumi.Input[str] | None = None,
        signer: pulumi.Input[Mapping[str, Any]] | None = None,
        proof_certificate: pulumi.Input[str] | None = None,
        attest: pulumi.Input[bool] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            service_id: ARM id of the IoT hub or provisioning service.
            certificate: the authority's certificate, PEM, one.
            name: what the name on the service begins with; default: `ca`.
            generation: 1, 2, …; the next one is made and proven before the last one goes.
            certificate_name: the whole name on the service, to adopt one that is there. It stays when the certificate changes:
                then devices are not trusted for the moment between replacing and proving.
            signer: where the authority's key is: ``custody.in_state(…)``, ``offline()``, ``in_key_vault(…)`` or ``in_token(…)``; made a
                secret here.
            proof_certificate: custody offline: the answer to the output ``code``, PEM.
            attest: call it verified and prove nothing.
            adopt: replace another certificate that holds the name.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds to try again what Azure refuses for the moment; default 300.
            opts: Pulumi's options.

        Outputs: ``state`` is `verified` or `waiting` (and, found by a refresh, `unverified` or `replaced`); ``proof`` is `possession`,
        `attestation` or `found` (verified by somebody before); ``code`` and ``ceremony`` are there while it waits: what is to be
        answered, and the command that does it where the key is; thumbprints are SHA-1 as Azure shows it, and SHA-256.
        """
        if attest is True:
            pulumi.log.warn(f"{resource_name}: attest is set: the certificate is called verified and possession of its key is not proven")
        inputs = {
            "service_id": service_id,
            "certificate": certificate,
            "name": name,
            "generation": generation,
            "certificate_name": certificate_name,
            "signer": signer,
            "proof_certificate": proof_certificate,
            "attest": attest,
            "adopt": adopt,
            "cloud": cloud,
            "deadline": deadline,
        }
        super().__init__(VerifiedCertificateProvider(), resource_name, inputs, opts)
