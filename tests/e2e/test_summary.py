"""The lines that `make up` ends with: short, and true of what is there."""

from typing import Any

from sandbox.program import summary

TRUST = {"name": "ca-g1", "subject": "CN=Plant", "verified": True, "proof": "possession", "thumbprint": "AB", "notAfter": "2031-01-01"}
CONNECTED = {"device": "press-1", "state": "connected", "connectedAt": "T1", "chain": "press-1 < Plant"}
HUB: dict[str, Any] = {"hubHostName": "h.azure-devices.net", "resourceGroupName": "g", "trust": [TRUST], "connection": CONNECTED}
NEVER = {"connection": "", "enrollment": ""}


def test_a_hub_alone() -> None:
    """Nothing is said of a provisioning service that is not there."""
    assert summary(HUB, NEVER) == [
        "hub     h.azure-devices.net  (resource group g)",
        "trusts  CN=Plant, verified by possession",
        "        thumbprint AB, until 2031-01-01",
        "device press-1 connected now, chain: press-1 < Plant",
    ]
    assert summary(HUB, NEVER | {"connection": "T1"})[-1].startswith("device press-1 connected at T1 (not checked in this run)")
    assert summary(HUB, {"connection": None, "enrollment": None})[-1].startswith("device press-1 connected at T1, chain")


def test_a_provisioning_service_and_a_device_that_enrolled() -> None:
    """Its own proof counts, not the hub's; a group that lets nobody in is named with what became of its devices."""
    groups = {
        "presses": {"status": "enabled"},
        "lathes": {"status": "disabled", "revoked": 3, "left": ["lathe-1: unreachable"]},
        "mills": {"status": "waiting"},
    }
    unproven = {"name": "ca-g2", "verified": False, "state": "unverified"}
    service = {"idScope": "0ne1", "host": "global.azure-devices-provisioning.net", "trust": [TRUST, unproven], "groups": groups}
    enrolled = {**CONNECTED, "device": "press-9", "chain": "press-9 < Plant"}
    assert summary({"provisioning": service, "enrollment": enrolled}, NEVER) == [
        "enrols  at global.azure-devices-provisioning.net, id scope 0ne1",
        "        below CN=Plant, verified by possession",
        "        below ca-g2, NOT verified: unverified",
        "        not in group lathes: it is disabled; 3 of its devices are disabled on their hubs, and 1 is NOT: lathe-1: unreachable",
        "        not in group mills: it waits for its CA's certificate",
        "device press-9 had no entry, enrolled and connected now, chain: press-9 < Plant",
    ]
