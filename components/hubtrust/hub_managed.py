"""A hub of HubArgs: created by this stack, or adopted, with its resource group, its names and its tag."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from pulumi import _types
from pulumi_azure_native import iothub, resources

from hubtrust import hub_adoption as adoption
from hubtrust.azure import hub_limits
from hubtrust.azure_search import OWNER_TAG
from hubtrust.hub_args import PROPERTIES, SKU, UNITS, HubArgs
from hubtrust.hub_dicts import require_known_names
from hubtrust.hub_identity import HubIdentity
from hubtrust.hub_kinds import HUBS
from hubtrust.hub_undeclared import undeclared_paths
from hubtrust.known_values import is_plain, sendable, validated, when_known
from hubtrust.program_errors import ProgramError

_CHOICES: Mapping[str, Callable[[object], str]] = {
    "public_network_access": hub_limits.public_network_access,
    "min_tls_version": hub_limits.min_tls_version,
}


class HubArgsError(ProgramError):
    """A field of HubArgs is wrong, or two contradict each other."""


class ManagedHub:
    """The resources of one hub of this stack: ``identity``, ``group`` (the name of its resource group) and ``resource``.

    Raises:
        HubArgsError: a plain value is wrong. Of an Output, the engine is told when it is known.
        HubIdError: ``adopt_id`` is not the resource id of an IoT hub.
    """

    def __init__(self, name: str, args: HubArgs, component: pulumi.Resource, *, cloud: str) -> None:
        self._name, self._args, self._component = name, args, component
        self._require_plain()
        self._tags = validated(HubArgsError, _read_tags, args.tags)
        self._location = validated(HubArgsError, hub_limits.region, args.location)
        self._given_name = _known(hub_limits.hub_name, args.name)
        self._given_group = _known(hub_limits.group_name, args.resource_group)
        self._sku = self._size()
        self._properties = self._declared()
        self._identity = self._with_known_names("identity", args.identity)
        self.identity = HubIdentity(name, component, cloud=cloud, protect=args.protect, whole=args.adopt_id is None)
        self.resource = self._adopt(args.adopt_id) if args.adopt_id is not None else self._create()

    def _require_plain(self) -> None:
        for field in ("adopt_id", "protect"):
            if not is_plain(getattr(self._args, field)):
                fact = f"{field} is an Output; it decides which resources there are"
                raise HubArgsError(f"the hub of '{self._name}'", fact, "give a plain value")
        if not isinstance(self._args.protect, bool):
            raise HubArgsError(f"the hub of '{self._name}'", f"protect is {self._args.protect!r}", "use True or False")
        both = [field for field in ("name", "resource_group") if getattr(self._args, field) is not None]
        if self._args.adopt_id is not None and both:
            fact = f"adopt_id is given together with {' and '.join(both)}"
            raise HubArgsError(f"the hub of '{self._name}'", fact, f"leave out {' and '.join(both)}: an existing hub has both already")

    def _size(self) -> iothub.IotHubSkuInfoArgs:
        sku: Any = self._args.sku
        units: Any = self._args.units
        adopts = self._args.adopt_id is not None
        if isinstance(sku, iothub.IotHubSkuInfoArgs | Mapping):
            sku, capacity = (sku.get("name"), sku.get("capacity")) if isinstance(sku, Mapping) else (sku.name, sku.capacity)
            if capacity is not None and units is not None:
                raise HubArgsError(f"the hub of '{self._name}'", "units and sku's capacity are both given", "give one of them")
            units = capacity if units is None else units
        checked = when_known(HubArgsError, hub_limits.size, SKU if self._args.sku is None else sku, UNITS if units is None else units)
        return iothub.IotHubSkuInfoArgs(
            name=checked.apply(lambda size: size[0]),  # the name is needed, even where it is ignored
            capacity=None if adopts and units is None else checked.apply(lambda size: size[1]),
        )

    def _declared(self) -> iothub.IotHubPropertiesArgs:
        given = self._args.declared(defaults=self._args.adopt_id is None)
        for name, read in _CHOICES.items():
            given[name] = validated(HubArgsError, read, given.get(name))
        for name in given:
            given[name] = self._with_known_names(name, given[name])
        return iothub.IotHubPropertiesArgs(**given)

    def _with_known_names(self, name: str, value: Any) -> Any:
        """``value`` itself; an Output is read when it is known."""
        value = sendable(HubArgsError, f"{name} of the hub of '{self._name}'", value)
        kind = iothub.ArmIdentityArgs if name == "identity" else _types.input_type_types(iothub.IotHubPropertiesArgs)[PROPERTIES[name]]
        read = functools.partial(require_known_names, name, kind=kind, owner="a hub")
        if isinstance(value, pulumi.Output):
            return validated(HubArgsError, read, value)
        with HubArgsError.told():
            return read(value)

    def _adopt(self, adopt_id: str) -> iothub.IotHubResource:
        found = HUBS.read_id(adopt_id, "the adopted hub's id")
        existing = adoption.existing_hub(self._name, found.id, self._component)
        tags = adoption.tags_with_owner(existing, self._args, self._tags, found.title, self.identity)
        adoption.report_kept(existing, self._args, self._component)
        opts = pulumi.ResourceOptions(import_=found.id, ignore_changes=self._args.undeclared())
        self.group = pulumi.Output.from_input(found.group)
        return self._declare(found.name, tags, opts)

    def _create(self) -> iothub.IotHubResource:
        self.group = self._group() if self._given_group is None else self._given_group
        kept = self.identity.hub(self.group, self._given_name, lambda declared: undeclared_paths(declared, self._args))
        name = self.identity.name if self._given_name is None else self._given_name
        # A private endpoint, which is a resource of its own, adds its connection to the hub: without the connection it is cut off.
        others = ["properties.privateEndpointConnections"] if self._args.private_endpoint_connections is None else None
        opts = pulumi.ResourceOptions.merge(kept.options, pulumi.ResourceOptions(ignore_changes=others))
        return self._declare(name, self._with_owner(kept.tag), opts)

    def _group(self) -> pulumi.Output[str]:
        kept = self.identity.group(self._location)
        return resources.ResourceGroup(
            self._name,
            resource_group_name=self.identity.name,
            location=self._location,
            tags=self._with_owner(kept.tag),
            opts=pulumi.ResourceOptions.merge(kept.options, self._options()),
        ).name

    def _declare(
        self, name: pulumi.Input[str], tags: pulumi.Input[Mapping[str, str]], own: pulumi.ResourceOptions
    ) -> iothub.IotHubResource:
        return iothub.IotHubResource(
            self._name,
            resource_group_name=self.group,
            resource_name_=name,
            location=self._location,
            sku=self._sku,
            identity=self._identity,
            properties=self._properties,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(own, self._options()),
        )

    def _with_owner(self, tag: pulumi.Output[str]) -> pulumi.Output[dict[str, str]]:
        return pulumi.Output.all(self._tags, tag).apply(lambda known: {**(known[0] or {}), OWNER_TAG: known[1]})

    def _options(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self._component, protect=self._args.protect)


def _read_tags(value: Any) -> Mapping[str, str]:
    return hub_limits.tags(value, own=OWNER_TAG)


def _known(read: Any, value: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
    return None if value is None else when_known(HubArgsError, read, value)
