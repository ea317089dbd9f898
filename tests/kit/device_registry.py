"""A hub with devices: what hubtrust wrote there, and changes made by others."""

import json
from dataclasses import dataclass
from typing import Any

from hubtrust.devices.roster import Roster
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import LocalAzure

_DATA_CONTRIBUTOR = "4fc6c259-987e-4a07-842e-c321cc9d413f"
OWNER = {"stack": "organization/tests/dev", "urn": "urn:pulumi:dev::tests::pulumi-python:dynamic/hubtrust:DeviceFleet::presses"}


@dataclass
class DeviceRegistry:
    """One hub's registry through a client of the tests' own, and the log of calls."""

    azure: LocalAzure
    client: HubClient

    def grant(self) -> None:
        """Give the sandbox's deployer the data role on this hub."""
        self.azure.grant(_DATA_CONTRIBUTOR, self.client.hub.id)

    def clear(self, *faults: str, **settings: Any) -> None:
        """Clear the log, and set these faults (on this hub only) and settings."""
        self.azure.control("DELETE", "/faults")
        self.azure.control("PATCH", "/settings", {"throttle": None, "query_lag_seconds": 0, **settings})
        for fault in faults:
            self.azure.control("POST", "/faults", {"spec": f"{fault}:host={self.client.host}"})
        self.azure.control("DELETE", "/requests")

    def calls(self, *, writes: bool = False) -> list[str]:
        """The calls that the product made to this hub: `POST /devices`, and so on."""
        found = self.azure.control("GET", "/requests" + ("?mutating=1" if writes else ""))
        return [f"{call['method']} {call['path']}" for call in found if call["host"] == self.client.host]

    @property
    def writes(self) -> int:
        """How many calls changed something on this hub."""
        return len(self.calls(writes=True))

    def sessions(self) -> list[dict[str, Any]]:
        """What devices published to this hub."""
        return [found for found in self.azure.control("GET", "/messages") if found["host"] == self.client.host]

    def twins(self) -> dict[str, dict[str, Any]]:
        """Every device."""
        return {row["deviceId"]: row for page in self.client.query("SELECT * FROM devices", 1000) for row in page}

    def ids(self) -> list[str]:
        """The first 1,000 devices, from the registry itself: the query index may lag."""
        return sorted(row["deviceId"] for row in self.client.ask("GET", "/devices?top=1000").raise_for_status().json())

    def twin(self, device_id: str) -> dict[str, Any]:
        """One device."""
        found: dict[str, Any] = self.client.ask("GET", f"/twins/{device_id}").raise_for_status().json()
        return found

    def delete(self, *device_ids: str) -> None:
        """Delete devices by hand."""
        self.client.bulk(*({"id": one, "importMode": "delete"} for one in device_ids)).raise_for_status()

    def disable(self, device_id: str, reason: str, **members: Any) -> None:
        """Disable a device by hand; its other members become ``members``."""
        item = {"id": device_id, "importMode": "update", "status": "disabled", "statusReason": reason, **members}
        self.client.bulk({**item, "authentication": {"type": "certificateAuthority"}}).raise_for_status()

    def tag(self, device_id: str, **tags: Any) -> None:
        """Change tags by hand."""
        self.client.bulk({"id": device_id, "importMode": "updateTwin", "tags": tags}).raise_for_status()

    def fleet(self, roster: Roster, **changes: Any) -> dict[str, Any]:
        """The inputs of a DeviceFleet on this hub."""
        news = {"hubId": self.client.hub.id, "hostName": self.client.host, "owner": OWNER, "members": roster.pack(), "deadline": 90}
        return {name: value for name, value in (news | changes).items() if value is not None}

    def device(self, device_id: str = "press-001", **changes: Any) -> dict[str, Any]:
        """The inputs of a DeviceIdentity on this hub; tags and desired properties as objects."""
        documents = {name: json.dumps(changes[name]) for name in ("tags", "desired") if isinstance(changes.get(name), dict)}
        news = {"hubId": self.client.hub.id, "hostName": self.client.host, "owner": OWNER, "deviceId": device_id, "deadline": 90}
        return {name: value for name, value in (news | changes | documents).items() if value is not None}

    def module(self, module_id: str = "camera", device_id: str = "press-001", **changes: Any) -> dict[str, Any]:
        """The inputs of a ModuleIdentity on this hub."""
        return self.device(device_id, moduleId=module_id, **changes)

    def module_twin(self, module_id: str = "camera", device_id: str = "press-001") -> dict[str, Any]:
        """One module."""
        found: dict[str, Any] = self.client.ask("GET", f"/twins/{device_id}/modules/{module_id}").raise_for_status().json()
        return found

    def modules(self, device_id: str = "press-001") -> dict[str, dict[str, Any]]:
        """The modules of a device by their ids."""
        found = self.client.ask("GET", f"/devices/{device_id}/modules").raise_for_status().json()
        return {row["moduleId"]: row for row in found}

    def put_module(self, module_id: str = "camera", device_id: str = "press-001", **members: Any) -> None:
        """Create or replace a module by hand."""
        body = {"deviceId": device_id, "moduleId": module_id, **members}
        headers = {"If-Match": "*"} if module_id in self.modules(device_id) else {}
        self.client.ask("PUT", f"/devices/{device_id}/modules/{module_id}", json=body, headers=headers).raise_for_status()

    def tag_module(self, module_id: str = "camera", device_id: str = "press-001", **tags: Any) -> None:
        """Change a module's tags by hand."""
        self.client.ask("PATCH", f"/twins/{device_id}/modules/{module_id}", json={"tags": tags}).raise_for_status()

    def delete_module(self, module_id: str = "camera", device_id: str = "press-001") -> None:
        """Delete a module by hand."""
        self.client.ask("DELETE", f"/devices/{device_id}/modules/{module_id}", headers={"If-Match": "*"}).raise_for_status()
