"""IssuedCertificate: a certificate for this key or CSR, signed by this authority through its signer, renewed in its window.

Its inputs are the fields of ``IssuedCertificateInputs`` here, of ``IssuingInputs`` in ``hubtrust/certificates/issuance.py``, and of
``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from cryptography import x509

from hubtrust.certificates.issuance import (
    ELSEWHERE,
    PROFILES,
    Issuance,
    IssuedCertificateOutputs,
    IssuingInputs,
    is_from_the_future,
    issuer_certificates,
    parse_subject,
)
from hubtrust.certificates.lifetimes import DEVICE, INTERMEDIATE, ROOT
from hubtrust.devices.description import require_device_id
from hubtrust.devices.module_reconcile import require_module_id
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties, input_field, whole_number, wire_name
from hubtrust.pki.certificate import Certificate, Description, describe, display, load_certificate, pem, rfc3339
from hubtrust.pki.issue import device_name
from hubtrust.pki.keys import PublicKey, load_public_key
from hubtrust.pki.request import CertificateRequest, load_request, requested_key
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

_KEYS = ("public_key", "request", "signer", "issuer_certificate")  # unknown ones may bring another key, so another certificate
_ASKED = ("profile", "subject", "deviceId", "moduleId", "publicKey", "request", "pathLength", "lifetimeDays")
_REQUIRED = {
    ROOT: {"subject"},
    INTERMEDIATE: {"subject", "issuerCertificate", "pathLength"},
    DEVICE: {"deviceId", "issuerCertificate"},
}


def _profile(value: object) -> str:
    if value in PROFILES:
        return str(value)
    raise DeclarationError("profile", f"there is no profile '{value}'", f"use {', '.join(PROFILES)}")


def _device_id(value: object) -> str:
    device_name(require_device_id(value))  # refuses an id that does not fit a common name
    return str(value)


@dataclass(frozen=True, kw_only=True)
class IssuedCertificateInputs(IssuingInputs):
    """The inputs of an IssuedCertificate."""

    profile: str = input_field(_profile, "`root`, `intermediate` or `device`.", required=True, kept=True, replaces=True)
    subject: x509.Name | None = input_field(
        parse_subject,
        "the subject of a root or an intermediate, as RFC 4514 text: `CN=Plant A,O=Contoso`.",
        kept=True,
        replaces=True,
    )
    device_id: str | None = input_field(_device_id, "the device's id, which becomes the common name.", kept=True, replaces=True)
    module_id: str | None = input_field(
        require_module_id,
        "the id of a module of the device, which the certificate is for: its common name is then `<device id>/<module id>`.",
        kept=True,
        replaces=True,
    )
    public_key: PublicKey | None = input_field(
        lambda value: load_public_key(str(value), what="publicKey"), "the public key to certify, PEM; or give `request`."
    )
    request: CertificateRequest | None = input_field(
        lambda value: load_request(str(value), what="request"),
        "a certificate signing request, PEM or base64 of DER, whose key is certified; nothing else in it is used.",
    )
    issuer_certificate: tuple[Certificate, ...] = input_field(
        issuer_certificates,
        "certificates, PEM, the issuer's certificate first; any others above it become part of ``chain``. A root has none.",
        kept=True,
        default=(),
    )
    path_length: int | None = input_field(
        whole_number(0, 9), "how many authorities may follow below, 0 to 9; 0: devices only; a root without it has no limit.", kept=True
    )

    @property
    def holder(self) -> str | None:
        """The common name of a device's or a module's certificate (learn.microsoft.com/azure/iot-hub/module-twins-cli)."""
        return f"{self.device_id}/{self.module_id}" if self.module_id else self.device_id

    def require_consistent(self) -> None:
        """Check that the profile's inputs are set, that there is exactly one key to certify, and that the window is inside the lifetime.

        Raises:
            DeclarationError: one of these is not so.
        """
        if "profile" in self.unknown:
            return
        profile = self.profile
        for name in sorted(_REQUIRED[profile] - self.given.keys()):
            raise DeclarationError(name, f"it is missing, and profile '{profile}' needs it", "set it")
        if "moduleId" in self.given and profile != DEVICE:
            raise DeclarationError("moduleId", f"it has no effect with profile '{profile}'", "remove it")
        if self.module_id and self.device_id:
            device_name(str(self.holder))  # refuses ids that do not fit a common name together
        keys = sorted({"publicKey", "request"} & self.given.keys())
        if profile == ROOT and keys:
            raise DeclarationError(keys[0], "a root certifies the key of its signer", f"remove {' and '.join(keys)}")
        if profile != ROOT and len(keys) != 1:
            raise DeclarationError("publicKey", f"there are {len(keys)} keys to certify", "set either publicKey or request")
        self.lifetime(profile)

    def issuance(self) -> Issuance:
        """The certificate to issue.

        Raises:
            HubtrustError: the issuer's key is not available here, or the request is not for this device.
        """
        profile = self.profile
        if profile == ROOT:
            signer = self.signer.require_signer(ELSEWHERE)
            public_key = signer.public_key
        else:
            signer, public_key = self.issuer_key(), self._subject_key()
        return Issuance(
            profile,
            signer,
            public_key,
            self.lifetime(profile),
            issuers=() if profile == ROOT else self.issuer_certificate,
            subject=self.subject,
            device_id=self.holder,
            path_length=self.path_length,
            anchor=self.anchor,
        )

    def asks_for_another(self, olds: Properties) -> bool:
        """Whether these inputs ask for another certificate than the old inputs ``olds``, whoever issues it; so do the first ones."""
        return any(olds.get(name) != self.given.get(name) for name in _ASKED)

    def _subject_key(self) -> PublicKey:
        if self.public_key is not None:
            return self.public_key
        if self.request is None:
            raise DeclarationError("publicKey", "there are 0 keys to certify", "set either publicKey or request")
        return requested_key(self.request, what="request", name=self.holder if self.profile == DEVICE else None)


def _kept(issuance: Issuance, news: IssuedCertificateInputs, olds: Properties) -> Certificate | None:
    """The certificate of the last run, if it is still as declared and its renewal is not due; otherwise None."""
    certificate = load_certificate(str(olds["certificate"]), what="certificate")
    same = olds.get("pathLength") == news.given.get("pathLength")
    return certificate if same and issuance.is_current(certificate, lifetime_days=olds.get("lifetimeDays"), now=now()) else None


def _sign(issuance: Issuance, news: IssuedCertificateInputs) -> Certificate:
    news.require_true_clock()
    moment = now()
    certificate = issuance.sign(now=moment)
    if news.lifetime_days is not None and (cut := issuance.what_is_cut(certificate, now=moment)):
        show_message(f"{display(certificate)}: {cut}")
    return certificate


def _key_since(olds: Properties, described: Description) -> str | None:
    """From when the first certificate for this key was valid, if it was another one than this."""
    if olds.get("keyThumbprint") != described.key_thumbprint:
        return None
    first = str(olds.get("keySince") or olds["notBefore"])
    return first if first < described.not_before else None  # a certificate whose key is as old as itself says so by notBefore


def _outs(issuance: Issuance, news: IssuedCertificateInputs, certificate: Certificate, olds: Properties) -> dict[str, Any]:
    described = describe(certificate)
    found = news.kept_values() | {
        "subject": news.given.get("subject") or described.subject,
        "custody": news.signer.custody,
        "certificate": pem(certificate),
        "chain": "".join(pem(one) for one in (certificate, *issuance.issuers)),
        "issuer": described.issuer,
        "serial": described.serial,
        "thumbprint": described.thumbprint,
        "sha256": described.sha256,
        "notBefore": described.not_before,
        "notAfter": described.not_after,
        "renewAt": rfc3339(certificate.not_valid_after_utc - issuance.window),
        "key": described.key,
        "keyThumbprint": described.key_thumbprint,
        "keySince": _key_since(olds, described),
        "issuerKeyThumbprint": issuance.issuer_key_thumbprint,
    }
    return {name: value for name, value in found.items() if value is not None}


def _report_renewal(issuance: Issuance, olds: Properties) -> None:
    """Tell the user why it is issued again: a preview shows nothing else about it."""
    certificate = load_certificate(str(olds["certificate"]), what="certificate")
    if is_from_the_future(certificate, now=now()):
        fact = f"it is not valid before {rfc3339(certificate.not_valid_before_utc)}, because a clock was ahead when it was issued"
        show_message(f"{display(certificate)}: {fact}; `pulumi up` issues it again with the same key")
    elif issuance.is_due(certificate, now=now()):
        ends = rfc3339(certificate.not_valid_after_utc)
        show_message(f"{display(certificate)}: renewal is due, because it expires on {ends}; the next `up` renews it with the same key")


class IssuedCertificateProvider(Reconciler[IssuedCertificateInputs]):
    """Issues the certificate, and issues it again when renewal is due. Nothing is stored outside the state."""

    inputs, results = IssuedCertificateInputs, IssuedCertificateOutputs
    steady_outputs = frozenset({"keyThumbprint", "issuerKeyThumbprint"})

    def on_check(self, olds: Properties, news: IssuedCertificateInputs) -> None:
        """Check the profile's inputs, and once all inputs are known, that the certificate can be issued.

        Whether the issuer is valid now matters only for a certificate that there is none of yet: one that has expired must not keep a run
        from taking a device off.
        """
        news.require_consistent()
        if not news.unknown:
            issuance = news.issuance()
            issuance.require_possible(now=now())
            if news.asks_for_another(olds):
                issuance.require_valid(now=now())

    def on_diff(self, olds: Properties, news: IssuedCertificateInputs) -> Change:
        """Another key, name or issuer's key replaces the resource. A renewal, another lifetime or path length is an update."""
        replaces = news.changes_that_replace(olds) + [wire_name(name) for name in _KEYS if name in news.unknown]
        if replaces or news.unknown:
            return Change(replaces, updates=True)
        issuance = news.issuance()
        if issuance.subject_key_thumbprint != olds.get("keyThumbprint"):
            replaces += [name for name in ("request", "publicKey") if name in news.given] or ["signer"]
        if issuance.issuer_key_thumbprint != olds.get("issuerKeyThumbprint") and "signer" not in replaces:
            replaces.append("signer")
        if not replaces:
            _report_renewal(issuance, olds)
        kept = _kept(issuance, news, olds)
        return Change(replaces, updates=kept is None or _outs(issuance, news, kept, olds) != dict(olds))

    def on_create(self, news: IssuedCertificateInputs) -> tuple[str, dict[str, Any]]:
        """Issue it. The resource's id is the thumbprint of the certified key, so renewals keep the id."""
        issuance = news.issuance()
        return issuance.subject_key_thumbprint, _outs(issuance, news, _sign(issuance, news), {})

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The certificate exists only in the state, so there is nothing to read. ``on_diff`` finds out whether renewal is due."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: IssuedCertificateInputs) -> dict[str, Any]:
        """Issue it again if renewal is due or the declaration changed; otherwise keep it and update the other outputs."""
        issuance = news.issuance()
        return _outs(issuance, news, _kept(issuance, news, olds) or _sign(issuance, news), olds)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """There is nothing to delete outside the state. The certificate stays valid until it expires."""


class IssuedCertificate(IssuedCertificateOutputs, Reconciled, module="hubtrust", name="IssuedCertificate"):
    """A certificate issued here: a root, an intermediate, or a device's."""

    provider = IssuedCertificateProvider

    def __init__(
        self,
        resource_name: str,
        *,
        profile: pulumi.Input[str],
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]],
        subject: pulumi.Input[str] | None = None,
        device_id: pulumi.Input[str] | None = None,
        module_id: pulumi.Input[str] | None = None,
        public_key: pulumi.Input[str] | None = None,
        request: pulumi.Input[str] | None = None,
        issuer_certificate: pulumi.Input[str] | None = None,
        anchor: pulumi.Input[str | None] | None = None,
        path_length: pulumi.Input[int] | None = None,
        lifetime_days: pulumi.Input[float] | None = None,
        renew_before_days: pulumi.Input[float] | None = None,
        cloud: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A certificate issued here: a root, an intermediate, or a device's.

        Args:
            resource_name: its name in Pulumi.
            profile: `root`, `intermediate` or `device`.
            signer: where the issuer's key is, or a root's own: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``. It becomes a
                secret.
            subject: the subject of a root or an intermediate, as RFC 4514 text: `CN=Plant A,O=Contoso`.
            device_id: the device's id, which becomes the common name.
            module_id: the id of a module of the device, which the certificate is for: its common name is then `<device id>/<module id>`.
            public_key: the public key to certify, PEM; or give `request`.
            request: a certificate signing request, PEM or base64 of DER, whose key is certified; nothing else in it is used.
            issuer_certificate: certificates, PEM, the issuer's certificate first; any others above it become part of ``chain``. A root has
                none.
            anchor: the certificate, PEM, of those in ``issuer_certificate`` that is trusted: what is above it judges nothing. Default: all
                judge.
            path_length: how many authorities may follow below, 0 to 9; 0: devices only; a root without it has no limit.
            lifetime_days: how many days a certificate is valid; default 3650 (root), 1825 (intermediate), 365 (device); fewer if the issuer
                expires earlier.
            renew_before_days: how many days before its end a certificate is renewed; default 365 (root), 182.5 (intermediate), 30 (device).
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
