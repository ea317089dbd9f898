"""DeviceFleet: any number of devices on one hub as one resource, each as it is declared.

Its inputs are the fields of ``DeviceFleetInputs`` here, of ``DevicesInputs`` and ``HubInputs`` in ``hubtrust/dynamic/hub_inputs.py``, and
of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to
the constructor here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from hubtrust.azure.device_description import DeviceDescription, Twin
from hubtrust.azure.errors import NotAdmittedError, NotFoundError, UnreachableError
from hubtrust.azure.registry import Registry
from hubtrust.devices.description import Scope
from hubtrust.devices.fleet_deletion import FleetDeletion
from hubtrust.devices.fleet_reading import FleetReading
from hubtrust.devices.loss import Consent
from hubtrust.devices.reading import found_each
from hubtrust.devices.reconcile import Reconciliation
from hubtrust.devices.roster import MOST_DEVICES, Roster, require_roster, unpack
from hubtrust.devices.taken_over import taken_over
from hubtrust.dynamic import adopted, handed_over, import_ids, imported, moved_hub, service_endpoint
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.hub_inputs import DevicesInputs, DevicesOutputs, HubInputs
from hubtrust.dynamic.import_ids import read_import_id
from hubtrust.dynamic.known_devices import remember_enabled
from hubtrust.dynamic.lifecycle import Change, Imported, Reconciled, Reconciler
from hubtrust.inputs import Properties, boolean, input_field, whole_number
from hubtrust.many_errors import named as listed
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError

_MOST_EXCEPTIONS = 100  # devices named in the outputs


@dataclass(frozen=True, kw_only=True)
class DeviceFleetInputs(DevicesInputs):
    """The inputs of a DeviceFleet."""

    members: Roster = input_field(
        lambda value: unpack(str(value)),
        "the devices: `from_pattern`, `from_ids`, `from_file` or another function of `hubtrust.devices.roster_files`, or `Roster.of`.",
        argument="roster",
        required=True,
        kept=True,
    )
    no_devices: bool = input_field(
        boolean, "True: the roster is empty on purpose, so that all devices of the fleet may be deleted. Default False.", default=False
    )
    delete_devices: int | None = input_field(
        whole_number(1, MOST_DEVICES),
        "how many enabled devices a run may delete if they are more than half of at least 20; default: none, refuse.",
    )

    @property
    def consent(self) -> Consent:
        """What the fleet may lose."""
        return Consent(_what(self.owner, self.host_name), none=self.no_devices, lost=self.delete_devices)


class DeviceFleetOutputs(DevicesOutputs):
    """The outputs of a DeviceFleet."""

    members: pulumi.Output[str]
    """The declared devices, packed into one text."""
    tag_names: pulumi.Output[list[str]]
    """The names of the tags that are managed here."""
    desired_names: pulumi.Output[list[str]]
    """The names of the desired properties that are managed here."""
    count: pulumi.Output[float]
    """How many devices there are."""
    enabled: pulumi.Output[float]
    """How many of them may connect."""
    digest: pulumi.Output[str]
    """Over all that is declared of the devices, or was found by a refresh."""
    exceptions: pulumi.Output[list[str]]
    """The first 100 devices that are disabled, each with the reason."""
    last_write: pulumi.Output[str]
    """Changes with every write of this resource."""
    unread: pulumi.Output[str | None]
    """Why the last refresh could not read it, so that the next `up` reads and writes it; None if it was read."""
    adopted: pulumi.Output[dict[str, Any] | None]
    """What the last run that took devices over from others with ``adopt`` took: `count`, and `digest`, the SHA-256 of their ids."""


class DeviceFleetProvider(Reconciler[DeviceFleetInputs]):
    """Reads all devices with one paged query, and writes those that differ, 100 in a call."""

    inputs, results = DeviceFleetInputs, DeviceFleetOutputs
    steady_outputs = frozenset({"hostName"})

    def on_check(self, olds: Properties, news: DeviceFleetInputs) -> None:
        """A list that is empty, or lacks most of the devices of the last run, is refused unless that is said.

        Tags must leave room for the one that names the owner: Azure would refuse them together.
        """
        if not {"owner", "members"} & news.unknown:
            news.members.require_room_for(news.owner)
        if not {"owner", "members", "no_devices", "delete_devices"} & news.unknown:
            news.consent.require_for(_last_roster(olds), news.members)

    def on_diff(self, olds: Properties, news: DeviceFleetInputs) -> Change:
        """Another hub is another fleet, so a replacement; devices that differ, found by the digest, are an update."""
        if imported.is_imported(olds) and not news.unknown:
            held = _last_roster(olds)
            differs = bool(olds.get("unread")) or held is None or not news.members.declares(held)
        else:
            differs = bool(news.unknown or olds.get("unread")) or news.members.digest != olds.get("digest")
        differs = differs or "members" not in olds or news.moved(olds)
        return Change(news.changes_that_replace(olds), updates=differs)

    def on_create(self, news: DeviceFleetInputs) -> tuple[str, dict[str, Any]]:
        """Create the devices. Those that an interrupted run has created are found by the owner tag, and are updated."""
        outs = self._reconcile(news, {}, Roster(()))
        return f"{outs['hostName']}/{hubs.name_in(news.owner)}", outs

    def on_update(self, _id: str, olds: Properties, news: DeviceFleetInputs) -> dict[str, Any]:
        """Read the devices on the hub and write those that differ."""
        return self._reconcile(news, olds, _last_roster(olds))

    @staticmethod
    def _reconcile(news: DeviceFleetInputs, olds: Properties, last: Roster | None) -> dict[str, Any]:
        """Make the hub's devices as declared. ``last`` is the list of the last run, empty before the first one, None if it is not known."""
        roster, host = news.members, news.resolve_host_name()
        news = replace(news, host_name=host)
        if not len(roster) and last is not None and not len(last):
            # Nothing to ask the hub: a stack without devices needs no right to read them.
            return _outs(news, olds.get("lastWrite") or "", olds.get("adopted"))
        was_imported = imported.is_imported(olds)
        what, former = _what(news.owner, host), news.former_owners(olds)
        scope = roster.scope if was_imported else roster.scope | _scope(olds)
        _remember(host, news.owner, last or Roster(()), roster)
        with news.open_registry() as registry:
            reconciliation = Reconciliation(
                registry, what, news.owner, scope, roster.get, former=former, adopt=news.adopt, report=show_message
            )
            reconciliation.find()
            if was_imported:
                reconciliation.read(
                    roster.ids
                )  # those without a tag are in no index of ours; others that were imported are left as they are
            elif last is not None:
                reconciliation.read(_in_doubt(reconciliation, last, roster))
            if not olds:
                handed_over.note_found(host, (*reconciliation.matching, *reconciliation.differing))
            _require_meant(news.consent, reconciliation, last, roster)
            reconciliation.apply(roster.ids)
        _remember(host, news.owner, roster)
        return _outs(news, reconciliation.last_write(olds.get("lastWrite")), adopted.of_many(reconciliation.adopted, olds))

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """The digest of our devices on the hub. Devices that the query index, which lags, shows otherwise than declared are read by id."""
        hub, roster = HubInputs.read(olds), _last_roster(olds)
        if roster is not None:
            if not len(roster):
                return dict(olds)
            _remember(str(olds["hostName"]), olds["owner"], roster)
        try:
            with hub.open_registry(reading=True, refreshing=True) as registry:
                if roster is not None and imported.is_imported(olds):
                    return self._read_imported(registry, olds, roster)
                reading = FleetReading(registry, olds["owner"], _scope(olds), roster, str(olds.get("digest")))
                reading.read()
        except NotAdmittedError as error:
            return service_endpoint.unread(_what(olds["owner"], str(olds["hostName"])), olds, error)
        except (NotFoundError, UnreachableError):
            if hub.is_gone():
                return None
            raise
        if reading.taken_over:
            what = _what(olds["owner"], str(olds["hostName"]))
            show_message(taken_over(what, reading.taken_over, where="the roster"))
        found = {"count": reading.count, "enabled": reading.enabled, "digest": reading.digest}
        return {**olds, **found, "unread": None, "exceptions": _exceptions(reading.disabled), "lastWrite": olds.get("lastWrite") or ""}

    def on_import(self, id_: str, owner: Mapping[str, str]) -> Imported | None:
        """See ``dynamic/imported.py``. The id names every member, as ids and patterns; the inputs declare all that their twins have."""
        given = read_import_id(id_, import_ids.FLEET, "hubId")
        hub, ids = HubInputs.read(given.place), given.members()
        host, what = hub.resolve_host_name(), _what(owner, None)
        with replace(hub, host_name=host).open_registry(reading=True) as registry:
            found = found_each(registry, ids)
        if missing := [one for one, twin in found.items() if twin is None]:
            fact = f"{len(missing):,} of the {len(ids):,} devices that the id names don't exist: {listed(missing)}"
            raise DeclarationError(what, fact, "name those that exist, or create the fleet instead: it takes over what `adopt` names")
        members, tag = _fleet_of(what, [twin for twin in found.values() if twin is not None])
        imported.tell(what, tag, owner)
        declared = {**given.place, "members": members.pack()}
        inputs, outs = imported.ownership(tag, owner)
        outs |= {**declared, "hostName": host, "lastWrite": ""} | _found(members)
        return Imported(f"{host}/{hubs.name_in(owner)}", declared | inputs, outs)

    @staticmethod
    def _read_imported(registry: Registry, olds: Properties, roster: Roster) -> dict[str, Any]:
        """The members as they are now, by their ids: no index knows those without a tag."""
        members = Roster.of((one, _declarable(twin)) for one, twin in found_each(registry, roster.ids).items() if twin is not None)
        return {**olds, "members": members.pack(), "unread": None, **_found(members)}

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Delete every device with the owner tag, except those that another resource has taken over in this run."""
        hub, roster, count = HubInputs.read(olds), _last_roster(olds), int(olds.get("count") or 0)
        if roster is not None and not len(roster):
            return
        if moved_hub.stays(f"the fleet of {count:,} devices", hub.hub_id):
            return
        host = str(olds["hostName"])
        if imported.stays(_what(olds.get("owner") or {}, host), olds):
            return
        known = None if roster is None else roster.ids
        try:
            with hub.open_registry(reading=True) as registry:
                FleetDeletion(
                    registry,
                    _what(olds["owner"], host),
                    olds["owner"],
                    known,
                    count,
                    lambda one: handed_over.is_handed_over(host, one),
                    show_message,
                ).run()
        except (NotFoundError, UnreachableError):
            if not hub.is_gone():
                raise


def _last_roster(properties: Properties) -> Roster | None:
    """The list of the last run, from its inputs or outputs; None if they don't have it: outputs of earlier versions don't."""
    members = properties.get("members")
    return None if members is None else unpack(str(members), recorded=True)


def _remember(host: str, owner: Mapping[str, str], *rosters: Roster) -> None:
    remember_enabled(host, owner, {device_id for roster in rosters for device_id in roster.trusting})


def _in_doubt(reconciliation: Reconciliation, last: Roster, roster: Roster) -> list[str]:
    """The devices about which the query index, which lags, may be wrong.

    Some are to be deleted, and it does not show them yet. Others are new in the list, and it shows them as they should be: they may have
    been deleted a moment ago.
    """
    shown = reconciliation.matching | reconciliation.differing.keys()
    removed = [one for one in last.ids if roster.get(one) is None and one not in shown]
    return removed + [one for one in reconciliation.matching if last.get(one) is None and roster.get(one) is not None]


def _require_meant(consent: Consent, reconciliation: Reconciliation, last: Roster | None, roster: Roster) -> None:
    """Refuse to delete most of what the hub has, if not even the list of the last run has it: this state may be an old one."""
    found = [twin for twin in reconciliation.differing.values() if twin is not None and twin.description.enabled]
    expected = last or Roster(())
    unexpected = [twin.device_id for twin in found if roster.get(twin.device_id) is None and expected.get(twin.device_id) is None]
    as_declared = sum(declared.enabled for one in reconciliation.matching if (declared := roster.get(one)))
    consent.require_for_found(unexpected, len(found) + as_declared)


def _what(owner: Mapping[str, Any], host: str | None) -> str:
    return f"fleet '{hubs.name_in(owner)}'" + (f" on IoT hub '{host.partition('.')[0]}'" if host else "")


def _scope(properties: Properties) -> Scope:
    return Scope(properties.get("tagNames") or (), properties.get("desiredNames") or ())


def _outs(news: DeviceFleetInputs, last_write: object, taken: object) -> dict[str, Any]:
    return news.kept_values() | {"hostName": news.host_name, "lastWrite": last_write, "adopted": taken} | _found(news.members)


def _found(roster: Roster) -> dict[str, Any]:
    """The outputs about the devices themselves."""
    return {
        "tagNames": list(roster.scope.tags),
        "desiredNames": list(roster.scope.desired),
        "count": len(roster),
        "enabled": roster.enabled,
        "digest": roster.digest,
        "exceptions": _exceptions(roster.disabled),
    }


def _declarable(twin: Twin) -> DeviceDescription:
    """What a fleet can declare of a device, without the rest."""
    held = twin.description
    return replace(held, tags=imported.declarable(held.tags), parent=None)


def _fleet_of(what: str, twins: Sequence[Twin]) -> tuple[Roster, object]:
    """The members of a fleet that is imported, and the owner tag that all of them have; None: none has one.

    Raises:
        DeclarationError: they have several owners, or one authenticates by keys.
    """
    for twin in twins:
        imported.require_declarable(f"device '{twin.device_id}' of {what}", twin.authentication)
    tags = {json.dumps(twin.description.owner, sort_keys=True): twin for twin in twins}
    if len(tags) > 1:
        examples = listed([twin.device_id for twin in tags.values()])
        raise DeclarationError(what, f"its devices have {len(tags)} owners, such as those of {examples}", "import a fleet of each owner")
    return Roster.of((twin.device_id, _declarable(twin)) for twin in twins), twins[0].description.owner


def _exceptions(disabled: Mapping[str, str]) -> list[str]:
    """The disabled devices as texts: Pulumi would take an id that is a key of an output for a property's name."""
    return [f"{one}: disabled" + (f" ({reason})" if reason else "") for one, reason in sorted(disabled.items())[:_MOST_EXCEPTIONS]]


class DeviceFleet(DeviceFleetOutputs, Reconciled, module="hubtrust", name="DeviceFleet"):
    """Thousands of devices in a hub's registry, as one resource."""

    provider = DeviceFleetProvider

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        roster: Roster,
        host_name: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        no_devices: pulumi.Input[bool] | None = None,
        delete_devices: pulumi.Input[int] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Thousands of devices in a hub's registry, as one resource.

        Args:
            resource_name: its name in Pulumi.
            hub_id: ARM id of the IoT hub.
            roster: the devices: `from_pattern`, `from_ids`, `from_file` or another function of `hubtrust.devices.roster_files`, or
                `Roster.of`.
            host_name: the hub's host name, such as hub-7.azure-devices.net; without it, Resource Manager is asked.
            adopt: ids, or patterns such as `press-{001..025}`, of devices that may be taken over from others. Default: none, refuse.
            no_devices: True: the roster is empty on purpose, so that all devices of the fleet may be deleted. Default False.
            delete_devices: how many enabled devices a run may delete if they are more than half of at least 20; default: none, refuse.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        members, owner = require_roster(roster).pack(), hubs.owner_tag(resource_name, "DeviceFleet", opts)
        super().__init__(resource_name, locals(), opts)
