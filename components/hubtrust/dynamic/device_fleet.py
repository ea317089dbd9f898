"""DeviceFleet: any number of devices on one hub as one resource, each as it is declared."""

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from hubtrust.azure.errors import NotFoundError, UnreachableError
from hubtrust.azure.registry import Registry
from hubtrust.devices.description import Scope, digest
from hubtrust.devices.reconcile import Registrar
from hubtrust.devices.roster import Roster, unpack
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.lifecycle import Change, Properties, Reconciled, Reconciler, Validator, is_unknown, say

_INDEX_LAG = 1.0  # seconds after which the index is asked again when what it shows is not what was left
_LATE = (1.0, 2.0, 4.0)  # waits for devices that were made and that the index does not show yet, before a delete
_MOST_EXCEPTIONS = 100  # devices named in the outputs


class DeviceFleetProvider(Reconciler):
    """One paged query to read it, and one call for every 100 devices that differ."""

    validators: ClassVar[Mapping[str, Validator]] = {**hubs.VALIDATORS, "members": lambda value: unpack(str(value))}
    required = hubs.REQUIRED | {"members"}
    outputs = frozenset({*hubs.KEPT, "tagNames", "desiredNames", "count", "enabled", "digest", "exceptions"})

    def on_diff(self, olds: Properties, news: Properties) -> Change:
        """Another hub is another fleet; what differs in it, by digest, is done in place."""
        replaces = [] if hubs.same_hub(olds, news.get("hubId")) else ["hubId"]
        unknown = any(is_unknown(value) for value in news.values())
        return Change(replaces, updates=unknown or self._is_due(olds, news))

    @staticmethod
    def _is_due(olds: Properties, news: Properties) -> bool:
        return (
            unpack(str(news["members"])).digest != olds.get("digest")
            or news["owner"] != olds.get("owner")
            or (news.get("cloud") or "public") != (olds.get("cloud") or "public")
            or (news.get("hostName") is not None and news["hostName"] != olds.get("hostName"))
        )

    def on_create(self, news: Properties) -> tuple[str, dict[str, Any]]:
        """What a dead run left is found by our tag and gone on from."""
        host = self._reconcile(news, {}, remember=True)
        return f"{host}/{hubs.name_in(news['owner'])}", _outs({**news, "hostName": host})

    def on_update(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Read the hub, write the rest."""
        host = self._reconcile(news, olds, remember=False)
        return _outs({**news, "hostName": host})

    @staticmethod
    def _reconcile(news: Properties, olds: Properties, *, remember: bool) -> str:
        roster = unpack(str(news["members"]))
        host = hubs.hub_host(news)
        former = [olds["owner"]] if olds.get("owner") not in (None, news["owner"]) else []
        with hubs.open_registry({**news, "hostName": host}) as registry:
            registrar = Registrar(
                registry,
                _what(news, host),
                news["owner"],
                roster.scope | _scope(olds),
                roster.get,
                former=former,
                adopt=news.get("adopt") is True,
                tell=say,
            )
            registrar.find()
            if remember:
                hubs.stood(host, (*registrar.settled, *registrar.known))
            registrar.settle(roster.ids)
        return host

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """What the hub holds of ours, digested as it was declared; the index is asked twice before a difference is believed."""
        try:
            with hubs.open_registry(olds, looking=True) as registry:
                seen = _seen(registry, olds)
                if seen["digest"] != olds.get("digest"):
                    time.sleep(_INDEX_LAG)
                    seen = _seen(registry, olds)
        except (NotFoundError, UnreachableError):
            if hubs.hub_is_gone(olds):
                return None
            raise
        return {**olds, **seen}

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Every device with our tag, but those that another resource of this run stands on."""
        host, left = str(olds["hostName"]), int(olds.get("count") or 0)
        spared: dict[str, bool] = {}

        def is_spared(device_id: str) -> bool:
            if device_id not in spared:
                spared[device_id] = hubs.taken_over(host, device_id)
            return spared[device_id]

        try:
            with hubs.open_registry(olds, looking=True) as registry:
                for wait in (*_LATE, 0.0):
                    registrar = Registrar(
                        registry, _what(olds, host), olds["owner"], _scope(olds), lambda _: None, tell=say, spared=is_spared
                    )
                    registrar.find()
                    left -= registrar.settle()
                    if left <= sum(spared.values()):
                        return
                    time.sleep(wait)
        except (NotFoundError, UnreachableError):
            if not hubs.hub_is_gone(olds):
                raise


def _what(properties: Properties, host: str) -> str:
    return f"fleet '{hubs.name_in(properties['owner'])}' on IoT hub '{host.partition('.')[0]}'"


def _scope(properties: Properties) -> Scope:
    return Scope(properties.get("tagNames") or (), properties.get("desiredNames") or ())


def _seen(registry: Registry, olds: Properties) -> dict[str, Any]:
    scope, lines, disabled = _scope(olds), dict[str, str](), dict[str, str]()
    same: dict[str, str] = {}  # most devices have the same line: it is kept once
    for twin in registry.owned(olds["owner"]):
        line = scope.found_line(twin)
        lines[twin.device_id] = same.setdefault(line, line)
        if not twin.registration.enabled:
            disabled[twin.device_id] = twin.registration.reason or ""
    found = digest((one, lines[one]) for one in sorted(lines))
    return {"count": len(lines), "enabled": len(lines) - len(disabled), "digest": found, "exceptions": _first(disabled)}


def _outs(news: Properties) -> dict[str, Any]:
    roster: Roster = unpack(str(news["members"]))
    return {name: news.get(name) for name in hubs.KEPT} | {
        "tagNames": list(roster.scope.tags),
        "desiredNames": list(roster.scope.desired),
        "count": len(roster),
        "enabled": roster.enabled,
        "digest": roster.digest,
        "exceptions": _first(roster.disabled),
    }


def _first(disabled: Mapping[str, str]) -> list[str]:
    """As texts: an id that is a key of an output would be taken for a property's name."""
    return [f"{one}: disabled" + (f" ({reason})" if reason else "") for one, reason in sorted(disabled.items())[:_MOST_EXCEPTIONS]]


class DeviceFleet(Reconciled, module="hubtrust", name="DeviceFleet"):
    """Thousands of devices in a hub's registry, as one resource."""

    host_name: pulumi.Output[str]
    count: pulumi.Output[int]
    enabled: pulumi.Output[int]
    digest: pulumi.Output[str]
    exceptions: pulumi.Output[list[str]]

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        roster: Roster,
        host_name: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it.

        Args:
            resource_name: Pulumi's name for it.
            hub_id: ARM id of the IoT hub.
            roster: the devices: `from_pattern`, `from_ids`, `from_csv` or `from_json_lines` of `roster_sources`, or `Roster.of`.
            host_name: the hub's host name; asked of Resource Manager where it is not given.
            adopt: take over devices of these ids that others made, instead of refusing.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds to try each call again that Azure refuses for the moment; default 300.
            opts: Pulumi's options.

        Outputs: ``count`` devices, of them ``enabled`` may connect; ``digest`` over all that is declared, or found by a refresh;
        ``exceptions`` are the first 100 devices that are disabled, each with the reason.
        """
        inputs = {
            "hub_id": hub_id,
            "host_name": host_name,
            "members": roster.pack(),
            "owner": hubs.owner_tag(resource_name, "DeviceFleet", opts),
            "adopt": adopt,
            "cloud": cloud,
            "deadline": deadline,
        }
        super().__init__(DeviceFleetProvider(), resource_name, inputs, opts)
