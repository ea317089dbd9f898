"""DeviceFleet: any number of devices on one hub as one resource, each as it is declared.

Its inputs are the fields of ``DeviceFleetInputs`` here, of ``DevicesInputs`` and ``HubInputs`` in ``hubtrust/dynamic/hub_inputs.py``, and
of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to
the constructor here.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from hubtrust.azure.errors import NotFoundError, UnreachableError
from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import INDEX_LAG, INDEX_WAITS
from hubtrust.devices.description import Scope, digest
from hubtrust.devices.reconcile import Reconciliation
from hubtrust.devices.roster import Roster, unpack
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.hub_inputs import DevicesInputs, HubInputs
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.inputs import Properties, input_field
from hubtrust.process import show_message

_MOST_EXCEPTIONS = 100  # devices named in the outputs


@dataclass(frozen=True, kw_only=True)
class DeviceFleetInputs(DevicesInputs):
    """The inputs of a DeviceFleet."""

    members: Roster = input_field(
        lambda value: unpack(str(value)),
        "the devices: `from_pattern`, `from_ids`, `from_csv` or `from_json_lines` of `hubtrust.devices.roster_files`, or `Roster.of`.",
        argument="roster",
        required=True,
    )


class DeviceFleetOutputs:
    """The outputs of a DeviceFleet."""

    host_name: pulumi.Output[str]
    tag_names: pulumi.Output[list[str]]
    desired_names: pulumi.Output[list[str]]
    count: pulumi.Output[int]
    enabled: pulumi.Output[int]
    digest: pulumi.Output[str]
    exceptions: pulumi.Output[list[str]]
    last_write: pulumi.Output[str]


class DeviceFleetProvider(Reconciler[DeviceFleetInputs]):
    """Reads all devices with one paged query, and writes those that differ, 100 in a call."""

    inputs, results = DeviceFleetInputs, DeviceFleetOutputs

    def on_diff(self, olds: Properties, news: DeviceFleetInputs) -> Change:
        """Another hub is another fleet, so a replacement; devices that differ, found by the digest, are an update."""
        differs = bool(news.unknown) or news.members.digest != olds.get("digest") or news.moved(olds)
        return Change(news.changes_that_replace(olds), updates=differs)

    def on_create(self, news: DeviceFleetInputs) -> tuple[str, dict[str, Any]]:
        """Create the devices. Those that an interrupted run has created are found by the owner tag, and are updated."""
        outs = self._reconcile(news, {}, creating=True)
        return f"{outs['hostName']}/{hubs.name_in(news.owner)}", outs

    def on_update(self, _id: str, olds: Properties, news: DeviceFleetInputs) -> dict[str, Any]:
        """Read the devices on the hub and write those that differ."""
        return self._reconcile(news, olds, creating=False)

    @staticmethod
    def _reconcile(news: DeviceFleetInputs, olds: Properties, *, creating: bool) -> dict[str, Any]:
        roster, host = news.members, news.resolve_host_name()
        what, scope, former = _what(news.owner, host), roster.scope | _scope(olds), news.former_owners(olds)
        with replace(news, host_name=host).open_registry() as registry:
            reconciliation = Reconciliation(
                registry, what, news.owner, scope, roster.get, former=former, adopt=news.adopt, report=show_message
            )
            reconciliation.find()
            if creating:
                hubs.remember_existing(host, (*reconciliation.matching, *reconciliation.differing))
            reconciliation.apply(roster.ids)
        return _outs(news, host) | {"lastWrite": reconciliation.last_write(olds.get("lastWrite"))}

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The digest of our devices on the hub. If it differs, the query index is read again after a moment, because it lags behind."""
        hub = HubInputs.read(olds)
        try:
            with hub.open_registry(reading=True) as registry:
                found = _read_devices(registry, olds)
                if found["digest"] != olds.get("digest"):
                    time.sleep(INDEX_LAG)
                    found = _read_devices(registry, olds)
        except (NotFoundError, UnreachableError):
            if hub.is_gone():
                return None
            raise
        return {**olds, **found, "lastWrite": olds.get("lastWrite") or ""}

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Delete every device with the owner tag, except those that another resource has taken over in this run."""
        hub, host, left = HubInputs.read(olds), str(olds["hostName"]), int(olds.get("count") or 0)
        taken_over: dict[str, bool] = {}

        def is_excluded(device_id: str) -> bool:
            if device_id not in taken_over:
                taken_over[device_id] = hubs.is_taken_over(host, device_id)
            return taken_over[device_id]

        try:
            with hub.open_registry(reading=True) as registry:
                for wait in (*INDEX_WAITS, 0.0):
                    reconciliation = Reconciliation(
                        registry,
                        _what(olds["owner"], host),
                        olds["owner"],
                        _scope(olds),
                        lambda _: None,
                        report=show_message,
                        is_excluded=is_excluded,
                    )
                    reconciliation.find()
                    left -= reconciliation.apply()
                    if left <= sum(taken_over.values()):
                        return
                    time.sleep(wait)
        except (NotFoundError, UnreachableError):
            if not hub.is_gone():
                raise


def _what(owner: Mapping[str, Any], host: str) -> str:
    return f"fleet '{hubs.name_in(owner)}' on IoT hub '{host.partition('.')[0]}'"


def _scope(properties: Properties) -> Scope:
    return Scope(properties.get("tagNames") or (), properties.get("desiredNames") or ())


def _read_devices(registry: Registry, olds: Properties) -> dict[str, Any]:
    scope, lines, disabled = _scope(olds), dict[str, str](), dict[str, str]()
    same: dict[str, str] = {}  # most devices have the same line: it is kept once
    for twin in registry.owned(olds["owner"]):
        line = scope.found_line(twin)
        lines[twin.device_id] = same.setdefault(line, line)
        if not twin.description.enabled:
            disabled[twin.device_id] = twin.description.reason or ""
    found = digest((one, lines[one]) for one in sorted(lines))
    return {"count": len(lines), "enabled": len(lines) - len(disabled), "digest": found, "exceptions": _exceptions(disabled)}


def _outs(news: DeviceFleetInputs, host: str) -> dict[str, Any]:
    roster = news.members
    return news.kept_values() | {
        "hostName": host,
        "tagNames": list(roster.scope.tags),
        "desiredNames": list(roster.scope.desired),
        "count": len(roster),
        "enabled": roster.enabled,
        "digest": roster.digest,
        "exceptions": _exceptions(roster.disabled),
    }


def _exceptions(disabled: Mapping[str, str]) -> list[str]:
    """The disabled devices as texts: Pulumi would take an id that is a key of an output for a property's name."""
    return [f"{one}: disabled" + (f" ({reason})" if reason else "") for one, reason in sorted(disabled.items())[:_MOST_EXCEPTIONS]]


class DeviceFleet(DeviceFleetOutputs, Reconciled, module="hubtrust", name="DeviceFleet"):
    """Thousands of devices in a hub's registry, as one resource.

    Outputs: ``count`` devices, of them ``enabled`` may connect; ``digest`` over all that is declared, or found by a refresh;
    ``exceptions`` are the first 100 devices that are disabled, each with the reason; ``last_write`` changes with every write.
    """

    provider = DeviceFleetProvider

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        roster: Roster,
        host_name: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[Sequence[str]] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        members, owner = roster.pack(), hubs.owner_tag(resource_name, "DeviceFleet", opts)
        super().__init__(resource_name, locals(), opts)
