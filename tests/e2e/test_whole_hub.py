"""A hub of HubArgs is declared whole: what others put on it is drift. What an earlier version could not declare stays, and is named."""

import json
from typing import Any

from tests.kit.local_azure import Hub
from tests.kit.program import Program

_PROGRAM = """
import pulumi
from pulumi_azure_native import iothub
from hubtrust import CertificateAuthority, Generate, HubArgs, TrustedHub

def private(args):
    if args.type_ == "azure-native:iothub:IotHubResource" and PRIVATE:
        args.props["properties"].public_network_access = "Disabled"
        return pulumi.ResourceTransformationResult(args.props, args.opts)

pulumi.runtime.register_stack_transformation(private)
endpoint = iothub.RoutingEventHubPropertiesArgs(
    name="history", connection_string=pulumi.Output.secret("Endpoint=sb://h.net/;SharedAccessKeyName=k;SharedAccessKey=a2V5;EntityPath=e")
)
routing = iothub.RoutingPropertiesArgs(
    endpoints={"event_hubs": [endpoint]},
    routes=[{"name": "to-history", "source": "DeviceMessages", "endpoint_names": ["history"], "is_enabled": True, "condition": "true"}],
)
authority = CertificateAuthority("plant", source=Generate(common_name=pulumi.Output.from_input("Plant"), intermediates=0))
declared = HubArgs(protect=False, tags={"plant": pulumi.Output.from_input("a")}, **DECLARED)
hub = TrustedHub("plant", authorities=[authority], hub=declared, operators=[pulumi.Output.from_input("deployer")])
pulumi.export("hubName", hub.hub_name)
pulumi.export("resourceGroupName", hub.resource_group_name)
pulumi.export("access", hub.public_network_access)
pulumi.export("trust", hub.trust)
"""
_ROUTED = 'dict(routing=routing, identity={"type": "SystemAssigned"}, units=pulumi.Output.from_input(2))'
_FOREIGN = {"name": "foreign", "source": "DeviceMessages", "endpointNames": ["events"], "isEnabled": True}


def test_a_hub_is_declared_whole_and_what_an_earlier_version_kept_stays(stack: Program) -> None:
    """A route and an identity are applied once; drift is repaired; a transformation is applied; an older state loses nothing."""
    declare(stack, _ROUTED)
    stack.configure(devices="", canary="", operators=[])
    stack.up()
    assert [one["proof"] for one in stack.outputs()["trust"]] == ["possession"]
    with stack.azure() as azure:
        hub = stack.hub(azure)
        before = found(hub)
        assert (routes(before), before["identity"]["type"], before["sku"]["capacity"]) == (["to-history"], "SystemAssigned", 2)
        assert "SharedAccessKey=****" in json.dumps(before), "Azure shows no key"
        stack.control("DELETE", "/requests")
        stack.up()
        assert stack.control("GET", "/requests?mutating=1") == []

        change(hub, lambda properties: properties["routing"]["routes"].append(_FOREIGN) or properties.update(comments="by hand"))
        declare(stack, _ROUTED, private=True)
        stack.up()
        after = found(hub)
        assert (routes(after), after["properties"].get("comments")) == (["to-history"], None)
        assert after["properties"]["publicNetworkAccess"] == stack.outputs()["access"] == "Disabled"

        change(hub, lambda properties: properties["routing"]["routes"].append(_FOREIGN) or properties.update(comments="by hand"))
        kept = found(hub)["properties"]
        make_older(stack)
        declare(stack, "dict(units=2)")
        stack.control("DELETE", "/requests")
        stack.up()
        told = (
            "routes to-history foreign, endpoints history, comments, publicNetworkAccess Disabled, identity SystemAssigned found on the hub"
        )
        assert f"{told} but not declared here; kept unchanged" in stack.printed, stack.printed
        assert found(hub)["properties"] == kept
        assert stack.control("GET", "/requests?mutating=1") == []


def declare(stack: Program, declared: str, *, private: bool = False) -> None:
    """Write the program, with these fields of HubArgs."""
    (stack.folder / "__main__.py").write_text(_PROGRAM.replace("PRIVATE", str(private)).replace("**DECLARED", f"**{declared}"))


def found(hub: Hub) -> dict[str, Any]:
    """The hub as Azure shows it."""
    shown: dict[str, Any] = hub.azure.ask("GET", hub.id).json()
    return shown


def routes(shown: dict[str, Any]) -> list[str]:
    """The names of its routes."""
    return [one["name"] for one in shown["properties"]["routing"]["routes"]]


def change(hub: Hub, edit: Any) -> None:
    """Change the hub as somebody else does: read, edit, write."""
    body = found(hub)
    edit(body["properties"])
    hub.azure.ask("PUT", hub.id, json=body)
    hub.azure.until(lambda: found(hub)["properties"].get("state") == "Active")


def make_older(stack: Program) -> None:
    """Make the state that of a version in which a HubOwner said nothing about the whole hub."""
    state = json.loads(stack.engine_says("stack", "export"))
    owner = next(one for one in state["deployment"]["resources"] if one["type"].endswith("HubOwner"))
    del owner["outputs"]["wholeHub"], owner["inputs"]["whole"]
    stack.engine_says("stack", "import", stdin=json.dumps(state))
