"""The shared access policies of an IoT hub, at Resource Manager.

GET of a hub does not show them, and a PUT without `authorizationPolicies` keeps them; so one is added or removed as the az CLI does it
(`az iot hub policy create`): read the hub and the keys of all its policies, and PUT the hub with its etag and the changed list.
Source: the operations of azure-mgmt-iothub, IotHubResource_ListKeys and IotHubResource_CreateOrUpdate, api-version 2023-06-30.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubtrust.azure import absence, answer_shapes
from hubtrust.azure.client import AzureClient
from hubtrust.azure.errors import BusyError, NotFoundError, RefusedError
from hubtrust.azure.retry import FIRST_WAIT, MAX_WAIT
from hubtrust.azure.service import API_VERSIONS, Service

LINK_RIGHTS = "RegistryWrite, ServiceConnect"  # what a provisioning service needs: learn.microsoft.com/azure/iot-dps/concepts-service
_NOT_FOUND = 404
_READ_ONLY = ("state", "provisioningState", "hostName", "locations")
_DONE, _FAILED = "Succeeded", ("Failed", "Canceled")


@dataclass(frozen=True, slots=True)
class Policy:
    """A shared access policy with its keys, which are base64 of 16 to 64 bytes."""

    name: str
    rights: str
    primary_key: str
    secondary_key: str

    @property
    def may_link(self) -> bool:
        """Whether a provisioning service can assign devices with it."""
        return _rights(LINK_RIGHTS) <= _rights(self.rights)


def _rights(text: str) -> set[str]:
    return {right.strip().lower() for right in text.split(",")}


class HubPolicies:
    """The policies of ``owner``, an IoT hub. Every method may raise the errors of ``AzureClient.send``."""

    def __init__(self, client: AzureClient, owner: Service) -> None:
        self._client, self._owner = client, owner
        self._query = {"api-version": API_VERSIONS[owner.kind]}

    def hub(self) -> Mapping[str, Any] | None:
        """The hub as Resource Manager shows it; None if it is gone, which is confirmed."""
        found = self._read()
        if found is None and not absence.service_is_gone(self._client, self._owner):
            found = self._read()
        return found

    def require_hub(self) -> Mapping[str, Any]:
        """The hub, which must take shared access keys.

        Raises:
            NotFoundError: there is no such hub.
            RefusedError: it takes no shared access keys.
        """
        found = self.hub()
        if found is None:
            raise NotFoundError(self._owner.title, "it does not exist", "check its resource id, refresh, then run again")
        if found["properties"].get("disableLocalAuth"):
            raise local_auth_disabled(self._owner.title)
        return found

    def all(self) -> list[Policy]:
        """All policies, with their keys."""
        answer = self._client.send(
            "POST", f"{self._owner.id}/listkeys", what=self._what, query=self._query, expects=answer_shapes.policies, body={}
        )
        return [Policy(one["keyName"], one["rights"], one["primaryKey"], one["secondaryKey"]) for one in answer.body["value"]]

    def find(self, name: str) -> Policy | None:
        """The policy of this name, in any case; None if the hub has none."""
        return next((one for one in self.all() if one.name.lower() == name.lower()), None)

    def put(self, hub: Mapping[str, Any], policies: Sequence[Mapping[str, str]]) -> None:
        """Write ``hub``, as it was read, with these policies in place of its own, and wait until that is done.

        What a policy has no key for, Azure makes.

        Raises:
            EtagError: the hub was changed after it was read.
            BusyError: Azure did not carry it out until the deadline.
        """
        body = {name: hub[name] for name in ("location", "tags", "sku") if name in hub} | _identity(hub)
        body["properties"] = {**_writable(hub["properties"]), "authorizationPolicies": [*policies]}
        self._client.send(
            "PUT",
            self._owner.id,
            what=self._owner.title,
            query=self._query,
            expects=answer_shapes.service(self._owner),
            body=body,
            headers={"If-Match": str(hub["etag"])},
        )
        self._wait()

    def _wait(self) -> None:
        wait, started = FIRST_WAIT, self._client.limits.clock()
        while True:
            found = self._read()
            state = str(found["properties"].get("provisioningState")) if found else ""
            if state == _DONE:
                return
            if state in _FAILED:
                raise RefusedError(
                    self._owner.title, f"Azure did not change its policies: its state is {state}", "look at it in the portal"
                )
            if self._client.limits.time_left(started) <= wait:
                fact = f"its policies are not changed yet (its state is {state or 'not known'})"
                raise BusyError(self._owner.title, fact, "run again later; work already done is kept")
            time.sleep(wait)
            wait = min(wait * 2, MAX_WAIT)

    def _read(self) -> Mapping[str, Any] | None:
        answer = self._client.send(
            "GET",
            self._owner.id,
            what=self._owner.title,
            query=self._query,
            expects=answer_shapes.service(self._owner),
            absent_is_fine=True,
        )
        return None if answer.status == _NOT_FOUND else answer.body

    @property
    def _what(self) -> str:
        return f"the shared access policies of {self._owner.title}"


def as_declared(policy: Policy) -> dict[str, str]:
    """``policy`` as a PUT takes it."""
    return {
        "keyName": policy.name,
        "rights": policy.rights,
        "primaryKey": policy.primary_key,
        "secondaryKey": policy.secondary_key,
    }


def local_auth_disabled(hub: str) -> RefusedError:
    """The error for a hub that takes no shared access keys; ``hub`` is its name in messages."""
    fact = "disableLocalAuth is set, and a provisioning service signs in to a hub with a key of one of its shared access policies"
    remedy = "set disable_local_auth=False in its HubArgs (devices and modules stay without keys: disable_device_sas, disable_module_sas)"
    return RefusedError(hub, fact, remedy)


def _identity(hub: Mapping[str, Any]) -> dict[str, Any]:
    """The hub's managed identities as a PUT takes them: without the ids that Azure gave them."""
    found = hub.get("identity")
    if not isinstance(found, Mapping) or found.get("type") in (None, "None"):
        return {}
    assigned = found.get("userAssignedIdentities")
    own: dict[str, Any] = {"userAssignedIdentities": {name: {} for name in assigned}} if isinstance(assigned, Mapping) else {}
    return {"identity": {"type": found["type"], **own}}


def _writable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as a PUT takes them. What the built-in endpoint shows is sent back: without its partitions' ids Azure shows none."""
    return {name: value for name, value in properties.items() if name not in _READ_ONLY}
