"""The policy of a hub that a provisioning service signs in with, as somebody refreshes it who may not list keys."""

from hubtrust.dynamic.link_policy import LinkPolicyProvider
from tests.kit.local_azure import Hub
from tests.kit.provider_process import ProviderProcess
from tests.kit.relay import Fault, Relay

DENIED = Fault("status", 403, {"error": {"code": "AuthorizationFailed", "message": "It may not."}})


def test_whoever_may_not_list_keys_can_refresh(azure_process: ProviderProcess, hub: Hub, relay: Relay) -> None:
    """A pipeline's preview logs in as a reader: the policy is as the last run left it, and no difference is shown."""
    policies = azure_process.of(LinkPolicyProvider)
    made = policies.create({"hubId": hub.id, "policyName": "hubtrust-dps", "cloud": relay.url})
    relay.clear(dict.fromkeys(range(1, 200), DENIED))  # the hub itself can be read
    found = policies.read(made)
    assert found is not None
    assert found.outs == made.outs
    assert {call.path.partition("?")[0].rpartition("/")[2].lower() for call in relay.calls[1:]} == {"listkeys"}
