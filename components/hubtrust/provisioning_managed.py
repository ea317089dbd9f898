"""A provisioning service of ProvisioningServiceArgs: created by this stack, or adopted, with its names, its tag and its links."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi import _types
from pulumi_azure_native import deviceprovisioningservices as dps
from pulumi_azure_native import resources

from hubtrust.azure import hub_limits, provisioning_limits
from hubtrust.azure_search import OWNER_TAG, Found
from hubtrust.errors import shown
from hubtrust.hub_dicts import require_known_names
from hubtrust.hub_identity import HubIdentity, same_location
from hubtrust.known_values import is_plain, sendable, validated, when_known
from hubtrust.program_errors import ProgramError
from hubtrust.provisioning_args import PROPERTIES, UNITS, ProvisioningServiceArgs
from hubtrust.provisioning_kinds import SERVICES
from hubtrust.provisioning_links import LinkedHub, declare_links, hub_name

_SKU = "S1"


class ProvisioningServiceArgsError(ProgramError):
    """A field of ProvisioningServiceArgs is wrong, or two contradict each other."""


class ServiceOwnedError(ProgramError):
    """The provisioning service belongs to another stack, or something is declared that Azure can't change on it."""


class ManagedService:
    """The resources of one provisioning service of this stack: ``identity``, ``group`` (its resource group's name) and ``resource``.

    Raises:
        ProvisioningServiceArgsError: a plain value is wrong. Of an Output, the engine is told when it is known.
        ProvisioningServiceIdError: ``adopt_id`` is not the resource id of a provisioning service.
    """

    def __init__(
        self,
        name: str,
        args: ProvisioningServiceArgs,
        links: Sequence[LinkedHub],
        component: pulumi.Resource,
        *,
        cloud: str,
        deadline: pulumi.Input[float] | None,
    ) -> None:
        self._name, self._args, self._links, self._component = name, args, links, component
        self._cloud, self._deadline = cloud, deadline
        self._what = f"the provisioning service of '{name}'"
        self._require_plain()
        error = ProvisioningServiceArgsError
        self._tags = validated(error, _read_tags, args.tags)
        self._location = validated(error, hub_limits.region, args.location)
        self._given_name = None if args.name is None else when_known(error, provisioning_limits.service_name, args.name)
        self._given_group = None if args.resource_group is None else when_known(error, hub_limits.group_name, args.resource_group)
        self._units = when_known(error, provisioning_limits.units, UNITS if args.units is None else args.units)
        self._properties = self._declared()
        self._managed_identity = self._with_known_names("identity", args.identity, dps.ManagedServiceIdentityArgs)
        self.identity = HubIdentity(name, component, cloud=cloud, protect=args.protect)
        self.resource = self._adopt(args.adopt_id) if args.adopt_id is not None else self._create()

    def _require_plain(self) -> None:
        for field in ("adopt_id", "protect"):
            if not is_plain(getattr(self._args, field)):
                fact = f"{field} is an Output; it decides which resources there are"
                raise ProvisioningServiceArgsError(self._what, fact, "give a plain value")
        if not isinstance(self._args.protect, bool):
            raise ProvisioningServiceArgsError(self._what, f"protect is {self._args.protect!r}", "use True or False")
        both = [field for field in ("name", "resource_group") if getattr(self._args, field) is not None]
        if self._args.adopt_id is not None and both:
            fact = f"adopt_id is given together with {' and '.join(both)}"
            raise ProvisioningServiceArgsError(self._what, fact, f"leave out {' and '.join(both)}: an existing service has both already")

    def _declared(self) -> dict[str, Any]:
        given = self._args.declared()
        choices = {"public_network_access": hub_limits.public_network_access, "allocation_policy": provisioning_limits.allocation_policy}
        for name, read in choices.items():
            if name in given:
                given[name] = validated(ProvisioningServiceArgsError, read, given[name])
        kinds = _types.input_type_types(dps.IotDpsPropertiesDescriptionArgs)
        return {name: self._with_known_names(name, value, kinds[PROPERTIES[name]]) for name, value in given.items()}

    def _with_known_names(self, name: str, value: Any, kind: Any) -> Any:
        """``value`` itself; an Output is read when it is known."""
        value = sendable(ProvisioningServiceArgsError, f"{name} of {self._what}", value)
        read = functools.partial(require_known_names, name, kind=kind, owner="a provisioning service")
        if isinstance(value, pulumi.Output):
            return validated(ProvisioningServiceArgsError, read, value)
        with ProvisioningServiceArgsError.told():
            return read(value)

    def _create(self) -> dps.IotDpsResource:
        self.group = self._group()
        kept = self.identity.service(self.group, self._given_name)
        name = self.identity.name if self._given_name is None else self._given_name
        # A private endpoint, which is a resource of its own, adds its connection to the service: without the connection it is cut off.
        others = ["properties.privateEndpointConnections"] if self._args.private_endpoint_connections is None else None
        opts = pulumi.ResourceOptions.merge(kept.options, pulumi.ResourceOptions(ignore_changes=others))
        return self._declare(name, self._with_owner(kept.tag), opts)

    def _group(self) -> pulumi.Output[str]:
        """The group that is declared, or one of its own: a linked hub's would change, and the service with it, once it is unlinked."""
        if self._given_group is not None:
            return self._given_group
        kept = self.identity.group(self._location)
        return resources.ResourceGroup(
            self._name,
            resource_group_name=self.identity.name,
            location=self._location,
            tags=self._with_owner(kept.tag),
            opts=pulumi.ResourceOptions.merge(kept.options, self._options()),
        ).name

    def _adopt(self, adopt_id: str) -> dps.IotDpsResource:
        found = SERVICES.read_id(adopt_id, "the adopted provisioning service's id")
        existing = dps.IotDpsResource.get(f"{self._name}-found", found.id, opts=pulumi.ResourceOptions(parent=self._component))
        links = existing.properties.apply(lambda properties: properties.iot_hubs if properties else None)
        pulumi.Output.all(links, *map(hub_name, self._links)).apply(self._report_left)
        undeclared = [*self._args.undeclared(), *(() if self._links else ["properties.iotHubs"])]
        opts = pulumi.ResourceOptions(import_=found.id, ignore_changes=undeclared)
        self.group = pulumi.Output.from_input(found.group)
        return self._declare(found.name, self._tags_of_adopted(existing, found.title), opts)

    def _tags_of_adopted(self, existing: dps.IotDpsResource, what: str) -> pulumi.Output[dict[str, str]]:
        """The tags that it has, those that are declared, and the one that names this stack."""

        async def merge(known: Sequence[Any]) -> dict[str, str]:
            tags, own, location, wanted = known
            if wanted is not None and not same_location(wanted, location):
                fact = f"it is in {location}, and {wanted} is declared; Azure can't move it"
                raise ServiceOwnedError(what, fact, "leave the location out")
            found = Found.read({"id": "", "tags": tags})
            if found and found.stack and not await self.identity.owns(found):
                fact = f"it belongs to stack '{found.stack}' by its tag '{OWNER_TAG}'"
                remedy = f"release it from that stack first (retain, then destroy), or remove the tag '{OWNER_TAG}' from it"
                raise ServiceOwnedError(what, fact, remedy)
            return {**(tags or {}), **(own or {})}

        known: pulumi.Output[Any] = pulumi.Output.all(existing.tags, self._tags, existing.location, self._location)
        merged: pulumi.Output[dict[str, str]] = known.apply(merge)
        return pulumi.Output.all(merged, self.identity.tag).apply(lambda values: {**values[0], OWNER_TAG: values[1]})

    def _report_left(self, known: Sequence[Any]) -> None:
        """Tell of links that are taken away: the declared list is the whole list, if there is one."""
        linked, *own = known
        declared = {str(name).lower() for name in own}
        found = [str(one["name"]) for one in linked or []]
        names = [name for name in found if name.partition(".")[0].lower() not in declared]
        if names and declared:
            what = f"links to {', '.join(names)} are on the adopted provisioning service but not declared in hubs: they are removed"
            pulumi.log.warn(shown(what), self._component)

    def _declare(self, name: pulumi.Input[str], tags: pulumi.Input[Mapping[str, str]], own: pulumi.ResourceOptions) -> dps.IotDpsResource:
        links = declare_links(self._name, self._links, name, self._cloud, self._deadline, self._component)
        return dps.IotDpsResource(
            self._name,
            resource_group_name=self.group,
            provisioning_service_name=name,
            location=self._location,
            sku=dps.IotDpsSkuInfoArgs(name=_SKU, capacity=self._units),
            identity=self._managed_identity,
            properties=dps.IotDpsPropertiesDescriptionArgs(**self._properties, iot_hubs=links),
            tags=tags,
            opts=pulumi.ResourceOptions.merge(own, self._options()),
        )

    def _with_owner(self, tag: pulumi.Output[str]) -> pulumi.Output[dict[str, str]]:
        return pulumi.Output.all(self._tags, tag).apply(lambda known: {**(known[0] or {}), OWNER_TAG: known[1]})

    def _options(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self._component, protect=self._args.protect)


def _read_tags(value: Any) -> Mapping[str, str]:
    return hub_limits.tags(value, own=OWNER_TAG)
