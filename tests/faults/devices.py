"""The operations of DeviceIdentity, DeviceFleet and ConnectionCheck."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hubtrust import signer_inputs
from hubtrust.azure.device_description import DeviceDescription
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
_HUNDREDS = from_pattern("press-{001..120}", {"plant": "A"})  # two bulk calls
_Twins = Mapping[str, Any]


@contextmanager
def registry(case: CaseHub) -> Iterator[DeviceRegistry]:
    """The hub's registry, through a client of the tests' own."""
    client = HubClient(case.azure, case.hub)
    with client.http:
        yield DeviceRegistry(case.azure, client)


def shown(case: CaseHub) -> _Twins:
    """Every device: its status, authentication type and tags."""
    with registry(case) as found:
        return {one: (twin["status"], twin["authenticationType"], twin.get("tags") or {}) for one, twin in found.twins().items()}


def expected(*device_ids: str, status: str = "enabled", plant: str = "A") -> _Twins:
    """Devices of this stack in the form that ``shown`` returns."""
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
    """Devices with the plant of each."""
    return Roster.of((one, DeviceDescription(tags={"plant": plant})) for one, plant in plants.items())


def check(case: CaseHub) -> Declared:
    """A ConnectionCheck that has to look up the hub's host name."""
    ca = authority(1)
    news = {"hubId": case.hub.id, "deviceId": DEVICE, "chain": ca.pem, "signer": signer_inputs.in_state(ca.private_pem)}
    return {"check": (ConnectionCheckProvider, news | {"deadline": case.deadline})}


def _by_hand(change: Callable[[DeviceRegistry], None]) -> Callable[[CaseHub], None]:
    def changed(case: CaseHub) -> None:
        with registry(case) as found:
            change(found)

    return changed


def may_manage(azure: LocalAzure) -> None:
    """Give the deployer the data role on every hub of the subscription."""
    everywhere = Hub(azure, f"/subscriptions/{azure.ready['subscription_id']}")
    client = HubClient(azure, everywhere, authorization="none is needed")
    with client.http:
        DeviceRegistry(azure, client).grant()


def _trusted(case: CaseHub) -> None:
    """A hub on which the canary can connect."""
    case.hub.put(name(1), authority(1).pem, isVerified=True)
    _by_hand(lambda found: found.client.put(DEVICE) and None)(case)


def _nothing(_case: CaseHub) -> Declared:
    return {}


def _row(resource: str, operation: str, wanted: _Twins, **fields: Any) -> Scenario:
    return Scenario(resource=resource, operation=operation, wanted=lambda _case: wanted, found=shown, **fields)


_SMALL = {"press-1": "A", "press-2": "A", "press-3": "A"}
_CHANGED = {"press-1": "A", "press-2": "B", "press-4": "A"}
_AFTER_CHANGE = {**expected("press-1", "press-4"), **expected("press-2", plant="B")}
SCENARIOS = (
    _row("DeviceIdentity", "first create", expected(DEVICE), declared=device()),
    _row(
        "DeviceIdentity",
        "update",
        expected(DEVICE, status="disabled", plant="B"),
        before=device(),
        declared=device(status="disabled", reason="lost", tags=json.dumps({"plant": "B"})),
    ),
    _row(
        "DeviceIdentity",
        "drift: disabled",
        expected(DEVICE),
        before=device(),
        meanwhile=_by_hand(lambda found: found.disable(DEVICE, "by hand")),
        declared=device(),
    ),
    _row(
        "DeviceIdentity",
        "drift: deleted",
        expected(DEVICE),
        before=device(),
        meanwhile=_by_hand(lambda found: found.delete(DEVICE)),
        declared=device(),
    ),
    _row("DeviceIdentity", "delete", {}, before=device(), declared=_nothing),
    # When the answer to a bulk call of 100 is lost, each device is read.
    _row("DeviceFleet", "first create, 120 devices", expected(*_HUNDREDS.ids), declared=fleet(_HUNDREDS), most_calls=200),
    _row("DeviceFleet", "change", _AFTER_CHANGE, before=fleet(roster(_SMALL)), declared=fleet(roster(_CHANGED))),
    _row(
        "DeviceFleet",
        "drift: one deleted",
        expected(*_SMALL),
        before=fleet(roster(_SMALL)),
        meanwhile=_by_hand(lambda found: found.delete("press-2")),
        declared=fleet(roster(_SMALL)),
    ),
    _row("DeviceFleet", "delete", {}, before=fleet(roster(_SMALL)), declared=_nothing),
    _row("ConnectionCheck", "check", {DEVICE: ("enabled", "certificateAuthority", {})}, setup=_trusted, declared=check),
)
