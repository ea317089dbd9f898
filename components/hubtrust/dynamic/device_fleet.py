"""DeviceFleet: any number of devices on one hub as one resource, each as it is declared.

Its inputs are the fields of ``DeviceFleetInputs`` here, of ``DevicesInputs`` and ``HubInputs`` in ``hubtrust/dynamic/hub_inputs.py``, and
of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to
the constructor here.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from hubtrust.azure.errors import NotFoundError, UnreachableError
from hubtrust.azure.registry import Registry
from hubtrust.devices.description import Scope, digest
from hubtrust.devices.reconcile import Reconciliation
from hubtrust.devices.roster import Roster, unpack
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.hub_inputs import DevicesInputs, HubInputs
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties, declared
from hubtrust.process import say

_INDEX_LAG = 1.0  # seconds after which the index is asked again when it shows a difference
_LATE = (1.0, 2.0, 4.0)  # waits for devices that were created and that the index does not show yet, before a delete
_MOST_EXCEPTIONS = 100  # devices named in the outputs


@dataclass(frozen=True, kw_only=True)
class DeviceFleetInputs(DevicesInputs):
    """The inputs of a DeviceFleet."""

    members: Roster = declared(
        lambda value: unpack(str(value)),
        "the devices: `from_pattern`, `from_ids`, `from_csv` or `from_json_lines` of `hubtrust.devices.roster_files`, or `Roster.of`.",
        argument="roster",
        required=True,
    )


class DeviceFleetOutputs:
    """What is known of the devices."""

    host_name: pulumi.Output[str]
    tag_names: pulumi.Output[list[str]]
    desired_names: pulumi.Output[list[str]]
    count: pulumi.Output[int]
    enabled: pulumi.Output[int]
    digest: pulumi.Output[str]
    exceptions: pulumi.Output[list[str]]


class DeviceFleetProvider(Reconciler[DeviceFleetInputs]):
    """One paged query to read it, and one call for every 100 devices that differ."""

    inputs, results = DeviceFleetInputs, DeviceFleetOutputs

    def on_diff(self, olds: Properties, news: DeviceFleetInputs) -> Change:
        """Another hub is another fleet; devices that differ, by digest, are changed in place."""
        due = bool(news.unknown) or news.members.digest != olds.get("digest") or news.moved(olds)
        return Change(news.replaced(olds), updates=due)

    def on_create(self, news: DeviceFleetInputs) -> tuple[str, dict[str, Any]]:
        """Devices of an interrupted run are found by our tag and continued with."""
        host = self._reconcile(news, {}, creating=True)
        return f"{host}/{hubs.name_in(news.owner)}", _outs(news, host)

    def on_update(self, _id: str, olds: Properties, news: DeviceFleetInputs) -> dict[str, Any]:
        """Read the hub, write what differs."""
        return _outs(news, self._reconcile(news, olds, creating=False))

    @staticmethod
    def _reconcile(news: DeviceFleetInputs, olds: Properties, *, creating: bool) -> str:
        roster, host = news.members, news.found_host()
        what, scope, former = _what(news.owner, host), roster.scope | _scope(olds), news.former_owners(olds)
        with replace(news, host_name=host).open_registry() as registry:
            reconciliation = Reconciliation(registry, what, news.owner, scope, roster.get, former=former, adopt=news.adopt, report=say)
            reconciliation.find()
            if creating:
                hubs.remember_existing(host, (*reconciliation.matching, *reconciliation.differing))
            reconciliation.apply(roster.ids)
        return host

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """What the hub holds of ours, digested as it was declared; the index is asked twice before a difference is believed."""
        hub = HubInputs.read(olds)
        try:
            with hub.open_registry(reading=True) as registry:
                seen = _seen(registry, olds)
                if seen["digest"] != olds.get("digest"):
                    time.sleep(_INDEX_LAG)
                    seen = _seen(registry, olds)
        except (NotFoundError, UnreachableError):
            if hub.is_gone():
                return None
            raise
        return {**olds, **seen}

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Every device with our tag, but those that another resource of this run uses."""
        hub, host, left = HubInputs.read(olds), str(olds["hostName"]), int(olds.get("count") or 0)
        spared: dict[str, bool] = {}

        def is_spared(device_id: str) -> bool:
            if device_id not in spared:
                spared[device_id] = hubs.taken_over(host, device_id)
            return spared[device_id]

        try:
            with hub.open_registry(reading=True) as registry:
                for wait in (*_LATE, 0.0):
                    reconciliation = Reconciliation(
                        registry, _what(olds["owner"], host), olds["owner"], _scope(olds), lambda _: None, report=say, is_excluded=is_spared
                    )
                    reconciliation.find()
                    left -= reconciliation.apply()
                    if left <= sum(spared.values()):
                        return
                    time.sleep(wait)
        except (NotFoundError, UnreachableError):
            if not hub.is_gone():
                raise


def _what(owner: Mapping[str, Any], host: str) -> str:
    return f"fleet '{hubs.name_in(owner)}' on IoT hub '{host.partition('.')[0]}'"


def _scope(properties: Properties) -> Scope:
    return Scope(properties.get("tagNames") or (), properties.get("desiredNames") or ())


def _seen(registry: Registry, olds: Properties) -> dict[str, Any]:
    scope, lines, disabled = _scope(olds), dict[str, str](), dict[str, str]()
    same: dict[str, str] = {}  # most devices have the same line: it is kept once
    for twin in registry.owned(olds["owner"]):
        line = scope.found_line(twin)
        lines[twin.device_id] = same.setdefault(line, line)
        if not twin.description.enabled:
            disabled[twin.device_id] = twin.description.reason or ""
    found = digest((one, lines[one]) for one in sorted(lines))
    return {"count": len(lines), "enabled": len(lines) - len(disabled), "digest": found, "exceptions": _first(disabled)}


def _outs(news: DeviceFleetInputs, host: str) -> dict[str, Any]:
    roster = news.members
    return news.kept() | {
        "hostName": host,
        "tagNames": list(roster.scope.tags),
        "desiredNames": list(roster.scope.desired),
        "count": len(roster),
        "enabled": roster.enabled,
        "digest": roster.digest,
        "exceptions": _first(roster.disabled),
    }


def _first(disabled: Mapping[str, str]) -> list[str]:
    """As texts: an id that is a key of an output would be read as a property's name."""
    return [f"{one}: disabled" + (f" ({reason})" if reason else "") for one, reason in sorted(disabled.items())[:_MOST_EXCEPTIONS]]


class DeviceFleet(DeviceFleetOutputs, Reconciled, module="hubtrust", name="DeviceFleet"):
    """Thousands of devices in a hub's registry, as one resource.

    Outputs: ``count`` devices, of them ``enabled`` may connect; ``digest`` over all that is declared, or found by a refresh;
    ``exceptions`` are the first 100 devices that are disabled, each with the reason.
    """

    provider = DeviceFleetProvider

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
        members, owner = roster.pack(), hubs.owner_tag(resource_name, "DeviceFleet", opts)
        super().__init__(resource_name, locals(), opts)
