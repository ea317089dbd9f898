"""IssuedCertificate: a certificate for this key or CSR, signed by this authority through its signer, renewed in its window."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from hubtrust.certificates.issuance import DEFAULTS, DEVICE, INTERMEDIATE, PROFILES, ROOT, Issuance, parse_subject
from hubtrust.custody.custodies import require_signer
from hubtrust.dynamic.lifecycle import Change, Properties, Reconciled, Reconciler, Validator, is_unknown, now, require_number, say
from hubtrust.pki.certificate import display, instant, load_certificate, load_certificates
from hubtrust.pki.keys import load_public_key
from hubtrust.pki.request import load_request
from hubtrust.reconcile_errors import DeclarationError

# Another one of these is another certificate; everything else is the same one, renewed or kept.
_IDENTITY = ("profile", "subject", "deviceId")
_KEYS = ("publicKey", "request", "signer", "issuerCertificate")
_REQUIRED = {
    ROOT: {"subject"},
    INTERMEDIATE: {"subject", "issuerCertificate", "pathLength"},
    DEVICE: {"deviceId", "issuerCertificate"},
}


def _require_profile(value: object) -> None:
    if value not in PROFILES:
        raise DeclarationError("profile", f"there is no profile '{value}'", f"use {', '.join(PROFILES)}")


def _require_inputs(profile: str, news: Properties) -> None:
    """The inputs of ``profile``, one key to certify, and a window inside the lifetime."""
    for name in sorted(_REQUIRED[profile] - news.keys()):
        raise DeclarationError(name, f"it is missing, and profile '{profile}' has it", "give it")
    keys = sorted({"publicKey", "request"} & news.keys())
    if profile == ROOT and keys:
        raise DeclarationError(keys[0], "a root certifies its signer's own key", f"leave {' and '.join(keys)} out")
    if profile != ROOT and len(keys) != 1:
        raise DeclarationError("publicKey", f"there are {len(keys)} keys to certify", "give publicKey or request, one of them")
    lifetime, window = (news.get(name, DEFAULTS[profile][name]) for name in ("lifetimeDays", "renewBeforeDays"))
    if lifetime is not None and window is not None and window >= lifetime:
        raise DeclarationError("renewBeforeDays", f"it is {window:g} and the lifetime is {lifetime:g} days", "renew later, or live longer")


def _tell_due(issuance: Issuance, olds: Properties) -> None:
    """In a preview this is all that is to be seen of a renewal."""
    certificate = load_certificate(str(olds["certificate"]), what="certificate")
    if issuance.is_due(certificate, now=now()):
        ends = instant(certificate.not_valid_after_utc)
        say(f"{display(certificate)}: renewal is due, for it ends on {ends}; `up` signs it anew, for the same key")


class IssuedCertificateProvider(Reconciler):
    """Signs, and signs again when renewal is due; no service is asked, so what is lost is only ever an answer."""

    validators: ClassVar[Mapping[str, Validator]] = {
        "profile": _require_profile,
        "subject": parse_subject,
        "deviceId": Issuance.require_device_id,
        "publicKey": lambda value: load_public_key(str(value), what="publicKey"),
        "request": lambda value: load_request(str(value), what="request"),
        "issuerCertificate": lambda value: load_certificates(str(value), what="issuerCertificate"),
        "signer": require_signer,
        "pathLength": lambda value: require_number(value, least=0, most=9, whole=True),
        "lifetimeDays": lambda value: require_number(value, least=1 / 24, most=36525),
        "renewBeforeDays": lambda value: require_number(value, least=0, most=36525),
    }
    required = frozenset({"profile", "signer"})
    secret_inputs = frozenset({"signer"})
    outputs = frozenset(
        {
            *("profile", "subject", "deviceId", "issuerCertificate", "pathLength", "lifetimeDays", "renewBeforeDays", "custody"),
            *("certificate", "chain", "issuer", "serial", "thumbprint", "sha256", "notBefore", "notAfter", "renewAt", "key"),
            *("keyThumbprint", "issuerKeyThumbprint"),
        }
    )

    def combined(self, news: Properties) -> None:
        """Each profile has its own inputs; what can be judged before all is known is judged."""
        profile = news.get("profile")
        if profile is not None:
            _require_inputs(str(profile), news)
        if None not in news.values():
            Issuance.read(news).require_possible(now=now())

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Re-key, another name, another issuer's key: a new certificate. Renewal, another lifetime or path length: the same one anew."""
        names = [name for name in _IDENTITY if name in news]
        replaces = [name for name in names if is_unknown(news[name]) or news[name] != olds.get(name)]
        replaces += [name for name in _KEYS if is_unknown(news.get(name))]
        if replaces or any(is_unknown(value) for value in news.values()):
            return Change(replaces, updates=True)
        issuance = Issuance.read(news)
        if issuance.subject_key_thumbprint != olds.get("keyThumbprint"):
            replaces += [name for name in ("request", "publicKey") if name in news] or ["signer"]
        if issuance.issuer_key_thumbprint != olds.get("issuerKeyThumbprint") and "signer" not in replaces:
            replaces.append("signer")
        if not replaces:
            _tell_due(issuance, olds)
        return Change(replaces, updates=not issuance.is_current(olds, now=now()))

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Sign. The id is the certified key's: it outlives renewals."""
        issuance = Issuance.read(news)
        return issuance.subject_key_thumbprint, issuance.outs(issuance.sign(now=now()))

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nobody to ask: the certificate is in the outputs. Whether it is due is ``on_diff``'s to say."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Sign anew where the certificate is due or declared otherwise; else keep it and renew what is said about it."""
        issuance = Issuance.read(news)
        kept = issuance.kept(olds, now=now())
        return issuance.outs(kept or issuance.sign(now=now()))

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """Nothing is registered anywhere: what was issued expires by itself, or with its authority."""


class IssuedCertificate(Reconciled, module="hubtrust", name="IssuedCertificate"):
    """A certificate issued here: a root, an intermediate, or a device's."""

    certificate: pulumi.Output[str]
    chain: pulumi.Output[str]
    issuer: pulumi.Output[str]
    serial: pulumi.Output[str]
    thumbprint: pulumi.Output[str]
    sha256: pulumi.Output[str]
    subject: pulumi.Output[str]
    not_before: pulumi.Output[str]
    not_after: pulumi.Output[str]
    renew_at: pulumi.Output[str]
    key: pulumi.Output[str]
    key_thumbprint: pulumi.Output[str]
    custody: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        profile: pulumi.Input[str],
        signer: pulumi.Input[Mapping[str, Any]],
        subject: pulumi.Input[str] | None = None,
        device_id: pulumi.Input[str] | None = None,
        public_key: pulumi.Input[str] | None = None,
        request: pulumi.Input[str] | None = None,
        issuer_certificate: pulumi.Input[str] | None = None,
        path_length: pulumi.Input[int] | None = None,
        lifetime_days: pulumi.Input[float] | None = None,
        renew_before_days: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            profile: `root`, `intermediate` or `device`.
            signer: where the signing key is, ``custody.in_state(…)``, ``in_key_vault(…)`` or ``in_token(…)``: a root's own, else the
                issuer's; made a secret here.
            subject: of a root or an intermediate, as RFC 4514 text: `CN=Plant A,O=Contoso`.
            device_id: of a device: its common name.
            public_key: the key to certify, PEM; or
            request: a certificate signing request, PEM, whose key is certified; its other wishes are not looked at.
            issuer_certificate: PEM, the issuer's own first; those above it go into ``chain``.
            path_length: how many authorities may stand below; 0: devices only; a root may leave it open.
            lifetime_days: default 3650 (root), 1825 (intermediate), 365 (device); cut where the issuer ends.
            renew_before_days: before its end it is signed anew: default 365, 180, 30.
            opts: Pulumi's options.

        Outputs: ``certificate`` and ``chain`` (it and all above it) are PEM, ``renew_at`` is when renewal falls due.
        """
        inputs = {
            "profile": profile,
            "signer": signer,
            "subject": subject,
            "device_id": device_id,
            "public_key": public_key,
            "request": request,
            "issuer_certificate": issuer_certificate,
            "path_length": path_length,
            "lifetime_days": lifetime_days,
            "renew_before_days": renew_before_days,
        }
        super().__init__(IssuedCertificateProvider(), resource_name, inputs, opts)
