"""IssuedBatch: a certificate for every device whose request came in, signed by this authority, each renewed in its window."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi
from cryptography import x509

from hubtrust.certificates.issuance import DEFAULTS, DEVICE, Issuance
from hubtrust.custody.custodies import custody_of, signer_from
from hubtrust.devices import description as rules
from hubtrust.dynamic.lifecycle import Change, Properties, Reconciled, Reconciler, Validator, is_unknown, now, require_number
from hubtrust.errors import HubtrustError
from hubtrust.pki import issue
from hubtrust.pki.certificate import common_name, instant, load_certificate, load_certificates, pem
from hubtrust.pki.keys import PublicKey, key_thumbprint
from hubtrust.pki.request import load_request, requested_key
from hubtrust.reconcile_errors import DeclarationError

_REQUEST = re.compile(r"-----BEGIN (NEW )?CERTIFICATE REQUEST-----.*?-----END (NEW )?CERTIFICATE REQUEST-----", re.DOTALL)
_MOST = 10_000  # requests: a certificate takes a kilobyte of the state


def _requested(text: object) -> dict[str, PublicKey]:
    """Each device's key by its id, which is the request's common name.

    Raises:
        DeclarationError: requests are bad; each is told, by its place in the text.
        PrivateKeyInsideError: a private key is among them.
    """
    given = str(text)
    blocks = [found.group() for found in _REQUEST.finditer(given)]
    if not blocks or "PRIVATE KEY-----" in given or len(blocks) != given.count("-----BEGIN"):
        load_request(_REQUEST.sub("", given), what="requests")  # says what else is there
    if len(blocks) > _MOST:
        raise DeclarationError("requests", f"there are {len(blocks):,}", f"give at most {_MOST:,} to one batch")
    keys: dict[str, PublicKey] = {}
    bad: list[str] = []
    for place, block in enumerate(blocks, 1):
        what = f"request {place}"
        try:
            request = load_request(block, what=what)
            key, device_id = requested_key(request, what=what), common_name(request.subject)
            Issuance.require_device_id(rules.require_device_id(device_id))
            if device_id in keys:
                raise DeclarationError(what, f"there is one for device '{device_id}' already", "leave one out")
            keys[device_id] = key
        except HubtrustError as error:
            bad.append(f"{what}: {error.fact}")
    if bad:
        raise DeclarationError("requests", f"{len(bad)} of {len(blocks)} are bad: {'; '.join(bad)}", "have their devices make them again")
    return keys


def _issuances(news: Properties) -> list[Issuance]:
    signer = signer_from(news["signer"])
    if signer is None:
        fact = f"custody '{custody_of(news['signer'])}' signs nothing here"
        raise DeclarationError("signer", fact, "issue them where the key is")
    issuers = tuple(load_certificates(str(news["issuerCertificate"]), what="issuerCertificate"))
    common = {"profile": DEVICE, "signer": news["signer"]} | {name: news.get(name) for name in ("lifetimeDays", "renewBeforeDays")}
    return [
        Issuance(DEVICE, signer, issuers, key, {**common, "deviceId": one}) for one, key in sorted(_requested(news["requests"]).items())
    ]


class IssuedBatchProvider(Reconciler):
    """As IssuedCertificate, for many: what is as it was declared and not due is kept."""

    validators: ClassVar[Mapping[str, Validator]] = {
        "requests": _requested,
        "issuerCertificate": lambda value: load_certificates(str(value), what="issuerCertificate"),
        "signer": signer_from,
        "lifetimeDays": lambda value: require_number(value, least=1 / 24, most=36525),
        "renewBeforeDays": lambda value: require_number(value, least=0, most=36525),
    }
    required = frozenset({"requests", "issuerCertificate", "signer"})
    secret_inputs = frozenset({"signer"})
    outputs = frozenset({"certificates", "issuerChain", "lifetimeDays", "renewBeforeDays", "custody", "count", "renewAt"})

    def combined(self, news: Properties) -> None:
        """A window inside the lifetime, and an issuer that may sign with this key."""
        lifetime, window = (news.get(name, DEFAULTS[DEVICE][name]) for name in ("lifetimeDays", "renewBeforeDays"))
        if lifetime is not None and window is not None and window >= lifetime:
            raise DeclarationError(
                "renewBeforeDays", f"it is {window:g} and the lifetime is {lifetime:g} days", "renew later, or live longer"
            )
        if None not in news.values():
            _issuances(news)[0].require_possible(now=now())

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Whatever changes, it stays the batch that it is."""
        if any(is_unknown(value) for value in news.values()):
            return Change([], updates=True)
        return Change([], updates=self._sign(olds, news) != dict(olds))

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Sign all of them."""
        return "batch", self._sign({}, news)

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nobody to ask."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Sign those that are new, due, or declared otherwise."""
        return self._sign(olds, news)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """Nothing is registered anywhere."""

    @staticmethod
    def _sign(olds: Properties, news: Properties) -> dict[str, Any]:
        moment, issuances = now(), _issuances(news)
        held = {key_thumbprint(one.public_key()): one for one in map(_loaded, olds.get("certificates") or [])}  # type: ignore[arg-type] # judged when signed
        signed: list[x509.Certificate] = []
        issuer = issue.Issuer(issuances[0].issuers[0], issuances[0].signer)
        for issuance in issuances:
            old = held.get(issuance.subject_key_thumbprint) if held else None
            kept = None
            if old is not None and common_name(old.subject) == issuance.news["deviceId"]:
                kept = issuance.kept({"certificate": pem(old), "lifetimeDays": olds.get("lifetimeDays")}, now=moment)
            signed.append(kept or issuance.sign(now=moment, issuer=issuer))
        ends = min((one.not_valid_after_utc for one in signed), default=moment)
        found = {name: news.get(name) for name in ("lifetimeDays", "renewBeforeDays")} | {
            "certificates": [pem(one) for one in signed],
            "issuerChain": "".join(pem(one) for one in issuances[0].issuers),
            "custody": custody_of(news["signer"]),
            "count": len(signed),
            "renewAt": instant(ends - issuances[0].window),
        }
        return {name: value for name, value in found.items() if value is not None}


def _loaded(text: str) -> x509.Certificate:
    return load_certificate(text, what="certificates")


class IssuedBatch(Reconciled, module="hubtrust", name="IssuedBatch"):
    """Certificates for the requests of many devices."""

    certificates: pulumi.Output[list[str]]
    issuer_chain: pulumi.Output[str]
    count: pulumi.Output[int]
    renew_at: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        requests: pulumi.Input[str] | Sequence[str],
        issuer_certificate: pulumi.Input[str],
        signer: pulumi.Input[Mapping[str, Any]],
        lifetime_days: pulumi.Input[float] | None = None,
        renew_before_days: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            requests: certificate signing requests, PEM, at most 10,000; each one's common name is its device's id.
            issuer_certificate: PEM, the issuer's own first; those above it go into ``issuer_chain``.
            signer: where the issuer's key is: ``custody.in_state(…)``; made a secret here.
            lifetime_days: default 365; cut where the issuer ends.
            renew_before_days: before its end each is signed anew; default 30.
            opts: Pulumi's options.

        Outputs: ``certificates`` in the order of device ids, ``issuer_chain`` to hand over behind each; ``renew_at`` is when the first
        falls due.
        """
        inputs = {
            "requests": requests if not isinstance(requests, list | tuple) else "\n".join(requests),
            "issuer_certificate": issuer_certificate,
            "signer": signer,
            "lifetime_days": lifetime_days,
            "renew_before_days": renew_before_days,
        }
        super().__init__(IssuedBatchProvider(), resource_name, inputs, opts)

    @property
    def chains(self) -> pulumi.Output[dict[str, str]]:
        """The file to hand over, by device id: its certificate and all above it."""
        return pulumi.Output.all(self.certificates, self.issuer_chain).apply(
            lambda found: {common_name(_loaded(one).subject): one + found[1] for one in found[0]}
        )
