"""DeviceIdentity: one device in a hub's registry, with what is declared of it.

Its inputs are the fields of ``DeviceIdentityInputs`` here, of ``DescriptionInputs`` in ``hubtrust/dynamic/description_inputs.py``, of
``DevicesInputs`` and ``HubInputs`` in ``hubtrust/dynamic/hub_inputs.py``, and of ``AzureInputs`` and ``CloudInputs`` in
``hubtrust/azure_inputs.py``. To add one, add a field there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from hubtrust.azure.device_description import DeviceDescription, Twin
from hubtrust.azure.errors import NotAdmittedError, NotFoundError, UnreachableError
from hubtrust.devices.description import (
    Scope,
    recorded_description,
    require_device_id,
    require_room_for_owner,
    same_identity,
)
from hubtrust.devices.edge_parent import require_not_below_itself, require_parent, require_scope
from hubtrust.devices.reconcile import Reconciliation
from hubtrust.devices.taken_over import taken_over
from hubtrust.dynamic import adopted, handed_over, import_ids, imported, moved_hub, service_endpoint
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.description_inputs import DescriptionInputs, description_as_inputs
from hubtrust.dynamic.hub_inputs import DevicesInputs, DevicesOutputs, HubInputs
from hubtrust.dynamic.import_ids import read_import_id
from hubtrust.dynamic.known_devices import remember_enabled
from hubtrust.dynamic.lifecycle import Change, Imported, Reconciled, Reconciler
from hubtrust.dynamic.twin_documents import Document, document_text, managed_text, recorded_documents
from hubtrust.inputs import Properties, input_field, wire_names
from hubtrust.process import show_message


@dataclass(frozen=True, kw_only=True)
class DeviceIdentityInputs(DescriptionInputs, DevicesInputs):
    """The inputs of a DeviceIdentity."""

    device_id: str = input_field(
        require_device_id, "the device's id, at most 128 characters, case-sensitive.", required=True, kept=True, replaces=True
    )
    parent_scope: str | None = input_field(
        require_scope,
        "the `device_scope` of the IoT Edge device above it. Default: none; a parent that others set is not changed.",
        kept=True,
    )
    skip: str | None = input_field(
        str, "why the hub is not asked in this run: nothing is written or read, and what is there stays. None: it is written.", kept=True
    )

    def wanted(self, olds: Properties) -> DeviceDescription:
        """What the device is to be like. A parent that was declared in the last run, and is not any more, is removed."""
        dropped = olds.get("parentScope") and not imported.is_imported(olds)
        return replace(self.description, parent=self.parent_scope or ("" if dropped else None))


class DeviceIdentityOutputs(DevicesOutputs):
    """The outputs of a DeviceIdentity."""

    device_id: pulumi.Output[str]
    """The device's id."""
    status: pulumi.Output[str]
    """`enabled` or `disabled`."""
    reason: pulumi.Output[str | None]
    """Why it has this status."""
    edge: pulumi.Output[bool]
    """Whether it is an IoT Edge device."""
    parent_scope: pulumi.Output[str | None]
    """The scope of the device above it, if that is managed here; empty after a refresh that found none."""
    thumbprints: pulumi.Output[list[str] | None]
    """Of its self-signed certificates, upper-case hex; None where a CA authenticates it."""
    tags: pulumi.Output[str | None]
    """The declared tags as they are, JSON text; null in place of one that others removed."""
    desired: pulumi.Output[str | None]
    """The declared desired properties as they are, JSON text; null in place of one that others removed."""
    authentication: pulumi.Output[str]
    """`certificateAuthority` or `selfSigned`."""
    etag: pulumi.Output[str]
    """The etag of the twin."""
    device_etag: pulumi.Output[str]
    """The etag of the identity."""
    device_scope: pulumi.Output[str | None]
    """Of an IoT Edge device: its scope, which Azure makes; devices below it have it as ``parent_scope``. None of any other device."""
    skip: pulumi.Output[str | None]
    """Why the hub was not asked in the last run; None if it was."""
    last_write: pulumi.Output[str]
    """Changes with every write of this resource."""
    unread: pulumi.Output[str | None]
    """Why the last refresh could not read it, so that the next `up` reads and writes it; None if it was read."""
    adopted: pulumi.Output[bool | None]
    """Whether it was taken over from others with ``adopt``."""


class DeviceIdentityProvider(Reconciler[DeviceIdentityInputs]):
    """Creates the device and its twin in one call, updates and deletes it. A device is revoked by the status `disabled`."""

    inputs, results = DeviceIdentityInputs, DeviceIdentityOutputs
    steady_outputs = frozenset({"hostName"})

    def on_check(self, _olds: Properties, news: DeviceIdentityInputs) -> None:
        """The tags must leave room for the one that names the owner: Azure would refuse them together. The parent is another device."""
        if news.tags and news.owner and news.device_id:
            require_room_for_owner(news.device_id, news.tags, news.owner)
        if news.parent_scope and news.device_id:
            require_not_below_itself(news.device_id, news.parent_scope)

    def on_diff(self, olds: Properties, news: DeviceIdentityInputs) -> Change:
        """Another hub or another id is another device, so a replacement; every other change is an update."""
        return Change(news.changes_that_replace(olds), updates=bool(news.unknown) or self._differs(olds, news))

    @staticmethod
    def _differs(olds: Properties, news: DeviceIdentityInputs) -> bool:
        if news.skip or olds.get("skip"):
            return news.skip != olds.get("skip")
        held, wanted = _recorded(olds), news.wanted(olds)
        found = Twin(str(olds["deviceId"]), held, str(olds.get("authentication")), "", "")
        unknown_scope = held.edge and not olds.get("deviceScope")  # a state of an earlier version
        scope = Scope.of(wanted) if imported.is_imported(olds) else Scope.of(held, wanted)
        same = same_identity(found, wanted) and scope.same_twin(held, wanted)
        return not same or news.moved(olds) or unknown_scope or bool(olds.get("unread"))

    def on_create(self, news: DeviceIdentityInputs) -> tuple[str, dict[str, Any]]:
        """Create the device. One that an interrupted run has created has the owner tag, and is updated."""
        outs = self._skipped(news, {}) if news.skip else self._reconcile(news, {}, creating=True)
        return f"{outs['hostName']}/{news.device_id}", outs

    def on_update(self, _id: str, olds: Properties, news: DeviceIdentityInputs) -> dict[str, Any]:
        """Read the device and write what differs. One that no run has written yet is created."""
        return self._skipped(news, olds) if news.skip else self._reconcile(news, olds, creating=not _is_written(olds))

    @staticmethod
    def _skipped(news: DeviceIdentityInputs, olds: Properties) -> dict[str, Any]:
        """The outputs of the last run that wrote the device; without one, only what is declared of where it is to be."""
        host = news.resolve_host_name()
        show_message(f"{_what(host, news.device_id)} is not written: {news.skip}")
        declared = {name: news.given.get(name) for name in wire_names(DeviceIdentityInputs, "kept")} | {"hostName": host}
        return {**(olds if _is_written(olds) else declared), "skip": news.skip}

    @staticmethod
    def _reconcile(news: DeviceIdentityInputs, olds: Properties, *, creating: bool) -> dict[str, Any]:
        wanted, device_id, host = news.wanted(olds), news.device_id, news.resolve_host_name()
        what, scope = _what(host, device_id), Scope.of(wanted) | _declared_scope(olds)
        with replace(news, host_name=host).open_registry() as registry:
            reconciliation = Reconciliation(
                registry, what, news.owner, scope, lambda _: wanted, former=news.former_owners(olds), adopt=news.adopt, report=show_message
            )
            reconciliation.read([device_id])
            there = reconciliation.differing.get(device_id)
            if wanted.parent and device_id not in reconciliation.matching and (there is None or there.description.parent != wanted.parent):
                require_parent(registry, what, wanted.parent)
            if creating and (device_id in reconciliation.matching or reconciliation.differing[device_id]):
                handed_over.note_found(host, [device_id])
            reconciliation.apply([device_id])
            found = registry.find(device_id)
        _remember(host, news.owner, found)
        if found is None:
            raise NotFoundError(what, "it was deleted by somebody else during this run", "run again, and find out who deletes it")
        written = {"lastWrite": reconciliation.last_write(olds.get("lastWrite"))}
        written |= {"adopted": adopted.of_one(olds, taken=bool(reconciliation.adopted))}
        return _outs({**news.given, **written, "hostName": host}, found, Scope.of(wanted))

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Read the device, so that a refresh shows changes by others, another owner, and a deletion."""
        hub = HubInputs.read(olds)
        if olds.get("skip"):
            return dict(olds)
        try:
            with hub.open_registry(reading=True, refreshing=True) as registry:
                found = registry.find(str(olds["deviceId"]))
        except NotAdmittedError as error:
            return service_endpoint.unread(_what(str(olds["hostName"]), str(olds["deviceId"])), olds, error)
        except (NotFoundError, UnreachableError):
            if hub.is_gone():
                return None
            raise
        _remember(str(olds["hostName"]), olds.get("owner") or {}, found)
        if found is None:
            return None
        if found.authentication == "selfSigned" and olds.get("authentication") == "certificateAuthority":
            what = _what(str(olds["hostName"]), str(olds["deviceId"]))
            show_message(taken_over(what, [found.device_id], where="this program (with the option retain_on_delete its entry stays)"))
        outs = _outs({**olds, "owner": imported.owner_of(found.description.owner)}, found, _recorded_scope(olds))
        return {**outs, "imported": olds.get("imported")}

    def on_import(self, id_: str, owner: Mapping[str, str]) -> Imported | None:
        """See ``dynamic/imported.py``. The inputs declare all tags and desired properties that the twin has."""
        given = read_import_id(id_, import_ids.DEVICE, "hubId")
        hub, device_id = HubInputs.read(given.place), require_device_id(given.names[0])
        host = hub.resolve_host_name()
        with replace(hub, host_name=host).open_registry(reading=True) as registry:
            found = registry.find(device_id)
        if found is None:
            return None
        what, held, tag = _what(host, device_id), found.description, found.description.owner
        imported.require_declarable(what, found.authentication)
        imported.tell(what, tag, owner)
        declared = {**given.place, "deviceId": device_id, **description_as_inputs(held), "parentScope": held.parent or None}
        inputs, outs = imported.ownership(tag, owner)
        outs = _outs({**declared, "hostName": host}, found, Scope(imported.declarable(held.tags), held.desired)) | outs
        return Imported(f"{host}/{device_id}", declared | inputs, outs)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Delete the device, with its etag. It is kept if it has another owner, or if another resource has taken it over in this run."""
        hub, device_id, host = HubInputs.read(olds), str(olds["deviceId"]), str(olds["hostName"])
        if not _is_written(olds):
            return
        if moved_hub.stays(f"device '{device_id}'", hub.hub_id) or imported.stays(_what(host, device_id), olds):
            return
        if handed_over.is_handed_over(host, device_id):
            show_message(f"{_what(host, device_id)}: another resource has taken it over in this run, so it is kept")
            return
        try:
            with hub.open_registry(reading=True) as registry:
                reconciliation = Reconciliation(
                    registry, _what(host, device_id), olds.get("owner") or {}, Scope((), ()), lambda _: None, report=show_message
                )
                reconciliation.read([device_id])
                reconciliation.apply()
        except (NotFoundError, UnreachableError):
            if not hub.is_gone():
                raise


def _is_written(olds: Properties) -> bool:
    """Whether some run has written the device: all of them may have been skipped."""
    return bool(olds.get("authentication"))


def _recorded(olds: Properties) -> DeviceDescription:
    """What the last run declared or found. Others may have written any tag that Azure accepts, so it is not validated."""
    return replace(recorded_description({**olds, **recorded_documents(olds)}), parent=str(olds.get("parentScope") or ""))


def _recorded_scope(olds: Properties) -> Scope:
    """The names of the tags and desired properties that the last run declared; those that others removed are null."""
    documents = recorded_documents(olds)
    return Scope(documents.get("tags", ()), documents.get("desired", ()))


def _declared_scope(olds: Properties) -> Scope:
    """As ``_recorded_scope``; nothing of what was imported was declared."""
    return Scope((), ()) if imported.is_imported(olds) else _recorded_scope(olds)


def _what(host: str, device_id: str) -> str:
    return f"device '{device_id}' on IoT hub '{host.partition('.')[0]}'"


def _remember(host: str, owner: Mapping[str, str], found: Twin | None) -> None:
    remember_enabled(host, owner, [found.device_id] if found is not None and found.depends_on_a_ca else [])


def _outs(properties: Properties, found: Twin, scope: Scope) -> dict[str, Any]:
    held: DeviceDescription = found.description
    return {name: properties.get(name) for name in (*wire_names(DevicesInputs, "kept"), "deviceId")} | {
        "status": "enabled" if held.enabled else "disabled",
        "reason": held.reason,
        "edge": held.edge,
        "thumbprints": list(held.thumbprints) or None,
        "tags": managed_text(held.tags, scope.tags),
        "desired": managed_text(held.desired, scope.desired),
        "parentScope": None if properties.get("parentScope") is None else held.parent or "",
        "deviceScope": found.scopes.get("deviceScope") if held.edge else None,
        "authentication": found.authentication,
        "etag": found.etag,
        "deviceEtag": found.device_etag,
        "lastWrite": properties.get("lastWrite") or "",
        "adopted": properties.get("adopted"),
    }


class DeviceIdentity(DeviceIdentityOutputs, Reconciled, module="hubtrust", name="DeviceIdentity"):
    """One device in a hub's registry."""

    provider = DeviceIdentityProvider

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        device_id: pulumi.Input[str],
        host_name: pulumi.Input[str] | None = None,
        status: pulumi.Input[str] | None = None,
        reason: pulumi.Input[str] | None = None,
        edge: pulumi.Input[bool] | None = None,
        parent_scope: pulumi.Input[str] | None = None,
        thumbprints: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        tags: Document | None = None,
        desired: Document | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        skip: pulumi.Input[str | None] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """One device in a hub's registry.

        Args:
            resource_name: its name in Pulumi.
            hub_id: ARM id of the IoT hub.
            device_id: the device's id, at most 128 characters, case-sensitive.
            host_name: the hub's host name, such as hub-7.azure-devices.net; without it, Resource Manager is asked.
            status: `enabled` (default) or `disabled`: a disabled device's session is dropped and it can't connect.
            reason: why it has this status, at most 128 characters.
            edge: True: an IoT Edge device.
            parent_scope: the `device_scope` of the IoT Edge device above it. Default: none; a parent that others set is not changed.
            thumbprints: one or two thumbprints of self-signed certificates, SHA-1 or SHA-256, hex; without them the device uses a
                certificate of a CA.
            tags: tags of its twin, an object; other tags in the twin are not changed.
            desired: desired properties of its twin, an object; other properties in the twin are not changed.
            adopt: ids, or patterns such as `press-{001..025}`, of devices that may be taken over from others. Default: none, refuse.
            skip: why the hub is not asked in this run: nothing is written or read, and what is there stays. None: it is written.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        texts = {"tags": document_text("tags", tags), "desired": document_text("desired", desired)}
        owner = hubs.owner_tag(resource_name, "DeviceIdentity", opts)
        super().__init__(resource_name, {**locals(), **texts}, opts)
