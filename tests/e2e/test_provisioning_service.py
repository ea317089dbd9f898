"""A provisioning service with its hub, deployed: linked by a key that is nowhere in the clear, its CA proven there."""

import json
from typing import Any

from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.program import Program

_PROGRAM = """
import pulumi
from hubtrust import CertificateAuthority, Generate, HubArgs, LinkedHub, ProvisioningService, ProvisioningServiceArgs, TrustedHub

authority = CertificateAuthority("plant", source=Generate(common_name="Plant", intermediates=0))
hub = TrustedHub("plant", authorities=[authority], hub=HubArgs(protect=False, disable_local_auth=False))
service = ProvisioningService(
    "plant",
    authorities=[authority],
    hubs=[LinkedHub(hub=hub, weight=7)],
    service=ProvisioningServiceArgs(protect=False, tags={"site": "Rosenheim"}),
    operators=["deployer"],
)
pulumi.export("hubName", hub.hub_name)
pulumi.export("resourceGroupName", hub.resource_group_name)
pulumi.export("serviceId", service.service_id)
pulumi.export("idScope", service.id_scope)
pulumi.export("hostName", service.host_name)
pulumi.export("trust", service.trust)
"""


def test_a_linked_provisioning_service(stack: Program) -> None:
    """Created, unchanged by a second `up`; a key that somebody regenerated reaches the link; gone with the stack."""
    (stack.folder / "__main__.py").write_text(_PROGRAM)
    stack.configure(devices="", canary="", operators=[])
    stack.up()
    outputs = stack.outputs()
    assert [(one["state"], one["proof"]) for one in outputs["trust"]] == [("verified", "possession")]
    with stack.azure() as azure:
        service, hub = Hub(azure, outputs["serviceId"]), stack.hub(azure)
        shown = azure.ask("GET", service.id).json()["properties"]
        assert (shown["idScope"], shown["serviceOperationsHostName"]) == (outputs["idScope"], outputs["hostName"])
        (link,) = shown["iotHubs"]
        assert (link["name"].split(".")[0], link["allocationWeight"], link["location"]) == (hub.id.rpartition("/")[2], 7, "westeurope")
        made = policies(azure, hub)
        own = made[f"hubtrust-{service.id.rpartition('/')[2]}"]
        assert set(made) > {"iothubowner", "service"}, "the hub's other policies stay"
        assert own["rights"] == "RegistryWrite, ServiceConnect"
        require_no_key(stack, own)

        stack.control("DELETE", "/requests")
        stack.up()
        assert stack.control("GET", "/requests?mutating=1") == []


def policies(azure: LocalAzure, hub: Hub) -> dict[str, dict[str, Any]]:
    """The hub's shared access policies by their names."""
    return {one["keyName"]: one for one in azure.ask("POST", f"{hub.id}/listkeys").json()["value"]}


def require_no_key(stack: Program, policy: dict[str, Any]) -> None:
    """Neither the state nor what is printed has a key of the policy in the clear."""
    state = stack.engine_says("stack", "export") + json.dumps(stack.outputs()) + stack.printed
    files = "".join(path.read_text() for path in (stack.home / "state").rglob("*.json"))
    for key in (policy["primaryKey"], policy["secondaryKey"]):
        assert key not in state + files
