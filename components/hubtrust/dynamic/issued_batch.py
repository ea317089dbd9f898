"""IssuedBatch: a certificate for every device whose request is given, signed by this authority, each renewed in its window.

Its inputs are the fields of ``IssuedBatchInputs`` here, of ``IssuingInputs`` in ``hubtrust/certificates/issuance.py``, and of
``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.certificates.issuance import Issuance, IssuingInputs
from hubtrust.certificates.lifetimes import DEVICE
from hubtrust.devices.description import require_device_id
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.errors import HubtrustError
from hubtrust.inputs import Properties, input_field, texts
from hubtrust.many_errors import ManyErrors
from hubtrust.pki import issue
from hubtrust.pki.certificate import Certificate, display, load_certificate, pem, rfc3339
from hubtrust.pki.keys import PublicKey, key_thumbprint, require_strong_key
from hubtrust.pki.names import common_name
from hubtrust.pki.request import requested_key
from hubtrust.pki.request_batch import Place, each_request, joined
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

_MOST = 10_000  # requests: a certificate takes a kilobyte of the state


def _requested(value: object) -> dict[str, PublicKey]:
    """The keys of the requests by device id, which is the request's common name.

    Raises:
        DeclarationError: requests are invalid; each is named by its number and its common name.
        PrivateKeyInsideError: a private key is among them.
    """
    text = joined(texts(value, remedy="give each request as a text, PEM or base64 of DER")) if isinstance(value, list) else str(value)
    places = each_request(text, what="requests")
    if len(places) > _MOST:
        raise DeclarationError("requests", f"there are {len(places):,} requests", f"use at most {_MOST:,} in one batch")
    keys: dict[str, PublicKey] = {}
    numbers: dict[str, int] = {}
    invalid = ManyErrors("request")
    for place in places:
        try:
            device_id, key = _device_and_key(place)
            if device_id in keys:
                fact = f"request {numbers[device_id]} is of device '{device_id}' too"
                raise DeclarationError(place.what, fact, "remove one of the two requests of a device")
        except HubtrustError as error:
            invalid.add(place.number, error, name=place.name)
        else:
            keys[device_id], numbers[device_id] = key, place.number
    if invalid.count:
        raise DeclarationError("requests", invalid.fact(len(places)), invalid.remedy)
    return keys


def _device_and_key(place: Place) -> tuple[str, PublicKey]:
    """The id of the device that made this request, and its key."""
    request = place.read()
    key, device_id = requested_key(request, what=place.what), common_name(request.subject)
    if not device_id:
        raise DeclarationError(place.what, "it has no common name", "create it again with the device's id as its common name")
    issue.device_name(require_device_id(device_id))
    return device_id, key


@dataclass(frozen=True, kw_only=True)
class IssuedBatchInputs(IssuingInputs):
    """The inputs of an IssuedBatch."""

    requests: dict[str, PublicKey] = input_field(
        _requested,
        "certificate signing requests, at most 10,000: one text, PEM, or a list of PEM and base64 of DER; each one's common name is its "
        "device's id.",
        required=True,
    )

    def issuances(self) -> list[Issuance]:
        """The certificates to issue, in the order of device ids.

        Raises:
            HubtrustError: the issuer's key is not available here.
        """
        signer, lifetime = self.issuer_key(), self.lifetime(DEVICE)
        return [
            Issuance(DEVICE, signer, key, lifetime, issuers=self.issuer_certificate, device_id=device_id, anchor=self.anchor)
            for device_id, key in sorted(self.requests.items())
        ]

    def asks_for_more(self, olds: Properties) -> bool:
        """Whether these inputs ask for a certificate that the old inputs ``olds`` did not ask for: so a device less asks for nothing."""
        if olds.get("lifetimeDays") != self.given.get("lifetimeDays"):
            return True
        if olds.get("requests") == self.given.get("requests"):
            return False
        try:
            before = _requested(olds.get("requests") or "")
        except HubtrustError:
            return True
        return any(before.get(device_id) != key for device_id, key in self.requests.items())


class IssuedBatchOutputs:
    """The outputs of an IssuedBatch."""

    certificates: pulumi.Output[list[str]]
    """The certificates, each PEM, in the order of device ids."""
    issuer_chain: pulumi.Output[str]
    """The issuer's certificate and those above it, PEM, to append to each certificate: see ``chains``."""
    count: pulumi.Output[float]
    """How many certificates there are."""
    lifetime_days: pulumi.Output[float | None]
    """For how many days they are issued, as declared; None: the default."""
    renew_before_days: pulumi.Output[float | None]
    """How many days before its end each is renewed, as declared; None: the default."""
    renew_at: pulumi.Output[str]
    """From when a run renews the first of them, UTC: 2027-10-25T03:19:06Z."""
    custody: pulumi.Output[str]
    """Where the issuer's key is: `state`, `key-vault` or `pkcs11`."""


class IssuedBatchProvider(Reconciler[IssuedBatchInputs]):
    """Like IssuedCertificate, for many devices: a certificate that is as declared and not due for renewal is kept."""

    inputs, results = IssuedBatchInputs, IssuedBatchOutputs

    def on_check(self, olds: Properties, news: IssuedBatchInputs) -> None:
        """Check the renewal window, and that the issuer can sign and, where a certificate is asked for, is valid."""
        news.lifetime(DEVICE)
        if not news.unknown:
            moment, issuances = now(), news.issuances()
            issuer = issuances[0].issuer(now=moment)
            for issuance in issuances:
                issuance.require_possible(now=moment, issuer=issuer)
            if news.asks_for_more(olds):
                issuances[0].require_valid(now=moment, issuer=issuer)

    def on_diff(self, olds: Properties, news: IssuedBatchInputs) -> Change:
        """Every change is an update; nothing is ever replaced. No key is used to find out."""
        if news.unknown:
            return Change(updates=True)
        issuances = news.issuances()
        kept = [one for one in _kept(issuances, olds) if one is not None]
        return Change(updates=len(kept) < len(issuances) or _outs(issuances, news, kept) != dict(olds))

    def on_create(self, news: IssuedBatchInputs) -> tuple[str, dict[str, Any]]:
        """Sign all of them."""
        return "batch", self._issue({}, news)

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The certificates exist only in the state, so there is nothing to read."""
        return dict(olds)

    def on_update(self, _id: str, olds: Properties, news: IssuedBatchInputs) -> dict[str, Any]:
        """Issue those that are new, due for renewal, or declared differently."""
        return self._issue(olds, news)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """There is nothing to delete outside the state."""

    @staticmethod
    def _issue(olds: Properties, news: IssuedBatchInputs) -> dict[str, Any]:
        issuances = news.issuances()
        kept = _kept(issuances, olds)
        if None in kept:
            news.require_true_clock()
        certificates = sign_missing(issuances, kept)
        if news.lifetime_days is not None:
            _report_cut(issuances, [new for new, old in zip(certificates, kept, strict=True) if old is None])
        return _outs(issuances, news, certificates)


def _kept(issuances: list[Issuance], olds: Properties) -> list[Certificate | None]:
    """For each device its certificate of the last run, if it is still as declared and its renewal is not due; otherwise None."""
    held = {(key_thumbprint(_strong_key(one)), common_name(one.subject)): one for one in map(_loaded, olds.get("certificates") or [])}
    moment, days = now(), olds.get("lifetimeDays")

    def kept(issuance: Issuance) -> Certificate | None:
        old = held.get((issuance.subject_key_thumbprint, str(issuance.device_id))) if held else None
        return old if old and issuance.is_current(old, lifetime_days=days, now=moment) else None

    return [kept(issuance) for issuance in issuances]


def _report_cut(issuances: list[Issuance], issued: list[Certificate]) -> None:
    """All of them have the same lifetime and the same issuer."""
    cut = issuances[0].what_is_cut(issued[0], now=now()) if issued else None
    if cut:
        many = f"{len(issued):,} certificates, such as " if len(issued) > 1 else ""
        show_message(f"{many}{display(issued[0])}: {cut}")


def sign_missing(issuances: list[Issuance], kept: list[Certificate | None]) -> list[Certificate]:
    """The kept certificates, and new ones in place of None."""
    moment = now()
    issuer = issuances[0].issuer(now=moment)
    return [old or issuance.sign(now=moment, issuer=issuer) for issuance, old in zip(issuances, kept, strict=True)]


def _outs(issuances: list[Issuance], news: IssuedBatchInputs, certificates: list[Certificate]) -> dict[str, Any]:
    ends = min((one.not_valid_after_utc for one in certificates), default=now())
    found = news.kept_values() | {
        "certificates": [pem(one) for one in certificates],
        "issuerChain": "".join(pem(one) for one in issuances[0].issuers),
        "custody": news.signer.custody,
        "count": len(certificates),
        "renewAt": rfc3339(ends - issuances[0].window),
    }
    return {name: value for name, value in found.items() if value is not None}


def _strong_key(certificate: Certificate) -> PublicKey:
    return require_strong_key(certificate.public_key(), what="certificates")


def _loaded(text: str) -> Certificate:
    return load_certificate(text, what="certificates")


class IssuedBatch(IssuedBatchOutputs, Reconciled, module="hubtrust", name="IssuedBatch"):
    """Certificates for the requests of many devices."""

    provider = IssuedBatchProvider

    def __init__(
        self,
        resource_name: str,
        *,
        requests: pulumi.Input[str] | pulumi.Input[Sequence[pulumi.Input[str]]],
        issuer_certificate: pulumi.Input[str],
        anchor: pulumi.Input[str | None] | None = None,
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]],
        lifetime_days: pulumi.Input[float] | None = None,
        renew_before_days: pulumi.Input[float] | None = None,
        cloud: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Certificates for the requests of many devices.

        Args:
            resource_name: its name in Pulumi.
            requests: certificate signing requests, at most 10,000: one text, PEM, or a list of PEM and base64 of DER; each one's common
                name is its device's id.
            issuer_certificate: certificates, PEM, the issuer's own first; those above it go into the chain.
            anchor: the certificate, PEM, of those in ``issuer_certificate`` that is trusted: what is above it judges nothing. Default: all
                judge.
            signer: where the issuer's key is, or a root's own: ``signer_inputs.in_state``, ``in_key_vault`` or ``in_token``. It becomes a
                secret.
            lifetime_days: how many days a certificate is valid; default 3650 (root), 1825 (intermediate), 365 (device); fewer if the issuer
                expires earlier.
            renew_before_days: how many days before its end a certificate is renewed; default 365 (root), 182.5 (intermediate), 30 (device).
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)

    @property
    def chains(self) -> pulumi.Output[dict[str, str]]:
        """By device id, the PEM text that the device needs: its certificate and all above it."""
        return pulumi.Output.all(self.certificates, self.issuer_chain).apply(
            lambda found: {common_name(_loaded(one).subject): one + found[1] for one in found[0]}
        )
