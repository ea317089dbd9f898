"""ConnectionCheck: a device of this authority connects to this hub and is heard."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pulumi

from hubtrust.custody.custodies import OFFLINE, custody_of, signer_from
from hubtrust.devices import description as rules
from hubtrust.devices.canary import Way, walk
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.lifecycle import Change, Properties, Reconciled, Reconciler, Validator, is_unknown, now, require_bool, say
from hubtrust.pki.certificate import load_certificates
from hubtrust.pki.chain import load_chain
from hubtrust.reconcile_errors import DeclarationError

CONNECTED, NOT_CHECKED = "connected", "not checked"
_DEADLINE = 60.0  # seconds
_SWITCHED_OFF = "switched off"
_WAITING = "waiting for proof"
_NO_KEY = "the key that signs devices is not here"


def _require_trust(value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise DeclarationError("trust", f"it is {value!r}", "give what TrustedHub says that it trusts")


class ConnectionCheckProvider(Reconciler):
    """Connects when hub, authority or device have changed since it last did; its key and certificate live for that one call."""

    validators: ClassVar[Mapping[str, Validator]] = {
        **{name: validate for name, validate in hubs.VALIDATORS.items() if name not in ("owner", "adopt")},
        "deviceId": rules.require_device_id,
        "chain": lambda value: load_certificates(str(value), what="chain"),
        "signer": signer_from,
        "trust": _require_trust,
        "device": str,
        "enabled": require_bool,
    }
    required = frozenset({"hubId", "deviceId"})
    secret_inputs = frozenset({"signer"})
    outputs = frozenset({"hubId", "hostName", "deviceId", "cloud", "state", "reason", "certificationPath", "trigger"})

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Nothing is ever replaced: a check is done again."""
        unknown = any(is_unknown(value) for value in news.values())
        return Change([], updates=unknown or _trigger(news) != olds.get("trigger"))

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """Check. Nothing is left behind that a dead run would have to be forgiven."""
        outs = self._check(news)
        return f"{outs['hostName']}/{news['deviceId']}", outs

    def on_update(self, _id: str, _olds: Properties, news: Properties) -> dict[str, Any]:
        """Check again."""
        return self._check(news)

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """What was seen when it was checked; a refresh connects nobody."""
        return dict(olds)

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """Nothing stands anywhere."""

    @staticmethod
    def _check(news: Properties) -> dict[str, Any]:
        host, device_id, reason = hubs.hub_host(news), str(news["deviceId"]), _not_checked(news)
        outs = {name: news.get(name) for name in ("hubId", "deviceId", "cloud")} | {"hostName": host, "trigger": _trigger(news)}
        if reason is not None:
            say(f"device {device_id} not checked: {reason}")
            return outs | {"state": NOT_CHECKED, "reason": reason}
        signer, moment = signer_from(news["signer"]), now()
        chain = load_chain(str(news["chain"]), what="chain", now=moment)
        if signer is None:  # pragma: no cover - `_not_checked` has said so
            raise DeclarationError("signer", _NO_KEY, "leave the check out")
        way = Way(host, device_id, chain, signer, news.get("trust") or [])
        deadline = float(news.get("deadline") or _DEADLINE)
        with hubs.open_registry({**news, "hostName": host, "deadline": min(deadline, hubs.DEADLINE)}) as registry:
            walk(way, registry, now=moment, deadline=deadline, tell=say)
        say(f"device {device_id} connected, chain: {way.described()}")
        return outs | {"state": CONNECTED, "certificationPath": way.described()}


def _not_checked(news: Properties) -> str | None:
    """Why there is nothing to check; None where there is."""
    if news.get("enabled") is False:
        return _SWITCHED_OFF
    trust = news.get("trust") or []
    if not news.get("chain") or (trust and not any(one.get("verified") for one in trust)):
        return _WAITING
    return None if news.get("signer") is not None and custody_of(news["signer"]) != OFFLINE else _NO_KEY


def _trigger(news: Properties) -> str:
    """Changes when a check would say something new; which key signs stands in the chain."""
    signer = news.get("signer")
    parts = {name: news.get(name) for name in ("hubId", "hostName", "deviceId", "chain", "trust", "device", "cloud")}
    parts |= {"enabled": news.get("enabled") is not False, "custody": custody_of(signer) if signer else None}
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


class ConnectionCheck(Reconciled, module="hubtrust", name="ConnectionCheck"):
    """A canary: one device connects over MQTT and TLS and publishes one message."""

    state: pulumi.Output[str]
    reason: pulumi.Output[str | None]
    certification_path: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        device_id: pulumi.Input[str],
        host_name: pulumi.Input[str] | None = None,
        chain: pulumi.Input[str | None] | None = None,
        signer: pulumi.Input[Mapping[str, Any]] | None = None,
        trust: pulumi.Input[Sequence[Mapping[str, Any]]] | None = None,
        device: pulumi.Input[str] | None = None,
        enabled: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            hub_id: ARM id of the IoT hub.
            device_id: who connects. A device in the field that is connected under this id loses its session for a moment.
            host_name: the hub's host name; asked of Resource Manager where it is not given.
            chain: the authority's chain, PEM; None while it is waited for.
            signer: where the key of its lowest certificate is; None or offline: nothing is checked. Made a secret here.
            trust: what the hub trusts, as TrustedHub says it; nothing is checked while none of it is verified.
            device: anything that changes when the device does: it is checked again then.
            enabled: False switches the check off, where port 8883 is closed.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds to try again; default 60.
            opts: Pulumi's options.

        Outputs: ``state`` is `connected`, and then ``certification_path`` names the device and its CAs, or `not checked`, and then
        ``reason`` says why.
        """
        inputs = {
            "hub_id": hub_id,
            "host_name": host_name,
            "device_id": device_id,
            "chain": chain,
            "signer": signer,
            "trust": trust,
            "device": device,
            "enabled": enabled,
            "cloud": cloud,
            "deadline": deadline,
        }
        super().__init__(ConnectionCheckProvider(), resource_name, inputs, opts)
