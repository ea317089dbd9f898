"""The operations of DeviceIdentity, DeviceFleet and ConnectionCheck."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hubtrust.azure.device_description import Registration
from hubtrust.custody import custodies as custody
from hubtrust.devices.roster import Roster
from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from hubtrust.dynamic.device_fleet import DeviceFleetProvider
from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from tests.faults.case_hub import CaseHub
from tests.faults.certificates import authority, name
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.hub_client import HubClient
from tests.kit.local_azure import Hub, LocalAzure

DEVICE = "press-1"
_HUNDREDS = from_pattern("press-{001..120}", {"plant": "A"})  # two calls' worth
_Twins = Mapping[str, Any]


@contextmanager
def estate(case: CaseHub) -> Iterator[DeviceRegistry]:
    """The hub's registry, by a door of the test's own."""
    door = HubClient(case.azure, case.hub)
    with door.http:
        yield DeviceRegistry(case.azure, door)


def shown(case: CaseHub) -> _Twins:
    """Every device: whether it is enabled, how it shows who it is, its tags."""
    with estate(case) as found:
        return {one: (twin["status"], twin["authenticationType"], twin.get("tags") or {}) for one, twin in found.twins().items()}


def standing(*device_ids: str, status: str = "enabled", plant: str = "A") -> _Twins:
    """Devices of ours as ``shown`` shows them."""
    return {one: (status, "certificateAuthority", {"plant": plant, "hubtrust": OWNER}) for one in device_ids}


def _inputs(case: CaseHub, **own: Any) -> dict[str, Any]:
    return {"hubId": case.hub.id, "hostName": case.host, "owner": OWNER, "deadline": case.deadline} | own


def device(**changes: Any) -> Callable[[CaseHub], Declared]:
    """One DeviceIdentity."""
    given = {"deviceId": DEVICE, "tags": json.dumps({"plant": "A"})} | changes
    return lambda case: {"device": (DeviceIdentityProvider, _inputs(case, **given))}


def fleet(roster: Roster) -> Callable[[CaseHub], Declared]:
    """One DeviceFleet."""
    return lambda case: {"fleet": (DeviceFleetProvider, _inputs(case, members=roster.pack()))}


def roster(plants: Mapping[str, str]) -> Roster:
    """Devices by their plants."""
    return Roster.of((one, Registration(tags={"plant": plant})) for one, plant in plants.items())


def check(case: CaseHub) -> Declared:
    """A ConnectionCheck that has to ask for the hub's name."""
    plant = authority(1)
    news = {"hubId": case.hub.id, "deviceId": DEVICE, "chain": plant.pem, "signer": custody.in_state(plant.private_pem)}
    return {"check": (ConnectionCheckProvider, news | {"deadline": case.deadline})}


def _by_hand(change: Callable[[DeviceRegistry], None]) -> Callable[[CaseHub], None]:
    def changed(case: CaseHub) -> None:
        with estate(case) as found:
            change(found)

    return changed


def may_manage(azure: LocalAzure) -> None:
    """Give the deployer the data role on every hub."""
    everywhere = Hub(azure, f"/subscriptions/{azure.ready['subscription_id']}")
    door = HubClient(azure, everywhere, authorization="none is needed")
    with door.http:
        DeviceRegistry(azure, door).grant()


def _trusted(case: CaseHub) -> None:
    """A hub where the canary can connect."""
    case.hub.put(name(1), authority(1).pem, isVerified=True)
    _by_hand(lambda found: found.door.put(DEVICE) and None)(case)


def _nothing(_case: CaseHub) -> Declared:
    return {}


def _row(resource: str, operation: str, wanted: _Twins, **fields: Any) -> Scenario:
    return Scenario(resource=resource, operation=operation, wanted=lambda _case: wanted, found=shown, **fields)


_SMALL = {"press-1": "A", "press-2": "A", "press-3": "A"}
_CHANGED = {"press-1": "A", "press-2": "B", "press-4": "A"}
_CHANGED_STANDING = {**standing("press-1", "press-4"), **standing("press-2", plant="B")}
SCENARIOS = (
    _row("DeviceIdentity", "first create", standing(DEVICE), declared=device()),
    _row(
        "DeviceIdentity",
        "update",
        standing(DEVICE, status="disabled", plant="B"),
        before=device(),
        declared=device(status="disabled", reason="lost", tags=json.dumps({"plant": "B"})),
    ),
    _row(
        "DeviceIdentity",
        "drift: disabled",
        standing(DEVICE),
        before=device(),
        meanwhile=_by_hand(lambda found: found.disable(DEVICE, "by hand")),
        declared=device(),
    ),
    _row(
        "DeviceIdentity",
        "drift: deleted",
        standing(DEVICE),
        before=device(),
        meanwhile=_by_hand(lambda found: found.delete(DEVICE)),
        declared=device(),
    ),
    _row("DeviceIdentity", "delete", {}, before=device(), declared=_nothing),
    # When the answer to a hundred is lost, each of them is looked at.
    _row("DeviceFleet", "first create, 120 devices", standing(*_HUNDREDS.ids), declared=fleet(_HUNDREDS), most_calls=200),
    _row("DeviceFleet", "change", _CHANGED_STANDING, before=fleet(roster(_SMALL)), declared=fleet(roster(_CHANGED))),
    _row(
        "DeviceFleet",
        "drift: one deleted",
        standing(*_SMALL),
        before=fleet(roster(_SMALL)),
        meanwhile=_by_hand(lambda found: found.delete("press-2")),
        declared=fleet(roster(_SMALL)),
    ),
    _row("DeviceFleet", "delete", {}, before=fleet(roster(_SMALL)), declared=_nothing),
    _row("ConnectionCheck", "check", {DEVICE: ("enabled", "certificateAuthority", {})}, setup=_trusted, declared=check),
)
