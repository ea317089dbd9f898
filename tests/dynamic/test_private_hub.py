"""A hub whose network settings don't admit this machine: every resource that needs it says so, and a guard that can't see stays closed."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from hubtrust.azure.hub_network import network_doubt
from hubtrust.devices.roster_files import from_pattern
from hubtrust.dynamic.authority_generation import AuthorityGenerationProvider
from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from tests.kit.device_registry import OWNER, DeviceRegistry
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess
from tests.kit.root_authority import RootAuthority

if TYPE_CHECKING:
    from collections.abc import Callable


def _rules(*masks: str) -> dict[str, Any]:
    rules = [{"filterName": f"rule-{number}", "action": "Allow", "ipMask": mask} for number, mask in enumerate(masks)]
    return {"networkRuleSets": {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": True, "ipRules": rules}}


CLOSED = "Azure answers 401 .*; the hub's public network access is disabled, so it admits only connections through a private endpoint"
REMEDY = r"run where the hub's private endpoint is reachable, or let the hub admit this machine \(publicNetworkAccess, ipRules\)"


def test_each_resource_names_the_network(
    devices: Provider, fleets: Provider, named_process: ProviderProcess, registry: DeviceRegistry
) -> None:
    """The cause is found at Resource Manager, at once, by those that write devices, or count them before they delete."""
    canary = registry.device("canary", owner={**OWNER, "urn": "urn:pulumi:dev::tests::DeviceIdentity::canary"})
    created, fleet = devices.create(canary), fleets.create(registry.fleet(from_pattern("press-{1..3}")))
    watch = named_process.of(AuthorityGenerationProvider)
    here = {"hubId": registry.client.hub.id, "hostName": registry.client.host, "devicesOf": OWNER["stack"]}
    first = {"authority": "plant", "generation": 1, "keepPrevious": False, **here}
    standing = watch.create(first)
    registry.client.hub.set_properties(publicNetworkAccess="Disabled")
    calls: dict[str, Callable[[], object]] = {
        "create a device": lambda: devices.create(registry.device("press-9")),
        "delete a device": lambda: devices.delete(created),
        "create a fleet": lambda: fleets.create(registry.fleet(from_pattern("press-{1..4}"))),
        "delete a fleet": lambda: fleets.delete(fleet),
    }
    for name, call in calls.items():
        with pytest.raises(CallFailedError) as refused:
            call()
        assert re.search(f"{CLOSED}.*; {REMEDY}; if it is admitted already, the role 'IoT Hub Data Contributor'", str(refused.value)), name
    with pytest.raises(
        CallFailedError, match=f"whether devices depend on it is unknown, because .*{CLOSED}.*{REMEDY}.*caDropGeneration: 1"
    ):
        watch.update(standing, {**first, "generation": 2})
    registry.client.hub.set_properties(publicNetworkAccess="Enabled")
    assert sorted(registry.twins()) == ["canary", "press-1", "press-2", "press-3"], "nothing was lost"


@pytest.mark.parametrize("closed", [{"publicNetworkAccess": "Disabled"}, _rules("10.0.0.0/8")], ids=["private", "rules"])
def test_a_refresh_leaves_what_it_can_not_read_to_the_next_up(
    closed: dict[str, Any],
    devices: Provider,
    fleets: Provider,
    modules: Provider,
    named_process: ProviderProcess,
    registry: DeviceRegistry,
) -> None:
    """The `up` begins with it, and opens the hub again. Nothing counts as read: after the hub, everything is read and written."""
    canary = registry.device("canary", owner={**OWNER, "urn": "urn:pulumi:dev::tests::DeviceIdentity::canary"})
    host, authority = {"hubId": registry.client.hub.id, "hostName": registry.client.host}, RootAuthority()
    module = {**host, "deviceId": "canary", "moduleId": "lamp", "owner": OWNER}
    declared: dict[str, tuple[Provider, dict[str, Any]]] = {
        "device": (devices, canary),
        "fleet": (fleets, registry.fleet(from_pattern("press-{1..3}"))),
        "module": (modules, module),
    }
    created = {name: provider.create(news) for name, (provider, news) in declared.items()}
    trust = [{"name": "plant-a", "thumbprint": authority.thumbprint, "state": "verified", "verified": True}]
    signer = {"custody": "state", "privateKey": authority.private_pem}
    registry.client.hub.put("plant-a", authority.pem, isVerified=True)
    checks = named_process.of(ConnectionCheckProvider)
    declared["check"] = checks, {**host, "deviceId": "canary", "chain": authority.pem, "signer": signer, "trust": trust, "deadline": 5}
    created["check"] = checks.create(declared["check"][1])
    assert created["check"].outs["state"] == "connected"

    registry.client.hub.set_properties(**closed)
    read = {name: provider.read(created[name]) for name, (provider, _) in declared.items()}
    registry.client.hub.set_properties(publicNetworkAccess="Enabled", networkRuleSets=None)
    registry.delete("press-2")
    for name, (provider, news) in declared.items():
        found = read[name]
        assert found is not None, name
        reason = found.outs["reason" if name == "check" else "unread"]
        assert "the hub's " in reason, name
        assert provider.diff(found, news).changes is True, name
        again = provider.update(found, news)
        assert "unread" not in again.outs, name
        assert provider.diff(again, news).changes is False, name
        reread = provider.read(again)
        assert reread is not None
        assert provider.diff(reread, news).changes is False, name
        cleared = provider.read(found) if name != "check" else None
        assert cleared is None or "unread" not in cleared.outs, "a refresh that reads it again is enough"
    assert sorted(registry.twins()) == ["canary", "press-1", "press-2", "press-3"], "what was deleted meanwhile is there again"


def test_rules_are_named_with_their_ranges(devices: Provider, registry: DeviceRegistry) -> None:
    """Nobody here knows from which address this machine is seen, so that the role stays a possible cause, and is waited for."""
    registry.client.hub.set_properties(**_rules("10.0.0.0/8", "192.168.0.0/16", "20.1.2.3", "20.1.2.4"))
    message = "the hub's network rules admit only 10.0.0.0/8, 192.168.0.0/16, 20.1.2.3 and 1 more.*; let the hub admit the public address"
    with pytest.raises(CallFailedError, match=message):
        devices.create(registry.device(deadline=2))
    registry.client.hub.set_properties(**_rules("127.0.0.1/32"))
    assert devices.create(registry.device()).outs["status"] == "enabled"


@pytest.mark.parametrize(("properties", "expected"), [
    ({}, ""),
    ({"publicNetworkAccess": "Enabled", "ipFilterRules": [], "networkRuleSets": None}, ""),
    (_rules(), "the hub's network rules admit no address"),
    ({"networkRuleSets": {"defaultAction": "Allow", "ipRules": []}}, ""),
    ({"networkRuleSets": {"ipRules": [{"ipMask": "10.0.0.0/8", "action": "Allow"}]}}, "admit only 10.0.0.0/8"),
    ({"ipFilterRules": [{"action": "Accept", "ipMask": "10.0.0.0/8"}]}, ""),
    ({"ipFilterRules": [{"action": "Accept", "ipMask": "10.0.0.0/8"}, {"action": "Reject", "ipMask": "0.0.0.0/0"}]},
     "reject 0.0.0.0/0, and admit 10.0.0.0/8"),
    ({"ipFilterRules": [{"action": "Reject", "ipMask": "20.1.2.3"}]}, "rules reject 20.1.2.3"),
    ({"networkRuleSets": "nonsense", "ipFilterRules": 7}, ""),
])  # fmt: skip
def test_what_settings_say(properties: dict[str, Any], expected: str) -> None:
    """Only a setting that can keep a machine out is named; whatever else Azure may answer there is none."""
    found = network_doubt(properties, "hub-that-does-not-resolve.invalid")
    assert (found.fact if found else "") == "" if not expected else found is not None and expected in found.fact
