"""LinkPolicy over gRPC: one shared access policy of a hub, made, repaired and removed; nothing else of the hub changes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hubtrust.azure.hub_policies import LINK_RIGHTS
from hubtrust.dynamic.link_policy import LinkPolicyProvider
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.provider_process import CallFailedError, Provider, ProviderProcess, ResourceState
from tests.kit.relay import Fault, Relay

NAME = "hubtrust-dps-7"
DENIED = Fault("status", 403, {"error": {"code": "AuthorizationFailed", "message": "It may not."}})
_SECRET_ROUTE = {
    "endpoints": {
        "eventHubs": [{"name": "history", "connectionString": "Endpoint=sb://h/;SharedAccessKeyName=k;SharedAccessKey=a2V5", "id": ""}]
    },
    "routes": [{"name": "to-history", "source": "DeviceMessages", "condition": "true", "endpointNames": ["history"], "isEnabled": True}],
}


@pytest.fixture
def links(azure_process: ProviderProcess) -> Provider:
    """The provider of LinkPolicy."""
    return azure_process.of(LinkPolicyProvider)


@pytest.fixture
def declare(hub: Hub, relay: Relay) -> Callable[..., dict[str, Any]]:
    """The inputs of a policy on the hub."""
    return lambda **more: {"hubId": hub.id, "policyName": NAME, "cloud": relay.url, "deadline": 20.0, **more}


def policies(azure: LocalAzure, hub: Hub) -> dict[str, dict[str, str]]:
    """The hub's policies by name."""
    return {one["keyName"]: one for one in azure.ask("POST", f"{hub.id}/listkeys").json()["value"]}


def set_policies(hub: Hub, *declared: dict[str, str], **properties: Any) -> None:
    """Give the hub these policies and no others, by hand."""
    hub.set_properties(authorizationPolicies=[*declared], **properties)


def key_of(created: ResourceState) -> str:
    """The key in the connection string."""
    return str(created.outs["connectionString"]).partition("SharedAccessKey=")[2]


def test_made_unchanged_and_removed(links: Provider, declare: Any, azure: LocalAzure, hub: Hub, relay: Relay) -> None:
    """Beside Azure's own policies, which keep their keys; a hub's routes, their secrets and its tags stay; a second run writes nothing."""
    azure.ask("PATCH", hub.id, json={"tags": {"site": "Rosenheim"}})
    hub.set_properties(routing=_SECRET_ROUTE, disableDeviceSAS=True)
    before, hub_before = policies(azure, hub), azure.ask("GET", hub.id).json()
    created = links.create(declare())
    name = hub.id.rpartition("/")[2]
    made = policies(azure, hub)
    assert {key: value for key, value in made.items() if key != NAME} == before
    assert made[NAME]["rights"] == LINK_RIGHTS
    assert created.outs["connectionString"] == (
        f"HostName={name}.azure-devices.net;SharedAccessKeyName={NAME};SharedAccessKey={made[NAME]['primaryKey']}"
    )
    assert (created.outs["location"], created.outs["hostName"]) == ("westus", f"{name}.azure-devices.net")
    after = azure.ask("GET", hub.id).json()
    assert {**after, "etag": ""} == {**hub_before, "etag": ""}
    relay.clear()
    again = links.up(created, declare())
    assert again.outs == created.outs
    assert [call.method for call in relay.calls if call.method == "PUT"] == []
    links.delete(again)
    assert policies(azure, hub) == before
    links.delete(again)


def test_what_others_change_is_found_and_repaired(links: Provider, declare: Any, azure: LocalAzure, hub: Hub) -> None:
    """Another key is taken over; taken rights are given back, with the key; a policy that was removed is made again, with another key."""
    created = links.create(declare())
    other = {"keyName": NAME, "rights": LINK_RIGHTS, "primaryKey": "bmV3IGtleSBvZiBzb21lYm9keSBlbHNl"}
    set_policies(hub, other)
    rotated = links.up(created, declare())
    assert key_of(rotated) == other["primaryKey"]

    set_policies(hub, {**other, "rights": "ServiceConnect"})
    seen = links.read(rotated)
    assert seen is not None
    assert "connectionString" not in seen.outs
    repaired = links.up(rotated, declare())
    assert (policies(azure, hub)[NAME]["rights"], key_of(repaired)) == (LINK_RIGHTS, other["primaryKey"])

    set_policies(hub, {"keyName": "mine", "rights": "ServiceConnect"})
    assert links.read(repaired) is None
    remade = links.up(repaired, declare())
    assert key_of(remade) != key_of(repaired)
    assert set(policies(azure, hub)) == {"mine", NAME}


def test_whoever_may_not_list_keys_can_refresh(links: Provider, declare: Any, relay: Relay) -> None:
    """A pipeline's preview logs in as a reader: the policy is as the last run left it, and no difference is shown."""
    made = links.create(declare())
    relay.clear(dict.fromkeys(range(1, 200), DENIED))  # the hub itself can be read
    found = links.read(made)
    assert found is not None
    assert found.outs == made.outs
    assert {call.path.partition("?")[0].rpartition("/")[2].lower() for call in relay.calls[1:]} == {"listkeys"}
    expired = Fault("status", 401, {"error": {"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}})
    relay.clear(dict.fromkeys(range(1, 200), expired))
    with pytest.raises(CallFailedError, match="Azure answers 401 InvalidAuthenticationToken"):
        links.read(made)


def test_a_hub_that_takes_no_keys(links: Provider, declare: Any, azure: LocalAzure, hub: Hub) -> None:
    """It is refused with what to do, at the first run and at every later one; nothing is written."""
    created = links.create(declare())
    hub.set_properties(disableLocalAuth=True)
    words = (
        r"disableLocalAuth is set, and a provisioning service signs in to a hub with a key .*; set disable_local_auth=False in its HubArgs"
    )
    with pytest.raises(CallFailedError, match=words):
        links.up(created, declare())
    with pytest.raises(CallFailedError, match=words):
        links.create(declare(policyName="another"))
    assert "another" not in policies(azure, hub)
    hub.set_properties(disableLocalAuth=False)
    assert links.up(created, declare()).outs == created.outs


def test_a_policy_that_somebody_else_makes(links: Provider, declare: Any, azure: LocalAzure, hub: Hub) -> None:
    """It is read and never written; without the rights, or without the policy, the run says so; it stays."""
    news = declare(policyName="theirs", make=False)
    with pytest.raises(CallFailedError, match=f"policy 'theirs' of IoT hub .*: the hub has none of that name; declare it .* {LINK_RIGHTS}"):
        links.create(news)
    set_policies(hub, {"keyName": "theirs", "rights": "RegistryRead"})
    with pytest.raises(CallFailedError, match="its rights are 'RegistryRead'; declare it on the hub with the rights"):
        links.create(news)
    set_policies(hub, {"keyName": "Theirs", "rights": "RegistryWrite, DeviceConnect, ServiceConnect"})
    created = links.create(news)
    assert "SharedAccessKeyName=Theirs;" in created.outs["connectionString"], "Azure compares names without case"
    links.delete(created)
    assert set(policies(azure, hub)) == {"Theirs"}
    set_policies(hub, {"keyName": "mine", "rights": "ServiceConnect"})
    with pytest.raises(CallFailedError, match="the hub has none of that name"):
        links.up(created, news)


def test_an_interrupted_run_and_a_renamed_resource(links: Provider, declare: Any, azure: LocalAzure, hub: Hub) -> None:
    """What has the name is ours: it is used with its key. The old resource of a renamed one leaves it alone."""
    first = links.create(declare())
    second = links.create(declare())
    assert second.outs == first.outs
    links.delete(first)
    assert NAME in policies(azure, hub)
    links.delete(second)
    assert NAME not in policies(azure, hub)


@pytest.mark.parametrize("moment", ["drop-before", "drop-after"])
def test_a_lost_answer(links: Provider, declare: Any, azure: LocalAzure, hub: Hub, relay: Relay, moment: str) -> None:
    """Of each call of a create: the run, or the next one, ends with the one policy."""
    links.create(declare())
    steps = len(relay.calls)
    for number in range(steps):
        set_policies(hub, {"keyName": "mine", "rights": "ServiceConnect"})
        relay.clear({number: Fault(moment)})
        created = links.create(declare())
        relay.clear()
        assert (set(policies(azure, hub)), key_of(created)) == ({"mine", NAME}, policies(azure, hub)[NAME]["primaryKey"])


def test_somebody_else_writes_the_hub_meanwhile(links: Provider, declare: Any, azure: LocalAzure, hub: Hub, relay: Relay) -> None:
    """The etag of what was read is sent: their change stays, and the policy is there too."""
    put = next(number for number, call in enumerate(_calls_of_create(links, declare, relay)) if call.method == "PUT")
    set_policies(hub, {"keyName": "mine", "rights": "ServiceConnect"})
    relay.clear({put: Fault("pause-before")})
    with ThreadPoolExecutor() as pool:
        creating = pool.submit(links.create, declare())
        assert relay.held.wait(60)
        set_policies(hub, {"keyName": "theirs", "rights": "ServiceConnect"})
        relay.released.set()
        creating.result()
    assert set(policies(azure, hub)) == {"theirs", NAME}


def _calls_of_create(links: Provider, declare: Any, relay: Relay) -> list[Any]:
    relay.clear()
    links.create(declare())
    return list(relay.calls)


def test_a_hub_that_is_gone(links: Provider, declare: Any, hub: Hub) -> None:
    """The policy is gone with it; its deletion succeeds; a create names the hub."""
    created = links.create(declare())
    hub.delete_hub()
    assert links.read(created) is None
    links.delete(created)
    with pytest.raises(CallFailedError, match=r"IoT hub '.*': it does not exist; check its resource id"):
        links.create(declare())


def test_inputs_that_can_not_be(links: Provider, declare: Any, hub: Hub) -> None:
    """Each is told before anything is asked; another hub or name replaces."""
    for wrong, words in {
        "a b": "use 1 to 64 characters without spaces, ; = and /",
        "k" * 65: "use 1 to 64 characters",
        "a;b": "use 1 to 64 characters",
    }.items():
        assert words in links.create_error(declare(policyName=wrong))
    assert "it names a provisioning service" in links.create_error(declare(hubId=hub.id.replace("IotHubs", "provisioningServices")))
    created = links.create(declare())
    assert links.diff(created, declare(policyName="another")).replaces == ["policyName"]
    assert links.diff(created, declare(hubId=f"{hub.id}-b")).replaces == ["hubId"]
    assert not links.diff(created, declare(hubId=hub.id.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))).changes
    links.delete(created)
