"""From where a hub may be used: its network settings apply to devices and to its registry, and never to Resource Manager."""

from pathlib import Path
from typing import Any

import pytest

from tests.kit.device_certificates import Party
from tests.kit.hub_client import HubClient
from tests.kit.mqtt_device import Device, attempts

ACCEPTED, NOT_AUTHORIZED = 0, 5


def _set(*rules: str, default: str = "Deny") -> dict[str, Any]:
    allowed = [{"filterName": f"rule-{number}", "action": "Allow", "ipMask": mask} for number, mask in enumerate(rules)]
    return {"networkRuleSets": {"defaultAction": default, "applyToBuiltInEventHubEndpoint": True, "ipRules": allowed}}


def _classic(*rules: tuple[str, str]) -> dict[str, Any]:
    return {
        "ipFilterRules": [{"filterName": f"rule-{number}", "action": action, "ipMask": mask} for number, (action, mask) in enumerate(rules)]
    }


_CASES: list[tuple[dict[str, Any], str]] = [  # the hub's properties, and a part of the reason why 127.0.0.1 is refused; empty: it is not
    ({"publicNetworkAccess": "Enabled"}, ""),
    ({"publicNetworkAccess": "Disabled"}, "publicNetworkAccess is Disabled"),
    ({"publicNetworkAccess": "Disabled", **_set("127.0.0.1/32")}, "publicNetworkAccess is Disabled"),  # the rules are ignored then
    (_set("127.0.0.1/32"), ""),
    (_set("10.0.0.0/8", "127.0.0.1"), ""),
    (_set("10.0.0.0/8"), "no rule of networkRuleSets allows 127.0.0.1"),
    (_set(), "no rule of networkRuleSets allows 127.0.0.1"),
    (_set("10.0.0.0/8", default="Allow"), ""),
    (_classic(("Accept", "10.0.0.0/8")), ""),  # the older rules accept what none of them is about
    (_classic(("Accept", "127.0.0.0/8"), ("Reject", "0.0.0.0/0")), ""),
    (_classic(("Accept", "10.0.0.0/8"), ("Reject", "0.0.0.0/0")), "the rule 'rule-1' of ipFilterRules rejects 127.0.0.1"),
]


def _outcome(registry: HubClient, identity: Party, folder: Path) -> tuple[int, int, str]:
    """The registry's status, the device's return code, and the reason on the control port."""
    status = registry.ask("GET", "/devices").status_code
    with Device(registry, identity, folder) as line:
        code = line.connect("press-001")
    return status, int(code or 0), str(attempts(registry, "press-001")[-1]["reason"])


def test_a_hub_refuses_addresses_that_its_settings_do_not_admit(registry: HubClient, root: Party, tmp_path: Path) -> None:
    """The registry answers 401 and a device gets return code 5, without the reason; Resource Manager answers as ever."""
    identity = root.device("press-001")
    for properties, expected in _CASES:
        registry.hub.set_properties(**properties)
        status, code, reason = _outcome(registry, identity, tmp_path)
        assert (status, code) == ((401, NOT_AUTHORIZED) if expected else (200, ACCEPTED)), properties
        assert expected in reason, properties
        assert bool(expected) == bool(reason), properties
        assert registry.hub.verified() == {"root": True}
    registry.hub.set_properties(**_set("10.0.0.0/8"))
    answer = registry.ask("GET", "/devices")
    assert answer.json()["Message"] == "ErrorCode:IotHubUnauthorizedAccess;Unauthorized"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "X-Azure-ClientIP"])
def test_a_client_does_not_choose_its_address(registry: HubClient, header: str) -> None:
    """Headers with which proxies tell the address of a client are a client's own words here, as they are on Azure."""
    registry.hub.set_properties(**_set("10.0.0.0/8"))
    for value in ("10.1.2.3", "for=10.1.2.3", "10.1.2.3, 127.0.0.1", "https"):
        assert registry.ask("GET", "/devices", headers={header: value}).status_code == 401


@pytest.mark.parametrize(("address", "admitted"), [("10.1.2.3", True), ("11.1.2.3", False), ("::1", False), ("private-endpoint", True)])
def test_the_control_port_sets_where_clients_come_from(
    registry: HubClient, root: Party, tmp_path: Path, address: str, *, admitted: bool
) -> None:
    """An address, or a private endpoint, which no rule keeps out."""
    registry.hub.set_properties(**_set("10.0.0.0/8"))
    registry.configure(client_address=address)
    try:
        assert _outcome(registry, root.device("press-001"), tmp_path)[:2] == ((200, ACCEPTED) if admitted else (401, NOT_AUTHORIZED))
    finally:
        registry.configure(client_address=None)
