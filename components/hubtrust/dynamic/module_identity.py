"""ModuleIdentity: one module of a device in a hub's registry, with what is declared of it.

Its inputs are the fields of ``ModuleIdentityInputs`` here, of ``DevicesInputs`` and ``HubInputs`` in
``hubtrust/dynamic/hub_inputs.py``, and of ``AzureInputs`` and ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field
there and a parameter of the same name to the constructor here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from hubtrust.azure.device_description import DeviceDescription
from hubtrust.azure.errors import NotAdmittedError, NotFoundError, UnreachableError
from hubtrust.azure.modules import Module, Modules
from hubtrust.devices.description import (
    Scope,
    read_description,
    recorded_description,
    require_device_id,
    require_room_for_owner,
    require_thumbprints,
)
from hubtrust.devices.id_patterns import expand_all
from hubtrust.devices.module_reconcile import ModuleReconciliation, require_module_id
from hubtrust.dynamic import handed_over, import_ids, imported, moved_hub, service_endpoint
from hubtrust.dynamic import hub_inputs as hubs
from hubtrust.dynamic.description_inputs import description_as_inputs
from hubtrust.dynamic.hub_inputs import DevicesInputs, DevicesOutputs, HubInputs
from hubtrust.dynamic.import_ids import read_import_id
from hubtrust.dynamic.lifecycle import Change, Imported, Reconciled, Reconciler
from hubtrust.dynamic.twin_documents import Document, document_text, managed_text, read_desired, read_tags, recorded_documents
from hubtrust.inputs import Properties, input_field, texts, wire_names
from hubtrust.process import show_message


@dataclass(frozen=True, kw_only=True)
class ModuleIdentityInputs(DevicesInputs):
    """The inputs of a ModuleIdentity."""

    device_id: str = input_field(require_device_id, "the id of its device.", required=True, kept=True, replaces=True)
    module_id: str = input_field(
        require_module_id, "the module's id, at most 128 characters, case-sensitive.", required=True, kept=True, replaces=True
    )
    thumbprints: Sequence[str] | None = input_field(
        require_thumbprints,
        "one or two thumbprints of self-signed certificates, SHA-1 or SHA-256, hex; without them the module uses a certificate of a CA.",
        kept=True,
    )
    tags: Mapping[str, Any] | None = input_field(
        read_tags, "tags of its twin, an object; other tags in the twin are not changed.", kept=True
    )
    desired: Mapping[str, Any] | None = input_field(
        read_desired, "desired properties of its twin, an object; other properties in the twin are not changed.", kept=True
    )
    adopt: frozenset[str] = input_field(
        lambda value: expand_all(texts(value, remedy="list the ids or patterns of the modules that may be taken over")),
        "ids, or patterns, of modules that may be taken over from others. Default: none, refuse.",
        default=frozenset(),
    )

    @property
    def description(self) -> DeviceDescription:
        """What the module is to be like."""
        return read_description({name: getattr(self, name) for name in ("thumbprints", "tags", "desired")})

    def reconciliation(self, modules: Modules, host: str, olds: Properties) -> ModuleReconciliation:
        """The module's, with the owner of the last run if it was another one."""
        what = _what(host, self.device_id, self.module_id)
        former = self.former_owners(olds)
        return ModuleReconciliation(modules, what, self.device_id, self.module_id, self.owner, former, self.adopt, show_message)


class ModuleIdentityOutputs(DevicesOutputs):
    """The outputs of a ModuleIdentity."""

    device_id: pulumi.Output[str]
    """The id of its device."""
    module_id: pulumi.Output[str]
    """The module's id."""
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
    module_etag: pulumi.Output[str]
    """The etag of the identity."""
    unread: pulumi.Output[str | None]
    """Why the last refresh could not read it, so that the next `up` reads and writes it; None if it was read."""


class ModuleIdentityProvider(Reconciler[ModuleIdentityInputs]):
    """Creates the module and then its twin, updates and deletes it. A module is revoked with its device, or by another way to sign in."""

    inputs, results = ModuleIdentityInputs, ModuleIdentityOutputs
    steady_outputs = frozenset({"hostName"})

    def on_check(self, _olds: Properties, news: ModuleIdentityInputs) -> None:
        """The tags must leave room for the one that names the owner: Azure would refuse them together."""
        if news.tags and news.owner and news.module_id:
            require_room_for_owner(news.module_id, news.tags, news.owner, kind="module")

    def on_diff(self, olds: Properties, news: ModuleIdentityInputs) -> Change:
        """Another hub, device or id is another module, so a replacement; every other change is an update."""
        return Change(news.changes_that_replace(olds), updates=bool(news.unknown) or self._differs(olds, news))

    @staticmethod
    def _differs(olds: Properties, news: ModuleIdentityInputs) -> bool:
        held, wanted = _recorded(olds), news.description
        same = (olds.get("authentication"), set(held.thumbprints)) == (wanted.authentication, set(wanted.thumbprints))
        scope = Scope.of(wanted) if imported.is_imported(olds) else Scope.of(held, wanted)
        return not same or not scope.same_twin(held, wanted) or news.moved(olds) or bool(olds.get("unread"))

    def on_create(self, news: ModuleIdentityInputs) -> tuple[str, dict[str, Any]]:
        """Create the module. One that an interrupted run has created is known by its tag or by `managedBy`, and is updated."""
        outs = self._reconcile(news, {})
        return f"{outs['hostName']}/{news.device_id}/{news.module_id}", outs

    def on_update(self, _id: str, olds: Properties, news: ModuleIdentityInputs) -> dict[str, Any]:
        """Read the module and write what differs."""
        return self._reconcile(news, olds)

    @staticmethod
    def _reconcile(news: ModuleIdentityInputs, olds: Properties) -> dict[str, Any]:
        wanted, host = news.description, news.resolve_host_name()
        with replace(news, host_name=host).open_registry() as registry:
            modules = Modules(registry)
            if not olds and modules.read(news.device_id, news.module_id) is not None:
                handed_over.note_found(host, [_path(news.device_id, news.module_id)])
            found = news.reconciliation(modules, host, olds).apply(wanted, Scope.of(wanted) | _declared_scope(olds))
        return _outs({**news.given, "hostName": host}, found, Scope.of(wanted))

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """Read the module, so that a refresh shows changes by others, another owner, and a deletion."""
        hub = HubInputs.read(olds)
        try:
            with hub.open_registry(reading=True, refreshing=True) as registry:
                found = Modules(registry).find(str(olds["deviceId"]), str(olds["moduleId"]))
        except NotAdmittedError as error:
            return service_endpoint.unread(_what(str(olds["hostName"]), str(olds["deviceId"]), str(olds["moduleId"])), olds, error)
        except (NotFoundError, UnreachableError):
            if hub.is_gone():
                return None
            raise
        if found is None:
            return None
        outs = _outs({**olds, "owner": imported.owner_of(found.owner)}, found, _recorded_scope(olds))
        return {**outs, "imported": olds.get("imported")}

    def on_import(self, id_: str, owner: Mapping[str, str]) -> Imported | None:
        """See ``dynamic/imported.py``. The inputs declare all tags and desired properties that the twin has."""
        given = read_import_id(id_, import_ids.MODULE, "hubId")
        hub, device_id, module_id = HubInputs.read(given.place), require_device_id(given.names[0]), require_module_id(given.names[1])
        host = hub.resolve_host_name()
        with replace(hub, host_name=host).open_registry(reading=True) as registry:
            found = Modules(registry).find(device_id, module_id)
        if found is None:
            return None
        what = _what(host, device_id, module_id)
        imported.require_declarable(what, found.authentication)
        imported.tell(what, found.owner, owner)
        held = DeviceDescription(thumbprints=found.thumbprints, tags=found.tags, desired=found.desired)
        declared = {**given.place, "deviceId": device_id, "moduleId": module_id, **description_as_inputs(held)}
        inputs, outs = imported.ownership(found.owner, owner)
        outs = _outs({**declared, "hostName": host}, found, Scope(imported.declarable(found.tags), found.desired)) | outs
        return Imported(f"{host}/{device_id}/{module_id}", declared | inputs, outs)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """Delete the module. It is kept if it has another owner, or if another resource has taken it over in this run."""
        hub, host = HubInputs.read(olds), str(olds["hostName"])
        device_id, module_id = str(olds["deviceId"]), str(olds["moduleId"])
        if moved_hub.stays(f"module '{module_id}' of device '{device_id}'", hub.hub_id):
            return
        if imported.stays(_what(host, device_id, module_id), olds):
            return
        if handed_over.is_handed_over(host, _path(device_id, module_id)):
            show_message(f"{_what(host, device_id, module_id)}: another resource has taken it over in this run, so it is kept")
            return
        try:
            with hub.open_registry(reading=True) as registry:
                owner, what = olds.get("owner") or {}, _what(host, device_id, module_id)
                ModuleReconciliation(Modules(registry), what, device_id, module_id, owner, report=show_message).delete()
        except (NotFoundError, UnreachableError):
            if not hub.is_gone():
                raise


def _recorded(olds: Properties) -> DeviceDescription:
    """What the last run declared or found. Others may have written any tag that Azure accepts, so it is not validated."""
    return recorded_description({"thumbprints": olds.get("thumbprints"), **recorded_documents(olds)})


def _recorded_scope(olds: Properties) -> Scope:
    """The names of the tags and desired properties that the last run declared; those that others removed are null."""
    documents = recorded_documents(olds)
    return Scope(documents.get("tags", ()), documents.get("desired", ()))


def _declared_scope(olds: Properties) -> Scope:
    """As ``_recorded_scope``; nothing of what was imported was declared."""
    return Scope((), ()) if imported.is_imported(olds) else _recorded_scope(olds)


def _path(device_id: str, module_id: str) -> str:
    return f"{device_id}/{module_id}"


def _what(host: str, device_id: str, module_id: str) -> str:
    return f"module '{module_id}' of device '{device_id}' on IoT hub '{host.partition('.')[0]}'"


def _outs(properties: Properties, found: Module, scope: Scope) -> dict[str, Any]:
    return {name: properties.get(name) for name in (*wire_names(DevicesInputs, "kept"), "deviceId", "moduleId")} | {
        "thumbprints": list(found.thumbprints) or None,
        "tags": managed_text(found.tags, scope.tags),
        "desired": managed_text(found.desired, scope.desired),
        "authentication": found.authentication,
        "etag": found.twin_etag,
        "moduleEtag": found.etag,
    }


class ModuleIdentity(ModuleIdentityOutputs, Reconciled, module="hubtrust", name="ModuleIdentity"):
    """One module of a device in a hub's registry. It is enabled as long as its device is, and deleted with it."""

    provider = ModuleIdentityProvider

    def __init__(
        self,
        resource_name: str,
        *,
        hub_id: pulumi.Input[str],
        device_id: pulumi.Input[str],
        module_id: pulumi.Input[str],
        host_name: pulumi.Input[str] | None = None,
        thumbprints: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        tags: Document | None = None,
        desired: Document | None = None,
        adopt: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        cloud: pulumi.Input[str] | None = None,
        deadline: pulumi.Input[float] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """One module of a device in a hub's registry. It is enabled as long as its device is, and deleted with it.

        Args:
            resource_name: its name in Pulumi.
            hub_id: ARM id of the IoT hub.
            device_id: the id of its device.
            module_id: the module's id, at most 128 characters, case-sensitive.
            host_name: the hub's host name, such as hub-7.azure-devices.net; without it, Resource Manager is asked.
            thumbprints: one or two thumbprints of self-signed certificates, SHA-1 or SHA-256, hex; without them the module uses a
                certificate of a CA.
            tags: tags of its twin, an object; other tags in the twin are not changed.
            desired: desired properties of its twin, an object; other properties in the twin are not changed.
            adopt: ids, or patterns, of modules that may be taken over from others. Default: none, refuse.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            deadline: seconds, 1 to 3600, to retry what Azure refuses temporarily; default 300.
            opts: Pulumi's resource options.
        """
        texts = {"tags": document_text("tags", tags), "desired": document_text("desired", desired)}
        owner = hubs.owner_tag(resource_name, "ModuleIdentity", opts)
        super().__init__(resource_name, {**locals(), **texts}, opts)
