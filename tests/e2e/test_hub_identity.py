"""A hub keeps its identity: what Azure answers wrongly, or an older version named, leads neither to a second hub nor to a loss."""

import json
from typing import Any

from tests.kit.local_azure import LocalAzure
from tests.kit.program import Program

_OWNER = "dynamic/hubtrust:HubOwner"


def test_false_404s_of_the_hub_and_its_group_lose_nothing(stack: Program) -> None:
    """Some 404s: the run takes hub and group back. Lasting ones: it stops with one line. The next run changes nothing; nothing is lost.

    At the end the same hub in a state of a version that left the names to azure-native: hub and group get the tag, and stay.
    """
    few: dict[str, Any] = {"protect": True, "devices": "oven-{1..3}", "canary": ""}
    stack.configure(**few)
    stack.up()
    before, name = stack.outputs(), stack.outputs()["hubName"]
    assert (before["resourceGroupName"], before["devices"]["count"]) == (name, 3)
    with stack.azure() as azure:
        everything = _everything(azure, stack)
        for spec in (f"404:method=GET:path=*/IotHubs/{name}:times=3", f"404:method=GET:path=*/resourcegroups/{name}:times=3"):
            _fault(stack, spec)
        stack.control("DELETE", "/requests")
        stack.up()
        assert _written(stack) <= {("PUT", "IotHubs")}, "a hub that is taken back is declared whole"
        stack.configure(**few, hubName=name)  # a name that the program gives is kept in the same way
        for path, what in ((f"*/IotHubs/{name}", f"IoT hub '{name}'"), (f"*/resourcegroups/{name}", f"resource group '{name}'")):
            stack.control("DELETE", "/faults")
            _fault(stack, f"404:method=GET:path={path}")
            assert stack.run("up") != 0
            assert f"{what}: Azure answers 404 for it, but lists it; nothing was created or deleted" in stack.printed
            assert "Traceback" not in stack.printed
        stack.control("DELETE", "/faults")
        stack.up()
        assert (_written(stack) - {("PUT", "IotHubs")}, _everything(azure, stack), stack.outputs()) == (set(), everything, before)

        _fault(stack, f"403:method=GET:path=*/IotHubs/{name}:nth=2")  # the second question is the program's own
        assert stack.run("preview") != 0
        assert f"IoT hub '{name}': Azure did not say whether it exists: " in stack.printed
        assert "Traceback" not in stack.printed

        _forget_owner(stack)
        stack.configure(**few)
        stack.control("DELETE", "/requests")
        stack.up()
        changed = [(call["method"], call["path"].split("/")[-2]) for call in stack.control("GET", "/requests?mutating=1")]
        assert (sorted(changed), stack.outputs()) == ([("PUT", kind) for kind in ("IotHubs", "resourcegroups", "roleAssignments")], before)
        _fault(stack, f"404:method=GET:path=*/IotHubs/{name}:times=1")
        stack.control("DELETE", "/requests")
        stack.up()
        assert _written(stack) <= {("PUT", "IotHubs")}
        again = _everything(azure, stack)
        assert again[0][0]["tags"] == again[1][0]["tags"] != everything[0][0]["tags"]


def _written(stack: Program) -> set[tuple[str, str]]:
    """The methods and kinds of what the last run wrote."""
    return {(call["method"], call["path"].split("/")[-2]) for call in stack.control("GET", "/requests?mutating=1")}


def _forget_owner(stack: Program) -> None:
    """Make the state that of a version without HubOwner, in which azure-native chose the names: they follow from no token that we know."""
    state = json.loads(stack.engine_says("stack", "export"))
    resources = state["deployment"]["resources"]
    owner = next(one for one in resources if one["type"].endswith(_OWNER))
    for one in resources:
        one["dependencies"] = [urn for urn in one.get("dependencies", []) if urn != owner["urn"]]
        one["propertyDependencies"] = {
            key: [urn for urn in urns if urn != owner["urn"]] for key, urns in one.get("propertyDependencies", {}).items()
        }
    resources.remove(owner)
    stack.engine_says("stack", "import", stdin=json.dumps(state))


def _everything(azure: LocalAzure, stack: Program) -> list[Any]:
    """What is in the subscription, and the certificates and devices of the hub. Every write gives the hub another etag."""
    hub = stack.hub(azure)
    subscription = f"/subscriptions/{stack.ready['subscription_id']}"
    hubs = azure.http.get(f"{subscription}/providers/Microsoft.Devices/IotHubs?api-version=2023-06-30", headers=azure.token).json()
    found = [{key: value for key, value in one.items() if key != "etag"} for one in hubs["value"]]
    listed = [azure.ask("GET", f"{subscription}/resourceGroups").json()["value"], found]
    counts = azure.ask("GET", f"{hub.id}/IotHubStats").json()
    return [*listed, hub.certificates(), counts]


def _fault(stack: Program, spec: str) -> None:
    stack.control("POST", "/faults", {"spec": spec})
