"""A provisioning service with its hub, deployed: linked by a key that is nowhere in the clear, its CA proven there."""

import json
from collections.abc import Callable
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
    hubs=LINKS,
    service=ProvisioningServiceArgs(protect=False, tags={"site": "Rosenheim"}),
    operators=["deployer"],
)
other = CertificateAuthority("guest", source=Generate(common_name="Guest"))
guest = ProvisioningService.existing("guest", service.service_id, authorities=[other])
pulumi.export("hubName", hub.hub_name)
pulumi.export("resourceGroupName", hub.resource_group_name)
for name in ("service_id", "id_scope", "host_name", "device_host_name"):
    pulumi.export(name, pulumi.Output.all(getattr(service, name), getattr(guest, name)))
pulumi.export("proven", pulumi.Output.all(service.trust, guest.trust))
"""
_RULE = {"filterName": "everybody", "action": "Accept", "ipMask": "0.0.0.0/0"}
_LINKED = "[LinkedHub(hub=hub, weight=7)]"


def declare(stack: Program, links: str) -> None:
    """Write the program with these links."""
    (stack.folder / "__main__.py").write_text(_PROGRAM.replace("LINKS", links))


def test_a_linked_provisioning_service(stack: Program) -> None:
    """Created, unchanged by a second `up`; what others change is repaired, also a key; unlinked; gone with the stack."""
    declare(stack, _LINKED)
    stack.configure(devices="", canary="", operators=[])
    stack.up()
    outputs = stack.outputs()
    assert [(one["state"], one["proof"]) for of in outputs["proven"] for one in of] == [("verified", "possession")] * 2
    with stack.azure() as azure:
        service, hub = Hub(azure, outputs["service_id"][0]), stack.hub(azure)
        shown = azure.ask("GET", service.id).json()["properties"]
        assert outputs["id_scope"] == [shown["idScope"]] * 2, "that of the existing one is read from Azure"
        assert outputs["host_name"] == [shown["serviceOperationsHostName"]] * 2
        assert outputs["device_host_name"] == ["global.azure-devices-provisioning.net"] * 2
        (link,) = shown["iotHubs"]
        assert (link["name"].split(".")[0], link["allocationWeight"], link["location"]) == (hub.id.rpartition("/")[2], 7, "westeurope")
        made, name = policies(azure, hub), f"hubtrust-{service.id.rpartition('/')[2]}"
        assert set(made) > {"iothubowner", "service", name}, "the hub's other policies stay"
        assert made[name]["rights"] == "RegistryWrite, ServiceConnect"
        require_no_key(stack, made[name])
        stack.control("DELETE", "/requests")
        stack.up()
        assert stack.control("GET", "/requests?mutating=1") == []
        require_no_key(stack, made[name])

        at = f"method=GET:path=*/provisioningServices/{service.id.rpartition('/')[2]}"
        stack.control("POST", "/faults", {"spec": f"404:{at}:times=3"})
        stack.up()
        assert stack.outputs() == outputs, "Azure's false 404s lead to no second service, and lose nothing"
        stack.control("DELETE", "/faults")
        stack.control("POST", "/faults", {"spec": f"404:{at}"})
        assert stack.run("up") != 0
        assert "Azure answers 404 for it, but lists it; nothing was created or deleted" in stack.printed
        stack.control("DELETE", "/faults")

        other = {**made[name], "primaryKey": "bmV3IGtleSBvZiBzb21lYm9keSBlbHNl"}
        change(hub, lambda body: body["properties"].update(authorizationPolicies=[*({**made, name: other}.values())]))
        change(service, lambda body: body["properties"].update(allocationPolicy="Static", ipFilterRules=[_RULE]))
        stack.up()
        shown = azure.ask("GET", service.id).json()["properties"]
        assert (shown["allocationPolicy"], shown.get("ipFilterRules")) == ("Hashed", None), "what is not declared is drift"
        require_no_key(stack, other)

        declare(stack, "[]")
        stack.up()
        assert azure.ask("GET", service.id).json()["properties"]["iotHubs"] == []
        assert policies(azure, hub) == {key: value for key, value in made.items() if key != name}
        assert stack.run("destroy") == 0, stack.printed
        assert azure.http.get(azure.url(service.id), headers=azure.token).status_code == 404


def policies(azure: LocalAzure, hub: Hub) -> dict[str, dict[str, Any]]:
    """The hub's shared access policies by their names."""
    return {one["keyName"]: one for one in azure.ask("POST", f"{hub.id}/listkeys").json()["value"]}


def change(what: Hub, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change a hub or service as somebody else does: read, edit, write."""
    body = what.azure.ask("GET", what.id).json()
    edit(body)
    what.azure.ask("PUT", what.id, json=body)
    what.azure.until(lambda: what.azure.ask("GET", what.id).json()["properties"].get("state") == "Active")


def require_no_key(stack: Program, policy: dict[str, Any]) -> None:
    """Neither the state nor what is printed has a key of the policy in the clear."""
    state = stack.engine_says("stack", "export") + json.dumps(stack.outputs()) + stack.printed
    files = "".join(path.read_text() for path in (stack.home / "state").rglob("*.json"))
    assert policy["keyName"] in state
    assert "LinkPolicy" in files
    for key in (policy["primaryKey"], policy["secondaryKey"]):
        assert key not in state + files


_ADOPTING = """
import pulumi
from hubtrust import CertificateAuthority, Generate, ProvisioningService, ProvisioningServiceArgs

authority = CertificateAuthority("plant", source=Generate(common_name="Plant", intermediates=0))
args = ProvisioningServiceArgs(adopt_id="ADOPTED", protect=False, tags={"site": "Rosenheim"})
service = ProvisioningService("plant", authorities=[authority], service=args, hubs=HUBS)
pulumi.export("idScope", service.id_scope)
pulumi.export("proven", service.trust)
"""


def test_an_adopted_service_keeps_its_links(stack: Program) -> None:
    """What is not declared stays as it is, the key of its link too, in later runs as in the first; it gets the stack's tag and its CA.

    Hubs that are declared are all that it has: what is taken away is told.
    """
    assert stack.sandbox("up", "--no-program") == 0, stack.printed
    with stack.azure() as azure:
        service, rule = azure.hub("provisioningServices"), {**_RULE, "target": "all"}
        link = {"connectionString": "HostName=h.azure-devices.net;SharedAccessKeyName=own;SharedAccessKey=c2VjcmV0", "location": "westus"}
        properties = {"iotHubs": [link], "allocationPolicy": "Static", "ipFilterRules": [rule]}
        change(service, lambda body: body.update(properties=properties, tags={"cost": "4711"}))
        before = azure.ask("GET", service.id).json()
        adopting = _ADOPTING.replace("ADOPTED", service.id)
        (stack.folder / "__main__.py").write_text(adopting.replace("HUBS", "[]"))
        stack.configure(devices="", canary="", operators=[])
        stack.up()
        after = azure.ask("GET", service.id).json()
        assert after["properties"] == before["properties"]
        assert after["tags"].pop("hubtrust").startswith("organization/hubtrust/sandbox ")
        assert after["tags"] == {"cost": "4711", "site": "Rosenheim"}
        assert stack.outputs()["idScope"] == before["properties"]["idScope"]
        assert [one["proof"] for one in stack.outputs()["proven"]] == ["possession"]
        stack.control("DELETE", "/requests")
        stack.up()
        assert stack.control("GET", "/requests?mutating=1") == []

        hub = azure.hub()
        (stack.folder / "__main__.py").write_text(adopting.replace("HUBS", f"['{hub.id}']"))
        stack.up()
        assert "links to h.azure-devices.net are on the adopted provisioning service but not declared in hubs" in stack.printed
        (linked,) = azure.ask("GET", service.id).json()["properties"]["iotHubs"]
        assert linked["name"].startswith(hub.id.rpartition("/")[2])
        stack.up()
        assert "not declared in hubs" not in stack.printed
