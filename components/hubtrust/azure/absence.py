"""Whether something is really gone. Azure answers 404 for a while for things that are there, after updates above all.

(github.com/Azure/azure-rest-api-specs/issues/27183.) So it is asked again over some seconds, and for a hub, a provisioning service and a
certificate the list of its parent is asked too. Whoever can't see does not conclude.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hubtrust.azure import answer_shapes
from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import DeniedError, RefusedError, UnreachableError
from hubtrust.azure.retry import RetryLimits
from hubtrust.azure.service import API_VERSIONS, Service

GROUPS_VERSION = "2021-04-01"  # of lists of resource groups
_NOT_FOUND = 404
_KINDS = {"iothubs": "IotHubs", "provisioningservices": "provisioningServices"}
_T = TypeVar("_T")
_LOCK = threading.Lock()
_gone: set[str] = set()  # services that are confirmed to be gone, so that each of their resources does not wait again; a process is one run


def found_again(read: Callable[[], _T | None], limits: RetryLimits) -> _T | None:
    """Ask again over some seconds: the first thing that ``read`` finds, or None if it is still absent."""
    for wait in limits.absence_waits():
        time.sleep(wait)
        found = read()
        if found is not None:
            return found
    return None


def service_is_gone(client: AzureClient, owner: Service) -> bool:
    """Whether the hub or service is gone; to be asked after a 404. Confirmed once in a process.

    Raises:
        RefusedError: it is not gone but in another resource group.
        AzureError: nobody can say, because a call failed or the lists contradict the 404.
    """
    if is_known_gone(owner):
        return read_service(client, owner) is None
    if found_again(lambda: read_service(client, owner), client.limits) is not None:
        return False
    try:
        _require_unlisted(client, owner)
    except UnreachableError:  # a list has it: then it is the 404 that will pass
        if found_again(lambda: read_service(client, owner), client.limits) is not None:
            return False
        raise
    with _LOCK:
        _gone.add(owner.id.lower())
    return True


def is_known_gone(owner: Service) -> bool:
    """Whether this process has confirmed that the hub or service is gone."""
    with _LOCK:
        return owner.id.lower() in _gone


def remember_found(owner: Service) -> None:
    """Forget that it was gone: it answers again, because this run created it."""
    with _LOCK:
        _gone.discard(owner.id.lower())


def read_service(client: AzureClient, owner: Service) -> Mapping[str, Any] | None:
    """The properties of the hub or service; None if Azure says that it, or its resource group, does not exist.

    Raises:
        AzureError: see ``AzureClient.send``.
    """
    query, expects = {"api-version": API_VERSIONS[owner.kind]}, answer_shapes.service(owner)
    answer = client.send("GET", owner.id, what=owner.title, query=query, expects=expects, absent_is_fine=True)
    if answer.status == _NOT_FOUND:
        return None
    found: Mapping[str, Any] = answer.body["properties"]
    return found


def is_no_hubs_name(client: AzureClient, subscription: str, name: str) -> bool:
    """Whether no hub has this name, in whichever subscription: a cloud's hubs have names of their own (checkNameAvailability).

    Source: learn.microsoft.com/rest/api/iothub/iot-hub-resource/check-name-availability.

    Raises:
        AzureError: see ``AzureClient.send``.
    """
    path = f"/subscriptions/{subscription}/providers/Microsoft.Devices/checkNameAvailability"
    what, query = f"the check whether there is an IoT hub '{name}'", {"api-version": API_VERSIONS["iothubs"]}
    answer = client.send("POST", path, what=what, query=query, body={"name": name}, expects=answer_shapes.name_check)
    return bool(answer.body["nameAvailable"])


def _require_unlisted(client: AzureClient, owner: Service) -> None:
    """Ask the group, or where it is gone too the subscription's groups; and the subscription, in case it was moved to another group."""
    in_group = _listed(client, owner, f"/subscriptions/{owner.subscription}/resourceGroups/{owner.group}")
    if in_group is None:
        groups = _list(client, owner, f"/subscriptions/{owner.subscription}/resourcegroups", GROUPS_VERSION)
        names = {str(one["name"]).lower() for one in groups or []}
        if groups is None or owner.group.lower() in names:
            raise _contradiction(owner, f"resource group '{owner.group}' is in the list of the subscription")
    try:
        everywhere = in_group or _listed(client, owner, f"/subscriptions/{owner.subscription}") or []
    except DeniedError:
        everywhere = []  # this login sees its own group only, and that has been asked
    for one in everywhere:
        if str(one["id"]).rstrip("/").lower() == owner.id.lower():
            raise _contradiction(owner, "it is in the list of its resource group")
        if str(one["name"]).lower() == owner.name.lower():  # such names are unique in all of Azure
            raise RefusedError(owner.title, f"it is now {one['id']}", "move it back, or set the id that it has now")


def _listed(client: AzureClient, owner: Service, scope: str) -> list[Any] | None:
    """The services of this kind in a group or subscription; None if there is no such group."""
    return _list(client, owner, f"{scope}/providers/Microsoft.Devices/{_KINDS[owner.kind]}", API_VERSIONS[owner.kind])


def _list(client: AzureClient, owner: Service, path: str, version: str) -> list[Any] | None:
    return list_resources(client, path, {"api-version": version}, f"the list in which {owner.title} would be")


def list_resources(client: AzureClient, path: str, query: Mapping[str, str], what: str) -> list[Any] | None:
    """All pages of a list of resources, each with its id and name; None if what they are in does not exist.

    Raises:
        AzureError: see ``AzureClient.send``; UnreachableError also where a page is not Azure's.
    """
    found, seen = list[Any](), set[str]()
    while True:
        answer = client.send("GET", path, what=what, query=query, expects=answer_shapes.resources, absent_is_fine=True)
        if answer.status == _NOT_FOUND:
            return None
        found += answer.body["value"]
        link = answer.body.get("nextLink")
        if not link:
            return found
        if not link.startswith(f"{client.endpoint}/") or link in seen:
            raise UnreachableError(what, "the answer is not Azure's (its next page is elsewhere)", "run again")
        seen.add(link)
        path, query = link.removeprefix(client.endpoint), {}


def _contradiction(owner: Service, fact: str) -> UnreachableError:
    return UnreachableError(owner.title, f"Azure answers 404 for it, but {fact}", "run again in a few minutes: nothing was changed")
