"""Inputs that several resources share: the hub and the owner of devices; and the hub's device registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.azure.registry import Registry
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.service import Service, service
from hubtrust.azure_inputs import same_id
from hubtrust.devices.id_patterns import expand_all
from hubtrust.dynamic import imported
from hubtrust.dynamic.service_endpoint import EndpointInputs, require_host
from hubtrust.inputs import input_field, texts
from hubtrust.process import show_message
from hubtrust.reconcile_errors import DeclarationError
from hubtrust.shell import dynamic_type


def _hub(value: object) -> Service:
    found = service(value)
    if found.kind != "iothubs":
        raise DeclarationError("hubId", "it names a provisioning service, which has no devices", "give the id of an IoT hub")
    return found


def require_owner(value: object) -> Mapping[str, str]:
    """``value`` if it is an owner tag's.

    Raises:
        DeclarationError: it is something else.
    """
    if not isinstance(value, Mapping) or set(value) != {"stack", "urn"} or not all(isinstance(one, str) for one in value.values()):
        raise DeclarationError("owner", f"it is {value!r}", "give an object with stack and urn")
    return value


def hub_id(*, required: bool, replaces: bool = False) -> Any:
    """The declaration of the input `hubId`."""
    return input_field(_hub, "ARM id of the IoT hub.", required=required, kept=True, replaces=replaces, same=same_id)


def hub_host_name(*, kept: bool = True) -> Any:
    """The declaration of the input `hostName`."""
    return input_field(
        require_host, "the hub's host name, such as hub-7.azure-devices.net; without it, Resource Manager is asked.", kept=kept
    )


@dataclass(frozen=True, kw_only=True)
class HubInputs(EndpointInputs):
    """A hub."""

    hub_id: Service = hub_id(required=True)
    host_name: str | None = hub_host_name()

    @property
    def service(self) -> Service:
        """The hub."""
        return self.hub_id

    def open_registry(self, *, reading: bool = False, refreshing: bool = False, limits: RetryLimits | None = None) -> Registry:
        """The hub's device registry, for a `with` statement; see ``endpoint_options``.

        Raises:
            CloudError, NotFoundError, AzureError: there is no such cloud or hub.
        """
        return Registry(report=show_message, **self.endpoint_options(reading=reading, refreshing=refreshing, limits=limits))


@dataclass(frozen=True, kw_only=True)
class DevicesInputs(HubInputs):
    """A hub, and the owner of devices on it."""

    hub_id: Service = hub_id(required=True, replaces=True)
    owner: Mapping[str, str] = input_field(require_owner, argument="", required=True, kept=True)
    adopt: frozenset[str] = input_field(
        lambda value: expand_all(texts(value, remedy="list the ids or patterns of the devices that may be taken over")),
        "ids, or patterns such as `press-{001..025}`, of devices that may be taken over from others. Default: none, refuse.",
        default=frozenset(),
    )

    def moved(self, olds: Mapping[str, Any]) -> bool:
        """Whether the owner, the cloud or the host name differs from the old outputs."""
        is_others = self.owner != olds.get("owner")
        if olds.get("imported") == imported.OTHERS:
            is_others = is_others and bool(self.adopt)  # nobody has asked for it until then
        return is_others or super().moved(olds)

    def former_owners(self, olds: Mapping[str, Any]) -> list[Mapping[str, str] | None]:
        """The owner of the last run if it is another one, because the resource was renamed; None: what was imported without a tag."""
        if olds.get("imported") == imported.OTHERS:
            return [] if olds.get("owner") else [None]
        return [olds["owner"]] if olds.get("owner") not in (None, self.owner) else []


class DevicesOutputs:
    """The outputs of every resource with an owner of devices."""

    hub_id: pulumi.Output[str]
    """ARM id of the IoT hub."""
    host_name: pulumi.Output[str]
    """The hub's host name."""
    owner: pulumi.Output[Mapping[str, str]]
    """The value of the twin tag `hubtrust`: `stack` and `urn`."""
    imported: pulumi.Output[str | None]
    """After an import, until a run writes it: `own` (it had this resource's owner tag) or `others` (another one, or none)."""
    cloud: pulumi.Output[str | None]
    """The cloud, as declared."""
    deadline: pulumi.Output[float | None]
    """The deadline in seconds, as declared."""


def stack_name() -> str:
    """The running stack as `organization/project/stack`, as in the owner tags of its devices and its adopted hub."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def owner_tag(name: str, kind: str, opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
    """The value of the owner tag of a resource's devices: its stack and its URN."""
    urn = pulumi.create_urn(name, dynamic_type(kind), opts.parent if opts else None)
    # Its text needs the parent's URN and nothing more: a dependency on a component is one on all its children, this resource too.
    alone: pulumi.Output[str] = pulumi.Output(set(), urn.future(with_unknowns=True), urn.is_known())  # type: ignore[arg-type] # never None
    return {"stack": stack_name(), "urn": alone}


def name_in(owner: Mapping[str, Any]) -> str:
    """The name of the owning resource, from its URN."""
    return str(owner.get("urn")).rpartition("::")[2]
