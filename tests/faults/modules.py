"""The operations of ModuleIdentity, and those of a device below an IoT Edge device."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hubtrust.dynamic.device_identity import DeviceIdentityProvider
from hubtrust.dynamic.module_identity import ModuleIdentityProvider
from tests.faults.case_hub import CaseHub
from tests.faults.devices import DEVICE, registry
from tests.faults.scenario import Scenario
from tests.faults.stack import Declared
from tests.kit.device_registry import OWNER, DeviceRegistry

MODULE, GATEWAY = "camera", "gateway"
_Shown = Mapping[str, Any]


def shown(case: CaseHub) -> _Shown:
    """Every module of the device: its authentication type and tags."""
    with registry(case) as found:
        ids = found.modules(DEVICE)
        twins = {one: found.module_twin(one, DEVICE) for one in ids}
    return {one: (twin["authenticationType"], twin["tags"]) for one, twin in twins.items()}


def _expected(plant: str) -> _Shown:
    return {MODULE: ("certificateAuthority", {"plant": plant, "hubtrust": OWNER})}


def _module(plant: str = "A") -> Callable[[CaseHub], Declared]:
    tags = json.dumps({"plant": plant})

    def declared(case: CaseHub) -> Declared:
        given = {"hubId": case.hub.id, "hostName": case.host, "owner": OWNER, "deadline": case.deadline}
        return {"module": (ModuleIdentityProvider, given | {"deviceId": DEVICE, "moduleId": MODULE, "tags": tags})}

    return declared


def _nothing(_case: CaseHub) -> Declared:
    return {}


def _by_hand(change: Callable[[DeviceRegistry], object]) -> Callable[[CaseHub], None]:
    def changed(case: CaseHub) -> None:
        with registry(case) as found:
            change(found)

    return changed


def _row(operation: str, wanted: _Shown, **fields: Any) -> Scenario:
    there = _by_hand(lambda found: found.client.put(DEVICE))
    return Scenario(resource="ModuleIdentity", operation=operation, setup=there, wanted=lambda _case: wanted, found=shown, **fields)


_scopes: dict[str, str] = {}  # of the gateway on each case's hub: a call for it during a run would count as one of the provider's


def _gateway(case: CaseHub) -> None:
    with registry(case) as found:
        _scopes[case.hub.id] = found.client.put(GATEWAY, capabilities={"iotEdge": True})["deviceScope"]


def _child(case: CaseHub) -> Declared:
    given = {"hubId": case.hub.id, "hostName": case.host, "owner": OWNER, "deadline": case.deadline}
    return {"device": (DeviceIdentityProvider, given | {"deviceId": DEVICE, "parentScope": _scopes[case.hub.id]})}


def _parents(case: CaseHub) -> _Shown:
    """Each device with whether it is below the gateway, and whether it is ours."""
    with registry(case) as found:
        twins = found.twins()
    return {
        one: (twin.get("parentScopes") == [_scopes[case.hub.id]], "hubtrust" in (twin.get("tags") or {})) for one, twin in twins.items()
    }


SCENARIOS = (
    _row("first create", _expected("A"), declared=_module()),
    _row("update", _expected("B"), before=_module(), declared=_module("B")),
    _row(
        "drift: deleted",
        _expected("A"),
        before=_module(),
        meanwhile=_by_hand(lambda found: found.delete_module(MODULE, DEVICE)),
        declared=_module(),
    ),
    _row("delete", {}, before=_module(), declared=_nothing),
    Scenario(
        resource="DeviceIdentity",
        operation="drift: another parent",
        setup=_gateway,
        before=_child,
        meanwhile=_by_hand(lambda found: found.disable(DEVICE, "by hand")),
        declared=_child,
        wanted=lambda _case: {GATEWAY: (False, False), DEVICE: (True, True)},
        found=_parents,
    ),
)
