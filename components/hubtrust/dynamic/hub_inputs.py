"""The registry that a device resource names by its inputs: where it is, who its devices belong to, and whether the hub is gone."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import pulumi

from hubtrust.azure import clouds
from hubtrust.azure.certificates import host_name, service
from hubtrust.azure.client import Door, Patience
from hubtrust.azure.errors import AzureError, NotFoundError
from hubtrust.azure.login import login
from hubtrust.azure.registry import Registry
from hubtrust.dynamic.lifecycle import Properties, Validator, require_bool, require_number, say
from hubtrust.reconcile_errors import DeclarationError

DEADLINE = 300.0  # seconds
_HOST = re.compile(r"[A-Za-z0-9-]{3,50}(\.[a-z0-9-]+)+")
_stood: set[tuple[str, str]] = set()  # devices that a create of this process found standing; a process lives for one run


def _require_host(value: object) -> None:
    if not _HOST.fullmatch(str(value)):
        raise DeclarationError("hostName", f"'{value}' is no hub's host name", "give it as hub-7.azure-devices.net, or leave it out")


def _require_hub(value: object) -> None:
    if service(str(value)).kind != "iothubs":
        raise DeclarationError("hubId", "it names a provisioning service, which has no devices", "give the id of an IoT hub")


def _require_owner(value: object) -> None:
    if not isinstance(value, Mapping) or set(value) != {"stack", "urn"} or not all(isinstance(one, str) for one in value.values()):
        raise DeclarationError("owner", f"it is {value!r}", "give stack and urn")


VALIDATORS: Final[Mapping[str, Validator]] = {
    "hubId": _require_hub,
    "hostName": _require_host,
    "owner": _require_owner,
    "adopt": require_bool,
    "cloud": lambda value: clouds.require_name(str(value)),
    "deadline": lambda value: require_number(value, least=1, most=3600),
}
REQUIRED: Final = frozenset({"hubId", "owner"})
KEPT: Final = ("hubId", "hostName", "owner", "cloud", "deadline")  # inputs that are outputs, because read and delete need them


def open_registry(properties: Properties, *, looking: bool = False) -> Registry:
    """For a `with`. ``looking`` has no patience with a hub that is not there: the hub may be gone, which ``hub_is_gone`` tells.

    Raises:
        CloudError, NotFoundError, AzureError: there is no such cloud or hub.
    """
    patience = Patience(deadline=float(properties.get("deadline") or DEADLINE))
    patience = replace(patience, missing=0.0, unreachable=10.0) if looking else patience
    cloud = _cloud(properties)
    return Registry(hub_host(properties), cloud, login(cloud, os.environ), patience, say)


def hub_host(properties: Properties) -> str:
    """The hub's host name: given, or asked of Resource Manager."""
    if properties.get("hostName"):
        return str(properties["hostName"])
    owner = service(str(properties["hubId"]))
    with _arm(properties) as door:
        found = host_name(door, owner)
    if found is None:
        raise NotFoundError(owner.title, "it is not there", "check its resource id, refresh, then run again")
    return found


def hub_is_gone(properties: Properties) -> bool:
    """Whether the hub itself is not there, by Resource Manager's word: a dead name alone may be a broken line."""
    try:
        with _arm(properties) as door:
            return host_name(door, service(str(properties["hubId"]))) is None
    except AzureError:
        return False  # nobody could say: the trouble that made us ask is told instead


def same_hub(olds: Properties, hub_id: object) -> bool:
    """ARM ids are compared without case."""
    return isinstance(hub_id, str) and str(olds.get("hubId")).rstrip("/").lower() == hub_id.rstrip("/").lower()


def stood(host: str, device_ids: Iterable[str]) -> None:
    """Remember devices that a create found standing: a replacement's old resource must not delete them at the end of the run."""
    _stood.update((host, one) for one in device_ids)


def taken_over(host: str, device_id: str) -> bool:
    """Whether another resource of this run stands on this device; asked once, by the resource that was to delete it."""
    found = (host, device_id) in _stood
    _stood.discard((host, device_id))
    return found


def owner_tag(name: str, kind: str, opts: pulumi.ResourceOptions | None) -> dict[str, Any]:
    """What the tag of our devices says: which stack, and which resource of it."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    urn = pulumi.create_urn(name, f"pulumi-python:dynamic/hubtrust:{kind}", opts.parent if opts else None)
    # Its text needs the parent's URN and nothing more: a dependency on a component is one on all its children, this resource too.
    alone: pulumi.Output[str] = pulumi.Output(set(), urn.future(with_unknowns=True), urn.is_known())  # type: ignore[arg-type] # never None
    return {"stack": stack, "urn": alone}


def name_in(owner: Mapping[str, Any]) -> str:
    """The resource's own name, from its URN."""
    return str(owner.get("urn")).rpartition("::")[2]


def _cloud(properties: Properties) -> clouds.Cloud:
    return clouds.named(str(properties.get("cloud") or clouds.PUBLIC.name))


def _arm(properties: Properties) -> Door:
    cloud = _cloud(properties)
    patience = Patience(deadline=min(float(properties.get("deadline") or DEADLINE), 60.0), missing=0.0)
    return Door(cloud.resource_manager, cloud.arm_scope, login(cloud, os.environ), patience, say)
