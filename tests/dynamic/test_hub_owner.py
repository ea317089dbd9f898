"""HubOwner over gRPC: the token of a stack's hub stays, also when the stack is renamed."""

from hubtrust.dynamic.hub_owner import HubOwnerProvider
from tests.kit.provider_process import ProviderProcess


def test_the_token_stays_for_the_life_of_the_stack(provider_process: ProviderProcess) -> None:
    """A renamed stack is no change, so that its preview knows the token; another owner has another token."""
    provider = provider_process.of(HubOwnerProvider)
    first = provider.create({"stack": "o/p/one"})
    token = first.outs["token"]
    assert (len(token), int(token, 16) > 0, first.outs["stack"]) == (16, True, "o/p/one")
    assert provider.create({"stack": "o/p/one"}).outs["token"] != token
    assert not provider.diff(first, {"stack": "o/p/two"}).changes
    assert provider.up(first, {"stack": "o/p/two"}).outs == first.outs
