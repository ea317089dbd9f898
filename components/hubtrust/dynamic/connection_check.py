"""ConnectionCheck: a device of this authority connects to this hub and a message of it arrives.

Its inputs are the fields of ``ConnectionCheckInputs`` in ``hubtrust/dynamic/connection_inputs.py``, of ``HubInputs`` in
``hubtrust/dynamic/hub_inputs.py``, and of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field
there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pulumi

from hubtrust.azure.device_description import Twin
from hubtrust.azure.errors import AzureError, NotAdmittedError, NotFoundError, UnreachableError
from hubtrust.azure.retry import (
    CLOCK_TOLERANCE,
    DEADLINE,
    READ_DEADLINE,
    READ_DENIED,
    READ_UNREACHABLE,
    RetryLimits,
)
from hubtrust.devices.canary import connect
from hubtrust.dynamic.connection_inputs import ConnectionCheckInputs
from hubtrust.dynamic.enrolled_check import require_registration_id
from hubtrust.dynamic.hub_inputs import HubInputs, owner_tag
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties
from hubtrust.pki.certificate import rfc3339
from hubtrust.pki.errors import NotValidNowError
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

CONNECTED, NOT_CHECKED = "connected", "not checked"


class ConnectionCheckOutputs:
    """What the check found."""

    hub_id: pulumi.Output[str]
    """ARM id of the IoT hub."""
    host_name: pulumi.Output[str]
    """The hub's host name."""
    device_id: pulumi.Output[str]
    """The id of the device that connects."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    state: pulumi.Output[str]
    """`connected`, or `not checked` with a ``reason``. A device that can't connect is an error of the run."""
    reason: pulumi.Output[str | None]
    """Why it was not checked, or can't be relied on any more; None if it connected."""
    certification_path: pulumi.Output[str | None]
    """The device and its CAs by name, as `press-001 < Contoso issuing CA`, if it connected."""
    trigger: pulumi.Output[str]
    """A digest of all that is on the device's path: if it changes, the device connects again."""
    connected_at: pulumi.Output[str]
    """When it last connected, by Azure's clock, UTC; empty if it never did."""
    valid_until: pulumi.Output[str | None]
    """The first end of the certificates with which it connected, UTC."""
    device_etag: pulumi.Output[str | None]
    """The etag of the device's identity when it connected; None if the hub did not say, and where the device enrolled."""
    service_id: pulumi.Output[str | None]
    """ARM id of the provisioning service through which the device enrolled; None if it had an entry on the hub."""
    assigned_hub: pulumi.Output[str | None]
    """The host name of the hub that the provisioning service assigned; None if the device had an entry on the hub."""


class ConnectionCheckProvider(Reconciler[ConnectionCheckInputs]):
    """Connects when the hub, the authority or the device has changed or was repaired, and when what it found can't be true any more.

    The device's key and certificate exist for one call only.
    """

    inputs, results = ConnectionCheckInputs, ConnectionCheckOutputs

    def on_check(self, _olds: Properties, news: ConnectionCheckInputs) -> None:
        """Of a device that enrols the id is a registration id too, and the ways to tell it have an effect only there."""
        if "service_id" in news.unknown:
            return
        if news.service_id is not None and news.device_id:
            require_registration_id(news.device_id)
        idle = [name for name in ("idScope", "deviceHost", "assignedHubs") if name in news.given] if news.service_id is None else []
        if idle:
            raise DeclarationError(idle[0], "it has an effect only for a device that enrols", "set serviceId, or leave it out")

    def on_diff(self, olds: Properties, news: ConnectionCheckInputs) -> Change:
        """A change runs the check again; nothing is ever replaced."""
        return Change(updates=bool(news.unknown) or news.trigger() != olds.get("trigger") or _has_expired(olds, now()))

    def on_create(self, news: ConnectionCheckInputs) -> tuple[str, dict[str, Any]]:
        """Check. An interrupted run leaves nothing behind."""
        outs = self._check(news)
        return f"{outs['hostName']}/{news.device_id}", outs

    def on_update(self, _id: str, olds: Properties, news: ConnectionCheckInputs) -> dict[str, Any]:
        """Check again. A chain that is not valid now fails no run that may take something away: then the output ``reason`` says so."""
        try:
            return self._check(news, olds)
        except NotValidNowError as error:
            show_message(f"device {news.device_id} not checked: {error}")
            expired = any(one.not_valid_after_utc < now() for one in news.chain or ())
            # Without a trigger it is tried again in the next run: a chain that is not valid yet will be.
            return self._not_checked(news, olds, str(error)) | ({} if expired else {"trigger": ""})

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The result of the last check if it can still be true. A refresh does not connect, but looks whether it is still that device."""
        if olds.get("state") != CONNECTED:
            return dict(olds)
        if olds.get("serviceId"):  # its device was removed after the check
            expired = f"{_last(olds)} with certificates, one of which expired on {olds.get('validUntil')}"
            return {**olds, "state": NOT_CHECKED, "reason": expired, "trigger": ""} if _has_expired(olds, now()) else dict(olds)
        hub = HubInputs.read(olds)
        try:
            limits = RetryLimits(READ_DEADLINE, denied=READ_DENIED)
            with hub.open_registry(reading=True, refreshing=True, limits=limits) as registry:
                found = registry.twin(str(olds["deviceId"]))
        except NotAdmittedError as error:
            closed = f"{_last(olds)}, and the hub can't be asked now: {error.fact}"
            return {**olds, "state": NOT_CHECKED, "reason": closed, "trigger": ""}
        except (NotFoundError, UnreachableError):
            if hub.is_gone():
                return None
            raise
        reason = _outdated(olds, found, registry.time or now())
        return dict(olds) if reason is None else {**olds, "state": NOT_CHECKED, "reason": reason, "trigger": ""}

    def on_delete(self, _id: str, _olds: Properties) -> None:
        """There is nothing to delete."""

    @staticmethod
    def _not_checked(news: ConnectionCheckInputs, olds: Properties, reason: str) -> dict[str, Any]:
        host = news.resolve_host_name()
        same = (olds.get("hostName"), olds.get("deviceId")) == (host, news.device_id)
        last = (olds.get("connectedAt") if same else None) or ""
        found = {"hostName": host, "trigger": news.trigger(), "state": NOT_CHECKED, "reason": reason, "connectedAt": last}
        return news.kept_values() | found

    def _check(self, news: ConnectionCheckInputs, olds: Properties = MappingProxyType({})) -> dict[str, Any]:
        host, reason = news.resolve_host_name(), news.skip_reason()
        outs = news.kept_values() | {"hostName": host, "trigger": news.trigger()}
        if reason is not None:
            show_message(f"device {news.device_id} not checked: {reason}")
            return self._not_checked(news, olds, reason)
        there = replace(news, host_name=host, deadline=min(news.deadline, DEADLINE))
        asked, (etag, time_there) = now(), _look(there)
        ahead = (time_there or asked) - asked
        if abs(ahead.total_seconds()) > CLOCK_TOLERANCE:
            times = f"Azure's time is {rfc3339(asked + ahead)}, this machine's {rfc3339(asked)}"
            show_message(f"{times}: device {news.device_id} and its certificates are checked by Azure's time")
        canary = news.canary(host, asked + ahead)
        if news.service_id is not None:
            outs["assignedHub"], etag = there.through_service(news.service_id, host).connect(canary, now=asked + ahead).hub, None
            show_message(f"device {news.device_id} enrolled, connected to {outs['assignedHub']}, and was removed; chain: {canary.path()}")
        else:
            with there.open_registry(limits=RetryLimits(there.deadline).starting_now()) as registry:
                connect(canary, registry, now=asked + ahead, deadline=news.deadline, report=show_message)
            show_message(f"device {news.device_id} connected, chain: {canary.path()}")
        connected = now() + ahead
        found = {
            "certificationPath": canary.path(),
            "connectedAt": rfc3339(connected),
            "validUntil": rfc3339(canary.valid_until()),
        }
        return outs | found | {"state": CONNECTED, "deviceEtag": etag}


def _look(news: ConnectionCheckInputs) -> tuple[str | None, datetime | None]:
    """The etag of the device's identity, and the hub's time. None if the hub doesn't say: a connection needs neither."""
    briefly = RetryLimits(min(news.deadline, READ_UNREACHABLE), denied=READ_DENIED, unreachable=READ_DENIED, not_found=READ_DENIED)
    with news.open_registry(limits=briefly) as registry:
        try:
            found = registry.twin(news.device_id)
        except AzureError:
            found = None
        return (found.device_etag or None) if found else None, registry.time


def _outdated(olds: Properties, found: Twin | None, moment: datetime) -> str | None:
    """Why the device may not be able to connect any more, although it once did; None if nothing speaks against it."""
    last = _last(olds)
    if _has_expired(olds, moment):
        return f"{last} with certificates, one of which expired on {olds['validUntil']}"
    if found is None:
        return f"{last}, but the hub has no such device now"
    if olds.get("deviceEtag") and found.device_etag != olds["deviceEtag"]:
        return f"{last}, but its identity on the hub has changed since"
    return None


def _last(olds: Properties) -> str:
    return f"it connected at {olds.get('connectedAt') or 'an unknown time'}"


def _has_expired(olds: Properties, moment: datetime) -> bool:
    """Whether one of the certificates has expired with which the device connected."""
    until = olds.get("validUntil")
    return olds.get("state") == CONNECTED and until is not None and moment >= datetime.fromisoformat(str(until))


class ConnectionCheck(ConnectionCheckOutputs, Reconciled, module="hubtrust", name="ConnectionCheck"):
    """A canary: one device connects over MQTT and TLS and publishes one message."""

    provider = ConnectionCheckProvider

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        device_id: pulumi.Input[str],
        host_name: pulumi.Input[str] | None = None,
        chain: pulumi.Input[str | None] | None = None,
        anchor: pulumi.Input[str | None] | None = None,
        signer: pulumi.Input[Mapping[str, pulumi.Input[Any]]] | None = None,
        trust: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]] | None = None,
        device: pulumi.Input[str] | None = None,
        enabled: pulumi.Input[bool] | None = None,
        skip: pulumi.Input[str | None] | None = None,
        service_id: pulumi.Input[str] | None = None,
        id_scope: pulumi.Input[str] | None = None,
        device_host: pulumi.Input[str] | None = None,
        assigned_hubs: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A canary: one device connects over MQTT and TLS and publishes one message.

        Args:
            resource_name: its name in Pulumi.
            hub_id: ARM id of the IoT hub.
            device_id: the id of the device that connects. A device in the field that is connected under this id loses its session for a
                moment.
            host_name: the hub's host name, such as hub-7.azure-devices.net; without it, Resource Manager is asked.
            chain: the authority's certificates, PEM; None while there are none yet.
            anchor: the certificate of the chain, PEM, that the hub trusts: what is above it judges nothing. Default: all of them judge.
            signer: where the key of the chain's lowest certificate is; None or offline: nothing is checked. It becomes a secret.
            trust: what the hub trusts: the output `trust` of TrustedHub; nothing is checked while no certificate in it is verified. A
                certificate with another etag was repaired: then it is checked again.
            device: any text that changes when the device is written, such as `last_write`: then it is checked again.
            enabled: False: nothing is checked, for networks where port 8883 is closed. Default True.
            skip: why nothing is checked in this run, which the output `reason` then says; None: it is checked. It counts before the others.
            service_id: ARM id of the provisioning service through which the device enrols: it has no entry on the hub then, and what
                registering makes is removed after the check. Default: the device has an entry.
            id_scope: the id scope that devices have; without it, the one that Resource Manager tells.
            device_host: where the device registers: the host that all services share, or the service's own. Default: the first.
            assigned_hubs: the host names of the hubs that the provisioning service may assign. Default: the hub's, which is one of them
                then.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry; default 60.
            opts: Pulumi's resource options.
        """
        owner = None if service_id is None else owner_tag(resource_name, "ConnectionCheck", opts)
        super().__init__(resource_name, {**locals(), "owner": owner}, opts)
